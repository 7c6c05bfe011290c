import ArmModel
import LoopTestSupport
import Recording
import Safety
import Testing

@testable import Control

/// How episodes begin and end, and who ends them.
@Suite struct EpisodeTests {
  @Test func `Before the first episode the loop reads and writes nothing`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.tick(10)
    let state = rig.loop.decision.state
    let index = rig.loop.episode.index
    #expect(rig.arm.readCount == 10)
    #expect(rig.arm.attemptCount == 0)
    #expect(state == .disarmed)
    #expect(index == -1)
  }

  @Test func `An episode runs to its time limit, yields, and the next one starts`() throws {
    var design = LoopRig.Design(.ramp)
    design.timeLimit = 8
    design.limits = .slow(velocity: 10, acceleration: 400)
    let rig = try LoopRig(design)
    var ticksToRest: [Int] = []
    for episode in 0..<3 {
      #expect(rig.begin())
      let running = rig.tick(atMost: 100) { !$0.episode.isRunning }
      // Eight steps, and the tick that sees where the last one led.
      #expect(running == 8 * 4 + 1)
      ticksToRest.append(rig.tick(atMost: 100) { $0.isAtRest })
      let progress = rig.loop.episode
      #expect(progress.index == episode)
      #expect(progress.steps == 8)
      #expect(progress.truncated && !progress.terminated && !progress.interrupted)
    }
    let log = try rig.finish()
    #expect(ticksToRest.allSatisfy { $0 < 50 })
    #expect(log.transitions.map(\.episode) == (0..<3).flatMap { episode in (0..<8).map { _ in UInt32(episode) } })
    #expect(log.transitions.map(\.stepInEpisode) == (0..<3).flatMap { _ in (0..<8).map { UInt32($0) } })
    #expect(log.transitions.map(\.step) == (0..<24).map { UInt64($0) })
    for row in log.transitions {
      let isLast = row.stepInEpisode == 7
      #expect(row.isTruncated == isLast)
      #expect(!row.isTerminated)
      #expect(row.finalObservation.count == (isLast ? 3 : 0))
      if isLast { #expect(row.finalObservation[2] == 1) }
      #expect(abs(row.duration - 0.02) < 1e-15)
    }
    #expect(log.events(named: "episode_started").map(\.first) == [0, 1, 2])
    let ends = log.events(named: "episode_ended")
    #expect(ends.map(\.first) == [0, 1, 2])
    #expect(ends.map(\.second) == [8, 8, 8])
    for end in ends {
      let sum = log.transitions.filter { Int64($0.episode) == end.first }.reduce(0) { $0 + Double($1.reward) }
      #expect(abs(sum - end.value) < 1e-5)
    }
  }

  @Test func `An arm in motion comes to rest within its limits when the episode ends`() throws {
    var design = LoopRig.Design(.constant(1, -1))
    design.timeLimit = 6
    design.limits = .slow(velocity: 1, acceleration: 5)
    let rig = try LoopRig(design)
    #expect(rig.begin())
    _ = rig.tick(atMost: 100) { !$0.episode.isRunning }
    let isAtRest = rig.loop.isAtRest
    #expect(!isAtRest)
    #expect(!rig.begin())
    let ticks = rig.tick(atMost: 100) { $0.isAtRest }
    rig.tick(10)
    let state = rig.loop.decision.state
    let goals = rig.arm.goals
    #expect(ticks > 5)
    #expect(state == .hold)
    expectWithinLimits(goals, from: [0, 0], limits: design.limits)
    #expect(Set(goals.suffix(10)).count == 1)
  }

  @Test func `A refused beginning changes nothing`() throws {
    var design = LoopRig.Design(.constant(1, 1))
    design.limits = .slow(velocity: 1, acceleration: 1)
    let rig = try LoopRig(design)
    #expect(rig.begin())
    rig.tick(30)
    let before = rig.loop.episode
    let goal = try #require(rig.arm.goals.last)
    let position = rig.arm.position
    #expect(!rig.begin(at: [0, 0]))
    rig.tick()
    let after = rig.loop.episode
    #expect(after.index == before.index && after.isRunning)
    let next = try #require(rig.arm.goals.last)
    #expect(position == goal)
    // It moved on from where it was.
    #expect(next[0] > goal[0] && next[0] - goal[0] < 0.01)
  }

  @Test func `An arm that takes time to arm begins an episode only once it is armed`() throws {
    var design = LoopRig.Design(.ramp)
    design.armingTicks = 5
    let rig = try LoopRig(design)
    rig.tick()
    #expect(!rig.begin())
    rig.loop.request(.arm)
    let ticks = rig.tick(atMost: 50) { $0.decision.state == .hold }
    #expect(ticks == 6)
    // While arming the core holds the measured pose.
    #expect(rig.arm.goals.allSatisfy { $0 == [0, 0] })
    #expect(rig.begin())
    rig.tick()
    let state = rig.loop.decision.state
    #expect(state == .policy)
  }

  @Test func `A stop in mid-step decelerates within the limits, holds, and ends the step as truncated`() throws {
    var design = LoopRig.Design(.constant(2, -2))
    design.limits = .slow(velocity: 1, acceleration: 5)
    let rig = try LoopRig(design)
    #expect(rig.begin())
    // Two ticks into the eleventh step.
    rig.tick(42)
    rig.loop.request(.stop)
    rig.tick()
    let interrupted = rig.loop.episode
    let state = rig.loop.decision.state
    #expect(!interrupted.isRunning && interrupted.interrupted && interrupted.truncated)
    #expect(state == .stopping)
    let ticks = rig.tick(atMost: 200) { $0.isAtRest }
    // 1 rad/s at 5 rad/s²: a fifth of a second.
    #expect((30...41).contains(ticks))
    rig.tick(20)
    let resting = rig.loop.decision
    let goals = rig.arm.goals
    let log = try rig.finish()
    #expect(resting.state == .hold && resting.latched == .none)
    expectWithinLimits(goals, from: [0, 0], limits: design.limits)
    #expect(Set(goals.suffix(20)).count == 1)
    let last = try #require(log.transitions.last)
    #expect(last.stepInEpisode == 10)
    #expect(last.flags == [.truncated, .altered])
    #expect(last.source == .stop)
    #expect(last.finalObservation.count == 3)
    #expect(abs(last.duration - 0.01) < 1e-12)
    #expect(log.transitions.dropLast().allSatisfy { !$0.isTruncated })
    #expect(log.events(named: "condition_raised").map(\.first) == [Int64(Condition.stopRequested.rawValue)])
  }

  @Test func `A stop at a policy tick ends the whole step before it, and no step begins that is not played`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(8)
    rig.loop.request(.stop)
    rig.tick()
    let episode = rig.loop.episode
    let state = rig.loop.decision.state
    let log = try rig.finish()
    #expect(episode.interrupted && episode.truncated && episode.steps == 2)
    #expect(state == .hold)
    #expect(log.transitions.count == 2)
    let last = try #require(log.transitions.last)
    // The step was played as proposed, to its end.
    #expect(last.flags == .truncated)
    #expect(last.source == .policy)
    #expect(last.duration == 0.02)
    let next: [Float] = [1.0 / 64, -1.0 / 64, 2.0 / 64]
    #expect(last.finalObservation == next)
  }

  @Test func `A stop asked for before the first tick of an episode ends it without a step`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.tick(3)
    #expect(rig.begin())
    rig.loop.request(.stop)
    rig.tick(5)
    let episode = rig.loop.episode
    #expect(!episode.isRunning && episode.interrupted && episode.steps == 0)
    #expect(rig.arm.attemptCount == 0)
    #expect(rig.begin())
    rig.tick(5)
    let next = rig.loop.episode
    #expect(next.isRunning && next.index == 1)
    #expect(rig.arm.writes.count == 5)
  }

  @Test func `A yield in mid-episode gives authority back, and the next episode can begin`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(10)
    rig.loop.request(.yield)
    rig.tick()
    let episode = rig.loop.episode
    let decision = rig.loop.decision
    #expect(!episode.isRunning && episode.interrupted)
    #expect(decision.state == .hold && decision.active == .none)
    #expect(rig.begin())
    rig.tick(6)
    let next = rig.loop.episode
    let state = rig.loop.decision.state
    #expect(next.isRunning && next.index == 1 && next.steps == 1)
    #expect(state == .policy)
  }
}
