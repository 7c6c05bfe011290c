/// What is left of a frame that did not check out: what its head says.
struct DamagedFrame: BitwiseCopyable {
  var id: UInt8
  /// Bytes of the whole frame.
  var count: Int
}

/// Finds frames in a stream of bytes, however it is cut into pieces.
///
/// Bytes go in by `feed` (or straight into `freeSpace`, then `commit`); `next` hands out whole frames in order.
/// Whatever does not check out is left by advancing ONE byte and looking again, so a frame behind garbage is never
/// lost. It never looks past the bytes it was fed. Before the first byte it is empty. Real-time safe: memory is
/// allocated and touched at construction.
public struct FrameParser: ~Copyable {
  private let wire: WireProtocol
  private let bytes: UnsafeMutablePointer<UInt8>
  private let payload: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  /// The longest frame that a header is believed to announce, bytes.
  public let maximumFrame: Int
  private var start = 0
  private var end = 0
  /// Where the frame handed out last began; -1 when it can no longer be taken back.
  private var last = -1
  /// What it has met so far.
  public private(set) var counters = ParserCounters()
  /// Longer frames than this cannot come at present: a header that announces one is damaged. At most `maximumFrame`.
  private var limit: Int
  /// Heads of frames that did not check out, since the last `forgetDamaged`.
  private let damaged: UnsafeMutablePointer<DamagedFrame>
  private(set) var damagedCount = 0
  private static var damagedCapacity: Int { @_noLocks get { 64 } }

  /// A parser for frames of up to `maximumFrame` bytes (16 … 65,542), with room for at least four of them.
  public init(_ wire: WireProtocol, maximumFrame: Int = 512) {
    precondition(maximumFrame >= 16 && maximumFrame <= 65_542, "a frame has 16 to 65,542 bytes")
    self.wire = wire
    self.maximumFrame = maximumFrame
    limit = maximumFrame
    damaged = .allocate(capacity: 64)
    damaged.initialize(repeating: DamagedFrame(id: 0, count: 0), count: 64)
    capacity = max(4096, 4 * maximumFrame)
    bytes = .allocate(capacity: capacity)
    bytes.initialize(repeating: 0, count: capacity)
    payload = .allocate(capacity: maximumFrame)
    payload.initialize(repeating: 0, count: maximumFrame)
  }

  deinit {
    bytes.deallocate()
    payload.deallocate()
    damaged.deallocate()
  }

  /// Believes no header that announces a frame of more than `count` bytes, from now on.
  @_noLocks
  mutating func expectFrames(upTo count: Int) {
    limit = count < maximumFrame ? (count > 16 ? count : 16) : maximumFrame
  }

  /// The head of a frame that did not check out. Its id and length may be what was damaged.
  @_noLocks
  func damagedFrame(_ index: Int) -> DamagedFrame { damaged[index] }

  @_noLocks
  mutating func forgetDamaged() { damagedCount = 0 }

  @_noLocks
  private mutating func noteDamaged() {
    guard damagedCount < FrameParser.damagedCapacity else { return }
    let here = bytes + start
    damaged[damagedCount] =
      wire.isSecondGeneration
      ? DamagedFrame(id: here[4], count: (Int(here[5]) | Int(here[6]) << 8) &+ 7)
      : DamagedFrame(id: here[2], count: Int(here[3]) &+ 4)
    damagedCount &+= 1
  }

  /// Bytes that were fed and belong to no frame yet.
  public var pendingCount: Int { @_noLocks get { end &- start } }

  /// Where bytes may be put that `commit` then counts in; never empty after `next` has returned nil.
  public mutating func freeSpace() -> UnsafeMutableRawBufferPointer {
    compact()
    return UnsafeMutableRawBufferPointer(start: bytes + end, count: capacity - end)
  }

  /// The same as `freeSpace`, in two parts for the control thread.
  @_noLocks
  mutating func freePointer() -> UnsafeMutablePointer<UInt8> {
    compact()
    return bytes + end
  }
  var freeCount: Int { @_noLocks get { capacity &- end } }

  /// Counts in `count` bytes that were put into the free space.
  @_noLocks
  public mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= capacity &- end, "more bytes than there was room for")
    end &+= count
  }

  /// Copies bytes in; returns how many there was room for.
  @_noLocks
  public mutating func feed(_ source: UnsafeBufferPointer<UInt8>) -> Int {
    compact()
    let count = source.count < capacity &- end ? source.count : capacity &- end
    for index in 0..<count { bytes[end &+ index] = source[index] }
    end &+= count
    return count
  }

  /// Forgets all bytes that belong to no frame yet; returns how many there were.
  @_noLocks
  public mutating func reset() -> Int {
    let count = end &- start
    start = 0
    end = 0
    last = -1
    return count
  }

  @_noLocks
  private mutating func compact() {
    last = -1
    guard start > 0 else { return }
    let count = end &- start
    for index in 0..<count { bytes[index] = bytes[start &+ index] }
    start = 0
    end = count
  }

  /// The next whole frame; nil when there is none in the bytes so far.
  ///
  /// `isFinal` says that no more bytes will come (the line has fallen silent): a frame that is not whole then counts as
  /// short and is left like any other garbage, so that a false header cannot hide the frames behind it.
  @_noLocks
  public mutating func next(isFinal: Bool = false) -> Frame? {
    while start < end {
      let candidate = wire.isSecondGeneration ? examineSecond() : examineFirst()
      switch candidate {
      case .whole(let count):
        guard let frame = take(count) else {
          counters.malformedFrames &+= 1
          skip()
          continue
        }
        counters.frames &+= 1
        last = start &- count
        return frame
      case .wrongChecksum:
        counters.checksumErrors &+= 1
        noteDamaged()
        skip()
      case .notAFrame: skip()
      case .incomplete(let headerIsWhole):
        guard isFinal else { return nil }
        if headerIsWhole {
          counters.shortFrames &+= 1
          noteDamaged()
        }
        skip()
      }
    }
    return nil
  }

  /// Takes back the frame handed out last, because nobody can have sent it (its length is not what was asked for): all
  /// but its first byte is looked at again. In the protocols with a sum, one flipped bit in the length byte can make a
  /// whole frame of one and a half.
  @_noLocks
  public mutating func rejectLast() {
    guard last >= 0 else { return }
    start = last
    last = -1
    counters.frames &-= 1
    skip()
  }

  @_noLocks
  private mutating func skip() {
    start &+= 1
    counters.garbageBytes &+= 1
  }

  private enum Candidate {
    case whole(Int)
    case incomplete(headerIsWhole: Bool)
    case wrongChecksum
    case notAFrame
  }

  /// FF FF, id, length, …, check byte.
  @_noLocks
  private func examineFirst() -> Candidate {
    let here = bytes + start
    let available = end &- start
    if here[0] != 0xFF { return .notAFrame }
    if available >= 2, here[1] != 0xFF { return .notAFrame }
    // Ids end at FE; FF is a longer run of the header's own byte.
    if available >= 3, here[2] == 0xFF { return .notAFrame }
    if available >= 4, here[3] < 2 || Int(here[3]) &+ 4 > limit { return .notAFrame }
    guard available >= 4 else { return .incomplete(headerIsWhole: false) }
    let count = Int(here[3]) &+ 4
    guard available >= count else { return .incomplete(headerIsWhole: true) }
    let sum = Checksum.complementedSum(UnsafePointer(here + 2), count: count &- 3)
    return sum == here[count &- 1] ? .whole(count) : .wrongChecksum
  }

  /// FF FF FD 00, id, length (2), …, CRC (2).
  @_noLocks
  private func examineSecond() -> Candidate {
    let here = bytes + start
    let available = end &- start
    if here[0] != 0xFF { return .notAFrame }
    if available >= 2, here[1] != 0xFF { return .notAFrame }
    if available >= 3, here[2] != 0xFD { return .notAFrame }
    if available >= 4, here[3] != 0x00 { return .notAFrame }
    if available >= 5, here[4] == 0xFF || here[4] == 0xFD { return .notAFrame }
    guard available >= 7 else { return .incomplete(headerIsWhole: false) }
    let length = Int(here[5]) | Int(here[6]) << 8
    if length < 3 || length &+ 7 > limit { return .notAFrame }
    if available >= 8, here[7] == 0x55, length < 4 { return .notAFrame }
    let count = length &+ 7
    guard available >= count else { return .incomplete(headerIsWhole: true) }
    let crc = Checksum.crc16(UnsafePointer(here), count: count &- 2)
    return crc == UInt16(here[count &- 2]) | UInt16(here[count &- 1]) << 8 ? .whole(count) : .wrongChecksum
  }

  /// Hands out the checked frame of `count` bytes at `start`; nil when its stuffing is wrong (nothing is taken then).
  @_noLocks
  private mutating func take(_ count: Int) -> Frame? {
    let here = UnsafePointer(bytes + start)
    guard wire.isSecondGeneration else {
      start &+= count
      return Frame(
        id: here[2], instruction: here[4], status: here[4], payload: here + 5, payloadCount: count &- 6, raw: here,
        rawCount: count)
    }
    let isAnswer = here[7] == 0x55
    // The common answer to a fast read is not stuffed: its data may hold anything.
    let isStuffed = !(isAnswer && here[4] == WireProtocol.broadcastID)
    let first = isAnswer ? 9 : 8
    var filled = 0
    var matched = 0
    var index = 7
    while index < count &- 2 {
      let byte = here[index]
      if index >= first {
        payload[filled] = byte
        filled &+= 1
      }
      index &+= 1
      guard isStuffed else { continue }
      if byte == 0xFF {
        matched = matched < 2 ? matched &+ 1 : 2
      } else if byte == 0xFD, matched == 2 {
        guard index < count &- 2, here[index] == 0xFD else { return nil }
        index &+= 1
        matched = 0
      } else {
        matched = 0
      }
    }
    start &+= count
    return Frame(
      id: here[4], instruction: here[7], status: isAnswer ? here[8] : 0, payload: UnsafePointer(payload),
      payloadCount: filled, raw: here, rawCount: count)
  }
}
