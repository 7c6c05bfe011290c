extension ProgramBuilder {
  /// One step of a gated recurrent unit, ONNX equations and gate order (z, r, h), default activations.
  ///
  ///     z = σ(W_z·x + R_z·h + b_z)   r = σ(W_r·x + R_r·h + b_r)   h' = (1 − z)∘n + z∘h
  ///     n = tanh(W_h·x + Wb_h + r∘(R_h·h + Rb_h))   linear before reset (PyTorch)
  ///     n = tanh(W_h·x + R_h·(r∘h) + Wb_h + Rb_h)   otherwise
  ///
  /// - Parameters:
  ///   - x: I numbers as its last dimension, 1 for all others.
  ///   - hidden: h, the state before the step, `size` numbers; the result has its shape.
  ///   - inputWeights: W, row-major [3·size][I].
  ///   - recurrentWeights: R, row-major [3·size][size].
  ///   - bias: Wb ++ Rb, 6·size numbers.
  ///   - linearBeforeReset: which of the two equations for n.
  ///   - name: what errors call the layer.
  public mutating func gru(
    _ x: Value, hidden: Value, inputWeights: [Float], recurrentWeights: [Float], bias: [Float]?, size: Int,
    linearBeforeReset: Bool, name: String? = nil
  ) throws(NetworkError) -> Value {
    let label = self.label("gru", name)
    let cell = try RecurrentLayer(
      self, label, gates: 3, x, hidden, inputWeights: inputWeights, recurrentWeights: recurrentWeights, bias: bias,
      size: size)
    let next: Value
    if linearBeforeReset {
      // The biases of z and r add up; those of h stay on their own sides of the reset gate.
      let fromInput = try gates(label + " input", x, cell.input(0..<3, bias: cell.bias.map { $0.input }))
      let fromHidden = try gates(
        label + " recurrent", hidden, cell.recurrent(0..<3, bias: cell.bias.map { $0.recurrent }))
      next = try recurrent(.gruAfter, size, [fromInput, fromHidden, hidden], hidden.shape)
    } else {
      let fromInput = try gates(label + " input", x, cell.input(0..<3, bias: cell.bias.map { $0.sum }))
      let zr = try gates(label + " recurrent", hidden, cell.recurrent(0..<2, bias: nil), addedTo: fromInput, gate: 0)
      let reset = try recurrent(.gruReset, size, [zr, hidden], [size])
      let candidate = try gates(
        label + " candidate", reset, cell.recurrent(2..<3, bias: nil), addedTo: fromInput, gate: 2)
      next = try recurrent(.gruBefore, size, [zr, candidate, hidden], hidden.shape)
    }
    return next
  }

  /// One step of a long short-term memory, ONNX equations and gate order (i, o, f, c), default activations, no peepholes.
  ///
  ///     c' = σ(f)∘c + σ(i)∘tanh(g)   h' = σ(o)∘tanh(c')   with the gates W·x + R·h + Wb + Rb
  ///
  /// - Parameters:
  ///   - x: I numbers as its last dimension, 1 for all others.
  ///   - hidden: h, `size` numbers; the new hidden state has its shape.
  ///   - cell: c, `size` numbers; the new cell state has its shape.
  ///   - inputWeights: W, row-major [4·size][I].
  ///   - recurrentWeights: R, row-major [4·size][size].
  ///   - bias: Wb ++ Rb, 8·size numbers.
  ///   - name: what errors call the layer.
  public mutating func lstm(
    _ x: Value, hidden: Value, cell: Value, inputWeights: [Float], recurrentWeights: [Float], bias: [Float]?, size: Int,
    name: String? = nil
  ) throws(NetworkError) -> (hidden: Value, cell: Value) {
    let label = self.label("lstm", name)
    let layer = try RecurrentLayer(
      self, label, gates: 4, x, hidden, inputWeights: inputWeights, recurrentWeights: recurrentWeights, bias: bias,
      size: size)
    guard try node(cell, label).count == size else {
      throw NetworkError("\(label): cell has shape \(cell.shape), \(size) numbers are needed")
    }
    let fromInput = try gates(label + " input", x, layer.input(0..<4, bias: layer.bias.map { $0.sum }))
    let sum = try gates(label + " recurrent", hidden, layer.recurrent(0..<4, bias: nil), addedTo: fromInput, gate: 0)
    let next = try recurrent(.lstmCell, size, [sum, cell], cell.shape)
    return (try recurrent(.lstmHidden, size, [sum, next], hidden.shape), next)
  }

  /// The gates of one operand, each padded to whole vectors; added to those of another from one gate on.
  private mutating func gates(
    _ label: String, _ x: Value, _ layer: DenseLayer, addedTo sum: Value? = nil, gate: Int = 0
  ) throws(NetworkError) -> Value {
    var layer = layer
    var operands = [x.index]
    if let sum, let size = layer.gateSize {
      operands.append(sum.index)
      layer.accumulatorOffset = gate * Packing.padded(size)
    }
    return try add(.dense(layer), operands, [layer.packedOutputs], label)
  }

  private mutating func recurrent(
    _ kind: Step.Kind, _ size: Int, _ operands: [Value], _ shape: [Int]
  ) throws(NetworkError) -> Value {
    try add(.recurrent(kind, size: size), operands.map(\.index), shape, "\(kind)")
  }
}

/// The checked weights of a recurrent layer, cut by gate.
private struct RecurrentLayer {
  var inputWeights: [Float]
  var recurrentWeights: [Float]
  var bias: (input: [Float], recurrent: [Float], sum: [Float])?
  var inputs: Int
  var size: Int

  init(
    _ builder: ProgramBuilder, _ label: String, gates: Int, _ x: Value, _ hidden: Value, inputWeights: [Float],
    recurrentWeights: [Float], bias: [Float]?, size: Int
  ) throws(NetworkError) {
    let count = try builder.node(x, label).count
    inputs = x.shape.last ?? 1
    guard count == inputs else {
      throw NetworkError("\(label): x has shape \(x.shape); only its last dimension may be above 1")
    }
    guard size >= 1, size <= Limits.elements / (16 * gates) else {
      throw NetworkError("\(label): \(size) units are out of range")
    }
    guard try builder.node(hidden, label).count == size else {
      throw NetworkError("\(label): hidden has shape \(hidden.shape), \(size) numbers are needed")
    }
    for (name, weights, columns) in [("input", inputWeights, inputs), ("recurrent", recurrentWeights, size)] {
      let expected = try Shape.count([gates * size, columns], "\(label) \(name) weights")
      guard weights.count == expected else {
        throw NetworkError(
          "\(label): \(weights.count) \(name) weights do not fill [\(gates * size), \(columns)], which takes \(expected)"
        )
      }
    }
    self.inputWeights = inputWeights
    self.recurrentWeights = recurrentWeights
    self.size = size
    guard let bias else { return }
    guard bias.count == 2 * gates * size else {
      throw NetworkError("\(label): \(bias.count) bias numbers, \(2 * gates * size) are needed")
    }
    let input = Array(bias[..<(gates * size)])
    let recurrent = Array(bias[(gates * size)...])
    self.bias = (input, recurrent, zip(input, recurrent).map { $0 + $1 })
  }

  func input(_ gates: Range<Int>, bias: [Float]?) -> DenseLayer { layer(inputWeights, inputs, gates, bias) }

  func recurrent(_ gates: Range<Int>, bias: [Float]?) -> DenseLayer { layer(recurrentWeights, size, gates, bias) }

  private func layer(_ weights: [Float], _ columns: Int, _ gates: Range<Int>, _ bias: [Float]?) -> DenseLayer {
    let rows = (gates.lowerBound * size)..<(gates.upperBound * size)
    return DenseLayer(
      weights: Array(weights[(rows.lowerBound * columns)..<(rows.upperBound * columns)]),
      bias: bias.map { Array($0[rows]) },
      inputs: columns, outputs: rows.count, gateSize: size)
  }
}
