import Configuration
import Learning

/// Settings by the field's names, from a YAML mapping and from the command line; the latter wins.
///
/// What is asked for is remembered: at the end everything that was given must have been asked for, so that a misspelled name
/// is an error and not a default.
public struct HyperParameters: Sendable {
  private var nodes: [String: ConfigurationNode] = [:]
  private var known: [String] = []
  /// The file of the latest part, for errors.
  private var file = "settings"

  public init() {}

  /// Takes over a YAML mapping.
  public mutating func add(_ node: ConfigurationNode, file: String) throws(ConfigurationError) {
    self.file = file
    for (key, value) in try node.entries() { nodes[key] = value }
  }

  /// Takes over `NAME=VALUE`, with the value as YAML writes it.
  public mutating func add(option text: String) throws {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw LearningError(.setting, "--set '\(text)' is not NAME=VALUE, such as learning_rate=0.001")
    }
    let yaml = "\(text[..<equals]): \(text[text.index(after: equals)...])\n"
    try add(try ConfigurationNode.parse(text: yaml, file: "--set \(text)"), file: "--set")
  }

  /// Whether a file or an option says something about it.
  func isGiven(_ key: String) -> Bool { nodes[key] != nil }

  /// A number within a range.
  public mutating func double(
    _ key: String, _ value: inout Double, in range: ClosedRange<Double>
  ) throws(ConfigurationError) {
    known.append(key)
    if let node = nodes[key] { value = try node.double(in: range) }
  }

  /// A number, or `null` for none.
  public mutating func optionalDouble(
    _ key: String, _ value: inout Double?, in range: ClosedRange<Double>
  ) throws(ConfigurationError) {
    known.append(key)
    if let node = nodes[key] { value = node.isNull ? nil : try node.double(in: range) }
  }

  public mutating func integer(
    _ key: String, _ value: inout Int, in range: ClosedRange<Int>
  ) throws(ConfigurationError) {
    known.append(key)
    if let node = nodes[key] { value = try node.integer(in: range) }
  }

  public mutating func boolean(_ key: String, _ value: inout Bool) throws(ConfigurationError) {
    known.append(key)
    if let node = nodes[key] { value = try node.boolean() }
  }

  public mutating func choice<Value: RawRepresentable & CaseIterable>(
    _ key: String, _ value: inout Value
  ) throws(ConfigurationError) where Value.RawValue == String {
    known.append(key)
    if let node = nodes[key] { value = try node.choice(Value.self) }
  }

  /// Widths of layers, such as `[64, 64]`.
  public mutating func widths(_ key: String, _ value: inout [Int]) throws(ConfigurationError) {
    known.append(key)
    guard let node = nodes[key] else { return }
    var list: [Int] = []
    for item in try node.list() { list.append(try item.integer(in: 1...4096)) }
    guard list.count <= 16 else { throw node.error("has \(list.count) layers; at most 16 are possible") }
    value = list
  }

  /// Refuses names that nobody asked for.
  public func finish(algorithm: String) throws(ConfigurationError) {
    for key in nodes.keys.sorted() where !known.contains(key) {
      let near = Suggestion.nearest(to: key, in: known).map { "did you mean '\($0)'? " } ?? ""
      guard let node = nodes[key] else { continue }
      throw node.error(
        "\(algorithm) has no setting '\(key)'", suggestion: near + "it has \(known.sorted().joined(separator: ", "))")
    }
  }
}
