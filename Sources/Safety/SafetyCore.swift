import ArmModel

/// The one place where a proposal becomes a command.
///
/// A pure value: no clock, no I/O, no thread; the same inputs give the same decisions. It denies by default, the worst
/// active condition wins, a grant needs an explicit request or a fresh press of enable, and a latched fault is left by a
/// reset only. Before the first step the state is `boot` and nothing is written.
///
/// In effort mode holding means zero effort: a torque arm has no goal to hold, and what the task does not carry, falls.
public struct SafetyCore: Sendable, BitwiseCopyable {
  public let configuration: SafetyConfiguration
  /// Where the core stands.
  public internal(set) var state: SafetyState = .boot
  /// What is latched.
  public internal(set) var latched: ConditionSet = ConditionSet(rawValue: 0)
  /// Which joints the active and latched conditions are about.
  var conditionJoints = ConditionJoints()
  /// In how many ticks each kind of alteration happened.
  public internal(set) var alterationCounts = AlterationCounts()

  var filter: CommandFilter
  var joints: JointMonitor
  var motion = MotionMonitor()
  var loop = LoopMonitor()
  var proposals: ProposalMonitor
  var person = OperatorMonitor()
  var handover: Handover
  /// The motion of the core's own that is under way, in `moving` and `park`.
  var course: MoveCourse
  /// How far a goal may be from the measured position, rad.
  let reach: JointVector
  /// What a stop leads to.
  var afterStop = AfterStop.hold
  /// When the source in authority, the arming or the parking began, ns.
  var since: Int64 = 0
  var armingTicksLeft = 0
  /// Whether torque has been confirmed since the arming began.
  var hasTorque = false
  /// Whether a simulator's position was taken over since the last arming.
  var hasAdopted = false
  /// Whether the person took the policy's authority; giving it back then needs a release of enable.
  var hasTakenOver = false
  /// The last command of an arm of torque motors, N·m.
  var lastEffort: JointVector
  /// Whether the arm is damped, and since when, ns.
  var isDamping = false
  var dampingSince: Int64 = 0
  /// Whether torque is being switched off and the arm has not confirmed it yet, and the frames that it gets in any case.
  var isReleasing = false
  var releaseTicksLeft = 0
  var refused = OperatorRequests(rawValue: 0)
  var refusal = RefusalReason.none

  /// Torque-off frames that are sent whatever the arm says of its torque.
  static var releaseTicks: Int { @_noLocks get { 3 } }

  /// A core in `boot`. Limits that `JointLimits.problem` objects to, or a period that is not positive, trap: with them a
  /// comparison would pass what it should stop.
  @_noLocks
  public init(_ configuration: SafetyConfiguration) {
    precondition(configuration.limits.areUsable, "the safety limits are not usable; ask JointLimits.problem why")
    precondition(configuration.period > 0 && configuration.proposalPeriod > 0, "a period is positive")
    precondition(configuration.residualTime > 0, "the time that the arm may go on by itself is positive")
    let invalid = configuration.monitors.invalidProposals
    precondition(invalid >= 1 && invalid <= 3, "one to three invalid proposals make a fault")
    precondition(configuration.areNumbersUsable, "a number of the safety set-up would switch a limit off")
    let count = configuration.limits.count
    self.configuration = configuration
    filter = CommandFilter(limits: configuration.limits, period: configuration.seconds)
    joints = JointMonitor(count: count)
    proposals = ProposalMonitor(count: count)
    handover = Handover(count: count)
    course = MoveCourse(count: count)
    lastEffort = JointVector(repeating: 0, count: count)
    var reach = JointVector(repeating: .infinity, count: count)
    for index in 0..<count { reach[index] = configuration.limits.velocity[index] * configuration.residualTime }
    self.reach = reach
  }

  /// The last commanded goal.
  public var commandedGoal: JointVector { @_noLocks get { filter.goal } }

  /// Takes a measured position as the reference after the arm was moved by other means (a simulator's reset). Only while
  /// no source has authority, and never under the torque of a real arm, which would leap there: in any other state it does
  /// nothing and returns false.
  @_noLocks
  public mutating func adopt(_ position: JointVector) -> Bool {
    switch state {
    case .arming where configuration.isHardware, .hold where configuration.isHardware: return false
    case .boot, .disarmed, .arming, .hold:
      guard position.count == filter.count, position.isFinite else { return false }
      filter.adopt(position)
      joints.adopt(position)
      motion.settle(position, goal: position)
      hasAdopted = (state == .boot || state == .disarmed) && !configuration.isHardware
      return true
    default: return false
    }
  }

  /// One tick at time `now` (monotonic ns).
  @_noLocks
  public mutating func step(_ inputs: SafetyInputs, now: Int64) -> Decision {
    refused = .none
    refusal = .none
    person.note(inputs.person, now: now)
    var found = ConditionJoints()
    let active = judge(inputs, &found, now: now)
    if active.has(.timeGap) || active.has(.suspended) { person.forgetTimes(now: now) }
    let fresh = ConditionSet(rawValue: active.latching.rawValue & ~latched.rawValue)
    latched = latched.adding(active.latching)
    // Whatever is wrong, the person has to press enable anew.
    if !active.isNone { person.revoke() }
    conditionJoints.take(found, latched: latched)
    move(inputs, active: active, fresh: fresh, now: now)
    var decision = act(inputs, active: active, now: now)
    decision.refused = refused
    decision.refusal = refusal
    decision.joints = conditionJoints
    alterationCounts.note(decision.alterations)
    return decision
  }

  /// The worst stop class of a set, as this core is set up.
  @_noLocks
  func stopClass(of set: ConditionSet) -> StopClass {
    let worst = set.worst
    return set.has(.standstillLost) ? worst.orWorse(configuration.monitors.standstillReaction) : worst
  }

  /// Notes that requests of this tick are not granted.
  @_noLocks
  mutating func refuse(_ requests: OperatorRequests, _ reason: RefusalReason) {
    guard requests.rawValue != 0 else { return }
    if refused.rawValue == 0 { refusal = reason }
    refused = refused.adding(requests)
  }
}

/// What a stop leads to once the arm is at rest.
enum AfterStop: UInt8, BitwiseCopyable {
  case hold = 0
  case park = 1
  case release = 2

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  static func == (a: AfterStop, b: AfterStop) -> Bool { a.rawValue == b.rawValue }
}

/// A hand-over under way: from what was commanded when it began to what the new source proposes.
struct Handover: BitwiseCopyable {
  /// The last command of the old source.
  var from: JointVector
  var ticksDone = 0
  /// Whether the policy takes over; a person otherwise.
  var isToPolicy = false

  @_noLocks
  init(count: Int) { from = JointVector(repeating: 0, count: count) }

  /// The target between the old command and the new source's goal, after a part of the time.
  @_noLocks
  func blend(_ goal: JointVector, part: Double) -> JointVector {
    var blended = from
    for index in 0..<from.count { blended[index] = from[index] + part * (goal[index] - from[index]) }
    return blended
  }
}
