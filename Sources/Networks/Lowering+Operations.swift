extension Lowering {
  /// The steps of one node; returns where its value starts.
  mutating func lower(_ node: Node, _ operands: [Int]) throws(NetworkError) -> Int {
    switch node.operation {
    case .alias: return operands[0]
    case .constant(let values):
      summary.parameterCount += values.count
      return try parameter(values)
    case .dense(let layer): return try dense(layer, operands, node.label)
    case .recurrent(let kind, let size): return try recurrent(kind, size, operands)
    case .concatenate(let axis): return try concatenate(node, operands, axis)
    case .reduce(let reduction, let reduced): return try reduce(node, operands[0], reduction, reduced)
    case .matmul: return try matmul(node, operands)
    default: break
    }
    let y = try reserve(node.count)
    switch node.operation {
    case .function(let function):
      steps.append(
        Step(
          kind: function.isVectorised ? .vector : .function, code: function.code, y: y, a: operands[0], p: function.p,
          q: function.q, count: node.count))
    case .binary(let operation):
      let loop = strided(node.shape, y: Shape.strides(node.shape), a: broadcast(node, 0), b: broadcast(node, 1))
      steps.append(
        Step(
          kind: .binary, code: operation.rawValue, y: y, a: operands[0], b: operands[1], firstAxis: loop.first,
          rank: loop.rank))
    case .select:
      let loop = strided(
        node.shape, y: Shape.strides(node.shape), a: broadcast(node, 1), b: broadcast(node, 2), c: broadcast(node, 0))
      steps.append(
        Step(
          kind: .select, y: y, a: operands[1], b: operands[2], c: operands[0], firstAxis: loop.first, rank: loop.rank))
    case .strided(let offset, let strides):
      let loop = strided(node.shape, y: Shape.strides(node.shape), a: strides)
      steps.append(Step(kind: .copy, y: y, a: operands[0] + offset, firstAxis: loop.first, rank: loop.rank))
    case .gather(let rows, let axis):
      let source = graph.nodes[node.operands[0]].shape
      steps.append(
        Step(
          kind: .gather, y: y, a: operands[0], b: indices.count, count: source[..<axis].reduce(1, *),
          inner: source[(axis + 1)...].reduce(1, *), columns: source[axis], rank: rows.count))
      indices += rows
    case .softmax(let axis):
      steps.append(
        Step(
          kind: .softmax, y: y, a: operands[0], count: node.shape[..<axis].reduce(1, *),
          inner: node.shape[(axis + 1)...].reduce(1, *), columns: node.shape[axis]))
    case .layerNormalization(let axis, let epsilon, let hasScale, let hasBias):
      steps.append(
        Step(
          kind: .layerNormalization, y: y, a: operands[0], b: hasScale ? operands[1] : Step.absent,
          c: hasBias ? operands[hasScale ? 2 : 1] : Step.absent, p: epsilon,
          count: node.shape[..<axis].reduce(1, *), inner: node.shape[axis...].reduce(1, *)))
    case .input, .constant, .dense, .matmul, .alias, .concatenate, .reduce, .recurrent: break
    }
    return y
  }

  private func broadcast(_ node: Node, _ operand: Int) -> [Int] {
    Shape.broadcastStrides(graph.nodes[node.operands[operand]].shape, to: node.shape)
  }

  private mutating func dense(
    _ layer: DenseLayer, _ operands: [Int], _ label: String
  ) throws(NetworkError) -> Int {
    let y = try reserve(layer.packedOutputs)
    // Reserved before packing, so that a hostile size fails before it allocates.
    let weights = try reserve(layer.packedOutputs * layer.inputs)
    fill(weights, Packing.weights(layer))
    let start = operands.count > 1 ? operands[1] + layer.accumulatorOffset : try parameter(Packing.bias(layer))
    let fused = layer.function.isVectorised ? layer.function : .identity
    steps.append(
      Step(
        kind: .dense, code: fused.code, y: y, a: operands[0], b: weights, c: start, p: fused.p, q: fused.q,
        count: layer.packedOutputs, inner: layer.inputs))
    if !layer.function.isVectorised {
      steps.append(
        Step(
          kind: .function, code: layer.function.code, y: y, a: y, p: layer.function.p, q: layer.function.q,
          count: layer.outputs))
    }
    summary.parameterCount += layer.parameterCount
    try multiplyAccumulate(layer.weights.count)
    summary.layers.append("\(label): \(layer.inputs) to \(layer.outputs)")
    return y
  }

  private mutating func recurrent(
    _ kind: Step.Kind, _ size: Int, _ operands: [Int]
  ) throws(NetworkError) -> Int {
    let y = try reserve(size)
    steps.append(
      Step(
        kind: kind, y: y, a: operands[0], b: operands[1],
        c: operands.count > 2 ? operands[2] : Step.absent, count: Packing.padded(size)))
    return y
  }

  private mutating func matmul(_ node: Node, _ operands: [Int]) throws(NetworkError) -> Int {
    let left = graph.nodes[node.operands[0]].shape
    let right = graph.nodes[node.operands[1]].shape
    let batch = Array(node.shape.dropLast(2))
    let rows = left[left.count - 2]
    let inner = left[left.count - 1]
    let columns = right[right.count - 1]
    func strides(_ shape: [Int]) -> [Int] {
      let matrix = shape[shape.count - 2] * shape[shape.count - 1]
      return Shape.broadcastStrides(Array(shape.dropLast(2)), to: batch).map { $0 * matrix }
    }
    let y = try reserve(node.count)
    let loop = strided(
      batch, y: Shape.strides(batch).map { $0 * rows * columns }, a: strides(left), b: strides(right))
    steps.append(
      Step(
        kind: .matmul, y: y, a: operands[0], b: operands[1], count: rows, inner: inner, columns: columns,
        firstAxis: loop.first, rank: loop.rank))
    try multiplyAccumulate(node.count * inner)
    return y
  }

  private mutating func concatenate(_ node: Node, _ operands: [Int], _ axis: Int) throws(NetworkError) -> Int {
    let y = try reserve(node.count)
    let strides = Shape.strides(node.shape)
    var position = 0
    for (operand, offset) in zip(node.operands, operands) {
      let shape = graph.nodes[operand].shape
      let loop = strided(shape, y: strides, a: Shape.strides(shape))
      steps.append(
        Step(kind: .copy, y: y + position * strides[axis], a: offset, firstAxis: loop.first, rank: loop.rank))
      position += shape[axis]
    }
    return y
  }

  private mutating func reduce(
    _ node: Node, _ operand: Int, _ reduction: Reduction, _ reduced: [Int]
  ) throws(NetworkError) -> Int {
    let y = try reserve(node.count)
    let source = graph.nodes[node.operands[0]].shape
    let strides = Shape.strides(source)
    let kept = source.indices.filter { !reduced.contains($0) }
    let keptShape = kept.map { source[$0] }
    let outer = strided(keptShape, y: Shape.strides(keptShape), a: kept.map { strides[$0] })
    let inner = strided(
      reduced.map { source[$0] }, y: reduced.map { _ in 0 }, a: reduced.map { strides[$0] })
    steps.append(
      Step(
        kind: .reduce, code: reduction.rawValue, y: y, a: operand, count: reduced.map { source[$0] }.reduce(1, *),
        firstAxis: outer.first, rank: outer.rank, innerRank: inner.rank))
    return y
  }

  /// Both factors of a product are element counts within their limit, so it does not overflow.
  private mutating func multiplyAccumulate(_ count: Int) throws(NetworkError) {
    summary.multiplyAccumulates += count
    guard summary.multiplyAccumulates <= Limits.multiplyAccumulates else {
      throw NetworkError("build: the network takes more than \(Limits.multiplyAccumulates) multiply-accumulates a run")
    }
  }

  /// Appends the axes of a loop over `shape`: dimensions of 1 dropped, neighbours that are contiguous in every operand
  /// merged. There is always at least one axis.
  private mutating func strided(
    _ shape: [Int], y: [Int], a: [Int], b: [Int]? = nil, c: [Int]? = nil
  ) -> (first: Int, rank: Int) {
    let first = axes.count
    for axis in shape.indices where shape[axis] > 1 {
      let next = Axis(size: shape[axis], y: y[axis], a: a[axis], b: b?[axis] ?? 0, c: c?[axis] ?? 0)
      if axes.count > first, let last = axes.last, last.y == next.y * next.size, last.a == next.a * next.size,
        last.b == next.b * next.size, last.c == next.c * next.size
      {
        axes[axes.count - 1] = next
        axes[axes.count - 1].size *= last.size
      } else {
        axes.append(next)
      }
    }
    if axes.count == first { axes.append(Axis(size: 1, y: 0, a: 0, b: 0, c: 0)) }
    return (first, axes.count - first)
  }
}
