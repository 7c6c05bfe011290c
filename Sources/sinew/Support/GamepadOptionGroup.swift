import ArgumentParser
import Gamepads

/// Which pad, and how it is mapped.
struct GamepadOptionGroup: ParsableArguments {
  @Option(
    help: ArgumentHelp("The pad's device, best one below /dev/input/by-id. Default: the first.", valueName: "path"))
  var pad: String?

  @Option(
    help: ArgumentHelp(
      "A mapping file (YAML), a file of SDL mappings (.txt), or one SDL mapping; may be repeated.", valueName: "file"))
  var mapping: [String] = []

  /// What pads are known; what is wrong with files in the user's own folder is said, what is named must be right.
  func mapper() throws -> PadMapper {
    let named = mapping
    let mapper = try checkingInput { try PadMapper(named: named) }
    for problem in mapper.problems { printError("warning: \(problem); this mapping is left out") }
    return mapper
  }
}
