import CEvdev

/// Where a control's value comes from: a key, or an axis or half of one.
public enum PadSource: Sendable, Hashable {
  /// Which part of an axis counts.
  public enum Part: Sendable, Hashable {
    case whole
    /// From the centre upwards, or downwards: a direction of a hat, a trigger that shares its axis.
    case positive, negative
  }

  /// A key code.
  case key(UInt16)
  /// An axis code; `isInverted` turns its direction round.
  case axis(UInt16, part: Part, isInverted: Bool)

  /// A whole axis.
  static func axis(_ code: Int32) -> PadSource { .axis(UInt16(code), part: .whole, isInverted: false) }
  /// One direction of a hat.
  static func hat(_ code: Int32, _ part: Part) -> PadSource { .axis(UInt16(code), part: part, isInverted: false) }
  static func button(_ code: Int32) -> PadSource { .key(UInt16(code)) }

  /// As written in a mapping file: the kernel's name, for an axis with + or - before it for half of it and ~ behind it
  /// for the other way round. A code without a name is a number.
  public var text: String {
    switch self {
    case .key(let code): return Self.name(EV_KEY, code) ?? "KEY:0x\(hexadecimal(code, 3))"
    case .axis(let code, let part, let isInverted):
      let name = Self.name(EV_ABS, code) ?? "ABS:0x\(hexadecimal(code, 2))"
      let sign = part == .positive ? "+" : part == .negative ? "-" : ""
      return sign + name + (isInverted ? "~" : "")
    }
  }

  /// Reads what `text` writes; nil when it is nothing of the kind.
  public init?(text: String) {
    var rest = text[...]
    var part = Part.whole
    if rest.hasPrefix("+") { part = .positive }
    if rest.hasPrefix("-") { part = .negative }
    if part != .whole { rest = rest.dropFirst() }
    let isInverted = rest.hasSuffix("~")
    if isInverted { rest = rest.dropLast() }
    let name = String(rest)
    if let code = Self.code(EV_ABS, name, prefix: "ABS:0x", limit: UInt16(ABS_CNT)) {
      self = .axis(code, part: part, isInverted: isInverted)
    } else if part == .whole, !isInverted, let code = Self.code(EV_KEY, name, prefix: "KEY:0x", limit: UInt16(KEY_CNT))
    {
      self = .key(code)
    } else {
      return nil
    }
  }

  private static func name(_ type: Int32, _ code: UInt16) -> String? {
    libevdev_event_code_get_name(UInt32(type), UInt32(code)).map { String(cString: $0) }
  }

  private static func code(_ type: Int32, _ name: String, prefix: String, limit: UInt16) -> UInt16? {
    if name.hasPrefix(prefix) {
      let digits = name.dropFirst(prefix.count)
      guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) else { return nil }
      return UInt16(digits, radix: 16).flatMap { $0 < limit ? $0 : nil }
    }
    // The library takes the beginning of a name up to a zero byte.
    guard !name.utf8.contains(0) else { return nil }
    let code = libevdev_event_code_from_name(UInt32(type), name)
    return code >= 0 && code < Int32(limit) ? UInt16(code) : nil
  }

  /// Type and code in one number.
  var number: UInt32 {
    switch self {
    case .key(let code): UInt32(EV_KEY) << 16 | UInt32(code)
    case .axis(let code, _, _): UInt32(EV_ABS) << 16 | UInt32(code)
    }
  }

  /// Whether a device has it.
  public func isThere(in capabilities: PadCapabilities) -> Bool {
    switch self {
    case .key(let code): capabilities.keys.contains(code)
    case .axis(let code, _, _): capabilities.axes.keys.contains(code)
    }
  }
}

/// Where each control of a pad comes from.
public struct PadMapping: Sendable, Equatable {
  /// Who made the mapping, for messages: "built in (Xbox)", a file's path, "SDL database".
  public var origin: String
  /// How the pad is labelled.
  public var labels: PadLabels
  /// The source of each control; a control that the pad lacks is absent.
  public var sources: [PadControl: PadSource]
  /// Centres and ends that were measured on this pad, by axis code.
  public var calibration: [UInt16: AxisCalibration] = [:]

  public init(origin: String, labels: PadLabels, sources: [PadControl: PadSource]) {
    self.origin = origin
    self.labels = labels
    self.sources = sources
  }
}

/// What was measured on one axis of one pad, in the device's units.
public struct AxisCalibration: Sendable, Equatable {
  public var minimum: Int32
  public var centre: Int32
  public var maximum: Int32

  public init(minimum: Int32, centre: Int32, maximum: Int32) {
    self.minimum = minimum
    self.centre = centre
    self.maximum = maximum
  }
}
