/// CRC-16 with polynomial 0x1021 and initial value 0xFFFF, not reflected, no final exclusive or (CRC-16/IBM-3740).
///
/// The seed, made of the schema's hash, goes in first, so that peers of different versions read nothing of each other.
/// The messages of the handshake (the lower seven bits of their type are below 0x10) leave it out.
enum WireChecksum {
  /// One more byte. The polynomial has so few terms that a byte's contribution is four shifts and no table.
  @_noLocks
  static func crc16(_ crc: UInt16, _ byte: UInt8) -> UInt16 {
    var x = UInt8(truncatingIfNeeded: crc >> 8) ^ byte
    x ^= x >> 4
    let wide = UInt16(x)
    return crc << 8 ^ wide << 12 ^ wide << 5 ^ wide
  }

  /// The CRC of a body's first `count` bytes.
  @_noLocks
  static func of(_ body: borrowing FrameBody, count: Int) -> UInt16 {
    var crc: UInt16 = 0xFFFF
    if body.type & 0x7F >= 0x10 {
      crc = crc16(crc, UInt8(truncatingIfNeeded: WireSchema.seed))
      crc = crc16(crc, UInt8(truncatingIfNeeded: WireSchema.seed >> 8))
    }
    for index in 0..<count { crc = crc16(crc, body.bytes[index]) }
    return crc
  }
}
