import CEvdev
import Configuration

/// One line of SDL's game controller database: `GUID,name,a:b0,leftx:a0,dpup:h0.1,platform:Linux,`.
///
/// Format: SDL's `SDL_GameControllerAddMapping` and the heading of SDL_GameControllerDB. Parsing is strict: what cannot
/// be understood is an error, because a control that is not where the person believes it is may move the arm.
public struct SDLMapping: Sendable, Equatable {
  /// What a control is bound to, by SDL's numbers for the device's buttons, axes and hats.
  public enum Binding: Sendable, Equatable {
    case button(Int)
    case axis(Int, part: PadSource.Part, isInverted: Bool)
    /// The direction is 1 up, 2 right, 4 down or 8 left.
    case hat(Int, direction: Int)
  }

  /// 32 hexadecimal digits in lower case.
  public var guid: String
  public var name: String
  /// The system that the line is for; nil when it does not say.
  public var platform: String?
  /// Nintendo's pads have lines for either reading of A and B; true for the one by label, which is not used here.
  public var isByLabel = false
  public var bindings: [PadControl: Binding] = [:]
  /// Controls that exist elsewhere and have no role here: paddles, touchpads, half axes of a stick.
  public var ignored: [String] = []

  /// Reads one line.
  public init(line: String) throws(SDLMappingError) {
    guard line.utf8.count <= 4096 else { throw SDLMappingError("the line is longer than 4096 bytes") }
    var fields = line.split(separator: ",", omittingEmptySubsequences: false)
    if fields.last?.allSatisfy(\.isWhitespace) == true { fields.removeLast() }
    guard fields.count >= 3 else { throw SDLMappingError("expected GUID,name,control:source,…") }
    guid = fields[0].lowercased()
    guard guid.utf8.count == 32, guid.utf8.allSatisfy(Self.isHexadecimal) else {
      throw SDLMappingError("'\(fields[0].prefix(40))' is no GUID of 32 hexadecimal digits")
    }
    name = String(fields[1])
    for field in fields.dropFirst(2) { try read(field) }
    guard !bindings.isEmpty else { throw SDLMappingError("the line maps no control") }
  }

  private mutating func read(_ field: Substring) throws(SDLMappingError) {
    guard let colon = field.firstIndex(of: ":") else {
      throw SDLMappingError("'\(field.prefix(40))' is not control:source")
    }
    let key = field[..<colon]
    let value = field[field.index(after: colon)...]
    switch key {
    case "platform":
      guard platform == nil, !value.isEmpty else { throw SDLMappingError("the platform is empty or there twice") }
      platform = String(value)
    case "hint":
      if value.hasPrefix("SDL_GAMECONTROLLER_USE_BUTTON_LABELS:=1") { isByLabel = true }
      if value.hasPrefix("!SDL_GAMECONTROLLER_USE_BUTTON_LABELS:=0") { isByLabel = true }
    case "crc", "type", "face", "sdk>=", "sdk<=": break
    default:
      let binding = try Self.binding(value)
      if let control = PadControl(rawValue: String(key)) {
        guard bindings[control] == nil else { throw SDLMappingError("'\(key)' is there twice") }
        bindings[control] = binding
      } else if Self.isKnownElsewhere(key) {
        ignored.append(String(key))
      } else {
        let near = Suggestion.nearest(to: String(key), in: PadControl.allCases.map(\.rawValue))
        throw SDLMappingError(
          "there is no control '\(key.prefix(40))'" + (near.map { ", did you mean '\($0)'?" } ?? ""))
      }
    }
  }

  private static func isKnownElsewhere(_ key: Substring) -> Bool {
    if key.hasPrefix("+") || key.hasPrefix("-") {
      return PadControl(rawValue: String(key.dropFirst()))?.isStick == true
    }
    if key == "touchpad" { return true }
    for stem in ["paddle", "misc"] where key.hasPrefix(stem) && key.utf8.count == stem.utf8.count + 1 {
      return ("1"..."6").contains(key.suffix(1))
    }
    return false
  }

  /// `b3`, `a2`, `+a2`, `-a2`, `a2~`, `h0.4`.
  static func binding(_ text: Substring) throws(SDLMappingError) -> Binding {
    let wrong = SDLMappingError("'\(text.prefix(40))' is no source; expected b0, a0, +a0, -a0, a0~ or h0.1")
    var rest = text
    var part = PadSource.Part.whole
    if rest.hasPrefix("+") { part = .positive }
    if rest.hasPrefix("-") { part = .negative }
    if part != .whole { rest = rest.dropFirst() }
    let isInverted = rest.hasSuffix("~")
    if isInverted { rest = rest.dropLast() }
    guard let kind = rest.first else { throw wrong }
    rest = rest.dropFirst()
    if kind == "a", let index = number(rest) { return .axis(index, part: part, isInverted: isInverted) }
    guard part == .whole, !isInverted else { throw wrong }
    if kind == "b", let index = number(rest) { return .button(index) }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    if kind == "h", parts.count == 2, let index = number(parts[0]), let direction = number(parts[1]),
      [1, 2, 4, 8].contains(direction)
    {
      return .hat(index, direction: direction)
    }
    throw wrong
  }

  /// One to three digits.
  private static func number(_ text: Substring) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }
}

extension SDLMapping {
  /// Whether the line is about this model on Linux. The checksum, which newer lines carry, is not compared.
  public func describes(_ identity: PadIdentity) -> Bool {
    guard platform == nil || platform == "Linux", !isByLabel else { return false }
    let own = identity.sdlGUID
    return guid.prefix(4) == own.prefix(4) && guid.dropFirst(8) == own.dropFirst(8)
  }

  /// The mapping in the kernel's codes for a device; SDL's numbers mean nothing without it.
  public func resolved(
    for capabilities: PadCapabilities, labels: PadLabels, origin: String
  ) throws(SDLMappingError) -> PadMapping {
    let buttons = capabilities.sdlButtons
    let axes = capabilities.sdlAxes
    let hats = capabilities.sdlHats
    var sources: [PadControl: PadSource] = [:]
    for (control, binding) in bindings.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      switch binding {
      case .button(let index):
        guard index < buttons.count else { throw Self.missing(control, "button \(index)", buttons.count, "buttons") }
        sources[control] = .key(buttons[index])
      case .axis(let index, let part, let isInverted):
        guard index < axes.count else { throw Self.missing(control, "axis \(index)", axes.count, "axes") }
        sources[control] = .axis(axes[index], part: part, isInverted: isInverted)
      case .hat(let index, let direction):
        guard let first = hats[index] else { throw Self.missing(control, "hat \(index)", hats.count, "hats") }
        let code = direction == 1 || direction == 4 ? first + 1 : first
        sources[control] = .axis(
          code, part: direction == 1 || direction == 8 ? .negative : .positive, isInverted: false)
      }
    }
    return PadMapping(origin: origin, labels: labels, sources: sources)
  }

  private static func missing(_ control: PadControl, _ what: String, _ count: Int, _ of: String) -> SDLMappingError {
    SDLMappingError("'\(control.rawValue)' is \(what), but the pad has \(count) \(of)")
  }
}

/// What is wrong with a line of SDL's database.
public struct SDLMappingError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// Lines of SDL's database, from a file or a text.
public struct SDLDatabase: Sendable {
  public private(set) var mappings: [SDLMapping] = []
  /// What could not be read, with the number of its line.
  public private(set) var problems: [(line: Int, error: SDLMappingError)] = []

  /// Reads all lines for Linux; `#` begins a comment. A line that cannot be read is a problem and hinders no other.
  public init(text: String) {
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      do throws(SDLMappingError) {
        mappings.append(try SDLMapping(line: String(line)))
      } catch {
        problems.append((index + 1, error))
      }
    }
  }

  /// The line for a model: of several the last, as in SDL.
  public func mapping(for identity: PadIdentity) -> SDLMapping? { mappings.last { $0.describes(identity) } }
}
