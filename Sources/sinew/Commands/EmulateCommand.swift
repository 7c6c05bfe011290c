import ArgumentParser
import ArmModel
import ArmProfiles
import CSystem
import Foundation
import VirtualServos

/// `sinew emulate`: servos that are not there, on a port that is.
struct EmulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emulate",
    abstract: "Emulate a bus of servos on a pseudo-terminal or socket.",
    discussion: """
      Prints the port's path on standard output, then serves until Ctrl-C. Any program that talks to such servos can open
      the port. Register files, protocol and bus timing are the servos' own; faults come on demand.

      With --arm the bus is that of an arm: ids, the model of each servo, two servos on one shaft where it has them. Where
      there is a simulation model (so101), the simulated arm moves behind the port. For the others (koch, vx300s, so100)
      there is none: their joints are independent, each moves between its limits as fast as its servo, without weight,
      reach or contact. That serves to try buses, calibration, limits and stops, not policies.

      With --hand, lines on standard input turn shafts whose torque is off, as a hand turns those of a real arm:
      'sinew calibrate' can so be rehearsed in two terminals. 'help' lists what the hand understands.

      Examples:
        sinew emulate --arm so101 --pty /tmp/arm --write-calibration arm.yaml
        sinew emulate --arm vx300s --pty /tmp/arm --write-calibration arm.yaml
        sinew emulate --arm koch --pty /tmp/arm --hand
        sinew emulate --model sts3215-12v --ids 1-6 --physics so101 --listen unix:/tmp/bus --unpaced
        sinew emulate --model 1-2=xl430-w250 --model 3-6=xl330-m288 --baud 1000000 --return-delay-us 0
        sinew emulate --model sts3215-12v --ids 1-6 --fault bit-errors=1e-5 --fault brown-out=3@500
        sinew emulate --arm so101 --pty /tmp/arm --double 2
        sinew emulate --model sts3215-7v4 --ids 1 --eeprom eeprom --record bus.txt

      Exit codes: 0 success, also after Ctrl-C; 1 the physics or an EEPROM file failed on the way; 2 wrong input.

      Faults (--fault name=value): \(FaultSettings.names.map { "\($0.name) (\($0.takes))" }.joined(separator: ", ")).
      Models: \(ServoModel.all.map { $0.name }.joined(separator: ", ")).
      """)

  @Option(help: "Emulate the bus of this arm: a profile's name ('sinew list arms') or a YAML file.")
  var arm: String?

  @Option(
    name: .customLong("protocol"), help: "feetech, dynamixel2 or dynamixel1. Default: what the models speak.")
  var servoProtocol: ServoProtocol?

  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "Model of every servo, such as sts3215-7v4, or of some: 3-6=xl330-m288; may be repeated. With --arm: default the arm's.",
      valueName: "model"))
  var models: [String] = []

  @Option(help: "Ids, such as 1-6 or 1,3,5. Default: 1-6, or those that --arm or --model names.")
  var ids: String?

  @Option(
    help: ArgumentHelp(
      "Ids at which a second servo of the same model answers, too, as one that was never given an id of its own.",
      valueName: "ids"))
  var double: String?

  @Option(
    help: ArgumentHelp(
      "Make a symbolic link to the pseudo-terminal; refused where another one is in use.", valueName: "link"))
  var pty: String?

  @Option(help: "Serve at a socket instead: unix:PATH, or tcp:PORT on this machine only.")
  var listen: String?

  @Option(help: "Rate of the line in bit/s, and in the servos' baud registers. Default: the arm's, or 1000000.")
  var baud: Int?

  @Flag(help: "Bytes take no time on the line; answers come at once.")
  var unpaced = false

  @Option(name: .customLong("return-delay-us"), help: "Return delay of every servo, µs. Default: the model's.")
  var returnDelay: Int?

  @Option(name: .customLong("turnaround-us"), help: "What a servo takes besides its return delay, µs.")
  var turnaround = 0

  @Option(name: .customLong("usb-latency-us"), help: "What the adaptor adds to every answer, µs.")
  var usbLatency = 0

  @Flag(help: "The adaptor gives the host its own bytes back.")
  var echo = false

  @Flag(
    name: .customLong("check-baud"), help: "Servos hear the host only at the rate in their registers (--pty only).")
  var checkBaud = false

  @Option(
    help:
      "What moves the shafts: independent, or an arm profile (so101, or a YAML file). With --arm: independent or simulated; default simulated where there is a model and no --hand."
  )
  var physics: String?

  @Option(
    name: .customLong("perturb"),
    help: ArgumentHelp(
      "A departure of the simulated arm from nominal, as for 'sinew run'; may be repeated.", valueName: "name=value"))
  var perturbations: [String] = []

  @Flag(help: "Turn released shafts as lines on standard input say; joints are independent then.")
  var hand = false

  @Option(
    name: .customLong("write-calibration"),
    help: ArgumentHelp(
      "The servos are calibrated as those of the arm (--arm, or --physics), and this file says how: for 'sinew run --calibration'.",
      valueName: "file"))
  var calibration: String?

  @Option(help: "Supply in V. Default: the model's nominal supply.")
  var voltage: Double?

  @Option(
    name: .customLong("fault"),
    help: ArgumentHelp("Something that goes wrong; may be repeated.", valueName: "name=value"))
  var faults: [String] = []

  @Option(help: "Seed of the faults.")
  var seed: UInt64 = 0

  @Option(
    name: .customLong("firmware"),
    help: ArgumentHelp(
      "Firmware version of every servo, such as 3.9 (DYNAMIXEL: 37), or of some: 2-3=3.9; may be repeated.",
      valueName: "version"))
  var firmware: [String] = []

  @Option(help: ArgumentHelp("Keep the servos' EEPROM in this folder.", valueName: "dir"))
  var eeprom: String?

  @Option(help: ArgumentHelp("Write what passed on the line to this file at the end.", valueName: "file"))
  var record: String?

  @Option(help: "End after this many seconds.")
  var duration: Double?

  @Option(
    help:
      "SCHED_FIFO priority of the servos, 1 to 99, where it is granted: real servos are not held up by what else the computer does. 0 for an ordinary thread."
  )
  var priority = 60

  func validate() throws {
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
    try refuseEmpty(["write-calibration": calibration])
    try refuseEmpty(["arm": arm, "physics": physics, "ids": ids, "double": double])
    try validateArm()
    if pty != nil && listen != nil { throw ValidationError("--pty and --listen exclude each other.") }
    if let baud { try ServoOptions.validate(baud: baud, "--baud") }
    guard (0...1_000_000).contains(turnaround), (0...1_000_000).contains(usbLatency) else {
      throw ValidationError("--turnaround-us and --usb-latency-us must be between 0 and 1000000.")
    }
    if let voltage, !(voltage > 0 && voltage <= 60) {
      throw ValidationError("--voltage must be between 0 and 60 V, found \(voltage).")
    }
    if let duration, !(duration > 0 && duration <= 1e7) {
      throw ValidationError("--duration must be between 0 and 1e7 s, found \(duration).")
    }
  }

  private func validateArm() throws {
    if arm == nil {
      if models.isEmpty {
        throw ValidationError("name the servos: --arm for an arm's, or --model, such as --model sts3215-7v4.")
      }
      if calibration != nil && (physics ?? "independent") == "independent" {
        throw ValidationError("--write-calibration is about an arm; name it with --arm.")
      }
      if physics == "simulated" { throw ValidationError("--physics simulated needs --arm.") }
    } else {
      if ids != nil { throw ValidationError("--arm says which ids there are; leave --ids out.") }
      if let physics, !["independent", "simulated"].contains(physics) {
        throw ValidationError("with --arm, --physics is independent or simulated, found \(physics).")
      }
    }
    if hand, let physics, physics != "independent" {
      throw ValidationError("--hand turns independent joints; leave out --physics \(physics).")
    }
  }

  mutating func run() throws {
    // Before the port can be seen: whoever sees it may end the command.
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    let setup = try checkingInput { try EmulationSetup(self) }
    try checkingInput { try EmulatedPlace.requireFree(link: pty, address: listen) }
    if let calibration, let known = setup.calibration { try write(known, to: calibration) }
    let server = try checkingInput { try setup.serve(self) }
    for note in setup.notes { printError("note: \(note)") }
    // Not through print: whoever waits for the port on a pipe shall see it at once.
    FileHandle.standardOutput.write(Data((server.portName + "\n").utf8))
    let line = EmulationLine()
    var person = hand ? EmulatedPerson(setup) : nil
    let start = Date()
    var hasComplained = false
    while sinew_stop_requests() == 0, duration.map({ Date().timeIntervalSince(start) < $0 }) ?? true {
      if server.priorityRefusal != 0, !hasComplained {
        hasComplained = true
        printError(
          "note: the servos run as an ordinary thread (SCHED_FIFO refused, errno \(server.priorityRefusal)); on a busy "
            + "machine their answers come late; 'sinew doctor' says what grants it")
      }
      let state = server.state
      if state.isHungUp { break }
      if person != nil {
        person?.turn(server)
      } else {
        line.show(state)
        Thread.sleep(forTimeInterval: 0.1)
      }
    }
    server.stop()
    line.finish()
    let state = server.state
    printError(EmulationLine.summary(state))
    if let record { try write(server.recording, to: record) }
    if let trouble = state.trouble { throw RunFailure(trouble) }
  }

  private func write(_ calibration: ArmCalibration, to path: String) throws {
    do {
      try Data(calibration.text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw InputError("the calibration cannot be written to '\(path)': \(error.localizedDescription)")
    }
  }

  private func write(_ recording: [BusEvent], to path: String) throws {
    let text = recording.map { $0.line + "\n" }.joined()
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw RunFailure("the recording could not be written to '\(path)': \(error.localizedDescription)")
    }
  }
}

extension ServoProtocol: ExpressibleByArgument {}
