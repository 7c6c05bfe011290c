import ArgumentParser
import CSystem
import Foundation
import ServoBus
import ServoWire
import VirtualServos

/// `sinew firmware emulate`: a controller board that is not there, on a port that is.
struct FirmwareEmulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "emulate",
    abstract: "Emulate a controller board of a hobby-servo arm on a pseudo-terminal or socket.",
    discussion: """
      Prints the port's path on standard output, then serves until Ctrl-C. The board's state machine is that of the reference \
      firmware; its servos are not there: what it would put out is shown on standard error.

      Examples:
        sinew firmware emulate --pty /tmp/board --write-calibration board.yaml
        sinew run --unsupervised --arm hobby6 --port /tmp/board --calibration ./board.yaml
        sinew firmware emulate --listen unix:/tmp/board --baud 1000000 --fault estop=5000 --fault bit-errors=1e-5

      Exit codes: 0 success, also after Ctrl-C; 2 wrong input.

      Faults (--fault name=value): \(VirtualBoardFaults.names.map { "\($0.name) (\($0.takes))" }.joined(separator: ", ")).
      """)

  @Option(help: "How many channels the board has, 1 to 16.")
  var channels = 6
  @Option(help: ArgumentHelp("Make a symbolic link to the pseudo-terminal.", valueName: "link"))
  var pty: String?
  @Option(help: "Serve at a socket instead: unix:PATH, or tcp:PORT on this machine only.")
  var listen: String?
  @Option(help: "Rate of the line, bit/s.")
  var baud = 115_200
  @Flag(help: "Bytes take no time on the line.")
  var unpaced = false
  @Option(help: "Supply of the servos, V.")
  var supply = 6.0
  @Option(help: "The arm whose calibration --write-calibration writes: a profile with hobby servos.")
  var arm = "hobby6"
  @Option(
    name: .customLong("write-calibration"),
    help: ArgumentHelp(
      "Write the calibration that the arm's profile gives nominally: for 'sinew run --calibration'.", valueName: "file")
  )
  var calibration: String?
  @Option(
    name: .customLong("fault"),
    help: ArgumentHelp("Something that goes wrong; may be repeated.", valueName: "name=value"))
  var faults: [String] = []
  @Option(help: "Seed of the faults.")
  var seed: UInt64 = 0
  @Option(help: "End after this many seconds.")
  var duration: Double?
  @Option(help: "SCHED_FIFO priority of the board, 1 to 99, where it is granted; 0 for an ordinary thread.")
  var priority = 60

  func validate() throws {
    try refuseEmpty(["write-calibration": calibration, "arm": arm])
    if pty != nil && listen != nil { throw ValidationError("--pty and --listen exclude each other.") }
    guard (1...16).contains(channels) else {
      throw ValidationError("--channels must be between 1 and 16, found \(channels).")
    }
    try ServoOptions.validate(baud: baud, "--baud")
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
    guard supply > 0, supply <= 60 else {
      throw ValidationError("--supply must be between 0 and 60 V, found \(supply).")
    }
    if let duration, !(duration > 0 && duration <= 1e7) {
      throw ValidationError("--duration must be between 0 and 1e7 s, found \(duration).")
    }
  }

  mutating func run() throws {
    let parsed: VirtualBoardFaults = try checkingInput { try VirtualBoardFaults.parse(faults) }
    try checkingInput { try EmulatedPlace.requireFree(link: pty, address: listen) }
    if let calibration { try writeCalibration(to: calibration) }
    // Before the port can be seen: whoever sees it may end the command.
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    let server = try checkingInput { try makeServer(parsed) }
    // Not through print: whoever waits for the port on a pipe shall see it at once.
    FileHandle.standardOutput.write(Data((server.portName + "\n").utf8))
    let start = Date()
    var shown = ""
    while sinew_stop_requests() == 0, duration.map({ Date().timeIntervalSince(start) < $0 }) ?? true {
      let state = server.state
      if Terminal.isInteractive {
        Terminal.showLine(Self.text(state))
      } else {
        let change = "\(BoardNames.state(state.state)) (\(BoardNames.cause(state.cause)))"
        if change != shown { printError(Self.text(state)) }
        shown = change
      }
      Thread.sleep(forTimeInterval: 0.05)
    }
    server.stop()
    if Terminal.isInteractive { Terminal.clearLine() }
    let state = server.state
    printError("\(state.receivedBytes) bytes heard, \(state.sentFrames) frames sent, \(state.starts) starts")
  }

  private func makeServer(_ faults: VirtualBoardFaults) throws -> BoardServer {
    var configuration = VirtualBoardConfiguration()
    configuration.channels = channels
    configuration.baud = unpaced ? nil : baud
    configuration.supply = supply
    configuration.seed = seed
    configuration.faults = faults
    let board = VirtualBoard(configuration)
    let priority = priority == 0 ? nil : priority
    if let listen { return try BoardServer.listening(board, at: listen, priority: priority) }
    return try BoardServer.pseudoTerminal(board, link: pty, priority: priority)
  }

  private func writeCalibration(to path: String) throws {
    let nominal = try FirmwareCalibrationCommand.nominal(
      of: arm, name: nil, origin: "sinew firmware emulate, the profile's nominal figures")
    do {
      try Data(nominal.text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw InputError("the calibration cannot be written to '\(path)': \(error.localizedDescription)")
    }
  }

  private static func text(_ state: VirtualBoardState) -> String {
    let pulses = state.pulses.map { $0 == 0 ? "off" : Format.fixed($0, 1) }.joined(separator: " ")
    return "\(Format.fixed(Double(state.time) * 1e-9, 1)) s | \(state.isHostPresent ? "host" : "no host") | "
      + "\(BoardNames.state(state.state)) (\(BoardNames.cause(state.cause))) | rail \(state.hasRail ? "on" : "off") | \(pulses)"
  }
}
