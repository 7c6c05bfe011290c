extension ProgramBuilder {
  /// An element-wise function.
  public mutating func unary(_ operation: UnaryOperation, _ x: Value) throws(NetworkError) -> Value {
    _ = try node(x, "\(operation)")
    return try add(.function(operation.function), [x.index], x.shape, "\(operation)")
  }

  /// An activation as a step of its own; it is fused into a dense layer before it where it can be.
  public mutating func activation(_ activation: Activation, _ x: Value) throws(NetworkError) -> Value {
    _ = try node(x, "\(activation)")
    try check(activation, "\(activation)")
    return try add(.function(activation.function), [x.index], x.shape, "\(activation)")
  }

  /// min(high, max(low, x)); NaN stays NaN. Infinite limits leave that side open.
  public mutating func clip(_ x: Value, low: Float, high: Float) throws(NetworkError) -> Value {
    try activation(.clip(low: low, high: high), x)
  }

  /// An element-wise operation with NumPy broadcasting.
  public mutating func binary(_ operation: BinaryOperation, _ a: Value, _ b: Value) throws(NetworkError) -> Value {
    _ = try node(a, "\(operation)")
    _ = try node(b, "\(operation)")
    let shape = try Shape.broadcast(a.shape, b.shape, "\(operation)")
    return try add(.binary(operation), [a.index, b.index], shape, "\(operation)")
  }

  /// a where the condition is not 0, else b; the three broadcast together (ONNX Where).
  public mutating func select(_ condition: Value, _ a: Value, _ b: Value) throws(NetworkError) -> Value {
    for value in [condition, a, b] { _ = try node(value, "select") }
    let shape = try Shape.broadcast(
      condition.shape, Shape.broadcast(a.shape, b.shape, "select"), "select")
    return try add(.select, [condition.index, a.index, b.index], shape, "select")
  }

  /// The matrix product by NumPy's rules: vectors are promoted, leading dimensions broadcast.
  public mutating func matmul(_ a: Value, _ b: Value) throws(NetworkError) -> Value {
    _ = try node(a, "matmul")
    _ = try node(b, "matmul")
    guard let last = a.shape.last, !b.shape.isEmpty else {
      throw NetworkError("matmul: shapes \(a.shape) and \(b.shape): a scalar is no matrix; multiply instead")
    }
    let left = a.shape.count == 1 ? [1] + a.shape : a.shape
    let right = b.shape.count == 1 ? b.shape + [1] : b.shape
    guard right[right.count - 2] == last else {
      throw NetworkError("matmul: shapes \(a.shape) and \(b.shape): inner dimensions differ")
    }
    let batch = try Shape.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)), "matmul")
    var shape = batch
    if a.shape.count > 1 { shape.append(left[left.count - 2]) }
    if b.shape.count > 1 { shape.append(right[right.count - 1]) }
    let wide = batch + [left[left.count - 2], right[right.count - 1]]
    let product = try add(
      .matmul, [reshape(a, to: left).index, reshape(b, to: right).index], wide, "matmul \(a.shape) by \(b.shape)")
    return try reshape(product, to: shape)
  }

  /// Softmax along one axis; a negative axis counts from the end.
  public mutating func softmax(_ x: Value, axis: Int) throws(NetworkError) -> Value {
    _ = try node(x, "softmax")
    let axis = try Shape.axis(axis, rank: x.shape.count, "softmax of shape \(x.shape)")
    return try add(.softmax(axis: axis), [x.index], x.shape, "softmax")
  }

  /// Combines all elements along the given axes (all axes when empty), which stay as 1 or go.
  public mutating func reduce(
    _ reduction: Reduction, _ x: Value, axes: [Int], keepDimensions: Bool
  ) throws(NetworkError) -> Value {
    let label = "reduce \(reduction) of shape \(x.shape)"
    _ = try node(x, label)
    var reduced = Set<Int>()
    for axis in axes { reduced.insert(try Shape.axis(axis, rank: x.shape.count, label)) }
    if axes.isEmpty { reduced = Set(x.shape.indices) }
    let kept = x.shape.indices.map { reduced.contains($0) ? 1 : x.shape[$0] }
    let value = try add(.reduce(reduction, axes: reduced.sorted()), [x.index], kept, label)
    if keepDimensions { return value }
    return try reshape(value, to: x.shape.indices.filter { !reduced.contains($0) }.map { x.shape[$0] })
  }

  /// (x − mean)/√(variance + epsilon)·scale + bias over the dimensions from `axis` on.
  ///
  /// `scale` and `bias` have as many elements as those dimensions.
  public mutating func layerNormalization(
    _ x: Value, axis: Int = -1, scale: Value? = nil, bias: Value? = nil, epsilon: Float = 1e-5
  ) throws(NetworkError) -> Value {
    let label = "layerNormalization of shape \(x.shape)"
    _ = try node(x, label)
    let axis = try Shape.axis(axis, rank: x.shape.count, label)
    guard epsilon >= 0, epsilon.isFinite else { throw NetworkError("\(label): epsilon \(epsilon) is below 0") }
    let normalised = x.shape[axis...].reduce(1, *)
    var operands = [x.index]
    for (name, value) in [("scale", scale), ("bias", bias)] {
      guard let value else { continue }
      guard try node(value, label).count == normalised else {
        throw NetworkError("\(label): \(name) has shape \(value.shape), \(normalised) numbers are needed")
      }
      operands.append(value.index)
    }
    let operation = Operation.layerNormalization(
      axis: axis, epsilon: epsilon, hasScale: scale != nil, hasBias: bias != nil)
    return try add(operation, operands, x.shape, label)
  }
}
