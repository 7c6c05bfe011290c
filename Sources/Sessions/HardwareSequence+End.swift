import ArmModel
import Control
import Safety

// How a run on a physical arm ends: of stops, of its time, of faults.
extension HardwareSequence {
  /// Whether the run has reached its end.
  @_noLocks
  func isOver(_ core: borrowing RunCore) -> Bool {
    isOperated ? OperatedSequence.isOver(core) : durationCounts && core.isDurationOver
  }

  @_noLocks
  mutating func hearStops(_ core: inout RunCore, _ signals: Int32, arePressed: Bool) {
    guard signals > signalsSeen else { return }
    signalsSeen = signals
    if core.isEnding {
      // Whoever insists while the arm moves to its park pose wants it to stop: torque goes off where it comes to rest. A
      // terminal that closes, or the first word of a supervisor, wants the end that is under way.
      if arePressed || signals > 1 { skipsPark = true }
    } else {
      core.noteStop()
      wasStopped = true
      end(&core)
      skipsPark = signals > 1
    }
  }

  @_noLocks
  mutating func end(_ core: inout RunCore) {
    core.isEnding = true
    core.question = .none
    if isOperated { core.loop.concludeEpisode(.end) }
    endSince = core.loop.clock.now()
  }

  /// Asks the core for the end, tick by tick, since what it refuses while something is wrong it grants when that is over.
  @_noLocks
  mutating func towardsEnd(_ core: inout RunCore, _ state: SafetyState) -> Step {
    let spent = core.loop.clock.now() &- endSince
    if spent > HardwareSequence.endBudget { return .over }
    let parksNow = parks && !skipsPark && spent < HardwareSequence.parkBudget
    let wanted = holds ? OperatorRequests.stop : parksNow ? OperatorRequests.park : OperatorRequests.disarm
    switch state {
    // What was found under torque is left as it was found, unless the operator has agreed: then it is held first.
    case .boot: return takeover == .none ? .over : .goOn
    case .disarmed:
      // What was never switched on is left as it was found.
      return !hasArmed || core.loop.inputs.power == .off ? .over : .goOn
    // Torque that is only coming on goes off again; what was found holding is held first.
    case .arming: if !wasFoundHolding { core.loop.request(.disarm) }
    case .hold:
      if core.loop.episode.isRunning {
        // One that waits for its first proposal.
        core.loop.request(.stop)
      } else if holds {
        return .over
      } else {
        core.loop.request(wanted)
      }
    // At the end of its time the policy has yielded; a stop takes its authority, and a person's end the person's.
    case .policy, .teleoperation, .handover: if wasStopped || isOperated { core.loop.request(wanted) }
    case .moving: core.loop.request(wanted)
    case .park: if !parksNow { core.loop.request(.disarm) }
    case .stopping: if !holds { core.loop.request(wanted) }
    case .faultHold, .fault, .emergencyStop: break
    }
    return .goOn
  }

  /// A fault ends the run, unless it is a port that may come back, or a person is there who may leave it.
  @_noLocks
  mutating func afterFault(
    _ core: inout RunCore, _ state: SafetyState, _ answers: OperatorAnswers, _ signals: Int32
  ) -> Step {
    let now = core.loop.clock.now()
    guard waitsForPort, !core.isEnding, state == .fault, isDisconnected(core.loop.lastArmError) else {
      if isOperated && staysInFault(&core, signals) { return .goOn }
      // Whoever had asked for the end: this is not the one that they asked for.
      core.ending = .fault
      return state == .faultHold ? heldInFault(&core, answers, signals) : .over
    }
    if signals > 0 {
      core.ending = .stopped
      return .over
    }
    if isOperated && isOver(core) { return .over }
    if !isLost {
      isLost = true
      isDestined = false
      isReopened = false
      core.question = .none
      nextAttempt = now &+ HardwareSequence.reopenInterval
    }
    if isReopened {
      // Leads to `disarmed`, where the operator is asked again.
      core.loop.request(.reset)
      return .goOn
    }
    guard now >= nextAttempt else { return .goOn }
    nextAttempt = now &+ HardwareSequence.reopenInterval
    return .reopen
  }

  /// The core holds the arm where a fault has stopped it, and only torque off leads out. An arm that may fall is not let go
  /// of without a word: a person at the terminal is asked; without one it is left holding, unless the exit says release.
  @_noLocks
  mutating func heldInFault(_ core: inout RunCore, _ answers: OperatorAnswers, _ signals: Int32) -> Step {
    if !isHeldInFault {
      isHeldInFault = true
      answersSeen = answers
      core.question = parks && asksAfterInterruption ? .letGo : .none
      core.questionNumber &+= 1
      letsGo = !parks && !holds
    }
    let isAnswered = core.question == .letGo && answers.consents != answersSeen.consents
    if isAnswered || (signals > signalsSeen && !holds) { letsGo = true }
    signalsSeen = signals
    if letsGo {
      core.question = .none
      core.loop.request(.disarm)
      return .goOn
    }
    return core.question == .letGo ? .goOn : .over
  }

  @_noLocks
  func isDisconnected(_ error: ArmError?) -> Bool {
    guard let error else { return false }
    return error.code.rawValue == ArmError.Code.disconnected.rawValue
  }
}
