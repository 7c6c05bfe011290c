import Control
import Safety
import Simulation

/// What a person should feel in their hands while they look at the arm.
public enum OperatorCue: Sendable, Equatable {
  /// The arm is armed.
  case armed
  /// An episode was recorded.
  case recorded
  /// Something stopped the arm, or it is at a limit.
  case stopped
}

/// Finds in the statuses of a run, one after the other, what a person should feel.
public struct OperatorCues {
  private var state = SafetyState.boot
  private var episodes = 0
  private var isAtLimit = false

  public init() {}

  /// What the newest status gives to feel, if anything: the worst first.
  public mutating func next(_ status: LoopStatus) -> OperatorCue? {
    let (before, counted, wasAtLimit) = (state, episodes, isAtLimit)
    state = status.state
    episodes = status.statistics.count
    isAtLimit = status.state == .teleoperation && status.teleoperation.limitation.has(.jointRange)
    if state.isFault && !before.isFault { return .stopped }
    // Who lets enable go, or asks for the end, knows.
    let isOwn = status.causes.conditions.allSatisfy { $0 == .enableReleased || $0 == .stopRequested }
    if state == .stopping && before != .stopping && !isOwn { return .stopped }
    if isAtLimit && !wasAtLimit { return .stopped }
    if episodes > counted { return .recorded }
    let wasOff = before == .boot || before == .disarmed || before == .arming
    return state == .hold && wasOff ? .armed : nil
  }
}
