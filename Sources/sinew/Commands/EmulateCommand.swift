import ArgumentParser
import ArmModel
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

      Examples:
        sinew emulate --protocol feetech --model sts3215-7v4 --ids 1-6 --pty /tmp/arm --physics so101 --write-calibration arm.yaml
        sinew emulate --protocol dynamixel2 --model xl330-m288 --ids 1-6 --baud 1000000 --return-delay-us 0
        sinew emulate --protocol dynamixel2 --model xl430-w250 --ids 1,2 --listen unix:/tmp/bus --unpaced
        sinew emulate --protocol feetech --model sts3215-12v --ids 1-6 --fault bit-errors=1e-5 --fault brown-out=3@500
        sinew emulate --protocol feetech --model sts3215-7v4 --ids 1 --eeprom eeprom --record bus.txt

      Exit codes: 0 success, also after Ctrl-C; 1 the physics or an EEPROM file failed on the way; 2 wrong input.

      Faults (--fault name=value): \(FaultSettings.names.map { "\($0.name) (\($0.takes))" }.joined(separator: ", ")).
      Models: \(ServoModel.all.map { $0.name }.joined(separator: ", ")).
      """)

  @Option(name: .customLong("protocol"), help: "feetech, dynamixel2 or dynamixel1.")
  var servoProtocol: ServoProtocol

  @Option(help: "Model of every servo, such as sts3215-7v4 or xl330-m288.")
  var model: String

  @Option(help: "Ids, such as 1-6 or 1,3,5.")
  var ids = "1-6"

  @Option(help: ArgumentHelp("Make a symbolic link to the pseudo-terminal.", valueName: "link"))
  var pty: String?

  @Option(help: "Serve at a socket instead: unix:PATH, or tcp:PORT on this machine only.")
  var listen: String?

  @Option(help: "Rate of the line in bit/s, and in the servos' baud registers.")
  var baud = 1_000_000

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

  @Option(help: "What moves the shafts: independent, or an arm profile (so101, or a YAML file).")
  var physics = "independent"

  @Option(
    name: .customLong("write-calibration"),
    help: ArgumentHelp(
      "The servos are calibrated as those of the arm that --physics names, and this file says how: for 'sinew run --calibration'.",
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
    if calibration != nil && physics == "independent" {
      throw ValidationError("--write-calibration is about an arm; name it with --physics.")
    }
    if pty != nil && listen != nil { throw ValidationError("--pty and --listen exclude each other.") }
    guard (1...10_000_000).contains(baud) else {
      throw ValidationError("--baud must be between 1 and 10000000, found \(baud).")
    }
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

  mutating func run() throws {
    let joints = try calibration.map { try writeCalibration(to: $0) }
    // Before the port can be seen: whoever sees it may end the command.
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    let server = try checkingInput { try makeServer(joints) }
    // Not through print: whoever waits for the port on a pipe shall see it at once.
    FileHandle.standardOutput.write(Data((server.portName + "\n").utf8))
    let line = EmulationLine()
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
      line.show(state)
      if state.isHungUp { break }
      Thread.sleep(forTimeInterval: 0.1)
    }
    server.stop()
    line.finish()
    let state = server.state
    printError(EmulationLine.summary(state))
    if let record { try write(server.recording, to: record) }
    if let trouble = state.trouble { throw RunFailure(trouble) }
  }

  /// `joints`: what the servos are calibrated as; nil for servos fresh from the factory.
  private func makeServer(_ joints: [JointCalibration]?) throws -> ServoBusServer {
    let model = try ServoModel.named(model)
    guard model.servoProtocol == servoProtocol else {
      throw InputError(
        "\(model.name) speaks \(model.servoProtocol.rawValue), not \(servoProtocol.rawValue); give --protocol \(model.servoProtocol.rawValue)"
      )
    }
    var servos = try ServoSetup.servos(model, ids: try ServoIDs.parse(ids), baud: baud, returnDelay: returnDelay)
    if let joints { servos = zip(servos, joints).map { $0.calibrated(as: $1) } }
    let timing = BusTiming(
      baud: unpaced ? nil : baud, turnaround: Int64(turnaround) * 1000, usbLatency: Int64(usbLatency) * 1000,
      echoes: echo, checksBaud: checkBaud)
    var configuration = VirtualBusConfiguration(
      servos: servos, timing: timing, faults: try FaultSettings.parse(faults), seed: seed)
    configuration.eepromFolder = eeprom
    configuration.supplyVoltage = voltage
    configuration.recordingLimit = record == nil ? 0 : 1_000_000
    let world: (any ServoPhysics)? =
      physics == "independent" ? nil : try SimulatedArmPhysics(profile: physics, servo: model)
    let bus = try VirtualServoBus(configuration, physics: world)
    let priority = priority == 0 ? nil : priority
    if let listen { return try ServoBusServer.listening(bus, at: listen, priority: priority) }
    return try ServoBusServer.pseudoTerminal(bus, link: pty, priority: priority)
  }

  /// The calibration of servos whose horns sit straight: joint position 0 where a new servo's encoder says its middle.
  private func writeCalibration(to path: String) throws -> [JointCalibration] {
    let calibration = try checkingInput {
      try EmulatedCalibration.make(profile: physics, model: ServoModel.named(model), ids: ServoIDs.parse(ids))
    }
    do {
      try Data(calibration.text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw InputError("the calibration cannot be written to '\(path)': \(error.localizedDescription)")
    }
    return calibration.joints
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

/// The live line of an emulation on standard error; a plain line every ten seconds where that is no terminal.
private final class EmulationLine {
  private var lastPlain: Int64 = 0
  private var hasShown = false

  func show(_ state: BusState) {
    if Terminal.isInteractive {
      Terminal.showLine(Self.text(state))
      hasShown = true
    } else if state.time - lastPlain >= 10_000_000_000 {
      lastPlain = state.time
      printError(Self.text(state))
    }
  }

  func finish() {
    if hasShown { Terminal.clearLine() }
  }

  static func text(_ state: BusState) -> String {
    var parts = [
      "\(Format.fixed(Double(state.time) * 1e-9, 1)) s", state.isHostPresent ? "host" : "no host",
      "in \(state.counts.instructions)", "out \(state.counts.answers)",
    ]
    if state.counts.damaged > 0 { parts.append("damaged \(state.counts.damaged)") }
    if state.counts.collisions > 0 { parts.append("collisions \(state.counts.collisions)") }
    let servos = state.servos.map { servo in
      var text = "\(servo.id):\(servo.position)"
      if servo.isTorqueOn { text += "*" }
      if !servo.isListening { text += " SILENT" }
      if servo.isWatchdogTripped { text += " WATCHDOG" }
      if servo.errorBits != 0 { text += " ERROR " + String(servo.errorBits, radix: 16) }
      return text
    }
    parts.append(servos.joined(separator: " "))
    if let trouble = state.trouble { parts.append(trouble) }
    return parts.joined(separator: " | ")
  }

  static func summary(_ state: BusState) -> String {
    let counts = state.counts
    let faults = state.faults
    var text =
      "\(counts.instructions) instructions, \(counts.answers) answers, \(counts.damaged) damaged, \(counts.collisions) collisions"
    let injected = [
      ("bit errors", faults.bitErrors), ("bytes dropped", faults.droppedBytes),
      ("answers dropped", faults.droppedPackets), ("garbage", faults.garbage), ("duplicates", faults.duplicates),
      ("split", faults.splits), ("late", faults.late),
    ].filter { $0.1 > 0 }
    if !injected.isEmpty { text += "; faults: " + injected.map { "\($0.0) \($0.1)" }.joined(separator: ", ") }
    return text
  }
}
