import ArgumentParser
import ServoBus

/// A protocol by its name. Not the enumeration itself: of such a one, help would print the raw value.
struct ProtocolArgument: ExpressibleByArgument {
  var wire: WireProtocol
  /// It is that of controller boards, which have commands of their own.
  private(set) var isBoards = false

  init(_ wire: WireProtocol) { self.wire = wire }
  init?(argument: String) {
    guard argument != "firmware" else {
      self.init(.feetechSTS)
      isBoards = true
      return
    }
    guard let wire = WireProtocol(name: argument) else { return nil }
    self.init(wire)
  }
  static var allValueStrings: [String] { WireProtocol.allCases.map(\.name) }
  var defaultValueDescription: String { wire.name }
}

/// Which bus a servo command talks on.
struct ServoOptions: ParsableArguments {
  @Option(help: "Serial port (a link below /dev/serial/by-id is best), pseudo-terminal, or path of a socket.")
  var port: String

  @Option(
    name: .customLong("protocol"), help: "What the servos speak.")
  var protocolArgument = ProtocolArgument(.feetechSTS)
  var wire: WireProtocol {
    get { protocolArgument.wire }
    set { protocolArgument = ProtocolArgument(newValue) }
  }

  @Option(help: "Speed of the bus, bit/s.")
  var baud = 1_000_000

  func validate() throws {
    try Self.validate(port: port)
    try Self.validate(baud: baud, "--baud")
    guard !protocolArgument.isBoards else { throw ValidationError(Self.boardsAdvice) }
  }

  /// Refuses what names no port.
  static func validate(port: String?) throws {
    if port?.isEmpty == true {
      throw ValidationError(
        "--port must not be empty; give a device such as /dev/ttyUSB0 ('sinew port list' shows which there are).")
    }
  }

  /// Hobby servos have neither ids nor registers; their board has.
  static let boardsAdvice =
    "Servos behind a controller board answer nothing; their board does: 'sinew firmware info' says who it is, 'config' its "
    + "settings, 'monitor' what it does, and 'sinew firmware move 0=1600' moves the servo on channel 0."

  /// Refuses what is no speed of a bus.
  static func validate(baud: Int, _ option: String) throws {
    guard SerialPort.speeds.contains(baud) else {
      throw ValidationError(
        "\(option) must be between \(SerialPort.speeds.lowerBound) and \(SerialPort.speeds.upperBound) bit/s, such as 1000000; found \(baud)."
      )
    }
  }

  /// Opens the bus; notes about the adaptor go to standard error.
  func open() throws -> BusMaster {
    var notes: [String] = []
    let transport = try checkingInput { try TransportBox(BusPort.open(path: port, baud: baud, notes: &notes)) }
    for note in notes { printError("note: \(note)") }
    let taken = transport.take()
    let timing = BusTiming.patient(baud: baud, adaptorLatency: taken.adaptorLatency)
    return BusMaster(taken, wire: wire, timing: timing)
  }
}

/// When an id that is looked for counts as nobody's.
struct SilenceOptions: ParsableArguments {
  @Option(help: "How long an id may stay silent, ms, besides the time on the wire. More for adaptors that are slow.")
  var patience = Int(BusScan.usualPatience / 1_000_000)

  func validate() throws {
    guard (1...1000).contains(patience) else {
      throw ValidationError("--patience must be between 1 and 1000 ms, found \(patience).")
    }
  }

  var nanoseconds: Int64 { Int64(patience) * 1_000_000 }
}

/// Carries an owner through functions that need something copyable.
private final class TransportBox {
  private var transport: Transport?
  init(_ transport: consuming Transport) { self.transport = consume transport }
  func take() -> Transport {
    guard let taken = transport.take() else { preconditionFailure("taken twice") }
    return taken
  }
}

/// Runs an operation on a bus: what goes wrong there is the run's failure, a wrong request the user's.
func onBus<Result>(_ body: () throws(BusError) -> Result) throws -> Result {
  do throws(BusError) {
    return try body()
  } catch {
    if error.kind == .invalidRequest { throw InputError("\(error)") }
    throw RunFailure("\(error)")
  }
}

/// Servo ids from the command line.
func servoIDs(_ text: String, option: String = "--ids") throws -> [UInt8] {
  guard let ids = IDList.parse(text) else {
    throw InputError("\(option) \(text) is no list of ids from 0 to 253; write for example 1-6 or 1,2,5")
  }
  return ids
}

/// A servo's id on the command line.
struct ServoIDArgument: ExpressibleByArgument {
  let number: Int
  init?(argument: String) {
    guard let number = Int(argument) else { return nil }
    self.number = number
  }

  /// The id, where it is one that servos have.
  func id(_ option: String) throws -> UInt8 {
    guard let id = UInt8(exactly: number), id <= 253 else {
      throw ValidationError("\(option) must be between 0 and 253, found \(number).")
    }
    return id
  }
}
