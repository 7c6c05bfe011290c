import Foundation
import Policies
import TestSupport
import Testing

/// Wrong model files: each is refused with one line that names the file, the place and the cause.
@Suite("Wrong models")
struct BadModelTests {
  typealias Node = OnnxEncoder.Node
  typealias Tensor = OnnxEncoder.Tensor

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var code: PolicyError.Code
    /// What the line must contain.
    var text: String
    var make: @Sendable () -> [UInt8]
    var testDescription: String { name }
  }

  private static func valid() -> OnnxEncoder {
    OnnxEncoder(
      observations: 2,
      nodes: [
        Node(operation: "Gemm", inputs: ["obs", "w", "b"], outputs: ["y"], name: "first"),
        Node(operation: "Tanh", inputs: ["y"], outputs: ["action"], name: "squash"),
      ], weights: [("w", .floats([1, 2, 3, 4], [2, 2])), ("b", .floats([0, 0], [2]))])
  }

  private static func changed(_ change: (inout OnnxEncoder) -> Void) -> [UInt8] {
    var encoder = valid()
    change(&encoder)
    return encoder.bytes
  }

  static let cases: [Case] = [
    Case(name: "empty file", code: .malformed, text: "holds no graph") { [] },
    Case(name: "text", code: .malformed, text: "is not a valid ONNX model") { Array("hello, world\n".utf8) },
    Case(name: "truncated", code: .malformed, text: "bytes, but only") { Array(valid().bytes.dropLast(40)) },
    Case(name: "huge length", code: .malformed, text: "claims 72057594037927935 bytes") {
      [0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
    },
    Case(name: "endless number", code: .malformed, text: "longer than 64 bits") {
      [0x08] + [UInt8](repeating: 0xff, count: 12)
    },
    Case(name: "wire type 7", code: .malformed, text: "wire type 7") { [0x0f] },
    Case(name: "field number 0", code: .malformed, text: "field number 0") { [0x00, 0x00] },
    Case(name: "two graphs", code: .malformed, text: "two graphs") { valid().bytes + [0x3a, 0x00] },
    Case(name: "name that is no UTF-8", code: .malformed, text: "not UTF-8") {
      changed { $0.nodes[0].name = "@" }.map { $0 == 0x40 ? 0xff : $0 }
    },
    Case(name: "no opset", code: .unsupported, text: "does not say which operator set") { changed { $0.opset = nil } },
    Case(
      name: "opset too old", code: .unsupported,
      text: "operator set 10 is not supported; export with an opset from 11 to 20"
    ) {
      changed { $0.opset = 10 }
    },
    Case(name: "opset too new", code: .unsupported, text: "operator set 21") { changed { $0.opset = 21 } },
    Case(name: "unknown operator", code: .unsupported, text: "node 'conv1' (Conv): the operator 'Conv' (opset 17)") {
      changed {
        $0.nodes[1].operation = "Conv"
        $0.nodes[1].name = "conv1"
      }
    },
    Case(name: "unknown operator without a name", code: .unsupported, text: "node 'action' (Foo): the operator 'Foo'") {
      changed {
        $0.nodes[1].operation = "Foo"
        $0.nodes[1].name = ""
      }
    },
    Case(name: "unknown domain", code: .unsupported, text: "node 'squash' (Tanh): the operator 'com.example.Tanh'") {
      changed { $0.nodes[1].domain = "com.example" }
    },
    Case(name: "cycle", code: .malformed, text: "is part of a cycle") {
      changed {
        $0.nodes[0].inputs[0] = "s"
        $0.nodes.append(Node(operation: "Add", inputs: ["obs", "action"], outputs: ["s"]))
      }
    },
    Case(
      name: "tensor from nowhere", code: .malformed,
      text: "node 'first' (Gemm): reads the tensor 'missing', which nothing produces"
    ) {
      changed { $0.nodes[0].inputs[1] = "missing" }
    },
    Case(name: "duplicate node output", code: .malformed, text: "the name 'y' is already used by node 'first' (Gemm)") {
      changed { $0.nodes.append(Node(operation: "Exp", inputs: ["obs"], outputs: ["y"])) }
    },
    Case(name: "duplicate weight", code: .malformed, text: "the name 'w' is already used by tensor 'w'") {
      changed { $0.initializers.append(("w", .scalar(1))) }
    },
    Case(name: "duplicate input", code: .malformed, text: "the name 'obs' is already used by input 'obs'") {
      changed { $0.inputs.append(.init(name: "obs", shape: [1, 2])) }
    },
    Case(name: "duplicate attribute", code: .malformed, text: "has the attribute 'alpha' twice") {
      changed { $0.nodes[0].attributes = [("alpha", .float(1)), ("alpha", .float(2))] }
    },
    Case(name: "NaN weight", code: .notFinite, text: "tensor 'w': element 2 is nan") {
      changed { $0.initializers[0].1 = .floats([1, 2, .nan, 4], [2, 2]) }
    },
    Case(name: "infinite weight", code: .notFinite, text: "tensor 'b': element 0 is inf") {
      changed { $0.initializers[1].1 = .floats([.infinity, 0], [2]) }
    },
    Case(
      name: "weights that do not fit", code: .shape,
      text: "node 'first' (Gemm): multiplies the shapes [1, 2] and [3, 2]"
    ) {
      changed { $0.initializers[0].1 = .floats([1, 2, 3, 4, 5, 6], [3, 2]) }
    },
    Case(name: "bias that does not fit", code: .shape, text: "adds the shape [3] to [1, 2]") {
      changed { $0.initializers[1].1 = .floats([1, 2, 3], [3]) }
    },
    Case(
      name: "too few bytes for a shape", code: .malformed,
      text: "tensor 'w': has 16 bytes, but the shape [2, 3] needs 24"
    ) {
      changed { $0.initializers[0].1 = .floats([1, 2, 3, 4], [2, 3]) }
    },
    Case(name: "too few numbers for a shape", code: .malformed, text: "tensor 'w': has 4 elements for the shape [2, 3]")
    {
      changed { $0.initializers[0].1 = Tensor(shape: [2, 3], floats: [1, 2, 3, 4], isListed: true) }
    },
    Case(name: "negative dimension", code: .malformed, text: "tensor 'w': has the dimension -2") {
      changed { $0.initializers[0].1 = .floats([1, 2, 3, 4], [-2, 2]) }
    },
    Case(name: "product of dimensions beyond 64 bits", code: .malformed, text: "tensor 'w': has more than") {
      changed { $0.initializers[0].1 = .floats([1], [67_108_864, 67_108_864, 67_108_864, 67_108_864]) }
    },
    Case(name: "nine dimensions", code: .malformed, text: "more than 8 dimensions") {
      changed { $0.initializers[0].1 = .floats([1], [Int64](repeating: 1, count: 9)) }
    },
    Case(name: "element type", code: .unsupported, text: "tensor 'w': has the element type complex64") {
      changed { $0.initializers[0].1.type = 14 }
    },
    Case(name: "integer observation", code: .unsupported, text: "input 'obs': takes int64") {
      changed { $0.inputs[0].type = 7 }
    },
    Case(name: "observation without a shape", code: .shape, text: "input 'obs': has no shape") {
      changed { $0.inputs[0].shape = nil }
    },
    Case(name: "observation of free size", code: .shape, text: "[1, batch], whose last size is free") {
      changed { $0.inputs[0].shape = [1, -1] }
    },
    Case(name: "batch of four", code: .shape, text: "[4, 2], which is a batch of more than one") {
      changed { $0.inputs[0].shape = [4, 2] }
    },
    Case(
      name: "two inputs", code: .ambiguous,
      text: "the inputs 'command' [1, 3] are neither the observation nor clearly recurrent"
    ) {
      changed { $0.inputs.append(.init(name: "command", shape: [1, 3])) }
    },
    Case(name: "no input", code: .malformed, text: "has no input for the observation") { changed { $0.inputs = [] } },
    Case(name: "no output", code: .malformed, text: "no output that could be the action") {
      changed { $0.outputs = [] }
    },
    Case(
      name: "output that nobody makes", code: .shape,
      text: "tensor 'nothing': is used as action, but it does not depend"
    ) {
      changed { $0.outputs[0].name = "nothing" }
    },
    Case(name: "constant action", code: .shape, text: "does not depend on the observation") {
      changed { $0.nodes[1].inputs = ["b"] }
    },
    Case(
      name: "attribute of the wrong kind", code: .malformed,
      text: "node 'first' (Gemm): its attribute 'transB' is not one integer"
    ) {
      changed { $0.nodes[0].attributes = [("transB", .text("yes"))] }
    },
    Case(name: "missing operand", code: .malformed, text: "node 'squash' (Tanh): its input 0 is missing") {
      changed { $0.nodes[1].inputs = [] }
    },
    Case(
      name: "shape argument that depends on the observation", code: .unsupported,
      text: "must be constant, but it depends on the observation"
    ) {
      changed { $0.nodes[1] = Node(operation: "Reshape", inputs: ["y", "obs"], outputs: ["action"]) }
    },
    Case(name: "reshape that does not fit", code: .shape, text: "the shape [1, 2] does not reshape to [3, -1]") {
      changed {
        $0.nodes[1] = Node(operation: "Reshape", inputs: ["y", "s"], outputs: ["action"])
        $0.initializers.append(("s", .integers([3, -1])))
      }
    },
    Case(
      name: "constant that grows without end", code: .unsupported,
      text: "the graph's constants grow far beyond the size of its weights"
    ) {
      changed { encoder in
        encoder.initializers.append(("s", .integers([33_554_433])))
        encoder.nodes.insert(Node(operation: "ConstantOfShape", inputs: ["s"], outputs: ["big"]), at: 0)
        encoder.nodes[2] = Node(operation: "Add", inputs: ["y", "big"], outputs: ["action"])
      }
    },
    Case(name: "value that grows without end", code: .unsupported, text: "has more than 524288 numbers") {
      changed {
        $0.initializers.append(("s", .integers([1 << 20, 2])))
        $0.nodes[1] = Node(operation: "Expand", inputs: ["y", "s"], outputs: ["action"])
      }
    },
    Case(name: "axis out of range", code: .shape, text: "the axis 5 does not fit 2 dimensions") {
      changed {
        $0.nodes[1] = Node(
          operation: "Softmax", inputs: ["y"], outputs: ["action"], attributes: [("axis", .integer(5))])
      }
    },
    Case(name: "index out of range", code: .shape, text: "the index 7 is outside the 2 of dimension 1") {
      changed {
        $0.nodes[1] = Node(
          operation: "Gather", inputs: ["y", "s"], outputs: ["action"], attributes: [("axis", .integer(1))])
        $0.initializers.append(("s", .integers([7])))
      }
    },
    Case(name: "shapes that do not broadcast", code: .shape, text: "node 'squash' (Add)") {
      changed {
        $0.nodes[1] = Node(operation: "Add", inputs: ["y", "c"], outputs: ["action"], name: "squash")
        $0.initializers.append(("c", .floats([1, 2, 3], [3])))
      }
    },
    Case(name: "bidirectional GRU", code: .unsupported, text: "the direction 'bidirectional' is not supported") {
      changed {
        $0.nodes[1] = Node(
          operation: "GRU", inputs: ["y", "w", "w"], outputs: ["action"],
          attributes: [("direction", .text("bidirectional"))])
      }
    },
    Case(name: "name with line breaks", code: .unsupported, text: "node 'a b' (Foo)") {
      changed {
        $0.nodes[1].operation = "Foo"
        $0.nodes[1].name = "a\nb"
      }
    },
  ]

  @Test("a wrong model is refused with one line that names file and cause", arguments: cases)
  func wrongModel(_ wrong: Case) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", wrong.make())
    let error = #expect(throws: PolicyError.self) { try PolicyLoader.load(path: path) }
    guard let error else { return }
    #expect(error.code == wrong.code, "\(error)")
    #expect(error.description.hasPrefix(path + ": "), "\(error)")
    #expect(error.description.contains(wrong.text), "\(error)")
    #expect(!error.description.contains("\n"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model.onnx"])
  }

  @Test("the model that the wrong ones vary is itself accepted")
  func validModel() throws {
    let folder = try TemporaryFolder()
    let policy = try PolicyLoader.load(path: folder.write("model.onnx", Self.valid().bytes))
    #expect(policy.description.actionCount == 2)
  }

  // MARK: External data

  private static func external(_ location: String, _ offset: String? = "0", _ length: String? = "16") -> [UInt8] {
    changed { $0.initializers[0].1 = Tensor(shape: [2, 2], external: (location, offset, length)) }
  }

  private static let weights: [UInt8] = [Float(1), 2, 3, 4].flatMap { value in
    withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
  }

  @Test("external data is read from beside the model, without length as well")
  func externalData() throws {
    let folder = try TemporaryFolder()
    try folder.write("w.data", [9, 9, 9, 9] + Self.weights)
    try FileManager.default.createDirectory(atPath: folder.path + "/sub", withIntermediateDirectories: false)
    try folder.write("sub/w.data", Self.weights)
    let plain = try PolicyLoader.load(path: folder.write("plain.onnx", Self.valid().bytes)).run([[1, -2]])[0].action
    for bytes in [Self.external("w.data", "4"), Self.external("./w.data", "4", nil), Self.external("sub/w.data", nil)] {
      let policy = try PolicyLoader.load(path: folder.write("model.onnx", bytes))
      #expect(try policy.run([[1, -2]])[0].action == plain)
    }
  }

  @Test(
    "external data that is missing, outside or cut is refused",
    arguments: [
      (
        "absent.data", "0", "16", PolicyError.Code.unreadable,
        "needs the file 'absent.data' beside it, which is missing"
      ),
      ("../w.data", "0", "16", .escape, "path '../w.data' leaves the folder with '..'"),
      ("sub/../../w.data", "0", "16", .escape, "leaves the folder with '..'"),
      ("/etc/passwd", "0", "16", .escape, "path '/etc/passwd' is absolute"), ("", "0", "16", .escape, "is empty"),
      ("link.data", "0", "16", .escape, "leaves the folder through a symbolic link"),
      ("folder", "0", "16", .unreadable, "is a folder"),
      ("w.data", "4", "16", .malformed, "takes bytes 4 to 20 of 'w.data', which has only 16"),
      ("w.data", "0", "20", .malformed, "needs 16 bytes, but takes 20"),
      ("w.data", "-4", "16", .malformed, "has a bad offset"), ("w.data", "0", "0x10", .malformed, "has a bad length"),
      ("w.data", "999999999999999999", "16", .malformed, "takes bytes"),
      ("w.data", "99999999999999999999", "16", .malformed, "has a bad offset"),
      ("nan.data", "0", "16", .notFinite, "tensor 'w': element 1 is nan"),
    ])
  func wrongExternalData(location: String, offset: String, length: String, code: PolicyError.Code, text: String) throws
  {
    let outside = try TemporaryFolder()
    try outside.write("w.data", Self.weights)
    let folder = try TemporaryFolder()
    try folder.write("w.data", Self.weights)
    try folder.write("nan.data", Self.weights[..<4] + [0, 0, 0xc0, 0x7f] + Self.weights[8...])
    try FileManager.default.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link.data", withDestinationPath: outside.path + "/w.data")
    let path = try folder.write("model.onnx", Self.external(location, offset, length))
    let error = #expect(throws: PolicyError.self) { try PolicyLoader.load(path: path) }
    #expect(error?.code == code, "\(String(describing: error))")
    #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    #expect(error?.description.contains("\n") == false)
  }

  // MARK: Paths

  @Test("a path that is no policy says what it is and what to do")
  func wrongPaths() throws {
    let folder = try TemporaryFolder()
    let cases = [
      ("/nowhere/policy.onnx", "/nowhere/policy.onnx: does not exist; check the path"),
      (folder.path, "policy.yaml: does not exist"),
      (try folder.write("w.safetensors", [1]), "holds weights but no network; put it into a folder with a policy.yaml"),
      (try folder.write("w.zip", [1]), "is not loaded directly; unpack a bundle"),
      ("/dev/null", "is not a regular file"),
    ]
    for (path, text) in cases {
      let error = #expect(throws: PolicyError.self) { try PolicyLoader.load(path: path) }
      #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }
  }

  @Test("an explicit output that does not exist is an error with the outputs there are")
  func wrongOutputName() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("model.onnx", Self.valid().bytes)
    let error = #expect(throws: PolicyError.self) {
      try PolicyLoader.load(path: path, options: PolicyOptions(actionOutput: "nope"))
    }
    #expect(
      error?.description == "\(path): graph: there is no tensor 'nope' to use as action; its outputs are 'action'")
    let inner = try PolicyLoader.load(path: path, options: PolicyOptions(actionOutput: "y"))
    #expect(try inner.run([[1, 1]])[0].action == [4, 6])
  }
}
