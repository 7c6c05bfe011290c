import Foundation

/// A URDF file made ready for MuJoCo's importer, as text: `package://` addresses resolved to files, visual shapes left
/// out, compiler options added. Line numbers stay those of the file, so that MuJoCo's errors point at the right line.
struct UniversalRobotDescription {
  private(set) var text: String
  private(set) var notes: [String] = []

  init(text: String, path: String, searchDirectories: [String]) throws(SimulationError) {
    self.text = text
    guard !text.contains("<xacro:") else {
      throw SimulationError(.invalidModel, file: path, "is a xacro file; expand it first: xacro FILE > robot.urdf")
    }
    blankComments()
    dropVisuals()
    try resolvePackages(path: path, searchDirectories: searchDirectories)
    addCompilerOptions()
    noteWhatPhysicsLacks()
  }

  /// Comments become blanks: nothing in them may be taken for an element.
  private mutating func blankComments() {
    replaceBlocks(from: "<!--", to: "-->")
  }

  /// Visual shapes carry no mass and touch nothing; meshes that only they use need not even exist.
  private mutating func dropVisuals() {
    var dropped = replaceBlocks(from: "<visual>", to: "</visual>")
    dropped += replaceBlocks(from: "<visual ", to: "</visual>")
    if dropped > 0 { notes.append("left out \(dropped) visual shapes (the physics does not use them)") }
  }

  @discardableResult
  private mutating func replaceBlocks(from start: String, to end: String) -> Int {
    var result = ""
    var rest = text[...]
    var count = 0
    while let open = rest.range(of: start), let close = rest.range(of: end, range: open.upperBound..<rest.endIndex) {
      result += rest[..<open.lowerBound]
      result += String(repeating: "\n", count: rest[open.lowerBound..<close.upperBound].filter(\.isNewline).count)
      rest = rest[close.upperBound...]
      count += 1
    }
    text = result + rest
    return count
  }

  private mutating func resolvePackages(path: String, searchDirectories: [String]) throws(SimulationError) {
    let scheme = "package://"
    var result = ""
    var rest = text[...]
    var resolved = 0
    while let found = rest.range(of: scheme) {
      result += rest[..<found.lowerBound]
      let address = rest[found.upperBound...].prefix { $0 != "\"" && $0 != "'" }
      let parts = address.split(separator: "/", maxSplits: 1)
      guard parts.count == 2 else {
        throw SimulationError(.invalidModel, file: path, "'\(scheme)\(address.prefix(80))' names no file in a package")
      }
      result += try PackageSearch.find(
        package: String(parts[0]), file: String(parts[1]), model: path, searchDirectories: searchDirectories)
      resolved += 1
      rest = rest[address.endIndex...]
    }
    text = (result + rest).replacingOccurrences(of: "file://", with: "")
    if resolved > 0 { notes.append("resolved \(resolved) package:// addresses") }
  }

  /// Bodies keep their names (MuJoCo would fuse fixed links into their parents), paths stay whole.
  private mutating func addCompilerOptions() {
    guard text.range(of: "<mujoco") == nil, let robot = text.range(of: "<robot"),
      let end = text.range(of: ">", range: robot.upperBound..<text.endIndex)
    else { return }
    text.insert(
      contentsOf: "<mujoco><compiler strippath=\"false\" fusestatic=\"false\" discardvisual=\"true\"/></mujoco>",
      at: end.upperBound)
  }

  private mutating func noteWhatPhysicsLacks() {
    func occurrences(_ pattern: String) -> Int { text.components(separatedBy: pattern).count - 1 }
    let velocities = occurrences("velocity=")
    if velocities > 0 { notes.append("velocity limits of \(velocities) joints are not enforced by the physics") }
    let mimics = occurrences("<mimic")
    if mimics > 0 { notes.append("\(mimics) mimic joints follow their leaders through equality constraints") }
    let transmissions = occurrences("<transmission")
    if transmissions > 0 { notes.append("left out \(transmissions) transmissions") }
    let extensions = occurrences("<gazebo")
    if extensions > 0 { notes.append("left out \(extensions) gazebo extensions") }
  }
}

/// Finds the files that `package://NAME/FILE` means.
enum PackageSearch {
  static func find(
    package: String, file: String, model: String, searchDirectories: [String]
  ) throws(SimulationError) -> String {
    var tried: [String] = []
    for folder in folders(package: package, model: model, searchDirectories: searchDirectories) {
      let candidate = folder + "/" + file
      if FileManager.default.fileExists(atPath: candidate) { return candidate }
      if !tried.contains(folder) { tried.append(folder) }
    }
    throw SimulationError(
      .invalidModel, file: model,
      "package://\(package)/\(file) was not found (looked in \(Naming.list(tried, limit: 4))); "
        + "give the folder that holds '\(package)' as a search directory, or set ROS_PACKAGE_PATH")
  }

  /// The folders that may be the package, best first.
  private static func folders(package: String, model: String, searchDirectories: [String]) -> [String] {
    let environment = ProcessInfo.processInfo.environment
    func paths(_ variable: String) -> [String] {
      (environment[variable] ?? "").split(separator: ":").map(String.init)
    }
    func below(_ folder: String) -> [String] {
      // A search directory may hold the package or be it.
      URL(fileURLWithPath: folder).lastPathComponent == package
        ? [folder, "\(folder)/\(package)"] : ["\(folder)/\(package)"]
    }
    var result = searchDirectories.flatMap(below)
    var above = URL(fileURLWithPath: model).standardizedFileURL.deletingLastPathComponent()
    while above.pathComponents.count > 1 {
      result += below(above.path)
      above.deleteLastPathComponent()
    }
    result += paths("ROS_PACKAGE_PATH").flatMap(below)
    result += paths("AMENT_PREFIX_PATH").map { "\($0)/share/\(package)" }
    return result
  }
}
