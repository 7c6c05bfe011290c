import CSystem
import Networks
import Numerics

/// Sizes of a deterministic policy and its critics.
public struct DeterministicShape: Sendable, Equatable {
  public var observationCount: Int
  public var actionCount: Int
  public var actionRange: ClosedRange<Double>
  /// Widths of the hidden layers; defaults as in both papers.
  public var actorHidden = [400, 300]
  public var criticHidden = [400, 300]
  public var activation = HiddenActivation.relu

  public init(observationCount: Int, actionCount: Int, actionRange: ClosedRange<Double>) {
    self.observationCount = observationCount
    self.actionCount = actionCount
    self.actionRange = actionRange
  }
}

/// A deterministic policy m(s) = tanh(network) in [−1, 1], critics Q(s, a), and slowly following copies of all.
///
/// One flat vector holds the policy, the critic and perhaps its twin; another of the same layout the copies. Weights and
/// biases start uniform in ±1/√inputs, as PyTorch's linear layers do.
public struct DeterministicActorCritic: ~Copyable {
  public let shape: DeterministicShape
  public let kernels: VectorKernels
  public let actor: FeedForward
  public let critic: FeedForward
  /// The second critic; nil where the algorithm has one only.
  public let twin: FeedForward?
  public let layout: ParameterLayout
  public let parameters: FloatBuffer
  public let targets: FloatBuffer
  public let gradients: FloatBuffer
  private let criticOffset: Int
  /// Floats from one row of critics' inputs to the next; the policy reads the same rows.
  public let stride: Int

  public init(
    _ shape: DeterministicShape, hasTwin: Bool, rowCapacity: Int, kernels: VectorKernels, seed: UInt64
  ) {
    self.shape = shape
    self.kernels = kernels
    var layout = ParameterLayout()
    actor = FeedForward(
      FeedForwardShape(
        inputs: shape.observationCount, hidden: shape.actorHidden, outputs: shape.actionCount,
        activation: shape.activation), name: "actor", layout: &layout, rowCapacity: rowCapacity, kernels: kernels)
    criticOffset = layout.count
    let judge = FeedForwardShape(
      inputs: shape.observationCount + shape.actionCount, hidden: shape.criticHidden, outputs: 1,
      activation: shape.activation)
    critic = FeedForward(judge, name: "critic.0", layout: &layout, rowCapacity: rowCapacity, kernels: kernels)
    twin =
      hasTwin
      ? FeedForward(judge, name: "critic.1", layout: &layout, rowCapacity: rowCapacity, kernels: kernels) : nil
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    targets = FloatBuffer(count: layout.count)
    gradients = FloatBuffer(count: layout.count)
    stride = paddedCount(shape.observationCount + shape.actionCount)
    var random = RandomStream(seed: seed, name: "initial weights")
    for index in Swift.stride(from: 0, to: layout.blocks.count, by: 2) {
      let bound = 1 / Double(layout.blocks[index].rows).squareRoot()
      for block in layout.blocks[index...index + 1] {
        block.write(
          (0..<block.parameterCount).map { _ in Float(random.uniform(from: -bound, to: bound)) }, to: parameters.base)
      }
    }
    targets.copy(from: parameters)
  }

  /// The policy's and the critics' parts of the flat vectors.
  public var actorRange: Range<Int> { 0..<criticOffset }
  public var criticRange: Range<Int> { criticOffset..<layout.count }

  /// What the environment gets for an action in [−1, 1].
  public func scaled(_ action: Float) -> Float {
    let (low, high) = (shape.actionRange.lowerBound, shape.actionRange.upperBound)
    let x = (low + high) / 2 + (high - low) / 2 * Double(action)
    return Float(x < low ? low : (x > high ? high : x))
  }

  /// m(s) of rows that are `stride` floats apart, written behind their observations.
  public func decide(
    _ parameters: borrowing FloatBuffer, _ rows: UnsafeMutablePointer<Float>, count: Int
  ) {
    actor.forward(parameters.base, input: rows, inputStride: stride, rows: count)
    for row in 0..<count {
      let action = rows + row * stride + shape.observationCount
      for index in 0..<shape.actionCount {
        action[index] = Float(sinew_tanh(Double(actor.output[row * actor.outputStride + index])))
      }
    }
  }

  /// The smaller of the copies' values of (s, a) rows, or the only one.
  public func leastTargetValues(
    _ rows: UnsafePointer<Float>, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    critic.forward(targets.base, input: rows, inputStride: stride, rows: count)
    for row in 0..<count { values[row] = critic.output[row * critic.outputStride] }
    switch twin {
    case .some(let twin):
      twin.forward(targets.base, input: rows, inputStride: stride, rows: count)
      for row in 0..<count {
        let other = twin.output[row * twin.outputStride]
        if other < values[row] { values[row] = other }
      }
    case .none: break
    }
  }

  /// The gradient of Σ over critics of mean (Q(s, a) − y)²; returns that loss.
  public func differentiateCritics(_ batch: borrowing ReplayBatch) -> Double {
    var loss = differentiate(critic, batch)
    switch twin {
    case .some(let twin): loss += differentiate(twin, batch)
    case .none: break
    }
    return loss
  }

  private func differentiate(_ network: borrowing FeedForward, _ batch: borrowing ReplayBatch) -> Double {
    network.forward(parameters.base, input: batch.inputs.base, inputStride: stride, rows: batch.count)
    var loss = 0.0
    let share = 1 / Double(batch.count)
    for row in 0..<batch.count {
      let error = Double(network.output[row * network.outputStride]) - Double(batch.targets[row])
      loss += share * error * error
      network.outputGradient[row * network.outputStride] = Float(2 * share * error)
    }
    network.backward(
      parameters.base, input: batch.inputs.base, inputStride: stride, rows: batch.count, into: gradients.base)
    return loss
  }

  /// The gradient of −mean Q(s, m(s)) by the policy's parameters; returns that loss. The rows' actions become m(s), and the
  /// critic's own gradient is not to be used afterwards.
  public func differentiatePolicy(_ batch: borrowing ReplayBatch) -> Double {
    decide(parameters, batch.inputs.base, count: batch.count)
    critic.forward(parameters.base, input: batch.inputs.base, inputStride: stride, rows: batch.count)
    var loss = 0.0
    let share = 1 / Double(batch.count)
    for row in 0..<batch.count {
      loss -= share * Double(critic.output[row * critic.outputStride])
      critic.outputGradient[row * critic.outputStride] = Float(-share)
    }
    critic.backward(
      parameters.base, input: batch.inputs.base, inputStride: stride, rows: batch.count, into: gradients.base,
      wantsInputGradient: true)
    for row in 0..<batch.count {
      let action = batch.inputs.base + row * stride + shape.observationCount
      let slope = critic.inputGradient + row * stride + shape.observationCount
      for index in 0..<shape.actionCount {
        // d tanh(x)/dx = 1 − tanh²x.
        actor.outputGradient[row * actor.outputStride + index] = slope[index] * (1 - action[index] * action[index])
      }
    }
    actor.backward(
      parameters.base, input: batch.inputs.base, inputStride: stride, rows: batch.count, into: gradients.base)
    return loss
  }

  /// θ′ ← τθ + (1 − τ)θ′ for policy and critics.
  public func followTargets(_ tau: Double) {
    kernels.scale(targets.base, by: Float(1 - tau), count: layout.count)
    kernels.add(Float(tau), parameters.base, to: targets.base, count: layout.count)
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.begin("parameters")
    encoder.put(UnsafePointer(parameters.base), count: layout.count)
    encoder.put(UnsafePointer(targets.base), count: layout.count)
  }

  func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try decoder.begin("parameters")
    try decoder.take(into: parameters.base, count: layout.count)
    try decoder.take(into: targets.base, count: layout.count)
  }
}
