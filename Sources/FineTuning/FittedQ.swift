import CSystem
import Learning
import Networks
import Numerics

/// A policy's distribution at every row of a data set and, behind them, at every final observation.
struct PolicyTable {
  var means: [Float]
  var logDeviations: [Float]
  /// π(a|s)/π_b(a|s) of each row's action; 1 where there is no ratio.
  var ratios: [Double]
}

/// Q of a policy, fitted to logged rows, and the doubly robust recursion on it.
///
/// Gₜ = V̂(sₜ) + ρₜ·(Tₜ − Q̂(sₜ, aₜ)),   V̂(s) = E_{a~π} Q̂(s, a),
/// Tₜ = rₜ + γ(1 − terminatedₜ)·[V̂(s′ₜ) + λ·min(1, ρₜ₊₁)·(Tₜ₊₁ − Q̂(sₜ₊₁, aₜ₊₁))]
///
/// With λ = 1 and without the minimum this is the doubly robust estimate of Jiang and Li (arXiv:1511.03722), with λ = 0 fitted
/// Q evaluation (Le et al., arXiv:1903.08738) corrected by one step. The variance of a product of ratios grows with their
/// number, from E[ρ²] > 1/(γλ)² on without bound; the minimum holds it (Retrace: Munos et al., arXiv:1606.02647), and where
/// Q̂ is right, changes nothing. T is also what Q̂ is fitted to.
///
/// The estimate of an episode is the mean of G over its judged rows: the return from a state that the log visited on. That
/// from its first row alone would be one number of many, and a later row's reward would count in it for next to nothing.
struct FittedQ: ~Copyable {
  private let data: TransitionDataset
  private let options: FineTuningOptions
  private let network: FeedForward
  private let layout: ParameterLayout
  private let parameters: FloatBuffer
  private let gradients: FloatBuffer
  private var optimiser: Optimiser
  private let kernels: VectorKernels
  private let rewards: [Float]
  private let head: GaussianHead
  private let inputs: FloatBuffer
  private let inputStride: Int
  private var random: RandomStream
  /// Standard normal numbers for V̂, the same for every policy: [rows + finals][2][actionCount], each used with both signs.
  private let noise: [Float]
  private static let capacity = 1024
  private static let samples = 4

  init(_ data: TransitionDataset, head: GaussianHead, options: FineTuningOptions, rewardScale: Double) throws {
    self.data = data
    self.options = options
    self.head = head
    kernels = try VectorKernels()
    var layout = ParameterLayout()
    let capacity = max(Self.capacity, options.criticBatchSize)
    network = FeedForward(
      FeedForwardShape(
        inputs: data.observationCount + data.actionCount, hidden: [64, 64], outputs: 1, activation: .tanh), name: "q",
      layout: &layout, rowCapacity: capacity, kernels: kernels)
    self.layout = layout
    parameters = FloatBuffer(count: layout.count)
    gradients = FloatBuffer(count: layout.count)
    inputStride = paddedCount(data.observationCount + data.actionCount)
    inputs = FloatBuffer(count: capacity * inputStride)
    optimiser = Optimiser(.adam(), range: 0..<layout.count, kernels: kernels)
    rewards = data.rewards.map { Float(Double($0) / rewardScale) }
    random = RandomStream(seed: options.seed, name: "fitted q")
    network.initialise(parameters.base, hiddenGain: 2.0.squareRoot(), outputGain: 1, random: &random)
    // Q starts near where it must end, r̄/(1 − γ(1 − p)) with terminations at a rate p: the way from 0 would be long.
    let count = Double(max(1, data.count))
    let mean = rewards.reduce(0.0) { $0 + Double($1) } / count
    let going = 1 - Double(data.terminated.count { $0 }) / count
    if let bias = network.blocks.last {
      parameters.base[bias.offset] = Float(mean / max(1 - options.gamma * going, 1e-3))
    }
    var numbers = RandomStream(seed: options.seed, name: "actions of the gate")
    noise = (0..<((data.count + data.finalCount) * 2 * data.actionCount)).map { _ in Float(numbers.normal()) }
  }

  /// A copy to go on from: its parameters, its optimiser anew, the same random numbers.
  init(continuing other: borrowing FittedQ, rewardScale: Double) throws {
    try self.init(other.data, head: other.head, options: other.options, rewardScale: rewardScale)
    parameters.copy(from: other.parameters)
  }

  /// Fits Q̂ of a policy on some episodes.
  mutating func fit(_ policy: PolicyTable, episodes: [Int], iterations: Int) throws(FineTuningError) {
    var order = episodes.flatMap { data.episodes[$0].rows.map { Int32($0) } }
    for iteration in 0..<iterations {
      let (targets, _) = recursion(policy, episodes: episodes)
      // Two passes each: targets move on before they are fitted to the last.
      for _ in 0..<2 {
        for index in stride(from: order.count - 1, to: 0, by: -1) {
          order.swapAt(index, Int(random.bits() % UInt64(index + 1)))
        }
        for first in stride(from: 0, to: order.count, by: options.criticBatchSize) {
          let count = min(options.criticBatchSize, order.count - first)
          for index in 0..<count { load(row: Int(order[first + index]), to: index) }
          network.forward(parameters.base, input: inputs.base, inputStride: inputStride, rows: count)
          for index in 0..<count {
            let error = Double(network.output[index * network.outputStride]) - targets[Int(order[first + index])]
            network.outputGradient[index * network.outputStride] = Float(2 * error / Double(count))
          }
          network.backward(
            parameters.base, input: inputs.base, inputStride: inputStride, rows: count, into: gradients.base)
          let square = kernels.dot(gradients.base, gradients.base, count: layout.count)
          guard square.isFinite else {
            let layer = layout.firstNotFinite(in: gradients.base) ?? "all layers together"
            throw FineTuningError(
              .notFinite,
              "the gate: the gradient of \(layer) is not finite in round \(iteration + 1); nothing was written")
          }
          optimiser.step(
            parameters.base, gradient: gradients.base, rate: options.criticLearningRate,
            gradientScale: min(1, 5 / (square.squareRoot() + 1e-6)))
        }
      }
    }
  }

  /// The estimate of the discounted return from the rows of each episode on, and V̂ there, both as means over the rows, in
  /// scaled rewards.
  func estimates(_ policy: PolicyTable, episodes: [Int]) -> [(estimate: Double, value: Double)] {
    let (_, results) = recursion(policy, episodes: episodes)
    return results
  }

  /// The logged return from each row to the end of its episode's evaluated stretch, with V̂ of what follows, as a mean over
  /// the rows: what the estimate of the behaviour policy must reproduce.
  func loggedReturns(_ policy: PolicyTable, episodes: [Int]) -> [Double] {
    let values = self.values(policy)
    return episodes.map { index in
      let rows = evaluated(data.episodes[index].rows)
      guard let last = rows.last else { return 0 }
      var total = data.terminated[last] ? 0 : values[following(last)]
      var sum = 0.0
      for row in rows.reversed() {
        total = Double(rewards[row]) + options.gamma * total
        sum += total
      }
      return sum / Double(rows.count)
    }
  }

  /// The policy's first stretch of an episode: from where it got authority, in a person's run not at the episode's first
  /// row, to the first row that a person or a stop drove. Beyond it the episode is not the policy's.
  private func evaluated(_ rows: Range<Int>) -> Range<Int> {
    let start = rows.first { data.kinds[$0].isPolicys } ?? rows.upperBound
    return start..<(rows[start...].first { !data.kinds[$0].isPolicys } ?? rows.upperBound)
  }

  private func following(_ row: Int) -> Int {
    let next = Int(data.next[row])
    return next >= 0 ? next : data.count - 1 - next
  }

  private func recursion(
    _ policy: PolicyTable, episodes: [Int]
  ) -> (targets: [Double], results: [(estimate: Double, value: Double)]) {
    let values = self.values(policy)
    let predictions = self.predictions()
    var targets = [Double](repeating: 0, count: data.count)
    var results: [(estimate: Double, value: Double)] = []
    for episode in episodes {
      let rows = data.episodes[episode].rows
      let judged = evaluated(rows)
      var correction: Double?
      var (sum, valueSum) = (0.0, 0.0)
      for row in rows.reversed() {
        // Beyond the last judged row V̂ stands for the rest.
        if row == judged.upperBound - 1 || data.ends[row] { correction = nil }
        let beyond = values[following(row)] + options.gateLambda * (correction ?? 0)
        targets[row] = Double(rewards[row]) + (data.terminated[row] ? 0 : options.gamma * beyond)
        let error = targets[row] - predictions[row]
        correction = min(1, policy.ratios[row]) * error
        if judged.contains(row) {
          sum += values[row] + policy.ratios[row] * error
          valueSum += values[row]
        }
      }
      let count = Double(max(1, judged.count))
      results.append((sum / count, valueSum / count))
    }
    return (targets, results)
  }

  /// V̂ of all rows and finals.
  private func values(_ policy: PolicyTable) -> [Double] {
    let (total, width) = (data.count + data.finalCount, data.actionCount)
    var result = [Double](repeating: 0, count: total)
    let step = Self.capacity / Self.samples
    for first in stride(from: 0, to: total, by: step) {
      let count = min(step, total - first)
      for index in 0..<count {
        let row = first + index
        for sample in 0..<Self.samples {
          let place = Self.samples * index + sample
          loadObservation(row, to: place)
          let sign: Float = sample % 2 == 0 ? 1 : -1
          for action in 0..<width {
            let z = sign * noise[(row * 2 + sample / 2) * width + action]
            let deviation = Float(sinew_exp(Double(policy.logDeviations[row * width + action])))
            put(policy.means[row * width + action] + deviation * z, action, place)
          }
        }
      }
      network.forward(parameters.base, input: inputs.base, inputStride: inputStride, rows: Self.samples * count)
      for index in 0..<count {
        var sum = 0.0
        for sample in 0..<Self.samples {
          sum += Double(network.output[(Self.samples * index + sample) * network.outputStride])
        }
        result[first + index] = sum / Double(Self.samples)
      }
    }
    return result
  }

  /// Q̂ of every row's own action.
  private func predictions() -> [Double] {
    var result = [Double](repeating: 0, count: data.count)
    for first in stride(from: 0, to: data.count, by: Self.capacity) {
      let count = min(Self.capacity, data.count - first)
      for index in 0..<count { load(row: first + index, to: index) }
      network.forward(parameters.base, input: inputs.base, inputStride: inputStride, rows: count)
      for index in 0..<count { result[first + index] = Double(network.output[index * network.outputStride]) }
    }
    return result
  }

  private func load(row: Int, to index: Int) {
    loadObservation(row, to: index)
    let width = data.actionCount
    for action in 0..<width {
      let sampled = data.actions[row * width + action]
      // A person's action is known as executed; where none is known, the middle of the policy stands for it.
      let executed = data.executed[row * width + action]
      if sampled.isFinite {
        put(sampled, action, index)
      } else {
        let mean = data.means[row * width + action]
        inputs.base[index * inputStride + data.observationCount + action] =
          executed.isFinite ? executed : (mean.isFinite ? head.bounded(mean) : 0)
      }
    }
  }

  private func put(_ action: Float, _ place: Int, _ index: Int) {
    inputs.base[index * inputStride + data.observationCount + place] = head.bounded(action)
  }

  private func loadObservation(_ row: Int, to index: Int) {
    let isFinal = row >= data.count
    let source = isFinal ? data.finals : data.inputs
    let start = (isFinal ? row - data.count : row) * data.stride
    source.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      (inputs.base + index * inputStride).update(from: base + start, count: data.observationCount)
    }
  }
}
