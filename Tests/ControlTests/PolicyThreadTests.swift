import ArmModel
import LoopTestSupport
import Numerics
import Policies
import RealTime
import Recording
import Safety
import Testing

@testable import Control

/// A policy on a thread of its own; here the test answers in its place, so that every delay is exact.
@Suite final class PolicyThreadTests {
  private let exchange = PolicyExchange(observationCount: 3, actionCount: 2)

  deinit { exchange.deallocate() }

  private func rig(_ change: (inout LoopRig.Design) -> Void = { _ in }) throws -> LoopRig {
    var design = LoopRig.Design(.ramp)
    design.exchange = exchange
    change(&design)
    return try LoopRig(design)
  }

  private var isAsked: Bool { exchange.state.pointee.load(ordering: .acquiring) == PolicyExchange.asked }

  /// Answers the question under way with an action, which is its own mean.
  private func answer(_ first: Float, _ second: Float) {
    #expect(isAsked)
    for (index, number) in [first, second, -1, -1, first, second, first, second].enumerated() {
      exchange.results[index] = number
    }
    exchange.scalars.pointee.isUsable = first.isFinite && second.isFinite
    exchange.scalars.pointee.logProbability = first
    exchange.state.pointee.store(PolicyExchange.answered, ordering: .releasing)
  }

  @Test func `Until the first answer nobody has authority and nothing is written`() throws {
    let rig = try rig()
    #expect(rig.begin())
    rig.tick(6)
    let waiting = rig.loop.decision
    #expect(isAsked)
    #expect(waiting.state == .disarmed && waiting.active == .none)
    #expect(rig.arm.attemptCount == 0)
    answer(0.5, 0.25)
    rig.tick()
    let running = rig.loop.decision
    #expect(running.state == .policy)
    #expect(rig.arm.goals == [[0.5, 0.25]])
  }

  @Test func `An answer within the step is executed from the tick that finds it, and steps stay on the grid`() throws {
    let rig = try rig()
    #expect(rig.begin())
    for step in 0..<4 {
      rig.tick(2)
      answer(Float(step + 1) / 8, 0)
      rig.tick(2)
    }
    rig.tick()
    let goals = rig.arm.goals.map { $0[0] * 8 }
    let log = try rig.finish()
    #expect(goals == [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4])
    #expect(log.transitions.count == 4)
    for (index, row) in log.transitions.enumerated() {
      #expect(row.stamp == LoopRig.period * Int64(1 + 4 * index))
      #expect(row.duration == 0.02)
      #expect(row.observation[2] == Float(index) / 64)
      #expect(row.action == [Float(index + 1) / 8, 0])
      #expect(row.command == row.action && row.proposal == row.action)
      #expect(row.logProbability == row.action[0])
      #expect(row.flags == [])
    }
  }

  @Test func `A policy slower than its rate is asked less often, and no step ends before its action was executed`()
    throws
  {
    let rig = try rig()
    #expect(rig.begin())
    for step in 0..<5 {
      rig.tick(4)
      answer(Float(step + 1) / 8, 0)
      rig.tick()
    }
    let goals = rig.arm.goals.map { $0[0] * 8 }
    let log = try rig.finish()
    var expected: [Double] = []
    for answer in 1...4 { expected += [Double](repeating: Double(answer), count: 5) }
    #expect(goals == expected + [5])
    #expect(log.transitions.count == 4)
    for (index, row) in log.transitions.enumerated() {
      #expect(row.stamp == LoopRig.period * Int64(1 + 5 * index))
      #expect(abs(row.duration - 0.025) < 1e-12)
      #expect(row.command == row.proposal && row.proposal == [Float(index + 1) / 8, 0])
      #expect(row.flags == [])
    }
  }

  @Test func `A policy whose first answer is too old gets no authority, and the episode ends`() throws {
    let rig = try rig()
    #expect(rig.begin())
    rig.tick(20)
    answer(0.5, 0.25)
    rig.tick()
    let decision = rig.loop.decision
    let episode = rig.loop.episode
    #expect(decision.active.conditions == [.proposalLate])
    #expect(rig.arm.attemptCount == 0)
    #expect(!episode.isRunning && episode.interrupted)
  }

  @Test func `A straight line begins where the goal is when the answer comes`() throws {
    let rig = try rig { $0.interpolation = .linear }
    #expect(rig.begin())
    rig.tick()
    answer(1, 0)
    rig.tick(3)
    rig.tick(2)
    answer(0, 0)
    rig.tick(5)
    let goals = rig.arm.goals.map { $0[0] }
    #expect(goals == [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0, 0])
  }

  @Test func `A policy that falls silent is late: the arm stops and the episode has an end`() throws {
    let limits = JointLimits.slow(velocity: 1, acceleration: 5)
    let rig = try rig { $0.limits = limits }
    #expect(rig.begin())
    for _ in 0..<6 {
      rig.tick()
      answer(1, -1)
      rig.tick(3)
    }
    // The last answer's stamp is 20 ms old; at 45 ms it is too old.
    let ticks = rig.tick(atMost: 100) { $0.decision.active.has(.proposalLate) }
    let episode = rig.loop.episode
    let latched = rig.loop.decision.latched
    #expect(ticks == 7)
    #expect(!episode.isRunning && episode.interrupted && episode.truncated && episode.rewardSum.isFinite)
    #expect(latched == .none)
    _ = rig.tick(atMost: 200) { $0.isAtRest }
    let goals = rig.arm.goals
    let log = try rig.finish()
    expectWithinLimits(goals, from: [0, 0], limits: limits)
    let last = try #require(log.transitions.last)
    #expect(log.transitions.count == 7)
    // The step that got no answer shows its observation and no action.
    #expect(last.flags == [.truncated, .altered])
    #expect(last.action.allSatisfy { $0.isNaN } && last.actionMean.allSatisfy { $0.isNaN })
    #expect(last.proposal.allSatisfy { $0.isNaN } && last.logProbability.isNaN)
    #expect(last.reward == 0)
    #expect(last.finalObservation.count == 3 && last.finalObservation.allSatisfy { $0.isFinite })
    #expect(log.transitions.dropLast().allSatisfy { !$0.isTruncated && $0.action == [1, -1] })
  }

  @Test func `A late answer of no number is never on the wire and latches a fault`() throws {
    let rig = try rig()
    #expect(rig.begin())
    rig.tick()
    answer(0.5, 0.5)
    rig.tick(5)
    answer(.nan, 0.5)
    rig.tick(3)
    let decision = rig.loop.decision
    let episode = rig.loop.episode
    #expect(decision.state == .faultHold && decision.latched.conditions == [.proposalsInvalid])
    #expect(episode.interrupted && episode.rewardSum.isFinite)
    #expect(rig.arm.goals.allSatisfy { $0 == [0.5, 0.5] })
    let log = try rig.finish()
    let last = try #require(log.transitions.last)
    #expect(last.flags == [.truncated, .altered])
    #expect(last.action[0].isNaN && last.reward == 0)
  }

  @Test func `An answer for the episode before is thrown away`() throws {
    let rig = try rig()
    #expect(rig.begin())
    rig.tick()
    answer(0.5, 0.5)
    rig.tick(4)
    #expect(isAsked)
    rig.loop.request(.stop)
    rig.tick(2)
    #expect(rig.begin())
    rig.tick(3)
    let count = rig.arm.writes.count
    answer(-1, -1)
    rig.tick()
    let waiting = rig.loop.decision.state
    // The old answer has freed the policy; only now the new episode's question is out.
    #expect(isAsked && exchange.scalars.pointee.resets)
    #expect(waiting == .hold)
    rig.tick(3)
    #expect(rig.arm.goals.dropFirst(count).allSatisfy { $0 == [0, 0] })
    answer(0.25, 0.25)
    rig.tick()
    let running = rig.loop.decision.state
    #expect(running == .policy)
    #expect(rig.arm.goals.last == [0.25, 0.25])
  }

  @Test func `The thread answers as the policy in the tick does, and ends with its owner`() throws {
    var made = DensePolicy.random(observations: 3, hidden: [32, 32], jointNames: ["joint1", "joint2"], seed: 9)
    made.distribution = "{kind: gaussian, log_std: [-1, -1]}"
    let folder = try TemporaryFolder()
    let loaded = try PolicyLoader.load(path: made.write(to: folder))
    var inTick = try loaded.makePolicy()
    var random = RandomStream(seed: 4, name: "action")
    let worker = try PolicyWorker(
      policy: loaded.makePolicy(), selection: .sample, random: random, realTime: .ordinary)
    var link = worker.makeLink()
    for question in 0..<500 {
      let observation = (0..<3).map { Double((question * 5 + $0 * 3) % 17) / 8 - 1 }
      let status = inTick.act(observation: observation, sampling: .sample, random: &random)
      #expect(status == .ok)
      let isTaken = link.ask(observation)
      #expect(isTaken)
      let deadline = sinewDeadline(seconds: 20)
      var isAnswered = link.takeAnswer()
      while !isAnswered && TickClock(.monotonic).now() < deadline { isAnswered = link.takeAnswer() }
      #expect(isAnswered)
      let results = (0..<8).map { link.memory.results[$0] }
      let expected =
        Array(inTick.mean) + Array(inTick.logStandardDeviation) + Array(inTick.rawAction) + Array(inTick.action)
      #expect(results == expected)
      #expect(link.memory.scalars.pointee.logProbability == inTick.logProbability)
    }
    withExtendedLifetime(worker) {}
  }
}

/// A monotonic time so many seconds from now, ns.
private func sinewDeadline(seconds: Int64) -> Int64 { TickClock(.monotonic).now() + seconds * 1_000_000_000 }
