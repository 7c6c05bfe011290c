import Networks

extension OnnxLowering {
  /// Element-wise operators, or nil when the node is none.
  mutating func arithmetic(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> [Operand]? {
    if let operation = Self.unary[node.operation] {
      let operand = try required(operands, 0, node)
      let x = try value(operand, node)
      let y = try step(node) { try $0.unary(operation, x) }
      if operation == .sigmoid { sigmoids[y] = x }
      return [.running(y, operation == .not ? .boolean : operand.kind)]
    }
    if let (operation, isTest) = Self.binary[node.operation] {
      let a = try required(operands, 0, node)
      let b = try required(operands, 1, node)
      guard operation != .divide || a.kind == .float || b.kind == .float else {
        throw node.error(
          .unsupported, "integer division of values that change at run time is not supported", file: file)
      }
      let left = try value(a, node)
      let right = try value(b, node)
      if operation == .multiply {
        if sigmoids[right] == left { return [.running(try step(node) { try $0.unary(.silu, left) }, .float)] }
        if sigmoids[left] == right { return [.running(try step(node) { try $0.unary(.silu, right) }, .float)] }
      }
      return [.running(try step(node) { try $0.binary(operation, left, right) }, isTest ? .boolean : a.kind)]
    }
    switch node.operation {
    case "Min": return [try fold(node, operands, .minimum)]
    case "Max": return [try fold(node, operands, .maximum)]
    case "Sum": return [try fold(node, operands, .add)]
    case "Clip": return [try clip(node, operands)]
    case "Where":
      let condition = try value(required(operands, 0, node), node)
      let whenTrue = try required(operands, 1, node)
      let a = try value(whenTrue, node)
      let b = try value(required(operands, 2, node), node)
      return [.running(try step(node) { try $0.select(condition, a, b) }, whenTrue.kind)]
    case "Cast": return [try cast(node, required(operands, 0, node))]
    default:
      guard let activation = try activation(node) else { return nil }
      let x = try value(required(operands, 0, node), node)
      return [.running(try step(node) { try $0.activation(activation, x) }, .float)]
    }
  }

  private static let unary: [String: UnaryOperation] = [
    "Neg": .negate, "Abs": .abs, "Exp": .exp, "Log": .log, "Sqrt": .sqrt, "Tanh": .tanh, "Sigmoid": .sigmoid,
    "Relu": .relu, "Softplus": .softplus, "Softsign": .softsign, "Erf": .erf, "Floor": .floor, "Ceil": .ceil,
    "Reciprocal": .reciprocal, "Not": .not, "Sign": .sign, "Round": .round, "Sin": .sin, "Cos": .cos,
  ]

  private static let binary: [String: (UnaryOperation: BinaryOperation, isTest: Bool)] = [
    "Add": (.add, false), "Sub": (.subtract, false), "Mul": (.multiply, false), "Div": (.divide, false),
    "Pow": (.power, false), "Greater": (.greater, true), "Less": (.less, true), "Equal": (.equal, true),
    "GreaterOrEqual": (.greaterOrEqual, true), "LessOrEqual": (.lessOrEqual, true), "And": (.and, true),
    "Or": (.or, true),
  ]

  /// Activations with parameters; defaults as in the ONNX operator documents.
  private func activation(_ node: OnnxNode) throws(PolicyError) -> Activation? {
    func float(_ name: String, _ value: Float) throws(PolicyError) -> Float {
      try node.float(name, default: value, file: file)
    }
    switch node.operation {
    case "Elu": return .elu(alpha: try float("alpha", 1))
    case "LeakyRelu": return .leakyRelu(slope: try float("alpha", 0.01))
    case "Selu": return .selu(alpha: try float("alpha", 1.67326319), gamma: try float("gamma", 1.05070102))
    case "HardSigmoid": return .hardSigmoid(alpha: try float("alpha", 0.2), beta: try float("beta", 0.5))
    case "Gelu":
      let approximation = try node.string("approximate", default: "none", file: file)
      switch approximation {
      case "none": return .gelu
      case "tanh": return .geluTanh
      default: throw node.error(.unsupported, "the approximation \(approximation.quoted) is not known", file: file)
      }
    default: return nil
    }
  }

  private mutating func fold(
    _ node: OnnxNode, _ operands: [Operand?], _ operation: BinaryOperation
  ) throws(PolicyError) -> Operand {
    let first = try required(operands, 0, node)
    var result = try value(first, node)
    for index in operands.indices.dropFirst() {
      let next = try value(required(operands, index, node), node)
      result = try step(node) { [result] in try $0.binary(operation, result, next) }
    }
    return .running(result, first.kind)
  }

  /// Limits are inputs since opset 11; each may be omitted, and a running value is allowed.
  private mutating func clip(_ node: OnnxNode, _ operands: [Operand?]) throws(PolicyError) -> Operand {
    let operand = try required(operands, 0, node)
    var x = try value(operand, node)
    var limits: [Float?] = [nil, nil]
    for index in 1...2 {
      guard index < operands.count, let limit = operands[index] else { continue }
      if case .known(let tensor) = limit, tensor.count == 1 {
        limits[index - 1] = tensor.asFloats[0]
      } else {
        let bound = try value(limit, node)
        x = try step(node) { [x] in try $0.binary(index == 1 ? .maximum : .minimum, x, bound) }
      }
    }
    guard limits[0] != nil || limits[1] != nil else { return .running(x, operand.kind) }
    let low = limits[0] ?? -.infinity
    let high = limits[1] ?? .infinity
    // ONNX: the upper limit wins when the lower one is above it.
    return .running(try step(node) { [x] in try $0.clip(x, low: min(low, high), high: high) }, operand.kind)
  }

  private mutating func cast(_ node: OnnxNode, _ operand: Operand) throws(PolicyError) -> Operand {
    let target = try OnnxFolding.castTarget(node, file: file)
    let x = try value(operand, node)
    switch (operand.kind, target) {
    case (.float, .integer):
      // Towards zero.
      return .running(
        try step(node) {
          try $0.binary(.multiply, $0.unary(.sign, x), $0.unary(.floor, $0.unary(.abs, x)))
        }, .integer)
    case (.float, .boolean), (.integer, .boolean):
      return .running(try step(node) { try $0.unary(.not, $0.unary(.not, x)) }, .boolean)
    default: return .running(x, target)
    }
  }
}
