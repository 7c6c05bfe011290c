import ArgumentParser
import Control
import Gamepads

/// What the person holds.
struct OperatorDeviceOptions: ParsableArguments {
  @OptionGroup var gamepad: GamepadOptionGroup

  @Option(
    help: ArgumentHelp(
      "Replay a recorded pad instead of listening to one: an evemu recording (evemu-record), or 'square', which ships.",
      valueName: "file"))
  var recording: String?

  @Flag(
    help: ArgumentHelp(
      "Use the terminal's keyboard instead of a gamepad. A keyboard cannot hold enable: it is meant for simulated arms, and "
        + "moves a real one only with this flag, with a warning."))
  var keyboard = false

  @Option(help: "Speed tier at the start, percent of full speed: 25, 50 or 100. Default: 50.")
  var speed: Int?

  @Option(help: "What the sticks move at the start: tool or joints. Default: tool.")
  var control: ControlMode?

  enum ControlMode: String, ExpressibleByArgument, CaseIterable { case tool, joints }

  func validate() throws {
    try refuseEmpty(["pad": gamepad.pad, "recording": recording])
    if let speed, ![25, 50, 100].contains(speed) {
      throw ValidationError("--speed must be 25, 50 or 100, found \(speed).")
    }
    let devices = [("--recording", recording != nil), ("--pad", gamepad.pad != nil), ("--keyboard", keyboard)].filter(
      \.1)
    if devices.count > 1 { throw ValidationError("\(devices[0].0) and \(devices[1].0) exclude each other.") }
  }

  /// Speeds and mode for the run.
  var settings: TeleoperationSettings {
    var settings = TeleoperationSettings()
    settings.tier = speed == 25 ? 0 : (speed == 100 ? 2 : 1)
    settings.mode = control == .joints ? .firstJoints : .tool
    return settings
  }

  /// The name of an option that was given, if one was.
  var given: String? {
    let all: [(String, Bool)] = [
      ("--pad", gamepad.pad != nil), ("--mapping", !gamepad.mapping.isEmpty), ("--recording", recording != nil),
      ("--keyboard", keyboard), ("--speed", speed != nil), ("--control", control != nil),
    ]
    return all.first { $0.1 }?.0
  }
}
