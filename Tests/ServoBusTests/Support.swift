import ServoBus
import TestSupport

/// Bytes written as in the manuals: "FF FF 01".
func hex(_ text: String) -> [UInt8] {
  text.split(whereSeparator: { $0 == " " || $0 == "\n" }).compactMap { UInt8($0, radix: 16) }
}

func hexText(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
}

/// A request as an array, for comparison.
func encoded(
  capacity: Int = 600, _ body: (UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int
) throws(EncodingError) -> [UInt8] {
  let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
  defer { buffer.deallocate() }
  let count = try body(buffer)
  return Array(buffer[..<count])
}

extension RequestEncoder {
  func write(_ id: UInt8, _ address: Int, _ bytes: [UInt8], registered: Bool = false) throws(EncodingError) -> [UInt8] {
    try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingError) in
      try encoded { (out) throws(EncodingError) in
        try write(id, address: address, bytes: bytes, registered: registered, into: out)
      }
    }
  }
  func syncRead(_ ids: [UInt8], _ address: Int, _ count: Int, fast: Bool = false) throws(EncodingError) -> [UInt8] {
    try ids.withUnsafeBufferPointer { (ids) throws(EncodingError) in
      try encoded { (out) throws(EncodingError) in
        try syncRead(ids: ids, address: address, count: count, fast: fast, into: out)
      }
    }
  }
  func syncWrite(_ ids: [UInt8], _ address: Int, _ count: Int, _ data: [UInt8]) throws(EncodingError) -> [UInt8] {
    try ids.withUnsafeBufferPointer { (ids) throws(EncodingError) in
      try data.withUnsafeBufferPointer { (data) throws(EncodingError) in
        guard let start = data.baseAddress else { throw .nothingToDo }
        return try encoded { (out) throws(EncodingError) in
          try syncWrite(ids: ids, address: address, count: count, data: start, into: out)
        }
      }
    }
  }
  func bulkRead(_ items: [BulkItem], fast: Bool = false) throws(EncodingError) -> [UInt8] {
    try items.withUnsafeBufferPointer { (items) throws(EncodingError) in
      try encoded { (out) throws(EncodingError) in try bulkRead(items, fast: fast, into: out) }
    }
  }
  func bulkWrite(_ items: [BulkItem], _ data: [UInt8]) throws(EncodingError) -> [UInt8] {
    try items.withUnsafeBufferPointer { (items) throws(EncodingError) in
      try data.withUnsafeBufferPointer { (data) throws(EncodingError) in
        guard let start = data.baseAddress else { throw .nothingToDo }
        return try encoded { (out) throws(EncodingError) in try bulkWrite(items, data: start, into: out) }
      }
    }
  }
}

/// The CRC of bytes, by the library.
func crc16(_ bytes: [UInt8]) -> UInt16? {
  bytes.withUnsafeBufferPointer { buffer in
    buffer.baseAddress.map { Checksum.crc16($0, count: buffer.count) }
  }
}

/// What a test keeps of a frame.
struct Seen: Equatable, CustomStringConvertible {
  var id: UInt8
  var instruction: UInt8
  var status: UInt8
  var payload: [UInt8]
  var raw: [UInt8]

  init(_ frame: Frame) {
    id = frame.id
    instruction = frame.instruction
    status = frame.status
    payload = Array(UnsafeBufferPointer(start: frame.payload, count: frame.payloadCount))
    raw = Array(UnsafeBufferPointer(start: frame.raw, count: frame.rawCount))
  }

  var description: String { "id \(id) status \(status) [\(hexText(payload))]" }
}

extension FrameParser {
  mutating func feed(_ bytes: some Sequence<UInt8>) -> Int {
    Array(bytes).withUnsafeBufferPointer { feed($0) }
  }

  mutating func frames(isFinal: Bool = false) -> [Seen] {
    var result: [Seen] = []
    while let frame = next(isFinal: isFinal) { result.append(Seen(frame)) }
    return result
  }
}

/// All frames in `bytes`, fed at once.
func frames(_ wire: WireProtocol, _ bytes: [UInt8], maximumFrame: Int = 512) -> [Seen] {
  var parser = FrameParser(wire, maximumFrame: maximumFrame)
  var result: [Seen] = []
  var rest = bytes[...]
  while !rest.isEmpty {
    rest = rest.dropFirst(parser.feed(rest))
    result += parser.frames()
  }
  return result + parser.frames(isFinal: true)
}
