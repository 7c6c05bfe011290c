/// Reads MCAP from front to back without doing any input itself: feed it bytes, ask for the next event.
///
/// The same reader serves files, pipes and fuzzing. It holds only bytes that were fed: no length found in the data is
/// ever used as an amount to allocate, and a record longer than `Options.limit` is an error.
///
/// Before the first bytes, `next()` answers `.needMore`. After an error for which `McapError.isRecoverable` is true the
/// reader stands behind the offending record and may be asked on; after any other error it stays at its end.
public struct McapLinearReader: Sendable {
  /// What the reader does with chunks, and its bound.
  public struct Options: Sendable {
    /// True: a chunk's records are delivered in place of the chunk. False: the chunk itself is delivered.
    public var expandsChunks = true
    /// Whether checksums of chunks are compared.
    public var verifiesChecksums = true
    /// The longest record and decompressed chunk accepted, bytes.
    public var limit: UInt64 = McapLimits.record
    /// The defaults.
    public init() {}
  }

  /// What `next()` found.
  public enum Event: Sendable, Equatable {
    /// At least this many further bytes are needed; feed them, or call `end()` when there are none.
    case needMore(Int)
    /// A record, and where it (or the chunk around it) starts.
    case record(McapRecord, offset: UInt64)
    /// The end magic was read.
    case finished
  }

  private enum Stage { case startMagic, records, endMagic, finished, dead }

  private let options: Options
  private var stage = Stage.startMagic
  private var buffer: [UInt8] = []
  private var start = 0
  private var isEnded = false
  private var expansion: McapRecordScanner?
  /// Bytes consumed so far.
  public private(set) var offset: UInt64 = 0

  /// A reader before the first byte.
  public init(options: Options = Options()) { self.options = options }

  /// Appends bytes that follow those fed before.
  public mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    if start > 0 && start >= buffer.count / 2 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// Says that no bytes follow: an incomplete record is an error from now on.
  public mutating func end() { isEnded = true }

  private var available: Int { buffer.count - start }

  private mutating func consume(_ count: Int) {
    start += count
    offset += UInt64(count)
  }

  /// The next record, or what is missing for it.
  public mutating func next() throws(McapError) -> Event {
    while true {
      if let event = try nextExpanded() { return event }
      switch stage {
      case .finished, .dead: return .finished
      case .startMagic, .endMagic:
        guard available >= 8 else { return try lack(8) }
        guard buffer[start..<start + 8].elementsEqual(mcapMagic) else {
          throw dying(McapError(.badMagic(atEnd: stage == .endMagic), at: offset))
        }
        consume(8)
        stage = stage == .startMagic ? .records : .finished
        if stage == .finished { return .finished }
      case .records:
        if let event = try nextRecord() { return event }
      }
    }
  }

  private mutating func dying(_ error: McapError) -> McapError {
    stage = .dead
    return error
  }

  /// Too few bytes: ask for more, or fail when there are none.
  private mutating func lack(_ needed: Int) throws(McapError) -> Event {
    guard isEnded else { return .needMore(needed - available) }
    if available == 0 && stage == .records { throw dying(McapError(.missingFooter, at: offset)) }
    throw dying(McapError(.truncated(needed: UInt64(needed), available: UInt64(available)), at: offset))
  }

  private mutating func nextExpanded() throws(McapError) -> Event? {
    guard expansion != nil else { return nil }
    // A malformed record inside the chunk is passed over by the scanner; a broken length ends the chunk.
    guard let (record, _) = try expansion?.next(), let origin = expansion?.origin else {
      expansion = nil
      return nil
    }
    return .record(record, offset: origin)
  }

  /// Nil when a chunk was opened and its first record is the next event.
  private mutating func nextRecord() throws(McapError) -> Event? {
    guard available >= 9 else { return try lack(9) }
    let opcode = buffer[start]
    guard opcode != 0 else { throw dying(McapError(.invalidOpcode, at: offset)) }
    let position = start
    let length = buffer.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position + 1, as: UInt64.self))
    }
    guard length <= options.limit else {
      throw dying(McapError(.recordTooLarge(length: length, limit: options.limit), at: offset))
    }
    let total = 9 + Int(length)
    guard available >= total else { return try lack(total) }
    let origin = offset
    consume(total)
    if opcode == McapOpcode.footer.rawValue { stage = .endMagic }
    let record = try buffer.withBytes { (bytes) throws(McapError) -> McapRecord in
      let content = UnsafeRawBufferPointer(rebasing: bytes[position + 9..<position + total])
      return try McapRecord.parse(opcode: opcode, content: content, offset: origin)
    }
    guard options.expandsChunks, case .chunk(let chunk) = record else { return .record(record, offset: origin) }
    let content = try chunk.decompressed(at: origin, limit: options.limit, verifying: options.verifiesChecksums)
    expansion = McapRecordScanner(chunkContent: content, origin: origin)
    return nil
  }
}

/// Walks the records inside a decompressed chunk.
public struct McapRecordScanner: Sendable {
  private let bytes: [UInt8]
  /// Where the chunk lies in the file, for errors.
  public let origin: UInt64
  private var position = 0

  /// - Parameter chunkContent: the decompressed records of the chunk at file offset `origin`.
  public init(chunkContent: [UInt8], origin: UInt64) {
    bytes = chunkContent
    self.origin = origin
  }

  /// The next schema, channel or message, with its byte offset in the chunk; nil at the end. After a recoverable error
  /// the scanner stands behind the record, after any other at the end.
  public mutating func next() throws(McapError) -> (record: McapRecord, position: Int)? {
    while position < bytes.count {
      let start = position
      guard bytes.count - start >= 9 else {
        throw ending(.truncated(needed: 9, available: UInt64(bytes.count - start)))
      }
      let opcode = bytes[start]
      guard opcode != 0 else { throw ending(.invalidOpcode) }
      let length = bytes.withUnsafeBytes {
        UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: start + 1, as: UInt64.self))
      }
      guard length <= UInt64(bytes.count - start - 9) else {
        throw ending(.truncated(needed: length, available: UInt64(bytes.count - start - 9)))
      }
      let end = start + 9 + Int(length)
      position = end
      let origin = origin
      let record = try bytes.withBytes { (all) throws(McapError) -> McapRecord in
        let content = UnsafeRawBufferPointer(rebasing: all[start + 9..<end])
        return try McapRecord.parse(opcode: opcode, content: content, offset: origin)
      }
      switch record {
      case .schema, .channel, .message: return (record, start)
      case .unknown: continue
      default: throw McapError(.notAllowedInChunk(opcode: opcode), at: origin)
      }
    }
    return nil
  }

  /// A broken length inside a chunk ends the chunk, not the file: reported as a malformed chunk.
  private mutating func ending(_ cause: McapError.Cause) -> McapError {
    position = bytes.count
    return McapError(.malformed(record: "chunk", field: "records (\(McapError(cause, at: 0).description))"), at: origin)
  }
}
