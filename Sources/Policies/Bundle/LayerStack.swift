import Networks

/// A plain network: dense layers one after the other, perhaps behind a recurrent one, with the weights in memory.
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
  /// A recurrent layer, gates in ONNX's order.
  struct Memory: Sendable {
    /// What messages call it: the key of its weights.
    var name: String
    var cell: RecurrentCell
    /// Row-major [gates·size][inputs] and [gates·size][size].
    var weights: [Float]
    var recurrentWeights: [Float]
    /// Of the input, then of the recurrent part.
    var bias: [Float]
    var inputs: Int
    var size: Int
  }
  /// The file with the weights.
  var file: String
  var layers: [Layer]
  /// Layers from the observation to the value, when there is a critic.
  var valueLayers: [Layer] = []
  /// In front of `layers` and of `valueLayers`.
  var memory: Memory?
  var valueMemory: Memory?
  /// Whether the last layer gives the mean and then the logarithm of the standard deviation.
  var isSpreadInOutput = false
  /// The logarithm of the standard deviation, when it is a tensor of the weight file.
  var constantSpread: [Float]?

  /// Numbers in an observation.
  var inputs: Int { memory?.inputs ?? layers.first?.inputs ?? 0 }

  /// The states that are fed back, under the names of the weights they belong to.
  var recurrentPairs: [RecurrentPair] {
    [memory, valueMemory].compactMap { $0 }.flatMap { memory in
      (memory.cell == .lstm ? ["hidden", "cell"] : ["hidden"]).map {
        RecurrentPair(input: "\(memory.name) \($0)", output: "\(memory.name) \($0)")
      }
    }
  }

  func build() throws(PolicyError) -> PolicyNetwork {
    guard let last = layers.last else {
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
    var feedback: [(from: Value, to: String)] = []
    do throws(NetworkError) {
      let observation = try builder.input("observation", shape: [1, inputs])
      let result = try chain(memory, layers, from: observation, &builder, &feedback)
      if isSpreadInOutput {
        outputs.append(("mean", try builder.slice(result, starts: [0], ends: [actions], axes: [1])))
        outputs.append(("log_std", try builder.slice(result, starts: [actions], ends: [2 * actions], axes: [1])))
        spread = .output(1, isLinear: false)
      } else {
        outputs.append(("action", result))
      }
      if !valueLayers.isEmpty {
        valueOutput = outputs.count
        let value = try chain(valueMemory, valueLayers, from: observation, &builder, &feedback)
        guard value.count == 1 else { throw NetworkError("the critic gives \(value.count) numbers, not one") }
        outputs.append(("value", value))
      }
      let program = try builder.build(outputs: outputs, feedback: feedback)
      return PolicyNetwork(
        program: program, observationCount: inputs, actionCount: actions, spread: spread, valueOutput: valueOutput)
    } catch {
      throw PolicyError(.shape, file: file, place: "network", error.message)
    }
  }

  private func chain(
    _ memory: Memory?, _ layers: [Layer], from input: Value, _ builder: inout ProgramBuilder,
    _ feedback: inout [(from: Value, to: String)]
  ) throws(NetworkError) -> Value {
    var x = input
    if let memory {
      guard memory.inputs == input.shape.last else {
        throw NetworkError("\(memory.name.quoted) takes \(memory.inputs) numbers, but gets \(input.shape.last ?? 0)")
      }
      let hidden = try builder.input("\(memory.name) hidden", shape: [1, memory.size])
      switch memory.cell {
      case .gru:
        x = try builder.gru(
          x, hidden: hidden, inputWeights: memory.weights, recurrentWeights: memory.recurrentWeights,
          bias: memory.bias, size: memory.size, linearBeforeReset: true, name: memory.name)
      case .lstm:
        let cell = try builder.input("\(memory.name) cell", shape: [1, memory.size])
        let next = try builder.lstm(
          x, hidden: hidden, cell: cell, inputWeights: memory.weights, recurrentWeights: memory.recurrentWeights,
          bias: memory.bias, size: memory.size, name: memory.name)
        feedback.append((next.cell, "\(memory.name) cell"))
        x = next.hidden
      }
      feedback.append((x, "\(memory.name) hidden"))
    }
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
