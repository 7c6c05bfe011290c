import ArmModel
import Numerics
import Safety

/// One core with random limits that lives through random events, watched from outside.
struct RandomLife {
  private(set) var finding: String?
  private(set) var visited = Set<UInt8>()
  private(set) var history: [[UInt64]] = []
  var keepsHistory = false

  private var random: RandomStream
  private var core: SafetyCore
  private var audit: WireAudit
  private let configuration: SafetyConfiguration
  private let count: Int
  private var now: Int64
  private var inputs: SafetyInputs
  private var missedReads = 0
  /// How likely trouble is in a tick: lives differ, so that some get far and some hardly anywhere.
  private let trouble: Double
  /// Where a policy aims; flips at random.
  private var target: [Double]

  init(seed: UInt64) {
    var draw = RandomStream(seed: seed, name: "life")
    let joints = 1 + Int(draw.uniform() * 3)
    count = joints
    let mode: CommandMode = draw.uniform() < 0.85 ? .position : .effort
    func vector(_ value: () -> Double) -> JointVector { JointVector((0..<joints).map { _ in value() }) }
    let upper = vector { draw.uniform() < 0.2 ? .infinity : draw.uniform(from: 0.05, to: 3) }
    let lower = vector { draw.uniform() < 0.2 ? -.infinity : -draw.uniform(from: 0.05, to: 3) }
    let velocity = vector { draw.uniform() < 0.2 ? .infinity : draw.uniform(from: 0.01, to: 10) }
    let acceleration = vector { draw.uniform() < 0.2 ? .infinity : draw.uniform(from: 0.5, to: 200) }
    let effort = vector { draw.uniform() < 0.2 ? .infinity : draw.uniform(from: 0.1, to: 10) }
    let limits = SafetyLimits(
      lower: lower, upper: upper, velocity: velocity, acceleration: acceleration, effort: effort)
    let period = Int64(draw.uniform(from: 1e6, to: 2e7))
    configuration = SafetyConfiguration(
      limits: limits, mode: mode, period: period, proposalPeriod: period * Int64(1 + draw.uniform() * 4),
      armingTicks: Int(draw.uniform() * 5), judgesTiming: draw.uniform() < 0.7)
    trouble = draw.uniform() < 0.3 ? 0 : draw.uniform() * draw.uniform() * 0.3
    now = Int64(draw.uniform() * 1e12)
    core = SafetyCore(configuration)
    audit = WireAudit(limits: limits, seconds: Double(period) * 1e-9)
    inputs = SafetyInputs(count: count, mode: mode)
    target = (0..<joints).map { _ in 0 }
    random = draw
  }

  mutating func live(steps: Int) {
    for step in 0..<steps where finding == nil {
      let before = core.state
      let latchedBefore = core.latched
      adoptSometimes(in: before)
      let expected = happen(in: before)
      let decision = core.step(inputs, now: now)
      visited.insert(decision.state.rawValue)
      if keepsHistory { history.append(decision.fingerprint) }
      judge(decision, before: before, latchedBefore: latchedBefore, expected: expected)
      if let found = finding { finding = "step \(step), \(before.name) → \(decision.state.name): \(found)" }
    }
  }

  private mutating func chance(_ probability: Double) -> Bool { random.uniform() < probability }

  private mutating func adoptSometimes(in state: SafetyState) {
    guard chance(0.02) else { return }
    let position = JointVector((0..<count).map { _ in random.uniform(from: -4, to: 4) })
    let allowed = state == .boot || state == .disarmed || state == .arming || state == .hold
    let adopted = core.adopt(position)
    if adopted != allowed { finding = "adopt answered \(adopted) in \(state.name)" }
    if adopted { audit.adopt(position) }
  }

  /// Makes the next tick's inputs; returns the conditions that they amount to, apart from the overrun budget.
  private mutating func happen(in state: SafetyState) -> ConditionSet {
    var expected = ConditionSet.none
    let period = configuration.period
    var gap = period
    inputs.lateness = 0
    if chance(trouble * 0.3) {
      gap = period * Int64(random.uniform(from: 1, to: 30))
      if gap > 10 * period && configuration.judgesTiming { expected = expected.adding(.timeGap) }
    }
    if chance(trouble) { inputs.lateness = Int64(random.uniform() * Double(period) * 3) }
    now += gap
    inputs.sincePrevious = gap

    inputs.requests = .none
    for request in [OperatorRequests.arm, .start, .reset] where chance(0.15) {
      inputs.requests = inputs.requests.adding(request)
    }
    for request in [OperatorRequests.stop, .yield] where chance(0.01) {
      inputs.requests = inputs.requests.adding(request)
    }
    if chance(0.05) {
      inputs.requests = inputs.requests.adding(.move)
      for index in 0..<count { inputs.destination[index] = chance(0.02) ? .nan : random.uniform(from: -4, to: 4) }
    }
    if inputs.requests.contains(.stop) { expected = expected.adding(.stopRequested) }
    inputs.armFailed = chance(trouble * 0.05)
    if inputs.armFailed { expected = expected.adding(.armFailed) }
    inputs.writeFailed = chance(trouble * 0.05)
    if inputs.writeFailed { expected = expected.adding(.writeFailed) }

    read(&expected)
    propose(in: state, &expected)
    return expected
  }

  private mutating func read(_ expected: inout ConditionSet) {
    // Failed reads come in runs: a cable that is loose stays loose for a while.
    inputs.readSucceeded = !chance(missedReads > 0 ? min(trouble * 4, 0.9) : trouble * 0.5)
    missedReads = inputs.readSucceeded ? 0 : missedReads + 1
    if missedReads >= 20 {
      expected = expected.adding(.armMute)
    } else if missedReads >= 3 {
      expected = expected.adding(.observationStale)
    }
    inputs.joints = JointState(count: count)
    for index in 0..<count { inputs.joints.position[index] = audit.goal[index] + random.uniform(from: -0.1, to: 0.1) }
    guard chance(trouble * 0.1) else { return }
    let joint = Int(random.uniform() * Double(count))
    switch Int(random.uniform() * 4) {
    case 0: inputs.joints.position[joint] = .nan
    case 1: inputs.joints.velocity[joint] = .infinity
    case 2: inputs.joints.effort[joint] = -.infinity
    default: inputs.joints = JointState(count: count + 1)
    }
    if inputs.readSucceeded { expected = expected.adding(.measurementInvalid) }
  }

  private mutating func propose(in state: SafetyState, _ expected: inout ConditionSet) {
    if chance(0.05) {
      let reach = chance(0.1) ? 1e9 : 4.0
      for index in 0..<count { target[index] = random.uniform(from: -reach, to: reach) }
    }
    let judged = state == .policy || inputs.requests.contains(.start)
    inputs.proposal = Proposal(source: .policy, mode: configuration.mode, goal: JointVector(target), stamp: now)
    if chance(0.02) {
      inputs.proposal.source = .none
      if state == .policy && !inputs.requests.contains(.yield) { expected = expected.adding(.proposalLate) }
      return
    }
    guard chance(trouble * 0.3) else { return }
    let joint = Int(random.uniform() * Double(count))
    let tolerated = 2 * configuration.proposalPeriod + configuration.period
    switch Int(random.uniform() * 8) {
    case 0: inputs.proposal.goal[joint] = .nan
    case 1: inputs.proposal.goal[joint] = chance(0.5) ? .infinity : -.infinity
    case 2: inputs.proposal.goal = JointVector(repeating: 0, count: count - 1)
    case 3: inputs.proposal.goal = JointVector(repeating: 0, count: count + 1)
    case 4: inputs.proposal.mode = configuration.mode == .position ? .effort : .position
    case 5: inputs.proposal.source = [.person, .blend, .stop][Int(random.uniform() * 3)]
    case 6:
      inputs.proposal.stamp = now - tolerated - 1
      if judged { expected = expected.adding(.proposalLate) }
      return
    default:
      // The oldest that is still fresh.
      inputs.proposal.stamp = now - tolerated
      return
    }
    if judged { expected = expected.adding(.proposalInvalid) }
  }
}

extension RandomLife {
  fileprivate mutating func judge(
    _ decision: Decision, before: SafetyState, latchedBefore: ConditionSet, expected: ConditionSet
  ) {
    checkConditions(decision, latchedBefore: latchedBefore, expected: expected)
    checkTransition(decision, before: before, latchedBefore: latchedBefore)
    checkAuthority(decision)
    if decision.active.has(.timeGap) {
      let seen = inputs.readSucceeded && !decision.active.has(.measurementInvalid)
      audit.adopt(seen ? inputs.joints.position : JointVector(audit.goal))
    }
    if before == .disarmed || before == .boot, decision.state != before, decision.writes {
      audit.adopt(inputs.joints.position)
    }
    if configuration.mode == .position {
      audit.check(decision)
      if let found = audit.finding { finding = found }
    } else {
      checkEffort(decision)
    }
  }

  private mutating func checkConditions(_ decision: Decision, latchedBefore: ConditionSet, expected: ConditionSet) {
    var active = decision.active
    if active.has(.overrunBudgetSpent) {
      if !configuration.judgesTiming { finding = "an overrun where timing is not judged" }
      active.remove(ConditionSet.none.adding(.overrunBudgetSpent))
    }
    if active != expected { finding = "active \(active.conditions), expected \(expected.conditions)" }
    let all = decision.active.union(decision.latched)
    let worst = all == .none ? .none : all.conditions.map(\.stopClass).max() ?? .none
    if decision.stopClass != worst { finding = "stop class \(decision.stopClass) for \(all.conditions)" }
    if decision.latched != core.latched { finding = "the decision and the core disagree about what is latched" }
    var shouldLatch = latchedBefore
    if decision.active != .none {
      for condition in decision.active.conditions where condition.latches {
        shouldLatch = shouldLatch.adding(condition)
      }
    }
    if decision.latched != shouldLatch && !inputs.requests.contains(.reset) {
      finding = "latched \(decision.latched.conditions), expected \(shouldLatch.conditions)"
    }
  }

  private mutating func checkTransition(_ decision: Decision, before: SafetyState, latchedBefore: ConditionSet) {
    let after = decision.state
    if before.isFault && !after.isFault {
      if !inputs.requests.contains(.reset) { finding = "a fault was left without a reset" }
      if decision.active != .none { finding = "a fault was left while \(decision.active.conditions)" }
      if !inputs.readSucceeded { finding = "a fault was left blindly" }
      if after != .disarmed || decision.latched != .none { finding = "a reset led to \(after.name)" }
    }
    if before == .disarmed && after != .disarmed && !after.isFault && !inputs.requests.contains(.arm) {
      finding = "armed without being asked"
    }
    if before != .policy && after == .policy && !inputs.requests.contains(.start) {
      finding = "the policy got authority without being asked"
    }
    if after == .policy && (decision.active != .none || decision.latched != .none) {
      finding = "the policy moves the arm in spite of \(decision.active.conditions)"
    }
    if decision.latched != .none && after != .fault && after != .faultHold && after != .stopping {
      finding = "\(decision.latched.conditions) latched in \(after.name)"
    }
    if decision.active.worst >= .mute && after != .fault {
      finding = "not silent in spite of \(decision.active.conditions)"
    }
  }

  private mutating func checkAuthority(_ decision: Decision) {
    switch decision.state {
    case .boot, .disarmed, .fault, .emergencyStop:
      if decision.writes || decision.source != .none { finding = "a write without authority" }
    case .policy:
      if !decision.writes || decision.source != .policy { finding = "the policy has no authority in its own state" }
    case .arming, .hold, .stopping, .faultHold, .moving:
      if !decision.writes || decision.source != .stop { finding = "the core does not command" }
    case .teleoperation, .handover, .park: finding = "a state that no input leads to"
    }
    if decision.command.mode != configuration.mode || decision.command.goal.count != count
      || decision.command.stamp != now || !decision.command.goal.isFinite
    {
      finding = "the command \(decision.command) is not the arm's"
    }
  }

  private mutating func checkEffort(_ decision: Decision) {
    for index in 0..<count {
      let effort = decision.command.goal[index]
      let limit = configuration.limits.effort[index]
      let proposed = inputs.proposal.goal.count == count ? inputs.proposal.goal[index] : .nan
      let expected = decision.state == .policy ? min(max(proposed, -limit), limit) : 0
      if effort != expected { finding = "effort \(effort) for \(proposed) in \(decision.state.name)" }
    }
  }
}
