/// Everything that can be wrong, or be asked of the core, each with its stop class and whether it latches.
///
/// The raw value is the bit in a `ConditionSet` and the number in logs: never reuse one.
public enum Condition: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// A stop was asked for: a signal, the command line, a stop button.
  case stopRequested = 0
  /// A proposal was not finite, not complete, in another mode than the arm's, or from a source without authority.
  case proposalInvalid = 1
  /// The source in authority has proposed nothing for more than two of its periods, or stamps its proposals ahead of
  /// the clock.
  case proposalLate = 2
  /// The arm's state is older than the limit, because reads fail.
  case observationStale = 3
  /// Reads have failed for so long that the arm counts as lost.
  case armMute = 4
  /// The arm reported a failure it cannot go on from (a diverged simulation, a lost port).
  case armFailed = 5
  /// A measured value was not finite, or the reading had another number of joints than the arm.
  case measurementInvalid = 6
  /// The loop has overrun its period too often.
  case overrunBudgetSpent = 7
  /// The loop stood still for more than ten periods.
  case timeGap = 8
  /// A command could not be written.
  case writeFailed = 9

  /// How the arm is stopped for it.
  public var stopClass: StopClass {
    @_noLocks get {
      switch self {
      case .stopRequested, .proposalInvalid, .proposalLate, .observationStale, .measurementInvalid,
        .overrunBudgetSpent, .timeGap:
        return .hold
      case .armMute, .armFailed, .writeFailed: return .mute
      }
    }
  }

  /// Whether it outlives its cause and is left by a reset only.
  public var latches: Bool {
    @_noLocks get {
      switch self {
      case .proposalInvalid, .armMute, .armFailed, .measurementInvalid, .writeFailed: return true
      case .stopRequested, .proposalLate, .observationStale, .overrunBudgetSpent, .timeGap: return false
      }
    }
  }

  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .stopRequested: "stop requested"
    case .proposalInvalid: "proposal invalid"
    case .proposalLate: "proposal late"
    case .observationStale: "observation stale"
    case .armMute: "arm mute"
    case .armFailed: "arm failed"
    case .measurementInvalid: "measurement invalid"
    case .overrunBudgetSpent: "overrun budget spent"
    case .timeGap: "time gap"
    case .writeFailed: "write failed"
    }
  }

  /// What happened and what to do next, for a person.
  public var advice: String {
    switch self {
    case .stopRequested: "a stop was requested"
    case .proposalInvalid:
      "the policy proposed a number that is not finite, or too few numbers; check its observation and weights with "
        + "'sinew policy eval', then reset"
    case .proposalLate: "the policy did not answer in time; run a smaller network or a lower rate"
    case .observationStale: "the arm's state is too old because reads fail; check cable and power"
    case .armMute: "the arm stopped answering; check cable and power, then reset"
    case .armFailed: "the arm reported a failure; see the message beside it, then reset"
    case .measurementInvalid: "the arm measured a number that is not finite; check its sensors, then reset"
    case .overrunBudgetSpent:
      "the loop overran its period too often; lower the rate or grant real-time rights ('sinew doctor')"
    case .timeGap: "the loop stood still for more than ten periods (suspend, overload); start again"
    case .writeFailed: "a command could not be written; check cable and power, then reset"
    }
  }
}

/// A set of conditions, one bit each.
public struct ConditionSet: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt64
  @_noLocks
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// No condition.
  public static var none: ConditionSet { @_noLocks get { ConditionSet(rawValue: 0) } }

  /// This set with one more condition.
  @_noLocks
  public func adding(_ condition: Condition) -> ConditionSet {
    ConditionSet(rawValue: rawValue | (1 << UInt64(condition.rawValue)))
  }

  /// Whether a condition is in the set.
  @_noLocks
  public func has(_ condition: Condition) -> Bool { rawValue & (1 << UInt64(condition.rawValue)) != 0 }

  /// The worst stop class of the set.
  public var worst: StopClass {
    @_noLocks get {
      var worst = StopClass.none
      var bits = rawValue
      while bits != 0 {
        if let condition = Condition(rawValue: UInt8(truncatingIfNeeded: bits.trailingZeroBitCount)),
          worst < condition.stopClass
        {
          worst = condition.stopClass
        }
        bits &= bits &- 1
      }
      return worst
    }
  }

  /// Only those that latch.
  public var latching: ConditionSet {
    @_noLocks get {
      var result: UInt64 = 0
      var bits = rawValue
      while bits != 0 {
        let bit = bits.trailingZeroBitCount
        if let condition = Condition(rawValue: UInt8(truncatingIfNeeded: bit)), condition.latches {
          result |= 1 << UInt64(bit)
        }
        bits &= bits &- 1
      }
      return ConditionSet(rawValue: result)
    }
  }

  /// The conditions in the order of their numbers; not for the control thread.
  public var conditions: [Condition] { Condition.allCases.filter(has) }
}
