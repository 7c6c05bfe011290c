import Configuration
import Numerics

/// Names and numbers that every part of a task is made of.
extension TaskReader {
  static var axes: [String] { ["x", "y", "z"] }

  /// The position of `name` among `names`; an unknown one is an error with the nearest.
  func index(of name: String, in names: [String], kind: String, at node: ConfigurationNode)
    throws(ConfigurationError) -> Int
  {
    guard let index = names.firstIndex(of: name) else {
      throw node.error(
        "unknown \(kind) '\(name)'",
        suggestion: Suggestion.sentence(for: name, in: names) ?? "the task declares no \(kind)s")
    }
    return index
  }

  func pointIndex(_ node: ConfigurationNode) throws(ConfigurationError) -> Int {
    try index(of: try node.string(), in: points.map { $0.name }, kind: "point", at: node)
  }

  func variableIndex(_ node: ConfigurationNode) throws(ConfigurationError) -> Int {
    try index(of: try node.string(), in: variables.map { $0.name }, kind: "variable", at: node)
  }

  /// What `to:` names: a variable, or another point.
  func reference(_ node: ConfigurationNode) throws(ConfigurationError) -> PointReference {
    let name = try node.string()
    if let index = variables.firstIndex(where: { $0.name == name }) { return .variable(index) }
    if let index = points.firstIndex(where: { $0.name == name }) { return .point(index) }
    let names = variables.map { $0.name } + points.map { $0.name }
    throw node.error(
      "unknown variable or point '\(name)'",
      suggestion: Suggestion.sentence(for: name, in: names) ?? "the task declares no variables")
  }

  /// A list of different names.
  func readNames(_ node: ConfigurationNode, atMost: Int, what: String) throws(ConfigurationError) -> [String] {
    let names = try node.strings()
    guard !names.isEmpty, names.count <= atMost else {
      throw node.error("\(names.count) \(what), expected 1 … \(atMost)")
    }
    for (index, item) in try node.list().enumerated() where names[..<index].contains(names[index]) {
      throw item.error("'\(names[index])' is listed twice")
    }
    return names
  }

  /// Indices of the names listed under `key`, or of all names.
  func readSelection(_ node: ConfigurationNode?, from names: [String], kind: String) throws(ConfigurationError) -> [Int]
  {
    guard let node else { return Array(names.indices) }
    let wanted = try readNames(node, atMost: names.count, what: "\(kind)s")
    var indices: [Int] = []
    for (position, item) in try node.list().enumerated() {
      indices.append(try index(of: wanted[position], in: names, kind: kind, at: item))
    }
    return indices
  }

  /// One number per name: a number for all, a list in order, or a mapping by name (what is not named gets `absent`).
  func readPerName(_ node: ConfigurationNode, names: [String], absent: Double) throws(ConfigurationError) -> [Double] {
    switch node.kind {
    case .scalar:
      return [Double](repeating: try node.double(), count: names.count)
    case .list:
      let count = try node.list().count
      guard count == names.count else {
        throw node.error(
          "\(count) numbers for \(names.count) components",
          suggestion: "expected one each for \(names.joined(separator: ", "))")
      }
      return try node.doubles()
    case .mapping:
      try node.allowOnly(names)
      var values = [Double](repeating: absent, count: names.count)
      for (index, name) in names.enumerated() {
        if let value = try node.optional(name) { values[index] = try value.double() }
      }
      return values
    }
  }

  /// `[LOW, HIGH]` with LOW below HIGH.
  func readInterval(_ node: ConfigurationNode) throws(ConfigurationError) -> (low: Double, high: Double) {
    let pair = try node.doubles(count: 2)
    guard pair[0] < pair[1] else {
      throw node.error("the lower bound \(pair[0]) is not below the upper bound \(pair[1])")
    }
    return (pair[0], pair[1])
  }

  func readVector(_ node: ConfigurationNode) throws(ConfigurationError) -> Vector3 {
    let values = try node.doubles(count: 3)
    return Vector3(values[0], values[1], values[2])
  }

  /// `low:` and `high:` corners of a box; equal coordinates make it flat.
  func readBox(_ node: ConfigurationNode) throws(ConfigurationError) -> (low: Vector3, high: Vector3) {
    let low = try readVector(try node.child("low"))
    let highNode = try node.child("high")
    let high = try readVector(highNode)
    guard low.x <= high.x, low.y <= high.y, low.z <= high.z else {
      throw highNode.error("the box's high corner is below its low corner")
    }
    return (low, high)
  }

  func nonNegative(_ node: ConfigurationNode) throws(ConfigurationError) -> Double {
    let value = try node.double()
    guard value >= 0 else { throw node.error("\(value) is negative") }
    return value
  }

  func positive(_ node: ConfigurationNode) throws(ConfigurationError) -> Double {
    let value = try node.double()
    guard value > 0 else { throw node.error("\(value) must be above 0") }
    return value
  }
}
