import ArmModel

/// What a person, a signal handler or the episode logic asks of the core in one tick.
public struct OperatorRequests: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt16
  @_noLocks
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// Nothing.
  public static var none: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 0) } }
  /// Leave `disarmed`: hold the measured pose.
  public static var arm: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 1) } }
  /// Give the policy authority.
  public static var start: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 2) } }
  /// Stop and hold. Accepted from anybody in any state.
  public static var stop: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 4) } }
  /// Leave a latched fault, if its cause is gone.
  public static var reset: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 8) } }
  /// The source gives its authority back (the end of an episode): come to rest and hold.
  public static var yield: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 16) } }

  /// Go to the park pose at rest, then switch torque off.
  public static var park: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 32) } }
  /// Switch torque off where the arm stands, once it is at rest.
  public static var disarm: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 64) } }
  /// Torque off at once, whatever the arm does; latched. Accepted from anybody in any state.
  public static var release: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 128) } }
  /// From rest go to `SafetyInputs.destination`, slowly and within every limit, and hold there.
  public static var move: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 256) } }

  /// This set with more requests.
  @_noLocks
  public func adding(_ other: OperatorRequests) -> OperatorRequests {
    OperatorRequests(rawValue: rawValue | other.rawValue)
  }
  @_noLocks
  func has(_ other: OperatorRequests) -> Bool { rawValue & other.rawValue != 0 }
}

/// Everything the core looks at in one tick.
public struct SafetyInputs: Sendable, BitwiseCopyable {
  /// What is asked for in this tick; requests act once, on the tick that carries them.
  public var requests: OperatorRequests
  /// The newest state that was read.
  public var joints: JointState
  /// Whether this tick's read gave a state.
  public var readSucceeded: Bool
  /// Whether the arm reported a failure that it cannot go on from.
  public var armFailed: Bool
  /// Whether the last command could not be written.
  public var writeFailed: Bool
  /// Whether the joints are under torque, as last confirmed.
  public var power: ArmPower
  /// What the servos report of themselves.
  public var health: ArmHealth
  /// The proposal of the source in authority; `source` none if there has been none.
  public var proposal: Proposal
  /// Where a requested move goes, rad; looked at in the tick that carries the request.
  public var destination: JointVector
  /// How late the tick began, ns.
  public var lateness: Int64
  /// Time since the previous tick began, ns; 0 for the first.
  public var sincePrevious: Int64

  /// Inputs in which nothing has happened yet, for an arm of `count` joints.
  @_noLocks
  public init(count: Int, mode: CommandMode) {
    requests = .none
    joints = JointState(count: count)
    readSucceeded = false
    armFailed = false
    writeFailed = false
    power = .on
    health = ArmHealth(count: count)
    proposal = Proposal(
      source: .none, mode: mode, goal: JointVector(repeating: 0, count: count), stamp: 0)
    destination = JointVector(repeating: .nan, count: count)
    lateness = 0
    sincePrevious = 0
  }
}

/// What the core wants of the arm's torque in a tick.
public enum PowerRequest: UInt8, Sendable, BitwiseCopyable {
  /// Nothing: leave it as it is.
  case keep = 0
  /// Take the next step towards torque on.
  case energise = 1
  /// Torque off, now.
  case release = 2

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: PowerRequest, b: PowerRequest) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: PowerRequest, b: PowerRequest) -> Bool { a.rawValue != b.rawValue }
}

/// What the core decided: the command, or silence, and why.
public struct Decision: Sendable, BitwiseCopyable {
  /// Whether `command` is to be written; otherwise nothing may be written in this tick.
  public var writes: Bool
  /// The only command that may reach the arm.
  public var command: JointCommand
  /// What is to be done with the arm's torque, before the command.
  public var power: PowerRequest
  /// The state the core is in now.
  public var state: SafetyState
  /// Who moves the arm now.
  public var source: CommandSource
  /// Conditions that are active in this tick.
  public var active: ConditionSet
  /// Conditions that are latched until a reset.
  public var latched: ConditionSet
  /// The worst stop class in force.
  public var stopClass: StopClass
  /// What was done to the proposal.
  public var alterations: Alterations
  /// One bit per joint that was altered.
  public var alteredJoints: UInt16
}

/// How one arm's core is set up; fixed for a run.
public struct SafetyConfiguration: Sendable, BitwiseCopyable {
  public var limits: SafetyLimits
  /// What the arm's commands mean.
  public var mode: CommandMode
  /// The control period, ns.
  public var period: Int64
  /// The period of the source in authority, ns: a proposal older than two of them is late.
  public var proposalPeriod: Int64
  /// Ticks the arm must stand still before it counts as armed; 0 where standing still takes no time (simulation).
  public var armingTicks: Int
  /// Whether the loop's timing is judged; not with a virtual clock.
  public var judgesTiming: Bool
  /// Largest joint speed of a move that the core was asked for, rad/s.
  public var moveSpeed: Double

  public init(
    limits: SafetyLimits, mode: CommandMode, period: Int64, proposalPeriod: Int64, armingTicks: Int,
    judgesTiming: Bool, moveSpeed: Double = 0.5
  ) {
    self.limits = limits
    self.mode = mode
    self.period = period
    self.proposalPeriod = proposalPeriod
    self.armingTicks = armingTicks
    self.judgesTiming = judgesTiming
    self.moveSpeed = moveSpeed
  }
}

/// The one place where a proposal becomes a command.
///
/// A pure value: no clock, no I/O, no thread; the same inputs give the same decisions. It denies by default, the worst
/// active condition wins, a grant needs an explicit request, and a latched fault is left by a reset only. Before the
/// first step the state is `boot` and nothing is written.
///
/// In effort mode holding means zero effort: a torque arm has no goal to hold.
public struct SafetyCore: Sendable, BitwiseCopyable {
  public let configuration: SafetyConfiguration
  /// Where the core stands.
  public private(set) var state: SafetyState = .boot
  /// What is latched.
  public private(set) var latched: ConditionSet = ConditionSet(rawValue: 0)
  private var filter: CommandFilter
  /// The move under way, in `moving`.
  private var course: MoveCourse
  private var armingTicksLeft = 0
  private var ticksWithoutRead = 0
  private var overrunBucket = 0.0
  /// Whether torque is being switched off and the arm has not confirmed it yet.
  private var isReleasing = false

  /// Reads missed in a row before the state counts as stale, and before the arm counts as lost.
  static var staleTicks: Int { @_noLocks get { 3 } }
  static var muteTicks: Int { @_noLocks get { 20 } }
  /// A tick later than half its period adds 1, a good one takes 0.1 away; at 10 the budget is spent.
  static var overrunBudget: Double { @_noLocks get { 10 } }

  /// A core in `boot`. Limits that `SafetyLimits.problem` objects to, or a period that is not positive, trap: with
  /// them a comparison would pass what it should stop.
  @_noLocks
  public init(_ configuration: SafetyConfiguration) {
    precondition(configuration.limits.areUsable, "the safety limits are not usable; ask SafetyLimits.problem why")
    precondition(configuration.period > 0 && configuration.proposalPeriod > 0, "a period is positive")
    self.configuration = configuration
    filter = CommandFilter(limits: configuration.limits, period: Double(configuration.period) * 1e-9)
    course = MoveCourse(count: configuration.limits.lower.count)
  }

  /// The last commanded goal.
  public var commandedGoal: JointVector { @_noLocks get { filter.goal } }

  /// Takes a measured position as the reference after the arm was moved by other means (a simulator's reset). Only while
  /// no source has authority: in any other state it does nothing and returns false.
  @_noLocks
  public mutating func adopt(_ position: JointVector) -> Bool {
    switch state {
    case .boot, .disarmed, .arming, .hold:
      guard position.count == filter.goal.count, position.isFinite else { return false }
      filter.adopt(position)
      return true
    default: return false
    }
  }

  /// One tick at time `now` (monotonic ns).
  @_noLocks
  public mutating func step(_ inputs: SafetyInputs, now: Int64) -> Decision {
    let active = judge(inputs, now: now)
    latched = ConditionSet(rawValue: latched.rawValue | active.latching.rawValue)
    move(inputs, active: active)
    return act(inputs, active: active, now: now)
  }

  // MARK: What is wrong

  @_noLocks
  private mutating func judge(_ inputs: SafetyInputs, now: Int64) -> ConditionSet {
    var active = ConditionSet(rawValue: 0)
    if inputs.requests.has(.stop) { active = active.adding(.stopRequested) }
    if inputs.armFailed { active = active.adding(.armFailed) }
    if inputs.writeFailed { active = active.adding(.writeFailed) }

    ticksWithoutRead =
      inputs.readSucceeded ? 0 : (ticksWithoutRead < 1_000_000 ? ticksWithoutRead &+ 1 : ticksWithoutRead)
    if ticksWithoutRead >= SafetyCore.muteTicks {
      active = active.adding(.armMute)
    } else if ticksWithoutRead >= SafetyCore.staleTicks {
      active = active.adding(.observationStale)
    }
    if inputs.readSucceeded
      && !(inputs.joints.count == filter.goal.count && inputs.joints.position.isFinite
        && inputs.joints.velocity.isFinite && inputs.joints.effort.isFinite)
    {
      active = active.adding(.measurementInvalid)
    }

    if configuration.judgesTiming {
      let period = configuration.period
      if inputs.sincePrevious > 10 &* period { active = active.adding(.timeGap) }
      if inputs.lateness &* 2 > period {
        overrunBucket += 1
      } else {
        overrunBucket = overrunBucket > 0.1 ? overrunBucket - 0.1 : 0
      }
      if overrunBucket >= SafetyCore.overrunBudget {
        active = active.adding(.overrunBudgetSpent)
        overrunBucket = 0
      }
    }

    if state == .policy || inputs.requests.has(.start) {
      if inputs.proposal.source == .none {
        // A source that yields in this tick owes no proposal.
        if state == .policy && !inputs.requests.has(.yield) { active = active.adding(.proposalLate) }
      } else if !isWellFormed(inputs.proposal) {
        active = active.adding(.proposalInvalid)
      } else if !isFresh(inputs.proposal, now: now) {
        active = active.adding(.proposalLate)
      }
    }
    return active
  }

  @_noLocks
  private func isWellFormed(_ proposal: Proposal) -> Bool {
    // The policy is the only source that a state gives authority to.
    proposal.source == .policy && proposal.mode == configuration.mode && proposal.goal.count == filter.goal.count
      && proposal.goal.isFinite
  }

  /// A stamp more than a tick ahead of the clock proves no life either: it would stay young for ever.
  @_noLocks
  private func isFresh(_ proposal: Proposal, now: Int64) -> Bool {
    proposal.stamp >= now &- (2 &* configuration.proposalPeriod &+ configuration.period)
      && proposal.stamp <= now &+ configuration.period
  }

  // MARK: Where that leads

  @_noLocks
  private mutating func move(_ inputs: SafetyInputs, active: ConditionSet) {
    let worst = worse(active.worst, latched.worst)
    if active.has(.timeGap) {
      // The arm has long come to rest, perhaps elsewhere: going on from the old goal and speed would be a jump.
      let seen = inputs.readSucceeded && !active.has(.measurementInvalid)
      filter.adopt(seen ? inputs.joints.position : filter.goal)
    }
    if state.isFault {
      // Left by a reset only, and only when the cause is seen to be gone: without a reading nothing is seen.
      if inputs.requests.has(.reset) && active.rawValue == 0 && inputs.readSucceeded {
        latched = ConditionSet(rawValue: 0)
        state = .disarmed
      } else if worst >= .mute {
        state = .fault
      }
      return
    }
    if worst >= .mute {
      state = .fault
      return
    }
    if worst != .none {
      switch state {
      case .arming where latched.rawValue == 0:
        // Being stopped is no way to become armed: the arming time begins anew.
        armingTicksLeft = configuration.armingTicks
      case .policy, .teleoperation, .handover, .park, .moving, .arming, .hold, .stopping:
        state = .stopping
      case .boot, .disarmed, .faultHold, .fault, .emergencyStop:
        // Nothing is commanded yet, so there is no goal to hold.
        if latched.rawValue != 0 { state = .fault }
      }
      return
    }
    if inputs.requests.has(.yield) && state == .policy { state = .stopping }
    if state == .boot && inputs.readSucceeded { state = .disarmed }
    if state == .disarmed && inputs.requests.has(.arm) && inputs.readSucceeded {
      filter.adopt(inputs.joints.position)
      armingTicksLeft = configuration.armingTicks
      state = .arming
    }
    if state == .arming {
      if inputs.power != .on {
        // Torque comes on at the measured pose, and that is where the holding begins.
        if inputs.readSucceeded { filter.adopt(inputs.joints.position) }
        armingTicksLeft = configuration.armingTicks
      } else if armingTicksLeft <= 0 {
        state = .hold
      } else {
        armingTicksLeft &-= 1
      }
    }
    if state == .hold && inputs.requests.has(.disarm) {
      state = .disarmed
      isReleasing = true
    }
    if state == .hold && inputs.requests.has(.start) && inputs.readSucceeded && isWellFormed(inputs.proposal) {
      state = .policy
    }
    if state == .hold && inputs.requests.has(.move) && configuration.mode == .position
      && course.begin(
        to: inputs.destination, from: filter.goal, limits: configuration.limits, speed: configuration.moveSpeed)
    {
      state = .moving
    }
  }

  @_noLocks
  private func worse(_ a: StopClass, _ b: StopClass) -> StopClass { a < b ? b : a }

  // MARK: What is commanded

  @_noLocks
  private mutating func act(_ inputs: SafetyInputs, active: ConditionSet, now: Int64) -> Decision {
    var decision = Decision(
      writes: false, command: JointCommand(mode: configuration.mode, goal: filter.goal, stamp: now), power: .keep,
      state: state, source: .none, active: active, latched: latched,
      stopClass: worse(active.worst, latched.worst), alterations: Alterations(rawValue: 0), alteredJoints: 0)
    switch state {
    case .boot, .disarmed, .fault, .emergencyStop:
      if inputs.power == .off { isReleasing = false }
      if isReleasing { decision.power = .release }
    case .arming where inputs.power != .on:
      decision.power = .energise
      decision.source = .stop
    case .arming, .hold, .faultHold:
      decision.writes = true
      decision.source = .stop
    case .policy, .teleoperation, .handover:
      decision.writes = true
      decision.source = inputs.proposal.source
    case .moving:
      decision.writes = true
      decision.source = .stop
      if course.advance(&filter) {
        state = .hold
        decision.state = state
      }
    case .stopping, .park:
      decision.writes = true
      decision.source = .stop
      if filter.decelerate() {
        state = latched.rawValue == 0 ? .hold : .faultHold
        decision.state = state
      }
    }
    if decision.source == .policy || decision.source == .person {
      shape(inputs.proposal.goal, into: &decision)
    } else {
      decision.command.goal = restingGoal()
      if inputs.proposal.source != .none { decision.alterations = .overruled }
    }
    return decision
  }

  @_noLocks
  private func restingGoal() -> JointVector {
    configuration.mode == .position ? filter.goal : JointVector(repeating: 0, count: filter.goal.count)
  }

  @_noLocks
  private mutating func shape(_ goal: JointVector, into decision: inout Decision) {
    if configuration.mode == .position {
      decision.command.goal = filter.advance(
        to: goal, alterations: &decision.alterations, joints: &decision.alteredJoints)
      return
    }
    for index in 0..<goal.count {
      let limit = configuration.limits.effort[index]
      var effort = goal[index]
      if effort.magnitude > limit {
        effort = effort > 0 ? limit : -limit
        decision.alterations = .effort
        decision.alteredJoints |= 1 << UInt16(truncatingIfNeeded: index)
      }
      decision.command.goal[index] = effort
    }
  }
}
