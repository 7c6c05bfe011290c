import Networks
import Numerics

/// What an algorithm learns from: rollouts of so many steps, judged by one estimator.
public struct RolloutPlan: Sendable, Equatable {
  /// Steps of each environment per rollout.
  public var steps: Int
  public var estimator: AdvantageEstimator
  /// Whether every rollout begins with new episodes, so that whole episodes are seen from their start.
  public var beginsEpisodes = false
  /// Steps of the sequences that a recurrent network learns from; 0 where an algorithm has no use for memory.
  public var sequenceLength = 0
}

/// What one update did. Figures that an algorithm has not are NaN.
public struct UpdateFigures: Sendable, BitwiseCopyable {
  public var policyLoss = Double.nan
  public var valueLoss = Double.nan
  public var entropy = Double.nan
  /// Mean of ρ − 1 − log ρ, the estimate that is never negative (Schulman, "Approximating KL divergence", 2020).
  public var klEstimate = Double.nan
  /// Share of rows with |ρ − 1| > ε.
  public var clipFraction = Double.nan
  /// Norm of the gradient before it was cut, the latest step's.
  public var gradientNorm = Double.nan
  /// Gradient steps so far.
  public var updates = 0
  /// Epochs that were done before the KL limit stopped the update.
  public var epochs = 0

  public init() {}
}

/// A member of the policy-gradient family: it turns a judged rollout into better parameters, and discards the rollout.
public protocol OnPolicyAlgorithm: ~Copyable {
  var plan: RolloutPlan { get }
  /// - Parameters:
  ///   - progress: share of the budget that is spent, 0 to 1.
  ///   - random: for shuffling.
  /// - Throws: a gradient that is not finite, with the layer's name; the parameters are then those before the step.
  mutating func update(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, progress: Double, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures
  /// The state that outlives an update: moments of optimisers, baselines.
  func encode(into encoder: inout StateEncoder)
  mutating func decode(from decoder: inout StateDecoder) throws(LearningError)
}

/// Row numbers in random order.
struct Permutation: ~Copyable {
  let rows: UnsafeMutablePointer<Int32>
  let count: Int

  init(count: Int) {
    self.count = count
    rows = .allocate(capacity: count)
    for index in 0..<count { (rows + index).initialize(to: Int32(index)) }
  }

  deinit { rows.deallocate() }

  /// 0, 1, 2 …
  func restore() {
    for index in 0..<count { rows[index] = Int32(index) }
  }

  /// Every order equally likely (Fisher and Yates).
  func shuffle(_ random: inout RandomStream) {
    for index in stride(from: count - 1, to: 0, by: -1) {
      let other = Int(random.bits() % UInt64(index + 1))
      (rows[index], rows[other]) = (rows[other], rows[index])
    }
  }
}

/// Fits the critic to the rollout's targets apart from the policy: `passes` passes of shuffled minibatches on mean (R − V)².
struct CriticFit: ~Copyable {
  var optimiser: Optimiser
  private var batch: PolicyBatch
  private let permutation: Permutation
  private let batchSize: Int
  private let passes: Int

  init(_ model: borrowing ActorCritic, rows: Int, batchSize: Int, passes: Int) {
    optimiser = Optimiser(.adam(), range: model.criticRange, kernels: model.kernels)
    self.batchSize = min(batchSize, rows)
    self.passes = passes
    batch = PolicyBatch(
      capacity: self.batchSize, observationStride: model.observationStride, actionCount: model.shape.actionCount)
    permutation = Permutation(count: rows)
  }

  /// - Returns: the mean loss of the last pass.
  mutating func fit(
    _ model: borrowing ActorCritic, _ rollout: borrowing RolloutBuffer, rate: Double, random: inout RandomStream
  ) throws(LearningError) -> Double {
    var loss = 0.0
    permutation.restore()
    for _ in 0..<passes {
      loss = 0
      permutation.shuffle(&random)
      for first in stride(from: 0, to: permutation.count, by: batchSize) {
        batch.load(rollout, rows: permutation.rows + first, count: min(batchSize, permutation.count - first))
        batch.evaluateCritic(model)
        for row in 0..<batch.count {
          let error = batch.values[row] - batch.targets[row]
          loss += Double(error * error) / Double(permutation.count)
          batch.valueGradients[row] = 2 * error / Float(batch.count)
        }
        batch.differentiateCritic(model)
        _ = try model.gradientNorm(model.criticRange, update: optimiser.steps + 1)
        optimiser.step(model.parameters.base, gradient: model.gradients.base, rate: rate)
      }
    }
    return loss
  }
}
