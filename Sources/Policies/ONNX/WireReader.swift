/// One field of a protobuf message.
struct WireField {
  /// The payload by wire type; `bytes` is a range of the reader's buffer.
  enum Payload {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(Range<Int>)
    case fixed32(UInt32)
  }
  var number: Int
  var payload: Payload
}

/// What is wrong with a protobuf message, and at which byte of the file.
struct WireError: Error {
  var offset: Int
  var message: String
}

/// Reads protobuf's wire format field by field out of a range of bytes. No length is trusted: each is checked against
/// the enclosing message before use. Nothing recurses; nested messages are read by a reader over their range.
///
/// Source: Protocol Buffers, "Encoding" (wire types 0, 1, 2 and 5; groups are refused).
struct WireReader {
  let bytes: [UInt8]
  private(set) var position: Int
  let end: Int

  /// A reader over the whole buffer.
  init(_ bytes: [UInt8]) {
    self.init(bytes, range: 0..<bytes.count)
  }

  /// A reader over one message; the range must lie in the buffer.
  init(_ bytes: [UInt8], range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end of the message.
  mutating func next() throws(WireError) -> WireField? {
    guard position < end else { return nil }
    let start = position
    let key = try varint()
    guard key >> 3 >= 1, key >> 3 <= 536_870_911 else {
      throw WireError(offset: start, message: "field number \(key >> 3) is not valid")
    }
    let number = Int(key >> 3)
    switch key & 7 {
    case 0: return WireField(number: number, payload: .varint(try varint()))
    case 1: return WireField(number: number, payload: .fixed64(try fixed(8)))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - position) else {
        throw WireError(
          offset: start, message: "field \(number) claims \(length) bytes, but only \(end - position) are left")
      }
      let range = position..<(position + Int(length))
      position = range.upperBound
      return WireField(number: number, payload: .bytes(range))
    case 5: return WireField(number: number, payload: .fixed32(UInt32(truncatingIfNeeded: try fixed(4))))
    default:
      throw WireError(offset: start, message: "field \(number) has the wire type \(key & 7), which is not supported")
    }
  }

  /// One base-128 number of at most ten bytes.
  mutating func varint() throws(WireError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = bytes[position]
      position += 1
      if shift == 63, byte > 1 { throw WireError(offset: start, message: "number is longer than 64 bits") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw WireError(offset: start, message: "the file ends inside a number")
  }

  private mutating func fixed(_ count: Int) throws(WireError) -> UInt64 {
    guard end - position >= count else {
      throw WireError(offset: position, message: "the file ends inside a \(count)-byte number")
    }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
    position += count
    return value
  }
}
