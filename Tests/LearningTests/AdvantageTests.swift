import Learning
import Numerics
import Testing

/// The estimator against the definitions, written here a second time without recursion.
@Suite("Advantages") struct AdvantageTests {
  /// Made-up trajectories of some environments.
  struct Trajectory {
    var steps: Int
    var environments: Int
    var rewards: [Float] = []
    var values: [Float] = []
    var nextValues: [Float] = []
    var terminated: [UInt8] = []
    var truncated: [UInt8] = []

    init(steps: Int, environments: Int, seed: UInt64) {
      self.steps = steps
      self.environments = environments
      var random = RandomStream(seed: seed, name: "advantages")
      for _ in 0..<(steps * environments) {
        rewards.append(Float(random.normal()))
        values.append(Float(random.normal()))
        nextValues.append(Float(random.normal()))
        let end = random.uniform()
        terminated.append(end < 0.08 ? 1 : 0)
        truncated.append(end > 0.9 ? 1 : 0)
      }
    }

    func estimate(_ estimator: AdvantageEstimator) -> (advantages: [Float], targets: [Float]) {
      var advantages = [Float](repeating: .nan, count: rewards.count)
      var targets = advantages
      estimator.estimate(
        AdvantageEstimator.Trajectories(
          steps: steps, environments: environments, rewards: rewards, values: values, nextValues: nextValues,
          terminated: terminated, truncated: truncated), advantages: &advantages, targets: &targets)
      return (advantages, targets)
    }

    func row(_ step: Int, _ environment: Int) -> Int { step * environments + environment }
    func isEnd(_ row: Int) -> Bool { terminated[row] != 0 || truncated[row] != 0 }
    func delta(_ row: Int, _ gamma: Double) -> Double {
      Double(rewards[row]) + (terminated[row] != 0 ? 0 : gamma * Double(nextValues[row])) - Double(values[row])
    }
    /// Steps that a sum from `step` may take: to the end of the episode or of the rollout.
    func horizon(_ step: Int, _ environment: Int) -> Int {
      var count = 1
      while step + count < steps, !isEnd(row(step + count - 1, environment)) { count += 1 }
      return count
    }
    /// The n-step advantage, Σ γᵏδ.
    func nStep(_ step: Int, _ environment: Int, _ n: Int, _ gamma: Double) -> Double {
      (0..<min(n, horizon(step, environment))).reduce(0.0) { sum, k in
        var factor = 1.0
        for _ in 0..<k { factor *= gamma }
        return sum + factor * delta(row(step + k, environment), gamma)
      }
    }
  }

  func close(_ got: Float, _ expected: Double) -> Bool { abs(Double(got) - expected) <= 2e-5 * max(1, abs(expected)) }

  @Test("GAE is the weighted mean of all n-step advantages", arguments: [0.0, 0.5, 0.95, 1.0], [0.9, 0.99])
  func definition(_ lambda: Double, _ gamma: Double) {
    let x = Trajectory(steps: 40, environments: 3, seed: 1)
    let (advantages, targets) = x.estimate(
      AdvantageEstimator(gamma: gamma, rule: .generalised(lambda: lambda)))
    for step in 0..<x.steps {
      for environment in 0..<x.environments {
        let last = x.horizon(step, environment)
        var (expected, weight) = (0.0, 1.0)
        for n in 1...last {
          // (1 − λ)λⁿ⁻¹, and what is left for the longest.
          let share = n == last ? weight : (1 - lambda) * weight
          expected += share * x.nStep(step, environment, n, gamma)
          weight *= lambda
        }
        let row = x.row(step, environment)
        #expect(close(advantages[row], expected))
        #expect(close(targets[row], expected + Double(x.values[row])))
      }
    }
  }

  @Test("λ = 0 is the temporal difference, λ = 1 the sum of all to the end")
  func limits() {
    let x = Trajectory(steps: 60, environments: 2, seed: 2)
    let gamma = 0.97
    let (short, _) = x.estimate(AdvantageEstimator(gamma: gamma, rule: .generalised(lambda: 0)))
    let (long, _) = x.estimate(AdvantageEstimator(gamma: gamma, rule: .generalised(lambda: 1)))
    for environment in 0..<2 {
      for step in 0..<x.steps {
        let row = x.row(step, environment)
        #expect(close(short[row], x.delta(row, gamma)))
        let count = x.horizon(step, environment)
        var (telescoped, factor) = (0.0, 1.0)
        for k in 0..<count {
          telescoped += factor * x.delta(x.row(step + k, environment), gamma)
          factor *= gamma
        }
        #expect(close(long[row], telescoped))
      }
    }
  }

  @Test("with consistent values λ = 1 is the discounted return minus V")
  func monteCarlo() {
    var x = Trajectory(steps: 30, environments: 1, seed: 3)
    for step in 0..<29 where !x.isEnd(step) { x.nextValues[step] = x.values[step + 1] }
    let (advantages, targets) = x.estimate(AdvantageEstimator(gamma: 0.9, rule: .generalised(lambda: 1)))
    for step in 0..<30 {
      let count = x.horizon(step, 0)
      var (total, factor) = (0.0, 1.0)
      for k in 0..<count {
        total += factor * Double(x.rewards[step + k])
        factor *= 0.9
      }
      let last = step + count - 1
      if x.terminated[last] == 0 { total += factor * Double(x.nextValues[last]) }
      #expect(close(targets[step], total))
      #expect(close(advantages[step], total - Double(x.values[step])))
    }
  }

  @Test("the n-step advantage sums n differences, cut at an episode's end", arguments: [1, 2, 5, 100])
  func nSteps(_ n: Int) {
    let x = Trajectory(steps: 25, environments: 4, seed: 4)
    let (advantages, _) = x.estimate(AdvantageEstimator(gamma: 0.95, rule: .nStep(n)))
    for step in 0..<x.steps {
      for environment in 0..<4 {
        #expect(close(advantages[x.row(step, environment)], x.nStep(step, environment, n, 0.95)))
      }
    }
  }

  @Test("returns need no critic: reward-to-go sums what follows, the episode's return is the same in every step")
  func returns() {
    var x = Trajectory(steps: 50, environments: 2, seed: 5)
    let rewardToGo = x.estimate(AdvantageEstimator(gamma: 0.9, rule: .rewardToGo)).advantages
    let whole = x.estimate(AdvantageEstimator(gamma: 0.9, rule: .episodeReturn)).advantages
    for environment in 0..<2 {
      var start = 0
      for step in 0..<x.steps {
        let count = x.horizon(step, environment)
        var (total, factor) = (0.0, 1.0)
        for k in 0..<count {
          total += factor * Double(x.rewards[x.row(step + k, environment)])
          factor *= 0.9
        }
        #expect(close(rewardToGo[x.row(step, environment)], total))
        #expect(whole[x.row(step, environment)] == rewardToGo[x.row(start, environment)])
        if x.isEnd(x.row(step, environment)) { start = step + 1 }
      }
    }
    // Values change nothing.
    x.values = x.values.map { $0 + 7 }
    #expect(x.estimate(AdvantageEstimator(gamma: 0.9, rule: .rewardToGo)).advantages == rewardToGo)
  }

  @Test("a truncated episode is worth what follows it, a terminated one is not")
  func endings() {
    var x = Trajectory(steps: 1, environments: 3, seed: 6)
    x.rewards = [1, 1, 1]
    x.values = [0.5, 0.5, 0.5]
    x.nextValues = [10, 10, 10]
    x.terminated = [0, 1, 1]
    x.truncated = [1, 0, 1]
    let rule = AdvantageRule.generalised(lambda: 0.95)
    let on = x.estimate(AdvantageEstimator(gamma: 0.5, rule: rule)).advantages
    // What a time limit and termination in one step mean is termination.
    #expect(on == [1 + 5 - 0.5, 0.5, 0.5])
    let off = x.estimate(AdvantageEstimator(gamma: 0.5, rule: rule, bootstrapsTruncation: false)).advantages
    #expect(off == [0.5, 0.5, 0.5])
  }

  @Test("nothing leaks over an episode's end")
  func noLeak() {
    var x = Trajectory(steps: 20, environments: 1, seed: 7)
    x.terminated = x.terminated.map { _ in 0 }
    x.truncated = x.truncated.map { _ in 0 }
    x.truncated[9] = 1
    let rule = AdvantageRule.generalised(lambda: 0.95)
    let before = x.estimate(AdvantageEstimator(gamma: 0.99, rule: rule)).advantages
    for step in 10..<20 { x.rewards[step] += 1000 }
    let after = x.estimate(AdvantageEstimator(gamma: 0.99, rule: rule)).advantages
    #expect(before[..<10] == after[..<10])
    #expect(before[10] != after[10])
  }
}
