import Configuration

/// A model of servo: its control table and the figures that its simulated motion needs.
public struct ServoModel: Sendable, Equatable {
  /// Whose control table and habits it has.
  enum Family: Sendable, Equatable {
    case feetechSTS
    case feetechSCS
    case dynamixelX(XTraits)
    case dynamixelAX
  }

  /// What differs between the X series' models beyond the numbers of the table.
  struct XTraits: Sendable, Equatable {
    /// Where the indirect addresses and the data behind them are.
    var indirect: [IndirectBlock]
    /// Unit of current, A; nil for models that report load instead and have no current modes.
    var currentUnit: Double?
  }

  struct IndirectBlock: Sendable, Equatable {
    var addresses: Int
    var data: Int
    var count: Int
  }

  /// Short name, such as "sts3215-7v4".
  public let name: String
  public let servoProtocol: ServoProtocol
  /// What the model number register says.
  public let number: Int
  /// The control table.
  public let registers: [Register]
  /// Encoder steps of a whole turn.
  public let ticksPerTurn: Double
  /// The largest position of a single turn.
  public let largestPosition: Int
  /// Largest speed without load, rad/s.
  public let noLoadSpeed: Double
  /// Current at standstill with full duty, A.
  public let stallCurrent: Double
  /// Nominal supply, V.
  public let supplyVoltage: Double
  /// The servo profile of the Simulation module that describes its motor; nil where there is none.
  public let simulationProfile: String?
  let family: Family

  /// All models, by name.
  public static let all: [ServoModel] = feetechModels + dynamixelXModels + [ax12a]

  /// A model by name.
  public static func named(_ name: String) throws(VirtualServoError) -> ServoModel {
    if let model = all.first(where: { $0.name == name }) { return model }
    let names = all.map { $0.name }
    throw VirtualServoError(
      "no servo model '\(name)'" + (Suggestion.sentence(for: name, in: names).map { "; \($0)" } ?? ""))
  }

  /// Encoder steps per radian.
  var ticksPerRadian: Double { ticksPerTurn / (2 * .pi) }
}
