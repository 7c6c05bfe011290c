import Configuration

/// What goes wrong on a virtual bus, on demand. Nothing, in a new value. Rates are probabilities; with the same seed the
/// same bytes meet the same faults.
public struct FaultSettings: Sendable, Equatable {
  /// A fault that strikes one servo at one request.
  public struct Strike: Sendable, Equatable {
    public var id: UInt8
    /// The instruction packet before which it strikes, from 1.
    public var request: Int
    public init(id: UInt8, request: Int) {
      self.id = id
      self.request = request
    }
  }

  /// Per bit, on the way to the host.
  public var bitErrorsToHost = 0.0
  /// Per bit, on the way to the servos.
  public var bitErrorsToServos = 0.0
  /// Per byte, both ways.
  public var byteDrop = 0.0
  /// Per answer: it never comes.
  public var packetDrop = 0.0
  /// Per answer: 1 to 16 random bytes before it.
  public var garbage = 0.0
  /// Per answer: it comes twice.
  public var duplicate = 0.0
  /// Per request: the adaptor hands its answers over late, by `lateBy`.
  public var late = 0.0
  /// The request, from 1, whose answers are late for certain.
  public var lateAt: Int?
  /// ns.
  public var lateBy: Int64 = 80_000_000
  /// Per answer: it comes in pieces, up to 1 ms apart.
  public var split = 0.0
  /// The line hangs up after this many answers.
  public var hangUpAfter: Int?
  /// Ids that neither hear nor speak.
  public var mute: Set<UInt8> = []
  /// The servo's supply breaks down: silent for `brownOutTime`, then back as after power-on.
  public var brownOut: [Strike] = []
  /// ns.
  public var brownOutTime: Int64 = 200_000_000
  /// The servo's overload protection latches.
  public var overload: [Strike] = []
  /// Every servo shows the number of requests so far as its position, which makes stale answers visible.
  public var showsRequestCount = false

  /// Nothing goes wrong.
  public init() {}

  /// The names that `parse` knows, with what they take.
  public static let names: [(name: String, takes: String)] = [
    ("bit-errors", "probability per bit, both ways"), ("bit-errors-to-host", "probability per bit"),
    ("bit-errors-to-servos", "probability per bit"), ("byte-drop", "probability per byte"),
    ("packet-drop", "probability per answer"), ("garbage", "probability per answer"),
    ("duplicate", "probability per answer"), ("late", "probability per request"),
    ("late-at", "number of a request"), ("late-by", "seconds"), ("split", "probability per answer"),
    ("hang-up-after", "number of answers"), ("mute", "ids, such as 2 or 2,4-5"), ("brown-out", "ID@REQUEST"),
    ("brown-out-time", "seconds"), ("overload", "ID@REQUEST"), ("request-count", "true or false"),
  ]

  /// Reads `name=value` texts; several of one name add up where they can.
  public static func parse(_ texts: [String]) throws(VirtualServoError) -> FaultSettings {
    var faults = FaultSettings()
    for text in texts { try faults.apply(text) }
    return faults
  }

  private mutating func apply(_ text: String) throws(VirtualServoError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      throw VirtualServoError("fault '\(text)' has no value; write name=value, such as garbage=0.01")
    }
    let (name, value) = (parts[0], parts[1])
    switch name {
    case "bit-errors":
      bitErrorsToHost = try Self.rate(name, value)
      bitErrorsToServos = bitErrorsToHost
    case "bit-errors-to-host": bitErrorsToHost = try Self.rate(name, value)
    case "bit-errors-to-servos": bitErrorsToServos = try Self.rate(name, value)
    case "byte-drop": byteDrop = try Self.rate(name, value)
    case "packet-drop": packetDrop = try Self.rate(name, value)
    case "garbage": garbage = try Self.rate(name, value)
    case "duplicate": duplicate = try Self.rate(name, value)
    case "late": late = try Self.rate(name, value)
    case "late-at": lateAt = try Self.count(name, value)
    case "late-by": lateBy = try Self.nanoseconds(name, value)
    case "split": split = try Self.rate(name, value)
    case "hang-up-after": hangUpAfter = try Self.count(name, value)
    case "mute": mute.formUnion(try ServoIDs.parse(value))
    case "brown-out": brownOut.append(try Self.strike(name, value))
    case "brown-out-time": brownOutTime = try Self.nanoseconds(name, value)
    case "overload": overload.append(try Self.strike(name, value))
    case "request-count":
      guard let flag = Bool(value) else { throw Self.wrong(name, value, "true or false") }
      showsRequestCount = flag
    default:
      let known = Self.names.map { $0.name }
      throw VirtualServoError(
        "unknown fault '\(name)'" + (Suggestion.sentence(for: name, in: known).map { "; \($0)" } ?? ""))
    }
  }

  private static func rate(_ name: String, _ value: String) throws(VirtualServoError) -> Double {
    guard let rate = Double(value), rate >= 0, rate <= 1 else { throw wrong(name, value, "a probability 0 … 1") }
    return rate
  }

  private static func count(_ name: String, _ value: String) throws(VirtualServoError) -> Int {
    guard let count = Int(value), count >= 1 else { throw wrong(name, value, "a whole number from 1") }
    return count
  }

  private static func nanoseconds(_ name: String, _ value: String) throws(VirtualServoError) -> Int64 {
    guard let seconds = Double(value), seconds >= 0, seconds <= 3600 else {
      throw wrong(name, value, "seconds, 0 … 3600")
    }
    return Int64((seconds * 1e9).rounded())
  }

  private static func strike(_ name: String, _ value: String) throws(VirtualServoError) -> Strike {
    let parts = value.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = UInt8(parts[0]), id <= 253, let request = Int(parts[1]), request >= 1 else {
      throw wrong(name, value, "ID@REQUEST, such as 3@100")
    }
    return Strike(id: id, request: request)
  }

  private static func wrong(_ name: String, _ value: String, _ expected: String) -> VirtualServoError {
    VirtualServoError("fault '\(name)': '\(value)' is not \(expected)")
  }
}

/// Lists of servo ids as people write them.
public enum ServoIDs {
  /// Ids from a text such as "1-6" or "1,3,5-7", in that order; each once.
  public static func parse(_ text: String) throws(VirtualServoError) -> [UInt8] {
    var ids: [UInt8] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt8($0) }
      guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last, last <= 253 else {
        throw VirtualServoError("'\(text)' is not a list of ids 0 … 253; write 1-6 or 1,3,5-7")
      }
      for id in first...last {
        guard !ids.contains(id) else { throw VirtualServoError("id \(id) appears twice in '\(text)'") }
        ids.append(id)
      }
    }
    return ids
  }
}
