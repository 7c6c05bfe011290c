import Configuration
import Glibc

/// The files that ship with this module.
enum Resources {
  /// The path of `folder/name`.
  static func path(_ relative: String) throws(SimulationError) -> String {
    let parts = relative.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, let folder = ShippedFiles.folder(parts[0], ofModule: "Simulation"),
      access("\(folder)/\(parts[1])", R_OK) == 0
    else {
      throw SimulationError(
        .unreadableFile, file: relative,
        "the files that ship with sinew are not beside the program; set SINEW_RESOURCES to the folder that holds "
          + "sinew_Simulation.resources")
    }
    return "\(folder)/\(parts[1])"
  }
}
