/// An immutable YAML tree that knows where each of its values stands, read with types.
///
/// JSON files parse too, being YAML. Tags are data and never acted on; aliases are expanded within a bound; duplicate
/// keys are refused. Every reading error names file, line, column and key path, what was found and what was expected.
public struct ConfigurationNode: Sendable {
  /// The kinds of node.
  public enum Kind: Sendable, Equatable {
    /// A single value: text, number, boolean or nothing.
    case scalar
    /// A sequence of values.
    case list
    /// Keys with values.
    case mapping
  }

  let tree: Tree
  /// The file as the user named it.
  public let file: String
  /// Where the node is in its document: `reward[2].weight`; empty for the document itself.
  public let keyPath: String

  init(tree: Tree, file: String, keyPath: String) {
    self.tree = tree
    self.file = file
    self.keyPath = keyPath
  }

  /// Parses one YAML document of at most 4 MiB, 64 levels and a million values. `file` names it in errors.
  public static func parse(text: String, file: String) throws(ConfigurationError) -> ConfigurationNode {
    ConfigurationNode(tree: try Tree.parse(text, file: file), file: file, keyPath: "")
  }

  /// Reads and parses a file. Errors: missing, a folder, unreadable, larger than 4 MiB, not UTF-8, not YAML.
  public static func load(path: String) throws(ConfigurationError) -> ConfigurationNode {
    try parse(text: try text(path: path), file: path)
  }

  /// The text of a configuration file, for those who keep it (a log's attachment, a hash) besides parsing it.
  public static func text(path: String) throws(ConfigurationError) -> String {
    try readText(path, limit: Tree.mostBytes)
  }

  /// Line of the node, from 1.
  public var line: Int { Int(tree.line) }
  /// Column of the node in characters, from 1.
  public var column: Int { Int(tree.column) }
  /// Whether the node is a scalar, a list or a mapping.
  public var kind: Kind {
    switch tree.content {
    case .scalar: .scalar
    case .list: .list
    case .mapping: .mapping
    }
  }
  /// Whether the node is empty (`key:` with nothing behind it) or an explicit null.
  public var isNull: Bool {
    if case .scalar(let text, true) = tree.content { return ScalarText.isNull(text) }
    return false
  }
  /// Whether the node is a plain decimal number.
  public var isNumber: Bool {
    if case .scalar(let text, true) = tree.content { return ScalarText.isNumber(text) }
    return false
  }
  /// The tag as written (`!!python/…`), or nil.
  public var tag: String? { tree.tag }

  /// An error positioned at this node; the key path goes before the message.
  public func error(_ message: String, suggestion: String? = nil) -> ConfigurationError {
    ConfigurationError(
      file: file, line: line, column: column, message: keyPath.isEmpty ? message : "\(keyPath): \(message)",
      suggestion: suggestion)
  }

  func expected(_ what: String, suggestion: String? = nil) -> ConfigurationError {
    error("expected \(what), found \(tree.found)", suggestion: suggestion)
  }

  func pathOfChild(_ key: String) -> String {
    keyPath.isEmpty ? quoted(key) : "\(keyPath).\(quoted(key))"
  }
}

extension ConfigurationNode: Equatable {
  /// Whether two nodes hold the same values under the same keys in the same order, wherever they stand.
  public static func == (a: ConfigurationNode, b: ConfigurationNode) -> Bool { a.tree.holdsTheSame(as: b.tree) }
}
