/// A `ros2msg` schema: the message itself and every message it refers to.
public struct RosSchema: Sendable, Equatable {
  /// The element types of fields.
  public enum Element: Sendable, Equatable {
    case boolean, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64, string, wideString
    /// Another message, by its name without `/msg`.
    case message(String)

    /// Bytes and alignment of one element; nil for texts and messages.
    var size: Int? {
      switch self {
      case .boolean, .int8, .uint8: 1
      case .int16, .uint16: 2
      case .int32, .uint32, .float32: 4
      case .int64, .uint64, .float64: 8
      case .string, .wideString, .message: nil
      }
    }
  }

  /// How many elements a field has.
  public enum Arity: Sendable, Equatable {
    case one
    case fixed(Int)
    /// Length in the message; a bound in the schema is not enforced.
    case sequence
  }

  /// One field of a message.
  public struct Field: Sendable, Equatable {
    /// The field's name.
    public var name: String
    /// Type of one element.
    public var element: Element
    /// How many elements.
    public var arity: Arity
    /// A field.
    public init(name: String, element: Element, arity: Arity) {
      self.name = name
      self.element = element
      self.arity = arity
    }
  }

  /// Fields of the message itself, in order.
  public private(set) var fields: [Field] = []
  /// Fields of the messages referred to, by name without `/msg`.
  public private(set) var definitions: [String: [Field]] = [:]
  /// Integer constants of the message itself.
  public private(set) var constants: [String: Int64] = [:]
  /// Full name of the message.
  public let name: String

  /// Parses the text of a schema.
  ///
  /// - Parameters:
  ///   - name: `package/msg/Type`.
  ///   - text: the definition; each dependency behind a line of `=` and a line `MSG: package/Type`.
  public init(name: String, text: String) throws(MessageError) {
    self.name = name
    let package = String(name.split(separator: "/").first ?? "")
    var current: String?
    var list: [Field] = []
    var expectsName = false
    for (index, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = Self.withoutComment(raw)
      guard !line.isEmpty else { continue }
      if line.allSatisfy({ $0 == "=" }) && line.count > 2 {
        store(list, as: current)
        list = []
        expectsName = true
      } else if expectsName {
        guard line.hasPrefix("MSG:") else {
          throw MessageError(name, "line \(index + 1): expected 'MSG: package/Type'")
        }
        current = Self.normalised(String(line.dropFirst(4)).trimmed, package: package)
        expectsName = false
      } else {
        let owner = current.map { String($0.split(separator: "/").first ?? "") } ?? package
        if let field = try parse(line, line: index + 1, package: owner, isRoot: current == nil) { list.append(field) }
      }
    }
    store(list, as: current)
  }

  private mutating func store(_ list: [Field], as definition: String?) {
    if let definition { definitions[definition] = list } else { fields = list }
  }

  private static func withoutComment(_ line: Substring) -> String {
    // A '#' inside the quotes of a default value would be cut, too; what is left of such a line is still its field.
    String(line.prefix { $0 != "#" }).trimmed
  }

  private static func normalised(_ name: String, package: String) -> String {
    let parts = name.split(separator: "/").filter { $0 != "msg" }
    if parts.count == 1 { return name == "Header" ? "std_msgs/Header" : "\(package)/\(name)" }
    return parts.joined(separator: "/")
  }

  private mutating func parse(_ line: String, line number: Int, package: String, isRoot: Bool) throws(MessageError)
    -> Field?
  {
    let parts = line.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" })
    guard parts.count == 2 else { throw MessageError(name, "line \(number): '\(line)' has no field name") }
    let rest = String(parts[1]).trimmed
    let fieldName = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    let behind = String(rest.dropFirst(fieldName.count)).trimmed
    if behind.hasPrefix("=") {
      if isRoot, let value = Int64(String(behind.dropFirst()).trimmed) { constants[fieldName] = value }
      return nil
    }
    guard !fieldName.isEmpty else { throw MessageError(name, "line \(number): '\(rest)' is no field name") }
    var type = String(parts[0])
    var arity = Arity.one
    if type.hasSuffix("]"), let open = type.lastIndex(of: "[") {
      let inside = type[type.index(after: open)...].dropLast()
      if inside.isEmpty || inside.hasPrefix("<=") {
        arity = .sequence
      } else if let count = Int(inside), count >= 0 {
        arity = .fixed(count)
      } else {
        throw MessageError(name, "line \(number): '\(inside)' is no array length")
      }
      type = String(type[..<open])
    }
    if let bound = type.firstIndex(of: "<") { type = String(type[..<bound]) }
    return Field(name: fieldName, element: Self.element(type, package: package), arity: arity)
  }

  private static func element(_ type: String, package: String) -> Element {
    switch type {
    case "bool": .boolean
    case "int8": .int8
    case "uint8", "byte", "char": .uint8
    case "int16": .int16
    case "uint16": .uint16
    case "int32": .int32
    case "uint32": .uint32
    case "int64": .int64
    case "uint64": .uint64
    case "float32": .float32
    case "float64": .float64
    case "string": .string
    case "wstring": .wideString
    default: .message(normalised(type, package: package))
    }
  }
}

extension String {
  /// Without spaces, tabs and carriage returns at both ends.
  var trimmed: String {
    func isSpace(_ character: Character) -> Bool {
      character == " " || character == "\t" || character == "\r" || character == "\r\n"
    }
    var slice = self[...]
    while let first = slice.first, isSpace(first) { slice.removeFirst() }
    while let last = slice.last, isSpace(last) { slice.removeLast() }
    return String(slice)
  }
}
