/// Reads an ONNX file into `OnnxModel`. Unknown fields are skipped; sizes and counts are bounded; sub-graphs are noted
/// and not entered, so nothing recurses. Field numbers: onnx/onnx.proto3.
struct OnnxParser {
  /// More nodes or tensors than this is no policy.
  static let countLimit = 20_000
  /// Longest name kept.
  static let nameLimit = 4096

  private let bytes: [UInt8]
  private let file: String

  /// Parses a model.
  /// - Parameter file: the path used in messages.
  static func parse(_ bytes: [UInt8], file: String) throws(PolicyError) -> OnnxModel {
    let parser = OnnxParser(bytes: bytes, file: file)
    do throws(WireError) {
      return try parser.model()
    } catch {
      throw PolicyError(
        .malformed, file: file, place: "byte \(error.offset)", "is not a valid ONNX model: \(error.message)",
        suggestion: "export or download it again")
    }
  }

  private func model() throws(WireError) -> OnnxModel {
    var model = OnnxModel(file: file, bytes: bytes)
    var hasGraph = false
    var opsets = 0
    var reader = WireReader(bytes)
    while let field = try reader.next() {
      switch (field.number, field.payload) {
      case (1, .varint(let value)): model.irVersion = Int64(bitPattern: value)
      case (2, .bytes(let range)): model.producer = try string(range)
      case (3, .bytes(let range)): model.producerVersion = try string(range)
      case (7, .bytes(let range)):
        guard !hasGraph else { throw WireError(offset: range.lowerBound, message: "it holds two graphs") }
        hasGraph = true
        model.graph = try graph(range)
      case (8, .bytes(let range)):
        let (domain, version) = try opset(range)
        if domain.isEmpty || domain == "ai.onnx" {
          guard opsets == 0 else {
            throw WireError(offset: range.lowerBound, message: "it names the default operator set twice")
          }
          opsets += 1
          model.opset = version
        }
      case (14, .bytes(let range)):
        // Metadata is only shown; what is too long to show is left out.
        guard model.metadata.count < 256, range.count <= Self.nameLimit else { break }
        model.metadata.append(try entry(range))
      default: break
      }
    }
    guard hasGraph else { throw WireError(offset: 0, message: "it holds no graph") }
    return model
  }

  private func opset(_ range: Range<Int>) throws(WireError) -> (String, Int64) {
    var domain = ""
    var version: Int64 = 0
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      switch (field.number, field.payload) {
      case (1, .bytes(let range)): domain = try string(range)
      case (2, .varint(let value)): version = Int64(bitPattern: value)
      default: break
      }
    }
    return (domain, version)
  }

  private func graph(_ range: Range<Int>) throws(WireError) -> OnnxGraph {
    var graph = OnnxGraph()
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      guard case .bytes(let part) = field.payload else { continue }
      switch field.number {
      case 1: graph.nodes.append(try node(part))
      case 2: graph.name = try string(part)
      case 5: graph.initializers.append(try tensor(part))
      case 11: graph.inputs.append(try valueInfo(part))
      case 12: graph.outputs.append(try valueInfo(part))
      case 15: throw WireError(offset: part.lowerBound, message: "sparse weights are not supported")
      default: break
      }
      guard max(graph.nodes.count, graph.initializers.count, graph.inputs.count, graph.outputs.count) <= Self.countLimit
      else { throw WireError(offset: part.lowerBound, message: "it has more than \(Self.countLimit) nodes or tensors") }
    }
    return graph
  }

  private func node(_ range: Range<Int>) throws(WireError) -> OnnxNode {
    var node = OnnxNode()
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      guard case .bytes(let part) = field.payload else { continue }
      switch field.number {
      case 1: node.inputs.append(try string(part))
      case 2: node.outputs.append(try string(part))
      case 3: node.name = try string(part)
      case 4: node.operation = try string(part)
      case 5:
        let (name, value) = try attribute(part)
        guard node.attributes.updateValue(value, forKey: name) == nil else {
          throw WireError(offset: part.lowerBound, message: "\(node.place) has the attribute \(name.quoted) twice")
        }
      case 7: node.domain = try string(part)
      default: break
      }
      guard node.inputs.count <= Self.countLimit, node.outputs.count <= Self.countLimit else {
        throw WireError(offset: part.lowerBound, message: "\(node.place) has too many inputs or outputs")
      }
    }
    return node
  }

  private func attribute(_ range: Range<Int>) throws(WireError) -> (String, OnnxAttribute) {
    var name = ""
    var value: OnnxAttribute?
    var floats: [Float] = []
    var integers: [Int64] = []
    var strings: [String] = []
    var declared: UInt64 = 0
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      switch (field.number, field.payload) {
      case (1, .bytes(let part)): name = try string(part)
      case (2, .fixed32(let bits)): value = .float(Float(bitPattern: bits))
      case (3, .varint(let bits)): value = .integer(Int64(bitPattern: bits))
      // A text longer than any name is nothing that a supported operator reads.
      case (4, .bytes(let part)): value = part.count > Self.nameLimit ? .other : .string(try string(part))
      case (5, .bytes(let part)): value = .tensor(try tensor(part))
      case (7, .fixed32(let bits)): floats.append(Float(bitPattern: bits))
      case (7, .bytes(let part)): try packedFloats(part, into: &floats)
      case (8, .varint(let bits)): integers.append(Int64(bitPattern: bits))
      case (8, .bytes(let part)): try packedIntegers(part, into: &integers)
      case (9, .bytes(let part)): strings.append(try string(part))
      case (20, .varint(let bits)): declared = bits
      case (6, _), (10, _), (11, _), (14, _), (15, _), (22, _), (23, _): value = .other
      default: break
      }
    }
    // proto3 leaves out zero and empty values; the declared type tells what was meant.
    switch declared {
    case 6: return (name, .floats(floats))
    case 7: return (name, .integers(integers))
    case 8: return (name, .strings(strings))
    case 1 where value == nil: return (name, .float(0))
    case 2 where value == nil: return (name, .integer(0))
    case 3 where value == nil: return (name, .string(""))
    default: break
    }
    if let value { return (name, value) }
    if !floats.isEmpty { return (name, .floats(floats)) }
    if !strings.isEmpty { return (name, .strings(strings)) }
    return (name, integers.isEmpty ? .other : .integers(integers))
  }

  private func tensor(_ range: Range<Int>) throws(WireError) -> OnnxTensor {
    var tensor = OnnxTensor()
    var floats: [Float] = []
    var doubles: [Double] = []
    var integers: [Int64] = []
    var raw: Range<Int>?
    var external: [(key: String, value: String)] = []
    var isExternal = false
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      switch (field.number, field.payload) {
      case (1, .varint(let bits)): tensor.shape.append(Int64(bitPattern: bits))
      case (1, .bytes(let part)): try packedIntegers(part, into: &tensor.shape)
      case (2, .varint(let bits)): tensor.type = Int64(bitPattern: bits)
      case (4, .fixed32(let bits)): floats.append(Float(bitPattern: bits))
      case (4, .bytes(let part)): try packedFloats(part, into: &floats)
      case (5, .varint(let bits)), (7, .varint(let bits)), (11, .varint(let bits)):
        integers.append(Int64(bitPattern: bits))
      case (5, .bytes(let part)), (7, .bytes(let part)), (11, .bytes(let part)):
        try packedIntegers(part, into: &integers)
      case (8, .bytes(let part)): tensor.name = try string(part)
      case (9, .bytes(let part)): raw = part
      case (10, .fixed64(let bits)): doubles.append(Double(bitPattern: bits))
      case (10, .bytes(let part)): try packedDoubles(part, into: &doubles)
      case (13, .bytes(let part)):
        guard external.count < 64 else {
          throw WireError(offset: part.lowerBound, message: "too many external entries")
        }
        external.append(try entry(part))
      case (14, .varint(let bits)): isExternal = bits == 1
      case (3, _): throw WireError(offset: range.lowerBound, message: "tensors in segments are not supported")
      default: break
      }
      guard tensor.shape.count <= HostTensor.rankLimit else {
        throw WireError(offset: range.lowerBound, message: "a tensor has more than \(HostTensor.rankLimit) dimensions")
      }
    }
    if isExternal {
      func value(_ key: String) -> String? { external.first { $0.key == key }?.value }
      tensor.storage = .external(location: value("location") ?? "", offset: value("offset"), length: value("length"))
    } else if let raw {
      tensor.storage = .raw(raw)
    } else if !floats.isEmpty {
      tensor.storage = .floats(floats)
    } else if !doubles.isEmpty {
      tensor.storage = .doubles(doubles)
    } else if !integers.isEmpty {
      tensor.storage = .integers(integers)
    }
    return tensor
  }

  private func valueInfo(_ range: Range<Int>) throws(WireError) -> OnnxValueInfo {
    var info = OnnxValueInfo()
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      guard case .bytes(let part) = field.payload else { continue }
      if field.number == 1 { info.name = try string(part) }
      guard field.number == 2 else { continue }
      var type = WireReader(bytes, range: part)
      while let field = try type.next() {
        // Field 1 is a tensor; sequences, maps and optionals keep type 0 and are refused where they are used.
        guard field.number == 1, case .bytes(let part) = field.payload else { continue }
        try tensorType(part, into: &info)
      }
    }
    return info
  }

  private func tensorType(_ range: Range<Int>, into info: inout OnnxValueInfo) throws(WireError) {
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      switch (field.number, field.payload) {
      case (1, .varint(let bits)): info.type = Int64(bitPattern: bits)
      case (2, .bytes(let part)):
        var shape: [OnnxValueInfo.Dimension] = []
        var dimensions = WireReader(bytes, range: part)
        while let field = try dimensions.next() {
          guard field.number == 1, case .bytes(let part) = field.payload else { continue }
          var dimension = OnnxValueInfo.Dimension.symbolic("")
          var content = WireReader(bytes, range: part)
          while let field = try content.next() {
            switch (field.number, field.payload) {
            case (1, .varint(let bits)): dimension = .fixed(Int64(bitPattern: bits))
            case (2, .bytes(let part)): dimension = .symbolic(try string(part))
            default: break
            }
          }
          shape.append(dimension)
          guard shape.count <= HostTensor.rankLimit else {
            throw WireError(
              offset: part.lowerBound, message: "a shape has more than \(HostTensor.rankLimit) dimensions")
          }
        }
        info.shape = shape
      default: break
      }
    }
  }

  private func entry(_ range: Range<Int>) throws(WireError) -> (key: String, value: String) {
    var key = ""
    var value = ""
    var reader = WireReader(bytes, range: range)
    while let field = try reader.next() {
      guard case .bytes(let part) = field.payload else { continue }
      if field.number == 1 { key = try string(part) }
      if field.number == 2 { value = try string(part) }
    }
    return (key, value)
  }

  private func string(_ range: Range<Int>) throws(WireError) -> String {
    guard range.count <= Self.nameLimit else {
      // Refused and not cut: a cut name could collide with another.
      throw WireError(
        offset: range.lowerBound, message: "a text of \(range.count) bytes is longer than \(Self.nameLimit)")
    }
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw WireError(offset: range.lowerBound, message: "a text is not UTF-8")
    }
    return text
  }

  private func packedIntegers(_ range: Range<Int>, into list: inout [Int64]) throws(WireError) {
    var reader = WireReader(bytes, range: range)
    while reader.position < reader.end { list.append(Int64(bitPattern: try reader.varint())) }
  }

  private func packedFloats(_ range: Range<Int>, into list: inout [Float]) throws(WireError) {
    guard range.count % 4 == 0 else { throw WireError(offset: range.lowerBound, message: "cut list of floats") }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
      list.append(Float(bitPattern: UInt32(truncatingIfNeeded: bytes.littleEndian(at: start, count: 4))))
    }
  }

  private func packedDoubles(_ range: Range<Int>, into list: inout [Double]) throws(WireError) {
    guard range.count % 8 == 0 else { throw WireError(offset: range.lowerBound, message: "cut list of doubles") }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
      list.append(Double(bitPattern: bytes.littleEndian(at: start, count: 8)))
    }
  }
}

extension [UInt8] {
  /// `count` bytes from `start` as an unsigned little-endian number; the caller has checked the range.
  func littleEndian(at start: Int, count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(self[start + index]) << UInt64(8 * index) }
    return value
  }
}
