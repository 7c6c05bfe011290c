import CSystem
import Networks
import Numerics

/// Trust region policy optimisation: the natural gradient's direction, as far as a bound on the KL allows.
///
/// maximise  mean ρA  subject to  mean KL(π_old‖π) ≤ δ
///
/// Conjugate gradient solves (F + ηI)x = g with g = ∇ mean ρA; the step √(2δ/xᵀFx)·x reaches the bound of the quadratic
/// model; a line search shortens it by cʲ until the surrogate is better and the KL itself within δ, else the policy stays.
/// F needs no second derivatives: Fv = mean Jᵀ·M·J·v with J = ∂(mean, log σ)/∂θ and M = diag(1/σ², 2), one forward-mode and
/// one reverse pass; it equals the Hessian of the mean KL at π_old. Without the line search this is the natural policy
/// gradient (Kakade, NIPS 2001).
/// Source: Schulman et al., arXiv:1502.05477. Names and defaults: sb3-contrib.
public struct TrustRegionPolicyOptimisation: ~Copyable, OnPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    /// Of the critic.
    public var learningRate = 1e-3
    /// `n_steps`: steps of each environment per rollout.
    public var steps = 256
    public var gamma = 0.99
    public var lambda = 0.95
    /// δ.
    public var targetKL = 0.01
    public var conjugateGradientSteps = 15
    /// η.
    public var damping = 0.1
    /// c, and how often it is tried.
    public var lineSearchShrink = 0.8
    public var lineSearchSteps = 10
    /// Passes of the critic over the rollout, and its rows at once.
    public var criticPasses = 10
    public var batchSize = 128
    public var normalisesAdvantages = true
    public var bootstrapsTruncation = true
    public init() {}
  }

  public let options: Options
  public let plan: RolloutPlan
  private var batch: PolicyBatch
  private let rows: Permutation
  private var critic: CriticFit
  private var updates = 0
  // Flat vectors over the policy's parameters.
  private let old: FloatBuffer
  private let ascent: FloatBuffer
  private let solution: FloatBuffer
  private let residual: FloatBuffer
  private let direction: FloatBuffer
  private let product: FloatBuffer

  public init(_ options: Options, model: borrowing ActorCritic, environments: Int) {
    self.options = options
    plan = RolloutPlan(
      steps: options.steps,
      estimator: AdvantageEstimator(
        gamma: options.gamma, rule: .generalised(lambda: options.lambda),
        bootstrapsTruncation: options.bootstrapsTruncation))
    let count = options.steps * environments
    batch = PolicyBatch(
      capacity: count, observationStride: model.observationStride, actionCount: model.shape.actionCount)
    rows = Permutation(count: count)
    critic = CriticFit(model, rows: count, batchSize: options.batchSize, passes: options.criticPasses)
    old = FloatBuffer(count: model.criticOffset)
    ascent = FloatBuffer(count: model.criticOffset)
    solution = FloatBuffer(count: model.criticOffset)
    residual = FloatBuffer(count: model.criticOffset)
    direction = FloatBuffer(count: model.criticOffset)
    product = FloatBuffer(count: model.criticOffset)
  }

  public mutating func update(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, progress: Double, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    var figures = UpdateFigures()
    let count = model.criticOffset
    let kernels = model.kernels
    updates += 1
    batch.load(rollout, rows: rows.rows, count: rows.count)
    if options.normalisesAdvantages { batch.normaliseAdvantages() }
    // g: ∂(ρA)/∂log π = A where ρ = 1.
    batch.evaluatePolicy(model)
    for row in 0..<batch.count { batch.logProbabilityGradients[row] = batch.advantages[row] / Float(batch.count) }
    let before = surrogate()
    batch.differentiatePolicy(model)
    figures.gradientNorm = try model.gradientNorm(model.actorRange, update: updates)
    ascent.base.update(from: model.gradients.base, count: count)
    old.base.update(from: model.parameters.base, count: count)
    figures.entropy = batch.entropy
    solve(model)
    multiply(model, solution.base)
    let curvature = kernels.dot(solution.base, product.base, count: count)
    figures.policyLoss = -before
    figures.klEstimate = 0
    if curvature > 0 && curvature.isFinite {
      var length = sinew_sqrt(2 * options.targetKL / curvature)
      for _ in 0..<options.lineSearchSteps {
        model.parameters.base.update(from: old.base, count: count)
        kernels.add(Float(length), solution.base, to: model.parameters.base, count: count)
        batch.evaluatePolicy(model)
        let kl = model.head.divergence(
          from: rollout.means, rollout.logDeviations, to: model.rows, count: batch.count)
        let after = surrogate()
        if after > before && kl <= options.targetKL {
          (figures.policyLoss, figures.klEstimate, figures.epochs) = (-after, kl, 1)
          break
        }
        length *= options.lineSearchShrink
      }
      if figures.epochs == 0 { model.parameters.base.update(from: old.base, count: count) }
    }
    figures.valueLoss = try critic.fit(model, rollout, rate: options.learningRate, random: &random)
    figures.updates = updates
    return figures
  }

  /// mean ρA under the latest forward pass.
  private func surrogate() -> Double {
    var sum = 0.0
    for row in 0..<batch.count {
      let logRatio = Double(batch.logProbabilities[row]) - Double(batch.oldLogProbabilities[row])
      sum += sinew_exp(logRatio) * Double(batch.advantages[row])
    }
    return sum / Double(batch.count)
  }

  /// product ← (F + ηI)·vector. The latest forward pass must be that of the old policy.
  private func multiply(_ model: borrowing ActorCritic, _ vector: UnsafePointer<Float>) {
    let (actor, rows) = (batch.count, model.rows)
    let tangent = model.actor.tangent(
      model.parameters.base, direction: vector, input: batch.observations.base, inputStride: model.observationStride,
      rows: actor)
    let spread = model.clearedLogDeviationGradient(rows: batch.count)
    let spreadTangent = model.logDeviation.map { vector + $0.offset } ?? tangent + model.shape.actionCount
    model.head.multiplyByFisher(
      rows, tangentMeans: tangent, tangentLogDeviations: spreadTangent, count: batch.count,
      scale: 1 / Double(batch.count), means: model.actor.outputGradient, logDeviations: spread)
    model.actor.backward(
      model.parameters.base, input: batch.observations.base, inputStride: model.observationStride, rows: batch.count,
      into: model.gradients.base)
    product.base.update(from: model.gradients.base, count: model.criticOffset)
    model.kernels.add(Float(options.damping), vector, to: product.base, count: model.criticOffset)
  }

  /// solution ← (F + ηI)⁻¹·g by conjugate gradients (Hestenes and Stiefel, 1952), from 0.
  private func solve(_ model: borrowing ActorCritic) {
    let (count, kernels) = (model.criticOffset, model.kernels)
    solution.clear()
    residual.base.update(from: ascent.base, count: count)
    direction.base.update(from: ascent.base, count: count)
    var square = kernels.dot(residual.base, residual.base, count: count)
    for _ in 0..<options.conjugateGradientSteps where square > 1e-10 {
      multiply(model, direction.base)
      let step = square / kernels.dot(direction.base, product.base, count: count)
      kernels.add(Float(step), direction.base, to: solution.base, count: count)
      kernels.add(Float(-step), product.base, to: residual.base, count: count)
      let next = kernels.dot(residual.base, residual.base, count: count)
      kernels.scale(direction.base, by: Float(next / square), count: count)
      kernels.add(1, residual.base, to: direction.base, count: count)
      square = next
    }
  }

  /// The damped Fisher information of a rollout's states times a vector over the policy's parameters, for comparison with
  /// the divergence's curvature. The result is left in the gradient of the model.
  public mutating func fisherProduct(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, vector: UnsafePointer<Float>
  ) {
    batch.load(rollout, rows: rows.rows, count: rows.count)
    batch.evaluatePolicy(model)
    multiply(model, vector)
    model.gradients.base.update(from: product.base, count: model.criticOffset)
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("trpo")
    encoder.put(Int64(updates))
    critic.optimiser.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("trpo")
    updates = Int(try decoder.take(Int64.self))
    try critic.optimiser.decode(from: &decoder)
  }
}
