import CSystem
import Learning
import Networks
import Numerics

/// One critic of logged rows: V of the policy that made them, fitted to R = Â + V on some of the rows, whoever commanded.
struct OfflineCritic: ~Copyable {
  /// A whole parameter vector of the model, of which the critic's stretch counts.
  let parameters: FloatBuffer
  /// The rows that it is fitted to.
  private let rows: [Int32]
  private var optimiser: Optimiser
  private var random: RandomStream
  /// V of every row and, behind them, of every final observation.
  let values: FloatBuffer

  init(_ data: TransitionDataset, model: borrowing ActorCritic, rows: [Int32], random: RandomStream) {
    parameters = FloatBuffer(count: model.layout.count)
    parameters.copy(from: model.parameters)
    self.rows = rows
    optimiser = Optimiser(.adam(), range: model.criticRange, kernels: model.kernels)
    self.random = random
    values = FloatBuffer(count: data.count + data.finalCount)
  }

  /// V of all rows, whether they are fitted or not.
  func judge(_ data: TransitionDataset, _ model: borrowing ActorCritic, _ inputs: borrowing FloatBuffer, chunk: Int) {
    for (start, total, source) in [(0, data.count, data.inputs), (data.count, data.finalCount, data.finals)] {
      for first in stride(from: 0, to: total, by: chunk) {
        let count = min(chunk, total - first)
        source.withUnsafeBufferPointer { buffer in
          guard let base = buffer.baseAddress else { return }
          inputs.base.update(from: base + first * data.stride, count: count * data.stride)
        }
        model.critic.forward(parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
        for row in 0..<count {
          values.base[start + first + row] = model.critic.output[row * model.critic.outputStride]
        }
      }
    }
  }

  /// One pass over its rows in random order: ½-free mean (R − V)².
  mutating func fit(
    _ data: TransitionDataset, _ model: borrowing ActorCritic, _ inputs: borrowing FloatBuffer,
    targets: borrowing FloatBuffer, options: FineTuningOptions, pass: Int
  ) throws(FineTuningError) {
    var order = rows
    for index in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(random.bits() % UInt64(index + 1)))
    }
    for first in stride(from: 0, to: order.count, by: options.criticBatchSize) {
      let count = min(options.criticBatchSize, order.count - first)
      data.inputs.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        for index in 0..<count {
          (inputs.base + index * data.stride).update(
            from: base + Int(order[first + index]) * data.stride, count: data.stride)
        }
      }
      model.critic.forward(parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
      let stride = model.critic.outputStride
      for index in 0..<count {
        let error = model.critic.output[index * stride] - targets.base[Int(order[first + index])]
        model.critic.outputGradient[index * stride] = 2 * error / Float(count)
      }
      model.critic.backward(
        parameters.base, input: inputs.base, inputStride: data.stride, rows: count, into: model.gradients.base)
      do {
        let norm = try model.gradientNorm(model.criticRange, update: optimiser.steps + 1)
        optimiser.step(
          parameters.base, gradient: model.gradients.base, rate: options.criticLearningRate,
          gradientScale: min(1, 10 * options.maximumGradientNorm / (norm + 1e-6)))
      } catch {
        throw FineTuningError(
          .notFinite, "in pass \(pass + 1) of the critic, \(error.description); nothing was written")
      }
    }
  }
}
