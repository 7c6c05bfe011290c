import Networks

/// The layers of a policy that is nothing but dense layers, so that they can go on learning: weights as [outputs][inputs].
public struct PolicyLayers: Sendable {
  /// One dense layer.
  public struct Layer: Sendable {
    public var weights: [Float]
    public var bias: [Float]
    public var inputs: Int
    public var outputs: Int
    /// Nil for the identity.
    public var activation: HiddenActivation?
  }
  /// From the normalised observation to the mean, or to mean and log σ.
  public var actor: [Layer]
  /// From the normalised observation to the value; empty without a critic.
  public var critic: [Layer]
  /// log σ of each action; nil when the network gives it in the second half of its output.
  public var logDeviation: [Float]?
  /// The limits of a log σ that the network gives.
  public var logDeviationRange: ClosedRange<Double>?
}

extension LoadedPolicy {
  /// The policy's layers.
  /// - Throws: when it is not a bundle of dense layers, or has an activation that cannot be trained.
  public func layers() throws(PolicyError) -> PolicyLayers {
    guard case .layers(let stack) = source else {
      throw PolicyError(
        .unsupported, file: description.path, "is a graph, which cannot go on learning",
        suggestion: "take a bundle of 'sinew train', whose layers are in safetensors")
    }
    guard stack.memory == nil, stack.valueMemory == nil else {
      throw PolicyError(
        .unsupported, file: description.path, "is recurrent, which cannot go on learning from single rows",
        suggestion: "take a bundle of dense layers")
    }
    var range: ClosedRange<Double>?
    if case .gaussian(.stateDependent(let clamp), _) = description.distribution { range = clamp }
    var constant = stack.constantSpread
    if constant == nil, case .gaussian(.constant(let values), _) = description.distribution {
      constant = values.map { Float($0) }
    }
    return PolicyLayers(
      actor: try stack.layers.map { layer throws(PolicyError) in try learnable(layer) },
      critic: try stack.valueLayers.map { layer throws(PolicyError) in try learnable(layer) },
      logDeviation: constant, logDeviationRange: range)
  }

  private func learnable(_ layer: LayerStack.Layer) throws(PolicyError) -> PolicyLayers.Layer {
    let activation: HiddenActivation?
    switch layer.activation {
    case .identity: activation = nil
    case .tanh: activation = .tanh
    case .relu: activation = .relu
    case .silu: activation = .silu
    case .elu(let alpha) where alpha == 1: activation = .elu
    default:
      throw PolicyError(
        .unsupported, file: description.path, place: layer.name.quoted,
        "has an activation that cannot go on learning (\(layer.activation))",
        suggestion: "tanh, relu, elu with alpha 1 and silu can")
    }
    return PolicyLayers.Layer(
      weights: layer.weights, bias: layer.bias ?? [Float](repeating: 0, count: layer.outputs), inputs: layer.inputs,
      outputs: layer.outputs, activation: activation)
  }
}

extension Policy {
  /// Writes what the network sees of an observation: terms and normaliser applied, `observationCount` numbers.
  /// - Returns: false when a number is not finite or too large for single precision.
  @_noLocks
  public func networkInput(_ observation: UnsafePointer<Double>, into input: UnsafeMutablePointer<Float>) -> Bool {
    transform.apply(observation, into: input, count: observationCount)
  }
}
