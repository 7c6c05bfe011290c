import CMuJoCo
import Configuration
import Foundation

extension PhysicsModel {
  /// The largest model file that is read, bytes; meshes are separate files and do not count.
  static let largestFile = 32 << 20

  /// Loads an MJCF or URDF file.
  ///
  /// - Parameters:
  ///   - path: the file; what it includes or refers to is looked up beside it.
  ///   - searchDirectories: URDF only: where `package://NAME/…` is looked up first; after these the folders above the
  ///     file, ROS_PACKAGE_PATH and AMENT_PREFIX_PATH.
  ///   - servo: URDF only: whose armature, friction and viscous loss the joints get where the file gives none.
  /// - Throws: `SimulationError` with the file and MuJoCo's own text. A warning of MuJoCo's is an error here: a model
  ///   with a NaN in it loads "with a warning", and moves anyhow.
  public static func load(
    path: String, searchDirectories: [String] = [], servo: ServoProfile? = nil
  ) throws(SimulationError) -> PhysicsModel {
    try checkLibraryVersion()
    let text = try readText(path)
    switch try rootElement(of: text, path: path) {
    case "mujoco": return try compile(path: path, sourceText: text)
    case "robot":
      let urdf = try UniversalRobotDescription(text: text, path: path, searchDirectories: searchDirectories)
      return try compile(path: path, sourceText: text, urdf: urdf, servo: servo)
    case let other:
      throw SimulationError(
        .invalidModel, file: path, "the root element is <\(other)>; a model is <mujoco> (MJCF) or <robot> (URDF)")
    }
  }

  /// Loads a shipped model by name, or else a file by path.
  public static func named(_ nameOrPath: String) throws(SimulationError) -> PhysicsModel {
    if shipped.contains(nameOrPath) {
      return try load(path: try Resources.path("models/\(nameOrPath).xml"))
    }
    let looksLikePath = nameOrPath.contains("/") || nameOrPath.contains(".")
    if !looksLikePath && !FileManager.default.fileExists(atPath: nameOrPath) {
      throw SimulationError(
        .unknownName,
        "no model named '\(nameOrPath)'" + Naming.suggestion(nameOrPath, in: shipped)
          + "; shipped: \(shipped.joined(separator: ", ")); or give the path of an MJCF or URDF file")
    }
    return try load(path: nameOrPath)
  }

  /// The models that come with Sinew.
  public static var shipped: [String] { ["reacher", "so101"] }

  // MARK: Compiling

  private static func compile(
    path: String, sourceText: String, urdf: UniversalRobotDescription? = nil, servo: ServoProfile? = nil
  ) throws(SimulationError) -> PhysicsModel {
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    var notes = urdf?.notes ?? []
    var compiled: UnsafeMutablePointer<mjModel>?
    if let urdf {
      let losses = servo?.parameters
      var completion = sinew_mujoco_completion(
        armature: losses?.armature ?? 0, friction_loss: losses?.friction ?? 0, damping: losses?.viscous ?? 0,
        motors_added: 0, pairs_excluded: 0)
      compiled = sinew_mujoco_load(path, urdf.text, directory, &completion)
      if completion.motors_added > 0 {
        let source = servo.map { "losses of \($0.name) where the file gives none" } ?? "no servo profile, so no losses"
        notes.append("added \(completion.motors_added) torque motors, one per joint (\(source))")
      }
      if completion.pairs_excluded > 0 {
        notes.append("\(completion.pairs_excluded) pairs of links that touch in the reference pose do not collide")
      }
    } else {
      compiled = sinew_mujoco_load(path, nil, directory, nil)
    }
    let message = String(cString: sinew_mujoco_message())
    guard let compiled else { throw SimulationError(.invalidModel, file: path, message) }
    let model = PhysicsModel(taking: compiled, path: path, sourceText: sourceText, notes: notes)
    guard message.isEmpty else {
      throw SimulationError(.invalidModel, file: path, "MuJoCo warns: \(message)")
    }
    try model.tryOut()
    return model
  }

  /// Evaluates the reference pose once: a model that cannot even do that is refused now, not at the first tick.
  private func tryOut() throws(SimulationError) {
    guard timestep > 0, timestep.isFinite else {
      throw SimulationError(.invalidModel, file: path, "the time step is \(timestep) s; it must be positive")
    }
    guard let data = sinew_mujoco_make_data(pointer) else {
      throw SimulationError(
        .engine, file: path, "no memory for a simulation: \(String(cString: sinew_mujoco_message()))")
    }
    defer { sinew_mujoco_delete_data(data) }
    let status = Int(sinew_mujoco_forward(pointer, data))
    guard status == Int(SINEW_MUJOCO_OK) else {
      throw SimulationError(
        .invalidModel, file: path, "the reference pose cannot be evaluated: \(EngineStatus.explain(status))")
    }
  }

  // MARK: Reading

  private static func readText(_ path: String) throws(SimulationError) -> String {
    func refuse(_ message: String) -> SimulationError { SimulationError(.unreadableFile, file: path, message) }
    guard !path.isEmpty else { throw SimulationError(.unreadableFile, "the model's path is empty") }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw refuse("no such file; give an MJCF or URDF file, or one of: \(shipped.joined(separator: ", "))")
    }
    guard !isDirectory.boolValue else { throw refuse("is a folder; give the MJCF or URDF file in it") }
    // Opening a pipe would wait for a writer, reading a device might never end.
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refuse("is not a regular file") }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw refuse("cannot be opened; check its permissions")
    }
    defer { try? handle.close() }
    let data: Data
    do { data = try handle.read(upToCount: largestFile + 1) ?? Data() } catch { throw refuse("cannot be read") }
    guard data.count <= largestFile else {
      throw refuse("is larger than \(largestFile >> 20) MiB; a model file holds text, not meshes")
    }
    guard !data.isEmpty else { throw refuse("is empty") }
    guard !data.contains(0), let text = String(data: data, encoding: .utf8) else {
      throw refuse("is not UTF-8 text; a compiled model (.mjb) or a mesh is not accepted")
    }
    return text
  }

  /// The first element's name, past the XML declaration, comments and processing instructions.
  private static func rootElement(of text: String, path: String) throws(SimulationError) -> String {
    var rest = text[...]
    while let open = rest.firstIndex(of: "<") {
      rest = rest[open...]
      let terminator = rest.hasPrefix("<!--") ? "-->" : rest.hasPrefix("<?") ? "?>" : rest.hasPrefix("<!") ? ">" : nil
      guard let terminator else {
        let name = rest.dropFirst().prefix { !$0.isWhitespace && $0 != ">" && $0 != "/" }
        return String(name.prefix(40))
      }
      guard let end = rest.range(of: terminator) else { break }
      rest = rest[end.upperBound...]
    }
    throw SimulationError(
      .invalidModel, file: path, "holds no XML element; a model is <mujoco> (MJCF) or <robot> (URDF)")
  }
}
