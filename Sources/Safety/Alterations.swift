/// What the filter did to a proposal.
public struct Alterations: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// Nothing.
  static var none: Alterations { @_noLocks get { Alterations(rawValue: 0) } }
  /// The goal lay beyond a joint limit.
  public static var position: Alterations { @_noLocks get { Alterations(rawValue: 1) } }
  /// The goal was too far for the velocity limit.
  public static var velocity: Alterations { @_noLocks get { Alterations(rawValue: 2) } }
  /// The change of speed was too large for the acceleration limit, or the joint has to brake in time.
  public static var acceleration: Alterations { @_noLocks get { Alterations(rawValue: 4) } }
  /// The effort was larger than its limit, or pushed a joint further out of its range.
  public static var effort: Alterations { @_noLocks get { Alterations(rawValue: 8) } }
  /// The proposal was not executed at all: the core held or stopped.
  public static var overruled: Alterations { @_noLocks get { Alterations(rawValue: 16) } }
  /// The change of acceleration was too large for the jerk limit.
  public static var jerk: Alterations { @_noLocks get { Alterations(rawValue: 32) } }
  /// The goal was further from the measured position than the arm may move by itself.
  public static var reach: Alterations { @_noLocks get { Alterations(rawValue: 64) } }
  /// The way there led into the arm itself or out of the workspace.
  public static var collision: Alterations { @_noLocks get { Alterations(rawValue: 128) } }

  @_noLocks
  func adding(_ other: Alterations) -> Alterations { Alterations(rawValue: rawValue | other.rawValue) }
}

/// In how many ticks each kind of alteration happened so far.
public struct AlterationCounts: Sendable, BitwiseCopyable {
  private var counts: InlineArray<8, UInt64> = InlineArray(repeating: 0)

  @_noLocks
  init() {}

  @_noLocks
  mutating func note(_ alterations: Alterations) {
    for bit in 0..<8 where alterations.rawValue & (1 << UInt8(truncatingIfNeeded: bit)) != 0 { counts[bit] &+= 1 }
  }

  /// Ticks with an alteration of this one kind.
  @_noLocks
  public func ticks(with kind: Alterations) -> UInt64 {
    kind.rawValue == 0 ? 0 : counts[kind.rawValue.trailingZeroBitCount]
  }
}
