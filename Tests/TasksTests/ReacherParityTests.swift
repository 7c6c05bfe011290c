import ArmModel
import Foundation
import Numerics
import Tasks
import TestSupport
import Testing

/// Gymnasium's own transitions, at the level of the task: given its joints and fingertip, its observation and reward.
@Suite struct ReacherParityTests {
  /// A CSV file as rows of numbers by column name.
  func rows(_ name: String) throws -> [[String: Double]] {
    let text = try String(contentsOf: Fixtures.url("parity/\(name).csv"), encoding: .utf8)
    let lines = text.split(whereSeparator: \.isNewline)
    let header = lines[0].split(separator: ",").map(String.init)
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(header, line.split(separator: ",").map { Double($0) ?? .nan }))
    }
  }

  func numbers(_ row: [String: Double], _ name: String, _ range: Range<Int>) -> [Double] {
    range.map { row["\(name)\($0)"] ?? .nan }
  }

  @Test(
    .enabled(if: Fixtures.areAvailable, "the fixtures are not beside the project"),
    arguments: ["reacher-v5-mj4.0.0-onestep", "reacher-v5-mj4.0.0-episodes"])
  func everyRowReproduces(file: String) throws {
    var evaluator = try TaskDefinition.named("reacher-v5").makeEvaluator()
    let rows = try rows(file)
    #expect(rows.count == 1000)
    var worstObservation = 0.0
    var worstReward = 0.0
    for row in rows {
      let target = Vector3(row["qpos2"] ?? .nan, row["qpos3"] ?? .nan, 0.01)
      evaluator.setVariable(0, target)
      let action = numbers(row, "act", 0..<2)
      for (observed, position, velocity) in [("obs", "qpos", "qvel"), ("nobs", "nqpos", "nqvel")] {
        let expected = numbers(row, observed, 0..<10)
        let joints = jointState(numbers(row, position, 0..<2), velocity: numbers(row, velocity, 0..<2))
        let fingertip = Vector3(expected[8] + target.x, expected[9] + target.y, 0.01)
        let points = pointSet([fingertip])
        for (ours, theirs) in zip(evaluator.observation(joints, points), expected) {
          worstObservation = max(worstObservation, abs(ours - theirs))
        }
        guard observed == "nobs" else { continue }
        let reward = evaluator.rewards(action, joints, points)
        worstReward = max(
          worstReward, abs(reward.sum - (row["reward"] ?? .nan)), abs(reward.terms[0] - (row["reward_dist"] ?? .nan)),
          abs(reward.terms[1] - (row["reward_ctrl"] ?? .nan)))
      }
    }
    #expect(worstObservation <= 1e-12)
    #expect(worstReward <= 1e-12)
  }

  @Test func effortIsTheActionTimesTheGearAndClipped() throws {
    var evaluator = try TaskDefinition.named("reacher-v5").makeEvaluator()
    var command = JointCommand(mode: .position, goal: JointVector([]), stamp: 5)
    let joints = jointState([0.1, 0.2])
    evaluator.command(action: [Float(0.25), Float(-3)], joints: joints, into: &command)
    #expect(command.mode == .effort && command.goal.array == [50, -200] && command.stamp == 5)
    // The reward uses the action before clipping.
    #expect(evaluator.rewards([0.25, -3], joints, pointSet([.zero])).terms[1] == -(0.0625 + 9))
  }

  @Test func theResetHasGymnasiumsDistribution() throws {
    var evaluator = try TaskDefinition.named("reacher-v5").makeEvaluator()
    var random = RandomStream(seed: 11, name: "episode reset")
    let count = 100_000
    var inside = 0
    var sums = (x: 0.0, y: 0.0, xx: 0.0, q: 0.0, qq: 0.0, v: 0.0, vv: 0.0)
    var largest = (radius: 0.0, q: 0.0, v: 0.0)
    var quadrants = [0, 0, 0, 0]
    for _ in 0..<count {
      evaluator.beginEpisode(random: &random)
      let target = evaluator.variable(0)
      let radius = (target.x * target.x + target.y * target.y).squareRoot()
      #expect(target.z == 0.01)
      largest.radius = max(largest.radius, radius)
      // Half of the area lies within radius/√2.
      if radius < 0.2 / 2.0.squareRoot() { inside += 1 }
      quadrants[(target.x > 0 ? 1 : 0) + (target.y > 0 ? 2 : 0)] += 1
      sums.x += target.x
      sums.y += target.y
      sums.xx += target.x * target.x
      for joint in 0..<2 {
        let (q, v) = (evaluator.resetPosition[joint], evaluator.resetVelocity[joint])
        largest.q = max(largest.q, abs(q))
        largest.v = max(largest.v, abs(v))
        sums.q += q
        sums.qq += q * q
        sums.v += v
        sums.vv += v * v
      }
    }
    let n = Double(count)
    #expect(largest.radius < 0.2 && largest.radius > 0.1999)
    #expect(largest.q <= 0.1 && largest.q > 0.0999 && largest.v <= 0.005 && largest.v > 0.00499)
    // Five standard errors of each statistic.
    #expect(abs(Double(inside) / n - 0.5) < 5 * 0.5 / n.squareRoot())
    for quadrant in quadrants { #expect(abs(Double(quadrant) / n - 0.25) < 5 * 0.433 / n.squareRoot()) }
    #expect(abs(sums.x / n) < 5 * 0.1 / n.squareRoot() && abs(sums.y / n) < 5 * 0.1 / n.squareRoot())
    // A uniform disk has variance r²/4 along each axis, a uniform interval h²/3.
    #expect(abs(sums.xx / n - 0.01) < 5 * 0.01 / n.squareRoot())
    #expect(abs(sums.q / (2 * n)) < 5 * 0.0578 / (2 * n).squareRoot())
    #expect(abs(sums.qq / (2 * n) - 0.01 / 3) < 5 * 0.003 / (2 * n).squareRoot())
    #expect(abs(sums.v / (2 * n)) < 5 * 0.0029 / (2 * n).squareRoot())
    #expect(abs(sums.vv / (2 * n) - 25e-6 / 3) < 5 * 7.5e-6 / (2 * n).squareRoot())
  }

  @Test func theEpisodeIsTruncatedAfterFiftyStepsAndNeverTerminated() throws {
    var evaluator = try TaskDefinition.named("reacher-v5").makeEvaluator()
    var random = RandomStream(seed: 3)
    evaluator.beginEpisode(random: &random)
    let target = evaluator.variable(0)
    for step in 1...50 {
      let outcome = evaluator.outcome(joints: jointState([0, 0]), points: pointSet([target]))
      #expect(outcome.terminated == false && outcome.truncated == (step == 50) && outcome.success)
      #expect(outcome.cause == (step == 50 ? .timeLimit : .none))
    }
    evaluator.beginEpisode(random: &random)
    #expect(evaluator.stepCount == 0)
    #expect(!evaluator.outcome(joints: jointState([0, 0]), points: pointSet([Vector3(1, 1, 0)])).success)
  }
}
