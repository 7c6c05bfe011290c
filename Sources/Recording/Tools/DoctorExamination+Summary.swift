extension DoctorExamination {
  mutating func examine(_ index: McapAttachmentIndex, at offset: UInt64) {
    guard let (attachment, size, length) = attachments[index.offset] else {
      report(
        .error, .attachmentIndex, "no attachment lies at byte \(index.offset), where '\(index.name)' should be",
        at: offset)
      return
    }
    if index.length != length || index.dataSize != size || index.name != attachment.name
      || index.mediaType != attachment.mediaType || index.logTime != attachment.logTime
      || index.createTime != attachment.createTime
    {
      report(.error, .attachmentIndex, "the index of attachment '\(attachment.name)' does not fit it", at: offset)
    }
  }

  mutating func examine(_ index: McapMetadataIndex, at offset: UInt64) {
    guard let (name, length) = metadata[index.offset] else {
      report(
        .error, .metadataIndex, "no metadata lies at byte \(index.offset), where '\(index.name)' should be", at: offset)
      return
    }
    if index.length != length || index.name != name {
      report(.error, .metadataIndex, "the index of metadata '\(name)' does not fit it", at: offset)
    }
  }

  mutating func examine(_ group: McapSummaryOffset, at offset: UInt64) {
    let (end, overflow) = group.groupStart.addingReportingOverflow(group.groupLength)
    let inside = summaryRecords.filter { $0.start >= group.groupStart && $0.end <= end }
    let covered = inside.reduce(0) { $0 + ($1.end - $1.start) }
    if overflow || covered != group.groupLength || inside.contains(where: { $0.opcode != group.groupOpcode })
      || inside.isEmpty
    {
      report(
        .error, .summaryOffset, "no group of records with opcode \(group.groupOpcode) lies at byte \(group.groupStart)",
        at: offset)
    }
  }

  /// Beginning, end and checksums of the file.
  mutating func examineFrame(end: UInt64) throws(McapError) {
    if header == nil { report(.error, .headerMissing, "no header", at: 8) }
    if let dataEnd {
      if dataEnd.checksum != 0 {
        let computed = try checksumOfFile(from: 0, to: dataEnd.offset)
        if computed != dataEnd.checksum {
          report(
            .error, .dataChecksum, "data section has checksum \(computed), announced \(dataEnd.checksum)",
            at: dataEnd.offset)
        }
      }
    } else {
      report(.error, .dataEndMissing, "no end of data: the log was not closed", at: end)
    }
    guard let footer else {
      report(.error, .footerMissing, "no footer: the log was not closed", at: end)
      return
    }
    let (start, offsetStart) = (footer.footer.summaryStart, footer.footer.summaryOffsetStart)
    let summary = summaryRecords.first { $0.opcode != McapOpcode.footer.rawValue }
    if start != (summary?.start ?? 0), start != 0 || summary?.opcode != McapOpcode.summaryOffset.rawValue {
      report(
        .error, .summaryStart, "the footer says the summary starts at \(start), it does at \(summary?.start ?? 0)",
        at: footer.offset)
    }
    let offsets = summaryRecords.first { $0.opcode == McapOpcode.summaryOffset.rawValue }?.start
    // Without offsets the field is 0, or where they would begin.
    if offsetStart != 0, offsetStart != offsets ?? footer.offset {
      report(.error, .summaryOffsetStart, "no summary offsets start at \(offsetStart)", at: footer.offset)
    }
    if footer.footer.summaryChecksum != 0 {
      let from = start == 0 ? footer.offset : min(start, footer.offset)
      let computed = try checksumOfFile(from: from, to: footer.offset + 25)
      if computed != footer.footer.summaryChecksum {
        report(
          .error, .summaryChecksum, "summary has checksum \(computed), announced \(footer.footer.summaryChecksum)",
          at: footer.offset)
      }
    }
    if end < source.size { report(.error, .trailingBytes, "\(source.size - end) bytes behind the end", at: end) }
  }

  private func checksumOfFile(from start: UInt64, to end: UInt64) throws(McapError) -> UInt32 {
    var sum: UInt32 = 0
    var position = start
    while position < end {
      let piece = min(end - position, 1 << 20)
      let bytes = try source.read(at: position, count: piece)
      sum = bytes.withUnsafeBytes { checksum($0, from: sum) }
      position += piece
    }
    return sum
  }

  /// The summary against what was seen in the data.
  mutating func examineSummary() {
    var indexed: Set<UInt64> = []
    for (offset, index) in chunkIndexes {
      if !indexed.insert(index.chunkOffset).inserted {
        report(.error, .chunkIndexRepeated, "the chunk at byte \(index.chunkOffset) is indexed twice", at: offset)
      }
      examine(index, at: offset)
    }
    if !chunkIndexes.isEmpty {
      for offset in chunks.keys.sorted() where !indexed.contains(offset) {
        report(.error, .chunkNotIndexed, "a chunk without an index", at: offset)
      }
      for id in chunkedChannels.sorted() {
        guard let channel = channels[id] else { continue }
        if !summaryChannels.contains(id) {
          report(
            .error, .channelNotInSummary, "channel \(id) '\(channel.topic)' of an indexed chunk is not in the summary",
            at: footer?.offset ?? 0)
        }
        if channel.schemaID != 0 && !summarySchemas.contains(channel.schemaID) {
          report(
            .error, .schemaNotInSummary, "schema \(channel.schemaID) of '\(channel.topic)' is not in the summary",
            at: footer?.offset ?? 0)
        }
      }
    }
    for (offset, seen) in chunks.sorted(by: { $0.key < $1.key }) {
      guard let messages = seen.messages, !seen.indexOffsets.isEmpty else { continue }
      let missing = messages.keys.filter { seen.indexOffsets[$0] == nil }.sorted()
      if !missing.isEmpty {
        report(.error, .messageIndexIncomplete, "no message index for channels \(missing) of the chunk", at: offset)
      }
    }
    if let statistics { examine(statistics) }
  }

  private mutating func examine(_ index: McapChunkIndex, at offset: UInt64) {
    guard let seen = chunks[index.chunkOffset] else {
      report(.error, .chunkIndexWithoutChunk, "no chunk lies at byte \(index.chunkOffset)", at: offset)
      return
    }
    func compare<T: Equatable>(
      _ kind: DoctorFinding.Kind, _ what: String, _ said: T, _ found: T
    ) {
      if said != found {
        report(
          .error, kind, "the index says \(what) \(said), the chunk at byte \(index.chunkOffset) has \(found)",
          at: offset)
      }
    }
    compare(.chunkIndexLength, "length", index.chunkLength, seen.length)
    compare(.chunkIndexTimes, "start", index.startTime, seen.chunk.startTime)
    compare(.chunkIndexTimes, "end", index.endTime, seen.chunk.endTime)
    compare(.chunkIndexSizes, "uncompressed size", index.uncompressedSize, seen.chunk.uncompressedSize)
    compare(.chunkIndexSizes, "compressed size", index.compressedSize, seen.storedSize)
    compare(.chunkIndexCompression, "compression", index.compression, seen.chunk.compression)
    compare(.chunkIndexMessageIndexes, "message indexes", index.messageIndexOffsets, seen.indexOffsets)
    compare(.chunkIndexMessageIndexes, "message index length", index.messageIndexLength, seen.indexLength)
  }

  private mutating func examine(_ said: McapStatistics) {
    let offset = summaryRecords.first { $0.opcode == McapOpcode.statistics.rawValue }?.start ?? 0
    func compare(_ what: String, _ said: some BinaryInteger, _ found: some BinaryInteger) {
      if UInt64(said) != UInt64(found) {
        report(.error, .statisticsCounts, "the statistics say \(said) \(what), the file has \(found)", at: offset)
      }
    }
    compare("messages", said.messageCount, counted.messageCount)
    compare("schemas", said.schemaCount, counted.schemaCount)
    compare("channels", said.channelCount, counted.channelCount)
    compare("attachments", said.attachmentCount, counted.attachmentCount)
    compare("metadata records", said.metadataCount, counted.metadataCount)
    compare("chunks", said.chunkCount, counted.chunkCount)
    for id in Set(said.channelMessageCounts.keys).union(counted.channelMessageCounts.keys).sorted() {
      compare("messages on channel \(id)", said.channelMessageCounts[id] ?? 0, counted.channelMessageCounts[id] ?? 0)
    }
    if said.startTime != counted.startTime || said.endTime != counted.endTime {
      report(
        .error, .statisticsTimes,
        "the statistics say \(said.startTime) … \(said.endTime), the messages \(counted.startTime) … \(counted.endTime)",
        at: offset)
    }
  }
}
