/// A YAML node with its position: what a `ConfigurationNode` looks into.
struct Tree: Sendable {
  enum Content: Sendable {
    case scalar(String, plain: Bool)
    case list([Tree])
    case mapping([Entry])
  }

  /// One key of a mapping; keys are text.
  struct Entry: Sendable {
    var key: String
    var line: Int32
    var column: Int32
    var value: Tree
  }

  var content: Content
  /// The tag as written, when there is one (`!!python/…`): data, never acted on.
  var tag: String?
  var line: Int32
  var column: Int32

  /// What a person would call this value in an error.
  var found: String {
    switch content {
    case .list(let items): return "a list of \(items.count)"
    case .mapping(let entries):
      return entries.isEmpty ? "an empty mapping" : "a mapping with '\(quoted(entries[0].key))'…"
    case .scalar(let text, let plain):
      if plain, ScalarText.isNull(text) { return "nothing" }
      if !plain { return "the quoted text '\(quoted(text))'" }
      if ScalarText.isNumber(text) { return "the number \(quoted(text))" }
      return "'\(quoted(text))'"
    }
  }
}

/// `text` cut to a length that fits into an error.
func quoted(_ text: String) -> String {
  text.count > 60 ? String(text.prefix(57)) + "…" : text
}

/// The plain scalars of YAML 1.2's core schema.
enum ScalarText {
  static func isNull(_ text: String) -> Bool {
    text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
  }

  static func boolean(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  /// A decimal number (`-1`, `.5`, `1e-3`): not NaN, not infinite, no hexadecimal, no blanks.
  static func isNumber(_ text: String) -> Bool {
    var rest = Substring(text).utf8
    func eatDigits() -> Int {
      var count = 0
      while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
        rest.removeFirst()
        count += 1
      }
      return count
    }
    func eat(_ a: Character, _ b: Character) -> Bool {
      guard let byte = rest.first, byte == a.asciiValue || byte == b.asciiValue else { return false }
      rest.removeFirst()
      return true
    }
    _ = eat("+", "-")
    var digits = eatDigits()
    if eat(".", ".") { digits += eatDigits() }
    guard digits > 0 else { return false }
    if eat("e", "E") {
      _ = eat("+", "-")
      guard eatDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// `.inf`, `.nan` and their spellings, which a configuration may not hold.
  static func isNotFinite(_ text: String) -> Bool {
    let bare = text.lowercased().drop { $0 == "+" || $0 == "-" || $0 == "." }
    return bare == "inf" || bare == "nan" || bare == "infinity"
  }
}

extension Tree {
  /// Equality of content and tags; positions do not count.
  func holdsTheSame(as other: Tree) -> Bool {
    guard tag == other.tag else { return false }
    switch (content, other.content) {
    case (.scalar(let a, let plainA), .scalar(let b, let plainB)):
      return a == b && plainA == plainB
    case (.list(let a), .list(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.holdsTheSame(as: $1) }
    case (.mapping(let a), .mapping(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value.holdsTheSame(as: $1.value) }
    default:
      return false
    }
  }
}
