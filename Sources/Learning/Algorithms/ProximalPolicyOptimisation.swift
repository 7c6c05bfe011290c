import CSystem
import Networks
import Numerics

/// Proximal policy optimisation: several epochs of minibatch steps on a rollout, with the probability ratio kept near 1.
///
/// maximise  mean min(ρA, clip(ρ, 1 − ε, 1 + ε)·A) − c₁·(R − V)² + c₂·H,   ρ = π(a|s)/π_old(a|s)
///
/// The minimum is not a clamp: its gradient vanishes only for A > 0, ρ > 1 + ε and A < 0, ρ < 1 − ε, and keeps the pull back
/// from the wrong side.
/// Source: Schulman et al., arXiv:1707.06347; details: Huang et al., "The 37 Implementation Details of Proximal Policy
/// Optimization", ICLR blog, 2022. Names and defaults: Stable-Baselines3.
public struct ProximalPolicyOptimisation: ~Copyable, OnPolicyAlgorithm {
  public struct Options: Sendable, Equatable {
    public var learningRate = 3e-4
    public var schedule = RateSchedule.constant
    /// `n_steps`: steps of each environment per rollout.
    public var steps = 256
    public var batchSize = 64
    public var epochs = 10
    public var gamma = 0.99
    public var lambda = 0.95
    public var clipRange = 0.2
    /// ε of the value's clip; nil leaves it out.
    public var valueClipRange: Double?
    public var entropyCoefficient = 0.0
    public var valueCoefficient = 0.5
    public var maximumGradientNorm = 0.5
    public var normalisesAdvantages = true
    /// Stops the update when the KL estimate exceeds 1.5 times this; nil never stops.
    public var targetKL: Double?
    /// Values and advantages anew before every epoch (arXiv:2006.05990, section 3.5).
    public var recomputesAdvantages = false
    public var bootstrapsTruncation = true
    /// `rnn_sequence_length`: steps that gradients of recurrent networks go back at most; divides `steps`.
    public var sequenceLength = 16
    public init() {}
  }

  public let options: Options
  public let plan: RolloutPlan
  private var optimiser: Optimiser
  private var batch: PolicyBatch
  /// Of rows; of sequences where there is memory.
  private let permutation: Permutation
  private let numbersPerBatch: Int

  public init(_ options: Options, model: borrowing ActorCritic, environments: Int) {
    self.options = options
    plan = RolloutPlan(
      steps: options.steps,
      estimator: AdvantageEstimator(
        gamma: options.gamma, rule: .generalised(lambda: options.lambda),
        bootstrapsTruncation: options.bootstrapsTruncation), sequenceLength: options.sequenceLength)
    optimiser = Optimiser(.adam(), range: 0..<model.layout.count, kernels: model.kernels)
    let length = model.memoryWidth > 0 ? options.sequenceLength : 1
    let count = options.steps * environments / length
    numbersPerBatch = max(1, min(options.batchSize / length, count))
    batch = PolicyBatch(
      capacity: numbersPerBatch * length, observationStride: model.observationStride,
      actionCount: model.shape.actionCount, memoryWidth: model.memoryWidth, sequenceLength: length)
    permutation = Permutation(count: count)
  }

  public mutating func update(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, progress: Double, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures {
    let rate = options.learningRate * options.schedule.factor(progress)
    var sums = Sums()
    var epochs = 0
    permutation.restore()
    epochs: for epoch in 0..<options.epochs {
      if epoch > 0 && options.recomputesAdvantages { model.judge(rollout, plan.estimator) }
      permutation.shuffle(&random)
      for first in stride(from: 0, to: permutation.count, by: numbersPerBatch) {
        batch.load(rollout, rows: permutation.rows + first, count: min(numbersPerBatch, permutation.count - first))
        let kl = try step(model, rate: rate, &sums)
        if let target = options.targetKL, kl > 1.5 * target { break epochs }
      }
      epochs += 1
    }
    var figures = sums.means
    figures.updates = optimiser.steps
    figures.epochs = epochs
    return figures
  }

  /// Loss and gradient of the loaded minibatch, and unless the KL limit stops it, one step of Adam.
  private mutating func step(
    _ model: borrowing ActorCritic, rate: Double, _ sums: inout Sums
  ) throws(LearningError) -> Double {
    let kl = differentiate(model, &sums)
    if let target = options.targetKL, kl > 1.5 * target { return kl }
    let norm = try model.gradientNorm(0..<model.layout.count, update: optimiser.steps + 1)
    sums.gradientNorm = norm
    let scale = min(1, options.maximumGradientNorm / (norm + 1e-6))
    optimiser.step(model.parameters.base, gradient: model.gradients.base, rate: rate, gradientScale: scale)
    return kl
  }

  /// The nine lines of the algorithm: from a loaded minibatch to the gradient of its loss, before the norm is cut.
  private mutating func differentiate(_ model: borrowing ActorCritic, _ sums: inout Sums) -> Double {
    batch.evaluatePolicy(model)
    batch.evaluateCritic(model)
    if options.normalisesAdvantages { batch.normaliseAdvantages() }
    let (low, high) = (1 - options.clipRange, 1 + options.clipRange)
    let share = 1 / Double(batch.count)
    var (policyLoss, valueLoss, kl, clipped) = (0.0, 0.0, 0.0, 0)
    for row in 0..<batch.count {
      let advantage = Double(batch.advantages[row])
      let logRatio = Double(batch.logProbabilities[row]) - Double(batch.oldLogProbabilities[row])
      let ratio = sinew_exp(logRatio)
      policyLoss -= share * min(ratio * advantage, min(max(ratio, low), high) * advantage)
      let isActive = advantage >= 0 ? ratio <= high : ratio >= low
      // ∂(ρA)/∂log π = ρA.
      batch.logProbabilityGradients[row] = isActive ? Float(-share * ratio * advantage) : 0
      kl += share * (ratio - 1 - logRatio)
      if ratio < low || ratio > high { clipped += 1 }
      let (loss, slope) = valueLossOfRow(row)
      valueLoss += share * loss
      batch.valueGradients[row] = Float(share * options.valueCoefficient * slope)
    }
    batch.differentiatePolicy(model, entropyGradient: -options.entropyCoefficient)
    batch.differentiateCritic(model)
    sums.add(
      policyLoss: policyLoss, valueLoss: valueLoss, entropy: batch.entropy, kl: kl,
      clipFraction: Double(clipped) * share)
    return kl
  }

  /// (R − V)² and its derivative by V; with the value clip the larger of the plain and the clipped square.
  private func valueLossOfRow(_ row: Int) -> (loss: Double, slope: Double) {
    let (value, target) = (Double(batch.values[row]), Double(batch.targets[row]))
    let plain = (value - target) * (value - target)
    guard let range = options.valueClipRange else { return (plain, 2 * (value - target)) }
    let old = Double(batch.oldValues[row])
    let near = min(max(value, old - range), old + range)
    let clipped = (near - target) * (near - target)
    if plain >= clipped { return (plain, 2 * (value - target)) }
    return (clipped, near == value ? 2 * (value - target) : 0)
  }

  /// The losses and the gradient of given rows (of sequences, where there is memory), without a step: for comparison with
  /// other people's software. The gradient is left in the model.
  public mutating func lossAndGradient(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, rows: UnsafePointer<Int32>, count: Int
  ) -> UpdateFigures {
    batch.load(rollout, rows: rows, count: count)
    var sums = Sums()
    _ = differentiate(model, &sums)
    return sums.means
  }

  /// One whole minibatch: gather, losses, gradient, norm, step of Adam. What an update does again and again; for
  /// measurements.
  public mutating func minibatch(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, rows: UnsafePointer<Int32>, count: Int
  ) throws(LearningError) -> UpdateFigures {
    batch.load(rollout, rows: rows, count: count)
    var sums = Sums()
    _ = try step(model, rate: options.learningRate, &sums)
    return sums.means
  }

  public func encode(into encoder: inout StateEncoder) {
    encoder.begin("ppo")
    optimiser.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("ppo")
    try optimiser.decode(from: &decoder)
  }
}

/// Sums of a minibatch's figures, and their means over an update.
struct Sums {
  private var figures = UpdateFigures()
  private var count = 0
  var gradientNorm = Double.nan

  mutating func add(policyLoss: Double, valueLoss: Double, entropy: Double, kl: Double, clipFraction: Double) {
    if count == 0 {
      figures.policyLoss = 0
      figures.valueLoss = 0
      figures.entropy = 0
      figures.klEstimate = 0
      figures.clipFraction = 0
    }
    count += 1
    figures.policyLoss += policyLoss
    figures.valueLoss += valueLoss
    figures.entropy += entropy
    figures.klEstimate += kl
    figures.clipFraction += clipFraction
  }

  var means: UpdateFigures {
    var result = figures
    let n = Double(max(1, count))
    result.policyLoss /= n
    result.valueLoss /= n
    result.entropy /= n
    result.klEstimate /= n
    result.clipFraction /= n
    result.gradientNorm = gradientNorm
    return result
  }
}
