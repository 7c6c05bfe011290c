import Configuration
import Learning
import Networks
import Numerics
import Policies
import Tasks

/// A training whose policy can become a bundle.
protocol BundledTraining: TrainingLoop, ~Copyable {
  var network: TrainedNetwork { get }
}

/// A trained policy's network, ready to be written.
struct TrainedNetwork {
  var observationCount: Int
  var actionRange: ClosedRange<Double>
  var layers: [BundleContents.Layer]
  var valueLayers: [BundleContents.Layer] = []
  var memory: BundleContents.Memory?
  var valueMemory: BundleContents.Memory?
  var spread: BundleContents.Spread
  var isSquashed: Bool
  /// Mean and variance of the observations; nil where they are not scaled.
  var moments: (mean: [Double], variance: [Double])?

  /// Weights as files hold them: [outputs][inputs].
  static func layers(
    _ blocks: [ParameterBlock], _ parameters: UnsafePointer<Float>, _ activation: HiddenActivation,
    last: String = "identity"
  ) -> [BundleContents.Layer] {
    (0..<(blocks.count / 2)).map { index in
      let (weight, bias) = (blocks[2 * index], blocks[2 * index + 1])
      let rows = weight.values(in: parameters)
      let transposed = (0..<weight.columns).flatMap { column in
        (0..<weight.rows).map { rows[$0 * weight.columns + column] }
      }
      return BundleContents.Layer(
        weights: transposed, bias: bias.values(in: parameters),
        activation: index == blocks.count / 2 - 1 ? last : activation.rawValue)
    }
  }

  /// A recurrent layer's weights as files hold them: [gates·units][inputs], without the padding between gates.
  static func memory(
    _ layer: borrowing TrainableRecurrentLayer?, _ parameters: UnsafePointer<Float>
  ) -> BundleContents.Memory? {
    switch layer {
    case .some(let layer):
      let gates = layer.cell == .gru ? 3 : 4
      let columns = (0..<(gates * layer.size)).map { $0 / layer.size * layer.stride + $0 % layer.size }
      func rows(_ block: ParameterBlock) -> [Float] {
        columns.flatMap { column in
          (0..<block.rows).map { parameters[block.offset + $0 * block.stride + column] }
        }
      }
      return BundleContents.Memory(
        cell: layer.cell, weights: rows(layer.blocks[0]), recurrentWeights: rows(layer.blocks[1]),
        bias: rows(layer.blocks[2]), recurrentBias: rows(layer.blocks[3]))
    case nil: return nil
    }
  }

  static func moments(_ scaling: borrowing ObservationScaling) -> (mean: [Double], variance: [Double])? {
    guard scaling.isOn else { return nil }
    let size = scaling.moments.size
    return (
      (0..<size).map { scaling.moments.mean[$0] }, (0..<size).map { scaling.moments.variance[$0] }
    )
  }
}

extension OnPolicyTraining: BundledTraining where E: ~Copyable, A: ~Copyable {
  var network: TrainedNetwork {
    let shape = model.shape
    let parameters = model.parameters.base
    let range = GaussianHead.logDeviationRange
    return TrainedNetwork(
      observationCount: shape.observationCount, actionRange: shape.actionRange,
      layers: TrainedNetwork.layers(model.actor.blocks, parameters, shape.activation),
      valueLayers: TrainedNetwork.layers(model.critic.blocks, parameters, shape.activation),
      memory: TrainedNetwork.memory(model.actorMemory, parameters),
      valueMemory: TrainedNetwork.memory(model.criticMemory, parameters),
      spread: model.logDeviation.map { .constant($0.values(in: parameters)) }
        ?? .secondHalf(Double(range.lowerBound)...Double(range.upperBound)),
      isSquashed: shape.isSquashed, moments: TrainedNetwork.moments(observationScaling))
  }
}

extension OffPolicyTraining: BundledTraining where E: ~Copyable, A: ~Copyable {
  var network: TrainedNetwork {
    let shape = model.shape
    return TrainedNetwork(
      observationCount: shape.observationCount, actionRange: shape.actionRange,
      layers: TrainedNetwork.layers(model.actor.blocks, model.parameters.base, shape.activation, last: "tanh"),
      spread: .deterministic, isSquashed: true, moments: TrainedNetwork.moments(observationScaling))
  }
}

extension TrainingSession {
  /// A trained policy as a bundle: layers, spread, normaliser, action, and golden rows around what it saw.
  func bundle<Loop: BundledTraining & ~Copyable>(
    _ training: borrowing Loop, evaluation: EvaluationFigures
  ) -> BundleContents {
    let network = training.network
    var random = RandomStream(seed: plan.options.seed, name: "golden vectors")
    let observations = (0..<16).map { row in
      // Around what the policy saw, the last two far outside.
      let reach = row < 14 ? 1.5 : 30.0
      return (0..<network.observationCount).map { index in
        let deviation = network.moments?.variance[index].squareRoot() ?? 1
        return (network.moments?.mean[index] ?? 0) + reach * deviation * random.normal()
      }
    }
    let golden = zip(observations, training.meanActions(observations)).map { (observation: $0, action: $1) }
    let task = environmentTask
    var contents = BundleContents(
      name: "\(task?.name ?? plan.task)-\(plan.algorithm.rawValue)", robot: task?.model,
      jointNames: task?.actionNames ?? ["pendulum"], rateHz: task.map { 1 / $0.stepDuration } ?? 20,
      observationNames: observationNames,
      layers: network.layers, valueLayers: network.valueLayers, spread: network.spread,
      isSquashed: network.isSquashed,
      actionKind: task.map { $0.commandMode == .effort ? .torque : ($0.commandsChanges ? .delta : .position) }
        ?? .torque,
      actionRange: network.actionRange,
      normaliser: network.moments.map {
        .statistics(
          mean: $0.mean, variance: $0.variance, epsilon: ObservationScaling.epsilon, clip: ObservationScaling.limit)
      } ?? .none, golden: golden,
      training: [
        ("algorithm", plan.algorithm.rawValue), ("task", plan.task), ("task_sha256", task?.sha256 ?? "none"),
        ("steps", "\(training.stepCount)"), ("seed", "\(plan.options.seed)"),
        ("gamma", "\(algorithm.gamma)"), ("settings_sha256", ContentHash.sha256(plan.text)),
        ("evaluation_mean_return", "\(evaluation.mean)"), ("evaluation_episodes", "\(evaluation.returns.count)"),
        ("golden_vectors", "the trainer's own forward pass"),
      ])
    (contents.memory, contents.valueMemory) = (network.memory, network.valueMemory)
    return contents
  }
}
