import ArmModel

// What is commanded.
extension SafetyCore {
  @_noLocks
  mutating func act(_ inputs: SafetyInputs, active: ConditionSet, now: Int64) -> Decision {
    endDamping(now: now)
    var decision = Decision(
      command: JointCommand(mode: configuration.mode, goal: filter.goal, stamp: now), state: state, active: active,
      latched: latched, stopClass: stopClass(of: active.adding(latched)), notices: joints.notices)
    if motion.isOutside { decision.notices = decision.notices.adding(.outsideLimits) }
    switch state {
    case .boot, .disarmed, .fault, .emergencyStop: decision.power = powerAtRest(inputs.power)
    case .arming where inputs.power != .on:
      decision.power = .energise
      decision.source = .stop
    case .arming, .hold, .faultHold:
      decision.writes = true
      decision.source = .stop
      if isDamping {
        decision.torqueShare = configuration.monitors.dampTorqueShare
        if joints.hasMeasured { filter.adopt(joints.measured) }
      }
    case .policy, .teleoperation, .handover:
      decision.writes = true
      follow(inputs, into: &decision, now: now)
    case .moving, .park:
      decision.writes = true
      decision.source = .stop
      travel(now: now)
    case .stopping:
      decision.writes = true
      decision.source = .stop
      if filter.decelerate() { endStop(now: now) }
    }
    settle(inputs, into: &decision)
    return decision
  }

  /// What the state has become while acting, and what the core commands by itself.
  @_noLocks
  private mutating func settle(_ inputs: SafetyInputs, into decision: inout Decision) {
    if decision.state != .policy && decision.state != .teleoperation && decision.state != .handover {
      decision.command.goal = restingGoal()
      lastEffort = JointVector(repeating: 0, count: filter.count)
      let isProposed = inputs.proposal.source != .none || inputs.personProposal.source != .none
      if isProposed { decision.alterations = .overruled }
    }
    decision.state = state
    if state == .disarmed || state == .fault {
      // The stop has ended with torque off: from here on nothing is written.
      if decision.writes {
        decision.writes = false
        decision.source = .none
        decision.power = powerAtRest(inputs.power)
      }
    }
  }

  /// Switches torque off until the arm confirms it, and at least three times.
  @_noLocks
  private mutating func powerAtRest(_ power: ArmPower) -> PowerRequest {
    if releaseTicksLeft > 0 {
      releaseTicksLeft &-= 1
      return .release
    }
    if power == .off { isReleasing = false }
    return isReleasing ? .release : .keep
  }

  /// An overloaded servo is damped for a while, then released.
  @_noLocks
  private mutating func endDamping(now: Int64) {
    guard isDamping && latched.has(.servoOverload) && now &- dampingSince >= configuration.monitors.dampTime else {
      return
    }
    state = .fault
    release()
  }

  /// The arm stands still at the end of a stop.
  @_noLocks
  private mutating func endStop(now: Int64) {
    switch afterStop {
    case .hold:
      state = latched.isNone ? .hold : .faultHold
      motion.settle(joints.measured, goal: filter.goal)
    case .park: beginPark(now: now)
    case .release: endInRelease()
    }
  }

  /// One tick of a motion of the core's own.
  @_noLocks
  private mutating func travel(now: Int64) {
    var alterations = Alterations.none
    var altered: UInt16 = 0
    _ = filter.advance(
      to: course.destination, measured: joints.measured, reach: reach, fastest: course.fastest,
      capsules: configuration.capsules, alterations: &alterations, joints: &altered)
    if state == .moving {
      proposals.noteExecution(isExcessive: false, isBlocked: filter.isBlocked, configuration, now: now)
    }
    if filter.isAtRest && filter.goal == course.destination {
      if state == .park {
        endInRelease()
      } else {
        state = .hold
        motion.settle(joints.measured, goal: filter.goal)
      }
    } else if state == .park && now &- since >= configuration.parkTime {
      beginStop(.release)
    }
  }

  @_noLocks
  private func restingGoal() -> JointVector {
    configuration.mode == .position ? filter.goal : JointVector(repeating: 0, count: filter.count)
  }

  /// Commands what the source in authority wants, as far as it may.
  @_noLocks
  private mutating func follow(_ inputs: SafetyInputs, into decision: inout Decision, now: Int64) {
    let isPolicys = isPolicys
    let proposal = isPolicys ? inputs.proposal : inputs.personProposal
    decision.source = state == .handover ? .blend : proposal.source
    var target = proposal.goal
    // What a device said long before the person had authority is not late yet, and moves nothing either.
    var isThere =
      proposal.source != .none && (isPolicys || ProposalMonitor.isFresh(proposal.stamp, configuration, now: now))
    if state == .teleoperation { decision.source = .person }
    if state == .handover { target = blended(target, isThere: isThere, isThere: &isThere) }
    if isPolicys && proposals.isFrozen(proposal, now: now) {
      decision.notices = decision.notices.adding(.policyFrozen)
    }
    guard isThere && !joints.notices.has(.observationOld) else {
      // Nothing to go by: brake and wait.
      _ = filter.decelerate()
      decision.command.goal = restingGoal()
      lastEffort = JointVector(repeating: 0, count: filter.count)
      return
    }
    if configuration.mode == .position {
      shapePosition(target, into: &decision)
    } else {
      shapeEffort(target, into: &decision)
    }
    proposals.noteExecution(
      isExcessive: isPolicys && isExcessive(target, decision),
      isBlocked: filter.isBlocked && configuration.mode == .position,
      configuration, now: now)
  }

  /// The target of a hand-over, and its end.
  @_noLocks
  private mutating func blended(_ goal: JointVector, isThere: Bool, isThere hasTarget: inout Bool) -> JointVector {
    handover.ticksDone &+= 1
    let ticks = configuration.ticks(configuration.handoverTime)
    let part = Double(handover.ticksDone) / Double(ticks)
    let target = isThere ? handover.blend(goal, part: part < 1 ? part : 1) : handover.from
    hasTarget = true
    if handover.ticksDone >= ticks { state = handover.isToPolicy ? .policy : .teleoperation }
    return target
  }

  @_noLocks
  private mutating func shapePosition(_ target: JointVector, into decision: inout Decision) {
    decision.command.goal = filter.advance(
      to: target, measured: joints.measured, reach: reach, fastest: configuration.limits.velocity,
      capsules: configuration.capsules, alterations: &decision.alterations, joints: &decision.alteredJoints)
  }

  /// Efforts within their limits, and none that pushes a joint further out of its range.
  @_noLocks
  private mutating func shapeEffort(_ target: JointVector, into decision: inout Decision) {
    let limits = configuration.limits
    for index in 0..<target.count {
      var effort = target[index]
      if effort.magnitude > limits.effort[index] { effort = effort > 0 ? limits.effort[index] : -limits.effort[index] }
      let position = joints.measured[index]
      let pushesOut =
        (position >= limits.upper[index] && effort > 0) || (position <= limits.lower[index] && effort < 0)
      if configuration.isHardware && pushesOut { effort = 0 }
      if effort != target[index] {
        decision.alterations = .effort
        decision.alteredJoints |= 1 << UInt16(truncatingIfNeeded: index)
      }
      decision.command.goal[index] = effort
    }
    lastEffort = decision.command.goal
  }

  /// Whether a proposal asks for far more than the limits allow: beyond a joint limit, for more effort than there is, or
  /// for a goal that full speed does not reach within two of the source's periods.
  @_noLocks
  private func isExcessive(_ target: JointVector, _ decision: Decision) -> Bool {
    if configuration.mode == .effort { return decision.alterations.rawValue & Alterations.effort.rawValue != 0 }
    for index in 0..<target.count {
      if target[index] > configuration.limits.upper[index] + 1e-3
        || target[index] < configuration.limits.lower[index] - 1e-3
      {
        return true
      }
      let near = configuration.limits.velocity[index] * 2e-9 * Double(configuration.proposalPeriod)
      if (target[index] - decision.command.goal[index]).magnitude > near { return true }
    }
    return false
  }
}
