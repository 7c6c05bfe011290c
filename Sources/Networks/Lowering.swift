import CKernels

/// Turns a graph into steps: live values get memory, each operation one or more steps.
struct Lowering {
  var graph: Graph
  var steps: [Step] = []
  var axes: [Axis] = []
  var indices: [Int] = []
  /// Where each node's value starts.
  var offsets: [Int] = []
  /// Floats handed out so far.
  var memoryCount = 0
  /// Parameters to be written into the memory.
  var parameters: [(offset: Int, values: [Float])] = []
  var summary = ProgramSummary()

  /// Compiles a checked graph.
  static func program(
    _ graph: Graph, outputs: [(name: String, index: Int)], feedback: [(from: Int, to: Int)]
  ) throws(NetworkError) -> Program {
    var graph = graph
    var outputs = outputs
    var feedback = feedback
    // What aliases an input must be copied: feedback and the next observation overwrite the input.
    for position in outputs.indices { outputs[position].index = graph.detached(outputs[position].index) }
    for position in feedback.indices { feedback[position].from = graph.detached(feedback[position].from) }
    let roots = outputs.map(\.index) + feedback.map(\.from)
    let live = graph.live(from: roots)
    try graph.checkParameters(live)

    var lowering = Lowering(graph: graph)
    try lowering.lower(live)
    var edges: [Executor.Feedback] = []
    for edge in feedback {
      let count = graph.nodes[edge.to].count
      edges.append(
        Executor.Feedback(
          from: lowering.offsets[edge.from], to: lowering.offsets[edge.to], initial: try lowering.reserve(count),
          count: count))
    }
    lowering.summary.arenaBytes = lowering.memoryCount * 4
    let executor = Executor(
      memoryCount: lowering.memoryCount, steps: lowering.steps, axes: lowering.axes, indices: lowering.indices,
      feedback: edges)
    for (offset, values) in lowering.parameters {
      for (index, value) in values.enumerated() { executor.memory[offset + index] = value }
    }
    var inputs: [(port: Port, offset: Int)] = []
    for (index, node) in graph.nodes.enumerated() {
      guard case .input(let name) = node.operation else { continue }
      let isFeedback = feedback.contains { $0.to == index }
      inputs.append(
        (Port(name: name, shape: node.shape, count: node.count, isFeedback: isFeedback), lowering.offsets[index]))
    }
    let results = outputs.map { output in
      let node = graph.nodes[output.index]
      return (
        port: Port(name: output.name, shape: node.shape, count: node.count, isFeedback: false),
        offset: lowering.offsets[output.index]
      )
    }
    return Program(executor: executor, inputs: inputs, outputs: results, summary: lowering.summary)
  }

  /// Memory for `count` floats, a whole number of 64-byte lines.
  mutating func reserve(_ count: Int) throws(NetworkError) -> Int {
    let offset = memoryCount
    let (sum, overflow) = memoryCount.addingReportingOverflow((count + 15) & ~15)
    guard !overflow, sum <= Limits.memory else {
      throw NetworkError("build: the network takes more than \(Limits.memory / (1 << 18)) MiB of memory")
    }
    memoryCount = sum
    return offset
  }

  mutating func parameter(_ values: [Float]) throws(NetworkError) -> Int {
    let offset = try reserve(values.count)
    parameters.append((offset, values))
    return offset
  }

  private mutating func lower(_ live: [Bool]) throws(NetworkError) {
    offsets = [Int](repeating: 0, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      if case .input = node.operation {
        offsets[index] = try reserve(node.count)
      } else if live[index] {
        try lower(index, node)
      }
    }
    summary.interpreterSteps = steps.count
  }

  private mutating func lower(_ index: Int, _ node: Node) throws(NetworkError) {
    let operands = node.operands.map { offsets[$0] }
    switch node.operation {
    case .input: break
    case .alias: offsets[index] = operands[0]
    case .constant(let values):
      offsets[index] = try parameter(values)
      summary.parameterCount += values.count
    case .dense(let layer): offsets[index] = try dense(layer, operands)
    case .function(let function):
      offsets[index] = try reserve(node.count)
      steps.append(
        Step(
          kind: .function, code: function.code, y: offsets[index], a: operands[0], p: function.p, q: function.q,
          count: node.count))
    case .binary(let operation):
      offsets[index] = try reserve(node.count)
      let loop = strided(
        node.shape, y: Shape.strides(node.shape), a: broadcast(node, 0), b: broadcast(node, 1))
      steps.append(
        Step(
          kind: .binary, code: operation.rawValue, y: offsets[index], a: operands[0], b: operands[1],
          firstAxis: loop.first, rank: loop.rank))
    case .select:
      offsets[index] = try reserve(node.count)
      let loop = strided(
        node.shape, y: Shape.strides(node.shape), a: broadcast(node, 1), b: broadcast(node, 2), c: broadcast(node, 0))
      steps.append(
        Step(
          kind: .select, y: offsets[index], a: operands[1], b: operands[2], c: operands[0], firstAxis: loop.first,
          rank: loop.rank))
    case .matmul: offsets[index] = try matmul(node, operands)
    case .strided(let offset, let strides):
      offsets[index] = try reserve(node.count)
      let loop = strided(node.shape, y: Shape.strides(node.shape), a: strides)
      steps.append(
        Step(kind: .copy, y: offsets[index], a: operands[0] + offset, firstAxis: loop.first, rank: loop.rank))
    case .gather(let rows, let axis):
      offsets[index] = try reserve(node.count)
      let source = graph.nodes[node.operands[0]].shape
      steps.append(
        Step(
          kind: .gather, y: offsets[index], a: operands[0], b: indices.count,
          count: source[..<axis].reduce(1, *), inner: source[(axis + 1)...].reduce(1, *), columns: source[axis],
          rank: rows.count))
      indices += rows
    case .concatenate(let axis): offsets[index] = try concatenate(node, operands, axis)
    case .reduce(let reduction, let reduced): offsets[index] = try reduce(node, operands[0], reduction, reduced)
    case .softmax(let axis):
      offsets[index] = try reserve(node.count)
      steps.append(
        Step(
          kind: .softmax, y: offsets[index], a: operands[0], count: node.shape[..<axis].reduce(1, *),
          inner: node.shape[(axis + 1)...].reduce(1, *), columns: node.shape[axis]))
    case .layerNormalization(let axis, let epsilon, let hasScale, let hasBias):
      offsets[index] = try reserve(node.count)
      steps.append(
        Step(
          kind: .layerNormalization, y: offsets[index], a: operands[0], b: hasScale ? operands[1] : Step.absent,
          c: hasBias ? operands[hasScale ? 2 : 1] : Step.absent, p: epsilon,
          count: node.shape[..<axis].reduce(1, *), inner: node.shape[axis...].reduce(1, *)))
    }
  }

  private func broadcast(_ node: Node, _ operand: Int) -> [Int] {
    Shape.broadcastStrides(graph.nodes[node.operands[operand]].shape, to: node.shape)
  }

  private mutating func dense(_ layer: DenseLayer, _ operands: [Int]) throws(NetworkError) -> Int {
    var transposed = [Float](repeating: 0, count: layer.weights.count)
    for output in 0..<layer.outputs {
      for input in 0..<layer.inputs {
        transposed[input * layer.outputs + output] = layer.weights[output * layer.inputs + input]
      }
    }
    let y = try reserve(layer.outputs)
    let weights = try parameter(transposed)
    steps.append(
      Step(
        kind: .matmul, y: y, a: operands[0], b: weights, count: 1, inner: layer.inputs, columns: layer.outputs,
        firstAxis: axes.count))
    axes.append(Axis(size: 1, y: 0, a: 0, b: 0, c: 0))
    if let bias = layer.bias {
      let offset = try parameter(bias)
      let loop = strided([layer.outputs], y: [1], a: [1], b: [1])
      steps.append(
        Step(
          kind: .binary, code: BinaryOperation.add.rawValue, y: y, a: y, b: offset, firstAxis: loop.first,
          rank: loop.rank))
    }
    if layer.function != .identity {
      steps.append(
        Step(
          kind: .function, code: layer.function.code, y: y, a: y, p: layer.function.p, q: layer.function.q,
          count: layer.outputs))
    }
    summary.parameterCount += layer.weights.count + (layer.bias?.count ?? 0)
    summary.multiplyAccumulates += layer.weights.count
    summary.layers.append("dense \(layer.inputs) to \(layer.outputs)")
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
    summary.multiplyAccumulates += node.count * inner
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

extension Graph {
  /// The value itself, or a copy of it when its memory is an input's.
  mutating func detached(_ index: Int) -> Int {
    var root = index
    while case .alias = nodes[root].operation { root = nodes[root].operands[0] }
    guard case .input = nodes[root].operation else { return index }
    nodes.append(
      Node(operation: .function(.identity), operands: [index], shape: nodes[index].shape, label: "copy"))
    return nodes.count - 1
  }

  /// Which nodes the roots need.
  func live(from roots: [Int]) -> [Bool] {
    var live = [Bool](repeating: false, count: nodes.count)
    for root in roots { live[root] = true }
    for index in nodes.indices.reversed() where live[index] {
      for operand in nodes[index].operands { live[operand] = true }
    }
    return live
  }

  /// Refuses numbers that are none, and more parameters than the limit.
  func checkParameters(_ live: [Bool]) throws(NetworkError) {
    var total = 0
    for (index, node) in nodes.enumerated() where live[index] {
      switch node.operation {
      case .constant(let values):
        total += values.count
        if let bad = values.firstIndex(where: \.isNaN) {
          throw NetworkError("\(node.label) of shape \(node.shape): number \(bad) is NaN; export the network again")
        }
      case .dense(let layer):
        total += layer.weights.count + (layer.bias?.count ?? 0)
        if let bad = layer.weights.firstIndex(where: { !$0.isFinite }) {
          throw NetworkError(
            "\(node.label): weight [\(bad / layer.inputs), \(bad % layer.inputs)] is \(layer.weights[bad]); "
              + "export the network again")
        }
        if let bad = layer.bias?.firstIndex(where: { !$0.isFinite }) {
          throw NetworkError("\(node.label): bias [\(bad)] is not finite; export the network again")
        }
      default: break
      }
      guard total <= Limits.parameters else {
        throw NetworkError("build: the network has more than \(Limits.parameters) parameters")
      }
    }
  }
}
