/// What a log says about itself besides its messages.
struct LogPreamble {
  var layout: TransitionLayout
  var jointNames: [String]
  /// Metadata records by name.
  var metadata: [String: [String: String]]
  var attachments: [LogAttachment]
  /// URDF text.
  var robotDescription: String?
  /// Monotonic (or virtual) time of the start, ns.
  var startStamp: Int64
  /// Log time minus stamp, ns; 0 on the virtual clock.
  var realtimeOffset: Int64
}

/// Turns records from the ring into MCAP messages. Owned by the log thread.
///
/// After `init` the writer's output holds header, definitions, metadata and attachments: all that a reader needs to
/// understand the chunks to come, outside of any chunk.
struct LogEncoder: ~Copyable {
  var writer: McapWriter
  private let vocabulary: LogVocabulary
  private let jointNames: [String]
  private let offset: Int64
  private var cdr = CdrWriter()
  private var sequences: [UInt16: UInt32] = [:]
  private var topics: [UInt16: String] = [:]
  private let transition: UInt16
  private let joints: UInt16
  private let loop: UInt16
  private let event: UInt16
  private let bus: UInt16?
  /// Stamp of the newest record, ns.
  private(set) var lastStamp: Int64

  init(options: RecorderOptions, preamble: LogPreamble) {
    var writerOptions = McapWriter.Options()
    writerOptions.profile = "ros2"
    writerOptions.library = "sinew"
    writerOptions.compression = options.compression
    writerOptions.compressionLevel = options.compressionLevel
    writerOptions.chunkBytes = options.chunkBytes
    writerOptions.definesInsideChunks = false
    writer = McapWriter(options: writerOptions)
    vocabulary = options.vocabulary
    jointNames = preamble.jointNames
    offset = preamble.realtimeOffset
    lastStamp = preamble.startStamp

    var topics: [UInt16: String] = [:]
    func add(_ topic: String, _ type: String, _ text: String, _ writer: inout McapWriter, isLatched: Bool = false)
      -> UInt16
    {
      let schema = writer.addSchema(name: type, encoding: "ros2msg", data: Array(text.utf8))
      let id = writer.addChannel(
        topic: topic, encoding: "cdr", schemaID: schema,
        metadata: ["offered_qos_profiles": Self.qualityOfService(isLatched: isLatched)])
      topics[id] = topic
      return id
    }
    transition = add("/transition", "sinew_msgs/msg/Transition", preamble.layout.schemaText, &writer)
    joints = add("/joint_states", "sensor_msgs/msg/JointState", MessageTexts.jointState, &writer)
    loop = add("/loop", "sinew_msgs/msg/Loop", MessageTexts.loop, &writer)
    event = add("/events", "sinew_msgs/msg/Event", MessageTexts.event, &writer)
    bus = options.recordsBus ? add("/bus", "sinew_msgs/msg/Bus", MessageTexts.bus, &writer) : nil
    let description = preamble.robotDescription.map { text in
      (add("/robot_description", "std_msgs/msg/String", MessageTexts.string, &writer, isLatched: true), text)
    }
    self.topics = topics
    writePreamble(options, preamble)
    if let (channel, text) = description {
      cdr.reset()
      cdr.append(text)
      writeMessage(channel, stamp: preamble.startStamp)
    }
  }

  private mutating func writePreamble(_ options: RecorderOptions, _ preamble: LogPreamble) {
    var records = preamble.metadata
    let own = [
      "clock": options.clock.rawValue,
      "log_time": options.clock == .monotonic
        ? "realtime: ns since the epoch = stamp_ns + realtime_offset_ns" : "virtual: ns since the start = stamp_ns",
      "realtime_offset_ns": "\(offset)",
      "start_stamp_ns": "\(preamble.startStamp)",
      "joints": preamble.jointNames.joined(separator: " "),
    ]
    records["session", default: [:]].merge(own) { _, own in own }
    for (name, pairs) in records.sorted(by: { $0.key < $1.key }) {
      writer.write(McapMetadata(name: name, metadata: pairs))
    }
    let time = logTime(preamble.startStamp)
    for attachment in preamble.attachments {
      writer.write(
        McapAttachment(
          logTime: time, createTime: time, name: attachment.name, mediaType: attachment.mediaType,
          data: attachment.data))
    }
  }

  /// rosbag2's YAML: reliable, keep the last ten; a latched topic is transient-local.
  private static func qualityOfService(isLatched: Bool) -> String {
    """
    - history: 1
      depth: 10
      reliability: 1
      durability: \(isLatched ? 1 : 2)
      deadline: {sec: 9223372036, nsec: 854775807}
      lifespan: {sec: 9223372036, nsec: 854775807}
      liveliness: 1
      liveliness_lease_duration: {sec: 9223372036, nsec: 854775807}
      avoid_ros_namespace_conventions: false
    """
  }

  private func logTime(_ stamp: Int64) -> UInt64 { UInt64(max(0, stamp &+ offset)) }

  private mutating func writeMessage(_ channel: UInt16, stamp: Int64) {
    let time = logTime(stamp)
    let sequence = sequences[channel, default: 0]
    sequences[channel] = sequence &+ 1
    lastStamp = max(lastStamp, stamp)
    cdr.bytes.withUnsafeBytes {
      writer.writeMessage(channel: channel, sequence: sequence, logTime: time, publishTime: time, data: $0)
    }
  }

  /// Stamp of a record from the ring, ns.
  static func stamp(of kind: UInt32, _ payload: UnsafeRawBufferPointer) -> Int64 {
    kind == RecordKind.transition
      ? payload.loadUnaligned(fromByteOffset: 16, as: Int64.self) : payload.loadUnaligned(as: Int64.self)
  }

  /// Stamp of the oldest message in the open chunk, ns.
  var oldestStamp: Int64? { writer.openChunkTimes.map { Int64(clamping: $0.start) &- offset } }

  /// Messages per topic.
  var messageCounts: [String: UInt64] {
    var counts: [String: UInt64] = [:]
    for (channel, topic) in topics { counts[topic] = writer.statistics.channelMessageCounts[channel] ?? 0 }
    return counts
  }

  /// Encodes one record from the ring into the open chunk.
  mutating func append(kind: UInt32, _ payload: UnsafeRawBufferPointer, dropped: Int) {
    switch kind {
    case RecordKind.transition:
      // Encoded already, behind four bytes of padding.
      let stamp = Self.stamp(of: kind, payload)
      let time = logTime(stamp)
      let sequence = sequences[transition, default: 0]
      sequences[transition] = sequence &+ 1
      lastStamp = max(lastStamp, stamp)
      writer.writeMessage(
        channel: transition, sequence: sequence, logTime: time, publishTime: time,
        data: UnsafeRawBufferPointer(rebasing: payload[4...]))
    case RecordKind.joints: appendJoints(payload)
    case RecordKind.loop: appendLoop(payload.loadUnaligned(as: LoopRecord.self), dropped: dropped)
    case RecordKind.bus:
      guard let bus else { return }
      let record = payload.loadUnaligned(as: BusRecord.self)
      Self.append(record, to: &cdr)
      writeMessage(bus, stamp: record.stamp)
    case RecordKind.event:
      let record = payload.loadUnaligned(as: EventRecord.self)
      guard let code = LogEvent(rawValue: record.code) else { return }
      append(code, stamp: record.stamp, first: record.first, second: record.second, value: record.value)
    default: break
    }
  }

  private mutating func appendJoints(_ payload: UnsafeRawBufferPointer) {
    let stamp = payload.loadUnaligned(as: Int64.self)
    let count = Int(payload.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    let present = payload.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    let time = logTime(stamp)
    cdr.reset()
    cdr.append(Int32(truncatingIfNeeded: time / 1_000_000_000))
    cdr.append(UInt32(time % 1_000_000_000))
    cdr.append("")
    cdr.append(Array(jointNames.prefix(count)))
    for quantity in 0..<3 {
      let start = 16 + 8 * count * quantity
      let isPresent = present & (1 << UInt32(quantity)) != 0
      cdr.append(doubles: UnsafeRawBufferPointer(rebasing: payload[start..<start + (isPresent ? 8 * count : 0)]))
    }
    writeMessage(joints, stamp: stamp)
  }

  private mutating func appendLoop(_ record: LoopRecord, dropped: Int) {
    cdr.reset()
    cdr.append(record.stamp)
    cdr.append(record.ticks)
    cdr.append(record.overruns)
    cdr.append(UInt64(dropped))
    cdr.append(record.achievedRate)
    cdr.append(record.latenessMinimum)
    cdr.append(record.latenessMean)
    cdr.append(record.latenessMaximum)
    cdr.append(record.executionMinimum)
    cdr.append(record.executionMean)
    cdr.append(record.executionMaximum)
    writeMessage(loop, stamp: record.stamp)
  }

  /// Writes an event with its words.
  mutating func append(_ code: LogEvent, stamp: Int64, first: Int64, second: Int64, value: Double) {
    cdr.reset()
    cdr.append(stamp)
    cdr.append(first)
    cdr.append(second)
    cdr.append(value)
    cdr.append(code.rawValue)
    cdr.append(vocabulary.text(code, first: first, second: second, value: value))
    writeMessage(event, stamp: stamp)
  }
}
