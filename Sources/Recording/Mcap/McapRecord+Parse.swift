extension McapRecord {
  /// Parses the content of one record. Extra bytes at the end are passed over, as the format asks.
  ///
  /// - Parameters:
  ///   - opcode: the record's kind; unknown kinds are returned as `.unknown`.
  ///   - content: the bytes behind the opcode and the length.
  ///   - offset: where the record starts in the file, for errors.
  public static func parse(
    opcode: UInt8, content: UnsafeRawBufferPointer, offset: UInt64
  ) throws(McapError) -> McapRecord {
    guard opcode != 0 else { throw McapError(.invalidOpcode, at: offset) }
    guard let kind = McapOpcode(rawValue: opcode) else { return .unknown(opcode: opcode) }
    var cursor = ByteCursor(content, record: "\(kind)", origin: offset)
    return switch kind {
    case .header: .header(try McapHeader(&cursor))
    case .footer: .footer(try McapFooter(&cursor))
    case .schema: .schema(try McapSchema(&cursor))
    case .channel: .channel(try McapChannel(&cursor))
    case .message: .message(try McapMessage(&cursor))
    case .chunk: .chunk(try McapChunk(&cursor))
    case .messageIndex: .messageIndex(try McapMessageIndex(&cursor))
    case .chunkIndex: .chunkIndex(try McapChunkIndex(&cursor))
    case .attachment: .attachment(try McapAttachment(&cursor))
    case .attachmentIndex: .attachmentIndex(try McapAttachmentIndex(&cursor))
    case .statistics: .statistics(try McapStatistics(&cursor))
    case .metadata: .metadata(try McapMetadata(&cursor))
    case .metadataIndex: .metadataIndex(try McapMetadataIndex(&cursor))
    case .summaryOffset: .summaryOffset(try McapSummaryOffset(&cursor))
    case .dataEnd: .dataEnd(McapDataEnd(checksum: try cursor.integer(UInt32.self, "data_section_crc")))
    }
  }
}

extension McapHeader {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    profile = try cursor.string("profile")
    library = try cursor.string("library")
  }
}

extension McapFooter {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    summaryStart = try cursor.integer(UInt64.self, "summary_start")
    summaryOffsetStart = try cursor.integer(UInt64.self, "summary_offset_start")
    summaryChecksum = try cursor.integer(UInt32.self, "summary_crc")
  }
}

extension McapSchema {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    id = try cursor.integer(UInt16.self, "id")
    name = try cursor.string("name")
    encoding = try cursor.string("encoding")
    let count = try cursor.integer(UInt32.self, "data")
    data = Array(try cursor.slice(UInt64(count), "data"))
  }
}

extension McapChannel {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    id = try cursor.integer(UInt16.self, "id")
    schemaID = try cursor.integer(UInt16.self, "schema_id")
    topic = try cursor.string("topic")
    messageEncoding = try cursor.string("message_encoding")
    metadata = try cursor.textMap("metadata")
  }
}

extension McapMessage {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    channelID = try cursor.integer(UInt16.self, "channel_id")
    sequence = try cursor.integer(UInt32.self, "sequence")
    logTime = try cursor.integer(UInt64.self, "log_time")
    publishTime = try cursor.integer(UInt64.self, "publish_time")
    data = Array(cursor.rest())
  }
}

extension McapChunk {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    startTime = try cursor.integer(UInt64.self, "message_start_time")
    endTime = try cursor.integer(UInt64.self, "message_end_time")
    uncompressedSize = try cursor.integer(UInt64.self, "uncompressed_size")
    uncompressedChecksum = try cursor.integer(UInt32.self, "uncompressed_crc")
    compression = try cursor.string("compression")
    let count = try cursor.integer(UInt64.self, "records")
    records = Array(try cursor.slice(count, "records"))
  }
}

extension McapMessageIndex {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    channelID = try cursor.integer(UInt16.self, "channel_id")
    var list = try cursor.entries("records")
    entries = []
    entries.reserveCapacity(list.remaining / 16)
    while list.remaining > 0 {
      let time = try list.integer(UInt64.self, "log_time")
      entries.append(Entry(time: time, offset: try list.integer(UInt64.self, "offset")))
    }
  }
}

extension McapChunkIndex {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    startTime = try cursor.integer(UInt64.self, "message_start_time")
    endTime = try cursor.integer(UInt64.self, "message_end_time")
    chunkOffset = try cursor.integer(UInt64.self, "chunk_start_offset")
    chunkLength = try cursor.integer(UInt64.self, "chunk_length")
    messageIndexOffsets = try cursor.countMap("message_index_offsets")
    messageIndexLength = try cursor.integer(UInt64.self, "message_index_length")
    compression = try cursor.string("compression")
    compressedSize = try cursor.integer(UInt64.self, "compressed_size")
    uncompressedSize = try cursor.integer(UInt64.self, "uncompressed_size")
  }
}

extension McapAttachment {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    logTime = try cursor.integer(UInt64.self, "log_time")
    createTime = try cursor.integer(UInt64.self, "create_time")
    name = try cursor.string("name")
    mediaType = try cursor.string("media_type")
    let count = try cursor.integer(UInt64.self, "data")
    data = Array(try cursor.slice(count, "data"))
    let covered = cursor.position
    let announced = try cursor.integer(UInt32.self, "crc")
    isIntact = announced == 0 || announced == checksum(UnsafeRawBufferPointer(rebasing: cursor.bytes[..<covered]))
  }
}

extension McapAttachmentIndex {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    offset = try cursor.integer(UInt64.self, "offset")
    length = try cursor.integer(UInt64.self, "length")
    logTime = try cursor.integer(UInt64.self, "log_time")
    createTime = try cursor.integer(UInt64.self, "create_time")
    dataSize = try cursor.integer(UInt64.self, "data_size")
    name = try cursor.string("name")
    mediaType = try cursor.string("media_type")
  }
}

extension McapStatistics {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    messageCount = try cursor.integer(UInt64.self, "message_count")
    schemaCount = try cursor.integer(UInt16.self, "schema_count")
    channelCount = try cursor.integer(UInt32.self, "channel_count")
    attachmentCount = try cursor.integer(UInt32.self, "attachment_count")
    metadataCount = try cursor.integer(UInt32.self, "metadata_count")
    chunkCount = try cursor.integer(UInt32.self, "chunk_count")
    startTime = try cursor.integer(UInt64.self, "message_start_time")
    endTime = try cursor.integer(UInt64.self, "message_end_time")
    channelMessageCounts = try cursor.countMap("channel_message_counts")
  }
}

extension McapMetadata {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    name = try cursor.string("name")
    metadata = try cursor.textMap("metadata")
  }
}

extension McapMetadataIndex {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    offset = try cursor.integer(UInt64.self, "offset")
    length = try cursor.integer(UInt64.self, "length")
    name = try cursor.string("name")
  }
}

extension McapSummaryOffset {
  init(_ cursor: inout ByteCursor) throws(McapError) {
    groupOpcode = try cursor.integer(UInt8.self, "group_opcode")
    groupStart = try cursor.integer(UInt64.self, "group_start")
    groupLength = try cursor.integer(UInt64.self, "group_length")
  }
}
