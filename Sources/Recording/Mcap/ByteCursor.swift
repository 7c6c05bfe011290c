/// Reads little-endian fields from the content of one record, never beyond its end.
struct ByteCursor {
  let bytes: UnsafeRawBufferPointer
  /// What is read, for errors.
  let record: String
  /// File offset of the record, for errors.
  let origin: UInt64
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer, record: String, origin: UInt64) {
    self.bytes = bytes
    self.record = record
    self.origin = origin
  }

  var remaining: Int { bytes.count - position }

  func failure(_ field: String) -> McapError { McapError(.malformed(record: record, field: field), at: origin) }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, _ field: String) throws(McapError) -> T
  {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw failure(field) }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: T.self)
    position += size
    return T(littleEndian: value)
  }

  mutating func slice(_ count: UInt64, _ field: String) throws(McapError) -> UnsafeRawBufferPointer {
    guard count <= UInt64(remaining) else { throw failure(field) }
    let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
    position += Int(count)
    return slice
  }

  mutating func rest() -> UnsafeRawBufferPointer {
    let slice = UnsafeRawBufferPointer(rebasing: bytes[position...])
    position = bytes.count
    return slice
  }

  mutating func string(_ field: String) throws(McapError) -> String {
    let count = try integer(UInt32.self, field)
    let text = try slice(UInt64(count), field)
    guard let string = String(validating: text, as: UTF8.self) else { throw failure(field + " is not UTF-8") }
    return string
  }

  /// A field that is a u32 byte length and that many bytes of entries.
  mutating func entries(_ field: String) throws(McapError) -> ByteCursor {
    let count = try integer(UInt32.self, field)
    return ByteCursor(try slice(UInt64(count), field), record: record + " " + field, origin: origin)
  }

  mutating func textMap(_ field: String) throws(McapError) -> [String: String] {
    var cursor = try entries(field)
    var map: [String: String] = [:]
    while cursor.remaining > 0 {
      let key = try cursor.string("key")
      map[key] = try cursor.string("value")
    }
    return map
  }

  mutating func countMap(_ field: String) throws(McapError) -> [UInt16: UInt64] {
    var cursor = try entries(field)
    var map: [UInt16: UInt64] = [:]
    while cursor.remaining > 0 {
      let key = try cursor.integer(UInt16.self, "key")
      map[key] = try cursor.integer(UInt64.self, "value")
    }
    return map
  }
}
