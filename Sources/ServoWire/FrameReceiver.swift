/// What became of a byte.
public enum ReceiverEvent: BitwiseCopyable, Sendable {
  /// Nothing to tell yet.
  case nothing
  /// A whole frame with the right CRC: it is in `body` until the next byte.
  case frame
  /// A whole frame with a wrong CRC.
  case wrongCRC
  /// A frame broken off, or shorter than any message.
  case brokenFrame
  /// A frame longer than any message.
  case tooLong
}

/// Finds frames in a stream of bytes: COBS between zeros.
///
/// Before the first byte it waits for a frame to begin. A zero always ends a frame, so that whatever came before, the
/// frame behind the next zero is read. It keeps at most one body, and never looks past it.
public struct FrameReceiver: BitwiseCopyable, Sendable {
  private enum Mode: BitwiseCopyable { case betweenFrames, inFrame, tooLong, lostBytes }

  /// The frame found last, or what there is of the next.
  public private(set) var body = FrameBody()
  private var mode = Mode.betweenFrames
  /// Bytes that this COBS block still has.
  private var left: UInt8 = 0
  /// This block stands for a zero at its end, unless the frame ends there.
  private var zeroFollows = false

  @_noLocks
  public init() {}

  /// Takes one byte.
  @_noLocks
  public mutating func take(_ byte: UInt8) -> ReceiverEvent {
    if byte == 0 { return endFrame() }
    if case .betweenFrames = mode {
      mode = .inFrame
      body.count = 0
      left = 0
      zeroFollows = false
    }
    guard case .inFrame = mode else { return .nothing }
    if left != 0 {
      push(byte)
      left -= 1
      return .nothing
    }
    if zeroFollows { push(0) }
    left = byte - 1
    zeroFollows = byte != 0xFF
    return .nothing
  }

  /// The hardware lost bytes: what comes before the next zero is no frame.
  @_noLocks
  public mutating func bytesWereLost() { mode = .lostBytes }

  @_noLocks
  private mutating func push(_ byte: UInt8) {
    if body.count == WireSchema.maximumBody {
      mode = .tooLong
    } else {
      body.append8(byte)
    }
  }

  @_noLocks
  private mutating func endFrame() -> ReceiverEvent {
    let ended = mode
    mode = .betweenFrames
    switch ended {
    case .betweenFrames, .lostBytes: return .nothing
    case .tooLong: return .tooLong
    case .inFrame:
      if left != 0 || body.count < 4 { return .brokenFrame }
      return WireChecksum.of(body, count: body.count - 2) == body.crc ? .frame : .wrongCRC
    }
  }
}
