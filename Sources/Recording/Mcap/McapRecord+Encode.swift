extension ByteBuilder {
  mutating func append(_ header: McapHeader) {
    record(.header) {
      $0.append(header.profile)
      $0.append(header.library)
    }
  }

  mutating func append(_ schema: McapSchema) {
    record(.schema) {
      $0.append(schema.id)
      $0.append(schema.name)
      $0.append(schema.encoding)
      $0.append(UInt32(schema.data.count))
      $0.bytes.append(contentsOf: schema.data)
    }
  }

  mutating func append(_ channel: McapChannel) {
    record(.channel) {
      $0.append(channel.id)
      $0.append(channel.schemaID)
      $0.append(channel.topic)
      $0.append(channel.messageEncoding)
      $0.append(channel.metadata)
    }
  }

  /// The parts of a message, without an array for its data.
  mutating func appendMessage(
    channel: UInt16, sequence: UInt32, logTime: UInt64, publishTime: UInt64, data: UnsafeRawBufferPointer
  ) {
    bytes.append(McapOpcode.message.rawValue)
    append(UInt64(22 + data.count))
    append(channel)
    append(sequence)
    append(logTime)
    append(publishTime)
    bytes.append(contentsOf: data)
  }

  mutating func append(_ chunk: McapChunk) {
    record(.chunk) {
      $0.append(chunk.startTime)
      $0.append(chunk.endTime)
      $0.append(chunk.uncompressedSize)
      $0.append(chunk.uncompressedChecksum)
      $0.append(chunk.compression)
      $0.append(UInt64(chunk.records.count))
      $0.bytes.append(contentsOf: chunk.records)
    }
  }

  mutating func append(_ index: McapMessageIndex) {
    record(.messageIndex) {
      $0.append(index.channelID)
      $0.append(UInt32(16 * index.entries.count))
      for entry in index.entries {
        $0.append(entry.time)
        $0.append(entry.offset)
      }
    }
  }

  mutating func append(_ index: McapChunkIndex) {
    record(.chunkIndex) {
      $0.append(index.startTime)
      $0.append(index.endTime)
      $0.append(index.chunkOffset)
      $0.append(index.chunkLength)
      $0.append(index.messageIndexOffsets)
      $0.append(index.messageIndexLength)
      $0.append(index.compression)
      $0.append(index.compressedSize)
      $0.append(index.uncompressedSize)
    }
  }

  mutating func append(_ attachment: McapAttachment) {
    record(.attachment) { builder in
      let start = builder.bytes.count
      builder.append(attachment.logTime)
      builder.append(attachment.createTime)
      builder.append(attachment.name)
      builder.append(attachment.mediaType)
      builder.append(UInt64(attachment.data.count))
      builder.bytes.append(contentsOf: attachment.data)
      let sum = builder.bytes.withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[start...])) }
      builder.append(sum)
    }
  }

  mutating func append(_ index: McapAttachmentIndex) {
    record(.attachmentIndex) {
      $0.append(index.offset)
      $0.append(index.length)
      $0.append(index.logTime)
      $0.append(index.createTime)
      $0.append(index.dataSize)
      $0.append(index.name)
      $0.append(index.mediaType)
    }
  }

  mutating func append(_ statistics: McapStatistics) {
    record(.statistics) {
      $0.append(statistics.messageCount)
      $0.append(statistics.schemaCount)
      $0.append(statistics.channelCount)
      $0.append(statistics.attachmentCount)
      $0.append(statistics.metadataCount)
      $0.append(statistics.chunkCount)
      $0.append(statistics.startTime)
      $0.append(statistics.endTime)
      $0.append(statistics.channelMessageCounts)
    }
  }

  mutating func append(_ metadata: McapMetadata) {
    record(.metadata) {
      $0.append(metadata.name)
      $0.append(metadata.metadata)
    }
  }

  mutating func append(_ index: McapMetadataIndex) {
    record(.metadataIndex) {
      $0.append(index.offset)
      $0.append(index.length)
      $0.append(index.name)
    }
  }

  mutating func append(_ offset: McapSummaryOffset) {
    record(.summaryOffset) {
      $0.append(offset.groupOpcode)
      $0.append(offset.groupStart)
      $0.append(offset.groupLength)
    }
  }
}
