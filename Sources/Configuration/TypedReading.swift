extension ConfigurationNode {
  /// The text of a scalar; numbers and booleans give their text as written. Nothing, lists and mappings are errors.
  public func string() throws(ConfigurationError) -> String {
    guard case .scalar(let text, let plain) = tree.content, !(plain && ScalarText.isNull(text)) else {
      throw expected("a text")
    }
    return text
  }

  /// A finite number, within `range` if given.
  public func double(in range: ClosedRange<Double>? = nil) throws(ConfigurationError) -> Double {
    guard case .scalar(let text, let plain) = tree.content else { throw expected("a number") }
    guard ScalarText.isNumber(text), let value = Double(text) else {
      throw expected(plain && ScalarText.isNotFinite(text) ? "a finite number" : "a number")
    }
    guard plain else { throw expected("a number", suggestion: "remove the quotes") }
    guard value.isFinite else { throw expected("a number below 1.8e308") }
    if let range, !range.contains(value) {
      throw error("\(value) is outside \(range.lowerBound) … \(range.upperBound)")
    }
    return value
  }

  /// A whole number, within `range` if given. `3.0` and `1e3` are not whole numbers.
  public func integer(in range: ClosedRange<Int>? = nil) throws(ConfigurationError) -> Int {
    guard case .scalar(let text, true) = tree.content, ScalarText.isNumber(text),
      !text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") })
    else { throw expected("a whole number") }
    guard let value = Int(text) else { throw expected("a whole number of at most 63 bits") }
    if let range, !range.contains(value) {
      throw error("\(value) is outside \(range.lowerBound) … \(range.upperBound)")
    }
    return value
  }

  /// `true` or `false`.
  public func boolean() throws(ConfigurationError) -> Bool {
    guard case .scalar(let text, let plain) = tree.content else { throw expected("true or false") }
    if plain, let value = ScalarText.boolean(text) { return value }
    switch text.lowercased() {
    case "yes", "on", "1", "true": throw expected("true or false", suggestion: "write true")
    case "no", "off", "0", "false": throw expected("true or false", suggestion: "write false")
    default: throw expected("true or false")
    }
  }

  /// A list of finite numbers, `count` of them if given.
  public func doubles(count: Int? = nil) throws(ConfigurationError) -> [Double] {
    let what = count.map { "a list of \($0) numbers" } ?? "a list of numbers"
    guard case .list(let items) = tree.content, items.count == count ?? items.count else { throw expected(what) }
    var values: [Double] = []
    values.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      // The long way, through a node with a key path, is for the error only: such lists may be long.
      if case .scalar(let text, true) = item.content, ScalarText.isNumber(text), let value = Double(text),
        value.isFinite
      {
        values.append(value)
      } else {
        values.append(try child(item, index).double())
      }
    }
    return values
  }

  /// A list of texts.
  public func strings() throws(ConfigurationError) -> [String] {
    guard case .list = tree.content else { throw expected("a list of texts") }
    var values: [String] = []
    for item in try list() { values.append(try item.string()) }
    return values
  }

  /// One of the names of `T`.
  public func choice<T: RawRepresentable & CaseIterable>(_ type: T.Type) throws(ConfigurationError) -> T
  where T.RawValue == String {
    let names = T.allCases.map { $0.rawValue }
    guard case .scalar(let text, _) = tree.content, !isNull else {
      throw expected("one of \(names.joined(separator: ", "))")
    }
    guard let value = T(rawValue: text) else {
      // A long list of names helps only when none of them is near.
      if let near = Suggestion.nearest(to: text, in: names) {
        throw error("unknown value '\(quoted(text))'", suggestion: "did you mean '\(near)'?")
      }
      throw error("unknown value '\(quoted(text))'", suggestion: "one of \(names.joined(separator: ", "))")
    }
    return value
  }

  /// The items of a list.
  public func list() throws(ConfigurationError) -> [ConfigurationNode] {
    guard case .list(let items) = tree.content else { throw expected("a list") }
    return items.enumerated().map { child($0.element, $0.offset) }
  }

  /// The keys and values of a mapping in file order.
  public func entries() throws(ConfigurationError) -> [(key: String, value: ConfigurationNode)] {
    try mapping().map { (key: $0.key, value: child($0)) }
  }

  /// The value of `key`; a missing key is an error that names it.
  public func child(_ key: String) throws(ConfigurationError) -> ConfigurationNode {
    if let value = try optional(key) { return value }
    let keys = try mapping().map { $0.key }
    throw error(
      "the key '\(quoted(key))' is missing",
      suggestion: Suggestion.nearest(to: key, in: keys).map { "is '\(quoted($0))' meant to be it?" })
  }

  /// The value of `key`, or nil when the key is absent. An explicit null is a value.
  public func optional(_ key: String) throws(ConfigurationError) -> ConfigurationNode? {
    try mapping().first { $0.key == key }.map { child($0) }
  }

  /// Refuses keys that are not among `keys`, pointing at the first such key.
  public func allowOnly(_ keys: [String]) throws(ConfigurationError) {
    for entry in try mapping() where !keys.contains(entry.key) {
      throw ConfigurationError(
        file: file, line: Int(entry.line), column: Int(entry.column),
        message: (keyPath.isEmpty ? "" : "\(keyPath): ") + "unknown key '\(quoted(entry.key))'",
        suggestion: Suggestion.sentence(for: entry.key, in: keys))
    }
  }

  private func mapping() throws(ConfigurationError) -> [Tree.Entry] {
    guard case .mapping(let entries) = tree.content else { throw expected("a mapping (key: value)") }
    return entries
  }

  private func child(_ entry: Tree.Entry) -> ConfigurationNode {
    ConfigurationNode(tree: entry.value, file: file, keyPath: pathOfChild(entry.key))
  }

  private func child(_ item: Tree, _ index: Int) -> ConfigurationNode {
    ConfigurationNode(tree: item, file: file, keyPath: "\(keyPath)[\(index)]")
  }
}
