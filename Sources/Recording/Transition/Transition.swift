import ArmModel

/// One step of a run as read back from a log. NaN means "not known". Units as in the schema.
public struct Transition: Sendable, Equatable {
  /// Policy steps since the start of the run.
  public var step: UInt64 = 0
  /// Monotonic (or virtual) time of the observation, ns.
  public var stamp: Int64 = 0
  /// s until the next observation.
  public var duration = Double.nan
  /// Number of the episode.
  public var episode: UInt32 = 0
  /// Steps since the start of the episode.
  public var stepInEpisode: UInt32 = 0
  /// As the policy saw it.
  public var observation: [Float] = []
  /// Mean of the policy's distribution.
  public var actionMean: [Float] = []
  /// Its log standard deviation.
  public var actionLogStandardDeviation: [Float] = []
  /// The action as sampled.
  public var rawAction: [Float] = []
  /// The action after squash or clip.
  public var action: [Float] = []
  /// The command after safety, in the unit of `commandMode`.
  public var command: [Float] = []
  /// The command before safety.
  public var proposal: [Float] = []
  /// Joint positions at the observation, rad.
  public var position: [Float] = []
  /// Joint velocities, rad/s.
  public var velocity: [Float] = []
  /// Joint efforts, N·m.
  public var effort: [Float] = []
  /// Of the raw action under the behaviour policy.
  public var logProbability = Float.nan
  /// The critic's value; NaN without a critic.
  public var value = Float.nan
  /// Sum of the terms.
  public var reward = Float.nan
  /// In the task's order.
  public var rewardTerms: [Float] = []
  /// Who commanded.
  public var source = CommandSource.none
  /// 0 position, 1 effort.
  public var commandMode: UInt8 = 0
  /// How the step ended and what was done to it.
  public var flags: TransitionFlags = []
  /// Empty but on the last step of an episode.
  public var finalObservation: [Float] = []

  /// Whether the task ended.
  public var isTerminated: Bool { flags.contains(.terminated) }
  /// Whether the time ended.
  public var isTruncated: Bool { flags.contains(.truncated) }
}

/// Reads transitions of any dimension by the schema found in the log.
public struct TransitionDecoder: Sendable {
  private struct Place: Sendable {
    var offset: Int
    var element: RosSchema.Element
    var count: Int
  }

  private let places: [String: Place]
  private let fixedSize: Int
  private let finalOffset: Int?
  /// Dimensions found in the schema.
  public let layout: TransitionLayout

  /// Understands a schema whose fields are fixed-size scalars and arrays, with at most one sequence, at the end.
  public init(_ schema: RosSchema) throws(MessageError) {
    var places: [String: Place] = [:]
    var offset = 4
    var finalOffset: Int?
    for field in schema.fields {
      guard finalOffset == nil else { throw MessageError(schema.name, "'\(field.name)' lies behind a sequence") }
      guard let size = field.element.size else {
        throw MessageError(schema.name, "'\(field.name)' has no fixed size")
      }
      let count: Int
      switch field.arity {
      case .one: count = 1
      case .fixed(let length): count = length
      case .sequence:
        guard field.name == "final_observation", field.element == .float32 else {
          throw MessageError(schema.name, "'\(field.name)' has no fixed size")
        }
        offset = Self.aligned(offset, 4)
        finalOffset = offset
        continue
      }
      guard count <= 65_536 else { throw MessageError(schema.name, "'\(field.name)' has \(count) elements") }
      offset = Self.aligned(offset, size)
      places[field.name] = Place(offset: offset, element: field.element, count: count)
      offset += size * count
    }
    for name in ["observation", "action", "command"] {
      guard let place = places[name], place.element == .float32, place.count > 0 else {
        throw MessageError(schema.name, "no array '\(name)' of float32")
      }
    }
    self.places = places
    self.finalOffset = finalOffset
    fixedSize = offset
    layout = TransitionLayout(
      observationCount: places["observation"]?.count ?? 1, actionCount: places["action"]?.count ?? 1,
      jointCount: places["command"]?.count ?? 1, rewardTermCount: places["reward_terms"]?.count ?? 0)
  }

  private static func aligned(_ offset: Int, _ size: Int) -> Int { 4 + (offset - 4 + size - 1) / size * size }

  /// Decodes one message.
  public func decode(_ bytes: UnsafeRawBufferPointer) throws(MessageError) -> Transition {
    guard bytes.count >= fixedSize + (finalOffset == nil ? 0 : 4) else {
      throw MessageError("transition", "\(bytes.count) bytes, the schema asks for \(fixedSize)")
    }
    guard bytes[0] == 0, bytes[1] == 1 else { throw MessageError("transition", "not plain little-endian CDR") }
    var result = Transition()
    result.step = integer("step", bytes) ?? 0
    result.stamp = integer("stamp_ns", bytes) ?? 0
    if let bits: UInt64 = integer("duration", bytes) { result.duration = Double(bitPattern: bits) }
    result.episode = integer("episode", bytes) ?? 0
    result.stepInEpisode = integer("step_in_episode", bytes) ?? 0
    result.observation = floats("observation", bytes)
    result.actionMean = floats("action_mean", bytes)
    result.actionLogStandardDeviation = floats("action_log_std", bytes)
    result.rawAction = floats("raw_action", bytes)
    result.action = floats("action", bytes)
    result.command = floats("command", bytes)
    result.proposal = floats("proposal", bytes)
    result.position = floats("position", bytes)
    result.velocity = floats("velocity", bytes)
    result.effort = floats("effort", bytes)
    result.logProbability = floats("log_probability", bytes).first ?? .nan
    result.value = floats("value", bytes).first ?? .nan
    result.reward = floats("reward", bytes).first ?? .nan
    result.rewardTerms = floats("reward_terms", bytes)
    let source: UInt8 = integer("source", bytes) ?? 0
    guard let known = CommandSource(rawValue: source) else { throw MessageError("source", "\(source) is unknown") }
    result.source = known
    result.commandMode = integer("command_mode", bytes) ?? 0
    for (bit, name) in ["terminated", "truncated", "success", "altered", "intervention"].enumerated() {
      let flag: UInt8 = integer(name, bytes) ?? 0
      if flag != 0 { result.flags.insert(TransitionFlags(rawValue: 1 << UInt8(bit))) }
    }
    if let finalOffset {
      let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: finalOffset, as: UInt32.self)))
      guard count <= (bytes.count - finalOffset - 4) / 4 else {
        throw MessageError("final_observation", "\(count) numbers announced, the message is too short")
      }
      result.finalObservation = floats(at: finalOffset + 4, count: count, bytes)
    }
    return result
  }

  /// Nil when the schema lacks the field or gives it another size.
  private func integer<T: FixedWidthInteger & BitwiseCopyable>(_ name: String, _ bytes: UnsafeRawBufferPointer) -> T? {
    guard let place = places[name], place.element.size == MemoryLayout<T>.size, place.count == 1 else { return nil }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: place.offset, as: T.self))
  }

  private func floats(_ name: String, _ bytes: UnsafeRawBufferPointer) -> [Float] {
    guard let place = places[name], place.element == .float32 else { return [] }
    return floats(at: place.offset, count: place.count, bytes)
  }

  private func floats(at offset: Int, count: Int, _ bytes: UnsafeRawBufferPointer) -> [Float] {
    // The standard library writes into its one shared empty array when asked for no room: a race between readers.
    guard count > 0 else { return [] }
    return [Float](unsafeUninitializedCapacity: count) { room, filled in
      for index in 0..<count {
        room[index] = Float(
          bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self)))
      }
      filled = count
    }
  }
}
