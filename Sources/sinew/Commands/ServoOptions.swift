import ArgumentParser
import ServoBus

extension WireProtocol: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
  public static var allValueStrings: [String] { allCases.map(\.name) }
}

/// Which bus a servo command talks on.
struct ServoOptions: ParsableArguments {
  @Option(help: "Serial port (a link below /dev/serial/by-id is best), pseudo-terminal, or path of a socket.")
  var port: String

  @Option(
    name: .customLong("protocol"), help: "What the servos speak: feetech, feetech-scs, dynamixel1 or dynamixel2.")
  var wire = WireProtocol.feetechSTS

  @Option(help: "Speed of the bus, bit/s.")
  var baud = 1_000_000

  /// Opens the bus; notes about the adaptor go to standard error.
  func open() throws -> BusMaster {
    var notes: [String] = []
    let transport = try checkingInput { try TransportBox(BusPort.open(path: port, baud: baud, notes: &notes)) }
    for note in notes { printError("note: \(note)") }
    return BusMaster(transport.take(), wire: wire, timing: BusTiming(baud: baud))
  }
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
func servoIDs(_ text: String) throws -> [UInt8] {
  guard let ids = IDList.parse(text) else {
    throw InputError("--ids \(text) is no list of ids from 0 to 253; write for example 1-6 or 1,2,5")
  }
  return ids
}
