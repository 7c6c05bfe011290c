/// One frame that the parser found whole and with the right check value. The pointers are valid until the parser is
/// used again.
public struct Frame: BitwiseCopyable {
  /// Who it is from (an answer) or for (an echo of a request); the broadcast id for the common answer to a fast read.
  public let id: UInt8
  /// DYNAMIXEL 2.0: the instruction, 0x55 in an answer. Elsewhere the byte in its place: an answer's status byte, or a
  /// request's instruction. Nothing in the frame tells these two apart.
  public let instruction: UInt8
  /// The answer's error or status byte; 0 in a DYNAMIXEL 2.0 request.
  public let status: UInt8
  /// The parameters, stuffing removed; of the common answer to a fast read, everything behind the first error byte.
  public let payload: UnsafePointer<UInt8>
  public let payloadCount: Int
  /// The frame as it was on the wire.
  public let raw: UnsafePointer<UInt8>
  public let rawCount: Int

  @_noLocks
  init(
    id: UInt8, instruction: UInt8, status: UInt8, payload: UnsafePointer<UInt8>, payloadCount: Int,
    raw: UnsafePointer<UInt8>, rawCount: Int
  ) {
    self.id = id
    self.instruction = instruction
    self.status = status
    self.payload = payload
    self.payloadCount = payloadCount
    self.raw = raw
    self.rawCount = rawCount
  }

  /// Whether the frame is, byte for byte, the same as `count` bytes at `bytes`.
  @_noLocks
  public func isEqual(to bytes: UnsafePointer<UInt8>, count: Int) -> Bool {
    guard count == rawCount else { return false }
    for index in 0..<count where raw[index] != bytes[index] { return false }
    return true
  }
}

/// What a parser has met since it was made. All counts only grow.
public struct ParserCounters: Sendable, BitwiseCopyable, Equatable {
  /// Whole frames with the right check value.
  public var frames: UInt64 = 0
  /// Bytes that belong to no whole frame.
  public var garbageBytes: UInt64 = 0
  /// Frames whose check value was wrong.
  public var checksumErrors: UInt64 = 0
  /// Frames that ended too early.
  public var shortFrames: UInt64 = 0
  /// DYNAMIXEL 2.0 frames with the right check value but wrong stuffing.
  public var malformedFrames: UInt64 = 0

  @_noLocks
  public init() {}

  @_noLocks
  public static func == (a: ParserCounters, b: ParserCounters) -> Bool {
    a.frames == b.frames && a.garbageBytes == b.garbageBytes && a.checksumErrors == b.checksumErrors
      && a.shortFrames == b.shortFrames && a.malformedFrames == b.malformedFrames
  }
}
