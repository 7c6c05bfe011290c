import ArmModel
import LoopTestSupport
import Recording
import Safety
import Testing

@testable import Control

/// What the loop makes of an arm or a policy that fails.
@Suite struct FailureTests {
  // MARK: Reads

  @Test(arguments: GoalInterpolation.allCases)
  func `One failed read within a step changes nothing but a count`(interpolation: GoalInterpolation) throws {
    func run(failing: Bool) throws -> (goals: [[Double]], log: LogContents, failures: Int) {
      var design = LoopRig.Design(.ramp)
      design.interpolation = interpolation
      let rig = try LoopRig(design)
      if failing { rig.arm.readFailures = [6: .timedOut, 11: .timedOut] }
      #expect(rig.begin())
      rig.tick(17)
      let goals = rig.arm.goals
      let failures = rig.loop.report.readFailureCount
      return (goals, try rig.finish(), failures)
    }
    let good = try run(failing: false)
    let bad = try run(failing: true)
    #expect(bad.goals == good.goals)
    #expect(bad.log.transitionPayloads == good.log.transitionPayloads)
    #expect(good.failures == 0 && bad.failures == 2)
    #expect(bad.log.events(named: "condition_raised").isEmpty)
  }

  @Test func `At a policy tick nothing is proposed on stale data: the policy waits for the next good read`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.readFailures = [8: .timedOut]
    #expect(rig.begin())
    rig.tick(17)
    let goals = rig.arm.goals.map { $0[0] * 64 }
    let log = try rig.finish()
    #expect(goals == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    #expect(log.transitions.map(\.stamp) == [1, 5, 10].map { LoopRig.period * $0 })
    #expect(log.transitions.map { ($0.duration * 1000).rounded() } == [20, 25, 20])
    #expect(log.transitions.allSatisfy { $0.flags == [] })
  }

  @Test func `While the policy waits for a read, an interpolated goal stays where its line ended`() throws {
    var design = LoopRig.Design(.ramp)
    design.interpolation = .linear
    let rig = try LoopRig(design)
    rig.arm.readFailures = [8: .timedOut, 9: .timedOut]
    #expect(rig.begin())
    rig.tick(14)
    let goals = rig.arm.goals.map { $0[0] * 256 }
    #expect(goals == [0, 0, 0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8])
  }

  @Test func `A first read that fails does not cost the episode`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.readFailures = [0: .timedOut, 1: .timedOut]
    #expect(rig.begin())
    rig.tick(7)
    let episode = rig.loop.episode
    let state = rig.loop.decision.state
    let goals = rig.arm.goals.map { $0[0] * 64 }
    let log = try rig.finish()
    #expect(episode.isRunning && episode.index == 0 && episode.steps == 1)
    #expect(state == .policy)
    #expect(goals == [0, 0, 0, 0, 1])
    #expect(log.transitions.map(\.stamp) == [3 * LoopRig.period])
  }

  @Test func `Three failed reads in a row stop the arm and end the episode, and the next good read clears it`() throws {
    var design = LoopRig.Design(.constant(2, 2))
    design.limits = .slow(velocity: 1, acceleration: 10)
    let rig = try LoopRig(design)
    for read in 21..<24 { rig.arm.readFailures[read] = .timedOut }
    #expect(rig.begin())
    rig.tick(23)
    let before = rig.loop.decision
    #expect(before.state == .policy && before.active == .none)
    rig.tick()
    let stale = rig.loop.decision
    let episode = rig.loop.episode
    #expect(stale.state == .stopping && stale.active.conditions == [.observationStale] && stale.latched == .none)
    #expect(!episode.isRunning && episode.interrupted && episode.truncated)
    let ticks = rig.tick(atMost: 100) { $0.isAtRest }
    #expect(ticks > 5)
    #expect(rig.begin())
    rig.tick(2)
    let after = rig.loop.decision
    #expect(after.state == .policy && after.active == .none)
    let goals = rig.arm.goals
    let log = try rig.finish()
    expectWithinLimits(Array(goals.dropLast(2)), from: [0, 0], limits: design.limits)
    let last = try #require(log.transitions.last)
    #expect(last.flags == [.truncated, .altered])
    #expect(last.finalObservation.allSatisfy { $0.isFinite })
    #expect(log.events(named: "condition_cleared").count == 1)
    #expect(log.events(named: "fault_latched").isEmpty)
  }

  @Test func `Twenty failed reads in a row latch a fault, and nothing is written until a deliberate reset`() throws {
    let rig = try LoopRig(.init(.ramp))
    for read in 10..<60 { rig.arm.readFailures[read] = .timedOut }
    #expect(rig.begin())
    rig.tick(29)
    let before = rig.loop.decision
    #expect(!before.state.isFault)
    rig.tick()
    let mute = rig.loop.decision
    let attempts = rig.arm.attemptCount
    #expect(mute.state == .fault && mute.latched.conditions == [.armMute] && !mute.writes)
    rig.tick(40)
    let later = rig.loop.decision
    #expect(rig.arm.attemptCount == attempts)
    // The reads are good again: the fault stays, and so does the silence.
    #expect(later.state == .fault && later.active == .none)
    #expect(!rig.begin())
    rig.loop.request(.reset)
    rig.tick()
    let reset = rig.loop.decision
    #expect(reset.state == .disarmed && reset.latched == .none)
    rig.tick(5)
    #expect(rig.arm.attemptCount == attempts)
    #expect(rig.begin())
    rig.tick()
    let running = rig.loop.decision
    #expect(running.state == .policy && running.writes)
  }

  @Test func `An arm that was never read gets no command, and an episode begun for it does not outlive the fault`()
    throws
  {
    let rig = try LoopRig(.init(.ramp))
    for read in 0..<30 { rig.arm.readFailures[read] = .timedOut }
    #expect(rig.begin())
    rig.tick(31)
    let episode = rig.loop.episode
    let decision = rig.loop.decision
    #expect(!episode.isRunning && episode.interrupted && episode.steps == 0)
    #expect(decision.state == .fault)
    rig.loop.request(.reset)
    rig.tick(20)
    let after = rig.loop.decision
    #expect(after.state == .disarmed)
    #expect(rig.arm.attemptCount == 0)
  }

  @Test func `What the arm said when a read failed is forgotten with the next good one`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.readFailures[8] = .timedOut
    #expect(rig.begin())
    rig.tick(9)
    let during = rig.loop.lastArmError
    #expect(during?.code == .timedOut)
    rig.tick(1)
    let after = rig.loop.lastArmError
    #expect(after == nil)
  }

  @Test(arguments: [false, true])
  func `What the arm said when it failed for good is kept as long as the fault, and forgotten with it`(
    inWriting: Bool
  ) throws {
    let rig = try LoopRig(.init(.ramp))
    if inWriting { rig.arm.writeFailures[8] = .disconnected } else { rig.arm.readFailures[8] = .disconnected }
    #expect(rig.begin())
    rig.tick(30)
    let (state, during) = (rig.loop.decision.state, rig.loop.lastArmError)
    #expect(state == .fault && during?.code == .disconnected)
    rig.loop.request(.reset)
    rig.tick(20)
    let (stateAfter, after) = (rig.loop.decision.state, rig.loop.lastArmError)
    #expect(stateAfter == .disarmed && after == nil)
  }

  @Test(arguments: [ArmError.Code.diverged, .disconnected, .internalFailure], [8, 9, 10])
  func `An arm that reports a failure for good is muted in the same tick and the episode ends`(
    code: ArmError.Code, read: Int
  ) throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.readFailures[read] = code
    #expect(rig.begin())
    rig.tick(read + 1)
    let decision = rig.loop.decision
    let episode = rig.loop.episode
    let error = rig.loop.lastArmError
    #expect(decision.state == .fault && !decision.writes)
    #expect(decision.latched.conditions == [.armFailed])
    #expect(!episode.isRunning && episode.interrupted && episode.truncated && !episode.terminated)
    #expect(error?.code == code)
    rig.tick(10)
    #expect(rig.arm.attemptCount == read)
    let log = try rig.finish()
    let last = try #require(log.transitions.last)
    let step = (read - 1) / 4
    #expect(last.stepInEpisode == UInt32(step))
    #expect(last.flags == [.truncated, .altered])
    // What was executed, not what the muted core would have liked.
    #expect(last.source == .policy)
    let executed = Float(step) / 64
    #expect(last.command == [executed, -executed])
    #expect(last.finalObservation.count == 3 && last.finalObservation.allSatisfy { $0.isFinite })
    #expect(abs(last.duration - 0.005 * Double(read - 4 * step)) < 1e-12)
    #expect(log.transitions.count == step + 1)
    #expect(log.events(named: "fault_latched").map(\.first) == [Int64(Condition.armFailed.rawValue)])
  }

  @Test func `A measurement that is no number reaches neither the arm nor a proposal that is executed`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.measuredInstead[12] = [.nan, 0]
    #expect(rig.begin())
    rig.tick(20)
    let decision = rig.loop.decision
    #expect(decision.state == .faultHold)
    #expect(decision.latched.has(.measurementInvalid))
    #expect(rig.arm.goals.allSatisfy { $0.allSatisfy { $0.isFinite } })
    let last: [Double] = [2.0 / 64, -2.0 / 64]
    #expect(Set(rig.arm.goals.suffix(8)) == [last])
  }

  // MARK: Writes

  @Test(arguments: [1, 4]) func `A failed write latches a fault in the next tick and its step counts as altered`(
    ticksPerStep: Int
  ) throws {
    var design = LoopRig.Design(.ramp)
    design.ticksPerStep = ticksPerStep
    let rig = try LoopRig(design)
    rig.arm.writeFailures[8] = .timedOut
    #expect(rig.begin())
    rig.tick(9)
    let during = rig.loop.decision
    #expect(during.state == .policy)
    rig.tick(10)
    let decision = rig.loop.decision
    let episode = rig.loop.episode
    let report = rig.loop.report
    #expect(decision.state == .fault && decision.latched.conditions == [.writeFailed])
    #expect(rig.arm.attemptCount == 9)
    #expect(report.writeFailureCount == 1)
    #expect(episode.interrupted && episode.truncated)
    let log = try rig.finish()
    let last = try #require(log.transitions.last)
    #expect(last.stepInEpisode == UInt32(8 / ticksPerStep))
    #expect(last.flags == [.truncated, .altered])
    #expect(last.finalObservation.count == 3)
    #expect(last.duration == 0.005)
    #expect(log.transitions.count == 8 / ticksPerStep + 1)
  }

  // MARK: The policy

  @Test(arguments: GoalInterpolation.allCases)
  func `A policy that turns into no number is never on the wire and latches a fault`(
    interpolation: GoalInterpolation
  ) throws {
    var design = LoopRig.Design(.notANumberAfterAQuarter)
    design.interpolation = interpolation
    design.limits = .slow(velocity: 1, acceleration: 5)
    let rig = try LoopRig(design)
    #expect(rig.begin())
    let ticks = rig.tick(atMost: 1000) { $0.decision.active.has(.proposalInvalid) }
    #expect(ticks == 17 * 4 + 1)
    _ = rig.tick(atMost: 200) { $0.decision.state.isFault }
    rig.tick(20)
    let decision = rig.loop.decision
    let episode = rig.loop.episode
    let goals = rig.arm.goals
    #expect(decision.state == .faultHold)
    #expect(decision.latched.conditions == [.proposalsInvalid])
    #expect(episode.interrupted && episode.truncated && episode.rewardSum.isFinite)
    expectWithinLimits(goals, from: [0, 0], limits: design.limits)
    #expect(Set(goals.suffix(20)).count == 1)
    let log = try rig.finish()
    let last = try #require(log.transitions.last)
    // The record shows the observation that did it, and that there was no action; it moved nothing and earned nothing.
    #expect(last.stepInEpisode == 17)
    #expect(last.flags == [.truncated, .altered])
    #expect(last.observation[2] == 17.0 / 64)
    for numbers in [last.rawAction, last.actionMean, last.action, last.proposal] {
      #expect(numbers.allSatisfy { $0.isNaN })
    }
    #expect(last.command.allSatisfy { $0.isFinite })
    #expect(last.source == .stop)
    #expect(last.duration == 0)
    #expect(last.reward == 0)
    #expect(log.transitions.dropLast().allSatisfy { $0.action.allSatisfy { $0.isFinite } && $0.reward.isFinite })
  }

  @Test func `A held fault lets no episode begin until it was reset`() throws {
    let rig = try LoopRig(.init(.notANumberAfterAQuarter))
    #expect(rig.begin())
    _ = rig.tick(atMost: 1000) { $0.decision.state.isFault }
    #expect(!rig.begin())
    rig.tick(50)
    let held = rig.loop.decision
    #expect(held.state == .faultHold)
    rig.loop.request(.reset)
    rig.tick()
    let reset = rig.loop.decision
    #expect(reset.state == .disarmed)
    #expect(rig.begin())
    rig.tick(30)
    let again = rig.loop.decision
    #expect(again.state == .policy)
  }
}
