/// A weight file in the safetensors format: an 8-byte little-endian header length, a JSON header, the elements.
///
/// Source: huggingface/safetensors, README, "Format". Offsets must tile the data: no overlap, no hole, nothing beyond.
struct SafetensorsFile: Sendable {
  /// Longest header that is read.
  static let headerLimit = 16 << 20

  /// One tensor's place in the file.
  struct Entry: Sendable {
    var type: String
    var shape: [Int]
    /// In the file.
    var range: Range<Int>
  }
  private let file: String
  private let bytes: [UInt8]
  /// The tensors by name.
  let entries: [String: Entry]
  /// The text pairs under `__metadata__`.
  let metadata: [String: String]

  /// Parses a file's bytes.
  init(_ bytes: [UInt8], file: String) throws(PolicyError) {
    func malformed(_ message: String, place: String? = nil) -> PolicyError {
      PolicyError(
        .malformed, file: file, place: place, "is not a valid safetensors file: \(message)",
        suggestion: "export or download it again")
    }
    guard bytes.count >= 8 else { throw malformed("it has only \(bytes.count) bytes") }
    let length = bytes.littleEndian(at: 0, count: 8)
    guard length <= UInt64(min(Self.headerLimit, bytes.count - 8)) else {
      throw malformed("its header claims \(length) bytes, the file has \(bytes.count)")
    }
    let start = 8 + Int(length)
    let header: JSONValue
    do throws(JSONError) {
      header = try JSONReader.parse(bytes[8..<start])
    } catch {
      throw malformed("its header is not JSON: \(error.message)", place: "byte \(error.offset)")
    }
    guard case .object(let table) = header else { throw malformed("its header is no object") }

    var entries: [String: Entry] = [:]
    var metadata: [String: String] = [:]
    for (name, value) in table {
      if name == "__metadata__" {
        guard case .object(let pairs) = value else { throw malformed("its metadata is no object") }
        for (key, value) in pairs {
          guard case .string(let text) = value else { throw malformed("its metadata \(key.quoted) is no text") }
          metadata[key] = text
        }
        continue
      }
      let place = "tensor \(name.quoted)"
      guard case .object(let fields) = value, case .string(let type)? = fields["dtype"],
        case .array(let sizes)? = fields["shape"], case .array(let offsets)? = fields["data_offsets"],
        offsets.count == 2, case .integer(let first) = offsets[0], case .integer(let last) = offsets[1]
      else { throw malformed("dtype, shape or data_offsets is missing or wrong", place: place) }
      var shape: [Int] = []
      for size in sizes {
        guard case .integer(let size) = size else { throw malformed("its shape is no list of integers", place: place) }
        shape.append(size)
      }
      guard let count = Shape.count(shape) else {
        throw malformed("its shape \(shape.prefix(16)) is not usable", place: place)
      }
      guard first >= 0, first <= last, last <= bytes.count - start else {
        throw malformed(
          "it takes bytes \(first) to \(last), but there are \(bytes.count - start)", place: place)
      }
      guard let width = Self.width(type) else {
        throw PolicyError(
          .unsupported, file: file, place: place, "has the dtype \(type.quoted)",
          suggestion: "save it as F32, F64, F16 or BF16")
      }
      guard last - first == count * width else {
        throw malformed("it has \(last - first) bytes, but \(shape) needs \(count * width)", place: place)
      }
      entries[name] = Entry(type: type, shape: shape, range: (start + first)..<(start + last))
    }
    var end = start
    for (name, entry) in entries.sorted(by: {
      ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound)
    }) {
      guard entry.range.lowerBound == end else {
        let fault = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves bytes before it unused"
        throw malformed(fault, place: "tensor \(name.quoted)")
      }
      end = entry.range.upperBound
    }
    guard end == bytes.count else { throw malformed("\(bytes.count - end) bytes at its end belong to no tensor") }
    self.file = file
    self.bytes = bytes
    self.entries = entries
    self.metadata = metadata
  }

  /// A tensor's elements; NaN and infinity are refused.
  func tensor(_ name: String) throws(PolicyError) -> HostTensor {
    let place = "tensor \(name.quoted)"
    guard let entry = entries[name] else {
      throw PolicyError(
        .configuration, file: file, place: place, "is not in the file",
        suggestion: "it has \(entries.keys.sorted().prefix(12).map(\.quoted).joined(separator: ", "))")
    }
    let count = entry.shape.reduce(1, *)
    let width = Self.width(entry.type) ?? 4
    let floats = (0..<count).map { index in
      let bits = bytes.littleEndian(at: entry.range.lowerBound + index * width, count: width)
      switch entry.type {
      case "F64": return Float(Double(bitPattern: bits))
      case "F16": return HalfFloat.float16(UInt16(truncatingIfNeeded: bits))
      case "BF16": return HalfFloat.bfloat16(UInt16(truncatingIfNeeded: bits))
      default: return Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      }
    }
    if let bad = floats.firstIndex(where: { !$0.isFinite }) {
      throw PolicyError(
        .notFinite, file: file, place: place, "element \(bad) is \(floats[bad]), not a finite number",
        suggestion: "the training diverged or the file is damaged: take an earlier checkpoint")
    }
    return HostTensor(floats: floats, shape: entry.shape)
  }

  private static func width(_ type: String) -> Int? {
    switch type {
    case "F32": 4
    case "F64": 8
    case "F16", "BF16": 2
    default: nil
    }
  }
}
