import ArmModel

// What is wrong in this tick.
extension SafetyCore {
  @_noLocks
  mutating func judge(_ inputs: SafetyInputs, _ found: inout ConditionJoints, now: Int64) -> ConditionSet {
    var active = judgeRequests(inputs)
    if inputs.armFailed { active = active.adding(.armFailed) }
    if inputs.writeFailed { active = active.adding(.writeFailed) }
    active = active.adding(loop.judge(inputs, configuration, now: now))
    active = active.adding(joints.judge(inputs, isEnergised: isEnergised, configuration, &found))
    active = active.adding(judgeMotion(inputs, &found, isMeasured: !active.has(.measurementInvalid), now: now))
    active = active.adding(judgePerson(inputs.person, now: now))
    return active.adding(judgeProposals(inputs, now: now))
  }

  @_noLocks
  private func judgeRequests(_ inputs: SafetyInputs) -> ConditionSet {
    var active = ConditionSet.none
    // A device that is gone says nothing any more.
    let device = inputs.person.isPresent
    if inputs.requests.has(.stop) || inputs.remoteRequests.has(.stop) || (device && inputs.person.stopIsPressed) {
      active = active.adding(.stopRequested)
    }
    if inputs.requests.has(.release) || (device && inputs.person.releaseIsPressed) {
      active = active.adding(.releaseRequested)
    }
    return inputs.externalStop ? active.adding(.emergencyStop) : active
  }

  /// Whether every joint should be under torque.
  private var isEnergised: Bool {
    @_noLocks get {
      switch state {
      case .boot, .disarmed, .arming, .fault, .emergencyStop: return false
      case .hold, .teleoperation, .policy, .handover, .stopping, .park, .moving, .faultHold: return true
      }
    }
  }

  @_noLocks
  private mutating func judgeMotion(
    _ inputs: SafetyInputs, _ found: inout ConditionJoints, isMeasured: Bool, now: Int64
  ) -> ConditionSet {
    guard configuration.monitors.watchesArm else { return .none }
    // Of an arm that has failed nothing is known, its torque included; and a servo that lets go while the arm is being
    // armed is not switched on again in passing.
    let isUnderTorque = (isEnergised || (state == .arming && hasTorque)) && !inputs.armFailed
    var active = configuration.judgeHealth(inputs.health, power: inputs.power, isEnergised: isUnderTorque, &found)
    if state == .arming { active = active.adding(judgeArming(inputs, &found, now: now)) }
    guard inputs.readSucceeded && isMeasured && joints.hasMeasured else { return active }
    active = active.adding(motion.judgeRange(joints.measured, isExcused: !isEnergised, configuration, &found))
    guard isEnergised && configuration.mode == .position && !isDamping else { return active }
    let goal = filter.goal
    let standsStill = state == .hold || state == .faultHold
    active = active.adding(
      motion.judgeFollowing(
        joints.measured, joints: inputs.joints, goal: goal, standsStill: standsStill, configuration, &found))
    if standsStill {
      return active.adding(motion.judgeStandstill(joints.measured, goal: goal, configuration, &found))
    }
    motion.settle(joints.measured, goal: goal)
    return active
  }

  /// Torque comes on at the measured pose, and there the arm stays.
  @_noLocks
  private func judgeArming(_ inputs: SafetyInputs, _ found: inout ConditionJoints, now: Int64) -> ConditionSet {
    guard inputs.power == .on else {
      return now &- since > configuration.monitors.armingTime ? ConditionSet.none.adding(.armingTimedOut) : .none
    }
    guard configuration.mode == .position else { return .none }
    let goal = filter.goal
    var active = ConditionSet.none
    for index in 0..<goal.count
    where (joints.measured[index] - goal[index]).magnitude > configuration.monitors.armingDrift {
      active = active.adding(.armingDrifted)
      found.note(.armingDrifted, joint: index)
    }
    return active
  }

  /// Whether the arm moves only as long as a person holds enable.
  private var needsPerson: Bool {
    @_noLocks get {
      switch state {
      case .teleoperation: return true
      case .policy: return configuration.isSupervised
      case .handover: return !handover.isToPolicy || configuration.isSupervised
      default: return false
      }
    }
  }

  /// Whether somebody, or the core on request, moves the arm: then a device that goes away is a reason to stop.
  private var isInMotion: Bool {
    @_noLocks get { state == .policy || state == .teleoperation || state == .handover || state == .moving }
  }

  @_noLocks
  private func judgePerson(_ device: OperatorState, now: Int64) -> ConditionSet {
    let active = ConditionSet.none
    if person.vanished && isInMotion { return active.adding(.operatorLost) }
    guard needsPerson else { return active }
    let isSilent =
      device.hasGoneSilent
      || (device.isWireless && person.isSilent(for: configuration.monitors.operatorSilence, now: now))
    if !person.isEnabled && device.hasLostEvents { return active.adding(.operatorEventsLost) }
    if isSilent { return active.adding(.operatorSilent) }
    return person.isEnabled ? active : active.adding(.enableReleased)
  }

  /// Whether the policy has authority, or is about to.
  var isPolicys: Bool {
    @_noLocks get { state == .policy || (state == .handover && handover.isToPolicy) }
  }

  /// Whether a person takes the policy's authority in this tick.
  @_noLocks
  func isTakenOver(_ inputs: SafetyInputs) -> Bool {
    return isPolicys && person.isEnabled && (!inputs.person.sticksAreNeutral || inputs.requests.has(.takeOver))
  }

  @_noLocks
  private mutating func judgeProposals(_ inputs: SafetyInputs, now: Int64) -> ConditionSet {
    var isInvalid = false
    var isLate = false
    var isTooFar = false
    if isTakenOver(inputs) {
      if inputs.personProposal.source != .none {
        isInvalid = !ProposalMonitor.isWellFormed(inputs.personProposal, of: .person, configuration)
        isTooFar = !isInvalid && isFar(inputs.personProposal.goal)
      }
    } else if isPolicys || (mayStart && inputs.requests.has(.start)) {
      if inputs.proposal.source == .none {
        // A source that yields in this tick owes no proposal.
        isLate = isPolicys && !inputs.requests.has(.yield)
      } else {
        isInvalid = !ProposalMonitor.isWellFormed(inputs.proposal, of: .policy, configuration)
        isLate = !isInvalid && !ProposalMonitor.isFresh(inputs.proposal.stamp, configuration, now: now)
      }
    }
    if state == .hold && person.wasEnabledNow && inputs.personProposal.source == .person {
      isInvalid = isInvalid || !ProposalMonitor.isWellFormed(inputs.personProposal, of: .person, configuration)
      isTooFar = isTooFar || (!isInvalid && isFar(inputs.personProposal.goal))
    }
    if isMovedByPerson {
      let proposal = inputs.personProposal
      if proposal.source == .none {
        isLate = !ProposalMonitor.isFresh(since, configuration, now: now)
      } else {
        isInvalid = isInvalid || !ProposalMonitor.isWellFormed(proposal, of: .person, configuration)
        // What a device has not said since the person got authority is not late yet.
        let stamp = proposal.stamp < since ? since : proposal.stamp
        isLate = isLate || !ProposalMonitor.isFresh(stamp, configuration, now: now)
      }
    }
    var active = proposals.noteValidity(
      isInvalid: isInvalid, limit: configuration.monitors.invalidProposals, now: now)
    if isLate && !isInvalid { active = active.adding(.proposalLate) }
    if isTooFar { active = active.adding(.handoverRefused) }
    return isInMotion ? active.adding(proposals.conditions(configuration)) : active
  }

  /// Whether a start of the policy is looked at.
  private var mayStart: Bool {
    @_noLocks get {
      switch state {
      case .boot, .disarmed, .arming, .hold, .teleoperation: return true
      default: return false
      }
    }
  }

  /// Whether a goal is too far from what is commanded for a hand-over.
  @_noLocks
  func isFar(_ goal: JointVector) -> Bool {
    guard configuration.mode == .position else { return false }
    let commanded = filter.goal
    for index in 0..<commanded.count
    where (goal[index] - commanded[index]).magnitude > configuration.handoverDistance {
      return true
    }
    return false
  }
}
