/// The record kinds of MCAP and their opcodes.
public enum McapOpcode: UInt8, Sendable, CaseIterable {
  case header = 0x01
  case footer, schema, channel, message, chunk, messageIndex, chunkIndex, attachment, attachmentIndex, statistics
  case metadata, metadataIndex, summaryOffset, dataEnd
}

/// First record: which profile the file follows and which library wrote it.
public struct McapHeader: Sendable, Equatable {
  /// `ros2` for our logs, or empty.
  public var profile: String
  /// Whatever wrote the file.
  public var library: String
  /// A header.
  public init(profile: String = "", library: String = "") {
    self.profile = profile
    self.library = library
  }
}

/// Last record: where the summary lies (0 = there is none).
public struct McapFooter: Sendable, Equatable {
  /// Byte where the summary starts; 0 = there is none.
  public var summaryStart: UInt64
  /// Byte where the summary offsets start; 0 = there are none.
  public var summaryOffsetStart: UInt64
  /// CRC32 from the summary's start up to this field; 0 = not computed.
  public var summaryChecksum: UInt32
}

/// A message definition.
public struct McapSchema: Sendable, Equatable {
  /// Never 0 in a valid file.
  public var id: UInt16
  /// For ROS 2: `package/msg/Type`.
  public var name: String
  /// For example `ros2msg`.
  public var encoding: String
  /// The definition.
  public var data: [UInt8]
  /// A schema.
  public init(id: UInt16, name: String, encoding: String, data: [UInt8]) {
    self.id = id
    self.name = name
    self.encoding = encoding
    self.data = data
  }
}

/// A stream of messages.
public struct McapChannel: Sendable, Equatable {
  /// Unique in the file.
  public var id: UInt16
  /// 0 = no schema.
  public var schemaID: UInt16
  /// For example `/transition`.
  public var topic: String
  /// For example `cdr`.
  public var messageEncoding: String
  /// Further text pairs, such as `offered_qos_profiles`.
  public var metadata: [String: String]
  /// A channel.
  public init(id: UInt16, schemaID: UInt16, topic: String, messageEncoding: String, metadata: [String: String] = [:]) {
    self.id = id
    self.schemaID = schemaID
    self.topic = topic
    self.messageEncoding = messageEncoding
    self.metadata = metadata
  }
}

/// One message. Times are nanoseconds.
public struct McapMessage: Sendable, Equatable {
  /// The channel it belongs to.
  public var channelID: UInt16
  /// Counts the channel's messages; 0 = not used.
  public var sequence: UInt32
  /// When it was recorded, ns.
  public var logTime: UInt64
  /// When it was made, ns.
  public var publishTime: UInt64
  /// The encoded message.
  public var data: [UInt8]
  /// A message.
  public init(channelID: UInt16, sequence: UInt32, logTime: UInt64, publishTime: UInt64, data: [UInt8]) {
    self.channelID = channelID
    self.sequence = sequence
    self.logTime = logTime
    self.publishTime = publishTime
    self.data = data
  }
}

/// A block of schemas, channels and messages, perhaps compressed.
public struct McapChunk: Sendable, Equatable {
  /// Earliest log time inside, ns; 0 without messages.
  public var startTime: UInt64
  /// Latest log time inside, ns.
  public var endTime: UInt64
  /// Bytes of the records before compression, as announced.
  public var uncompressedSize: UInt64
  /// CRC32 of the uncompressed records; 0 = not computed.
  public var uncompressedChecksum: UInt32
  /// "" (none), "lz4", "zstd", or something this reader does not know.
  public var compression: String
  /// The records as stored.
  public var records: [UInt8]
}

/// Where the messages of one channel lie inside the chunk before it.
public struct McapMessageIndex: Sendable, Equatable {
  /// Log time, and byte offset into the uncompressed chunk.
  public struct Entry: Sendable, Equatable {
    /// Log time, ns.
    public var time: UInt64
    /// Byte in the uncompressed chunk.
    public var offset: UInt64
  }
  /// The channel it lists.
  public var channelID: UInt16
  /// In any order.
  public var entries: [Entry]
}

/// Where a chunk lies and what it holds.
public struct McapChunkIndex: Sendable, Equatable {
  /// Earliest log time in the chunk, ns.
  public var startTime: UInt64
  /// Latest log time in the chunk, ns.
  public var endTime: UInt64
  /// Byte where the chunk record starts.
  public var chunkOffset: UInt64
  /// Bytes of the chunk record, opcode and length included.
  public var chunkLength: UInt64
  /// Channel id to the file offset of its message index.
  public var messageIndexOffsets: [UInt16: UInt64]
  /// Bytes of all message indexes behind the chunk.
  public var messageIndexLength: UInt64
  /// As in the chunk.
  public var compression: String
  /// Bytes of the chunk's records as stored.
  public var compressedSize: UInt64
  /// Bytes of the chunk's records before compression.
  public var uncompressedSize: UInt64
}

/// A file inside the file.
public struct McapAttachment: Sendable, Equatable {
  /// When it was recorded, ns.
  public var logTime: UInt64
  /// When it was made, ns; 0 = unknown.
  public var createTime: UInt64
  /// A file name.
  public var name: String
  /// For example `application/yaml`.
  public var mediaType: String
  /// The file's bytes.
  public var data: [UInt8]
  /// Whether the stored checksum fitted the content (true when none was stored).
  public var isIntact: Bool = true
  /// An attachment.
  public init(logTime: UInt64, createTime: UInt64, name: String, mediaType: String, data: [UInt8]) {
    self.logTime = logTime
    self.createTime = createTime
    self.name = name
    self.mediaType = mediaType
    self.data = data
  }
}

/// Where an attachment lies.
public struct McapAttachmentIndex: Sendable, Equatable {
  /// Byte where the attachment record starts.
  public var offset: UInt64
  /// Bytes of the attachment record, opcode and length included.
  public var length: UInt64
  /// As in the attachment.
  public var logTime: UInt64
  /// As in the attachment.
  public var createTime: UInt64
  /// Bytes of the attached file.
  public var dataSize: UInt64
  /// As in the attachment.
  public var name: String
  /// As in the attachment.
  public var mediaType: String
}

/// Counts over the whole file.
public struct McapStatistics: Sendable, Equatable {
  /// Messages.
  public var messageCount: UInt64 = 0
  /// Schemas with different ids.
  public var schemaCount: UInt16 = 0
  /// Channels with different ids.
  public var channelCount: UInt32 = 0
  /// Attachments.
  public var attachmentCount: UInt32 = 0
  /// Metadata records.
  public var metadataCount: UInt32 = 0
  /// Chunks.
  public var chunkCount: UInt32 = 0
  /// Earliest log time, ns; 0 without messages.
  public var startTime: UInt64 = 0
  /// Latest log time, ns.
  public var endTime: UInt64 = 0
  /// Messages by channel id.
  public var channelMessageCounts: [UInt16: UInt64] = [:]
}

/// Named text pairs.
public struct McapMetadata: Sendable, Equatable {
  /// The record's name.
  public var name: String
  /// The text pairs.
  public var metadata: [String: String]
  /// A metadata record.
  public init(name: String, metadata: [String: String]) {
    self.name = name
    self.metadata = metadata
  }
}

/// Where a metadata record lies.
public struct McapMetadataIndex: Sendable, Equatable {
  /// Byte where the metadata record starts.
  public var offset: UInt64
  /// Bytes of the record, opcode and length included.
  public var length: UInt64
  /// As in the record.
  public var name: String
}

/// Where a group of summary records lies.
public struct McapSummaryOffset: Sendable, Equatable {
  /// Kind of the group's records.
  public var groupOpcode: UInt8
  /// Byte where the group starts.
  public var groupStart: UInt64
  /// Bytes of the group.
  public var groupLength: UInt64
}

/// End of the data section, with its CRC32 (0 = not computed).
public struct McapDataEnd: Sendable, Equatable {
  /// CRC32 of everything before this record.
  public var checksum: UInt32
}

/// One record of an MCAP file.
public enum McapRecord: Sendable, Equatable {
  case header(McapHeader)
  case footer(McapFooter)
  case schema(McapSchema)
  case channel(McapChannel)
  case message(McapMessage)
  case chunk(McapChunk)
  case messageIndex(McapMessageIndex)
  case chunkIndex(McapChunkIndex)
  case attachment(McapAttachment)
  case attachmentIndex(McapAttachmentIndex)
  case statistics(McapStatistics)
  case metadata(McapMetadata)
  case metadataIndex(McapMetadataIndex)
  case summaryOffset(McapSummaryOffset)
  case dataEnd(McapDataEnd)
  /// A private (80…FF) or future opcode; readers pass over it.
  case unknown(opcode: UInt8)
}
