/// Examines logs: everything the format demands, every index against what it points at, every count against what is
/// there.
public enum LogDoctor {
  /// Examines the file at `path`.
  ///
  /// - Parameters:
  ///   - strictMessageOrder: true makes it an error when a message's log time is before that of any message ahead of it;
  ///     else it is a warning when it is before that of one on the same topic.
  ///   - progress: is told while reading which fraction of the bytes was read.
  /// - Returns: the findings in file order; empty for a sound log.
  /// - Throws: when the file cannot be read at all. A file that is no MCAP is a finding.
  public static func examine(
    path: String, strictMessageOrder: Bool = false, progress: ((Double) -> Void)? = nil
  ) throws(RecordingError) -> [DoctorFinding] {
    let file = try FileSource(path: path)
    let source: any ByteSource = progress.map { ObservedSource(file, progress: $0) } ?? file
    do throws(McapError) { return try examine(source, strictMessageOrder: strictMessageOrder) } catch {
      throw RecordingError(path: path, error)
    }
  }

  /// Examines bytes. Throws system errors only.
  public static func examine(
    _ source: any ByteSource, strictMessageOrder: Bool = false, limit: UInt64 = McapLimits.record
  ) throws(McapError) -> [DoctorFinding] {
    var examination = DoctorExamination(
      source: source, orderSeverity: strictMessageOrder ? .error : .warning, limit: limit)
    try examination.run()
    return examination.findings
  }
}

/// One examination: what was seen so far, and what is to be said about it.
struct DoctorExamination {
  struct SeenChunk {
    /// Without its bytes.
    var chunk: McapChunk
    var storedSize: UInt64
    var length: UInt64
    /// Per channel: (time, offset in the chunk) of each message; nil when the chunk could not be opened.
    var messages: [UInt16: [McapMessageIndex.Entry]]?
    var indexOffsets: [UInt16: UInt64] = [:]
    var indexLength: UInt64 = 0
  }

  let source: any ByteSource
  let orderSeverity: DoctorFinding.Severity
  let limit: UInt64
  var findings: [DoctorFinding] = []

  var header: McapHeader?
  var dataEnd: (offset: UInt64, checksum: UInt32)?
  var footer: (offset: UInt64, footer: McapFooter)?
  var schemas: [UInt16: McapSchema] = [:]
  var channels: [UInt16: McapChannel] = [:]
  var summarySchemas: Set<UInt16> = []
  var summaryChannels: Set<UInt16> = []
  /// Channels that messages inside chunks use.
  var chunkedChannels: Set<UInt16> = []
  var chunks: [UInt64: SeenChunk] = [:]
  var lastChunk: UInt64?
  var chunkIndexes: [(offset: UInt64, index: McapChunkIndex)] = []
  /// Without their bytes.
  var attachments: [UInt64: (attachment: McapAttachment, size: UInt64, length: UInt64)] = [:]
  var metadata: [UInt64: (name: String, length: UInt64)] = [:]
  var statistics: McapStatistics?
  var counted = McapStatistics()
  var lastTime: UInt64 = 0
  /// Per channel.
  var lastTimes: [UInt16: UInt64] = [:]
  var disorderCount = 0
  var decoders: [UInt16: RosSchema?] = [:]
  /// Kind and extent of each summary record.
  var summaryRecords: [(opcode: UInt8, start: UInt64, end: UInt64)] = []

  init(source: any ByteSource, orderSeverity: DoctorFinding.Severity, limit: UInt64) {
    self.source = source
    self.orderSeverity = orderSeverity
    self.limit = limit
  }

  mutating func report(
    _ severity: DoctorFinding.Severity, _ kind: DoctorFinding.Kind, _ message: String, at offset: UInt64
  ) {
    findings.append(DoctorFinding(severity: severity, kind: kind, message: message, offset: offset))
  }

  mutating func run() throws(McapError) {
    var options = McapLinearReader.Options()
    options.expandsChunks = false
    options.limit = limit
    var reader = McapLinearReader(options: options)
    var position: UInt64 = 0
    var isReading = true
    while isReading {
      do throws(McapError) {
        switch try reader.next() {
        case .finished: isReading = false
        case .record(let record, let offset): examine(record, at: offset, end: reader.offset)
        case .needMore(let count):
          let piece = min(source.size - position, UInt64(max(count, 1 << 18)))
          if piece == 0 {
            reader.end()
          } else {
            let bytes = try source.read(at: position, count: piece)
            bytes.withUnsafeBytes { reader.feed($0) }
            position += piece
          }
        }
      } catch {
        if case .system = error.cause { throw error }
        // A missing footer has a finding of its own.
        if error.cause != .missingFooter { report(.error, .unreadable, "\(error)", at: error.offset) }
        isReading = error.isRecoverable
      }
    }
    try examineFrame(end: reader.offset)
    examineSummary()
  }

  private mutating func examine(_ record: McapRecord, at offset: UInt64, end: UInt64) {
    if header == nil {
      if case .header = record {} else { report(.error, .headerMissing, "the first record is no header", at: offset) }
      if case .header = record {} else { header = McapHeader() }
    }
    if dataEnd != nil { summaryRecords.append((opcode(of: record), offset, end)) }
    switch record {
    case .header(let found): examine(found, at: offset)
    case .schema(let schema): define(schema, at: offset, isInSummary: dataEnd != nil)
    case .channel(let channel): define(channel, at: offset, isInSummary: dataEnd != nil)
    case .statistics(let found):
      if statistics != nil { report(.error, .statisticsRepeated, "a second statistics record", at: offset) }
      statistics = found
      if dataEnd == nil { report(.error, .recordAfterDataEnd, "statistics in the data section", at: offset) }
    case .chunkIndex(let index): chunkIndexes.append((offset, index))
    case .attachmentIndex(let index): examine(index, at: offset)
    case .metadataIndex(let index): examine(index, at: offset)
    case .summaryOffset(let group): examine(group, at: offset)
    case .footer(let found): footer = (offset, found)
    case .dataEnd(let found):
      if dataEnd != nil {
        report(.error, .dataEndRepeated, "a second end of data", at: offset)
      } else {
        dataEnd = (offset, found.checksum)
      }
    case .unknown: break
    case .message, .chunk, .messageIndex, .attachment, .metadata:
      guard dataEnd == nil else {
        report(.error, .recordAfterDataEnd, "a data record behind the end of data", at: offset)
        return
      }
      examineData(record, at: offset, end: end)
    }
  }

  private mutating func examineData(_ record: McapRecord, at offset: UInt64, end: UInt64) {
    switch record {
    case .message(let message): examine(message, at: offset, isInChunk: false)
    case .chunk(let chunk): examine(chunk, at: offset, end: end)
    case .messageIndex(let index): examine(index, at: offset, end: end)
    case .attachment(let attachment):
      counted.attachmentCount &+= 1
      var description = attachment
      description.data = []
      attachments[offset] = (description, UInt64(attachment.data.count), end - offset)
      if !attachment.isIntact {
        report(.error, .attachmentChecksum, "attachment '\(attachment.name)' does not fit its checksum", at: offset)
      }
    case .metadata(let found):
      counted.metadataCount &+= 1
      metadata[offset] = (found.name, end - offset)
    default: break
    }
  }

  private mutating func examine(_ found: McapHeader, at offset: UInt64) {
    if header != nil, offset != 8 { report(.error, .headerRepeated, "a second header", at: offset) }
    guard header == nil else { return }
    header = found
    if !["", "ros1", "ros2"].contains(found.profile) {
      report(.warning, .profileUnknown, "profile '\(found.profile)' is not a well-known one", at: offset)
    }
    if found.library.isEmpty { report(.warning, .libraryEmpty, "the header names no library", at: offset) }
  }

  private func opcode(of record: McapRecord) -> UInt8 {
    switch record {
    case .header: 1
    case .footer: 2
    case .schema: 3
    case .channel: 4
    case .message: 5
    case .chunk: 6
    case .messageIndex: 7
    case .chunkIndex: 8
    case .attachment: 9
    case .attachmentIndex: 10
    case .statistics: 11
    case .metadata: 12
    case .metadataIndex: 13
    case .summaryOffset: 14
    case .dataEnd: 15
    case .unknown(let opcode): opcode
    }
  }
}
