/// The record kinds of MCAP and their opcodes.
public enum McapOpcode: UInt8, Sendable, CaseIterable {
  case header = 0x01
  case footer, schema, channel, message, chunk, messageIndex, chunkIndex, attachment, attachmentIndex, statistics
  case metadata, metadataIndex, summaryOffset, dataEnd
}

/// First record: which profile the file follows and which library wrote it.
public struct McapHeader: Sendable, Equatable {
  public var profile: String
  public var library: String
  public init(profile: String = "", library: String = "") {
    self.profile = profile
    self.library = library
  }
}

/// Last record: where the summary lies (0 = there is none).
public struct McapFooter: Sendable, Equatable {
  public var summaryStart: UInt64
  public var summaryOffsetStart: UInt64
  /// CRC32 from the summary's start up to this field; 0 = not computed.
  public var summaryChecksum: UInt32
}

/// A message definition.
public struct McapSchema: Sendable, Equatable {
  /// Never 0 in a valid file.
  public var id: UInt16
  public var name: String
  public var encoding: String
  public var data: [UInt8]
  public init(id: UInt16, name: String, encoding: String, data: [UInt8]) {
    self.id = id
    self.name = name
    self.encoding = encoding
    self.data = data
  }
}

/// A stream of messages.
public struct McapChannel: Sendable, Equatable {
  public var id: UInt16
  /// 0 = no schema.
  public var schemaID: UInt16
  public var topic: String
  public var messageEncoding: String
  public var metadata: [String: String]
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
  public var channelID: UInt16
  public var sequence: UInt32
  public var logTime: UInt64
  public var publishTime: UInt64
  public var data: [UInt8]
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
  public var startTime: UInt64
  public var endTime: UInt64
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
    public var time: UInt64
    public var offset: UInt64
  }
  public var channelID: UInt16
  public var entries: [Entry]
}

/// Where a chunk lies and what it holds.
public struct McapChunkIndex: Sendable, Equatable {
  public var startTime: UInt64
  public var endTime: UInt64
  public var chunkOffset: UInt64
  public var chunkLength: UInt64
  /// Channel id to the file offset of its message index.
  public var messageIndexOffsets: [UInt16: UInt64]
  public var messageIndexLength: UInt64
  public var compression: String
  public var compressedSize: UInt64
  public var uncompressedSize: UInt64
}

/// A file inside the file.
public struct McapAttachment: Sendable, Equatable {
  public var logTime: UInt64
  public var createTime: UInt64
  public var name: String
  public var mediaType: String
  public var data: [UInt8]
  /// Whether the stored checksum fitted the content (true when none was stored).
  public var isIntact: Bool = true
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
  public var offset: UInt64
  public var length: UInt64
  public var logTime: UInt64
  public var createTime: UInt64
  public var dataSize: UInt64
  public var name: String
  public var mediaType: String
}

/// Counts over the whole file.
public struct McapStatistics: Sendable, Equatable {
  public var messageCount: UInt64 = 0
  public var schemaCount: UInt16 = 0
  public var channelCount: UInt32 = 0
  public var attachmentCount: UInt32 = 0
  public var metadataCount: UInt32 = 0
  public var chunkCount: UInt32 = 0
  public var startTime: UInt64 = 0
  public var endTime: UInt64 = 0
  public var channelMessageCounts: [UInt16: UInt64] = [:]
}

/// Named text pairs.
public struct McapMetadata: Sendable, Equatable {
  public var name: String
  public var metadata: [String: String]
  public init(name: String, metadata: [String: String]) {
    self.name = name
    self.metadata = metadata
  }
}

/// Where a metadata record lies.
public struct McapMetadataIndex: Sendable, Equatable {
  public var offset: UInt64
  public var length: UInt64
  public var name: String
}

/// Where a group of summary records lies.
public struct McapSummaryOffset: Sendable, Equatable {
  public var groupOpcode: UInt8
  public var groupStart: UInt64
  public var groupLength: UInt64
}

/// End of the data section, with its CRC32 (0 = not computed).
public struct McapDataEnd: Sendable, Equatable {
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
