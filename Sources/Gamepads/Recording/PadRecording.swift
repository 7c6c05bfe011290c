import ArmModel
import CEvdev
import Configuration

/// A pad's events as `evemu-record` writes them, replayed through the same mapping and the same state machine as a pad in
/// somebody's hands.
///
/// The format: `N:` the name; `I:` bus, vendor, product, version; `B:` bit masks of codes, by event type; `A:` an axis with
/// its minimum, maximum, fuzz, flat and resolution; `E:` an event with its time in s, type, code (hexadecimal) and value
/// (decimal); `#` comments. Source: evemu's documentation, "Device description" and "Event recording".
public struct PadRecording: Sendable {
  public let identity: PadIdentity
  public let capabilities: PadCapabilities
  /// In order of time; stamps count from the first event, ns.
  public let events: [PadEvent]

  /// One moment of what the pad's holder said.
  public struct Moment: Sendable {
    /// ns since the recording's beginning.
    public let time: Int64
    public let input: OperatorInput
  }

  /// Reads a recording's text; `file` is named in errors.
  public init(text: String, file: String) throws(ConfigurationError) {
    var name = ""
    var id: [UInt16] = []
    var masks: [UInt16: [UInt8]] = [:]
    var axes: [UInt16: AxisRange?] = [:]
    var events: [PadEvent] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      func refuse(_ message: String) -> ConfigurationError {
        ConfigurationError(file: file, line: index + 1, message: message)
      }
      let content = line.prefix { $0 != "#" }
      let words = content.split(whereSeparator: \.isWhitespace)
      guard let kind = words.first else { continue }
      let numbers = words.dropFirst()
      switch kind {
      case "N:": name = numbers.joined(separator: " ")
      case "I:":
        id = numbers.compactMap { UInt16($0, radix: 16) }
        guard id.count == 4 else { throw refuse("an identity is four hexadecimal numbers") }
      case "B:":
        let bytes = numbers.compactMap { UInt8($0, radix: 16) }
        guard bytes.count == numbers.count, let type = bytes.first else {
          throw refuse("a mask is an event type and bytes, hexadecimal")
        }
        masks[UInt16(type), default: []] += bytes.dropFirst()
      case "A:":
        let values = numbers.dropFirst().compactMap { Int32($0) }
        guard let code = numbers.first.flatMap({ UInt16($0, radix: 16) }), values.count == numbers.count - 1,
          values.count >= 4, values[0] < values[1]
        else { throw refuse("an axis is its code (hexadecimal), minimum, maximum, fuzz, flat and resolution") }
        axes[code] = AxisRange(
          minimum: values[0], maximum: values[1], fuzz: values[2], flat: values[3],
          resolution: values.count > 4 ? values[4] : 0)
      case "E:":
        guard let event = Self.event(Array(numbers)) else {
          throw refuse("an event is a time in s, type and code (hexadecimal) and value, found '\(content)'")
        }
        guard event.stamp >= events.last?.stamp ?? 0 else { throw refuse("the events' times go backwards") }
        events.append(event)
      case "P:", "L:", "S:": break
      default: throw refuse("'\(kind)' is no line of an evemu recording (N: I: P: B: A: E:)")
      }
    }
    guard id.count == 4, !events.isEmpty else {
      throw ConfigurationError(
        file: file, message: "a recording needs a pad's identity (I:) and events (E:); make one with evemu-record")
    }
    identity = PadIdentity(path: file, name: name, bus: id[0], vendor: id[1], product: id[2], version: id[3])
    capabilities = PadCapabilities(keys: Self.codes(masks[UInt16(EV_KEY)] ?? []), axes: axes)
    let first = events[0].stamp
    self.events = events.map { PadEvent(type: $0.type, code: $0.code, value: $0.value, stamp: $0.stamp - first) }
  }

  /// Reads a recording's file.
  public init(path: String) throws(ConfigurationError) {
    try self.init(text: try ConfigurationNode.text(path: path), file: path)
  }

  /// Whether a text is such a recording, by its first line.
  public static func isRecording(_ text: String) -> Bool { text.hasPrefix("# EVEMU") }

  /// Seconds, type, code, value.
  private static func event(_ words: [Substring]) -> PadEvent? {
    guard words.count == 4, let dot = words[0].firstIndex(of: "."), let seconds = Int64(words[0][..<dot]),
      let type = UInt16(words[1], radix: 16), let code = UInt16(words[2], radix: 16), let value = Int32(words[3])
    else { return nil }
    let digits = words[0][words[0].index(after: dot)...]
    guard digits.count == 6, let microseconds = Int64(digits), seconds >= 0, seconds < 1_000_000 else { return nil }
    return PadEvent(type: type, code: code, value: value, stamp: seconds * 1_000_000_000 + microseconds * 1000)
  }

  private static func codes(_ mask: [UInt8]) -> Set<UInt16> {
    var codes: Set<UInt16> = []
    for (place, byte) in mask.enumerated() {
      for bit in 0..<8 where byte & (1 << UInt8(bit)) != 0 { codes.insert(UInt16(place * 8 + bit)) }
    }
    return codes
  }

  /// What the pad's holder said, moment by moment: the input after each report, and every 10 ms between reports, so that
  /// silence counts as it does with a pad.
  public func moments(_ mapper: PadMapper) throws(GamepadError) -> [Moment] {
    let (mapping, layout) = try mapper.mapping(for: identity, capabilities)
    var interpreter = PadInterpreter(
      mapping: mapping, layout: layout, capabilities: capabilities, keysDown: [], axisValues: [:],
      link: .init(isWireless: identity.isWireless), now: 0)
    var moments = [Moment(time: 0, input: interpreter.input)]
    var time: Int64 = 0
    for event in events {
      while time + Self.turn < event.stamp {
        time += Self.turn
        interpreter.tick(now: time)
        moments.append(Moment(time: time, input: interpreter.input))
      }
      time = max(time, event.stamp)
      if event.type == UInt16(EV_SYN), event.code == UInt16(SYN_DROPPED) {
        interpreter.beginLoss(now: time)
        interpreter.endLoss(now: time)
      } else {
        interpreter.take(event, now: time)
      }
      if event.type == UInt16(EV_SYN) { moments.append(Moment(time: time, input: interpreter.input)) }
    }
    return moments
  }

  private static let turn: Int64 = 10_000_000
}

extension PadRecording {
  /// The file of a recording: one that ships, by its name, or a path.
  public static func path(of name: String) -> String {
    guard !name.contains("/"), !name.contains("."),
      let folder = ShippedFiles.folder("gamepads", ofModule: "Gamepads")
    else { return name }
    return "\(folder)/\(name).evemu"
  }
}
