/// Turns the tensors of a model file into elements, reading files beside it where the model says so.
struct TensorDecoder {
  private let model: OnnxModel
  private let folder: ClosedFolder
  /// External files already read, by their name in the model.
  private var twins: [String: [UInt8]] = [:]

  init(model: OnnxModel) {
    self.model = model
    folder = .holding(model.file)
  }

  /// Names of the external files read so far, in alphabetical order.
  var externalFiles: [String] { twins.keys.sorted() }

  /// The tensor's elements.
  /// - Throws: wrong sizes, unknown types, NaN or infinite weights, unreadable external files.
  mutating func decode(_ tensor: OnnxTensor, place: String? = nil) throws(PolicyError) -> HostTensor {
    let place = place ?? "tensor \(tensor.name.quoted)"
    func failure(_ code: PolicyError.Code, _ message: String, suggestion: String? = nil) -> PolicyError {
      PolicyError(code, file: model.file, place: place, message, suggestion: suggestion)
    }
    var shape: [Int] = []
    for size in tensor.shape {
      guard size >= 0, size <= HostTensor.elementLimit else { throw failure(.malformed, "has the dimension \(size)") }
      shape.append(Int(size))
    }
    guard let count = Shape.count(shape) else {
      throw failure(.malformed, "has more than \(HostTensor.elementLimit) elements")
    }
    let result: HostTensor
    switch tensor.storage {
    case .none:
      guard count == 0 else { throw failure(.malformed, "has the shape \(shape), but no data") }
      result = HostTensor(floats: [], shape: shape)
    case .raw(let range):
      result = try Self.decode(model.bytes, range, type: tensor.type, shape: shape, count: count, failure)
    case .external(let location, let offset, let length):
      let bytes = try twin(location, place: place)
      guard let width = Self.width(tensor.type) else {
        throw failure(.unsupported, "has the element type \(OnnxElementType.name(tensor.type))")
      }
      guard let start = Self.number(offset ?? "0") else {
        throw failure(.malformed, "has a bad offset into \(location.quoted)")
      }
      guard let size = Self.number(length ?? String(count * width)) else {
        throw failure(.malformed, "has a bad length in \(location.quoted)")
      }
      guard size == count * width else {
        throw failure(.malformed, "needs \(count * width) bytes, but takes \(size) of \(location.quoted)")
      }
      guard start <= bytes.count, size <= bytes.count - start else {
        throw failure(
          .malformed, "takes bytes \(start) to \(start + size) of \(location.quoted), which has only \(bytes.count)",
          suggestion: "copy the file again, it is cut or belongs to another model")
      }
      result = try Self.decode(bytes, start..<(start + size), type: tensor.type, shape: shape, count: count, failure)
    case .floats(let values):
      guard values.count == count else {
        throw failure(.malformed, "has \(values.count) elements for the shape \(shape)")
      }
      result = HostTensor(floats: values, shape: shape)
    case .doubles(let values):
      guard values.count == count else {
        throw failure(.malformed, "has \(values.count) elements for the shape \(shape)")
      }
      result = HostTensor(floats: values.map { Float($0) }, shape: shape)
    case .integers(let values):
      guard values.count == count else {
        throw failure(.malformed, "has \(values.count) elements for the shape \(shape)")
      }
      switch tensor.type {
      case OnnxElementType.float16:
        result = HostTensor(floats: values.map { HalfFloat.float16(UInt16(truncatingIfNeeded: $0)) }, shape: shape)
      case OnnxElementType.bfloat16:
        result = HostTensor(floats: values.map { HalfFloat.bfloat16(UInt16(truncatingIfNeeded: $0)) }, shape: shape)
      case OnnxElementType.bool:
        result = HostTensor(integers: values.map { $0 == 0 ? 0 : 1 }, shape: shape, kind: .boolean)
      default: result = HostTensor(integers: values, shape: shape)
      }
    }
    if let bad = result.floats.firstIndex(where: { !$0.isFinite }) {
      throw failure(
        .notFinite, "element \(bad) is \(result.floats[bad]), not a finite number",
        suggestion: "the training diverged or the file is damaged: take an earlier checkpoint")
    }
    return result
  }

  private mutating func twin(_ location: String, place: String) throws(PolicyError) -> [UInt8] {
    if let bytes = twins[location] { return bytes }
    let path = try folder.resolve(
      location, namedBy: model.file, place: place,
      ifMissing: "copy the external data \(location.quoted) together with the model")
    let used = twins.values.reduce(0) { $0 + $1.count }
    let bytes = try FileBytes.read(path, limit: FileBytes.modelLimit - used)
    twins[location] = bytes
    return bytes
  }

  /// Decimal digits only: "+1", " 1" and "0x1" are no offsets.
  private static func number(_ text: String) -> Int? {
    guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int(text)
  }

  private static func width(_ type: Int64) -> Int? {
    switch type {
    case OnnxElementType.float, OnnxElementType.int32, OnnxElementType.uint32: 4
    case OnnxElementType.double, OnnxElementType.int64, OnnxElementType.uint64: 8
    case OnnxElementType.float16, OnnxElementType.bfloat16, OnnxElementType.int16, OnnxElementType.uint16: 2
    case OnnxElementType.bool, OnnxElementType.int8, OnnxElementType.uint8: 1
    default: nil
    }
  }

  private static func decode(
    _ bytes: [UInt8], _ range: Range<Int>, type: Int64, shape: [Int], count: Int,
    _ failure: (PolicyError.Code, String, String?) -> PolicyError
  ) throws(PolicyError) -> HostTensor {
    guard let width = width(type) else {
      throw failure(.unsupported, "has the element type \(OnnxElementType.name(type))", nil)
    }
    guard range.count == count * width else {
      throw failure(.malformed, "has \(range.count) bytes, but the shape \(shape) needs \(count * width)", nil)
    }
    func bits(_ index: Int) -> UInt64 { bytes.littleEndian(at: range.lowerBound + index * width, count: width) }
    switch type {
    case OnnxElementType.float:
      let floats = bytes.withUnsafeBytes { raw in
        (0..<count).map { index in
          let pattern = raw.loadUnaligned(fromByteOffset: range.lowerBound + 4 * index, as: UInt32.self)
          return Float(bitPattern: UInt32(littleEndian: pattern))
        }
      }
      return HostTensor(floats: floats, shape: shape)
    case OnnxElementType.double:
      return HostTensor(floats: (0..<count).map { Float(Double(bitPattern: bits($0))) }, shape: shape)
    case OnnxElementType.float16:
      return HostTensor(
        floats: (0..<count).map { HalfFloat.float16(UInt16(truncatingIfNeeded: bits($0))) }, shape: shape)
    case OnnxElementType.bfloat16:
      return HostTensor(
        floats: (0..<count).map { HalfFloat.bfloat16(UInt16(truncatingIfNeeded: bits($0))) }, shape: shape)
    case OnnxElementType.bool:
      return HostTensor(integers: (0..<count).map { bits($0) == 0 ? 0 : 1 }, shape: shape, kind: .boolean)
    case OnnxElementType.int8, OnnxElementType.int16, OnnxElementType.int32:
      // Sign extension: shift the top bit of the element to the top of 64 bits and back.
      let shift = UInt64(64 - 8 * width)
      return HostTensor(
        integers: (0..<count).map { Int64(bitPattern: bits($0) << shift) >> Int64(shift) }, shape: shape)
    default:
      return HostTensor(integers: (0..<count).map { Int64(bitPattern: bits($0)) }, shape: shape)
    }
  }
}

/// The two 16-bit float formats of weight files.
enum HalfFloat {
  /// IEEE 754 binary16.
  static func float16(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1f
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0:
      let magnitude = Float(fraction) * 0x1p-24
      return sign == 0 ? magnitude : -magnitude
    case 31: return Float(bitPattern: sign | 0x7f80_0000 | (fraction << 13))
    default: return Float(bitPattern: sign | ((exponent + 112) << 23) | (fraction << 13))
    }
  }

  /// The upper half of a binary32.
  static func bfloat16(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
