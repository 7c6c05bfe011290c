import Glibc

/// One recovery: the output's writer, what is known so far, and the report.
struct RecoverySession: ~Copyable {
  private let input: any ByteSource
  private let inputPath: String
  private let output: any LogSink
  private let path: String
  private let limit: UInt64
  private let fallback: McapIndexedReader?
  private var writer: McapWriter
  private var report = RecoveryReport()
  private var schemas: [UInt16: McapSchema] = [:]
  private var channels: [UInt16: McapChannel] = [:]
  /// Channels as they were found, before one lost its schema.
  private var originals: [UInt16: McapChannel] = [:]
  private var isInSummary = false
  /// The checksum of all that was read before `tail`, which begins at `tailStart`.
  private var checksumBefore: UInt32 = 0
  private var tail: [UInt8] = []
  private var tailStart: UInt64 = 0

  init(
    input: any ByteSource, inputPath: String, output: any LogSink, path: String, compression: Compression?,
    chunkBytes: Int, limit: UInt64
  ) throws(RecordingError) {
    self.input = input
    self.inputPath = inputPath
    self.output = output
    self.path = path
    self.limit = limit
    // A sound summary still describes channels whose definition lies in a damaged chunk.
    do throws(McapError) { fallback = try McapIndexedReader(source: input, limit: limit) } catch { fallback = nil }
    var options = McapWriter.Options()
    options.chunkBytes = chunkBytes
    options.definesInsideChunks = false
    do throws(McapError) {
      let (header, used) = try Self.beginning(input, limit: limit)
      options.profile = header.profile
      options.library = header.library
      options.compression = compression ?? used.flatMap { Compression(rawValue: $0) } ?? .zstd
    } catch { throw RecordingError(path: inputPath, message: "nothing to recover: \(error)") }
    writer = McapWriter(options: options)
  }

  /// The header, and the compression of the first chunk.
  private static func beginning(_ input: any ByteSource, limit: UInt64) throws(McapError) -> (McapHeader, String?) {
    var header: McapHeader?
    var compression: String?
    var options = McapLinearReader.Options()
    options.expandsChunks = false
    options.limit = limit
    var failure: McapError?
    do throws(McapError) {
      try input.scan(options: options, failed: { _ in true }) { (record, offset) throws(McapError) -> Bool in
        switch record {
        case .header(let found): header = header ?? found
        case .chunk(let chunk): compression = chunk.compression
        case .dataEnd: return false
        default: break
        }
        return compression == nil
      }
    } catch { failure = error }
    if let failure, header == nil { throw failure }
    return (header ?? McapHeader(), compression)
  }

  mutating func run() throws(RecordingError) -> RecoveryReport {
    var options = McapLinearReader.Options()
    options.expandsChunks = false
    options.limit = limit
    var reader = McapLinearReader(options: options)
    var position: UInt64 = 0
    var isReading = true
    while isReading {
      do throws(McapError) {
        switch try reader.next() {
        case .finished:
          isReading = false
          report.wasClosed = true
        case .record(let record, let offset): try take(record, at: offset)
        case .needMore(let count):
          let piece = min(input.size - position, UInt64(max(count, 1 << 18)))
          if piece == 0 {
            reader.end()
          } else {
            let bytes = try input.read(at: position, count: piece)
            bytes.withUnsafeBytes { reader.feed($0) }
            checksumBefore = tail.withUnsafeBytes { checksum($0, from: checksumBefore) }
            (tail, tailStart) = (bytes, position)
            position += piece
          }
        }
      } catch {
        if case .system = error.cause { throw RecordingError(path: inputPath, error) }
        isReading = note(error)
      }
      try save()
    }
    if report.recovered == RecoveryReport.Counts() && !report.wasClosed {
      throw RecordingError(path: inputPath, message: "nothing to recover: \(report.notes.last ?? "no records")")
    }
    finish()
    try save()
    return report
  }

  /// Puts a failure into the report; whether reading can go on.
  private mutating func note(_ error: McapError) -> Bool {
    report.notes.append("\(error)")
    if error.isRecoverable {
      if !isInSummary { report.malformedRecords += 1 }
      return true
    }
    // What comes after the data section is made anew and so no loss; neither is a missing end.
    if !isInSummary && error.cause != .missingFooter {
      report.discardedBytes = input.size - min(error.offset, input.size)
    }
    return false
  }

  private mutating func take(_ record: McapRecord, at offset: UInt64) throws(McapError) {
    switch record {
    case .dataEnd(let end):
      isInSummary = true
      try compare(end, at: offset)
    case _ where isInSummary: break
    case .schema, .channel, .message: takeContent(record, at: offset)
    case .chunk(let chunk): takeChunk(chunk, at: offset)
    case .attachment(let attachment):
      guard attachment.isIntact else {
        report.discarded.attachments += 1
        report.notes.append("attachment '\(attachment.name)' at byte \(offset): its checksum does not fit")
        return
      }
      writer.write(attachment)
      report.recovered.attachments += 1
    case .metadata(let metadata):
      writer.write(metadata)
      report.recovered.metadata += 1
    default: break
    }
  }

  /// Compares the data section with its checksum, the only one that schemas, channels and metadata outside chunks have.
  private mutating func compare(_ end: McapDataEnd, at offset: UInt64) throws(McapError) {
    // With a loss known already there is nothing to learn.
    guard end.checksum != 0, !report.isLossy, offset >= tailStart else { return }
    let covered = tail.prefix(Int(offset - tailStart))
    let computed = covered.withUnsafeBytes { checksum($0, from: checksumBefore) }
    guard computed != end.checksum else { return }
    contradict(
      "the data section's checksum does not fit: a record outside the chunks is damaged, and nothing tells which")
  }

  private mutating func takeChunk(_ chunk: McapChunk, at offset: UInt64) {
    do throws(McapError) {
      var scanner = McapRecordScanner(chunkContent: try chunk.decompressed(at: offset, limit: limit), origin: offset)
      var isOpen = true
      while isOpen {
        do throws(McapError) {
          guard let (record, _) = try scanner.next() else {
            isOpen = false
            continue
          }
          takeContent(record, at: offset)
        } catch {
          report.malformedRecords += 1
          report.notes.append("\(error)")
        }
      }
      report.recovered.chunks += 1
      writer.closeChunk()
    } catch {
      report.discarded.chunks += 1
      report.notes.append("chunk discarded: \(error)")
    }
  }

  private mutating func takeContent(_ record: McapRecord, at offset: UInt64) {
    switch record {
    case .schema(let schema): define(trusted(schema, at: offset))
    case .channel(let channel): define(trusted(channel, at: offset))
    case .message(let message):
      if channels[message.channelID] == nil, let channel = fallback?.channels[message.channelID] { define(channel) }
      guard channels[message.channelID] != nil else {
        report.discarded.messages += 1
        if report.discarded.messages == 1 {
          report.notes.append("\(McapError(.unknownChannel(message.channelID), at: offset))")
        }
        return
      }
      message.data.withUnsafeBytes {
        writer.writeMessage(
          channel: message.channelID, sequence: message.sequence, logTime: message.logTime,
          publishTime: message.publishTime, data: $0)
      }
      report.recovered.messages += 1
    default: break
    }
  }

  /// A definition as the summary has it, where the two differ: outside chunks only the summary has a checksum of its own.
  private mutating func trusted(_ schema: McapSchema, at offset: UInt64) -> McapSchema {
    guard let fallback, fallback.footer.summaryChecksum != 0, let other = fallback.schemas[schema.id], other != schema
    else { return schema }
    contradict(
      "schema \(schema.id) at byte \(offset) is not that of the summary, '\(other.name)'; the summary's counts")
    return other
  }

  private mutating func trusted(_ channel: McapChannel, at offset: UInt64) -> McapChannel {
    guard let fallback, fallback.footer.summaryChecksum != 0, let other = fallback.channels[channel.id],
      other != channel
    else { return channel }
    contradict(
      "channel \(channel.id) at byte \(offset) is not that of the summary, '\(other.topic)'; the summary's counts")
    return other
  }

  /// Takes a schema; the first definition of an id counts.
  private mutating func define(_ schema: McapSchema) {
    if let known = schemas[schema.id] {
      if known != schema { contradict("schema \(schema.id) '\(known.name)' is defined differently; the first counts") }
      return
    }
    guard schema.id != 0 else { return contradict("schema '\(schema.name)' has id 0") }
    schemas[schema.id] = schema
    writer.write(schema)
    report.recovered.schemas += 1
  }

  /// Takes a channel; the first definition of an id counts. A channel whose schema is lost goes on without one.
  private mutating func define(_ channel: McapChannel) {
    if let known = originals[channel.id] {
      if known != channel {
        contradict("channel \(channel.id) '\(known.topic)' is defined differently; the first counts")
      }
      return
    }
    originals[channel.id] = channel
    var channel = channel
    if channel.schemaID != 0 && schemas[channel.schemaID] == nil {
      if let schema = fallback?.schemas[channel.schemaID] { define(schema) }
      if schemas[channel.schemaID] == nil {
        report.discarded.schemas += 1
        report.notes.append("schema \(channel.schemaID) of '\(channel.topic)' is lost")
        channel.schemaID = 0
      }
    }
    channels[channel.id] = channel
    writer.write(channel)
    report.recovered.channels += 1
  }

  private mutating func contradict(_ note: String) {
    report.malformedRecords += 1
    report.notes.append(note)
  }

  private mutating func finish() {
    if !report.wasClosed || report.isLossy {
      writer.write(
        McapMetadata(
          name: "recovery",
          metadata: [
            "closed": "\(report.wasClosed)", "lossy": "\(report.isLossy)",
            "discarded_chunks": "\(report.discarded.chunks)", "discarded_messages": "\(report.discarded.messages)",
            "discarded_bytes": "\(report.discardedBytes)",
          ]))
    }
    writer.finish()
  }

  /// Writes what the writer has ready.
  private mutating func save() throws(RecordingError) {
    var failure: SinkFailure?
    let output = output
    writer.drain { bytes in
      var position = 0
      while position < bytes.count && failure == nil {
        do throws(SinkFailure) {
          let taken = try output.write(UnsafeRawBufferPointer(rebasing: bytes[position...]))
          if taken == 0 { failure = SinkFailure(code: EIO) }
          position += taken
        } catch { failure = error }
      }
    }
    if let failure {
      throw RecordingError(
        path: path, operation: "cannot write", code: failure.code, suggestion: "free space or name another folder")
    }
  }
}
