import CSystem
import Numerics

/// The textbook's demonstration of a policy gradient: one action, one hidden target.
///
/// Reward r = −(a − a*)² + noise of deviation s; policy N(μ, σ²) with σ set by hand. One update per sample is REINFORCE on
/// episodes of one step, μ ← μ + α·(r − b)·∂log π/∂μ = μ + α·(r − b)·(a − μ)/σ².
/// With d = μ − a* the expected step is −2αd whatever σ and b; the baseline only takes noise away. Var/α² is
/// d⁴/σ² + 14d² + 15σ² + s²/σ² without a baseline, and 8d² + 10σ² + s²/σ² with b = E[r].
public struct BanditOptions: Sendable, Equatable {
  /// a*.
  public var target = 2.0
  /// μ at the start.
  public var start = -3.0
  /// σ.
  public var deviation = 1.0
  /// s.
  public var noise = 0.5
  /// α.
  public var rate = 0.02
  /// β of the running-mean baseline.
  public var baselineRate = 0.2
  public var steps = 400
  public var seed: UInt64 = 0
  /// Added to every reward; it changes no best action, only what a missing baseline costs.
  public var rewardOffset = 0.0
  /// The reward is that of the action cut to the box; log π stays that of the action drawn.
  public var clipsActions = false
  public init() {}

  /// The box of actions.
  public static var range: ClosedRange<Double> { -5...5 }
  /// |μ| beyond which a run counts as diverged.
  public static var divergence: Double { 10 }

  /// Var/α² of an update at distance d from the target, from the closed form; without a baseline or with b = E[r].
  public func updateVariance(distance d: Double, exactBaseline: Bool) -> Double {
    let (s2, v) = (noise * noise, deviation * deviation)
    return exactBaseline
      ? 8 * d * d + 10 * v + s2 / v : d * d * d * d / v + 14 * d * d + 15 * v + s2 / v
  }
}

/// What a bandit subtracts from its rewards.
public enum BanditBaseline: Sendable, Equatable {
  case none
  /// Follows the rewards; it starts at the first one, so the first step is 0.
  case runningMean
  /// E[r] itself.
  case exact
}

/// One update of a bandit.
public struct BanditStep: Sendable, Equatable {
  public var action: Double
  public var reward: Double
  /// r − b: positive pulls μ towards the action, negative pushes it away.
  public var weight: Double
  /// How far μ moved.
  public var update: Double
  /// μ afterwards.
  public var mean: Double
}

/// One learner. Two with the same options differ by their baseline alone: they see the same random numbers.
public struct Bandit: Sendable {
  public let options: BanditOptions
  public let baseline: BanditBaseline
  public private(set) var mean: Double
  private var running: RunningBaseline
  private var actions: RandomStream
  private var noise: RandomStream
  private let head = GaussianHead(
    actionCount: 1, spread: .stateIndependent, isSquashed: false, actionRange: BanditOptions.range)

  public init(_ options: BanditOptions, baseline: BanditBaseline) {
    self.options = options
    self.baseline = baseline
    mean = options.start
    running = RunningBaseline(rate: options.baselineRate)
    actions = RandomStream(seed: options.seed, name: "bandit action")
    noise = RandomStream(seed: options.seed, name: "bandit noise")
  }

  /// Whether μ left every plausible place; it is then left alone.
  public var hasDiverged: Bool { !(abs(mean) <= BanditOptions.divergence) }
  /// Whether every sample would be cut to the same action, so that rewards carry no slope: stuck at the rail.
  public var isRailed: Bool {
    options.clipsActions && BanditOptions.range.contains(mean) == false
      && min(abs(mean - BanditOptions.range.lowerBound), abs(mean - BanditOptions.range.upperBound))
        > 3 * options.deviation
  }

  /// Samples, earns and learns once, on the head, the estimator and the baseline that training uses.
  public mutating func step() -> BanditStep {
    let action = draw()
    let played = options.clipsActions ? Double(head.bounded(action)) : Double(action)
    let distance = played - options.target
    let reward = options.rewardOffset - distance * distance + options.noise * noise.normal()
    let total = episodeReturn(reward)
    let weight = total - baselineValue(first: total)
    let update = options.rate * slope(action, weight: weight)
    mean += update
    running.add(total)
    return BanditStep(action: Double(action), reward: reward, weight: weight, update: update, mean: mean)
  }

  private mutating func draw() -> Float {
    let (center, spread) = (Float(mean), Float(sinew_log(options.deviation)))
    var (action, drawnMean, drawnSpread) = (Float(0), Float(0), Float(0))
    withUnsafePointer(to: center) { center in
      withUnsafePointer(to: spread) { spread in
        head.sample(
          GaussianHead.Rows(means: center, meanStride: 1, logDeviations: spread, logDeviationStride: 0), row: 0,
          random: &actions, action: &action, mean: &drawnMean, logDeviation: &drawnSpread)
      }
    }
    return action
  }

  /// The return of an episode of one step, by the estimator.
  private func episodeReturn(_ reward: Double) -> Double {
    let zero = Float(0)
    let single = Float(reward)
    let ended = UInt8(1)
    var (advantage, target) = (Float(0), Float(0))
    withUnsafePointer(to: zero) { zero in
      withUnsafePointer(to: single) { single in
        withUnsafePointer(to: ended) { ended in
          AdvantageEstimator(gamma: 1, rule: .rewardToGo).estimate(
            AdvantageEstimator.Trajectories(
              steps: 1, environments: 1, rewards: single, values: zero, nextValues: zero, terminated: ended,
              truncated: ended), advantages: &advantage, targets: &target)
        }
      }
    }
    return Double(advantage)
  }

  /// weight·∂log π/∂μ, by the head.
  private func slope(_ action: Float, weight: Double) -> Double {
    let (center, spread) = (Float(mean), Float(sinew_log(options.deviation)))
    let coefficient = Float(weight)
    var (gradient, ofSpread) = (Float(0), Float(0))
    withUnsafePointer(to: center) { center in
      withUnsafePointer(to: spread) { spread in
        withUnsafePointer(to: action) { action in
          withUnsafePointer(to: coefficient) { coefficient in
            head.differentiate(
              GaussianHead.Rows(means: center, meanStride: 1, logDeviations: spread, logDeviationStride: 0),
              actions: action, count: 1, logProbabilityGradients: coefficient, entropyGradient: 0, means: &gradient,
              logDeviations: &ofSpread)
          }
        }
      }
    }
    return Double(gradient)
  }

  private func baselineValue(first: Double) -> Double {
    switch baseline {
    case .none: return 0
    case .runningMean: return running.value ?? first
    case .exact:
      let d = mean - options.target
      return options.rewardOffset - d * d - options.deviation * options.deviation
    }
  }
}
