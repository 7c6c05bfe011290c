import Networks

/// A plain feed-forward network: dense layers one after the other, with the weights in memory.
struct LayerStack: Sendable {
  /// One dense layer.
  struct Layer: Sendable {
    /// What messages call it: the key of its weights.
    var name: String
    /// Row-major [outputs][inputs].
    var weights: [Float]
    var bias: [Float]?
    var inputs: Int
    var outputs: Int
    var activation: Activation
  }
  /// The file with the weights.
  var file: String
  var layers: [Layer]
  /// Layers from the observation to the value, when there is a critic.
  var valueLayers: [Layer] = []
  /// Whether the last layer gives the mean and then the logarithm of the standard deviation.
  var isSpreadInOutput = false
  /// The logarithm of the standard deviation, when it is a tensor of the weight file.
  var constantSpread: [Float]?

  func build() throws(PolicyError) -> PolicyNetwork {
    guard let first = layers.first, let last = layers.last else {
      throw PolicyError(.configuration, file: file, "the network has no layers")
    }
    guard !isSpreadInOutput || last.outputs % 2 == 0 else {
      throw PolicyError(
        .shape, file: file, place: last.name.quoted,
        "has \(last.outputs) outputs, which are not as many means as standard deviations")
    }
    let actions = isSpreadInOutput ? last.outputs / 2 : last.outputs
    var builder = ProgramBuilder()
    var outputs: [(name: String, value: Value)] = []
    var spread = constantSpread.map { PolicyNetwork.Spread.constant($0) } ?? .none
    var valueOutput: Int?
    do throws(NetworkError) {
      let observation = try builder.input("observation", shape: [1, first.inputs])
      let result = try chain(layers, from: observation, &builder)
      if isSpreadInOutput {
        outputs.append(("mean", try builder.slice(result, starts: [0], ends: [actions], axes: [1])))
        outputs.append(("log_std", try builder.slice(result, starts: [actions], ends: [2 * actions], axes: [1])))
        spread = .output(1, isLinear: false)
      } else {
        outputs.append(("action", result))
      }
      if !valueLayers.isEmpty {
        valueOutput = outputs.count
        let value = try chain(valueLayers, from: observation, &builder)
        guard value.count == 1 else { throw NetworkError("the critic gives \(value.count) numbers, not one") }
        outputs.append(("value", value))
      }
      let program = try builder.build(outputs: outputs)
      return PolicyNetwork(
        program: program, observationCount: first.inputs, actionCount: actions, spread: spread,
        valueOutput: valueOutput)
    } catch {
      throw PolicyError(.shape, file: file, place: "network", error.message)
    }
  }

  private func chain(
    _ layers: [Layer], from input: Value, _ builder: inout ProgramBuilder
  ) throws(NetworkError) -> Value {
    var x = input
    for layer in layers {
      guard x.shape.last == layer.inputs else {
        throw NetworkError("\(layer.name.quoted) takes \(layer.inputs) numbers, but gets \(x.shape.last ?? 0)")
      }
      x = try builder.dense(
        x, weights: layer.weights, bias: layer.bias, outputs: layer.outputs, activation: layer.activation,
        name: layer.name)
    }
    return x
  }
}
