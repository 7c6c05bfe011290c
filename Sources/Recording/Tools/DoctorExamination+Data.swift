extension DoctorExamination {
  mutating func define(_ schema: McapSchema, at offset: UInt64, isInSummary: Bool) {
    if schema.id == 0 { report(.error, .schemaIdentifierZero, "schema '\(schema.name)' has id 0", at: offset) }
    if schema.encoding.isEmpty && !schema.data.isEmpty {
      report(.warning, .schemaWithoutEncoding, "schema '\(schema.name)' has data but no encoding", at: offset)
    }
    if isInSummary && summarySchemas.insert(schema.id).inserted == false {
      report(.warning, .schemaRepeated, "schema \(schema.id) is twice in the summary", at: offset)
    }
    guard let known = schemas[schema.id] else {
      if isInSummary {
        report(.error, .schemaOnlyInSummary, "schema \(schema.id) '\(schema.name)' is only in the summary", at: offset)
      } else {
        counted.schemaCount &+= 1
      }
      schemas[schema.id] = schema
      return
    }
    if known != schema {
      report(.error, .schemaRedefined, "schema \(schema.id) '\(known.name)' is defined differently", at: offset)
    } else if !isInSummary {
      report(.warning, .schemaRepeated, "schema \(schema.id) '\(schema.name)' is repeated", at: offset)
    }
  }

  mutating func define(_ channel: McapChannel, at offset: UInt64, isInSummary: Bool) {
    if isInSummary && summaryChannels.insert(channel.id).inserted == false {
      report(.warning, .channelRepeated, "channel \(channel.id) is twice in the summary", at: offset)
    }
    if channel.schemaID != 0 && schemas[channel.schemaID] == nil {
      report(
        .error, .channelWithoutSchema,
        "channel \(channel.id) '\(channel.topic)' names schema \(channel.schemaID), unknown",
        at: offset)
    }
    guard let known = channels[channel.id] else {
      if isInSummary {
        report(
          .error, .channelOnlyInSummary, "channel \(channel.id) '\(channel.topic)' is only in the summary", at: offset)
      } else {
        counted.channelCount &+= 1
      }
      channels[channel.id] = channel
      if header?.profile == "ros2" { examineRos2(channel, at: offset) }
      return
    }
    if known != channel {
      report(.error, .channelRedefined, "channel \(channel.id) '\(known.topic)' is defined differently", at: offset)
    } else if !isInSummary {
      report(.warning, .channelRepeated, "channel \(channel.id) '\(channel.topic)' is repeated", at: offset)
    }
  }

  private mutating func examineRos2(_ channel: McapChannel, at offset: UInt64) {
    let encoding = schemas[channel.schemaID]?.encoding ?? "none"
    if channel.messageEncoding != "cdr" || !["ros2msg", "ros2idl"].contains(encoding) {
      report(
        .error, .ros2Encoding,
        "channel '\(channel.topic)' is \(channel.messageEncoding) with \(encoding); profile ros2 asks for cdr with ros2msg",
        at: offset)
    }
    if channel.metadata["offered_qos_profiles"] == nil {
      report(.warning, .ros2QualityOfService, "channel '\(channel.topic)' has no offered_qos_profiles", at: offset)
    }
  }

  mutating func examine(_ message: McapMessage, at offset: UInt64, isInChunk: Bool) {
    if counted.messageCount == 0 { (counted.startTime, counted.endTime) = (message.logTime, message.logTime) }
    counted.messageCount &+= 1
    counted.startTime = min(counted.startTime, message.logTime)
    counted.endTime = max(counted.endTime, message.logTime)
    counted.channelMessageCounts[message.channelID, default: 0] &+= 1
    if isInChunk { chunkedChannels.insert(message.channelID) }
    // A step carries the time of its observation and is written when it is over: between topics, times may go back.
    let before = orderSeverity == .error ? lastTime : lastTimes[message.channelID, default: 0]
    if message.logTime < before {
      disorderCount += 1
      if disorderCount == 1 {
        report(
          orderSeverity, .messageOrder, "log time \(message.logTime) follows \(before) (only the first is reported)",
          at: offset)
      }
    }
    lastTime = max(lastTime, message.logTime)
    lastTimes[message.channelID] = max(before, message.logTime)
    guard let channel = channels[message.channelID] else {
      report(
        .error, .messageBeforeChannel, "message on channel \(message.channelID), which nothing described before",
        at: offset)
      return
    }
    // The first message of each channel stands for all: decoding each would cost more than the whole examination.
    guard decoders[channel.id] == nil else { return }
    decoders[channel.id] = .some(nil)
    guard channel.messageEncoding == "cdr", let schema = schemas[channel.schemaID], schema.encoding == "ros2msg" else {
      return
    }
    do throws(MessageError) { _ = try RosSchema(schema).decode(message.data) } catch {
      report(.error, .messageUndecodable, "'\(channel.topic)' does not decode by its schema: \(error)", at: offset)
    }
  }

  mutating func examine(_ chunk: McapChunk, at offset: UInt64, end: UInt64) {
    counted.chunkCount &+= 1
    lastChunk = offset
    // The bytes are not kept: an index is compared with what describes the chunk.
    var description = chunk
    description.records = []
    var seen = SeenChunk(
      chunk: description, storedSize: UInt64(chunk.records.count), length: end - offset, messages: nil)
    defer { chunks[offset] = seen }
    let content: [UInt8]
    do throws(McapError) { content = try chunk.decompressed(at: offset, limit: limit) } catch {
      report(.error, .chunkUnreadable, "\(error)", at: offset)
      return
    }
    var messages: [UInt16: [McapMessageIndex.Entry]] = [:]
    var first = UInt64.max
    var last: UInt64 = 0
    var scanner = McapRecordScanner(chunkContent: content, origin: offset)
    while true {
      do throws(McapError) {
        guard let (record, position) = try scanner.next() else { break }
        switch record {
        case .schema(let schema): define(schema, at: offset, isInSummary: false)
        case .channel(let channel): define(channel, at: offset, isInSummary: false)
        case .message(let message):
          examine(message, at: offset, isInChunk: true)
          first = min(first, message.logTime)
          last = max(last, message.logTime)
          messages[message.channelID, default: []].append(.init(time: message.logTime, offset: UInt64(position)))
        default: break
        }
      } catch {
        report(.error, .recordInChunk, "\(error)", at: offset)
      }
    }
    seen.messages = messages
    guard !messages.isEmpty else {
      report(.warning, .chunkEmpty, "the chunk holds no message", at: offset)
      return
    }
    if chunk.startTime != first || chunk.endTime != last {
      report(
        .error, .chunkTimes, "chunk says \(chunk.startTime) … \(chunk.endTime), its messages say \(first) … \(last)",
        at: offset)
    }
  }

  mutating func examine(_ index: McapMessageIndex, at offset: UInt64, end: UInt64) {
    guard let chunkOffset = lastChunk, let seen = chunks[chunkOffset],
      chunkOffset + seen.length + seen.indexLength == offset
    else {
      report(.error, .messageIndexOutsideChunk, "a message index that does not follow its chunk", at: offset)
      return
    }
    chunks[chunkOffset]?.indexOffsets[index.channelID] = offset
    chunks[chunkOffset]?.indexLength += end - offset
    guard let messages = seen.messages else { return }
    func sorted(_ entries: [McapMessageIndex.Entry]) -> [McapMessageIndex.Entry] {
      entries.sorted { ($0.offset, $0.time) < ($1.offset, $1.time) }
    }
    let expected = messages[index.channelID] ?? []
    if sorted(index.entries) != sorted(expected) {
      report(
        .error, .messageIndexWrong,
        "index of channel \(index.channelID) has \(index.entries.count) entries that do not fit its \(expected.count) messages",
        at: offset)
    }
  }
}
