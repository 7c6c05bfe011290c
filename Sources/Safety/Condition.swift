/// Everything that can be wrong, or be asked of the core, each with its stop class and whether it latches.
///
/// The raw value is the bit in a `ConditionSet` and the number in logs: never reuse one.
public enum Condition: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// A stop was asked for: a signal, the command line, a stop button.
  case stopRequested = 0
  /// A proposal was not finite, not complete, in another mode than the arm's, far outside the limits, or from a source
  /// without authority.
  case proposalInvalid = 1
  /// The source in authority has proposed nothing for more than two of its periods, or stamps its proposals ahead of
  /// the clock.
  case proposalLate = 2
  /// A joint's datum is older than ten periods although its servo answers; or, where joints are not watched one by one,
  /// reads have failed three times in a row.
  case observationStale = 3
  /// A joint has not answered for so long that the arm counts as lost.
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
  /// Enable was released while it was needed.
  case enableReleased = 10
  /// The operator's device is gone.
  case operatorLost = 11
  /// A wireless device without a heartbeat has said nothing for three seconds while enable was held.
  case operatorSilent = 12
  /// Events of the operator's device were lost, perhaps the release of enable among them.
  case operatorEventsLost = 13
  /// A joint has not answered three times in a row.
  case jointSilent = 14
  /// More than a twentieth of the bus's replies were damaged within a second.
  case busErrors = 15
  /// A servo reports overload, over-current or heat: damped, then released.
  case servoOverload = 16
  /// A servo reports a supply outside its limits.
  case servoVoltage = 17
  /// A servo's position sensor reports a fault: nothing it says or does can be relied on.
  case servoSensor = 18
  /// A joint that should be under torque is not: its servo has let go or has started again.
  case torqueLost = 19
  /// A servo's own watchdog has stopped it.
  case servoWatchdog = 20
  /// A joint measured three times in a row what it cannot have moved to.
  case measurementJumped = 21
  /// A joint has been too far from its goal for too long.
  case trackingError = 22
  /// A joint pushes with great effort and does not get where it should: a stall or a collision.
  case obstructed = 23
  /// A joint was measured outside its limits, and further outside than before.
  case outsideLimits = 24
  /// The way to the goal has led into the arm itself or out of the workspace for half a second.
  case collisionPredicted = 25
  /// More than half of the proposals of a second were far beyond what the limits allow.
  case clampedTooOften = 26
  /// As many proposals were invalid within ten seconds as the configuration allows.
  case proposalsInvalid = 27
  /// The machine was suspended.
  case suspended = 28
  /// A joint that should stand still has moved away from its goal.
  case standstillLost = 29
  /// A joint moved while torque was switched on.
  case armingDrifted = 30
  /// Torque was not confirmed in time.
  case armingTimedOut = 31
  /// The external emergency-stop input is open.
  case emergencyStop = 32
  /// An immediate release of torque was asked for.
  case releaseRequested = 33
  /// Old and new source were too far apart for a hand-over.
  case handoverRefused = 34

  /// Its bit in a set. The enumeration's own raw value is generic code in any other file of this module.
  var bit: Int { @_noLocks get { Int(rawValue) } }

  /// How the arm is stopped for it.
  public var stopClass: StopClass {
    @_noLocks get {
      switch self {
      case .stopRequested, .proposalInvalid, .proposalLate, .observationStale, .measurementInvalid,
        .overrunBudgetSpent, .timeGap, .enableReleased, .operatorLost, .operatorSilent, .operatorEventsLost,
        .jointSilent, .busErrors, .torqueLost, .servoWatchdog, .measurementJumped, .outsideLimits,
        .collisionPredicted, .clampedTooOften, .proposalsInvalid, .suspended, .handoverRefused:
        return .hold
      case .armMute, .armFailed, .writeFailed:
        return .mute
      case .servoOverload, .trackingError, .obstructed:
        return .damp
      case .servoVoltage, .standstillLost:
        return .park
      case .servoSensor, .armingDrifted, .armingTimedOut, .emergencyStop, .releaseRequested:
        return .release
      }
    }
  }

  /// Whether it outlives its cause and is left by a reset only.
  public var latches: Bool {
    @_noLocks get {
      switch self {
      case .armMute, .armFailed, .measurementInvalid, .writeFailed, .jointSilent, .servoOverload,
        .servoVoltage, .servoSensor, .torqueLost, .servoWatchdog, .measurementJumped, .trackingError,
        .obstructed, .proposalsInvalid, .standstillLost, .armingDrifted, .armingTimedOut, .emergencyStop,
        .releaseRequested:
        return true
      case .stopRequested, .proposalInvalid, .proposalLate, .observationStale, .overrunBudgetSpent, .timeGap,
        .enableReleased, .operatorLost, .operatorSilent, .operatorEventsLost, .busErrors, .outsideLimits,
        .collisionPredicted, .clampedTooOften, .suspended, .handoverRefused:
        return false
      }
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
  /// Whether there is no condition in it.
  var isNone: Bool { @_noLocks get { rawValue == 0 } }

  /// This set with one more condition.
  @_noLocks
  public func adding(_ condition: Condition) -> ConditionSet {
    ConditionSet(rawValue: rawValue | (1 << UInt64(condition.rawValue)))
  }

  /// This set with those of another.
  @_noLocks
  func adding(_ other: ConditionSet) -> ConditionSet { ConditionSet(rawValue: rawValue | other.rawValue) }

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
