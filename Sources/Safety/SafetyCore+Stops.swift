import ArmModel

// Where a condition leads.
extension SafetyCore {
  @_noLocks
  mutating func move(_ inputs: SafetyInputs, active: ConditionSet, fresh: ConditionSet, now: Int64) {
    let remote = OperatorRequests(rawValue: inputs.remoteRequests.rawValue & ~OperatorRequests.stop.rawValue)
    refuse(remote, .notLocal)
    if active.has(.timeGap) || active.has(.suspended) {
      // The arm has long come to rest, perhaps elsewhere: going on from the old goal and speed would be a jump.
      let isSeen = inputs.readSucceeded && !active.has(.measurementInvalid)
      let position = isSeen ? inputs.joints.position : filter.goal
      filter.adopt(position)
      if isSeen {
        hasAdopted = false
        joints.adopt(position)
        motion.settle(position, goal: position)
      }
    }
    if state.isFault {
      leaveOrWorsenFault(inputs, active: active, fresh: fresh, now: now)
      return
    }
    switch stopClass(of: active.adding(latched)) {
    case .none: heed(inputs, now: now)
    case .hold: stopAndHold(inputs, active: active)
    case .damp: damp(now: now)
    case .park: stopAndPark(active: active)
    case .mute: state = .fault
    case .release: releaseAll(active)
    }
    if !active.isNone || !latched.isNone { refuseInStop(inputs) }
  }

  /// S0: torque off at once.
  @_noLocks
  private mutating func releaseAll(_ active: ConditionSet) {
    let isEmergency = active.has(.emergencyStop) || active.has(.releaseRequested)
    state = isEmergency ? .emergencyStop : .fault
    release()
  }

  /// Begins to switch torque off.
  @_noLocks
  mutating func release() {
    isReleasing = true
    releaseTicksLeft = SafetyCore.releaseTicks
    isDamping = false
  }

  /// S2d: the arm gives way.
  @_noLocks
  private mutating func damp(now: Int64) {
    switch state {
    case .boot, .disarmed: state = .fault
    case .arming:
      state = .fault
      release()
    default:
      state = .faultHold
      beginDamping(now: now)
    }
  }

  @_noLocks
  private mutating func beginDamping(now: Int64) {
    if !isDamping { dampingSince = now }
    isDamping = true
  }

  /// Whether the arm can be brought to its park pose: it has one, and nothing says that it pushes against something.
  private var canPark: Bool {
    @_noLocks get {
      configuration.mode == .position && configuration.parkPose.count == filter.count
        && !latched.has(.obstructed) && !latched.has(.trackingError) && !latched.has(.servoOverload)
    }
  }

  /// S1: to rest, to the park pose, torque off.
  @_noLocks
  private mutating func stopAndPark(active: ConditionSet) {
    switch state {
    case .boot, .disarmed: state = .fault
    case .arming:
      state = .fault
      release()
    case .park:
      // A person who presses stop now has had enough of motion.
      if active.has(.stopRequested) { beginStop(.release) }
    case .stopping:
      if active.has(.stopRequested) && afterStop == .park {
        afterStop = .release
      } else if afterStop == .hold {
        afterStop = canPark ? .park : .release
      }
    default: beginStop(canPark ? .park : .release)
    }
  }

  @_noLocks
  mutating func beginStop(_ after: AfterStop) {
    state = .stopping
    afterStop = after
  }

  /// S2: to rest, and hold.
  @_noLocks
  private mutating func stopAndHold(_ inputs: SafetyInputs, active: ConditionSet) {
    switch state {
    case .arming where inputs.power != .on:
      // Whatever is wrong, it is no time to switch torque on.
      endInRelease()
    case .arming where latched.isNone:
      // Being stopped is no way to become armed: the arming time begins anew.
      armingTicksLeft = configuration.armingTicks
    case .hold:
      // At rest already, and watched: a stop that is asked for again and again does not begin the watch anew.
      if !latched.isNone { state = .faultHold }
      if inputs.requests.has(.disarm) { beginStop(.release) }
    case .arming, .policy, .teleoperation, .handover, .moving, .park: beginStop(.hold)
    case .stopping: if active.has(.stopRequested) && afterStop == .park { afterStop = .hold }
    case .boot, .disarmed, .faultHold, .fault, .emergencyStop:
      // Nothing is commanded yet, so there is no goal to hold.
      if !latched.isNone { state = .fault }
    }
    // Whoever wants torque off still gets it.
    if inputs.requests.has(.disarm) && state == .stopping { afterStop = .release }
  }

  /// A fault is left by a reset only, and only when the cause is seen to be gone: without a reading nothing is seen.
  @_noLocks
  private mutating func leaveOrWorsenFault(
    _ inputs: SafetyInputs, active: ConditionSet, fresh: ConditionSet, now: Int64
  ) {
    if inputs.requests.has(.reset) {
      let reason = refusalOfReset(inputs, active: active, now: now)
      if reason == .none {
        latched = .none
        state = .disarmed
        hasAdopted = false
        isDamping = false
        // Disarmed means torque off, and a held fault has it on.
        if configuration.isHardware && inputs.power != .off { isReleasing = true }
        return
      }
      refuse(.reset, reason)
    }
    refuse(
      OperatorRequests(
        rawValue: inputs.requests.rawValue
          & (OperatorRequests.arm.rawValue | OperatorRequests.start.rawValue | OperatorRequests.move.rawValue
            | OperatorRequests.park.rawValue | OperatorRequests.takeOver.rawValue)), .faultLatched)
    if state == .emergencyStop {
      if fresh.worst == .release { release() }
      return
    }
    if active.has(.emergencyStop) || active.has(.releaseRequested) {
      releaseAll(active)
      return
    }
    if stopClass(of: fresh) == .release {
      state = .fault
      release()
    } else if stopClass(of: active.adding(latched)) >= .mute {
      if state == .faultHold { state = .fault }
      if state == .fault && inputs.requests.has(.disarm) { release() }
    } else if state == .faultHold {
      if inputs.requests.has(.disarm) {
        state = .fault
        release()
      } else if stopClass(of: fresh) == .park {
        beginStop(canPark ? .park : .release)
      } else if fresh.worst == .damp {
        beginDamping(now: now)
      }
    }
  }

  @_noLocks
  private func refusalOfReset(_ inputs: SafetyInputs, active: ConditionSet, now: Int64) -> RefusalReason {
    if !active.isNone { return .causeActive }
    if !inputs.readSucceeded { return .notRead }
    guard state == .emergencyStop else { return .none }
    if !inputs.person.isPresent { return configuration.isSupervised ? .operatorAbsent : .none }
    if inputs.person.mayBeEnabling { return .enableHeld }
    if !inputs.person.sticksAreNeutral { return .sticksNotNeutral }
    return person.isReleased(now: now) ? .none : .enableJustReleased
  }

  /// While something is wrong nothing is granted but a stop and torque off.
  @_noLocks
  private mutating func refuseInStop(_ inputs: SafetyInputs) {
    let asked =
      inputs.requests.rawValue
      & (OperatorRequests.arm.rawValue | OperatorRequests.start.rawValue | OperatorRequests.move.rawValue
        | OperatorRequests.takeOver.rawValue | OperatorRequests.park.rawValue | OperatorRequests.reset.rawValue)
    refuse(OperatorRequests(rawValue: asked), .conditionActive)
  }
}
