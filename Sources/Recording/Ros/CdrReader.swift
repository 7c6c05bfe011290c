/// Decodes CDR (XCDR1), either byte order, never beyond the message's end.
struct CdrReader {
  private let bytes: UnsafeRawBufferPointer
  private let isLittleEndian: Bool
  private var position = 4

  /// - Parameter bytes: the message with its 4-byte header.
  init(_ bytes: UnsafeRawBufferPointer) throws(MessageError) {
    guard bytes.count >= 4 else { throw MessageError("CDR", "\(bytes.count) bytes, too short for the header") }
    guard bytes[0] == 0, bytes[1] <= 1 else {
      throw MessageError("CDR", "representation \(bytes[0]) \(bytes[1]) is not plain CDR")
    }
    isLittleEndian = bytes[1] == 1
    self.bytes = bytes
  }

  var remaining: Int { bytes.count - position }

  private mutating func align(_ size: Int) {
    position = min(bytes.count, position + (size - (position - 4) % size) % size)
  }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type, _ field: String
  ) throws(MessageError) -> T {
    let size = MemoryLayout<T>.size
    align(size)
    guard remaining >= size else { throw MessageError(field, "the message ends before it") }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: T.self)
    position += size
    return isLittleEndian ? T(littleEndian: value) : T(bigEndian: value)
  }

  mutating func string(_ field: String) throws(MessageError) -> String {
    let count = try integer(UInt32.self, field)
    guard count <= UInt32(clamping: remaining) else {
      throw MessageError(field, "text of \(count) bytes, \(remaining) left")
    }
    var text = bytes[position..<position + Int(count)]
    position += Int(count)
    if text.last == 0 { text.removeLast() }
    guard let string = String(validating: text, as: UTF8.self) else { throw MessageError(field, "not UTF-8") }
    return string
  }

  /// The element count of a sequence. Every element takes at least a byte, so more elements than bytes is an error.
  mutating func count(_ field: String) throws(MessageError) -> Int {
    let count = try integer(UInt32.self, field)
    guard Int(count) <= remaining else {
      throw MessageError(field, "\(count) elements announced, \(remaining) bytes left")
    }
    return Int(count)
  }
}
