import Numerics

/// Deep deterministic policy gradient (DDPG): a critic learns the value of actions from remembered transitions, and the
/// policy climbs it. Exploration is noise from outside.
///
/// critic: minimise mean (Q(s, a) − y)²,   y = r + γ·(1 − terminated)·Q′(s′, m′(s′))
/// policy: ascend mean ∇m Q(s, m(s)):   ∇θ J = mean ∇a Q(s, a)|a=m(s) · ∇θ m(s)
/// copies: θ′ ← τθ + (1 − τ)θ′
///
/// Source: Lillicrap et al., arXiv:1509.02971; the policy's gradient: Silver et al., "Deterministic Policy Gradient
/// Algorithms", ICML 2014. Names and defaults: Stable-Baselines3.
public struct DeepDeterministicPolicyGradient: ~Copyable, OffPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    public var learningRate = 1e-3
    public var replay = ReplayOptions()
    public init() {}
  }

  public static var hasTwin: Bool { false }
  public let options: Options
  public var replay: ReplayOptions { options.replay }
  private var actorOptimiser: Optimiser
  private var criticOptimiser: Optimiser

  public init(_ options: Options, model: borrowing DeterministicActorCritic) {
    self.options = options
    actorOptimiser = Optimiser(.adam(epsilon: 1e-8), range: model.actorRange, kernels: model.kernels)
    criticOptimiser = Optimiser(.adam(epsilon: 1e-8), range: model.criticRange, kernels: model.kernels)
  }

  public mutating func update(
    _ model: borrowing DeterministicActorCritic, _ batch: borrowing ReplayBatch, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    var figures = UpdateFigures()
    // y = r + γ·(1 − terminated)·Q′(s′, m′(s′)).
    model.decide(model.targets, batch.nextInputs.base, count: batch.count)
    model.leastTargetValues(batch.nextInputs.base, count: batch.count, into: batch.targets)
    for row in 0..<batch.count {
      batch.targets[row] = batch.rewards[row] + Float(replay.gamma) * batch.continues[row] * batch.targets[row]
    }
    // The critic.
    figures.valueLoss = model.differentiateCritics(batch)
    let update = criticOptimiser.steps + 1
    figures.gradientNorm = try model.layout.norm(model.gradients, model.criticRange, model.kernels, update: update)
    criticOptimiser.step(model.parameters.base, gradient: model.gradients.base, rate: options.learningRate)
    // The policy.
    figures.policyLoss = model.differentiatePolicy(batch)
    _ = try model.layout.norm(model.gradients, model.actorRange, model.kernels, update: update)
    actorOptimiser.step(model.parameters.base, gradient: model.gradients.base, rate: options.learningRate)
    model.followTargets(replay.tau)
    figures.updates = criticOptimiser.steps
    return figures
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("ddpg")
    actorOptimiser.encode(into: &encoder)
    criticOptimiser.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("ddpg")
    try actorOptimiser.decode(from: &decoder)
    try criticOptimiser.decode(from: &decoder)
  }
}
