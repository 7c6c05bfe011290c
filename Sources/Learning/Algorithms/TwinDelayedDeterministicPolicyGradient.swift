import Numerics

/// Twin delayed deep deterministic policy gradient (TD3): DDPG with three remedies against critics that overrate.
///
/// smoothing: a′ = clip(m′(s′) + clip(N(0, σ̃²), ±c), ±1)
/// twins:     y = r + γ·(1 − terminated)·min(Q₁′(s′, a′), Q₂′(s′, a′));   minimise mean (Q₁ − y)² + mean (Q₂ − y)²
/// delay:     every d-th update the policy ascends mean Q₁(s, m(s)), and all copies follow: θ′ ← τθ + (1 − τ)θ′
///
/// Source: Fujimoto, van Hoof and Meger, arXiv:1802.09477. Names and defaults: Stable-Baselines3.
public struct TwinDelayedDeterministicPolicyGradient: ~Copyable, OffPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    public var learningRate = 1e-3
    public var replay = ReplayOptions()
    /// `policy_delay`: critics' updates per update of the policy.
    public var policyDelay = 2
    /// σ̃ and c.
    public var targetNoise = 0.2
    public var targetNoiseClip = 0.5
    public init() {}
  }

  public static var hasTwin: Bool { true }
  public let options: Options
  public var replay: ReplayOptions { options.replay }
  private var actorOptimiser: Optimiser
  private var criticOptimiser: Optimiser
  private var policyLoss = Double.nan

  public init(_ options: Options, model: borrowing DeterministicActorCritic) {
    self.options = options
    actorOptimiser = Optimiser(.adam(epsilon: 1e-8), range: model.actorRange, kernels: model.kernels)
    criticOptimiser = Optimiser(.adam(epsilon: 1e-8), range: model.criticRange, kernels: model.kernels)
  }

  public mutating func update(
    _ model: borrowing DeterministicActorCritic, _ batch: borrowing ReplayBatch, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    var figures = UpdateFigures()
    findTargets(model, batch, random: &random)
    // The critics.
    figures.valueLoss = model.differentiateCritics(batch)
    let update = criticOptimiser.steps + 1
    figures.gradientNorm = try model.layout.norm(model.gradients, model.criticRange, model.kernels, update: update)
    criticOptimiser.step(model.parameters.base, gradient: model.gradients.base, rate: options.learningRate)
    // The policy, less often.
    if update % options.policyDelay == 0 {
      policyLoss = model.differentiatePolicy(batch)
      _ = try model.layout.norm(model.gradients, model.actorRange, model.kernels, update: update)
      actorOptimiser.step(model.parameters.base, gradient: model.gradients.base, rate: options.learningRate)
      model.followTargets(replay.tau)
    }
    figures.policyLoss = policyLoss
    figures.updates = criticOptimiser.steps
    return figures
  }

  /// y of every row: smoothing and the smaller twin.
  private func findTargets(
    _ model: borrowing DeterministicActorCritic, _ batch: borrowing ReplayBatch, random: inout RandomStream
  ) {
    model.decide(model.targets, batch.nextInputs.base, count: batch.count)
    let limit = options.targetNoiseClip
    for row in 0..<batch.count {
      let action = batch.nextInputs.base + row * batch.stride + model.shape.observationCount
      for index in 0..<model.shape.actionCount {
        let noise = min(max(options.targetNoise * random.normal(), -limit), limit)
        action[index] = min(max(action[index] + Float(noise), -1), 1)
      }
    }
    model.leastTargetValues(batch.nextInputs.base, count: batch.count, into: batch.targets)
    for row in 0..<batch.count {
      batch.targets[row] = batch.rewards[row] + Float(replay.gamma) * batch.continues[row] * batch.targets[row]
    }
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("td3")
    actorOptimiser.encode(into: &encoder)
    criticOptimiser.encode(into: &encoder)
    encoder.put(policyLoss)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("td3")
    try actorOptimiser.decode(from: &decoder)
    try criticOptimiser.decode(from: &decoder)
    policyLoss = try decoder.take(Double.self)
  }
}
