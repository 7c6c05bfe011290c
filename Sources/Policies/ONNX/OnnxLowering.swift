import Networks

/// A tensor while a program is built: known now, or computed by each run.
enum Operand {
  case known(HostTensor)
  /// A value of the program. Booleans are 0 and 1, integers are whole floats.
  case running(Value, HostTensor.Kind)

  var shape: [Int] {
    switch self {
    case .known(let tensor): tensor.shape
    case .running(let value, _): value.shape
    }
  }

  var kind: HostTensor.Kind {
    switch self {
    case .known(let tensor): tensor.kind
    case .running(_, let kind): kind
    }
  }
}

/// Translates ONNX nodes into calls of a `ProgramBuilder`, with the semantics of the model's opset.
struct OnnxLowering {
  let file: String
  let opset: Int64
  private var builder = ProgramBuilder()
  /// Sigmoids made so far and their argument, to see x·sigmoid(x) as SiLU.
  var sigmoids: [Value: Value] = [:]

  init(file: String, opset: Int64) {
    self.file = file
    self.opset = opset
  }

  // MARK: The builder, with errors that name the node

  /// One call of the builder.
  mutating func step<Result>(
    _ node: OnnxNode, _ body: (inout ProgramBuilder) throws -> Result
  ) throws(PolicyError) -> Result {
    // The body throws NetworkError only; its type is left open so that it can be a short closure.
    do {
      return try body(&builder)
    } catch {
      throw node.error(.shape, "\(error)", file: file)
    }
  }

  /// Declares an input of the program.
  mutating func input(_ name: String, shape: [Int]) throws(PolicyError) -> Value {
    do throws(NetworkError) {
      return try builder.input(name, shape: shape)
    } catch {
      throw PolicyError(.shape, file: file, place: "input \(name.quoted)", error.message)
    }
  }

  /// The finished program.
  consuming func build(
    outputs: [(name: String, value: Value)], feedback: [(from: Value, to: String)], place: String
  ) throws(PolicyError) -> Program {
    let file = file
    do throws(NetworkError) {
      return try builder.build(outputs: outputs, feedback: feedback)
    } catch {
      throw PolicyError(.shape, file: file, place: place, error.message)
    }
  }

  /// The operand as a value of the program.
  mutating func value(_ operand: Operand, _ node: OnnxNode) throws(PolicyError) -> Value {
    switch operand {
    case .running(let value, _): value
    case .known(let tensor): try step(node) { try $0.constant(tensor.asFloats, shape: tensor.shape) }
    }
  }

  // MARK: Arguments

  /// Input `index`, which must be there.
  func required(_ operands: [Operand?], _ index: Int, _ node: OnnxNode) throws(PolicyError) -> Operand {
    guard index < operands.count, let operand = operands[index] else {
      throw node.error(.malformed, "its input \(index) is missing", file: file)
    }
    return operand
  }

  /// Input `index` when it is there; it must be known at load.
  func known(_ operands: [Operand?], _ index: Int, _ node: OnnxNode) throws(PolicyError) -> HostTensor? {
    guard index < operands.count, let operand = operands[index] else { return nil }
    guard case .known(let tensor) = operand else {
      throw node.error(
        .unsupported,
        "its input \(index) (\(node.inputs[index].quoted)) must be constant, but it depends on the observation",
        file: file)
    }
    return tensor
  }

  // MARK: Nodes

  /// Largest value that a run may compute: a thousand times the widest policy seen.
  static let valueLimit = 1 << 19

  /// The node's outputs.
  mutating func lower(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand] {
    let results = try translate(node, operands)
    for case .running(let value, _) in results where value.count > Self.valueLimit {
      throw node.error(
        .unsupported, "its result \(value.shape) has more than \(Self.valueLimit) numbers", file: file)
    }
    return results
  }

  private mutating func translate(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand] {
    guard node.domain.isEmpty || node.domain == "ai.onnx" else {
      throw node.unsupportedOperator(file: file, opset: opset)
    }
    if let results = try arithmetic(node, operands) { return results }
    if Movement.operators.contains(node.operation) { return try movement(node, operands) }
    switch node.operation {
    case "Concat":
      var values: [Value] = []
      for index in operands.indices { values.append(try value(required(operands, index, node), node)) }
      let axis = try node.integer("axis", default: 0, file: file)
      let kind = try required(operands, 0, node).kind
      return [.running(try step(node) { try $0.concat(values, axis: axis) }, kind)]
    case "Gemm": return [try gemm(node, operands)]
    case "MatMul": return [try matmul(node, operands)]
    case "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin": return [try reduce(node, operands)]
    case "Softmax": return [try softmax(node, operands)]
    case "LayerNormalization": return [try layerNormalization(node, operands)]
    case "LSTM": return try lstm(node, operands)
    case "GRU": return try gru(node, operands)
    default: throw node.unsupportedOperator(file: file, opset: opset)
    }
  }

  private mutating func movement(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand] {
    let data = try required(operands, 0, node)
    let moves = try Movement.parse(node, shape: data.shape, opset: opset, file: file) { index throws(PolicyError) in
      try known(operands, index, node)
    }
    var results: [Operand] = []
    for list in moves {
      var current = try value(data, node)
      for move in list { current = try apply(move, to: current, node) }
      results.append(.running(current, data.kind))
    }
    return results
  }

  private mutating func apply(_ move: Movement, to x: Value, _ node: OnnxNode) throws(PolicyError) -> Value {
    switch move {
    case .same: return x
    case .reshape(let shape): return try step(node) { try $0.reshape(x, to: shape) }
    case .transpose(let order): return try step(node) { try $0.transpose(x, permutation: order) }
    case .expand(let shape): return try step(node) { try $0.expand(x, to: shape) }
    case .gather(let axis, let indices, let shape):
      guard let first = indices.first, let last = indices.last else {
        throw node.error(.shape, "its result is empty", file: file)
      }
      // A run of neighbours is a slice, which costs nothing per element to describe.
      if last - first == indices.count - 1, indices == Array(first...last) {
        if indices.count == x.shape[axis] { return try step(node) { try $0.reshape(x, to: shape) } }
        return try step(node) {
          try $0.reshape($0.slice(x, starts: [first], ends: [last + 1], axes: [axis]), to: shape)
        }
      }
      return try step(node) { try $0.reshape($0.gather(x, indices: indices, axis: axis), to: shape) }
    }
  }
}
