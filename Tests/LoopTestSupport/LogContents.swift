import Recording

/// Everything a test wants of a log.
public struct LogContents {
  public var transitions: [Transition] = []
  /// The bytes of each message on `/transition`.
  public var transitionPayloads: [[UInt8]] = []
  /// The names of the events in order, with their first two numbers.
  public var events: [Event] = []
  /// Stamps of `/joint_states`, ns.
  public var jointTimes: [UInt64] = []

  public struct Event: Equatable, Sendable {
    public var name: String
    public var text: String
    public var stamp: Int64
    public var first: Int64
    public var second: Int64
    public var value: Double
  }

  public init(path: String) throws {
    transitions = try TransitionLog.read(path: path).transitions
    try LogReader(path: path).forEachMessage { channel, schema, message in
      switch channel.topic {
      case "/transition": transitionPayloads.append(message.data)
      case "/joint_states": jointTimes.append(message.logTime)
      case "/events": if let event = Self.event(message.data) { events.append(event) }
      default: break
      }
      return true
    }
  }

  /// The events of a log called `name`, whether or not it came to a transition.
  public static func events(named name: String, inLog path: String) throws -> [Event] {
    var events: [Event] = []
    try LogReader(path: path).forEachMessage(topics: ["/events"]) { _, _, message in
      if let event = event(message.data), event.name == name { events.append(event) }
      return true
    }
    return events
  }

  /// The events called `name`.
  public func events(named name: String) -> [Event] { events.filter { $0.name == name } }

  /// int64 stamp, first, second; float64 value; uint16 code; string text: behind the 4-byte CDR header.
  private static func event(_ data: [UInt8]) -> Event? {
    guard data.count >= 46 else { return nil }
    return data.withUnsafeBytes { bytes in
      func integer(_ offset: Int) -> Int64 { bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self) }
      let code = bytes.loadUnaligned(fromByteOffset: 36, as: UInt16.self)
      let length = Int(bytes.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
      guard let event = LogEvent(rawValue: code), 44 + length <= bytes.count else { return nil }
      return Event(
        name: event.name, text: String(decoding: bytes[44..<44 + max(0, length - 1)], as: UTF8.self),
        stamp: integer(4), first: integer(12), second: integer(20),
        value: Double(bitPattern: UInt64(bitPattern: integer(28))))
    }
  }
}
