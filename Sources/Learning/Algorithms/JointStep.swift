import Networks
import Numerics

/// One gradient step on a whole rollout for policy and critic together, which the actor-critics share:
/// minimise  −mean(log π·Ψ) + c₁·mean (R − V)² − c₂·H.
struct JointStep: ~Copyable {
  var optimiser: Optimiser
  private var batch: PolicyBatch
  private let rows: Permutation
  private let normalisesAdvantages: Bool

  init(_ rule: OptimiserRule, model: borrowing ActorCritic, rows count: Int, normalisesAdvantages: Bool) {
    optimiser = Optimiser(rule, range: 0..<model.layout.count, kernels: model.kernels)
    batch = PolicyBatch(
      capacity: count, observationStride: model.observationStride, actionCount: model.shape.actionCount)
    rows = Permutation(count: count)
    self.normalisesAdvantages = normalisesAdvantages
  }

  mutating func take(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, rate: Double, valueCoefficient: Double,
    entropyCoefficient: Double, maximumGradientNorm: Double
  ) throws(LearningError) -> UpdateFigures {
    batch.load(rollout, rows: rows.rows, count: rows.count)
    batch.evaluatePolicy(model)
    batch.evaluateCritic(model)
    if normalisesAdvantages { batch.normaliseAdvantages() }
    var figures = UpdateFigures()
    (figures.policyLoss, figures.valueLoss) = (0, 0)
    let share = 1 / Double(batch.count)
    for row in 0..<batch.count {
      let advantage = Double(batch.advantages[row])
      let error = Double(batch.values[row]) - Double(batch.targets[row])
      figures.policyLoss -= share * Double(batch.logProbabilities[row]) * advantage
      figures.valueLoss += share * error * error
      batch.logProbabilityGradients[row] = Float(-share * advantage)
      batch.valueGradients[row] = Float(share * valueCoefficient * 2 * error)
    }
    batch.differentiatePolicy(model, entropyGradient: -entropyCoefficient)
    batch.differentiateCritic(model)
    let norm = try model.gradientNorm(0..<model.layout.count, update: optimiser.steps + 1)
    optimiser.step(
      model.parameters.base, gradient: model.gradients.base, rate: rate,
      gradientScale: min(1, maximumGradientNorm / (norm + 1e-6)))
    figures.entropy = batch.entropy
    figures.gradientNorm = norm
    figures.updates = optimiser.steps
    return figures
  }
}
