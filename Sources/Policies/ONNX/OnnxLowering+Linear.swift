import Networks

extension OnnxLowering {
  /// alpha·A'·B' + beta·C with optional transpositions.
  mutating func gemm(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    let alpha = try node.float("alpha", default: 1, file: file)
    let beta = try node.float("beta", default: 1, file: file)
    let transposesA = try node.integer("transA", default: 0, file: file) != 0
    let transposesB = try node.integer("transB", default: 0, file: file) != 0
    let a = try required(operands, 0, node)
    let b = try required(operands, 1, node)
    guard a.shape.count == 2, b.shape.count == 2 else {
      throw node.error(.shape, "multiplies the shapes \(a.shape) and \(b.shape); both need two dimensions", file: file)
    }
    let rows = transposesA ? a.shape[1] : a.shape[0]
    let inner = transposesA ? a.shape[0] : a.shape[1]
    let columns = transposesB ? b.shape[0] : b.shape[1]
    guard inner == (transposesB ? b.shape[1] : b.shape[0]) else {
      throw node.error(
        .shape,
        "multiplies the shapes \(a.shape) and \(b.shape) (transA \(transposesA), transB \(transposesB)), which do not fit",
        file: file)
    }
    let addend = operands.count > 2 ? operands[2] : nil
    if let addend, Shape.broadcast(addend.shape, [rows, columns]) != [rows, columns] {
      throw node.error(.shape, "adds the shape \(addend.shape) to [\(rows), \(columns)]", file: file)
    }
    var x = try value(a, node)
    if transposesA { x = try step(node) { [x] in try $0.transpose(x, permutation: [1, 0]) } }

    guard rows == 1, case .known(let weights) = b, weights.kind == .float else {
      var y = try value(b, node)
      if transposesB { y = try step(node) { [y] in try $0.transpose(y, permutation: [1, 0]) } }
      var product = try step(node) { [x, y] in try $0.matmul(x, y) }
      if alpha != 1 { product = try scaled(product, by: alpha, node) }
      guard let addend else { return .running(product, .float) }
      let c = try scaled(value(addend, node), by: beta, node)
      return .running(try step(node) { [product] in try $0.binary(.add, product, c) }, .float)
    }
    // One row: a dense layer. Its weights are [outputs][inputs], so an untransposed B turns around.
    var matrix = transposesB ? weights.floats : Self.transposed(weights.floats, rows: inner, columns: columns)
    if alpha != 1 { for index in matrix.indices { matrix[index] *= alpha } }
    if case .known(let tensor)? = addend {
      let map = Shape.broadcastMap(tensor.shape, to: [1, columns])
      let numbers = tensor.asFloats
      let bias = map.map { beta * numbers[$0] }
      return .running(try dense(node, x, matrix, bias, columns), .float)
    }
    let product = try dense(node, x, matrix, nil, columns)
    guard let addend else { return .running(product, .float) }
    let c = try scaled(value(addend, node), by: beta, node)
    return .running(try step(node) { try $0.binary(.add, product, c) }, .float)
  }

  /// NumPy's matrix product; a vector times a constant matrix is a dense layer.
  mutating func matmul(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    let a = try required(operands, 0, node)
    let b = try required(operands, 1, node)
    let x = try value(a, node)
    if case .known(let weights) = b, weights.kind == .float, weights.shape.count == 2, let inner = a.shape.last,
      inner == weights.shape[0], x.count == inner
    {
      let columns = weights.shape[1]
      let matrix = Self.transposed(weights.floats, rows: inner, columns: columns)
      return .running(try dense(node, x, matrix, nil, columns), .float)
    }
    let y = try value(b, node)
    return .running(try step(node) { try $0.matmul(x, y) }, .float)
  }

  private mutating func dense(
    _ node: OnnxNode, _ x: Value, _ weights: [Float], _ bias: [Float]?, _ outputs: Int
  ) throws(PolicyError) -> Value {
    // The weights' name says more than the node's: it is the one that the trainer gave.
    let name = node.inputs[1].singleLine(limit: 64)
    return try step(node) {
      try $0.dense(x, weights: weights, bias: bias, outputs: outputs, activation: .identity, name: name)
    }
  }

  private mutating func scaled(_ x: Value, by factor: Float, _ node: OnnxNode) throws(PolicyError) -> Value {
    guard factor != 1 else { return x }
    return try step(node) { try $0.binary(.multiply, x, $0.constant([factor], shape: [])) }
  }

  private static func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
    var result = [Float](repeating: 0, count: matrix.count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] }
    }
    return result
  }

  // MARK: Reductions

  /// Axes are an attribute, and an input since opset 13 (ReduceSum) or 18 (the others).
  mutating func reduce(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    let operand = try required(operands, 0, node)
    let context = MovementContext(node: node, shape: operand.shape, opset: opset, file: file)
    let version: Int64 = node.operation == "ReduceSum" ? 13 : 18
    let axes =
      try context.axes(inputFrom: version) { index throws(PolicyError) in try known(operands, index, node) } ?? []
    let keeps = try node.integer("keepdims", default: 1, file: file) != 0
    let isNoop = try node.integer("noop_with_empty_axes", default: 0, file: file) != 0
    let x = try value(operand, node)
    if axes.isEmpty, isNoop { return .running(x, operand.kind) }
    let reduction: Reduction =
      switch node.operation {
      case "ReduceMean": .mean
      case "ReduceMax": .max
      case "ReduceMin": .min
      default: .sum
      }
    return .running(
      try step(node) { try $0.reduce(reduction, x, axes: axes, keepDimensions: keeps) }, operand.kind)
  }

  /// Along one axis since opset 13; before, over all dimensions from the axis on.
  mutating func softmax(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    let operand = try required(operands, 0, node)
    let context = MovementContext(node: node, shape: operand.shape, opset: opset, file: file)
    let axis = try context.axis(
      try node.integer("axis", default: opset >= 13 ? -1 : 1, file: file), allowEnd: opset < 13)
    let x = try value(operand, node)
    if opset >= 13 { return .running(try step(node) { try $0.softmax(x, axis: axis) }, .float) }
    let shape = operand.shape
    let flat = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
    return .running(
      try step(node) { try $0.reshape($0.softmax($0.reshape(x, to: flat), axis: 1), to: shape) }, .float)
  }

  mutating func layerNormalization(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    guard opset >= 17 else { throw node.unsupportedOperator(file: file, opset: opset) }
    let axis = try node.integer("axis", default: -1, file: file)
    let epsilon = try node.float("epsilon", default: 1e-5, file: file)
    let x = try value(required(operands, 0, node), node)
    let scale = try value(required(operands, 1, node), node)
    var bias: Value?
    if operands.count > 2, let operand = operands[2] { bias = try value(operand, node) }
    return .running(
      try step(node) { [bias] in
        try $0.layerNormalization(x, axis: axis, scale: scale, bias: bias, epsilon: epsilon)
      }, .float)
  }
}
