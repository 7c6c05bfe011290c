/// Reads an MCAP file by its summary: what is in it without reading it all, and messages of some topics and times
/// without reading the other chunks.
///
/// Offsets and lengths in the file are checked against the file's size before anything is read or allocated.
public struct McapIndexedReader {
  private let source: any ByteSource
  private let limit: UInt64
  /// The first record.
  public let header: McapHeader
  /// The last record.
  public let footer: McapFooter
  /// Schemas of the summary by id.
  public private(set) var schemas: [UInt16: McapSchema] = [:]
  /// Channels of the summary by id.
  public private(set) var channels: [UInt16: McapChannel] = [:]
  /// Counts; nil when the file has none.
  public private(set) var statistics: McapStatistics?
  /// In file order.
  public private(set) var chunkIndexes: [McapChunkIndex] = []
  /// In summary order.
  public private(set) var attachmentIndexes: [McapAttachmentIndex] = []
  /// In summary order.
  public private(set) var metadataIndexes: [McapMetadataIndex] = []
  /// In summary order.
  public private(set) var summaryOffsets: [McapSummaryOffset] = []

  /// Reads header, footer and summary. Throws `.noSummary` when the file has none.
  public init(source: any ByteSource, limit: UInt64 = McapLimits.record) throws(McapError) {
    self.source = source
    self.limit = limit
    guard source.size >= 8, try source.read(at: 0, count: 8) == mcapMagic else {
      throw McapError(.badMagic(atEnd: false), at: 0)
    }
    let footerLength: UInt64 = 29
    guard source.size >= 16 + footerLength, try source.read(at: source.size - 8, count: 8) == mcapMagic else {
      throw McapError(.badMagic(atEnd: true), at: source.size - min(source.size, 8))
    }
    let footerStart = source.size - 8 - footerLength
    guard case .header(let header) = try Self.record(in: source, at: 8, limit: limit) else {
      throw McapError(.unexpectedRecord(expected: "header"), at: 8)
    }
    guard case .footer(let footer) = try Self.record(in: source, at: footerStart, limit: limit) else {
      throw McapError(.unexpectedRecord(expected: "footer"), at: footerStart)
    }
    self.header = header
    self.footer = footer
    guard footer.summaryStart != 0 else { throw McapError(.noSummary, at: footerStart) }
    guard footer.summaryStart >= 8, footer.summaryStart <= footerStart else {
      throw McapError(.malformed(record: "footer", field: "summary_start"), at: footerStart)
    }
    try readSummary(upTo: footerStart)
  }

  private mutating func readSummary(upTo end: UInt64) throws(McapError) {
    let length = end - footer.summaryStart
    guard length <= limit else {
      throw McapError(.recordTooLarge(length: length, limit: limit), at: footer.summaryStart)
    }
    if footer.summaryChecksum != 0 {
      let covered = try source.read(at: footer.summaryStart, count: length + 25)
      let computed = covered.withUnsafeBytes { checksum($0) }
      guard computed == footer.summaryChecksum else {
        throw McapError(
          .checksumMismatch(announced: footer.summaryChecksum, computed: computed), at: footer.summaryStart)
      }
    }
    var position = footer.summaryStart
    while position < end {
      let (record, next) = try Self.recordAndEnd(in: source, at: position, limit: limit)
      switch record {
      case .schema(let schema): schemas[schema.id] = schema
      case .channel(let channel): channels[channel.id] = channel
      case .statistics(let found): statistics = found
      case .chunkIndex(let index): chunkIndexes.append(index)
      case .attachmentIndex(let index): attachmentIndexes.append(index)
      case .metadataIndex(let index): metadataIndexes.append(index)
      case .summaryOffset(let found): summaryOffsets.append(found)
      default: break
      }
      position = next
    }
    chunkIndexes.sort { $0.chunkOffset < $1.chunkOffset }
  }

  private static func record(in source: any ByteSource, at offset: UInt64, limit: UInt64) throws(McapError)
    -> McapRecord
  {
    try recordAndEnd(in: source, at: offset, limit: limit).0
  }

  private static func recordAndEnd(
    in source: any ByteSource, at offset: UInt64, limit: UInt64
  ) throws(McapError) -> (McapRecord, UInt64) {
    let head = try source.read(at: offset, count: 9)
    let length = head.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 1, as: UInt64.self)) }
    guard length <= limit else { throw McapError(.recordTooLarge(length: length, limit: limit), at: offset) }
    let content = try source.read(at: offset + 9, count: length)
    let record = try content.withBytes { (bytes) throws(McapError) -> McapRecord in
      try McapRecord.parse(opcode: head[0], content: bytes, offset: offset)
    }
    return (record, offset + 9 + length)
  }

  /// The attachment behind an index entry.
  public func attachment(_ index: McapAttachmentIndex) throws(McapError) -> McapAttachment {
    guard case .attachment(let attachment) = try Self.record(in: source, at: index.offset, limit: limit) else {
      throw McapError(.unexpectedRecord(expected: "attachment"), at: index.offset)
    }
    return attachment
  }

  /// The metadata behind an index entry.
  public func metadata(_ index: McapMetadataIndex) throws(McapError) -> McapMetadata {
    guard case .metadata(let metadata) = try Self.record(in: source, at: index.offset, limit: limit) else {
      throw McapError(.unexpectedRecord(expected: "metadata"), at: index.offset)
    }
    return metadata
  }

  /// The chunk behind an index entry.
  public func chunk(_ index: McapChunkIndex) throws(McapError) -> McapChunk {
    guard case .chunk(let chunk) = try Self.record(in: source, at: index.chunkOffset, limit: limit) else {
      throw McapError(.unexpectedRecord(expected: "chunk"), at: index.chunkOffset)
    }
    return chunk
  }

  /// Hands the messages of the chunks to `body` in order of log time; equal times keep their order in the file.
  ///
  /// - Parameters:
  ///   - topics: nil for all.
  ///   - times: log times wanted, ns.
  ///   - body: answers false to stop.
  public func forEachMessage(
    topics: Set<String>? = nil, times: ClosedRange<UInt64> = 0...UInt64.max,
    _ body: (McapChannel, McapMessage) throws(McapError) -> Bool
  ) throws(McapError) {
    var channels = channels
    let wanted = chunkIndexes.enumerated().filter { _, chunk in
      guard chunk.startTime <= times.upperBound, chunk.endTime >= times.lowerBound else { return false }
      guard let topics, !chunk.messageIndexOffsets.isEmpty else { return true }
      return chunk.messageIndexOffsets.keys.contains { id in channels[id].map { topics.contains($0.topic) } ?? true }
    }.map(\.element).sorted { $0.startTime < $1.startTime }

    var pending: [Located] = []
    for (position, index) in wanted.enumerated() {
      try load(index, into: &pending, channels: &channels, topics: topics, times: times)
      // Later chunks start at or after the next one's start: everything before that is settled.
      let settled = position + 1 < wanted.count ? wanted[position + 1].startTime : UInt64.max
      let isLast = position + 1 == wanted.count
      let ready = pending.partitionPoint { !isLast && $0.message.logTime >= settled }
      for located in pending[..<ready] {
        guard let channel = channels[located.message.channelID] else { continue }
        if try !body(channel, located.message) { return }
      }
      pending.removeFirst(ready)
    }
  }

  private struct Located {
    var message: McapMessage
    var chunk: UInt64
    var position: Int
  }

  private func load(
    _ index: McapChunkIndex, into pending: inout [Located], channels: inout [UInt16: McapChannel],
    topics: Set<String>?, times: ClosedRange<UInt64>
  ) throws(McapError) {
    let content = try chunk(index).decompressed(at: index.chunkOffset, limit: limit)
    var scanner = McapRecordScanner(chunkContent: content, origin: index.chunkOffset)
    while let (record, position) = try scanner.next() {
      switch record {
      case .channel(let channel): if channels[channel.id] == nil { channels[channel.id] = channel }
      case .message(let message):
        guard let channel = channels[message.channelID] else {
          throw McapError(.unknownChannel(message.channelID), at: index.chunkOffset)
        }
        guard topics?.contains(channel.topic) ?? true, times.contains(message.logTime) else { continue }
        pending.append(Located(message: message, chunk: index.chunkOffset, position: position))
      default: break
      }
    }
    pending.sort { ($0.message.logTime, $0.chunk, $0.position) < ($1.message.logTime, $1.chunk, $1.position) }
  }
}

extension Array {
  /// First index whose element fulfils `predicate`, in an array where all that fulfil it come last.
  fileprivate func partitionPoint(_ predicate: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
