import CSystem
import Networks
import Numerics

/// Times PPO's minibatch (gather, both networks forward and backward, losses, norm, Adam) against the processor's peak,
/// which is measured in the same rounds.
public enum TrainingBenchmark {
  /// A measured size.
  public struct Row: Sendable {
    /// Such as `11-64-64-2 tanh`.
    public var network: String
    public var batchSize: Int
    /// Best and median time of a minibatch, ns.
    public var minimum: Double
    public var median: Double
    /// Floating-point operations of a minibatch's products: three times the forward pass without the first layer's input
    /// gradient, both networks.
    public var operations: Double
    /// Operations per second of the multiply-add probe, the best round.
    public var peak: Double

    /// Share of the peak at the best time.
    public var share: Double { operations / (minimum * 1e-9) / peak }
  }

  private struct Size {
    var inputs: Int
    var hidden: [Int]
    var actions: Int
    var activation: HiddenActivation
    var name: String { ([inputs] + hidden + [actions]).map(String.init).joined(separator: "-") + " \(activation)" }

    func operations(rows: Int) -> Double {
      func pass(_ outputs: Int) -> Double {
        let sizes = [inputs] + hidden + [outputs]
        let products = zip(sizes, sizes.dropFirst()).map { Double($0 * $1) }
        return 6 * products.reduce(0, +) - 2 * (products.first ?? 0)
      }
      return Double(rows) * (pass(actions) + pass(1))
    }
  }

  /// Measures all sizes in turns, `rounds` times.
  /// - Parameter onRound: is told the share that is done.
  public static func run(rounds: Int, onRound: (Double) -> Void = { _ in }) throws -> [Row] {
    let small = Size(inputs: 11, hidden: [64, 64], actions: 2, activation: .tanh)
    let large = Size(inputs: 26, hidden: [256, 128, 64], actions: 6, activation: .elu)
    let kernels = try VectorKernels()
    var rows: [Row] = []
    let cases = [(small, 64), (small, 256), (small, 2048), (large, 64), (large, 256), (large, 2048)]
    for (index, (size, batchSize)) in cases.enumerated() {
      rows.append(try measure(size, batchSize, kernels, rounds: rounds))
      onRound(Double(index + 1) / Double(cases.count))
    }
    return rows
  }

  private static func measure(_ size: Size, _ batchSize: Int, _ kernels: VectorKernels, rounds: Int) throws -> Row {
    var shape = ActorCriticShape(observationCount: size.inputs, actionCount: size.actions, actionRange: -1...1)
    (shape.actorHidden, shape.criticHidden, shape.activation) = (size.hidden, size.hidden, size.activation)
    let count = 2048
    let model = ActorCritic(shape, rowCapacity: count, kernels: kernels, seed: 1)
    let rollout = RolloutBuffer(
      steps: count, environments: 1, observationCount: size.inputs, actionCount: size.actions)
    var random = RandomStream(seed: 2, name: "bench train")
    for row in 0..<count {
      for column in 0..<size.inputs {
        rollout.observations.base[row * rollout.observationStride + column] = Float(random.normal())
      }
      for action in 0..<size.actions { rollout.actions[row * size.actions + action] = Float(random.normal()) }
      rollout.logProbabilities[row] = Float(-1.4 * Double(size.actions))
      rollout.advantages[row] = Float(random.normal())
      rollout.targets[row] = Float(random.normal())
    }
    var options = ProximalPolicyOptimisation.Options()
    (options.steps, options.batchSize, options.learningRate) = (count, batchSize, 1e-5)
    var algorithm = ProximalPolicyOptimisation(options, model: model, environments: 1)
    let permutation = Permutation(count: count)
    permutation.shuffle(&random)
    let repeats = max(1, 4096 / batchSize)
    var times: [Double] = []
    var peak = 0.0
    for _ in 0..<rounds {
      let probeStart = sinew_now_ns()
      let result = kernels.probe(rounds: 20_000)
      let probeTime = Double(sinew_now_ns() - probeStart)
      // The result is looked at, so that the loop cannot be left out.
      if result.isFinite { peak = max(peak, 512 * 20_000 / (probeTime * 1e-9)) }
      var first = 0
      let start = sinew_now_ns()
      for _ in 0..<repeats {
        _ = try algorithm.minibatch(model, rollout, rows: permutation.rows + first, count: batchSize)
        first = first + batchSize < count ? first + batchSize : 0
      }
      times.append(Double(sinew_now_ns() - start) / Double(repeats))
    }
    times.sort()
    return Row(
      network: size.name, batchSize: batchSize, minimum: times.first ?? .nan, median: times[times.count / 2],
      operations: size.operations(rows: batchSize), peak: peak)
  }
}
