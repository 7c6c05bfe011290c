/// The part of an ONNX model that a policy needs, as it stands in the file.
struct OnnxModel: Sendable {
  /// The path, for messages and for files beside it.
  var file: String
  /// The whole file; tensors refer to ranges of it.
  var bytes: [UInt8]
  var irVersion: Int64 = 0
  var producer = ""
  var producerVersion = ""
  /// Version of the default operator set.
  var opset: Int64 = 0
  var metadata: [(key: String, value: String)] = []
  var graph = OnnxGraph()
}

/// A graph: nodes in the file's order.
struct OnnxGraph: Sendable {
  var name = ""
  var nodes: [OnnxNode] = []
  var initializers: [OnnxTensor] = []
  var inputs: [OnnxValueInfo] = []
  var outputs: [OnnxValueInfo] = []
}

/// One operation.
struct OnnxNode: Sendable {
  var name = ""
  var operation = ""
  var domain = ""
  /// Names of the inputs; an empty name is an omitted optional input.
  var inputs: [String] = []
  var outputs: [String] = []
  var attributes: [String: OnnxAttribute] = [:]

  /// The node's name, or its first output when it has none; safe to print.
  var label: String { (name.isEmpty ? outputs.first(where: { !$0.isEmpty }) ?? "(no name)" : name).singleLine() }

  /// How messages name the node.
  var place: String { "node '\(label)' (\(operation.singleLine()))" }
}

/// An attribute's value.
enum OnnxAttribute: Sendable {
  case float(Float)
  case integer(Int64)
  case string(String)
  case tensor(OnnxTensor)
  /// A tensor whose elements have been read.
  case known(HostTensor)
  case floats([Float])
  case integers([Int64])
  case strings([String])
  /// A kind that no supported operator uses (sub-graphs, sparse tensors, types).
  case other
}

/// A tensor: shape, type and where its elements are.
struct OnnxTensor: Sendable {
  /// Where the elements are stored.
  enum Storage: Sendable {
    case none
    /// Little-endian elements in the model file.
    case raw(Range<Int>)
    case floats([Float])
    case doubles([Double])
    /// int32_data, int64_data or uint64_data.
    case integers([Int64])
    /// In a file beside the model.
    case external(location: String, offset: String?, length: String?)
  }
  var name = ""
  var shape: [Int64] = []
  var type: Int64 = 0
  var storage: Storage = .none
}

/// A graph's input or output: name, element type and shape.
struct OnnxValueInfo: Sendable {
  /// A dimension: a number, a name for a free one, or nothing.
  enum Dimension: Sendable, Equatable {
    case fixed(Int64)
    case symbolic(String)
  }
  var name = ""
  var type: Int64 = 0
  /// Nil when the file says nothing about the shape.
  var shape: [Dimension]?

  /// The shape as text, `[1, 10]` or `[batch, 10]`.
  var shapeText: String {
    guard let shape else { return "[?]" }
    let parts = shape.map { dimension in
      switch dimension {
      case .fixed(let size): String(size)
      case .symbolic(let name): name.isEmpty ? "?" : name.singleLine(limit: 24)
      }
    }
    return "[" + parts.joined(separator: ", ") + "]"
  }
}

/// The element types of TensorProto that are read.
enum OnnxElementType {
  static let float: Int64 = 1
  static let uint8: Int64 = 2
  static let int8: Int64 = 3
  static let uint16: Int64 = 4
  static let int16: Int64 = 5
  static let int32: Int64 = 6
  static let int64: Int64 = 7
  static let string: Int64 = 8
  static let bool: Int64 = 9
  static let float16: Int64 = 10
  static let double: Int64 = 11
  static let uint32: Int64 = 12
  static let uint64: Int64 = 13
  static let bfloat16: Int64 = 16

  /// The type's name as ONNX prints it.
  static func name(_ type: Int64) -> String {
    let names: [Int64: String] = [
      1: "float", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
      10: "float16", 11: "double", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    ]
    return names[type] ?? "type \(type)"
  }
}
