/// What a log holds.
public struct LogInfo: Sendable, Equatable {
  /// One channel.
  public struct Channel: Sendable, Equatable {
    /// The channel's topic.
    public var topic: String
    /// Name of its schema; empty without one.
    public var schema: String
    /// Encoding of its messages.
    public var encoding: String
    /// Its messages.
    public var messageCount: UInt64
    /// Messages per second between the log's first and last message; 0 for fewer than two.
    public var rate: Double
  }

  /// One attachment.
  public struct Attachment: Sendable, Equatable {
    /// A file name.
    public var name: String
    /// For example `application/yaml`.
    public var mediaType: String
    /// Bytes of the file.
    public var size: UInt64

    /// An attachment by name, kind and size.
    public init(name: String, mediaType: String, size: UInt64) {
      self.name = name
      self.mediaType = mediaType
      self.size = size
    }
  }

  /// The log.
  public var path: String
  /// Bytes on disk.
  public var size: UInt64 = 0
  /// The header's profile.
  public var profile = ""
  /// The library that wrote it.
  public var library = ""
  /// Log times of the first and last message, ns.
  public var startTime: UInt64 = 0
  /// Log time of the last message, ns.
  public var endTime: UInt64 = 0
  /// Messages on all channels.
  public var messageCount: UInt64 = 0
  /// Chunks.
  public var chunkCount = 0
  /// Compressions in use, MCAP's names.
  public var compressions: [String] = []
  /// Sorted by topic.
  public var channels: [Channel] = []
  /// In file order.
  public var attachments: [Attachment] = []
  /// In file order.
  public var metadata: [McapMetadata] = []
  /// Episodes that came to their end.
  public var episodeCount = 0
  /// Episodes that were begun and did not: the run ended, or something cut them short.
  public var unfinishedEpisodeCount = 0
  /// File size divided by transitions; nil without transitions.
  public var bytesPerTransition: Double?
  /// Records that the recorder or a recovery lost, as the log says.
  public var droppedCount = 0
  /// Whether the log says that anything was lost.
  public var isLossy = false
  /// Why the log was read without its summary; nil when it was closed properly.
  public var problem: String?

  /// From the first to the last message, s.
  public var duration: Double { endTime > startTime ? Double(endTime - startTime) / 1e9 : 0 }

  /// Reads what a log holds; a log that was not closed is scanned as far as it goes.
  ///
  /// - Parameter progress: is told while reading which fraction of the bytes was read.
  public static func read(path: String, progress: ((Double) -> Void)? = nil) throws(RecordingError) -> LogInfo {
    var info = LogInfo(path: path)
    let reader = try LogReader(path: path, progress: progress)
    info.size = reader.source.size
    do throws(McapError) {
      if let indexed = reader.indexed, indexed.statistics != nil,
        !indexed.channels.isEmpty || indexed.chunkIndexes.isEmpty
      {
        try info.readSummary(indexed)
      } else {
        info.problem = reader.problem.map { "not closed properly: \($0)" }
        info.scan(reader)
      }
    } catch { throw RecordingError(path: path, error) }
    // A chunk damaged in the middle of a closed log spoils the count of episodes, not the rest.
    do throws(RecordingError) { try info.readEvents(reader) } catch {
      info.problem = info.problem ?? "damaged: \(error.message)"
    }
    info.channels.sort { $0.topic < $1.topic }
    if let count = info.channels.first(where: { $0.topic == "/transition" })?.messageCount, count > 0 {
      info.bytesPerTransition = Double(info.size) / Double(count)
    }
    for record in info.metadata {
      if record.metadata["lossy"] == "true" { info.isLossy = true }
      if let dropped = record.metadata["dropped"].flatMap({ Int($0) }) {
        info.droppedCount = max(info.droppedCount, dropped)
      }
    }
    if info.droppedCount > 0 { info.isLossy = true }
    return info
  }

  private mutating func readSummary(_ reader: McapIndexedReader) throws(McapError) {
    let statistics = reader.statistics ?? McapStatistics()
    (profile, library) = (reader.header.profile, reader.header.library)
    (startTime, endTime) = (statistics.startTime, statistics.endTime)
    messageCount = statistics.messageCount
    chunkCount = reader.chunkIndexes.count
    compressions = Set(reader.chunkIndexes.map(\.compression)).sorted()
    setChannels(reader.channels, reader.schemas, statistics.channelMessageCounts)
    attachments = reader.attachmentIndexes.map { .init(name: $0.name, mediaType: $0.mediaType, size: $0.dataSize) }
    for index in reader.metadataIndexes { metadata.append(try reader.metadata(index)) }
  }

  private mutating func scan(_ reader: LogReader) {
    var schemas: [UInt16: McapSchema] = [:]
    var found: [UInt16: McapChannel] = [:]
    var counts: [UInt16: UInt64] = [:]
    var first = UInt64.max
    var last: UInt64 = 0
    var info = self
    var compressions: Set<String> = []
    var options = McapLinearReader.Options()
    options.expandsChunks = false
    func take(_ record: McapRecord) {
      switch record {
      case .header(let header): (info.profile, info.library) = (header.profile, header.library)
      case .schema(let schema): schemas[schema.id] = schema
      case .channel(let channel): found[channel.id] = channel
      case .message(let message):
        counts[message.channelID, default: 0] += 1
        first = min(first, message.logTime)
        last = max(last, message.logTime)
      case .attachment(let attachment):
        info.attachments.append(
          .init(name: attachment.name, mediaType: attachment.mediaType, size: UInt64(attachment.data.count)))
      case .metadata(let record): info.metadata.append(record)
      default: break
      }
    }
    do throws(McapError) {
      try reader.source.scan(
        options: options,
        failed: { error in
          info.problem = info.problem ?? "\(error)"
          return true
        }
      ) { (record, offset) throws(McapError) -> Bool in
        guard case .chunk(let chunk) = record else {
          take(record)
          return true
        }
        info.chunkCount += 1
        compressions.insert(chunk.compression)
        var scanner = McapRecordScanner(chunkContent: try chunk.decompressed(at: offset), origin: offset)
        while let (record, _) = try scanner.next() { take(record) }
        return true
      }
    } catch { info.problem = "not closed properly: \(error)" }
    self = info
    self.compressions = compressions.sorted()
    messageCount = counts.values.reduce(0, +)
    (startTime, endTime) = messageCount > 0 ? (first, last) : (0, 0)
    setChannels(found, schemas, counts)
  }

  private mutating func setChannels(
    _ found: [UInt16: McapChannel], _ schemas: [UInt16: McapSchema], _ counts: [UInt16: UInt64]
  ) {
    channels = found.values.map { channel in
      let count = counts[channel.id] ?? 0
      return Channel(
        topic: channel.topic, schema: schemas[channel.schemaID]?.name ?? "", encoding: channel.messageEncoding,
        messageCount: count, rate: count > 1 && duration > 0 ? Double(count - 1) / duration : 0)
    }
  }

  private mutating func readEvents(_ reader: LogReader) throws(RecordingError) {
    var schema: RosSchema?
    var started = 0
    var ended = 0
    var dropped = droppedCount
    try reader.forEachMessage(topics: ["/events"]) { _, definition, message in
      if schema == nil { schema = definition.flatMap { try? RosSchema($0) } }
      guard let members = try? schema?.decode(message.data) else { return true }
      let values = Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
      guard case .unsigned(let code)? = values["code"], case .integer(let first)? = values["first"] else { return true }
      switch UInt16(exactly: code).flatMap({ LogEvent(rawValue: $0) }) {
      case .episodeStarted: started += 1
      case .episodeEnded: ended += 1
      case .terminateEpisode: ended -= 1
      case .lossy: dropped = max(dropped, Int(clamping: first))
      default: break
      }
      return true
    }
    episodeCount = max(0, ended)
    unfinishedEpisodeCount = max(0, started - episodeCount)
    droppedCount = dropped
  }
}

extension LogInfo {
  /// One JSON object on one line.
  public var json: String {
    func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }
    let channels = channels.map { channel in
      "{\"topic\":\(jsonText(channel.topic)),\"schema\":\(jsonText(channel.schema)),"
        + "\"encoding\":\(jsonText(channel.encoding)),\"messages\":\(channel.messageCount),\"rate\":\(number(channel.rate))}"
    }
    let attachments = attachments.map { attachment in
      "{\"name\":\(jsonText(attachment.name)),\"media_type\":\(jsonText(attachment.mediaType)),"
        + "\"size\":\(attachment.size)}"
    }
    let metadata = metadata.map { record in
      let pairs = record.metadata.sorted { $0.key < $1.key }.map { "\(jsonText($0.key)):\(jsonText($0.value))" }
      return "{\"name\":\(jsonText(record.name)),\"metadata\":{\(pairs.joined(separator: ","))}}"
    }
    return "{\"path\":\(jsonText(path)),\"size\":\(size),\"profile\":\(jsonText(profile)),"
      + "\"library\":\(jsonText(library)),\"start_time\":\(startTime),\"end_time\":\(endTime),"
      + "\"duration\":\(number(duration)),\"messages\":\(messageCount),\"chunks\":\(chunkCount),"
      + "\"compression\":[\(compressions.map(jsonText).joined(separator: ","))],"
      + "\"episodes\":\(episodeCount),\"unfinished_episodes\":\(unfinishedEpisodeCount),\"bytes_per_transition\":\(bytesPerTransition.map(number) ?? "null"),"
      + "\"dropped\":\(droppedCount),\"lossy\":\(isLossy),\"problem\":\(problem.map(jsonText) ?? "null"),"
      + "\"channels\":[\(channels.joined(separator: ","))],\"attachments\":[\(attachments.joined(separator: ","))],"
      + "\"metadata\":[\(metadata.joined(separator: ","))]}"
  }

  /// Lines for a terminal.
  public var text: String {
    func rounded(_ value: Double, _ digits: Int) -> String {
      var scale = 1.0
      for _ in 0..<digits { scale *= 10 }
      return "\((value * scale).rounded() / scale)"
    }
    let content = "\(counted(messageCount, "message")) in \(counted(chunkCount, "chunk"))"
    var lines = ["\(path): \(size) bytes, \(rounded(duration, 3)) s, \(content)"]
    lines.append(
      "profile '\(profile)', library '\(library)', compression \(compressions.map { $0 == "" ? "none" : $0 })")
    if let problem { lines.append("PROBLEM \(problem); 'sinew log recover' makes a sound log of what is there") }
    lines.append(
      isLossy
        ? "LOSSY: \(droppedCount) records lost" : problem == nil ? "nothing lost" : "what was lost is not known")
    lines.append(
      counted(episodeCount, "episode")
        + (unfinishedEpisodeCount > 0 ? " and \(unfinishedEpisodeCount) that did not come to an end" : "")
        + (bytesPerTransition.map { ", \(rounded($0, 1)) bytes per transition" } ?? ""))
    for channel in channels {
      lines.append("  \(channel.topic): \(channel.messageCount) x \(channel.schema), \(rounded(channel.rate, 1)) Hz")
    }
    for attachment in attachments {
      lines.append("  attachment \(attachment.name) (\(attachment.mediaType), \(attachment.size) bytes)")
    }
    for record in metadata {
      lines.append("  metadata \(record.name):")
      for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
        let unit = record.name == "limits" ? Self.units[key].map { " (\($0))" } ?? "" : ""
        lines.append("    \(key)\(unit): \(value)")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// What the joints' limits are in.
  private static let units = [
    "lower": "rad", "upper": "rad", "velocity": "rad/s", "acceleration": "rad/s²", "jerk": "rad/s³", "effort": "N·m",
  ]
}
