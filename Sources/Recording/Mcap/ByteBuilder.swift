/// Appends little-endian fields to a growing byte array.
struct ByteBuilder {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ map: [String: String]) {
    patched32 { builder in
      for (key, value) in map.sorted(by: { $0.key < $1.key }) {
        builder.append(key)
        builder.append(value)
      }
    }
  }

  mutating func append(_ map: [UInt16: UInt64]) {
    patched32 { builder in
      for (key, value) in map.sorted(by: { $0.key < $1.key }) {
        builder.append(key)
        builder.append(value)
      }
    }
  }

  /// A u32 byte length, then what `body` appends.
  mutating func patched32(_ body: (inout ByteBuilder) -> Void) {
    let start = bytes.count
    append(UInt32(0))
    body(&self)
    let length = UInt32(bytes.count - start - 4)
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, toByteOffset: start, as: UInt32.self) }
  }

  /// A record: opcode, u64 length, then what `body` appends.
  mutating func record(_ opcode: McapOpcode, _ body: (inout ByteBuilder) -> Void) {
    bytes.append(opcode.rawValue)
    let start = bytes.count
    append(UInt64(0))
    body(&self)
    let length = UInt64(bytes.count - start - 8)
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, toByteOffset: start, as: UInt64.self) }
  }
}
