/// What stands between the framing: type, sequence, payload and CRC of one message. Empty when made.
///
/// `firmware-protocol/PROTOCOL.md` is the text that all of this module follows. Nothing here allocates, locks, does I/O
/// or knows a clock; the same sources compile as Embedded Swift.
public struct FrameBody: BitwiseCopyable, Sendable {
  var bytes = InlineArray<96, UInt8>(repeating: 0)
  /// How many bytes, the CRC included once it is there.
  public internal(set) var count = 0

  @_noLocks
  public init() {}

  /// The message's type; bit 7 says that a board sent it.
  public var type: UInt8 { @_noLocks get { bytes[0] } }
  /// The message's sequence.
  public var sequence: UInt8 { @_noLocks get { bytes[1] } }
  /// Bytes of payload in a whole frame.
  public var payloadCount: Int { @_noLocks get { count < 4 ? 0 : count - 4 } }
  /// The CRC in a whole frame.
  var crc: UInt16 { @_noLocks get { count < 2 ? 0 : word(at: count - 2) } }

  /// One byte of the payload.
  @_noLocks
  public func payloadByte(_ index: Int) -> UInt8 { bytes[index + 2] }

  @_noLocks
  func word(at offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }

  /// Begins a message.
  @_noLocks
  public mutating func begin(_ type: UInt8, _ sequence: UInt8) {
    bytes[0] = type
    bytes[1] = sequence
    count = 2
  }

  /// Adds a byte. There is always room: the longest message of the schema fits.
  @_noLocks
  public mutating func append8(_ value: UInt8) {
    bytes[count] = value
    count += 1
  }

  /// Adds two bytes, the lower first.
  @_noLocks
  public mutating func append16(_ value: UInt16) {
    append8(UInt8(truncatingIfNeeded: value))
    append8(UInt8(truncatingIfNeeded: value >> 8))
  }

  /// Adds four bytes, the lowest first.
  @_noLocks
  public mutating func append32(_ value: UInt32) {
    append16(UInt16(truncatingIfNeeded: value))
    append16(UInt16(truncatingIfNeeded: value >> 16))
  }

  /// Adds eight bytes, the lowest first.
  @_noLocks
  public mutating func append64(_ value: UInt64) {
    append32(UInt32(truncatingIfNeeded: value))
    append32(UInt32(truncatingIfNeeded: value >> 32))
  }

  /// Ends a message with its CRC.
  @_noLocks
  public mutating func seal() { append16(WireChecksum.of(self, count: count)) }
}

/// Reads a payload from its front. Past its end everything is 0, and `isAtEnd` says no.
struct PayloadReader {
  private var offset = 0

  @_noLocks
  init() {}

  /// Bytes not read yet.
  @_noLocks
  func rest(_ body: borrowing FrameBody) -> Int { body.payloadCount - offset }

  /// Whether the payload was read to its last byte and no further.
  @_noLocks
  func isAtEnd(of body: borrowing FrameBody) -> Bool { offset == body.payloadCount }

  /// Whether the payload had all that was read; a newer version may have added to it.
  @_noLocks
  func isWithin(_ body: borrowing FrameBody) -> Bool { offset <= body.payloadCount }

  @_noLocks
  mutating func read8(_ body: borrowing FrameBody) -> UInt8 {
    let value = offset < body.payloadCount ? body.payloadByte(offset) : 0
    offset += 1
    return value
  }

  @_noLocks
  mutating func read16(_ body: borrowing FrameBody) -> UInt16 {
    let low = UInt16(read8(body))
    return low | UInt16(read8(body)) << 8
  }

  @_noLocks
  mutating func read32(_ body: borrowing FrameBody) -> UInt32 {
    let low = UInt32(read16(body))
    return low | UInt32(read16(body)) << 16
  }

  @_noLocks
  mutating func read64(_ body: borrowing FrameBody) -> UInt64 {
    let low = UInt64(read32(body))
    return low | UInt64(read32(body)) << 32
  }
}
