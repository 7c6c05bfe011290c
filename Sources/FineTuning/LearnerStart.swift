import Learning
import Networks
import Policies

/// A policy's parameters as the learner starts from them, checked to be of a kind that goes on learning and that a bundle
/// can hold again.
struct LearnerStart: Sendable {
  let layers: PolicyLayers
  let shape: ActorCriticShape
  let hasCritic: Bool
  /// The standard deviation that rewards were divided by when the critic was fitted last; nil when nobody wrote it down.
  let rewardScale: Double?
  /// The discount that the critic was fitted with; nil when nobody wrote it down.
  let gamma: Double?

  init(_ policy: LoadedPolicy) throws {
    let description = policy.description
    func refuse(_ what: String) -> FineTuningError {
      FineTuningError(
        .input,
        "\(description.path): \(what); what is taken is a Gaussian policy without memory: a bundle that 'sinew finetune' made, "
          + "or 'sinew train' with ppo, trpo, a2c, actor-critic or reinforce and without rnn_type")
    }
    let maker = description.provenance.first { $0.key == "algorithm" }.map { ", made by \($0.value)," } ?? ""
    guard case .gaussian(let spread, let isSquashed) = description.distribution else {
      throw refuse("this policy\(maker) is deterministic: it has no density, so its steps have no importance ratio")
    }
    guard !description.isRecurrent else {
      throw refuse(
        "this policy\(maker) has a memory (GRU or LSTM), and fine-tuning from single rows does not support that")
    }
    if case .stateDependent(let range) = spread {
      let own = GaussianHead.logDeviationRange
      guard range == Double(own.lowerBound)...Double(own.upperBound) else {
        throw refuse("its log_std is limited to another range than \(own.lowerBound) to \(own.upperBound)")
      }
    }
    let layers = try policy.layers()
    let action = description.action
    guard let low = action.low.first, let high = action.high.first, action.low.allSatisfy({ $0 == low }),
      action.high.allSatisfy({ $0 == high }), action.positionGain == nil, action.dampingGain == nil,
      description.exploration == nil
    else { throw refuse("its actions have limits or gains of their own, which are not kept") }
    let (scale, offset) = isSquashed ? ((high - low) / 2, (high + low) / 2) : (1, 0)
    guard action.scale.allSatisfy({ ($0 - scale).magnitude < 1e-9 }),
      action.offset.allSatisfy({ ($0 - offset).magnitude < 1e-9 })
    else { throw refuse("its actions are scaled, which is not kept") }
    guard
      description.observationTerms.allSatisfy({
        $0.count == 1 && $0.scale == [1] && $0.offset == [0] && $0.clip == nil
      })
    else { throw refuse("its observation terms are scaled or cut, which is not kept") }
    let hidden = layers.actor.dropLast()
    let activations = Set(hidden.map(\.activation) + layers.critic.dropLast().map(\.activation))
    guard !hidden.isEmpty, activations.count == 1, let activation = activations.first ?? nil,
      layers.actor.last?.activation == nil, layers.critic.last?.activation == nil
    else { throw refuse("its layers have different activations") }
    var shape = ActorCriticShape(
      observationCount: description.observationCount, actionCount: description.actionCount, actionRange: low...high)
    shape.actorHidden = hidden.map(\.outputs)
    if layers.critic.count > 1 { shape.criticHidden = layers.critic.dropLast().map(\.outputs) }
    shape.activation = activation
    shape.spread = layers.logDeviation == nil ? .stateDependent : .stateIndependent
    shape.isSquashed = isSquashed
    self.shape = shape
    self.layers = layers
    hasCritic = layers.critic.count > 1
    func noted(_ key: String) -> Double? { description.provenance.first { $0.key == key }.flatMap { Double($0.value) } }
    rewardScale = noted("reward_scale")
    gamma = noted("gamma").flatMap { (0...1).contains($0) ? $0 : nil }
  }

  /// A learner with these parameters; a critic that the policy lacks starts from the seed.
  func makeModel(rowCapacity: Int, seed: UInt64) throws -> ActorCritic {
    let model = ActorCritic(shape, rowCapacity: rowCapacity, kernels: try VectorKernels(), seed: seed)
    Self.write(layers.actor, model.actor.blocks, to: model.parameters.base)
    if hasCritic { Self.write(layers.critic, model.critic.blocks, to: model.parameters.base) }
    if let block = model.logDeviation, let values = layers.logDeviation {
      block.write(values, to: model.parameters.base)
    }
    return model
  }

  /// Files hold weights as [outputs][inputs], the learner as [inputs][outputs].
  private static func write(
    _ layers: [PolicyLayers.Layer], _ blocks: [ParameterBlock], to parameters: UnsafeMutablePointer<Float>
  ) {
    for (index, layer) in layers.enumerated() {
      let transposed = (0..<layer.inputs).flatMap { input in
        (0..<layer.outputs).map { layer.weights[$0 * layer.inputs + input] }
      }
      blocks[2 * index].write(transposed, to: parameters)
      blocks[2 * index + 1].write(layer.bias, to: parameters)
    }
  }

  /// A model's layers as files hold them.
  static func layers(_ blocks: [ParameterBlock], of model: borrowing ActorCritic) -> [BundleContents.Layer] {
    let parameters = model.parameters.base
    let activation = model.shape.activation.rawValue
    return (0..<(blocks.count / 2)).map { index in
      let (weight, bias) = (blocks[2 * index], blocks[2 * index + 1])
      let rows = weight.values(in: parameters)
      let transposed = (0..<weight.columns).flatMap { column in
        (0..<weight.rows).map { rows[$0 * weight.columns + column] }
      }
      return BundleContents.Layer(
        weights: transposed, bias: bias.values(in: parameters),
        activation: index == blocks.count / 2 - 1 ? "identity" : activation)
    }
  }
}
