import ArmModel
import LoopTestSupport
import Recording
import Safety
import Testing

@testable import Control

/// The policy at its own rate within a faster control rate.
@Suite struct StepTests {
  @Test func `Between policy steps the goal is held`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(12)
    let expected = [0.0, 1, 2].flatMap { step in (0..<4).map { _ in [step / 64, -step / 64] } }
    #expect(rig.arm.goals == expected)
    #expect(rig.arm.writes.allSatisfy { $0.mode == .position })
  }

  @Test func `Between policy steps the goal moves in a straight line and arrives with the step's last tick`() throws {
    var design = LoopRig.Design(.ramp)
    design.interpolation = .linear
    let rig = try LoopRig(design)
    #expect(rig.begin())
    rig.tick(16)
    var expected: [[Double]] = []
    for step in 0..<4 {
      let from = Double(max(0, step - 1)) / 64
      let to = Double(step) / 64
      for tick in 1...4 {
        let goal = from + Double(tick) / 4 * (to - from)
        expected.append([goal, -goal])
      }
    }
    #expect(rig.arm.goals == expected)
  }

  @Test func `The straight line begins where the episode does`() throws {
    var design = LoopRig.Design(.constant(1, 0.5))
    design.interpolation = .linear
    design.taskExtra = "reset: {position: {mean: [0.5, -0.5]}}"
    let rig = try LoopRig(design)
    #expect(rig.begin())
    rig.tick(5)
    #expect(rig.arm.goals == [[0.625, -0.25], [0.75, 0], [0.875, 0.25], [1, 0.5], [1, 0.5]])
  }

  @Test(arguments: [1, 2, 4, 10])
  func `A step takes its number of control ticks and is recorded with the state it led to`(ticksPerStep: Int) throws {
    var design = LoopRig.Design(.ramp)
    design.ticksPerStep = ticksPerStep
    let rig = try LoopRig(design)
    #expect(rig.begin())
    rig.tick(6 * ticksPerStep)
    let log = try rig.finish()
    // The sixth step is open still.
    #expect(log.transitions.count == 5)
    for (index, row) in log.transitions.enumerated() {
      #expect(row.step == UInt64(index))
      #expect(row.stepInEpisode == UInt32(index))
      #expect(row.stamp == LoopRig.period * Int64(1 + index * ticksPerStep))
      #expect(row.duration == Double(LoopRig.period * Int64(ticksPerStep)) * 1e-9)
      let before = Float(max(0, index - 1)) / 64
      #expect(row.observation == [before, -before, Float(index) / 64])
      #expect(row.position == [before, -before])
      #expect(row.action == [Float(index) / 64, -Float(index) / 64])
      #expect(row.command == row.action)
      #expect(row.proposal == row.action)
      #expect(row.source == .policy)
      #expect(row.flags == [])
      #expect(row.finalObservation.isEmpty)
      #expect(row.rewardTerms[1] == -2 * (Float(index) / 64) * (Float(index) / 64))
      #expect(row.reward == row.rewardTerms[0] + row.rewardTerms[1])
    }
  }

  @Test func `A clamped step is marked as altered, with the proposal beside the command`() throws {
    var design = LoopRig.Design(.constant(1, 0))
    design.limits = .slow(velocity: 2, acceleration: .infinity)
    let rig = try LoopRig(design)
    #expect(rig.begin())
    rig.tick(33)
    let report = rig.loop.report
    let goals = rig.arm.goals
    let log = try rig.finish()
    expectWithinLimits(goals, from: [0, 0], limits: design.limits)
    // 2 rad/s for 20 ms a step: 0.04 rad.
    for (index, row) in log.transitions.enumerated() {
      #expect(row.flags == .altered)
      #expect(row.source == .policy)
      #expect(row.proposal == [1, 0])
      #expect(abs(row.command[0] - 0.04 * Float(index + 1)) < 1e-6)
    }
    #expect(log.transitions.count == 8)
    #expect(report.alteredTickCount == 33)
  }

  @Test func `An episode that its task terminates ends with terminated alone and the last observation`() throws {
    var design = LoopRig.Design(.ramp)
    design.taskExtra = """
      joint_limits: {joint1: [-1, 0.078125]}
      termination: {joint_limit: {margin: 0.01}}
      """
    design.ticksPerStep = 1
    let rig = try LoopRig(design)
    #expect(rig.begin())
    // Goals are kept within the task's limits, so the arm itself has to leave them.
    rig.arm.measuredInstead[7] = [0.1, 0]
    let count = rig.tick(atMost: 40) { !$0.episode.isRunning }
    let episode = rig.loop.episode
    rig.tick(3)
    let log = try rig.finish()
    #expect(count == 8)
    #expect(episode.terminated && !episode.truncated && !episode.interrupted)
    #expect(episode.steps == 7)
    #expect(log.transitions.count == 7)
    #expect(log.transitions.last?.flags == .terminated)
    #expect(log.transitions.last?.finalObservation == [0.1, 0, 7.0 / 64])
    #expect(log.transitions.dropLast().allSatisfy { $0.finalObservation.isEmpty && $0.flags == [] })
  }

  @Test func `A log-probability and a critic that do not exist are not numbers`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(9)
    let log = try rig.finish()
    #expect(log.transitions.count == 2)
    #expect(log.transitions.allSatisfy { $0.logProbability.isNaN && $0.value.isNaN })
    #expect(log.transitions.allSatisfy { $0.actionLogStandardDeviation.allSatisfy { $0.isNaN } })
  }
}
