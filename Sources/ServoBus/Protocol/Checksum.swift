/// The check values of the protocols.
public enum Checksum {
  /// One more byte of DYNAMIXEL 2.0's CRC: 16 bit, polynomial 0x8005, initial value 0, not reflected, no final
  /// exclusive or (CRC-16/UMTS). Without a table: the contribution of a byte to this polynomial is its shifted bits plus
  /// its parity times 0x8003.
  @_noLocks
  public static func crc16(_ crc: UInt16, _ byte: UInt8) -> UInt16 {
    let top = (crc >> 8) ^ UInt16(byte)
    var parity = top ^ (top >> 4)
    parity ^= parity >> 2
    parity = (parity ^ (parity >> 1)) & 1
    return (crc << 8) ^ (top << 1) ^ (top << 2) ^ (parity &* 0x8003)
  }

  /// The CRC of `count` bytes.
  @_noLocks
  public static func crc16(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt16 {
    var crc: UInt16 = 0
    for index in 0..<count { crc = crc16(crc, bytes[index]) }
    return crc
  }

  /// The check byte of all other frames: the complement of the sum of `count` bytes (id to last parameter).
  @_noLocks
  public static func complementedSum(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt8 {
    var sum: UInt8 = 0
    for index in 0..<count { sum = sum &+ bytes[index] }
    return ~sum
  }
}
