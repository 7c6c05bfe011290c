/// Puts one frame into a caller's buffer byte by byte: header, length, stuffing and check value included.
struct FrameWriter {
  private let base: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private let isSecondGeneration: Bool
  /// Bytes written, or that would have been written.
  private var count = 0
  /// How much of FF FF FD the last parameters end with; DYNAMIXEL 2.0 inserts FD behind a whole one.
  private var matched = 0

  /// Starts a frame. `buffer` may be empty, then `finish` fails.
  @_noLocks
  init(_ wire: WireProtocol, id: UInt8, instruction: UInt8, into buffer: UnsafeMutableBufferPointer<UInt8>)
    throws(EncodingError)
  {
    guard let start = buffer.baseAddress else { throw .bufferTooSmall }
    base = start
    capacity = buffer.count
    isSecondGeneration = wire.isSecondGeneration
    raw(0xFF)
    raw(0xFF)
    if isSecondGeneration {
      raw(0xFD)
      raw(0x00)
    }
    raw(id)
    raw(0)
    if isSecondGeneration { raw(0) }
    put(instruction)
  }

  @_noLocks
  private mutating func raw(_ byte: UInt8) {
    if count < capacity { base[count] = byte }
    count &+= 1
  }

  /// One byte of the instruction or a parameter.
  @_noLocks
  mutating func put(_ byte: UInt8) {
    raw(byte)
    guard isSecondGeneration else { return }
    switch (matched, byte) {
    case (0, 0xFF), (1, 0xFF): matched &+= 1
    case (2, 0xFF): break
    case (2, 0xFD):
      raw(0xFD)
      matched = 0
    default: matched = 0
    }
  }

  /// An address or a length of a request: two bytes in DYNAMIXEL 2.0, one elsewhere.
  @_noLocks
  mutating func putWord(_ value: Int) throws(EncodingError) {
    guard value >= 0, value <= (isSecondGeneration ? 0xFFFF : 0xFF) else { throw .addressOutOfRange }
    put(UInt8(truncatingIfNeeded: value))
    if isSecondGeneration { put(UInt8(truncatingIfNeeded: value >> 8)) }
  }

  @_noLocks
  mutating func put(_ bytes: UnsafePointer<UInt8>, count: Int) {
    for index in 0..<count { put(bytes[index]) }
  }

  /// Writes length and check value; returns the frame's length in bytes.
  @_noLocks
  mutating func finish() throws(EncodingError) -> Int {
    if isSecondGeneration {
      let length = count &- 7 &+ 2
      guard length <= 0xFFFF else { throw .frameTooLong }
      guard count &+ 2 <= capacity else { throw .bufferTooSmall }
      base[5] = UInt8(truncatingIfNeeded: length)
      base[6] = UInt8(truncatingIfNeeded: length >> 8)
      let crc = Checksum.crc16(UnsafePointer(base), count: count)
      raw(UInt8(truncatingIfNeeded: crc))
      raw(UInt8(truncatingIfNeeded: crc >> 8))
    } else {
      let length = count &- 4 &+ 1
      guard length <= 0xFF else { throw .frameTooLong }
      guard count &+ 1 <= capacity else { throw .bufferTooSmall }
      base[3] = UInt8(truncatingIfNeeded: length)
      raw(Checksum.complementedSum(UnsafePointer(base + 2), count: count &- 2))
    }
    return count
  }
}
