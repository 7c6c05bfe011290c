import ArmModel
import Foundation
import LoopTestSupport
import Numerics
import Policies
import Recording
import Sessions
import Simulation
import Tasks
import TestSupport
import Testing

/// What a log says of a run of Reacher-v5, against the task written out anew.
@Suite struct ParityTests {
  static let episodes = 12
  static let seed: UInt64 = 42

  let rows: [Transition]
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let report = try run(
      plan(episodes: ParityTests.episodes, seed: ParityTests.seed, log: folder.file("run.mcap")) {
        $0.selection = .sample
      })
    #expect(report.ending == .completed && report.statistics.count == ParityTests.episodes)
    rows = try LogContents(path: folder.file("run.mcap")).transitions
    #expect(rows.count == 50 * ParityTests.episodes)
    #expect(abs(report.statistics.meanReturn - rows.reduce(0) { $0 + Double($1.reward) } / 12) < 1e-5)
  }

  /// Fingertip by the arm's geometry, m.
  private func fingertip(_ position: [Float]) -> (x: Double, y: Double) {
    let (a, b) = (Double(position[0]), Double(position[0] + position[1]))
    return (0.1 * cos(a) + 0.11 * cos(b), 0.1 * sin(a) + 0.11 * sin(b))
  }

  @Test func `Rows are numbered, stamped and ended as episodes of fifty steps`() {
    for (index, row) in rows.enumerated() {
      let (episode, step) = index.quotientAndRemainder(dividingBy: 50)
      #expect(row.step == UInt64(index))
      #expect(row.episode == UInt32(episode))
      #expect(row.stepInEpisode == UInt32(step))
      // One tick of 20 ms sees where the last step led before the next episode begins.
      #expect(row.stamp == 20_000_000 * Int64(1 + 51 * episode + step))
      #expect(row.duration == 0.02)
      #expect(!row.isTerminated)
      #expect(row.isTruncated == (step == 49))
      #expect(row.finalObservation.count == (step == 49 ? 10 : 0))
      #expect(!row.flags.contains(.altered) && !row.flags.contains(.intervention))
      #expect(row.source == .policy && row.commandMode == CommandMode.effort.rawValue)
    }
  }

  @Test func `Each observation follows from the joints, the target and the fingertip`() {
    for (index, row) in rows.enumerated() {
      let o = row.observation
      for joint in 0..<2 {
        #expect(abs(Double(o[joint]) - cos(Double(row.position[joint]))) < 1e-6)
        #expect(abs(Double(o[2 + joint]) - sin(Double(row.position[joint]))) < 1e-6)
        #expect(o[6 + joint] == row.velocity[joint])
      }
      let first = rows[index - index % 50].observation
      #expect(o[4] == first[4] && o[5] == first[5])
      #expect(hypot(o[4], o[5]) <= 0.2)
      // Exact right after a reset; then what the last physics step evaluated, up to a substep away.
      let tip = fingertip(row.position)
      let slack = index % 50 == 0 ? 1e-6 : 0.01
      #expect(abs(Double(o[8]) - (tip.x - Double(o[4]))) < slack)
      #expect(abs(Double(o[9]) - (tip.y - Double(o[5]))) < slack)
    }
  }

  @Test func `Each reward is distance and control of the state the step led to`() {
    for (index, row) in rows.enumerated() {
      let next = row.isTruncated ? row.finalObservation : rows[index + 1].observation
      let distance = -(Double(next[8]) * Double(next[8]) + Double(next[9]) * Double(next[9])).squareRoot()
      let control = -row.action.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(Double(row.rewardTerms[0]) - distance) < 1e-6)
      #expect(abs(Double(row.rewardTerms[1]) - control) < 1e-6)
      #expect(abs(Double(row.reward) - distance - control) < 1e-6)
      #expect(row.flags.contains(.success) == (row.isTruncated && -distance < 0.02) || !row.isTruncated)
    }
  }

  @Test func `Mean, deviation, sample, action and log-probability belong together`() throws {
    let logDeviation = [-3.140803813934326, -3.1668057441711426]
    var policy = try PolicyLoader.named("reacher-sb3").makePolicy()
    var random = RandomStream(seed: 0, name: "test")
    var z: [Double] = []
    for row in rows {
      #expect(policy.act(observation: row.observation.map { Double($0) }, sampling: .mean, random: &random) == .ok)
      var density = 0.0
      for index in 0..<2 {
        #expect(abs(row.actionMean[index] - policy.mean[index]) <= 1e-6)
        #expect(row.actionLogStandardDeviation[index] == Float(logDeviation[index]))
        #expect(row.action[index] == min(1, max(-1, row.rawAction[index])))
        let deviation = exp(logDeviation[index])
        let score = (Double(row.rawAction[index]) - Double(row.actionMean[index])) / deviation
        z.append(score)
        density += -0.5 * score * score - logDeviation[index] - 0.5 * log(2 * Double.pi)
      }
      #expect(abs(Double(row.logProbability) - density) < 1e-4)
      #expect(row.value.isNaN)
    }
    // The samples are standard normal: mean and variance of 1,200 within five standard errors.
    let mean = z.reduce(0, +) / Double(z.count)
    let variance = z.reduce(0) { $0 + $1 * $1 } / Double(z.count)
    #expect(abs(mean) < 5 / Double(z.count).squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / Double(z.count)).squareRoot())
  }

  @Test func `The command is the proposal, and the proposal is the action in newton metres`() {
    for row in rows {
      for joint in 0..<2 {
        #expect(row.proposal[joint] == Float(200 * Double(row.action[joint])))
        #expect(row.command[joint] == row.proposal[joint])
      }
    }
  }

  @Test func `The logged actions drive another simulator through the same states`() throws {
    let task = try TaskDefinition.named("reacher-v5")
    var evaluator = task.makeEvaluator()
    var resets = RandomStream(seed: ParityTests.seed, name: "reset")
    var arm = try SimulatedArm(
      model: PhysicsModel.named("reacher"), joints: task.joints, controlPeriod: 0.02, seed: ParityTests.seed)
    _ = try arm.bindVariable(.joints(["target_x", "target_y"]))
    var twin = try arm.makeTwin(points: [(name: "fingertip", kind: .body)], source: .lastPhysicsStep)
    var state = JointState(count: 2)
    var points = PointSet(count: 1)
    for (index, row) in rows.enumerated() {
      if index % 50 == 0 {
        evaluator.beginEpisode(random: &resets)
        arm.setVariable(0, evaluator.variable(0))
        try arm.reset(position: evaluator.resetPosition, velocity: evaluator.resetVelocity)
        try arm.read(into: &state, now: row.stamp)
      }
      twin.update(state, into: &points)
      #expect(row.position == state.position.array.map { Float($0) })
      #expect(row.velocity == state.velocity.array.map { Float($0) })
      #expect(abs(Double(row.observation[8]) - (points[0].x - evaluator.variable(0).x)) < 1e-6)
      #expect(abs(Double(row.observation[9]) - (points[0].y - evaluator.variable(0).y)) < 1e-6)
      let goal = JointVector(row.action.map { 200 * Double($0) })
      try arm.write(JointCommand(mode: .effort, goal: goal, stamp: row.stamp))
      try arm.read(into: &state, now: row.stamp)
    }
  }

  @Test func `The mean is proposed when no sample is asked for, and has its density`() throws {
    let path = folder.file("mean.mcap")
    try run(plan(episodes: 2, log: path))
    let rows = try LogContents(path: path).transitions
    #expect(rows.count == 100)
    let density = Float(3.140803813934326 + 3.1668057441711426 - log(2 * Double.pi))
    for row in rows {
      #expect(row.rawAction == row.actionMean)
      #expect(abs(row.logProbability - density) < 1e-5)
    }
  }

  @Test func `Efforts beyond a tightened limit are clamped and marked, and the proposal is kept`() throws {
    let path = folder.file("clamped.mcap")
    let report = try run(
      plan(episodes: 4, log: path) {
        $0.limitOverrides = [tighter(.effort, to: 20)]
        $0.selection = .sample
      })
    let rows = try LogContents(path: path).transitions
    var altered = 0
    for row in rows {
      let isBeyond = row.proposal.contains { abs($0) > 20 }
      #expect(row.flags.contains(.altered) == isBeyond)
      for joint in 0..<2 { #expect(row.command[joint] == min(20, max(-20, row.proposal[joint]))) }
      if isBeyond { altered += 1 }
    }
    #expect(altered > 5 && altered < rows.count)
    #expect(report.loop?.alteredTickCount == altered)
  }

  @Test(.enabled(if: Fixtures.areAvailable))
  func `A thousand episodes agree with the trainer's own evaluation`() throws {
    let report = try run(plan(policy: fixture("sb3_ppo_reacher.with_norm_clip.onnx"), episodes: 1000, seed: 2024))
    let figures = report.statistics
    #expect(report.ending == .completed)
    #expect(figures.count == 1000 && figures.stepCount == 50_000)
    let error = (figures.standardError * figures.standardError + 0.053 * 0.053).squareRoot()
    #expect(abs(figures.meanReturn + 4.327) < 3 * error)
    #expect(abs(figures.standardDeviation - 1.66) < 0.25)
    #expect(report.loop?.tickCount == 51_000)
    #expect(report.loop?.alteredTickCount == 0)
  }
}
