import Recording

/// A record as the conformance cases spell it: numbers as decimal strings, bytes as arrays of decimal strings, names
/// in snake_case, fields sorted by name.
struct RecordJSON {
  let type: String
  let fields: [(String, Any)]

  var object: [String: Any] {
    ["type": type, "fields": fields.sorted { $0.0 < $1.0 }.map { [$0.0, $0.1] as [Any] }]
  }

  /// Nil for the records that the cases leave out: message indexes and chunks.
  init?(_ record: McapRecord) {
    switch record {
    case .header(let header): (type, fields) = ("Header", [("library", header.library), ("profile", header.profile)])
    case .footer(let footer):
      type = "Footer"
      fields = [
        ("summary_crc", text(footer.summaryChecksum)), ("summary_offset_start", text(footer.summaryOffsetStart)),
        ("summary_start", text(footer.summaryStart)),
      ]
    case .schema(let schema):
      type = "Schema"
      fields = [
        ("data", bytes(schema.data)), ("encoding", schema.encoding), ("id", text(schema.id)), ("name", schema.name),
      ]
    case .channel(let channel):
      type = "Channel"
      fields = [
        ("id", text(channel.id)), ("message_encoding", channel.messageEncoding), ("metadata", channel.metadata),
        ("schema_id", text(channel.schemaID)), ("topic", channel.topic),
      ]
    case .message(let message):
      type = "Message"
      fields = [
        ("channel_id", text(message.channelID)), ("data", bytes(message.data)), ("log_time", text(message.logTime)),
        ("publish_time", text(message.publishTime)), ("sequence", text(message.sequence)),
      ]
    case .attachment(let attachment):
      type = "Attachment"
      fields = [
        ("create_time", text(attachment.createTime)), ("data", bytes(attachment.data)),
        ("log_time", text(attachment.logTime)), ("media_type", attachment.mediaType), ("name", attachment.name),
      ]
    case .metadata(let metadata):
      (type, fields) = ("Metadata", [("metadata", metadata.metadata), ("name", metadata.name)])
    case .dataEnd(let end): (type, fields) = ("DataEnd", [("data_section_crc", text(end.checksum))])
    default:
      guard let (type, fields) = Self.summary(record) else { return nil }
      (self.type, self.fields) = (type, fields)
    }
  }

  private static func summary(_ record: McapRecord) -> (String, [(String, Any)])? {
    switch record {
    case .statistics(let statistics):
      (
        "Statistics",
        [
          ("attachment_count", text(statistics.attachmentCount)), ("channel_count", text(statistics.channelCount)),
          ("channel_message_counts", map(statistics.channelMessageCounts)),
          ("chunk_count", text(statistics.chunkCount)), ("message_count", text(statistics.messageCount)),
          ("message_end_time", text(statistics.endTime)), ("message_start_time", text(statistics.startTime)),
          ("metadata_count", text(statistics.metadataCount)), ("schema_count", text(statistics.schemaCount)),
        ]
      )
    case .chunkIndex(let index):
      (
        "ChunkIndex",
        [
          ("chunk_length", text(index.chunkLength)), ("chunk_start_offset", text(index.chunkOffset)),
          ("compressed_size", text(index.compressedSize)), ("compression", index.compression),
          ("message_end_time", text(index.endTime)), ("message_index_length", text(index.messageIndexLength)),
          ("message_index_offsets", map(index.messageIndexOffsets)), ("message_start_time", text(index.startTime)),
          ("uncompressed_size", text(index.uncompressedSize)),
        ]
      )
    case .attachmentIndex(let index):
      (
        "AttachmentIndex",
        [
          ("create_time", text(index.createTime)), ("data_size", text(index.dataSize)), ("length", text(index.length)),
          ("log_time", text(index.logTime)), ("media_type", index.mediaType), ("name", index.name),
          ("offset", text(index.offset)),
        ]
      )
    case .metadataIndex(let index):
      ("MetadataIndex", [("length", text(index.length)), ("name", index.name), ("offset", text(index.offset))])
    case .summaryOffset(let offset):
      (
        "SummaryOffset",
        [
          ("group_length", text(offset.groupLength)), ("group_opcode", text(offset.groupOpcode)),
          ("group_start", text(offset.groupStart)),
        ]
      )
    default: nil
    }
  }
}

private func text(_ number: some BinaryInteger) -> String { "\(number)" }
private func bytes(_ data: [UInt8]) -> [String] { data.map { "\($0)" } }
private func map(_ counts: [UInt16: UInt64]) -> [String: String] {
  Dictionary(uniqueKeysWithValues: counts.map { ("\($0.key)", "\($0.value)") })
}
