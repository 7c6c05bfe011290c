import ArmModel
import Testing

@testable import Safety

/// A move that the core makes by itself, slowly, and only from rest.
@Suite struct MoveTests {
  private static let period: Int64 = 10_000_000

  private func makeCore(velocity: Double = 3, acceleration: Double = 30) -> SafetyCore {
    var limits = JointLimits(unlimited: 2)
    limits.lower = JointVector([-2, -2])
    limits.upper = JointVector([2, 2])
    limits.velocity = JointVector(repeating: velocity, count: 2)
    limits.acceleration = JointVector(repeating: acceleration, count: 2)
    return SafetyCore(
      SafetyConfiguration(
        limits: limits, mode: .position, period: Self.period, proposalPeriod: Self.period, armingTicks: 0,
        judgesTiming: false))
  }

  private func inputs(_ requests: OperatorRequests = .none, to pose: [Double]? = nil) -> SafetyInputs {
    var inputs = SafetyInputs(count: 2, mode: .position)
    inputs.readSucceeded = true
    inputs.requests = requests
    if let pose { inputs.destination = JointVector(pose) }
    return inputs
  }

  private func held() -> SafetyCore {
    var core = makeCore()
    _ = core.step(inputs(.arm), now: 0)
    #expect(core.state == .hold)
    return core
  }

  @Test func `It arrives exactly, within half a radian a second and the limits, and holds there`() {
    var core = held()
    var goals = [[0.0, 0.0]]
    var now: Int64 = 0
    #expect(core.step(inputs(.move, to: [1.5, -0.3]), now: now).state == .moving)
    goals.append(core.commandedGoal.array)
    while core.state == .moving, now < 10_000_000_000 {
      now += Self.period
      let decision = core.step(inputs(), now: now)
      #expect(decision.writes && decision.source == .stop)
      goals.append(decision.command.goal.array)
    }
    #expect(core.state == .hold && core.commandedGoal.array == [1.5, -0.3])
    var speeds = [0.0, 0.0]
    for (before, after) in zip(goals, goals.dropFirst()) {
      for joint in 0..<2 {
        let speed = (after[joint] - before[joint]) / 0.01
        #expect(speed.magnitude <= 0.5 + 1e-9)
        #expect((speed - speeds[joint]).magnitude <= 30 * 0.01 + 1e-9)
        speeds[joint] = speed
      }
    }
    // Three seconds' way at half a radian a second.
    #expect(goals.count > 300 && goals.count < 330)
  }

  @Test func `It is kept within the joint limits`() {
    var core = held()
    _ = core.step(inputs(.move, to: [5, -7]), now: 0)
    for tick in 1..<2000 { _ = core.step(inputs(), now: Int64(tick) * Self.period) }
    #expect(core.state == .hold && core.commandedGoal.array == [2, -2])
  }

  @Test func `A stop brings it to rest on the way`() {
    var core = held()
    _ = core.step(inputs(.move, to: [1, 1]), now: 0)
    for tick in 1..<50 { _ = core.step(inputs(), now: Int64(tick) * Self.period) }
    #expect(core.step(inputs(.stop), now: 500_000_000).state == .stopping || core.state == .hold)
    for tick in 51..<70 { _ = core.step(inputs(), now: Int64(tick) * Self.period) }
    #expect(core.state == .hold)
    #expect(core.commandedGoal[0] > 0.1 && core.commandedGoal[0] < 0.5)
  }

  @Test(arguments: [[Double.nan, 0], [0, .infinity], [0, 0, 0]])
  func `A pose that is none is not gone to`(pose: [Double]) {
    var core = held()
    #expect(core.step(inputs(.move, to: pose), now: 0).state == .hold)
  }

  @Test func `Nothing moves without torque, nor while another has authority`() {
    var core = makeCore()
    #expect(core.step(inputs(.move, to: [1, 1]), now: 0).state == .disarmed)
    core = held()
    var start = inputs([.start, .move], to: [1, 1])
    start.proposal = Proposal(source: .policy, mode: .position, goal: JointVector([0, 0]), stamp: 0)
    #expect(core.step(start, now: 0).state == .policy)
    start.requests = .move
    #expect(core.step(start, now: 0).state == .policy)
  }
}
