import Glibc
import Learning
import Networks
import Numerics
import Testing

/// Each algorithm on an environment that every one of them must learn.
@Suite("Algorithms") struct AlgorithmTests {
  /// The mean return of the mean policy before and after `iterations`.
  static func learn<A: OnPolicyAlgorithm & ~Copyable>(
    _ steps: Int, iterations: Int, change: (inout ActorCriticShape) -> Void = { _ in },
    _ make: (borrowing ActorCritic) -> A
  ) throws -> (before: Double, after: Double) {
    var options = TrainingOptions()
    options.environments = 4
    options.seed = 3
    let model = try lineModel(rows: (steps + 1) * 4, seed: 3, change: change)
    let algorithm = make(model)
    var training = try OnPolicyTraining(options, model: model, algorithm: algorithm) { _ in Line() }
    let before = try training.evaluate(episodes: 20).mean
    for _ in 0..<iterations { _ = try training.iterate(budget: iterations * steps * 4) }
    return (before, try training.evaluate(episodes: 20).mean)
  }

  /// Standing still earns about −5.7 an episode, the best policy about −0.8.
  static let learned = -1.6

  @Test("PPO learns, with each head", arguments: GaussianHead.Spread.allCases, [false, true])
  func ppo(_ spread: GaussianHead.Spread, _ squashed: Bool) throws {
    let result = try Self.learn(
      40, iterations: 30,
      change: {
        $0.spread = spread
        $0.isSquashed = squashed
      }
    ) {
      var options = ProximalPolicyOptimisation.Options()
      options.steps = 40
      options.batchSize = 40
      options.learningRate = 3e-3
      return ProximalPolicyOptimisation(options, model: $0, environments: 4)
    }
    #expect(result.before < -3)
    #expect(result.after > Self.learned)
  }

  @Test("A2C learns")
  func a2c() throws {
    let result = try Self.learn(5, iterations: 500) {
      var options = AdvantageActorCritic.Options()
      options.learningRate = 3e-3
      return AdvantageActorCritic(options, model: $0, environments: 4)
    }
    #expect(result.after > Self.learned)
  }

  @Test("temporal-difference actor-critics learn, one and five steps deep", arguments: [1, 5])
  func temporalDifference(_ steps: Int) throws {
    let result = try Self.learn(steps, iterations: 3000 / steps) {
      var options = TemporalDifferenceActorCritic.Options()
      options.steps = steps
      options.learningRate = 2e-3
      return TemporalDifferenceActorCritic(options, model: $0, environments: 4)
    }
    #expect(result.after > Self.learned)
  }

  @Test("REINFORCE learns from reward-to-go, with each baseline", arguments: Reinforce.Baseline.allCases)
  func reinforce(_ baseline: Reinforce.Baseline) throws {
    let result = try Self.learn(50, iterations: 120) {
      var options = Reinforce.Options()
      options.steps = 50
      options.baseline = baseline
      options.learningRate = 1e-2
      return Reinforce(options, model: $0, environments: 4)
    }
    #expect(result.after > -2.5)
    #expect(result.after > result.before + 1)
  }

  @Test("REINFORCE says what to do when no episode ends within a rollout")
  func shortRollout() throws {
    #expect(throws: LearningError.self) {
      _ = try Self.learn(5, iterations: 1) {
        var options = Reinforce.Options()
        options.steps = 5
        return Reinforce(options, model: $0, environments: 4)
      }
    }
  }

  @Test("TRPO learns and never leaves its trust region", arguments: GaussianHead.Spread.allCases)
  func trpo(_ spread: GaussianHead.Spread) throws {
    var options = TrustRegionPolicyOptimisation.Options()
    options.steps = 40
    var settings = TrainingOptions()
    settings.environments = 4
    let model = try lineModel(rows: 41 * 4) { $0.spread = spread }
    let algorithm = TrustRegionPolicyOptimisation(options, model: model, environments: 4)
    var training = try OnPolicyTraining(settings, model: model, algorithm: algorithm) { _ in Line() }
    for _ in 0..<60 {
      let figures = try training.iterate(budget: 10_000).figures
      #expect(figures.klEstimate <= 0.01)
    }
    #expect(try training.evaluate(episodes: 20).mean > Self.learned)
  }
}
