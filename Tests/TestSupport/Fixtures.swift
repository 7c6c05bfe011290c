import Foundation

/// The fixtures that other people's software made, kept beside the project's folder.
public enum Fixtures {
  /// `../shared/fixtures` seen from the package's root, or what SINEW_FIXTURES names.
  public static var root: URL {
    if let path = ProcessInfo.processInfo.environment["SINEW_FIXTURES"] { return URL(fileURLWithPath: path) }
    return packageRoot.deletingLastPathComponent().appendingPathComponent("shared/fixtures")
  }

  /// The package's root folder.
  public static var packageRoot: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  }

  /// Whether the fixtures are there. In CI (`CI=true`) their absence is an error, so this says true and the test fails
  /// on the missing file.
  public static var areAvailable: Bool {
    ProcessInfo.processInfo.environment["CI"] == "true" || FileManager.default.fileExists(atPath: root.path)
  }

  /// A file below `root`.
  public static func url(_ path: String) -> URL { root.appendingPathComponent(path) }
}
