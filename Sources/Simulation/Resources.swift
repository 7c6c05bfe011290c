import Foundation

/// The files that ship with this module.
enum Resources {
  static func path(_ relative: String) throws(SimulationError) -> String {
    let path = Bundle.module.bundleURL.appendingPathComponent(relative).path
    guard FileManager.default.fileExists(atPath: path) else {
      throw SimulationError(.unreadableFile, file: path, "a file that ships with Sinew is missing; build again")
    }
    return path
  }
}
