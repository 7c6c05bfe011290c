import Networks

/// The weights of one recurrent node, checked: one direction, one time step, batch 1, default activations.
private struct RecurrentLayer {
  var size: Int
  var inputWeights: [Float]
  var recurrentWeights: [Float]
  var bias: [Float]?
  var x: Value
  /// With `layout` 1 the batch comes first; at batch and length 1 only shapes differ.
  var isBatchFirst: Bool
}

extension OnnxLowering {
  /// One step of a gated recurrent unit: outputs Y and Y_h.
  mutating func gru(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand] {
    let layer = try recurrent(node, operands, gates: 3, activations: ["sigmoid", "tanh"])
    let linear = try node.integer("linear_before_reset", default: 0, file: file) != 0
    let hidden = try state(node, operands, 5, layer)
    let next = try step(node) {
      try $0.gru(
        layer.x, hidden: hidden, inputWeights: layer.inputWeights, recurrentWeights: layer.recurrentWeights,
        bias: layer.bias, size: layer.size, linearBeforeReset: linear, name: node.label)
    }
    return try outputs(node, layer, [next])
  }

  /// One step of a long short-term memory: outputs Y, Y_h and Y_c.
  mutating func lstm(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand] {
    let layer = try recurrent(node, operands, gates: 4, activations: ["sigmoid", "tanh", "tanh"])
    guard operands.count <= 7 || operands[7] == nil else {
      throw node.error(.unsupported, "peephole weights are not supported", file: file)
    }
    guard try node.integer("input_forget", default: 0, file: file) == 0 else {
      throw node.error(.unsupported, "coupled input and forget gates are not supported", file: file)
    }
    let hidden = try state(node, operands, 5, layer)
    let cell = try state(node, operands, 6, layer)
    let next = try step(node) {
      try $0.lstm(
        layer.x, hidden: hidden, cell: cell, inputWeights: layer.inputWeights,
        recurrentWeights: layer.recurrentWeights, bias: layer.bias, size: layer.size, name: node.label)
    }
    return try outputs(node, layer, [next.hidden, next.cell])
  }

  private mutating func recurrent(
    _ node: OnnxNode, _ operands: [Operand?], gates: Int, activations: [String]
  ) throws(PolicyError) -> RecurrentLayer {
    // "reverse" over one time step is the same as "forward".
    let direction = try node.string("direction", default: "forward", file: file)
    guard direction == "forward" || direction == "reverse" else {
      throw node.error(.unsupported, "the direction \(direction.quoted) is not supported", file: file)
    }
    if let attribute = node.attributes["activations"] {
      guard case .strings(let names) = attribute, names.map({ $0.lowercased() }) == activations else {
        throw node.error(.unsupported, "only the default activations \(activations) are supported", file: file)
      }
    }
    guard node.attributes["clip"] == nil else {
      throw node.error(.unsupported, "clipping inside the cell is not supported", file: file)
    }
    let isBatchFirst = try node.integer("layout", default: 0, file: file) != 0
    let operand = try required(operands, 0, node)
    guard operand.shape.count == 3, operand.shape[0] == 1, operand.shape[1] == 1 else {
      throw node.error(
        .shape, "its input has the shape \(operand.shape); one time step and a batch of 1 are needed", file: file,
        suggestion: "export the policy for one step with its state as input and output")
    }
    let inputs = operand.shape[2]
    guard let w = try known(operands, 1, node), let r = try known(operands, 2, node) else {
      throw node.error(.malformed, "has no weights", file: file)
    }
    let size = try node.integer("hidden_size", default: r.shape.last ?? 0, file: file)
    guard size >= 1, size <= 1 << 16, w.kind == .float, r.kind == .float, w.shape == [1, gates * size, inputs],
      r.shape == [1, gates * size, size]
    else {
      throw node.error(
        .shape,
        "its weights have the shapes \(w.shape) and \(r.shape), which do not fit \(inputs) inputs and hidden_size \(size)",
        file: file)
    }
    let bias = try known(operands, 3, node)
    if let bias, bias.kind != .float || bias.shape != [1, 2 * gates * size] {
      throw node.error(.shape, "its bias has the shape \(bias.shape), not [1, \(2 * gates * size)]", file: file)
    }
    if let lengths = try known(operands, 4, node), lengths.asFloats != [1] {
      throw node.error(.unsupported, "the sequence length must be 1", file: file)
    }
    let x = try step(node, reshaping: value(operand, node), to: [inputs])
    return RecurrentLayer(
      size: size, inputWeights: w.floats, recurrentWeights: r.floats, bias: bias?.floats, x: x,
      isBatchFirst: isBatchFirst)
  }

  private mutating func step(_ node: OnnxNode, reshaping x: Value, to shape: [Int]) throws(PolicyError) -> Value {
    try step(node) { try $0.reshape(x, to: shape) }
  }

  /// The state before the step; zeros when it is omitted.
  private mutating func state(
    _ node: OnnxNode, _ operands: [Operand?], _ index: Int, _ layer: RecurrentLayer
  ) throws(PolicyError) -> Value {
    guard index < operands.count, let operand = operands[index] else {
      return try step(node) { try $0.constant([Float](repeating: 0, count: layer.size), shape: [layer.size]) }
    }
    guard operand.shape == [1, 1, layer.size] else {
      throw node.error(.shape, "its state has the shape \(operand.shape), not [1, 1, \(layer.size)]", file: file)
    }
    return try step(node, reshaping: value(operand, node), to: [layer.size])
  }

  private mutating func outputs(
    _ node: OnnxNode, _ layer: RecurrentLayer, _ states: [Value]
  ) throws(PolicyError) -> [Operand] {
    // Y is [time, direction, batch, size], or [batch, time, direction, size] when the batch comes first: all ones.
    var results: [Operand] = [.running(try step(node, reshaping: states[0], to: [1, 1, 1, layer.size]), .float)]
    for value in states { results.append(.running(try step(node, reshaping: value, to: [1, 1, layer.size]), .float)) }
    return results
  }
}
