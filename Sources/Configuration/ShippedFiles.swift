import Glibc

/// The files that ship with the program (tasks, arm profiles, …), found beside the executable.
///
/// Searched, in this order: the folder that the environment's SINEW_RESOURCES names, the executable's own folder (as the
/// build leaves it), and `../share/sinew` seen from it (as an installation leaves it). Below it, `sinew_MODULE.resources`.
public enum ShippedFiles {
  /// The path of `folder` among the resources of `module`, or nil when it is in none of the places searched.
  public static func folder(_ folder: String, ofModule module: String) -> String? {
    var places: [String] = []
    if let named = getenv("SINEW_RESOURCES") { places.append(String(cString: named)) }
    if let own = executableFolder() { places += [own, own + "/../share/sinew"] }
    for place in places {
      let path = "\(place)/sinew_\(module).resources/\(folder)"
      if access(path, R_OK | X_OK) == 0 { return path }
    }
    return nil
  }

  /// The names, without `fileExtension`, of the shipped files of a folder, sorted.
  public static func names(in folderName: String, ofModule module: String, fileExtension: String) -> [String] {
    guard let path = folder(folderName, ofModule: module), let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix("." + fileExtension) { names.append(String(name.dropLast(fileExtension.count + 1))) }
    }
    return names.sorted()
  }

  /// The path of what a user named: a shipped file by its name, or any file by its path.
  /// `kind` ("task") says in the error what was looked for.
  public static func resolve(
    _ nameOrPath: String, in folderName: String, ofModule module: String, fileExtension: String, kind: String
  ) throws(ConfigurationError) -> String {
    if nameOrPath.contains("/") || nameOrPath.hasSuffix("." + fileExtension) { return nameOrPath }
    let known = names(in: folderName, ofModule: module, fileExtension: fileExtension)
    if known.contains(nameOrPath), let path = folder(folderName, ofModule: module) {
      return "\(path)/\(nameOrPath).\(fileExtension)"
    }
    guard !known.isEmpty else {
      throw ConfigurationError(
        file: nameOrPath, message: "the files that ship with sinew are not beside the program",
        suggestion: "set SINEW_RESOURCES to the folder that holds sinew_\(module).resources")
    }
    throw ConfigurationError(
      file: nameOrPath, message: "there is no shipped \(kind) of this name",
      suggestion: (Suggestion.nearest(to: nameOrPath, in: known).map { "did you mean '\($0)'? Else" }
        ?? "shipped: \(known.joined(separator: ", ")); else") + " give the path of a .\(fileExtension) file")
  }

  private static func executableFolder() -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, Int(PATH_MAX))
    guard count > 0 else { return nil }
    let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let slash = path.lastIndex(of: "/") else { return nil }
    return String(path[..<slash])
  }
}
