extension ProgramBuilder {
  /// One step of a gated recurrent unit, ONNX equations and gate order (z, r, h), default activations.
  ///
  /// - Parameters:
  ///   - x: I numbers as last dimension, 1 for all others.
  ///   - hidden: the state before the step, `size` numbers; the result has its shape.
  ///   - inputWeights: W [3·size, I]. - recurrentWeights: R [3·size, size]. - bias: [6·size] = Wb ++ Rb.
  ///   - linearBeforeReset: whether the reset gate multiplies R·h + Rb (PyTorch) or h itself.
  public mutating func gru(
    _ x: Value, hidden: Value, inputWeights: [Float], recurrentWeights: [Float], bias: [Float]?, size: Int,
    linearBeforeReset: Bool
  ) throws(NetworkError) -> Value {
    let (w, r) = try gates(
      "gru", count: 3, x, hidden, inputWeights: inputWeights, recurrentWeights: recurrentWeights, bias: bias,
      size: size)
    let h = try reshape(hidden, to: [size])
    let gx = try dense(x, w)
    func part(_ b: inout ProgramBuilder, _ v: Value, _ i: Int) throws(NetworkError) -> Value {
      try b.slice(v, starts: [i * size], ends: [(i + 1) * size])
    }
    let gh = try dense(h, r)
    let z = try unary(.sigmoid, binary(.add, part(&self, gx, 0), part(&self, gh, 0)))
    let reset = try unary(.sigmoid, binary(.add, part(&self, gx, 1), part(&self, gh, 1)))
    let inner: Value
    if linearBeforeReset {
      inner = try binary(.multiply, reset, part(&self, gh, 2))
    } else {
      let product = try binary(.multiply, reset, h)
      inner = try part(&self, dense(product, r), 2)
    }
    let n = try unary(.tanh, binary(.add, part(&self, gx, 2), inner))
    let next = try binary(.add, n, binary(.multiply, z, binary(.subtract, h, n)))
    return try reshape(next, to: hidden.shape)
  }

  /// One step of a long short-term memory, ONNX equations and gate order (i, o, f, c), default activations, no peepholes.
  ///
  /// `inputWeights`: W [4·size, I]; `recurrentWeights`: R [4·size, size]; `bias`: [8·size] = Wb ++ Rb. The results have
  /// the shapes of `hidden` and `cell`.
  public mutating func lstm(
    _ x: Value, hidden: Value, cell: Value, inputWeights: [Float], recurrentWeights: [Float], bias: [Float]?, size: Int
  ) throws(NetworkError) -> (hidden: Value, cell: Value) {
    let (w, r) = try gates(
      "lstm", count: 4, x, hidden, inputWeights: inputWeights, recurrentWeights: recurrentWeights, bias: bias,
      size: size)
    guard try node(cell, "lstm").count == size else {
      throw NetworkError("lstm: cell has shape \(cell.shape), \(size) numbers are needed")
    }
    let c = try reshape(cell, to: [size])
    let gates = try binary(.add, dense(x, w), dense(reshape(hidden, to: [size]), r))
    func part(_ b: inout ProgramBuilder, _ i: Int) throws(NetworkError) -> Value {
      try b.slice(gates, starts: [i * size], ends: [(i + 1) * size])
    }
    let i = try unary(.sigmoid, part(&self, 0))
    let o = try unary(.sigmoid, part(&self, 1))
    let f = try unary(.sigmoid, part(&self, 2))
    let g = try unary(.tanh, part(&self, 3))
    let next = try binary(.add, binary(.multiply, f, c), binary(.multiply, i, g))
    let output = try binary(.multiply, o, unary(.tanh, next))
    return (try reshape(output, to: hidden.shape), try reshape(next, to: cell.shape))
  }

  private mutating func dense(_ x: Value, _ layer: DenseLayer) throws(NetworkError) -> Value {
    try dense(x, weights: layer.weights, bias: layer.bias, outputs: layer.outputs, activation: .identity)
  }

  /// Checks every size of a recurrent layer and splits its bias between the two dense layers.
  private func gates(
    _ label: String, count: Int, _ x: Value, _ hidden: Value, inputWeights: [Float], recurrentWeights: [Float],
    bias: [Float]?, size: Int
  ) throws(NetworkError) -> (input: DenseLayer, recurrent: DenseLayer) {
    let inputs = try node(x, label).shape.last ?? 1
    guard x.count == inputs else {
      throw NetworkError("\(label): x has shape \(x.shape); only its last dimension may be above 1")
    }
    guard size >= 1, size <= Limits.elements / count else { throw NetworkError("\(label): size \(size)") }
    guard try node(hidden, label).count == size else {
      throw NetworkError("\(label): hidden has shape \(hidden.shape), \(size) numbers are needed")
    }
    if let bias, bias.count != 2 * count * size {
      throw NetworkError("\(label): \(bias.count) bias numbers, \(2 * count * size) are needed")
    }
    let w = DenseLayer(
      weights: inputWeights, bias: bias.map { Array($0[..<(count * size)]) }, inputs: inputs, outputs: count * size)
    let r = DenseLayer(
      weights: recurrentWeights, bias: bias.map { Array($0[(count * size)...]) }, inputs: size, outputs: count * size)
    try check(w, "\(label) input weights")
    try check(r, "\(label) recurrent weights")
    return (w, r)
  }
}
