import Numerics

/// Advantage actor-critic (A2C), the synchronous A3C: after every n steps of N environments one gradient step on
///
/// −mean(log π(a|s)·A) + c₁·(R − V)² − c₂·H,   A from GAE(γ, λ); λ = 1 is the bootstrapped n-step return minus V.
///
/// Source: Mnih et al., arXiv:1602.01783. Names and defaults: Stable-Baselines3 (RMSprop, ε = 10⁻⁵).
public struct AdvantageActorCritic: ~Copyable, OnPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    public var learningRate = 7e-4
    public var schedule = RateSchedule.constant
    /// `n_steps`.
    public var steps = 5
    public var gamma = 0.99
    public var lambda = 1.0
    public var entropyCoefficient = 0.0
    public var valueCoefficient = 0.5
    public var maximumGradientNorm = 0.5
    public var normalisesAdvantages = false
    /// RMSprop as in the paper; else Adam.
    public var usesRMSprop = true
    public var bootstrapsTruncation = true
    public init() {}
  }

  public let options: Options
  public let plan: RolloutPlan
  private var joint: JointStep

  public init(_ options: Options, model: borrowing ActorCritic, environments: Int) {
    self.options = options
    plan = RolloutPlan(
      steps: options.steps,
      estimator: AdvantageEstimator(
        gamma: options.gamma, rule: .generalised(lambda: options.lambda),
        bootstrapsTruncation: options.bootstrapsTruncation))
    joint = JointStep(
      options.usesRMSprop ? .rmsprop() : .adam(), model: model, rows: options.steps * environments,
      normalisesAdvantages: options.normalisesAdvantages)
  }

  public mutating func update(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, progress: Double, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    try joint.take(
      model, rollout, rate: options.learningRate * options.schedule.factor(progress),
      valueCoefficient: options.valueCoefficient, entropyCoefficient: options.entropyCoefficient,
      maximumGradientNorm: options.maximumGradientNorm)
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("a2c")
    joint.optimiser.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("a2c")
    try joint.optimiser.decode(from: &decoder)
  }
}
