import Networks

/// Evaluates nodes whose inputs are all known, so that shapes and constants are settled when the policy is loaded.
struct OnnxFolding {
  let file: String
  let opset: Int64
  /// Elements that may still be made. Known tensors raise it, so that a small file cannot ask for a large memory.
  private var budget = 1 << 20

  init(file: String, opset: Int64) {
    self.file = file
    self.opset = opset
  }

  /// Counts a tensor of the file: a weight may be sliced, turned and joined a few times.
  mutating func know(_ tensor: HostTensor) { budget += 8 * tensor.count }

  /// The node's outputs, in order. Every input must be known; nil stands for an omitted one.
  mutating func evaluate(_ node: OnnxNode, _ inputs: [HostTensor?]) throws(PolicyError) -> [HostTensor] {
    let results = try compute(node, inputs)
    guard results.count >= node.outputs.count else {
      throw node.error(.unsupported, "its output \(node.outputs[results.count].quoted) is not supported", file: file)
    }
    return results
  }

  private mutating func spend(_ count: Int, _ node: OnnxNode) throws(PolicyError) {
    budget -= count
    guard budget >= 0 else {
      throw node.error(
        .unsupported, "the graph's constants grow far beyond the size of its weights", file: file)
    }
  }

  private mutating func compute(_ node: OnnxNode, _ inputs: [HostTensor?]) throws(PolicyError) -> [HostTensor] {
    func input(_ index: Int) throws(PolicyError) -> HostTensor {
      guard index < inputs.count, let tensor = inputs[index] else {
        throw node.error(.malformed, "its input \(index) is missing", file: file)
      }
      return tensor
    }
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      throw node.unsupportedOperator(file: file, opset: opset)
    }
    switch node.operation {
    case "Constant": return [try Self.constant(node, file: file)]
    case let operation where Movement.operators.contains(operation):
      let data = try input(0)
      let moves = try Movement.parse(node, shape: data.shape, opset: opset, file: file) { index throws(PolicyError) in
        index < inputs.count ? inputs[index] : nil
      }
      var results: [HostTensor] = []
      for list in moves {
        var tensor = data
        for move in list {
          guard let count = Shape.count(move.shape(after: tensor.shape)) else {
            throw node.error(.shape, "its result is too large", file: file)
          }
          try spend(count, node)
          tensor = move.apply(tensor)
        }
        results.append(tensor)
      }
      return results
    case "Concat": return [try concat(node, inputs)]
    case "Shape": return [try Self.shape(of: input(0).shape, node, opset: opset, file: file)]
    case "Size": return [HostTensor(integers: [Int64(try input(0).count)], shape: [])]
    case "ConstantOfShape": return [try constantOfShape(node, input(0))]
    case "Range":
      let (start, limit, delta) = (try input(0), try input(1), try input(2))
      if start.kind == .integer { return [try range(node, start, limit, delta)] }
      throw node.error(.unsupported, "only integer ranges are supported", file: file)
    case "Cast":
      let data = try input(0)
      let kind = try Self.castTarget(node, file: file)
      try spend(data.count, node)
      guard let result = data.converted(to: kind) else {
        throw node.error(.notFinite, "a number does not fit in 64 bits", file: file)
      }
      return [result]
    default:
      if inputs.contains(where: { $0?.kind == .integer }), let result = try integers(node, inputs) { return [result] }
      return try run(node, inputs)
    }
  }

  private static func constant(_ node: OnnxNode, file: String) throws(PolicyError) -> HostTensor {
    for (name, attribute) in node.attributes {
      switch (name, attribute) {
      case ("value", .known(let tensor)): return tensor
      case ("value_float", .float(let number)): return HostTensor(floats: [number], shape: [])
      case ("value_floats", .floats(let list)): return HostTensor(floats: list, shape: [list.count])
      case ("value_int", .integer(let number)): return HostTensor(integers: [number], shape: [])
      case ("value_ints", .integers(let list)): return HostTensor(integers: list, shape: [list.count])
      default: continue
      }
    }
    throw node.error(.unsupported, "holds no tensor, number or list of numbers", file: file)
  }

  /// The shape as a tensor, with the optional range of opset 15.
  static func shape(of shape: [Int], _ node: OnnxNode, opset: Int64, file: String) throws(PolicyError) -> HostTensor {
    var start = opset >= 15 ? try node.integer("start", default: 0, file: file) : 0
    var end = opset >= 15 ? try node.integer("end", default: shape.count, file: file) : shape.count
    start = min(max(start < 0 ? start + shape.count : start, 0), shape.count)
    end = min(max(end < 0 ? end + shape.count : end, start), shape.count)
    return HostTensor(integers: shape[start..<end].map { Int64($0) }, shape: [end - start])
  }

  /// What a Cast makes of its input.
  static func castTarget(_ node: OnnxNode, file: String) throws(PolicyError) -> HostTensor.Kind {
    let type = Int64(try node.integer("to", default: 0, file: file))
    switch type {
    case OnnxElementType.float, OnnxElementType.double: return .float
    case OnnxElementType.int64, OnnxElementType.int32: return .integer
    case OnnxElementType.bool: return .boolean
    default: throw node.error(.unsupported, "a cast to \(OnnxElementType.name(type)) is not supported", file: file)
    }
  }

  private mutating func constantOfShape(_ node: OnnxNode, _ input: HostTensor) throws(PolicyError) -> HostTensor {
    let context = MovementContext(node: node, shape: [], opset: opset, file: file)
    let shape = try context.list(input)
    guard let count = Shape.count(shape) else {
      throw node.error(.shape, "asks for the shape \(shape.prefix(16))", file: file)
    }
    try spend(count, node)
    var fill = HostTensor(floats: [0], shape: [1])
    if let attribute = node.attributes["value"] {
      guard case .known(let value) = attribute, value.count == 1 else {
        throw node.error(.malformed, "its value is not one number", file: file)
      }
      fill = value
    }
    return fill.kind == .float
      ? HostTensor(floats: .init(repeating: fill.floats[0], count: count), shape: shape)
      : HostTensor(integers: .init(repeating: fill.integers[0], count: count), shape: shape, kind: fill.kind)
  }

  private mutating func concat(_ node: OnnxNode, _ inputs: [HostTensor?]) throws(PolicyError) -> HostTensor {
    let parts = inputs.compactMap { $0 }
    guard parts.count == inputs.count, let first = parts.first else {
      throw node.error(.malformed, "an input is missing", file: file)
    }
    let context = MovementContext(node: node, shape: first.shape, opset: opset, file: file)
    let axis = try context.axis(try node.integer("axis", default: 0, file: file))
    var shape = first.shape
    shape[axis] = 0
    for part in parts {
      var other = part.shape
      guard other.count == shape.count, part.kind == first.kind else {
        throw node.error(.shape, "the shapes \(parts.map(\.shape)) do not join", file: file)
      }
      shape[axis] += other[axis]
      other[axis] = shape[axis]
      guard other == shape, Shape.count(shape) != nil else {
        throw node.error(.shape, "the shapes \(parts.map(\.shape)) do not join along axis \(axis)", file: file)
      }
    }
    try spend(shape.reduce(1, *), node)
    let outer = shape[..<axis].reduce(1, *)
    var floats: [Float] = []
    var integers: [Int64] = []
    for block in 0..<outer {
      for part in parts {
        let width = part.shape[axis...].reduce(1, *)
        if first.kind == .float {
          floats += part.floats[(block * width)..<((block + 1) * width)]
        } else {
          integers += part.integers[(block * width)..<((block + 1) * width)]
        }
      }
    }
    return first.kind == .float
      ? HostTensor(floats: floats, shape: shape) : HostTensor(integers: integers, shape: shape, kind: first.kind)
  }

  private mutating func range(
    _ node: OnnxNode, _ start: HostTensor, _ limit: HostTensor, _ delta: HostTensor
  ) throws(PolicyError) -> HostTensor {
    guard limit.kind == .integer, delta.kind == .integer, let from = start.integers.first,
      let to = limit.integers.first, let step = delta.integers.first, step != 0, abs(from) < 1 << 32,
      abs(to) < 1 << 32, step > -(1 << 32), step < 1 << 32
    else { throw node.error(.malformed, "its start, limit or step is not usable", file: file) }
    let count = max(0, Int((to - from + step - (step > 0 ? 1 : -1)) / step))
    try spend(count, node)
    return HostTensor(integers: (0..<count).map { from + Int64($0) * step }, shape: [count])
  }

  /// Integer arithmetic on shapes; nil when the operator has no integer form here.
  private mutating func integers(_ node: OnnxNode, _ inputs: [HostTensor?]) throws(PolicyError) -> HostTensor? {
    let parts = inputs.compactMap { $0 }
    guard parts.count == inputs.count, parts.allSatisfy({ $0.kind != .float }) else { return nil }
    if parts.count == 1 {
      switch node.operation {
      case "Neg": return HostTensor(integers: parts[0].integers.map { 0 &- $0 }, shape: parts[0].shape)
      case "Abs": return HostTensor(integers: parts[0].integers.map { $0 < 0 ? 0 &- $0 : $0 }, shape: parts[0].shape)
      case "Min", "Max": return parts[0]
      default: return nil
      }
    }
    if node.operation == "Where", parts.count == 3 {
      let target = try broadcast(node, [parts[0], parts[1], parts[2]])
      let maps = parts.map { Shape.broadcastMap($0.shape, to: target) }
      let values = maps[0].indices.map { index in
        parts[0].integers[maps[0][index]] != 0 ? parts[1].integers[maps[1][index]] : parts[2].integers[maps[2][index]]
      }
      return HostTensor(integers: values, shape: target, kind: parts[1].kind)
    }
    guard parts.count >= 2, let combine = Self.integerOperation(node.operation) else { return nil }
    var result = parts[0]
    for part in parts.dropFirst() {
      if node.operation == "Div", part.integers.contains(0) {
        throw node.error(.malformed, "divides an integer by 0", file: file)
      }
      let target = try broadcast(node, [result, part])
      let left = Shape.broadcastMap(result.shape, to: target)
      let right = Shape.broadcastMap(part.shape, to: target)
      let values = left.indices.map { combine.function(result.integers[left[$0]], part.integers[right[$0]]) }
      result = HostTensor(integers: values, shape: target, kind: combine.isTest ? .boolean : .integer)
    }
    return result
  }

  private mutating func broadcast(_ node: OnnxNode, _ parts: [HostTensor]) throws(PolicyError) -> [Int] {
    var shape: [Int] = []
    for part in parts {
      guard let next = Shape.broadcast(shape, part.shape), Shape.count(next) != nil else {
        throw node.error(.shape, "the shapes \(parts.map(\.shape)) do not broadcast", file: file)
      }
      shape = next
    }
    try spend(shape.reduce(1, *), node)
    return shape
  }

  private static func integerOperation(
    _ name: String
  ) -> (function: (Int64, Int64) -> Int64, isTest: Bool)? {
    switch name {
    case "Add": ({ $0 &+ $1 }, false)
    case "Sub": ({ $0 &- $1 }, false)
    case "Mul": ({ $0 &* $1 }, false)
    case "Div": ({ $0.dividedReportingOverflow(by: $1).partialValue }, false)
    case "Min": ({ Swift.min($0, $1) }, false)
    case "Max": ({ Swift.max($0, $1) }, false)
    case "Equal": ({ $0 == $1 ? 1 : 0 }, true)
    case "Less": ({ $0 < $1 ? 1 : 0 }, true)
    case "LessOrEqual": ({ $0 <= $1 ? 1 : 0 }, true)
    case "Greater": ({ $0 > $1 ? 1 : 0 }, true)
    case "GreaterOrEqual": ({ $0 >= $1 ? 1 : 0 }, true)
    default: nil
    }
  }

  /// Float arithmetic: the node alone as a program, run once.
  private mutating func run(_ node: OnnxNode, _ inputs: [HostTensor?]) throws(PolicyError) -> [HostTensor] {
    var lowering = OnnxLowering(file: file, opset: opset)
    let operands = try lowering.lower(node, inputs.map { $0.map { .known($0) } })
    var names: [(name: String, value: Value)] = []
    var shapes: [(shape: [Int], kind: HostTensor.Kind)] = []
    for (index, operand) in operands.enumerated() {
      let value = try lowering.value(operand, node)
      try spend(value.count, node)
      names.append((String(index), value))
      shapes.append((value.shape, operand.kind))
    }
    var program = try lowering.build(outputs: names, feedback: [], place: node.place)
    program.run()
    var results: [HostTensor] = []
    for (index, target) in shapes.enumerated() {
      let tensor = HostTensor(floats: Array(program.output(index)), shape: target.shape)
      guard let result = tensor.converted(to: target.kind) else {
        throw node.error(.notFinite, "a number does not fit in 64 bits", file: file)
      }
      results.append(result)
    }
    return results
  }
}
