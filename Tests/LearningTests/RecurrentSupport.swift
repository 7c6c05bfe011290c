import Foundation
import Networks
import Numerics

@testable import Learning

/// Remember the first observation: ±1 is shown in an episode's first step only, and every step's reward is minus the squared
/// distance of the action from it. Without memory the best return is about −6: 0 in all steps but the first.
struct Recall: ~Copyable, Environment {
  var observationCount: Int { 2 }
  var actionCount: Int { 1 }
  var actionRange: ClosedRange<Double> { -2...2 }
  var stepLimit: Int { 7 }
  private var cue = 0.0
  private var steps = 0

  mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) {
    cue = random.uniform(from: -1, to: 1) < 0 ? -1 : 1
    steps = 0
    (observation[0], observation[1]) = (cue, 1)
  }

  mutating func step(
    action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
  ) -> EnvironmentStep {
    steps += 1
    (observation[0], observation[1]) = (0, 0)
    let distance = Double(action[0]) - cue
    return EnvironmentStep(reward: -distance * distance, terminated: false, truncated: steps >= stepLimit)
  }
}

/// PPO on `Recall`, with or without memory. Episodes of 7 steps cross the ends of sequences and rollouts.
func recallPPO(
  _ cell: RecurrentCell?, threads: Int = 1, seed: UInt64 = 1, normalises: Bool = true,
  options change: (inout ProximalPolicyOptimisation.Options) -> Void = { _ in }
) throws -> OnPolicyTraining<Recall, ProximalPolicyOptimisation> {
  var options = ProximalPolicyOptimisation.Options()
  options.steps = 32
  options.batchSize = 64
  options.sequenceLength = 8
  options.epochs = 4
  options.learningRate = 3e-3
  change(&options)
  var training = TrainingOptions()
  training.environments = 8
  training.threads = threads
  training.seed = seed
  training.normalisesObservations = normalises
  let model = try lineModel(rows: (options.steps + 1) * 8, seed: seed) {
    $0.actionRange = -2...2
    $0.memory = cell.map { MemoryShape($0, size: 12) }
  }
  let algorithm = ProximalPolicyOptimisation(options, model: model, environments: 8)
  return try OnPolicyTraining(training, model: model, algorithm: algorithm) { _ in Recall() }
}

/// A recurrent PPO minibatch as tools/peer/ppo-recurrent-minibatch.py makes it: 4 sequences of 6 steps.
struct RecurrentMinibatch: ~Copyable {
  static let (steps, sequences, inputs, actions, units) = (6, 4, 3, 2, 5)
  static var rows: Int { steps * sequences }
  let model: ActorCritic
  let rollout: RolloutBuffer
  var algorithm: ProximalPolicyOptimisation

  init(_ cell: RecurrentCell, _ set: InstructionSet, _ golden: [String: [Float]]) throws {
    var shape = ActorCriticShape(
      observationCount: Self.inputs, actionCount: Self.actions, actionRange: -1...1)
    shape.actorHidden = [8]
    shape.criticHidden = [8]
    shape.memory = MemoryShape(cell, size: Self.units)
    let model = ActorCritic(shape, rowCapacity: Self.rows, kernels: try VectorKernels(set), seed: 1)
    for block in model.layout.blocks {
      for (place, value) in zip(Self.places(block, of: model), golden["start.\(block.name)"] ?? []) {
        model.parameters.base[place] = value
      }
    }
    let rollout = RolloutBuffer(
      steps: Self.steps, environments: Self.sequences, observationCount: Self.inputs, actionCount: Self.actions,
      memoryWidth: model.memoryWidth, sequenceLength: Self.steps)
    for (index, value) in (golden["observations"] ?? []).enumerated() {
      rollout.observations.base[index / Self.inputs * rollout.observationStride + index % Self.inputs] = value
    }
    for (target, name) in [
      (rollout.actions, "actions"), (rollout.logProbabilities, "old"), (rollout.advantages, "advantages"),
      (rollout.targets, "returns"), (rollout.memory.keep.base, "keep"),
    ] {
      for (index, value) in (golden[name] ?? []).enumerated() { target[index] = value }
    }
    let width = Self.units * (cell == .lstm ? 2 : 1)
    for (target, name) in [
      (rollout.memory.actorStates.base, "actor_states"), (rollout.memory.criticStates.base, "critic_states"),
    ] {
      for (index, value) in (golden[name] ?? []).enumerated() {
        let (row, number) = (index / width, index % width)
        target[row * model.memoryWidth + number / Self.units * 16 + number % Self.units] = value
      }
    }
    var options = ProximalPolicyOptimisation.Options()
    options.steps = Self.steps
    options.batchSize = Self.rows
    options.sequenceLength = Self.steps
    options.learningRate = 3e-3
    options.entropyCoefficient = 0.01
    algorithm = ProximalPolicyOptimisation(options, model: model, environments: Self.sequences)
    self.model = model
    self.rollout = rollout
  }

  /// Where a block's numbers stand in the flat vector, without the padding between the gates of a recurrent layer.
  static func places(_ block: ParameterBlock, of model: borrowing ActorCritic) -> [Int] {
    let isMemory = block.name.contains("memory")
    let columns =
      isMemory
      ? (0..<(block.columns / 16 * units)).map { $0 / units * 16 + $0 % units } : Array(0..<block.columns)
    return (0..<block.rows).flatMap { row in columns.map { block.offset + row * block.stride + $0 } }
  }

  /// The network's outputs for all rows in double precision, from the cells' equations.
  static func outputs(
    _ cell: RecurrentCell, _ blocks: [ParameterBlock], _ p: [Double], _ golden: [String: [Float]], states name: String
  ) -> [[Double]] {
    func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
    func product(_ x: [Double], _ weight: ParameterBlock, _ bias: ParameterBlock, columns: [Int]) -> [Double] {
      columns.map { column in
        x.indices.reduce(p[bias.offset + column]) { $0 + x[$1] * p[weight.offset + $1 * weight.stride + column] }
      }
    }
    let width = units * (cell == .lstm ? 2 : 1)
    let start = (golden[name] ?? []).map(Double.init)
    let keep = (golden["keep"] ?? []).map(Double.init)
    let observations = (golden["observations"] ?? []).map(Double.init)
    var h = (0..<sequences).map { Array(start[($0 * width)..<($0 * width + units)]) }
    var c = (0..<sequences).map { cell == .lstm ? Array(start[($0 * width + units)..<(($0 + 1) * width)]) : [] }
    var result: [[Double]] = []
    for row in 0..<rows {
      let sequence = row % sequences
      let x = Array(observations[(row * inputs)..<((row + 1) * inputs)])
      h[sequence] = h[sequence].map { $0 * keep[row] }
      c[sequence] = c[sequence].map { $0 * keep[row] }
      let gates = (0..<(cell == .gru ? 3 : 4)).map { gate in
        let columns = (0..<units).map { gate * 16 + $0 }
        return (
          product(x, blocks[0], blocks[2], columns: columns),
          product(h[sequence], blocks[1], blocks[3], columns: columns)
        )
      }
      for unit in 0..<units {
        func sum(_ gate: Int) -> Double { gates[gate].0[unit] + gates[gate].1[unit] }
        switch cell {
        case .gru:
          let n = tanh(gates[2].0[unit] + sigmoid(sum(1)) * gates[2].1[unit])
          h[sequence][unit] = (1 - sigmoid(sum(0))) * n + sigmoid(sum(0)) * h[sequence][unit]
        case .lstm:
          c[sequence][unit] = sigmoid(sum(2)) * c[sequence][unit] + sigmoid(sum(0)) * tanh(sum(3))
          h[sequence][unit] = sigmoid(sum(1)) * tanh(c[sequence][unit])
        }
      }
      let hidden = product(h[sequence], blocks[4], blocks[5], columns: Array(0..<8)).map { tanh($0) }
      result.append(product(hidden, blocks[6], blocks[7], columns: Array(0..<blocks[7].columns)))
    }
    return result
  }
}
