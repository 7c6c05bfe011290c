import ArmModel

// Where a request leads while nothing is wrong.
extension SafetyCore {
  @_noLocks
  mutating func heed(_ inputs: SafetyInputs, now: Int64) {
    let requests = inputs.requests
    if requests.has(.reset) { refuse(.reset, .nothingLatched) }
    if state == .boot { leaveBoot(inputs) }
    if requests.has(.arm) { arm(inputs, now: now) }
    if state == .arming { continueArming(inputs) }
    switch state {
    case .hold: heedInHold(inputs, now: now)
    case .policy, .teleoperation, .handover: heedInAuthority(inputs, now: now)
    case .moving, .park: heedOnTheWay(inputs)
    case .stopping: heedInStop(requests)
    case .boot, .disarmed, .arming, .faultHold, .fault, .emergencyStop:
      refuse(requests.only(.start), .notArmed)
      refuse(requests.only(.move), .notArmed)
      refuse(requests.only(.takeOver), .nobodyInAuthority)
      if requests.has(.disarm) || requests.has(.park) { disarmAtOnce(inputs) }
    }
  }

  /// Boot ends with the first reading. An arm that is found under torque is held where its servos hold it.
  @_noLocks
  private mutating func leaveBoot(_ inputs: SafetyInputs) {
    guard inputs.readSucceeded else { return }
    guard configuration.isHardware else {
      state = .disarmed
      return
    }
    switch inputs.power {
    case .unknown, .energising: return
    case .off: state = .disarmed
    case .mixed:
      // Some hold and some do not: none shall.
      state = .disarmed
      release()
    case .on:
      let isKnown = inputs.servoGoal.count == filter.count && inputs.servoGoal.isFinite
      filter.adopt(isKnown ? inputs.servoGoal : joints.measured)
      motion.settle(joints.measured, goal: filter.goal)
      state = .hold
    }
  }

  @_noLocks
  private mutating func arm(_ inputs: SafetyInputs, now: Int64) {
    // Whoever is armed already need not be told so.
    guard state == .disarmed || state == .boot else { return }
    let reason = refusalOfArming(inputs)
    guard reason == .none else {
      refuse(.arm, reason)
      return
    }
    // A simulator that was reset holds the pose it was put into, which its joints give way from.
    if !hasAdopted { filter.adopt(joints.measured) }
    hasAdopted = false
    armingTicksLeft = configuration.armingTicks
    since = now
    isReleasing = false
    releaseTicksLeft = 0
    hasTorque = false
    motion.beginAnew()
    state = .arming
  }

  @_noLocks
  private func refusalOfArming(_ inputs: SafetyInputs) -> RefusalReason {
    if !inputs.readSucceeded || joints.notices.has(.observationOld) || state == .boot { return .notRead }
    if !inputs.person.isPresent { return configuration.isSupervised ? .operatorAbsent : .none }
    if inputs.person.mayBeEnabling { return .enableHeld }
    return inputs.person.sticksAreNeutral ? .none : .sticksNotNeutral
  }

  @_noLocks
  private mutating func continueArming(_ inputs: SafetyInputs) {
    if inputs.power != .on {
      // Torque comes on at the measured pose, and that is where the holding begins.
      if inputs.readSucceeded { filter.adopt(joints.measured) }
      armingTicksLeft = configuration.armingTicks
      return
    }
    hasTorque = true
    if armingTicksLeft <= 0 {
      state = .hold
      motion.settle(joints.measured, goal: filter.goal)
    } else {
      armingTicksLeft &-= 1
    }
  }

  /// Torque off where nothing is held yet.
  @_noLocks
  private mutating func disarmAtOnce(_ inputs: SafetyInputs) {
    guard state == .arming else { return }
    state = .disarmed
    release()
  }

  @_noLocks
  private mutating func heedInHold(_ inputs: SafetyInputs, now: Int64) {
    let requests = inputs.requests
    refuse(requests.only(.takeOver), .nobodyInAuthority)
    if requests.has(.disarm) {
      state = .disarmed
      release()
    } else if requests.has(.park) {
      beginPark(now: now)
    } else if requests.has(.start) {
      let reason = refusalOfStart(inputs)
      guard reason == .none else {
        refuse(.start, reason)
        return
      }
      beginAuthority(.policy, now: now)
    } else if requests.has(.move) {
      beginMove(inputs)
    } else if person.wasEnabledNow && inputs.personProposal.source == .person {
      // A device that proposes nothing enables only; it moves nothing.
      hasTakenOver = false
      beginAuthority(.teleoperation, now: now)
    }
  }

  @_noLocks
  private mutating func beginAuthority(_ next: SafetyState, now: Int64) {
    state = next
    since = now
    proposals.begin()
    filter.forgetTarget()
  }

  /// Why the policy may not begin. That its proposal can be executed was judged before.
  @_noLocks
  private func refusalOfStart(_ inputs: SafetyInputs) -> RefusalReason {
    if !inputs.readSucceeded || joints.notices.has(.observationOld) { return .notRead }
    if inputs.proposal.source == .none { return .noProposal }
    if motion.isOutside { return .outsideLimits }
    guard configuration.isSupervised else { return .none }
    if !inputs.person.isPresent { return .operatorAbsent }
    if !person.isEnabled { return .enableNotHeld }
    return inputs.person.sticksAreNeutral ? .none : .sticksNotNeutral
  }

  @_noLocks
  private mutating func beginMove(_ inputs: SafetyInputs) {
    guard configuration.mode == .position else {
      refuse(.move, .needsPositions)
      return
    }
    let isSet = course.begin(
      to: inputs.destination, from: filter.goal, limits: configuration.limits, speed: configuration.moveSpeed)
    guard isSet else {
      refuse(.move, .poseUnusable)
      return
    }
    proposals.begin()
    filter.forgetTarget()
    state = .moving
  }

  /// From rest to the park pose, if the arm has one; else torque goes off where it stands.
  @_noLocks
  mutating func beginPark(now: Int64) {
    let isSet =
      configuration.mode == .position
      && course.begin(
        to: configuration.parkPose, from: filter.goal, limits: configuration.limits, speed: configuration.moveSpeed,
        within: 1e-9 * Double(configuration.parkTime))
    guard isSet else {
      endInRelease()
      return
    }
    filter.forgetTarget()
    since = now
    state = .park
  }

  /// The end of a stop that switches torque off.
  @_noLocks
  mutating func endInRelease() {
    state = latched.isNone ? .disarmed : .fault
    release()
  }

  @_noLocks
  private mutating func heedInAuthority(_ inputs: SafetyInputs, now: Int64) {
    let requests = inputs.requests
    refuse(requests.only(.move), .inMotion)
    if requests.has(.disarm) {
      beginStop(.release)
    } else if requests.has(.park) {
      beginStop(.park)
    } else if isTakenOver(inputs) {
      hasTakenOver = true
      beginHandover(toPolicy: false, now: now)
      refuse(requests.only(.start), .releaseFirst)
    } else if requests.has(.yield) && isPolicys {
      beginStop(.hold)
    } else if state == .teleoperation {
      refuse(requests.only(.takeOver), .nobodyInAuthority)
      if requests.has(.start) { giveBack(inputs, now: now) }
    } else if requests.has(.takeOver) && !(state == .handover && !handover.isToPolicy) {
      refuse(.takeOver, .enableNotHeld)
    }
  }

  /// The person gives the policy authority.
  @_noLocks
  private mutating func giveBack(_ inputs: SafetyInputs, now: Int64) {
    var reason = hasTakenOver ? RefusalReason.releaseFirst : refusalOfStart(inputs)
    if reason == .none && !inputs.person.sticksAreNeutral { reason = .sticksNotNeutral }
    if reason == .none && isFar(inputs.proposal.goal) { reason = .proposalUnusable }
    guard reason == .none else {
      refuse(.start, reason)
      return
    }
    beginHandover(toPolicy: true, now: now)
  }

  @_noLocks
  private mutating func beginHandover(toPolicy: Bool, now: Int64) {
    handover.from = configuration.mode == .position ? filter.goal : lastEffort
    handover.ticksDone = 0
    handover.isToPolicy = toPolicy
    beginAuthority(.handover, now: now)
  }

  @_noLocks
  private mutating func heedOnTheWay(_ inputs: SafetyInputs) {
    let requests = inputs.requests
    refuse(requests.only(.start), .inMotion)
    refuse(requests.only(.takeOver), .nobodyInAuthority)
    if state == .park { refuse(requests.only(.move), .inMotion) }
    if requests.has(.disarm) {
      beginStop(.release)
    } else if requests.has(.park) && state == .moving {
      beginStop(.park)
    } else if requests.has(.move) && state == .moving {
      refuse(.move, .inMotion)
    }
  }

  @_noLocks
  private mutating func heedInStop(_ requests: OperatorRequests) {
    refuse(requests.only(.start), .stopping)
    refuse(requests.only(.move), .stopping)
    refuse(requests.only(.takeOver), .stopping)
    if requests.has(.disarm) {
      afterStop = .release
    } else if requests.has(.park) && afterStop == .hold {
      afterStop = .park
    }
  }
}

extension OperatorRequests {
  /// One request, if it is in this set.
  @_noLocks
  func only(_ request: OperatorRequests) -> OperatorRequests { OperatorRequests(rawValue: rawValue & request.rawValue) }
}
