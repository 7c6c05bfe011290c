import Configuration
import Learning
import Networks
import Numerics
import Policies
import Tasks

extension TrainingSession {
  /// A trained policy as a bundle: layers, spread, normaliser, action, and golden rows around what it saw.
  func bundle<E: Environment & ~Copyable, A: OnPolicyAlgorithm & ~Copyable>(
    _ training: borrowing OnPolicyTraining<E, A>, evaluation: EvaluationFigures
  ) -> BundleContents {
    let model = training.model.shape
    let parameters = training.model.parameters.base
    let spread: BundleContents.Spread
    if let block = training.model.logDeviation {
      spread = .constant(block.values(in: parameters))
    } else {
      let range = GaussianHead.logDeviationRange
      spread = .secondHalf(Double(range.lowerBound)...Double(range.upperBound))
    }
    let size = model.observationCount
    let moments = (
      mean: (0..<size).map { training.observationScaling.moments.mean[$0] },
      variance: (0..<size).map { training.observationScaling.moments.variance[$0] }
    )
    let isScaled = training.observationScaling.isOn
    var random = RandomStream(seed: plan.options.seed, name: "golden vectors")
    let golden = (0..<16).map { row in
      // Around what the policy saw, the last two far outside.
      let reach = row < 14 ? 1.5 : 30.0
      let observation = (0..<size).map { index in
        let deviation = isScaled ? moments.variance[index].squareRoot() : 1
        return (isScaled ? moments.mean[index] : 0) + reach * deviation * random.normal()
      }
      return (observation: observation, action: training.meanAction(observation))
    }
    let task = environmentTask
    return BundleContents(
      name: "\(task?.name ?? plan.task)-\(plan.algorithm.rawValue)", robot: task?.model,
      jointNames: task?.actionNames ?? ["pendulum"], rateHz: task.map { 1 / $0.stepDuration } ?? 20,
      observationNames: task?.observationNames ?? ["cos_angle", "sin_angle", "velocity"],
      layers: layers(training.model.actor.blocks, parameters, model.activation),
      valueLayers: layers(training.model.critic.blocks, parameters, model.activation), spread: spread,
      isSquashed: model.isSquashed,
      actionKind: task.map { $0.commandMode == .effort ? .torque : ($0.commandsChanges ? .delta : .position) }
        ?? .torque,
      actionRange: model.actionRange,
      normaliser: isScaled
        ? .statistics(
          mean: moments.mean, variance: moments.variance, epsilon: ObservationScaling.epsilon,
          clip: ObservationScaling.limit) : .none, golden: golden,
      training: [
        ("algorithm", plan.algorithm.rawValue), ("task", plan.task), ("task_sha256", task?.sha256 ?? "none"),
        ("steps", "\(training.stepCount)"), ("seed", "\(plan.options.seed)"),
        ("settings_sha256", ContentHash.sha256(plan.text)),
        ("evaluation_mean_return", "\(evaluation.mean)"), ("evaluation_episodes", "\(evaluation.returns.count)"),
        ("golden_vectors", "the trainer's own forward pass"),
      ])
  }

  /// Weights as files hold them: [outputs][inputs].
  private func layers(
    _ blocks: [ParameterBlock], _ parameters: UnsafePointer<Float>, _ activation: HiddenActivation
  ) -> [BundleContents.Layer] {
    (0..<(blocks.count / 2)).map { index in
      let (weight, bias) = (blocks[2 * index], blocks[2 * index + 1])
      let rows = weight.values(in: parameters)
      let transposed = (0..<weight.columns).flatMap { column in
        (0..<weight.rows).map { rows[$0 * weight.columns + column] }
      }
      return BundleContents.Layer(
        weights: transposed, bias: bias.values(in: parameters),
        activation: index == blocks.count / 2 - 1 ? "identity" : activation.rawValue)
    }
  }
}
