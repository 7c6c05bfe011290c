import Foundation

/// Writes small ONNX models, byte by byte, for tests: protobuf's wire format and nothing else.
struct OnnxEncoder {
  /// A protobuf message under construction.
  struct Message {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
      var value = value
      while value >= 0x80 {
        bytes.append(UInt8(value & 0x7f) | 0x80)
        value >>= 7
      }
      bytes.append(UInt8(value))
    }

    mutating func integer(_ field: Int, _ value: Int64) {
      varint(UInt64(field) << 3)
      varint(UInt64(bitPattern: value))
    }

    mutating func float(_ field: Int, _ value: Float) {
      varint(UInt64(field) << 3 | 5)
      bytes += withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }

    mutating func data(_ field: Int, _ value: [UInt8]) {
      varint(UInt64(field) << 3 | 2)
      varint(UInt64(value.count))
      bytes += value
    }

    mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }
  }

  enum Attribute {
    case integer(Int64)
    case float(Float)
    case text(String)
    case integers([Int64])
    case floats([Float])
    case texts([String])
    case tensor(Tensor)
  }

  /// A tensor with its elements, or with a place in another file.
  struct Tensor {
    var shape: [Int64]
    var floats: [Float]?
    var integers: [Int64]?
    var booleans: [Bool]?
    var external: (location: String, offset: String?, length: String?)?
    /// The element type, when it is not the one of the elements.
    var type: Int64?
    /// Elements in float_data or int64_data instead of raw_data.
    var isListed = false

    static func floats(_ values: [Float], _ shape: [Int64]) -> Tensor { Tensor(shape: shape, floats: values) }
    static func integers(_ values: [Int64]) -> Tensor { Tensor(shape: [Int64(values.count)], integers: values) }
    static func scalar(_ value: Float) -> Tensor { Tensor(shape: [], floats: [value]) }

    func encoded(name: String) -> [UInt8] {
      var message = Message()
      for size in shape { message.integer(1, size) }
      message.integer(2, type ?? (floats != nil ? 1 : booleans != nil ? 9 : integers != nil ? 7 : 1))
      message.text(8, name)
      if let external {
        for (key, value) in [("location", external.location), ("offset", external.offset), ("length", external.length)]
        {
          guard let value else { continue }
          var entry = Message()
          entry.text(1, key)
          entry.text(2, value)
          message.data(13, entry.bytes)
        }
        message.integer(14, 1)
      } else if let floats {
        if isListed {
          for value in floats { message.float(4, value) }
        } else {
          message.data(9, floats.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } })
        }
      } else if let booleans {
        message.data(9, booleans.map { $0 ? 1 : 0 })
      } else if let integers {
        if isListed {
          for value in integers { message.integer(7, value) }
        } else {
          message.data(9, integers.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } })
        }
      }
      return message.bytes
    }
  }

  struct Node {
    var operation: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [(String, Attribute)] = []
    var name = ""
    var domain = ""
  }

  /// A graph's input or output; a negative size is a free dimension.
  struct Port {
    var name: String
    var shape: [Int64]?
    var type: Int64 = 1
  }

  var opset: Int64? = 17
  var nodes: [Node] = []
  var initializers: [(String, Tensor)] = []
  var inputs: [Port] = []
  var outputs: [Port] = []

  /// A graph from one input to one output.
  init(opset: Int64 = 17, observations: Int64 = 3, nodes: [Node] = [], weights: [(String, Tensor)] = []) {
    self.opset = opset
    self.nodes = nodes
    initializers = weights
    inputs = [Port(name: "obs", shape: [1, observations])]
    outputs = [Port(name: "action", shape: nil)]
  }

  var bytes: [UInt8] {
    var graph = Message()
    for node in nodes { graph.data(1, Self.encode(node)) }
    graph.text(2, "test")
    for (name, tensor) in initializers { graph.data(5, tensor.encoded(name: name)) }
    for port in inputs { graph.data(11, Self.encode(port)) }
    for port in outputs { graph.data(12, Self.encode(port)) }
    var model = Message()
    model.integer(1, 8)
    model.text(2, "sinew tests")
    model.data(7, graph.bytes)
    if let opset {
      var entry = Message()
      entry.integer(2, opset)
      model.data(8, entry.bytes)
    }
    return model.bytes
  }

  private static func encode(_ node: Node) -> [UInt8] {
    var message = Message()
    for name in node.inputs { message.text(1, name) }
    for name in node.outputs { message.text(2, name) }
    if !node.name.isEmpty { message.text(3, node.name) }
    message.text(4, node.operation)
    for (name, value) in node.attributes {
      var attribute = Message()
      attribute.text(1, name)
      switch value {
      case .integer(let number):
        attribute.integer(3, number)
        attribute.integer(20, 2)
      case .float(let number):
        attribute.float(2, number)
        attribute.integer(20, 1)
      case .text(let text):
        attribute.text(4, text)
        attribute.integer(20, 3)
      case .integers(let list):
        for number in list { attribute.integer(8, number) }
        attribute.integer(20, 7)
      case .floats(let list):
        for number in list { attribute.float(7, number) }
        attribute.integer(20, 6)
      case .texts(let list):
        for text in list { attribute.text(9, text) }
        attribute.integer(20, 8)
      case .tensor(let tensor):
        attribute.data(5, tensor.encoded(name: ""))
        attribute.integer(20, 4)
      }
      message.data(5, attribute.bytes)
    }
    if !node.domain.isEmpty { message.text(7, node.domain) }
    return message.bytes
  }

  private static func encode(_ port: Port) -> [UInt8] {
    var message = Message()
    message.text(1, port.name)
    var tensor = Message()
    tensor.integer(1, port.type)
    if let shape = port.shape {
      var list = Message()
      for size in shape {
        var dimension = Message()
        if size >= 0 { dimension.integer(1, size) } else { dimension.text(2, "batch") }
        list.data(1, dimension.bytes)
      }
      tensor.data(2, list.bytes)
    }
    var type = Message()
    type.data(1, tensor.bytes)
    message.data(2, type.bytes)
    return message.bytes
  }
}

/// A folder for one test, removed when the last reference goes.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sinew-policies-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file and gives its path.
  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }
}
