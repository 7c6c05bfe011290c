import Networks
import Numerics

/// A number that follows returns: b ← b + β·(G − b). It starts at the first return it sees.
///
/// An estimate that a return is compared with must not contain that return: read `value` first, then `add`.
public struct RunningBaseline: Sendable, BitwiseCopyable {
  /// Step size β.
  public var rate: Double
  /// b; nil before the first return.
  public private(set) var value: Double?

  public init(rate: Double) { self.rate = rate }

  public mutating func add(_ total: Double) {
    let old = value ?? total
    value = old + rate * (total - old)
  }
}

/// REINFORCE: one gradient step on whole episodes,
///
/// maximise  mean log π(a|s)·Ψ,   Ψ = G₀ (the episode's return), Gₜ (reward-to-go), or Gₜ − b
///
/// A baseline b that does not depend on the action leaves the expected step as it is and takes noise away: a running mean of
/// returns, or a learned V(s) that is fitted to Gₜ. Steps of episodes that the rollout's end cut are left out.
/// Sources: Williams, Machine Learning 8, 1992; Sutton et al., NIPS 1999; Greensmith et al., JMLR 5, 2004 (baselines).
/// Defaults: Tianshou's benchmark (Adam 10⁻³, 2,048 steps a rollout).
public struct Reinforce: ~Copyable, OnPolicyAlgorithm {
  public enum Baseline: String, Sendable, CaseIterable {
    case none
    /// b ← b + β·(Ḡ − b) over the rollout's mean return, β = 0.2; subtracted before it is updated.
    case runningMean = "running_mean"
    /// V(s), fitted apart after each step.
    case learned
  }
  public struct Options: Sendable, Equatable {
    public var learningRate = 1e-3
    public var schedule = RateSchedule.constant
    /// `n_steps`: steps of each environment per rollout.
    public var steps = 256
    public var gamma = 0.99
    /// Gₜ instead of G₀.
    public var usesRewardToGo = true
    public var baseline = Baseline.none
    public var entropyCoefficient = 0.0
    /// Ψ to mean 0 and deviation 1 over the rollout.
    public var normalisesAdvantages = false
    public var maximumGradientNorm = Double.infinity
    public var criticLearningRate = 1e-3
    /// Passes of 64-row minibatches over the rollout.
    public var criticPasses = 10
    public init() {}
  }

  public let options: Options
  public let plan: RolloutPlan
  private var optimiser: Optimiser
  private var batch: PolicyBatch
  private let rows: Permutation
  private let mask: FloatBuffer
  private var critic: CriticFit
  private var running = RunningBaseline(rate: 0.2)

  public init(_ options: Options, model: borrowing ActorCritic, environments: Int) {
    self.options = options
    plan = RolloutPlan(
      steps: options.steps,
      estimator: AdvantageEstimator(
        gamma: options.gamma, rule: options.usesRewardToGo ? .rewardToGo : .episodeReturn),
      beginsEpisodes: true)
    optimiser = Optimiser(.adam(), range: model.actorRange, kernels: model.kernels)
    let count = options.steps * environments
    batch = PolicyBatch(
      capacity: count, observationStride: model.observationStride, actionCount: model.shape.actionCount)
    rows = Permutation(count: count)
    mask = FloatBuffer(count: count)
    critic = CriticFit(model, rows: count, batchSize: 64, passes: options.criticPasses)
  }

  public mutating func update(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, progress: Double, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    var figures = UpdateFigures()
    let complete = rollout.markComplete(mask.base)
    guard complete > 0 else {
      throw LearningError(
        .setting,
        "no episode ended within a rollout of \(options.steps) steps: REINFORCE learns from whole episodes; raise n_steps "
          + "above the task's time limit")
    }
    batch.load(rollout, rows: rows.rows, count: rows.count)
    batch.evaluatePolicy(model)
    subtractBaseline(model, complete: complete)
    if options.normalisesAdvantages { normaliseComplete(complete) }
    let share = 1 / Double(complete)
    figures.policyLoss = 0
    for row in 0..<batch.count {
      let weight = share * Double(mask.base[row]) * Double(batch.advantages[row])
      figures.policyLoss -= weight * Double(batch.logProbabilities[row])
      batch.logProbabilityGradients[row] = Float(-weight)
    }
    batch.differentiatePolicy(model, entropyGradient: -options.entropyCoefficient)
    let norm = try model.gradientNorm(model.actorRange, update: optimiser.steps + 1)
    optimiser.step(
      model.parameters.base, gradient: model.gradients.base,
      rate: options.learningRate * options.schedule.factor(progress),
      gradientScale: min(1, options.maximumGradientNorm / (norm + 1e-6)))
    if options.baseline == .learned {
      figures.valueLoss = try critic.fit(model, rollout, rate: options.criticLearningRate, random: &random)
    }
    figures.entropy = batch.entropy
    figures.gradientNorm = norm
    figures.updates = optimiser.steps
    return figures
  }

  private mutating func subtractBaseline(_ model: borrowing ActorCritic, complete: Int) {
    switch options.baseline {
    case .none: break
    case .runningMean:
      var sum = 0.0
      for row in 0..<batch.count { sum += Double(mask.base[row]) * Double(batch.advantages[row]) }
      let baseline = Float(running.value ?? 0)
      for row in 0..<batch.count { batch.advantages[row] -= baseline }
      running.add(sum / Double(complete))
    case .learned:
      batch.evaluateCritic(model)
      for row in 0..<batch.count { batch.advantages[row] -= batch.values[row] }
    }
  }

  /// Over the rows that count.
  private func normaliseComplete(_ complete: Int) {
    var (sum, squares) = (0.0, 0.0)
    for row in 0..<batch.count { sum += Double(mask.base[row]) * Double(batch.advantages[row]) }
    let mean = sum / Double(complete)
    for row in 0..<batch.count {
      let difference = Double(batch.advantages[row]) - mean
      squares += Double(mask.base[row]) * difference * difference
    }
    let deviation = (squares / Double(max(1, complete - 1))).squareRoot() + 1e-8
    for row in 0..<batch.count { batch.advantages[row] = Float((Double(batch.advantages[row]) - mean) / deviation) }
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("reinforce")
    optimiser.encode(into: &encoder)
    critic.optimiser.encode(into: &encoder)
    encoder.put(running)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("reinforce")
    try optimiser.decode(from: &decoder)
    try critic.optimiser.decode(from: &decoder)
    running = try decoder.take(RunningBaseline.self)
  }
}
