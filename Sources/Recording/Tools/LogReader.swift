/// Reads the messages of a log, closed or not: by its summary when it has a sound one, else from front to back up to
/// the first byte that cannot be read.
public struct LogReader {
  /// The log.
  public let path: String
  let source: any ByteSource
  /// The summary's reader; nil when the log was not closed or its summary is damaged.
  let indexed: McapIndexedReader?
  /// Why there is no summary to read by; nil when there is.
  public let problem: McapError?

  /// The topics of a log with a summary, sorted; nil for one that was not closed, where only reading all of it tells.
  public var topics: [String]? { indexed.map { Set($0.channels.values.map(\.topic)).sorted() } }

  /// Opens a log. Throws when the file cannot be read or does not start as an MCAP file.
  ///
  /// - Parameter progress: is told while reading which fraction of the bytes was read.
  public init(path: String, progress: ((Double) -> Void)? = nil) throws(RecordingError) {
    self.path = path
    let file = try FileSource(path: path)
    source = progress.map { ObservedSource(file, progress: $0) } ?? file
    var indexed: McapIndexedReader?
    var problem: McapError?
    do throws(McapError) {
      let reader = try McapIndexedReader(source: source)
      // A file with messages outside of chunks cannot be read by its chunk indexes.
      let counted = reader.statistics?.messageCount ?? 0
      indexed = reader.chunkIndexes.isEmpty && counted > 0 ? nil : reader
    } catch {
      if case .badMagic(atEnd: false) = error.cause { throw RecordingError(path: path, error) }
      if case .system = error.cause { throw RecordingError(path: path, error) }
      if error.cause != .noSummary { problem = error }
    }
    self.indexed = indexed
    self.problem = problem
  }

  /// Hands each message to `body` with its channel and schema; in order of time when the log has a summary, else in
  /// order of the file. `body` answers false to stop.
  ///
  /// - Returns: the error that ended the reading of a log that was not closed; nil when all of it was read.
  /// - Throws: when a log with a summary is damaged elsewhere.
  @discardableResult
  public func forEachMessage(
    topics: Set<String>? = nil, _ body: (McapChannel, McapSchema?, McapMessage) -> Bool
  ) throws(RecordingError) -> McapError? {
    if let indexed {
      var schemas = indexed.schemas
      do throws(McapError) {
        if indexed.schemas.isEmpty { schemas = try schemasByScanning() }
        try indexed.forEachMessage(topics: topics) { (channel, message) throws(McapError) -> Bool in
          body(channel, schemas[channel.schemaID], message)
        }
        return nil
      } catch { throw RecordingError(path: path, error) }
    }
    var schemas: [UInt16: McapSchema] = [:]
    var channels: [UInt16: McapChannel] = [:]
    do throws(McapError) {
      try source.scan(failed: { _ in true }) { (record, _) throws(McapError) -> Bool in
        switch record {
        case .schema(let schema): schemas[schema.id] = schema
        case .channel(let channel): channels[channel.id] = channel
        case .message(let message):
          guard let channel = channels[message.channelID], topics?.contains(channel.topic) ?? true else { return true }
          return body(channel, schemas[channel.schemaID], message)
        default: break
        }
        return true
      }
      return nil
    } catch { return error }
  }

  private func schemasByScanning() throws(McapError) -> [UInt16: McapSchema] {
    var schemas: [UInt16: McapSchema] = [:]
    try source.scan { (record, _) throws(McapError) -> Bool in
      if case .schema(let schema) = record { schemas[schema.id] = schema }
      return true
    }
    return schemas
  }
}

/// The transitions of a log.
public struct TransitionLog: Sendable {
  /// Dimensions, as the log's schema has them.
  public var layout: TransitionLayout
  /// In order of time.
  public var transitions: [Transition]
  /// Why reading ended early, for a log that was not closed.
  public var problem: McapError?

  /// Reads all of them, in order of time. Throws when there is no `/transition` channel or a message does not fit its
  /// schema.
  public static func read(path: String) throws(RecordingError) -> TransitionLog {
    var decoder: TransitionDecoder?
    var list: [Transition] = []
    var failure: MessageError?
    let problem = try LogReader(path: path).forEachMessage(topics: ["/transition"]) { _, schema, message in
      do throws(MessageError) {
        if decoder == nil {
          guard let schema else { throw MessageError("/transition", "the channel has no schema") }
          decoder = try TransitionDecoder(RosSchema(schema))
        }
        if let decoder { list.append(try decoder.decode(message.data)) }
      } catch { failure = error }
      return failure == nil
    }
    if let failure { throw RecordingError(path: path, message: failure.description) }
    guard let decoder else {
      throw RecordingError(path: path, message: "the log holds no transitions", suggestion: "see 'sinew log info'")
    }
    return TransitionLog(layout: decoder.layout, transitions: list, problem: problem)
  }
}

extension TransitionDecoder {
  /// Decodes one message's data.
  public func decode(_ data: [UInt8]) throws(MessageError) -> Transition {
    try data.withUnsafeBufferPointer { (bytes) throws(MessageError) -> Transition in
      try decode(UnsafeRawBufferPointer(bytes))
    }
  }
}

extension RosSchema {
  /// Parses the schema of an MCAP channel, which must be `ros2msg` text.
  public init(_ schema: McapSchema) throws(MessageError) {
    guard schema.encoding == "ros2msg" else {
      throw MessageError(schema.name, "the schema is '\(schema.encoding)', only ros2msg is understood")
    }
    guard let text = String(validating: schema.data, as: UTF8.self) else {
      throw MessageError(schema.name, "the schema is not UTF-8")
    }
    try self.init(name: schema.name, text: text)
  }

  /// Decodes one message's data into its fields.
  public func decode(_ data: [UInt8]) throws(MessageError) -> [RosMember] {
    try data.withUnsafeBufferPointer { (bytes) throws(MessageError) -> [RosMember] in
      try decode(UnsafeRawBufferPointer(bytes))
    }
  }
}
