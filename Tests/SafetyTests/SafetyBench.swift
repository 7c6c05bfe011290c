import ArmModel
import Safety

/// A safety core on a virtual clock, its inputs for the next tick, and what left it last.
struct SafetyBench {
  var core: SafetyCore
  var inputs: SafetyInputs
  var now: Int64 = 0
  /// Whether the proposal is made anew, at the tick's own time, in every tick.
  var keepsProposalFresh = true

  /// The goal that left last; kept by whoever looks at decisions.
  var lastGoal: JointVector

  let period: Int64
  let count: Int

  init(
    limits: JointLimits = SafetyBench.limits(), mode: CommandMode = .position, armingTicks: Int = 0,
    judgesTiming: Bool = true, period: Int64 = 5_000_000, proposalPeriod: Int64? = nil
  ) {
    var configuration = SafetyConfiguration(
      limits: limits, mode: mode, period: period, proposalPeriod: proposalPeriod ?? 2 * period,
      armingTicks: armingTicks, judgesTiming: judgesTiming)
    configuration.monitors.invalidProposals = 3
    configuration.envelope = 1.5
    core = SafetyCore(configuration)
    count = limits.lower.count
    inputs = SafetyInputs(count: count, mode: mode)
    self.period = period
    lastGoal = JointVector(repeating: 0, count: count)
  }

  /// What two joints of a searched core measure, a little off the origin.
  static var measured: JointVector { JointVector([0.1, -0.2]) }

  static func limits(
    count: Int = 2, position: Double = 1.5, velocity: Double = 2, acceleration: Double = 20,
    jerk: Double = .infinity, effort: Double = 3
  ) -> JointLimits {
    JointLimits(
      lower: JointVector(repeating: -position, count: count), upper: JointVector(repeating: position, count: count),
      velocity: JointVector(repeating: velocity, count: count),
      acceleration: JointVector(repeating: acceleration, count: count),
      jerk: JointVector(repeating: jerk, count: count),
      effort: JointVector(repeating: effort, count: count))
  }

  /// Seconds per tick, as the core computes it.
  var seconds: Double { Double(period) * 1e-9 }

  /// One tick with a good reading, on time, unless `edit` says otherwise.
  mutating func tick(_ requests: OperatorRequests = .none, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision
  {
    now += period
    var inputs = inputs
    inputs.requests = requests
    inputs.readSucceeded = true
    inputs.joints.stamp = now
    inputs.sincePrevious = period
    if keepsProposalFresh { inputs.proposal.stamp = now }
    edit(&inputs)
    return core.step(inputs, now: now)
  }

  /// The last of several equal ticks.
  mutating func ticks(_ number: Int, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision {
    var decision = tick(.none, edit)
    for _ in 1..<max(number, 1) { decision = tick(.none, edit) }
    return decision
  }

  /// From now on the policy proposes `goal`.
  mutating func propose(_ goal: [Double], source: CommandSource = .policy, mode: CommandMode? = nil) {
    inputs.proposal = Proposal(
      source: source, mode: mode ?? core.configuration.mode, goal: JointVector(goal), stamp: now)
  }

  /// Brings the arm to `hold` at the measured position.
  mutating func arm() -> Decision {
    var decision = tick([.arm])
    for _ in 0..<100 where decision.state == .arming { decision = tick() }
    return decision
  }

  /// Gives the policy authority over a goal that is far away, and lets it move for some ticks.
  mutating func move(toward goal: [Double] = [1, -1], ticks number: Int = 10) -> Decision {
    _ = arm()
    propose(goal)
    var decision = tick([.start])
    for _ in 1..<max(number, 1) { decision = tick() }
    return decision
  }
}
