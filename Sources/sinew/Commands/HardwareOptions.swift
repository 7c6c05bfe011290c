import ArgumentParser
import Sessions

/// The physical arm that a command drives, where it drives one.
struct HardwareOptions: ParsableArguments {
  @Option(help: "Arm profile: a shipped name (so101) or a YAML file. Without --port the arm is simulated.")
  var arm: String?

  @Option(
    help: ArgumentHelp(
      "Drive the real arm on this port: a serial device (a link below /dev/serial/by-id is best), a pseudo-terminal or the path of a socket.",
      valueName: "port"))
  var port: String?

  @Option(help: "The arm's calibration: a name (calibration/NAME.yaml) or a file, see 'sinew calibrate'.")
  var calibration: String?

  @Option(help: "Speed of the bus, bit/s. Default: the arm profile's.")
  var baud: Int?

  @Option(
    help:
      "What happens to the arm in the end: park (go to the park pose, then torque off), release (torque off where it stands), or hold (torque stays on). Default: park."
  )
  var exit: ArmExit?

  @Option(
    name: .customLong("on-crash"),
    help:
      "What becomes of the arm when the program dies of a mistake of its own, or of the third Ctrl-C: hold (the servos keep the last goal, torque stays on) or release (torque off, the arm may fall). Default: hold."
  )
  var onCrash: CrashPolicy?

  @Option(
    name: .customLong("on-unplug"),
    help: "When the port goes away: end, or wait for it; torque then comes on again only when you say so. Default: end."
  )
  var onUnplug: UnplugPolicy?

  @Option(
    name: .customLong("stall-periods"),
    help: ArgumentHelp(
      "Control periods within which a watchdog stops the arm as --on-crash says and ends the program, when a tick does not end; 0: nobody watches. Default: 4, and at least 2 s with --allow-non-realtime.",
      valueName: "periods"))
  var stallPeriods: Int?

  @Flag(
    help:
      "Switch torque on without asking, once, or take over an arm that is under torque already: the arm moves by itself. One that is only partly under torque is left alone all the same."
  )
  var yes = false

  @Flag(help: "Simulate the arm although the configuration names a port.")
  var simulate = false

  func validate() throws {
    try ServoOptions.validate(port: port)
    try refuseEmpty(["arm": arm, "calibration": calibration])
    if let baud { try ServoOptions.validate(baud: baud, "--baud") }
    if let stallPeriods, stallPeriods != 0, !(2...10_000).contains(stallPeriods) {
      throw ValidationError("--stall-periods must be 0, or between 2 and 10000 control periods, found \(stallPeriods).")
    }
    if simulate && port != nil { throw ValidationError("--simulate and --port exclude each other.") }
  }
}

extension ArmExit: ExpressibleByArgument {}
extension CrashPolicy: ExpressibleByArgument {}
extension UnplugPolicy: ExpressibleByArgument {}
