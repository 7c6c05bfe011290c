/// Writes MCAP records into memory, in file order; whoever owns the file drains `output` when it likes.
///
/// Before anything is written the output holds the magic and the header. Checksums are always computed. After
/// `finish()` the file is complete and nothing more may be written.
public struct McapWriter: ~Copyable {
  /// What the file contains besides the messages, and how chunks are made.
  public struct Options: Sendable {
    /// The header's profile.
    public var profile = ""
    /// The header's library.
    public var library = ""
    /// False: messages lie in the file one by one, without chunks.
    public var usesChunks = true
    /// True: a definition is written into the open chunk; false: between chunks, so that no broken chunk loses it.
    public var definesInsideChunks = true
    /// A chunk is closed when its content reaches this, bytes. Nil: only by `closeChunk()` and `finish()`.
    public var chunkBytes: Int? = 1 << 18
    /// How chunks are compressed.
    public var compression = Compression.zstd
    /// zstd's level.
    public var compressionLevel = 3
    /// Whether each chunk is followed by its message indexes.
    public var writesMessageIndex = true
    /// Whether the summary lists the chunks.
    public var writesChunkIndex = true
    /// Whether the summary counts.
    public var writesStatistics = true
    /// Whether the summary repeats the schemas.
    public var repeatsSchemas = true
    /// Whether the summary repeats the channels.
    public var repeatsChannels = true
    /// Whether the summary lists the attachments.
    public var writesAttachmentIndex = true
    /// Whether the summary lists the metadata.
    public var writesMetadataIndex = true
    /// Whether the summary's groups are listed at its end.
    public var writesSummaryOffsets = true
    /// The defaults.
    public init() {}
  }

  private struct OpenChunk {
    var startTime = UInt64.max
    var endTime: UInt64 = 0
    var messageCount = 0
    var content = ByteBuilder()
    /// Per channel in order of its first appearance, entries in write order.
    var order: [UInt16] = []
    var entries: [UInt16: [McapMessageIndex.Entry]] = [:]
  }

  private let options: Options
  private var compressor: ChunkCompressor
  private var builder = ByteBuilder()
  /// Bytes drained before what `builder` holds.
  private var drained: UInt64 = 0
  /// Bytes of `builder` already in `dataChecksum`.
  private var summed = 0
  private var dataChecksum: UInt32 = 0
  private var chunk = OpenChunk()
  private var schemas: [McapSchema] = []
  private var channels: [McapChannel] = []
  private var chunkIndexes: [McapChunkIndex] = []
  private var attachmentIndexes: [McapAttachmentIndex] = []
  private var metadataIndexes: [McapMetadataIndex] = []
  private var isFinished = false
  /// Counts so far, messages in the open chunk included.
  public private(set) var statistics = McapStatistics()

  /// A file that holds its magic and header.
  public init(options: Options) {
    self.options = options
    compressor = ChunkCompressor(options.compression, level: options.compressionLevel)
    builder.bytes = mcapMagic
    builder.append(McapHeader(profile: options.profile, library: options.library))
  }

  /// Bytes of the file so far, without the open chunk.
  public var fileSize: UInt64 { drained + UInt64(builder.bytes.count) }
  /// Bytes of the open chunk's content.
  public var openChunkBytes: Int { chunk.content.bytes.count }
  /// First and last log time in the open chunk; nil when it holds no message.
  public var openChunkTimes: (start: UInt64, end: UInt64)? {
    chunk.messageCount > 0 ? (chunk.startTime, chunk.endTime) : nil
  }
  /// Messages in the open chunk.
  public var openChunkMessageCount: Int { chunk.messageCount }

  /// Hands the bytes that are ready to `body`, then forgets them.
  public mutating func drain(_ body: (UnsafeRawBufferPointer) -> Void) {
    sum()
    builder.bytes.withUnsafeBytes { body($0) }
    drained += UInt64(builder.bytes.count)
    summed = 0
    builder.bytes.removeAll(keepingCapacity: true)
  }

  private mutating func sum() {
    let start = summed
    dataChecksum = builder.bytes.withUnsafeBytes {
      checksum(UnsafeRawBufferPointer(rebasing: $0[start...]), from: dataChecksum)
    }
    summed = builder.bytes.count
  }

  /// Adds a schema under the next free id (from 1).
  public mutating func addSchema(name: String, encoding: String, data: [UInt8]) -> UInt16 {
    let id = (schemas.map(\.id).max() ?? 0) + 1
    write(McapSchema(id: id, name: name, encoding: encoding, data: data))
    return id
  }

  /// Adds a channel under the next free id (from 1).
  public mutating func addChannel(
    topic: String, encoding: String, schemaID: UInt16, metadata: [String: String] = [:]
  ) -> UInt16 {
    let id = (channels.map(\.id).max() ?? 0) + 1
    write(McapChannel(id: id, schemaID: schemaID, topic: topic, messageEncoding: encoding, metadata: metadata))
    return id
  }

  /// Writes a schema with the id it has.
  public mutating func write(_ schema: McapSchema) {
    if let known = schemas.firstIndex(where: { $0.id == schema.id }) {
      schemas[known] = schema
    } else {
      schemas.append(schema)
      statistics.schemaCount &+= 1
    }
    if options.usesChunks && options.definesInsideChunks {
      chunk.content.append(schema)
    } else {
      closeChunk()
      builder.append(schema)
    }
  }

  /// Writes a channel with the id it has.
  public mutating func write(_ channel: McapChannel) {
    if let known = channels.firstIndex(where: { $0.id == channel.id }) {
      channels[known] = channel
    } else {
      channels.append(channel)
      statistics.channelCount &+= 1
    }
    if options.usesChunks && options.definesInsideChunks {
      chunk.content.append(channel)
    } else {
      closeChunk()
      builder.append(channel)
    }
  }

  /// Writes one message; the channel must have been written before.
  public mutating func writeMessage(
    channel: UInt16, sequence: UInt32, logTime: UInt64, publishTime: UInt64, data: UnsafeRawBufferPointer
  ) {
    precondition(!isFinished, "the log is finished")
    if statistics.messageCount == 0 {
      statistics.startTime = logTime
      statistics.endTime = logTime
    }
    statistics.messageCount += 1
    statistics.startTime = min(statistics.startTime, logTime)
    statistics.endTime = max(statistics.endTime, logTime)
    statistics.channelMessageCounts[channel, default: 0] += 1
    guard options.usesChunks else {
      builder.appendMessage(
        channel: channel, sequence: sequence, logTime: logTime, publishTime: publishTime, data: data)
      return
    }
    let entry = McapMessageIndex.Entry(time: logTime, offset: UInt64(chunk.content.bytes.count))
    if chunk.entries[channel] == nil { chunk.order.append(channel) }
    chunk.entries[channel, default: []].append(entry)
    chunk.startTime = min(chunk.startTime, logTime)
    chunk.endTime = max(chunk.endTime, logTime)
    chunk.messageCount += 1
    chunk.content.appendMessage(
      channel: channel, sequence: sequence, logTime: logTime, publishTime: publishTime, data: data)
    if let limit = options.chunkBytes, chunk.content.bytes.count >= limit { closeChunk() }
  }

  /// Compresses the open chunk and appends it, with its message indexes, to the output. Without content: nothing.
  public mutating func closeChunk() {
    guard !chunk.content.bytes.isEmpty else { return }
    let start = fileSize
    let compressed = compressor.compress(chunk.content.bytes)
    let sum = chunk.content.bytes.withUnsafeBytes { checksum($0) }
    let startTime = chunk.messageCount > 0 ? chunk.startTime : 0
    let compression = compressed == nil ? Compression.none : options.compression
    let record = McapChunk(
      startTime: startTime, endTime: chunk.endTime, uncompressedSize: UInt64(chunk.content.bytes.count),
      uncompressedChecksum: sum, compression: compression.rawValue,
      records: compressed ?? chunk.content.bytes)
    builder.append(record)
    let length = fileSize - start
    var offsets: [UInt16: UInt64] = [:]
    if options.writesMessageIndex {
      for channel in chunk.order {
        offsets[channel] = fileSize
        builder.append(McapMessageIndex(channelID: channel, entries: chunk.entries[channel] ?? []))
      }
    }
    statistics.chunkCount += 1
    chunkIndexes.append(
      McapChunkIndex(
        startTime: startTime, endTime: chunk.endTime, chunkOffset: start, chunkLength: length,
        messageIndexOffsets: offsets, messageIndexLength: fileSize - start - length,
        compression: compression.rawValue, compressedSize: UInt64(record.records.count),
        uncompressedSize: record.uncompressedSize))
    chunk.content.bytes.removeAll(keepingCapacity: true)
    chunk.startTime = .max
    chunk.endTime = 0
    chunk.messageCount = 0
    chunk.order.removeAll(keepingCapacity: true)
    chunk.entries.removeAll(keepingCapacity: true)
  }

  /// Writes an attachment behind the closed chunk.
  public mutating func write(_ attachment: McapAttachment) {
    closeChunk()
    let start = fileSize
    builder.append(attachment)
    statistics.attachmentCount += 1
    attachmentIndexes.append(
      McapAttachmentIndex(
        offset: start, length: fileSize - start, logTime: attachment.logTime, createTime: attachment.createTime,
        dataSize: UInt64(attachment.data.count), name: attachment.name, mediaType: attachment.mediaType))
  }

  /// Writes a metadata record behind the closed chunk.
  public mutating func write(_ metadata: McapMetadata) {
    closeChunk()
    let start = fileSize
    builder.append(metadata)
    statistics.metadataCount += 1
    metadataIndexes.append(McapMetadataIndex(offset: start, length: fileSize - start, name: metadata.name))
  }

  /// Closes the chunk and writes summary, footer and magic.
  public mutating func finish() {
    precondition(!isFinished, "the log is finished")
    closeChunk()
    isFinished = true
    sum()
    let dataSum = dataChecksum
    builder.record(.dataEnd) { $0.append(dataSum) }

    let summaryStart = fileSize
    let local = builder.bytes.count
    var groups: [McapSummaryOffset] = []
    appendGroup(.schema, options.repeatsSchemas ? schemas : [], to: &groups) { $0.append($1) }
    appendGroup(.channel, options.repeatsChannels ? channels : [], to: &groups) { $0.append($1) }
    appendGroup(.statistics, options.writesStatistics ? [statistics] : [], to: &groups) { $0.append($1) }
    appendGroup(.metadataIndex, options.writesMetadataIndex ? metadataIndexes : [], to: &groups) { $0.append($1) }
    appendGroup(.attachmentIndex, options.writesAttachmentIndex ? attachmentIndexes : [], to: &groups) { $0.append($1) }
    appendGroup(.chunkIndex, options.writesChunkIndex ? chunkIndexes : [], to: &groups) { $0.append($1) }
    let hasSummary = fileSize > summaryStart
    var offsetStart: UInt64 = 0
    if options.writesSummaryOffsets {
      offsetStart = fileSize
      for group in groups { builder.append(group) }
    }
    builder.bytes.append(McapOpcode.footer.rawValue)
    builder.append(UInt64(20))
    builder.append(hasSummary ? summaryStart : 0)
    builder.append(offsetStart)
    let summarySum = builder.bytes.withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[local...])) }
    builder.append(summarySum)
    builder.bytes.append(contentsOf: mcapMagic)
  }

  private mutating func appendGroup<Record>(
    _ opcode: McapOpcode, _ records: [Record], to groups: inout [McapSummaryOffset],
    _ append: (inout ByteBuilder, Record) -> Void
  ) {
    guard !records.isEmpty else { return }
    let start = fileSize
    for record in records { append(&builder, record) }
    groups.append(
      McapSummaryOffset(groupOpcode: opcode.rawValue, groupStart: start, groupLength: fileSize - start))
  }
}
