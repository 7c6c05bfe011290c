import Foundation
import Policies
import Testing

/// One operator at a time, in each form that the opsets gave it, against a naive reference on the same numbers.
@Suite("ONNX operators")
struct OperatorTests {
  typealias Node = OnnxEncoder.Node
  typealias Tensor = OnnxEncoder.Tensor

  /// Awkward numbers around zero.
  static let x: [Float] = [-2.5, -1, -0.25, 0.5, 1.5, 3]

  private static func run(_ encoder: OnnxEncoder, _ observation: [Float]) throws -> [Float] {
    let folder = try TemporaryFolder()
    let policy = try PolicyLoader.load(path: folder.write("model.onnx", encoder.bytes))
    return try policy.run([observation.map { Double($0) }])[0].action
  }

  private static func expectClose(_ got: [Float], _ expected: [Float], _ label: String, _ tolerance: Float = 1e-5) {
    #expect(got.count == expected.count, "\(label)")
    for (a, b) in zip(got, expected) {
      #expect(abs(a - b) <= tolerance * max(1, abs(b)), "\(label): \(got) instead of \(expected)")
    }
  }

  /// A graph of one node with `obs` as first input.
  private static func single(
    _ operation: String, opset: Int64 = 17, attributes: [(String, OnnxEncoder.Attribute)] = [],
    weights: [(String, Tensor)] = [], observations: Int = 6
  ) -> OnnxEncoder {
    OnnxEncoder(
      opset: opset, observations: Int64(observations),
      nodes: [
        Node(operation: operation, inputs: ["obs"] + weights.map(\.0), outputs: ["action"], attributes: attributes)
      ], weights: weights)
  }

  @Test("element-wise functions agree with the C library in double precision")
  func unaryFunctions() throws {
    let functions: [(String, [(String, OnnxEncoder.Attribute)], (Double) -> Double)] = [
      ("Neg", [], { -$0 }), ("Abs", [], { abs($0) }), ("Exp", [], { exp($0) }), ("Tanh", [], { tanh($0) }),
      ("Sigmoid", [], { 1 / (1 + exp(-$0)) }), ("Relu", [], { max(0, $0) }),
      ("Elu", [], { $0 > 0 ? $0 : exp($0) - 1 }),
      ("Elu", [("alpha", .float(0.5))], { $0 > 0 ? $0 : 0.5 * (exp($0) - 1) }),
      ("LeakyRelu", [], { $0 > 0 ? $0 : 0.01 * $0 }),
      ("LeakyRelu", [("alpha", .float(0.2))], { $0 > 0 ? $0 : 0.2 * $0 }),
      ("Selu", [], { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * (exp($0) - 1)) }),
      ("Softplus", [], { log(1 + exp($0)) }), ("Softsign", [], { $0 / (1 + abs($0)) }), ("Erf", [], { erf($0) }),
      ("HardSigmoid", [], { min(1, max(0, 0.2 * $0 + 0.5)) }),
      ("HardSigmoid", [("alpha", .float(0.25)), ("beta", .float(0.4))], { min(1, max(0, 0.25 * $0 + 0.4)) }),
      ("Floor", [], { floor($0) }), ("Ceil", [], { ceil($0) }), ("Reciprocal", [], { 1 / $0 }),
      ("Sign", [], { $0 < 0 ? -1 : $0 > 0 ? 1 : 0 }), ("Identity", [], { $0 }), ("Dropout", [], { $0 }),
      ("Cast", [("to", .integer(1))], { $0 }), ("Round", [], { $0.rounded(.toNearestOrEven) }),
    ]
    for (name, attributes, function) in functions {
      let got = try Self.run(Self.single(name, attributes: attributes), Self.x)
      Self.expectClose(got, Self.x.map { Float(function(Double($0))) }, name)
    }
    let positive: [Float] = [0.1, 0.5, 1, 2, 9, 100]
    Self.expectClose(try Self.run(Self.single("Log"), positive), positive.map { Float(log(Double($0))) }, "Log")
    Self.expectClose(try Self.run(Self.single("Sqrt"), positive), positive.map { $0.squareRoot() }, "Sqrt")
    let exact = try Self.run(Self.single("Gelu", opset: 20), Self.x)
    Self.expectClose(exact, Self.x.map { $0 / 2 * (1 + Float(erf(Double($0) / 2.0.squareRoot()))) }, "Gelu")
    let approximate = try Self.run(
      Self.single("Gelu", opset: 20, attributes: [("approximate", .text("tanh"))]), Self.x)
    Self.expectClose(
      approximate,
      Self.x.map { x in
        let u = (2 / Double.pi).squareRoot() * (Double(x) + 0.044715 * pow(Double(x), 3))
        return Float(Double(x) / 2 * (1 + tanh(u)))
      }, "Gelu tanh")
  }

  @Test("binary operators broadcast a constant row, in both orders")
  func binaryOperators() throws {
    let row: [Float] = [2, -1, 0.5, 3, -2, 0.25]
    let operators: [(String, (Float, Float) -> Float)] = [
      ("Add", { $0 + $1 }), ("Sub", { $0 - $1 }), ("Mul", { $0 * $1 }), ("Div", { $0 / $1 }), ("Min", { min($0, $1) }),
      ("Max", { max($0, $1) }),
    ]
    for (name, function) in operators {
      let right = Self.single(name, weights: [("row", .floats(row, [6]))])
      Self.expectClose(try Self.run(right, Self.x), zip(Self.x, row).map { function($0, $1) }, name)
      var left = right
      left.nodes[0].inputs = ["row", "obs"]
      Self.expectClose(try Self.run(left, Self.x), zip(Self.x, row).map { function($1, $0) }, name + " reversed")
    }
    let square = Self.single("Pow", weights: [("two", .scalar(2))])
    Self.expectClose(try Self.run(square, Self.x), Self.x.map { $0 * $0 }, "Pow")
  }

  @Test("comparisons choose with Where, and booleans cast to numbers")
  func comparisons() throws {
    for (name, test) in [
      ("Greater", { (a: Float) in a > 0.5 }), ("Less", { $0 < 0.5 }), ("Equal", { $0 == 0.5 }),
      ("GreaterOrEqual", { $0 >= 0.5 }), ("LessOrEqual", { $0 <= 0.5 }),
    ] as [(String, (Float) -> Bool)] {
      let encoder = OnnxEncoder(
        observations: 6,
        nodes: [
          Node(operation: name, inputs: ["obs", "half"], outputs: ["test"]),
          Node(operation: "Where", inputs: ["test", "obs", "minus"], outputs: ["chosen"]),
          Node(operation: "Cast", inputs: ["test"], outputs: ["number"], attributes: [("to", .integer(1))]),
          Node(operation: "Add", inputs: ["chosen", "number"], outputs: ["action"]),
        ], weights: [("half", .scalar(0.5)), ("minus", .scalar(-7))])
      Self.expectClose(try Self.run(encoder, Self.x), Self.x.map { test($0) ? $0 + 1 : -7 }, name)
    }
  }

  @Test("Clip takes its limits as inputs, either of which may be missing")
  func clip() throws {
    let both = Self.single("Clip", weights: [("low", .scalar(-1)), ("high", .scalar(1))])
    Self.expectClose(try Self.run(both, Self.x), Self.x.map { min(1, max(-1, $0)) }, "both")
    let low = Self.single("Clip", weights: [("low", .scalar(-1))])
    Self.expectClose(try Self.run(low, Self.x), Self.x.map { max(-1, $0) }, "low")
    var high = Self.single("Clip", opset: 11, weights: [("high", .scalar(1))])
    high.nodes[0].inputs = ["obs", "", "high"]
    Self.expectClose(try Self.run(high, Self.x), Self.x.map { min(1, $0) }, "high")
  }

  @Test("Gemm with alpha, beta and both transpositions", arguments: [false, true], [false, true])
  func gemm(transposesA: Bool, transposesB: Bool) throws {
    // 2 inputs to 3 outputs.
    let weights: [[Float]] = [[1, 2, -1], [0.5, -3, 4]]
    let bias: [Float] = [0.25, -0.5, 1]
    let flat = transposesB ? (0..<3).flatMap { column in weights.map { $0[column] } } : weights.flatMap { $0 }
    var encoder = OnnxEncoder(
      observations: 2,
      nodes: [
        Node(
          operation: "Gemm", inputs: ["a", "w", "b"], outputs: ["action"],
          attributes: [
            ("alpha", .float(0.5)), ("beta", .float(2)), ("transA", .integer(transposesA ? 1 : 0)),
            ("transB", .integer(transposesB ? 1 : 0)),
          ])
      ], weights: [("w", .floats(flat, transposesB ? [3, 2] : [2, 3])), ("b", .floats(bias, [3]))])
    encoder.nodes.insert(
      Node(
        operation: transposesA ? "Transpose" : "Identity", inputs: ["obs"], outputs: ["a"],
        attributes: transposesA ? [("perm", .integers([1, 0]))] : []), at: 0)
    let x: [Float] = [3, -2]
    let expected = (0..<3).map { column in
      0.5 * (x[0] * weights[0][column] + x[1] * weights[1][column]) + 2 * bias[column]
    }
    Self.expectClose(try Self.run(encoder, x), expected, "Gemm")
  }

  @Test("MatMul and Add make a dense layer, for [1, N] and for [N]")
  func matmul() throws {
    for isVector in [false, true] {
      var encoder = OnnxEncoder(
        observations: 2,
        nodes: [
          Node(operation: "MatMul", inputs: ["obs", "w"], outputs: ["y"]),
          Node(operation: "Add", inputs: ["y", "b"], outputs: ["z"]),
          Node(operation: "Tanh", inputs: ["z"], outputs: ["action"]),
        ], weights: [("w", .floats([1, 2, -1, 0.5, -3, 4], [2, 3])), ("b", .floats([0.25, -0.5, 1], [3]))])
      if isVector { encoder.inputs[0].shape = [2] }
      let sums: [Float] = [3 * 1 - 2 * 0.5 + 0.25, 3 * 2 + 2 * 3 - 0.5, -3 - 2 * 4 + 1]
      Self.expectClose(try Self.run(encoder, [3, -2]), sums.map { Float(tanh(Double($0))) }, "MatMul")
    }
  }

  @Test("free dimensions are a batch of one")
  func symbolicBatch() throws {
    var encoder = Self.single("Neg")
    encoder.inputs[0].shape = [-1, 6]
    Self.expectClose(try Self.run(encoder, Self.x), Self.x.map { -$0 }, "batch")
  }

  @Test(
    "axes of Squeeze, Unsqueeze and ReduceSum: attributes before opset 13, inputs since",
    arguments: [11, 12, 13, 18] as [Int64])
  func axesAcrossOpsets(opset: Int64) throws {
    func node(
      _ operation: String, _ input: String, _ output: String, _ axes: [Int64],
      _ extra: [(String, OnnxEncoder.Attribute)] = []
    ) -> Node {
      opset < 13
        ? Node(
          operation: operation, inputs: [input], outputs: [output], attributes: [("axes", .integers(axes))] + extra)
        : Node(operation: operation, inputs: [input, "axes\(axes[0])"], outputs: [output], attributes: extra)
    }
    var encoder = OnnxEncoder(
      opset: opset, observations: 6,
      nodes: [
        node("Unsqueeze", "obs", "a", [1]), node("Squeeze", "a", "b", [0]),
        node("ReduceSum", "b", "c", [-1], [("keepdims", .integer(1))]),
        Node(operation: "Mul", inputs: ["b", "c"], outputs: ["action"]),
      ])
    if opset >= 13 {
      for axis in [1, 0, -1] as [Int64] { encoder.initializers.append(("axes\(axis)", .integers([axis]))) }
    }
    let sum = Self.x.reduce(0, +)
    Self.expectClose(try Self.run(encoder, Self.x), Self.x.map { $0 * sum }, "opset \(opset)")
  }

  @Test(
    "axes of ReduceMean, ReduceMax and ReduceMin: an attribute before opset 18, an input since",
    arguments: [13, 17, 18, 20] as [Int64])
  func reductions(opset: Int64) throws {
    for (name, expected) in [
      ("ReduceMean", Self.x.reduce(0, +) / 6), ("ReduceMax", Self.x.max() ?? 0), ("ReduceMin", Self.x.min() ?? 0),
    ] {
      var encoder = OnnxEncoder(
        opset: opset, observations: 6,
        nodes: [
          Node(
            operation: name, inputs: opset >= 18 ? ["obs", "axes"] : ["obs"], outputs: ["m"],
            attributes: [("keepdims", .integer(0))] + (opset >= 18 ? [] : [("axes", .integers([1]))])),
          Node(operation: "Sub", inputs: ["obs", "m"], outputs: ["action"]),
        ])
      if opset >= 18 { encoder.initializers.append(("axes", .integers([1]))) }
      Self.expectClose(try Self.run(encoder, Self.x), Self.x.map { $0 - expected }, name)
    }
  }

  @Test("Split by attribute, by input, into equal and into uneven parts", arguments: [11, 13, 18] as [Int64])
  func split(opset: Int64) throws {
    var encoder = OnnxEncoder(
      opset: opset, observations: 6,
      nodes: [
        Node(
          operation: "Split", inputs: opset >= 13 ? ["obs", "sizes"] : ["obs"], outputs: ["a", "b"],
          attributes: [("axis", .integer(-1))] + (opset >= 13 ? [] : [("split", .integers([2, 4]))])),
        Node(operation: "Concat", inputs: ["b", "a"], outputs: ["c"], attributes: [("axis", .integer(1))]),
        Node(operation: "Split", inputs: ["c"], outputs: ["d", "e", "f"], attributes: [("axis", .integer(1))]),
        Node(operation: "Concat", inputs: ["f", "d", "e"], outputs: ["action"], attributes: [("axis", .integer(-1))]),
      ])
    if opset >= 13 { encoder.initializers.append(("sizes", .integers([2, 4]))) }
    let c = Array(Self.x[2...]) + Array(Self.x[..<2])
    Self.expectClose(try Self.run(encoder, Self.x), Array(c[4...]) + Array(c[..<4]), "opset \(opset)")
  }

  @Test("Split into parts that do not divide leaves a smaller last one at opset 18")
  func unevenSplit() throws {
    let encoder = OnnxEncoder(
      opset: 18, observations: 5,
      nodes: [
        Node(
          operation: "Split", inputs: ["obs"], outputs: ["a", "b"],
          attributes: [("axis", .integer(1)), ("num_outputs", .integer(2))]),
        Node(operation: "Concat", inputs: ["b", "a"], outputs: ["action"], attributes: [("axis", .integer(1))]),
      ])
    Self.expectClose(try Self.run(encoder, [1, 2, 3, 4, 5]), [4, 5, 1, 2, 3], "uneven")
  }

  @Test("Slice with steps, negative numbers and the conventional far end")
  func slice() throws {
    let cases: [(Int64, Int64, Int64, [Float])] = [
      (1, 4, 1, Array(Self.x[1..<4])), (0, Int64.max, 2, [Self.x[0], Self.x[2], Self.x[4]]),
      (-2, Int64.max, 1, Array(Self.x[4...])), (-1, Int64.min, -1, Self.x.reversed()),
      (4, 0, -2, [Self.x[4], Self.x[2]]), (-100, 100, 1, Self.x),
    ]
    for (start, end, step, expected) in cases {
      let encoder = Self.single(
        "Slice", opset: 13,
        weights: [
          ("starts", .integers([start])), ("ends", .integers([end])), ("axes", .integers([-1])),
          ("steps", .integers([step])),
        ])
      Self.expectClose(try Self.run(encoder, Self.x), expected, "Slice \(start):\(end):\(step)")
    }
  }

  @Test("Gather, Transpose, Reshape with 0 and -1, Flatten and Expand move what they should")
  func movement() throws {
    let encoder = OnnxEncoder(
      observations: 6,
      nodes: [
        Node(operation: "Reshape", inputs: ["obs", "shape"], outputs: ["a"]),  // [1, 2, 3]
        Node(operation: "Transpose", inputs: ["a"], outputs: ["b"], attributes: [("perm", .integers([0, 2, 1]))]),
        Node(operation: "Gather", inputs: ["b", "pick"], outputs: ["c"], attributes: [("axis", .integer(1))]),
        Node(operation: "Flatten", inputs: ["c"], outputs: ["d"], attributes: [("axis", .integer(-2))]),
        Node(operation: "Expand", inputs: ["one", "wide"], outputs: ["e"]),
        Node(operation: "Mul", inputs: ["d", "e"], outputs: ["action"]),
      ],
      weights: [
        ("shape", .integers([0, 2, -1])), ("pick", .integers([2, -3])), ("one", .floats([2], [1, 1])),
        ("wide", .integers([1, 4])),
      ])
    // b[k][j] = x[3 j + k]; rows 2 and 0.
    let picked = [Self.x[2], Self.x[5], Self.x[0], Self.x[3]]
    var flat = encoder
    flat.nodes[3].attributes = [("axis", .integer(1))]
    Self.expectClose(try Self.run(flat, Self.x), picked.map { 2 * $0 }, "movement")
  }

  @Test("shape arithmetic is folded: Shape, Gather, integer Mul, Concat, ConstantOfShape, Range")
  func shapeArithmetic() throws {
    let encoder = OnnxEncoder(
      observations: 6,
      nodes: [
        Node(operation: "Shape", inputs: ["obs"], outputs: ["s"]),
        Node(operation: "Gather", inputs: ["s", "second"], outputs: ["n"]),  // [6]
        Node(operation: "Div", inputs: ["n", "two"], outputs: ["half"]),  // [3]
        Node(operation: "Concat", inputs: ["two", "half"], outputs: ["target"], attributes: [("axis", .integer(0))]),
        Node(operation: "Reshape", inputs: ["obs", "target"], outputs: ["m"]),
        Node(
          operation: "ConstantOfShape", inputs: ["target"], outputs: ["fill"],
          attributes: [("value", .tensor(.floats([10], [1])))]),
        Node(operation: "Add", inputs: ["m", "fill"], outputs: ["sum"]),
        Node(operation: "Squeeze", inputs: ["half"], outputs: ["scalar"]),
        Node(operation: "Range", inputs: ["zero", "scalar", "step"], outputs: ["range"]),
        Node(operation: "Cast", inputs: ["range"], outputs: ["weights"], attributes: [("to", .integer(1))]),
        Node(operation: "Mul", inputs: ["sum", "weights"], outputs: ["w"]),
        Node(operation: "Reshape", inputs: ["w", "row"], outputs: ["action"]),
      ],
      weights: [
        ("second", .integers([1])), ("two", .integers([2])), ("row", .integers([1, -1])),
        ("zero", Tensor(shape: [], integers: [0])), ("step", Tensor(shape: [], integers: [1])),
      ])
    let expected = Self.x.enumerated().map { ($1 + 10) * Float($0 % 3) }
    Self.expectClose(try Self.run(encoder, Self.x), expected, "shape arithmetic")
  }

  @Test("Softmax: one axis since opset 13, all from the axis on before")
  func softmax() throws {
    func reference(_ values: [Float]) -> [Float] {
      let powers = values.map { exp(Double($0)) }
      return powers.map { Float($0 / powers.reduce(0, +)) }
    }
    for opset in [11, 13, 20] as [Int64] {
      Self.expectClose(try Self.run(Self.single("Softmax", opset: opset), Self.x), reference(Self.x), "\(opset)")
    }
    func rows(_ opset: Int64) -> OnnxEncoder {
      OnnxEncoder(
        opset: opset, observations: 6,
        nodes: [
          Node(operation: "Reshape", inputs: ["obs", "shape"], outputs: ["a"]),
          Node(operation: "Softmax", inputs: ["a"], outputs: ["b"], attributes: [("axis", .integer(1))]),
          Node(operation: "Reshape", inputs: ["b", "row"], outputs: ["action"]),
        ], weights: [("shape", .integers([1, 2, 3])), ("row", .integers([1, 6]))])
    }
    Self.expectClose(try Self.run(rows(11), Self.x), reference(Self.x), "coerced to two dimensions")
    let columns = (0..<3).map { reference([Self.x[$0], Self.x[$0 + 3]]) }
    Self.expectClose(try Self.run(rows(13), Self.x), columns.map { $0[0] } + columns.map { $0[1] }, "one axis")
  }

  @Test("LayerNormalization with scale and bias")
  func layerNormalization() throws {
    let scale: [Float] = [1, 2, 3, 4, 5, 6]
    let bias: [Float] = [0, 1, 0, -1, 0, 1]
    let encoder = Self.single(
      "LayerNormalization", attributes: [("epsilon", .float(0.01))],
      weights: [("scale", .floats(scale, [6])), ("bias", .floats(bias, [6]))])
    let mean = Self.x.reduce(0, +) / 6
    let variance = Self.x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 6
    let expected = (0..<6).map { (Self.x[$0] - mean) / (variance + 0.01).squareRoot() * scale[$0] + bias[$0] }
    Self.expectClose(try Self.run(encoder, Self.x), expected, "LayerNormalization")
  }

  @Test("x · sigmoid(x) runs as one activation")
  func siluIsRecognised() throws {
    let folder = try TemporaryFolder()
    let encoder = OnnxEncoder(
      observations: 2,
      nodes: [
        Node(operation: "Gemm", inputs: ["obs", "w"], outputs: ["y"]),
        Node(operation: "Sigmoid", inputs: ["y"], outputs: ["s"]),
        Node(operation: "Mul", inputs: ["s", "y"], outputs: ["action"]),
      ], weights: [("w", .floats([1, 2, -1, 0.5], [2, 2]))])
    let policy = try PolicyLoader.load(path: folder.write("silu.onnx", encoder.bytes))
    // obs·w by hand.
    let y: [Double] = [5, 5]
    let got = try policy.run([[3, -2]])[0].action
    Self.expectClose(got, y.map { Float($0 / (1 + exp(-$0))) }, "SiLU")
    #expect(policy.inspection.layers.count == 1)
  }

  @Test("constants in every form, casts and logic")
  func constantsCastsLogic() throws {
    func constant(_ name: String, _ attribute: String, _ value: OnnxEncoder.Attribute) -> Node {
      Node(operation: "Constant", inputs: [], outputs: [name], attributes: [(attribute, value)])
    }
    let encoder = OnnxEncoder(
      observations: 6,
      nodes: [
        constant("f", "value_float", .float(0.5)), constant("fs", "value_floats", .floats([1, 2, 3, 4, 5, 6])),
        constant("i", "value_int", .integer(1)), constant("is", "value_ints", .integers([1, 6])),
        constant("t", "value", .tensor(Tensor(shape: [], floats: [-1], isListed: true))),
        Node(operation: "Cast", inputs: ["obs"], outputs: ["whole"], attributes: [("to", .integer(7))]),
        Node(operation: "Cast", inputs: ["whole"], outputs: ["w"], attributes: [("to", .integer(1))]),
        Node(operation: "Cast", inputs: ["w"], outputs: ["nonzero"], attributes: [("to", .integer(9))]),
        Node(operation: "Greater", inputs: ["obs", "t"], outputs: ["g"]),
        Node(operation: "And", inputs: ["nonzero", "g"], outputs: ["both"]),
        Node(operation: "Less", inputs: ["obs", "t"], outputs: ["l"]),
        Node(operation: "Or", inputs: ["both", "l"], outputs: ["either"]),
        Node(operation: "Not", inputs: ["either"], outputs: ["neither"]),
        Node(operation: "Cast", inputs: ["neither"], outputs: ["n"], attributes: [("to", .integer(1))]),
        Node(operation: "Reshape", inputs: ["fs", "is"], outputs: ["row"]),
        Node(operation: "Cast", inputs: ["i"], outputs: ["one"], attributes: [("to", .integer(1))]),
        Node(operation: "Add", inputs: ["f", "one"], outputs: ["factor"]),
        Node(operation: "Mul", inputs: ["row", "factor"], outputs: ["scaled"]),
        Node(operation: "Sum", inputs: ["w", "n", "scaled"], outputs: ["action"]),
      ])
    let expected = Self.x.enumerated().map { index, x in
      let whole = x.rounded(.towardZero)
      let either = (whole != 0 && x > -1) || x < -1
      return whole + (either ? 0 : 1) + 1.5 * Float(index + 1)
    }
    Self.expectClose(try Self.run(encoder, Self.x), expected, "constants")
  }

  @Test("half and double precision weights, in bytes and in lists")
  func weightTypes() throws {
    // 1.5 and −0.25 in binary16, as raw bytes would be cut by the encoder: int32_data carries their bits.
    let half = Tensor(shape: [2], integers: [0x3e00, 0xb400], type: 10, isListed: true)
    let brain = Tensor(shape: [2], integers: [0x3fc0, 0xbe80], type: 16, isListed: true)
    let double = Tensor(
      shape: [2], integers: [1.5, -0.25].map { Int64(bitPattern: ($0 as Double).bitPattern) }, type: 11)
    for (name, tensor) in [("binary16", half), ("bfloat16", brain), ("binary64", double)] {
      let encoder = Self.single("Mul", weights: [("w", tensor)], observations: 2)
      Self.expectClose(try Self.run(encoder, [2, 4]), [3, -1], name)
    }
  }

  @Test("one network in every supported opset", arguments: 11...20 as ClosedRange<Int64>)
  func everyOpset(opset: Int64) throws {
    let encoder = OnnxEncoder(
      opset: opset, observations: 2,
      nodes: [
        Node(operation: "Gemm", inputs: ["obs", "w", "b"], outputs: ["y"]),
        Node(operation: "Elu", inputs: ["y"], outputs: ["action"]),
      ], weights: [("w", .floats([1, 2, -1, 0.5], [2, 2])), ("b", .floats([0.5, -8], [2]))])
    Self.expectClose(try Self.run(encoder, [3, -2]), [5.5, Float(exp(-3.0) - 1)], "opset \(opset)")
  }

  @Test("a general matrix product of running values, and a running addend")
  func runningProducts() throws {
    let encoder = OnnxEncoder(
      observations: 6,
      nodes: [
        Node(operation: "Reshape", inputs: ["obs", "shape"], outputs: ["m"]),  // [2, 3]
        Node(
          operation: "Gemm", inputs: ["m", "m"], outputs: ["square"],
          attributes: [("transB", .integer(1)), ("alpha", .float(2))]),  // 2·m·mᵀ
        Node(operation: "Slice", inputs: ["obs", "zero", "two", "one"], outputs: ["part"]),
        Node(
          operation: "Gemm", inputs: ["part", "square", "part"], outputs: ["action"], attributes: [("beta", .float(3))]),
      ],
      weights: [
        ("shape", .integers([2, 3])), ("zero", .integers([0])), ("two", .integers([2])), ("one", .integers([1])),
      ])
    let rows = [Array(Self.x[..<3]), Array(Self.x[3...])]
    func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let part = [Self.x[0], Self.x[1]]
    let expected = (0..<2).map { column in
      dot(part, [2 * dot(rows[0], rows[column]), 2 * dot(rows[1], rows[column])]) + 3 * part[column]
    }
    Self.expectClose(try Self.run(encoder, Self.x), expected, "products")
  }
}
