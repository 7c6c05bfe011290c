import ArmModel
import Safety

/// A core set up for a real arm on a virtual clock, with a gamepad, a policy, and joints that follow their goals a little
/// slower than they are led. Everything that leaves the core is audited: limits by differentiating again, and the distance
/// from what is measured.
final class HardwareRig {
  var core: SafetyCore
  var inputs: SafetyInputs
  private(set) var now: Int64 = 1_000_000_000
  private(set) var last: Decision
  private(set) var audit: WireAudit
  /// What was found wrong, if anything.
  private(set) var finding: String?
  let period: Int64
  let count: Int
  /// Where the joints are, rad; they follow unless they are held.
  var position: [Double]
  var isHeld = false
  /// Whether the policy and the person propose anew in every tick.
  var policyIsAlive = true
  var personIsAlive = true
  /// Whether what is measured is made from `position`.
  var measures = true
  /// Ticks so far in which the core wrote, and in which it asked for torque off.
  private(set) var writes = 0
  private(set) var releases = 0
  /// Largest distance between a written goal and the measured position, rad.
  private(set) var furthest = 0.0

  static func configuration(
    mode: CommandMode = .position, period: Int64 = 5_000_000, jerk: Double = 1000
  ) -> SafetyConfiguration {
    .hardware(
      limits: SafetyBench.limits(position: 1.5, velocity: 2, acceleration: 20, jerk: jerk, effort: 3), mode: mode,
      period: period, proposalPeriod: 4 * period, parkPose: JointVector([-0.5, 0.5]))
  }

  init(_ configuration: SafetyConfiguration = HardwareRig.configuration()) {
    core = SafetyCore(configuration)
    count = configuration.limits.count
    period = configuration.period
    inputs = SafetyInputs(count: count, mode: configuration.mode)
    inputs.power = .off
    inputs.person.isPresent = true
    inputs.joints.present = [.position, .velocity, .effort]
    position = (0..<count).map { _ in 0 }
    audit = WireAudit(limits: configuration.limits, seconds: Double(period) * 1e-9)
    var copy = core
    last = copy.step(inputs, now: 0)
  }

  var seconds: Double { Double(period) * 1e-9 }
  /// The reach that no goal may exceed, rad.
  func reach(_ joint: Int) -> Double {
    core.configuration.limits.velocity[joint] * core.configuration.residualTime
  }

  /// One tick; `edit` changes what the core sees in it, `requests` are asked for.
  @discardableResult
  func tick(_ requests: OperatorRequests = .none, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision {
    now += period
    var inputs = inputs
    inputs.requests = requests
    inputs.readSucceeded = true
    inputs.joints.stamp = now
    inputs.sincePrevious = period
    inputs.person.lastEvent = now
    if measures { inputs.joints.position = JointVector(position) }
    if policyIsAlive { inputs.proposal.stamp = now }
    if personIsAlive { inputs.personProposal.stamp = now }
    edit(&inputs)
    now += inputs.sincePrevious - period
    let before = last
    last = core.step(inputs, now: now)
    judge(inputs, before: before)
    follow()
    return last
  }

  /// The clock jumps.
  func skip(by nanoseconds: Int64) { now += nanoseconds - period }

  @discardableResult
  func ticks(_ number: Int, _ edit: (inout SafetyInputs) -> Void = { _ in }) -> Decision {
    for _ in 0..<number { tick(.none, edit) }
    return last
  }

  /// Ticks until `isDone`; how many it took, or nil if it never was within `limit`.
  func ticks(atMost limit: Int, _ edit: (inout SafetyInputs) -> Void = { _ in }, until isDone: (Decision) -> Bool)
    -> Int?
  {
    for count in 1...limit where isDone(tick(.none, edit)) { return count }
    return nil
  }

  private func judge(_ inputs: SafetyInputs, before: Decision) {
    if last.writes { writes += 1 }
    if last.power == .release { releases += 1 }
    // A reference set anew, and a damped arm, are no motion.
    let isNewReference =
      last.active.has(.timeGap) || last.active.has(.suspended) || last.torqueShare < 1 || before.torqueShare < 1
      || last.state == .arming || !before.writes
    if isNewReference { audit.adopt(last.command.goal) }
    guard core.configuration.mode == .position else { return }
    audit.check(last)
    if finding == nil { finding = audit.finding }
    guard last.writes else { return }
    for joint in 0..<count {
      let distance = (last.command.goal[joint] - position[joint]).magnitude
      furthest = max(furthest, distance)
    }
  }

  /// What the joints do until the next tick: they follow, and torque does as it is told.
  private func follow() {
    switch last.power {
    case .energise: inputs.power = .on
    case .release: inputs.power = .off
    case .keep: break
    }
    guard last.writes && !isHeld && core.configuration.mode == .position else { return }
    for joint in 0..<count {
      position[joint] += 0.5 * (last.command.goal[joint] - position[joint])
      inputs.joints.velocity[joint] = 0
    }
  }

  // MARK: What a person does

  func propose(_ goal: [Double], source: CommandSource = .policy) {
    let proposal = Proposal(source: source, mode: core.configuration.mode, goal: JointVector(goal), stamp: now)
    if source == .person { inputs.personProposal = proposal } else { inputs.proposal = proposal }
  }

  /// From boot to `hold`.
  func arm() {
    tick()
    tick([.arm])
    _ = ticks(atMost: 50) { $0.state == .hold }
  }

  /// Presses enable anew, with the sticks at rest.
  func enable() {
    inputs.person.enableIsHeld = false
    tick()
    inputs.person.enableIsHeld = true
    tick()
  }

  /// Gives the policy authority over a far goal and lets it move.
  func run(toward goal: [Double] = [1.4, -1.4], ticks number: Int = 60) {
    arm()
    propose(goal)
    enable()
    tick([.start])
    ticks(number - 1)
  }

  /// Lets a person move the arm towards a goal.
  func teleoperate(toward goal: [Double] = [0.4, -0.4], ticks number: Int = 40) {
    arm()
    propose(goal, source: .person)
    enable()
    ticks(number - 1)
  }
}
