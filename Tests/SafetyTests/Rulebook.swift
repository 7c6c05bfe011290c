import ArmModel
import Safety

/// What must hold in every tick of every core, whatever happened: who may move the arm, how faults are entered and left,
/// what a stop class means. Judged from outside, from what went in and what came out.
struct Rulebook {
  let configuration: SafetyConfiguration

  /// The first rule that a tick breaks, as a sentence; nil if it keeps all of them.
  func broken(
    _ inputs: SafetyInputs, before: SafetyState, latchedBefore: ConditionSet, goalBefore: JointVector,
    after decision: Decision
  ) -> String? {
    brokenAuthority(inputs, before: before, decision) ?? brokenCommand(before, decision, goalBefore: goalBefore)
      ?? brokenFault(inputs, before: before, latchedBefore: latchedBefore, decision)
      ?? brokenStop(inputs, before: before, decision) ?? brokenLatch(inputs, latchedBefore: latchedBefore, decision)
  }

  private func brokenAuthority(_ inputs: SafetyInputs, before: SafetyState, _ decision: Decision) -> String? {
    let after = decision.state
    if after == .policy && before != .policy {
      let isStarted = inputs.requests.contains(.start) && [.boot, .disarmed, .arming, .hold].contains(before)
      if !isStarted && before != .handover { return "the policy got authority out of \(before.name) without a start" }
      if isStarted && configuration.isSupervised && !inputs.person.enableIsHeld {
        return "a supervised policy started without enable"
      }
    }
    if after == .teleoperation && before != .teleoperation && before != .handover
      && !([.hold, .arming].contains(before) && inputs.person.enableIsHeld && inputs.person.sticksAreNeutral)
    {
      return "a person got authority without an edge of enable at neutral"
    }
    if after == .handover && ![.policy, .teleoperation, .handover].contains(before) {
      return "a hand-over out of \(before.name)"
    }
    if (after == .teleoperation || (after == .policy && configuration.isSupervised))
      && !(inputs.person.isPresent && inputs.person.enableIsHeld && !inputs.person.hasLostEvents)
    {
      return "\(after.name) without enable"
    }
    if after == .moving && before != .moving && !inputs.requests.contains(.move) { return "a move nobody asked for" }
    if after == .arming && before != .arming && !inputs.requests.contains(.arm) { return "armed without being asked" }
    return nil
  }

  private func brokenCommand(_ before: SafetyState, _ decision: Decision, goalBefore: JointVector) -> String? {
    let after = decision.state
    switch after {
    case .boot, .disarmed, .fault, .emergencyStop:
      if decision.writes || decision.source != .none { return "a write in \(after.name)" }
      if decision.power == .energise { return "torque on in \(after.name)" }
    case .arming:
      if decision.source != .stop { return "somebody moves the arm while it is being armed" }
    default:
      if !decision.writes || decision.power != .keep { return "\(after.name) does not command" }
      if decision.power == .energise { return "torque on in \(after.name)" }
    }
    if decision.power == .energise && after != .arming { return "torque on outside arming" }
    if decision.command.goal.count != configuration.limits.count || !decision.command.goal.isFinite {
      return "the command is not the arm's"
    }
    if decision.command.mode != configuration.mode { return "the command is of another mode" }
    // A gap makes the measured pose the reference, and a damped arm's goal is where it is: nothing else moves a held goal.
    let isAtRest =
      (before == .hold && after == .hold) || (before == .faultHold && after == .faultHold && decision.torqueShare == 1)
    let isRenewed = decision.active.has(.timeGap) || decision.active.has(.suspended)
    if isAtRest && !isRenewed && decision.command.goal != goalBefore && configuration.mode == .position {
      return "the goal moved while the core held"
    }
    return brokenSource(decision)
  }

  /// Who is said to move the arm is who may move it in that state.
  private func brokenSource(_ decision: Decision) -> String? {
    let allowed: [CommandSource]
    switch decision.state {
    case .boot, .disarmed, .fault, .emergencyStop: allowed = [.none]
    case .arming, .hold, .faultHold, .stopping, .moving, .park: allowed = [.stop]
    // The tick in which a hand-over ends still blends, and a policy that yields nothing is nobody.
    case .policy: allowed = [.policy, .blend, .none]
    case .teleoperation: allowed = [.person, .blend]
    case .handover: allowed = [.blend]
    }
    return allowed.contains(decision.source) ? nil : "\(decision.source.name) moves the arm in \(decision.state.name)"
  }

  private func brokenFault(
    _ inputs: SafetyInputs, before: SafetyState, latchedBefore: ConditionSet, _ decision: Decision
  ) -> String? {
    let after = decision.state
    guard before.isFault else { return nil }
    if after == .disarmed {
      if !inputs.requests.contains(.reset) { return "a fault was left without a reset" }
      if decision.active != .none { return "a fault was left while \(decision.active.conditions)" }
      if !inputs.readSucceeded { return "a fault was left blindly" }
      if decision.latched != .none { return "a reset left \(decision.latched.conditions)" }
      if before == .emergencyStop && inputs.person.isPresent
        && (inputs.person.enableIsHeld || !inputs.person.sticksAreNeutral)
      {
        return "an emergency stop was left with enable held or a stick deflected"
      }
      return nil
    }
    if after.isFault {
      let order: [SafetyState] = [.faultHold, .fault, .emergencyStop]
      guard let old = order.firstIndex(of: before), let new = order.firstIndex(of: after), new >= old else {
        return "\(before.name) became \(after.name)"
      }
      return nil
    }
    // The only motion out of a held fault is the one that ends in torque off.
    if before == .faultHold && after == .stopping && decision.stopClass == .park { return nil }
    if before == .faultHold && after == .park && decision.stopClass == .park { return nil }
    return "\(before.name) was left for \(after.name)"
  }

  private func brokenStop(_ inputs: SafetyInputs, before: SafetyState, _ decision: Decision) -> String? {
    let after = decision.state
    if decision.active == .none && decision.latched == .none && decision.torqueShare == 1 { return nil }
    let worst = decision.active.conditions.map(\.stopClass).max() ?? StopClass.none
    let moves: [SafetyState] = [.policy, .teleoperation, .handover, .moving]
    if worst != .none && moves.contains(after) { return "\(after.name) in spite of \(decision.active.conditions)" }
    if decision.latched != .none && (moves.contains(after) || after == .hold) {
      return "\(after.name) with \(decision.latched.conditions) latched"
    }
    if worst == .release && !(after == .fault || after == .emergencyStop) {
      return "torque stays on in spite of \(decision.active.conditions)"
    }
    if worst == .release && !before.isFault && decision.power != .release { return "no torque-off frame at once" }
    if worst >= .mute && decision.writes { return "not silent in spite of \(decision.active.conditions)" }
    let isEmergency = decision.active.has(.emergencyStop) || decision.active.has(.releaseRequested)
    if isEmergency && after != .emergencyStop { return "an emergency stop led to \(after.name)" }
    if decision.torqueShare < 1 && after != .faultHold { return "damped in \(after.name)" }
    return nil
  }

  private func brokenLatch(_ inputs: SafetyInputs, latchedBefore: ConditionSet, _ decision: Decision) -> String? {
    if decision.active == .none && decision.latched == latchedBefore { return nil }
    var expected = latchedBefore
    for condition in decision.active.conditions where condition.latches { expected = expected.adding(condition) }
    if decision.latched == expected { return nil }
    let isReset = inputs.requests.contains(.reset) && decision.latched == .none
    return isReset ? nil : "latched \(decision.latched.conditions), expected \(expected.conditions)"
  }
}
