import Numerics

/// Actor-critic on temporal differences: one gradient step after every rollout of n steps on
///
/// −mean(log π(a|s)·Ψ) + c₁·(R − V)²,   Ψ = Σₖ₌₀ⁿ⁻¹ γᵏ·δₜ₊ₖ,   δ = r + γ·(1 − terminated)·V(s′) − V(s).
///
/// n = 1 is the one-step actor-critic: Ψ = δ, updated after every step. Larger n looks further ahead: less bias from V,
/// more noise from rewards.
/// Sources: Konda and Tsitsiklis, NIPS 1999 (one step); Mnih et al., arXiv:1602.01783 (n steps).
public struct TemporalDifferenceActorCritic: ~Copyable, OnPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    public var learningRate = 3e-4
    public var schedule = RateSchedule.constant
    /// n: steps of each environment per rollout, and how far Ψ looks.
    public var steps = 1
    public var gamma = 0.99
    public var entropyCoefficient = 0.0
    public var valueCoefficient = 0.5
    public var maximumGradientNorm = 0.5
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
        gamma: options.gamma, rule: .nStep(options.steps), bootstrapsTruncation: options.bootstrapsTruncation))
    joint = JointStep(.adam(), model: model, rows: options.steps * environments, normalisesAdvantages: false)
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
    encoder.begin("actor-critic")
    joint.optimiser.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("actor-critic")
    try joint.optimiser.decode(from: &decoder)
  }
}
