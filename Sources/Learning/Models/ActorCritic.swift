import Networks
import Numerics

/// Sizes and starting point of a policy and its critic.
public struct ActorCriticShape: Sendable, Equatable {
  public var observationCount: Int
  public var actionCount: Int
  public var actionRange: ClosedRange<Double>
  /// Widths of the hidden layers.
  public var actorHidden = [64, 64]
  public var criticHidden = [64, 64]
  public var activation = HiddenActivation.tanh
  public var spread = GaussianHead.Spread.stateIndependent
  public var isSquashed = false
  /// log σ at the start.
  public var initialLogDeviation = 0.0
  /// A recurrent layer in front of the policy's layers, and one of the same size in front of the critic's; nil for none.
  public var memory: MemoryShape?

  public init(observationCount: Int, actionCount: Int, actionRange: ClosedRange<Double>) {
    self.observationCount = observationCount
    self.actionCount = actionCount
    self.actionRange = actionRange
  }
}

/// A recurrent layer's kind and number of units.
public struct MemoryShape: Sendable, Equatable {
  public var cell: RecurrentCell
  public var size: Int

  public init(_ cell: RecurrentCell, size: Int) {
    self.cell = cell
    self.size = size
  }
}

/// A Gaussian policy and a separate critic over one flat parameter vector: the policy's layers, its log σ, then the
/// critic's layers. Weights start orthogonal with gain √2 in hidden layers, 0.01 before the mean, 1 before the value, 1 in
/// each gate of a recurrent layer.
public struct ActorCritic: ~Copyable {
  public let shape: ActorCriticShape
  public let head: GaussianHead
  public let kernels: VectorKernels
  /// The policy's layers, behind `actorMemory` if there is one.
  public let actor: FeedForward
  public let critic: FeedForward
  /// Recurrent layers in front of the two.
  public let actorMemory: TrainableRecurrentLayer?
  public let criticMemory: TrainableRecurrentLayer?
  /// The free log σ; nil when the network gives it.
  public let logDeviation: ParameterBlock?
  public let layout: ParameterLayout
  public let parameters: FloatBuffer
  public let gradients: FloatBuffer
  /// Where the critic's parameters begin.
  public let criticOffset: Int
  public let observationStride: Int

  /// - Parameter rowCapacity: the most rows that are evaluated at once.
  public init(_ shape: ActorCriticShape, rowCapacity: Int, kernels: VectorKernels, seed: UInt64) {
    self.shape = shape
    self.kernels = kernels
    head = GaussianHead(
      actionCount: shape.actionCount, spread: shape.spread, isSquashed: shape.isSquashed,
      actionRange: shape.actionRange)
    var layout = ParameterLayout()
    func makeMemory(_ name: String) -> TrainableRecurrentLayer? {
      guard let memory = shape.memory else { return nil }
      return TrainableRecurrentLayer(
        memory.cell, inputs: shape.observationCount, size: memory.size, name: name, layout: &layout,
        rowCapacity: rowCapacity, kernels: kernels)
    }
    let inputs = shape.memory?.size ?? shape.observationCount
    actorMemory = makeMemory("actor.memory")
    actor = FeedForward(
      FeedForwardShape(
        inputs: inputs, hidden: shape.actorHidden, outputs: head.networkOutputs,
        activation: shape.activation), name: "actor", layout: &layout, rowCapacity: rowCapacity, kernels: kernels)
    let spread =
      shape.spread == .stateIndependent ? layout.add("actor.log_std", rows: 1, columns: shape.actionCount) : nil
    logDeviation = spread
    criticOffset = layout.count
    criticMemory = makeMemory("critic.memory")
    critic = FeedForward(
      FeedForwardShape(inputs: inputs, hidden: shape.criticHidden, outputs: 1, activation: shape.activation),
      name: "critic", layout: &layout, rowCapacity: rowCapacity, kernels: kernels)
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    gradients = FloatBuffer(count: layout.count)
    observationStride = paddedCount(shape.observationCount)
    var random = RandomStream(seed: seed, name: "initial weights")
    actorMemory.initialise(parameters.base, random: &random)
    actor.initialise(parameters.base, hiddenGain: 2.0.squareRoot(), outputGain: 0.01, random: &random)
    criticMemory.initialise(parameters.base, random: &random)
    critic.initialise(parameters.base, hiddenGain: 2.0.squareRoot(), outputGain: 1, random: &random)
    let start = Float(shape.initialLogDeviation)
    if let spread {
      for index in 0..<shape.actionCount { parameters.base[spread.offset + index] = start }
    } else if let bias = actor.blocks.last {
      for index in 0..<shape.actionCount { parameters.base[bias.offset + shape.actionCount + index] = start }
    }
  }

  /// The policy's part of the flat vectors, log σ included.
  public var actorRange: Range<Int> { 0..<criticOffset }
  public var criticRange: Range<Int> { criticOffset..<layout.count }

  /// Means and log σ of the latest actor pass.
  public var rows: GaussianHead.Rows {
    let output = actor.output
    guard let logDeviation else {
      return GaussianHead.Rows(
        means: output, meanStride: actor.outputStride, logDeviations: output + shape.actionCount,
        logDeviationStride: actor.outputStride)
    }
    return GaussianHead.Rows(
      means: output, meanStride: actor.outputStride,
      logDeviations: UnsafePointer(parameters.base + logDeviation.offset), logDeviationStride: 0)
  }

  /// Where ∂L/∂log σ goes: the free parameter's gradient, or the second half of the network's output gradient. Cleared.
  public func clearedLogDeviationGradient(rows: Int) -> UnsafeMutablePointer<Float> {
    guard let logDeviation else {
      actor.outputGradient.update(repeating: 0, count: rows * actor.outputStride)
      return actor.outputGradient + shape.actionCount
    }
    (gradients.base + logDeviation.offset).update(repeating: 0, count: logDeviation.count)
    return gradients.base + logDeviation.offset
  }

  /// ‖gradient‖ over a stretch of the flat vector.
  /// - Throws: names the layer and the update when a gradient is not finite.
  public func gradientNorm(_ range: Range<Int>, update: Int) throws(LearningError) -> Double {
    try layout.norm(gradients, range, kernels, update: update)
  }

  /// Values of all rows of a rollout and of what follows them, then advantages and targets. V(s′) is that of the next row
  /// of the same environment, or of the last observation where an episode ended, with what the critic remembers of it.
  public func judge(_ rollout: borrowing RolloutBuffer, _ estimator: AdvantageEstimator) {
    let rows = rollout.rows
    let count = rollout.environments
    if estimator.rule.usesValues {
      let stride = critic.outputStride
      forwardCritic(
        rollout.observations.base,
        RowSequence(
          steps: rollout.steps + 1, rows: count, states: rollout.memory.criticStart, keep: rollout.memory.keepRows))
      for row in 0..<rows {
        rollout.values[row] = critic.output[row * stride]
        rollout.nextValues[row] = critic.output[(row + count) * stride]
      }
      criticMemory.keepStates(of: rollout)
      if rollout.finalCount > 0 {
        forwardCritic(rollout.finalObservations.base, RowSequence(rows: rollout.finalCount))
        for row in 0..<rows where rollout.finalSlots[row] >= 0 {
          rollout.nextValues[row] = critic.output[Int(rollout.finalSlots[row]) * stride]
        }
      }
    } else {
      rollout.values.update(repeating: 0, count: rows)
      rollout.nextValues.update(repeating: 0, count: rows)
    }
    estimator.estimate(rollout.trajectories, advantages: rollout.advantages, targets: rollout.targets)
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.begin("parameters")
    encoder.put(UnsafePointer(parameters.base), count: layout.count)
  }

  func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("parameters")
    try decoder.take(into: parameters.base, count: layout.count)
  }
}

extension ParameterLayout {
  /// ‖gradient‖ over a stretch of the flat vector.
  /// - Throws: names the layer and the update when a gradient is not finite.
  func norm(
    _ gradients: borrowing FloatBuffer, _ range: Range<Int>, _ kernels: VectorKernels, update: Int
  ) throws(LearningError) -> Double {
    let gradient = gradients.base + range.lowerBound
    let square = kernels.dot(gradient, gradient, count: range.count)
    guard square.isFinite else {
      let layer = firstNotFinite(in: gradients.base) ?? "all layers together (their norm overflows)"
      throw LearningError(
        .notFinite,
        "the gradient of \(layer) is not finite in update \(update): lower the learning rate, or check rewards and "
          + "observations")
    }
    return square.squareRoot()
  }
}
