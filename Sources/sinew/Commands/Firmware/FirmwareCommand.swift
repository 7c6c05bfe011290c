import ArgumentParser
import ServoBus

/// `sinew firmware`: controller boards of hobby-servo arms, by our firmware protocol.
struct FirmwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "firmware",
    abstract: "Examine, set and emulate controller boards of hobby-servo arms (our firmware protocol).",
    discussion: """
      A board drives the servos and saves the arm by itself when its host falls silent; firmware-protocol/PROTOCOL.md says \
      how. 'sinew run --unsupervised --arm hobby6 --port PORT --calibration NAME' moves an arm \
      behind one.

      Examples:
        sinew firmware info --port /dev/ttyUSB0
        sinew firmware config --port /dev/ttyUSB0 --set off_ms=2000 --store
        sinew firmware move 0=1600 --port /dev/ttyUSB0
        sinew firmware stats --port /dev/ttyUSB0
        sinew firmware emulate --pty /tmp/board --write-calibration board.yaml

      Exit codes: 0 success; 1 the board failed or refused; 2 wrong input or a port that cannot be opened.
      """,
    subcommands: [
      FirmwareInfoCommand.self, FirmwareConfigCommand.self, FirmwareStatsCommand.self, FirmwareMonitorCommand.self,
      FirmwareMoveCommand.self, FirmwareDisarmCommand.self, FirmwareCalibrationCommand.self,
      FirmwareEmulateCommand.self,
    ])
}

/// Which board a command talks to.
struct FirmwareOptions: ParsableArguments {
  @Option(help: "Serial port (a link below /dev/serial/by-id is best), pseudo-terminal, or path of a socket.")
  var port: String

  @Option(help: "Speed of the line, bit/s.")
  var baud = 115_200

  func validate() throws {
    try ServoOptions.validate(port: port)
    try ServoOptions.validate(baud: baud, "--baud")
  }

  /// Opens the port; nothing is sent yet. Notes about the adaptor go to standard error.
  func open() throws -> BoardPort {
    var notes: [String] = []
    do throws(PortError) {
      let transport = try BusPort.open(path: port, baud: baud, notes: &notes)
      for note in notes { printError("note: \(note)") }
      return BoardPort(transport, baud: baud)
    } catch { throw InputError(error.description) }
  }
}

/// Runs something on a board: what goes wrong there is the run's failure.
func onBoard<Result>(_ body: () throws(ServoArmError) -> Result) throws -> Result {
  do throws(ServoArmError) { return try body() } catch { throw RunFailure(error.description) }
}

/// `sinew firmware disarm`: outputs off.
struct FirmwareDisarmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disarm", abstract: "Switch a board's outputs off, and clear what it has latched.",
    discussion: """
      The arm may fall: support it. A board that has stopped by itself (silent host, fault, emergency stop) is brought back \
      to idle, unless the cause is still there; nothing is switched on by it.

      Example:
        sinew firmware disarm --port /dev/ttyUSB0

      Exit codes: 0 the outputs are off and the board is idle; 1 the board does not answer or refuses; 2 wrong input or a \
      port that cannot be opened.
      """)

  @OptionGroup var board: FirmwareOptions

  mutating func run() throws {
    var port = try board.open()
    let state = try onBoard { () throws(ServoArmError) in
      try port.open()
      return try port.disarm()
    }
    print("the board is \(BoardNames.state(state)), its outputs are off")
  }
}
