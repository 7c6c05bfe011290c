/// What a model of servo is on the bus: its protocol, its model number and its registers.
public struct ServoModel: Sendable, Equatable {
  /// The name used on the command line: "sts3215".
  public var name: String
  public var wire: WireProtocol
  /// What its model number register holds.
  public var modelNumber: Int
  /// Steps of a turn.
  public var stepsPerTurn: Int
  /// The angle that position 0 … `positionSteps` - 1 covers, rad.
  public var span: Double
  /// Positions that the register can have in single-turn use.
  public var positionSteps: Int
  /// Registers in the order of their addresses.
  public var registers: [Register]
  /// The speeds in the order of the baud rate register's index; gaps are nil.
  public var baudRates: [Int?]
  /// What one count of the return delay register is, s; nil where it has none.
  public var returnDelayStep: Double?
  /// Where the numbers come from.
  public var source: String

  /// The register of that name.
  public func register(_ name: String) -> Register? { registers.first { $0.name == name } }

  /// The conversion of the register of that name.
  public func codec(_ name: String) -> RegisterCodec? { register(name)?.codec(bigEndian: wire.isBigEndian) }

  /// The first register of a contiguous run with these names in this order, and the run's length in bytes; nil when there
  /// is no such run.
  public func block(_ names: [String]) -> (address: Int, length: Int)? {
    let found = names.compactMap { register($0) }
    guard found.count == names.count, let first = found.first else { return nil }
    var next = first.address
    for register in found {
      guard register.address == next else { return nil }
      next += register.width
    }
    return (first.address, next - first.address)
  }

  /// What the baud rate register holds for a speed.
  public func baudIndex(_ baud: Int) -> Int? { baudRates.firstIndex(of: baud) }

  /// The models that are known.
  public static let all: [ServoModel] = [
    sts3215, sts3250, scs0009, xl330M077, xl330M288, xl430W250, xm430W350, xm540W270, ax12A,
  ]

  /// The model of that name.
  public static func named(_ name: String) -> ServoModel? { all.first { $0.name == name } }

  /// The model with that number in a protocol.
  public static func with(modelNumber: Int, wire: WireProtocol) -> ServoModel? {
    all.first { $0.modelNumber == modelNumber && $0.wire == wire }
  }
}
