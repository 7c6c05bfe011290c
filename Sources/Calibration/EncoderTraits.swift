import ServoBus

/// How a servo's encoder counts, and what its homing offset does to it. Raw ticks are the encoder's own, without offset.
public struct EncoderTraits: Sendable, Equatable {
  /// What the homing offset register does.
  public enum OffsetRule: Sendable, Equatable {
    /// There is none.
    case none
    /// The position reads raw - offset, within one turn (Feetech).
    case subtracted(limit: Int)
    /// The position reads raw + offset; in position mode an offset beyond `positionLimit` is ignored (DYNAMIXEL).
    case added(limit: Int, positionLimit: Int)
  }

  /// Ticks of a whole turn of the shaft, by the encoder's resolution.
  public var stepsPerTurn: Int
  /// Ticks after which the raw position begins again; nil for a potentiometer, which has ends.
  public var turn: Int?
  /// Positions of single-turn use: 0 ..< positions.
  public var positions: Int
  public var offset: OffsetRule

  /// An encoder of 4096 steps that turns without an end, unless told otherwise.
  public init(stepsPerTurn: Int = 4096, turn: Int? = 4096, positions: Int = 4096, offset: OffsetRule) {
    self.stepsPerTurn = stepsPerTurn
    self.turn = turn
    self.positions = positions
    self.offset = offset
  }

  /// What a servo model's registers say.
  public init(_ model: ServoModel) {
    let turn = model.positionSteps == model.stepsPerTurn ? model.stepsPerTurn : nil
    var rule = OffsetRule.none
    if let codec = model.codec("homing_offset") {
      rule =
        model.wire == .dynamixel2
        // e-Manual, Homing Offset (20): its range, and what position mode makes of it.
        ? .added(limit: 1_044_479, positionLimit: 1024) : .subtracted(limit: codec.range.upperBound)
    }
    self.init(stepsPerTurn: model.stepsPerTurn, turn: turn, positions: model.positionSteps, offset: rule)
  }

  /// The raw position of a servo whose position register and homing offset read so, within one turn.
  /// `isMultiTurn`: it is in a mode where every offset counts.
  public func raw(present: Int, homingOffset: Int, isMultiTurn: Bool) -> Int {
    switch offset {
    case .none: return wrapped(present)
    case .subtracted: return wrapped(present + homingOffset)
    case .added(_, let positionLimit):
      let counts = isMultiTurn || abs(homingOffset) <= positionLimit
      return wrapped(present - (counts ? homingOffset : 0))
    }
  }

  /// Within 0 ..< turn; as it is where there is no turn.
  func wrapped(_ value: Int) -> Int {
    guard let turn else { return value }
    let rest = value % turn
    return rest < 0 ? rest + turn : rest
  }

  /// The same distance by the shorter way round: -turn/2 ..< turn/2.
  func shortest(_ distance: Int) -> Int {
    guard let turn else { return distance }
    return wrapped(distance + turn / 2) - turn / 2
  }

  /// The number of whole turns below `value`.
  func turns(_ value: Int) -> Int {
    guard let turn else { return 0 }
    return (value - wrapped(value)) / turn
  }
}
