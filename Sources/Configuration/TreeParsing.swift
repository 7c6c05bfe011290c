import Yams

extension Tree {
  /// The most levels of nesting.
  static var deepest: Int { 64 }
  /// The most nodes after aliases are expanded: an alias bomb ends here.
  static var mostNodes: Int { 1_000_000 }
  /// The most bytes of text.
  static var mostBytes: Int { 4 * 1_048_576 }

  /// Parses one YAML document.
  static func parse(_ text: String, file: String) throws(ConfigurationError) -> Tree {
    guard text.utf8.count <= mostBytes else { throw tooLarge(file, limit: mostBytes) }
    try AliasedKeys.refuse(in: text, file: file)
    // The parser keeps a pointer into the string's storage, so it must have one: very short strings live in registers.
    var text = text
    text.reserveCapacity(64)
    text.makeContiguousUTF8()
    let root: Yams.Node?
    do {
      root = try Yams.Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
    } catch {
      throw describe(error, file: file, text: text)
    }
    guard let root else {
      throw ConfigurationError(file: file, message: "is empty", suggestion: "it must hold a \(language(file)) document")
    }
    var budget = mostNodes
    return try convert(root, file: file, depth: 0, budget: &budget)
  }

  private static func convert(_ node: Yams.Node, file: String, depth: Int, budget: inout Int)
    throws(ConfigurationError) -> Tree
  {
    let line = Int32(clamping: node.mark?.line ?? 1)
    let column = Int32(clamping: node.mark?.column ?? 1)
    func fail(_ message: String) -> ConfigurationError {
      ConfigurationError(file: file, line: Int(line), column: Int(column), message: message)
    }
    guard depth < deepest else { throw fail("nested deeper than \(deepest) levels") }
    budget -= 1
    guard budget >= 0 else { throw fail("more than \(mostNodes) values once aliases are expanded") }
    switch node {
    case .scalar(let scalar):
      let isText = scalar.tag.rawName == Tag.Name.str.rawValue
      return Tree(
        content: .scalar(scalar.string, plain: scalar.style == .plain && !isText),
        tag: isText ? nil : scalar.tag.rawName, line: line, column: column)
    case .sequence(let sequence):
      var items: [Tree] = []
      items.reserveCapacity(sequence.count)
      for item in sequence { items.append(try convert(item, file: file, depth: depth + 1, budget: &budget)) }
      return Tree(content: .list(items), tag: sequence.tag.rawName, line: line, column: column)
    case .mapping(let mapping):
      var entries: [Entry] = []
      entries.reserveCapacity(mapping.count)
      var seen: Set<String> = []
      for (key, value) in mapping {
        guard case .scalar(let scalar) = key else { throw fail("a key must be text, not a list or a mapping") }
        let keyLine = Int32(clamping: key.mark?.line ?? Int(line))
        let keyColumn = Int32(clamping: key.mark?.column ?? Int(column))
        guard seen.insert(scalar.string).inserted else {
          throw duplicate(scalar.string, file: file, line: Int(keyLine), column: Int(keyColumn))
        }
        let tree = try convert(value, file: file, depth: depth + 1, budget: &budget)
        entries.append(Entry(key: scalar.string, line: keyLine, column: keyColumn, value: tree))
      }
      return Tree(content: .mapping(entries), tag: mapping.tag.rawName, line: line, column: column)
    case .alias:
      throw fail("an alias that refers to nothing")
    }
  }

  private static func duplicate(_ key: String, file: String, line: Int, column: Int) -> ConfigurationError {
    ConfigurationError(
      file: file, line: line, column: column, message: "the key '\(quoted(key))' occurs twice in one mapping",
      suggestion: "remove one of them")
  }

  /// JSON is YAML, too; whoever wrote it knows it as JSON.
  private static func language(_ file: String) -> String { file.lowercased().hasSuffix(".json") ? "JSON" : "YAML" }

  private static func describe(_ error: any Error, file: String, text: String) -> ConfigurationError {
    guard let error = error as? YamlError else {
      return ConfigurationError(file: file, message: "is not \(language(file)): \(error)")
    }
    func at(_ mark: Mark, _ context: YamlError.Context?, _ problem: String) -> ConfigurationError {
      if problem.hasPrefix("Maximum nesting level") {
        return ConfigurationError(
          file: file, line: mark.line, column: mark.column, message: "nested deeper than \(deepest) levels")
      }
      let background = context.map { $0.text.isEmpty ? "" : " \($0.text)" } ?? ""
      return ConfigurationError(
        file: file, line: mark.line, column: mark.column, message: "is not \(language(file)): \(problem)\(background)")
    }
    switch error {
    case .scanner(let context, let problem, let mark, _): return at(mark, context, problem)
    case .parser(let context, let problem, let mark, _): return at(mark, context, problem)
    case .composer(let context, let problem, let mark, _): return at(mark, context, problem)
    case .reader(let problem, let offset, _, _):
      let line = offset.map { text.prefix($0).reduce(1) { $0 + ($1.isNewline ? 1 : 0) } }
      return ConfigurationError(file: file, line: line, message: "is not \(language(file)): \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      return duplicate(duplicates.first ?? "", file: file, line: context.mark.line, column: context.mark.column)
    default:
      return ConfigurationError(file: file, message: "is not \(language(file)): \(error)")
    }
  }
}

extension Tag {
  /// The tag as written, or nil when the document has none here.
  fileprivate var rawName: String? { rawValue.isEmpty || rawValue == "!" ? nil : rawValue }
}
