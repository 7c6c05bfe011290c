import Configuration
import Numerics

/// Variables and their distributions.
extension TaskReader {
  func readVariables(_ node: ConfigurationNode) throws(ConfigurationError) -> [VariableDefinition] {
    var result: [VariableDefinition] = []
    for entry in try node.entries() {
      guard !points.contains(where: { $0.name == entry.key }) else {
        throw entry.value.error(
          "a point has the name '\(entry.key)' already", suggestion: "give the variable another name")
      }
      try entry.value.allowOnly(["kind", "distribution", "bind"])
      _ = try entry.value.optional("kind")?.choice(VariableKind.self)
      result.append(
        VariableDefinition(
          name: entry.key, binding: try readBinding(try entry.value.optional("bind")),
          distribution: try readDistribution(try entry.value.child("distribution"))))
    }
    guard result.count <= 16 else { throw node.error("\(result.count) variables, at most 16 are possible") }
    return result
  }

  private enum VariableKind: String, CaseIterable { case point }

  private func readBinding(_ node: ConfigurationNode?) throws(ConfigurationError) -> VariableDefinition.Binding {
    guard let node else { return .none }
    try node.allowOnly(["joints", "mocap"])
    let bound = try node.entries()
    guard bound.count == 1, let entry = bound.first else {
      throw node.error("expected either joints: [NAME, …] or mocap: BODY")
    }
    if entry.key == "mocap" { return .mocap(try entry.value.string()) }
    let names = try readNames(entry.value, atMost: 3, what: "joints for x, y, z")
    for (index, item) in try entry.value.list().enumerated() where joints.contains(names[index]) {
      throw item.error(
        "'\(names[index])' is a joint of the arm itself", suggestion: "bind the variable to a scene joint")
    }
    return .joints(names)
  }

  private enum ShapeName: String, CaseIterable {
    case fixed
    case uniformBox = "uniform_box"
    case uniformDisk = "uniform_disk"
    case uniformBall = "uniform_ball"
  }

  private func readDistribution(_ node: ConfigurationNode) throws(ConfigurationError) -> Distribution {
    let shapes = ShapeName.allCases.map { $0.rawValue }
    try node.allowOnly(shapes + ["within", "avoid"])
    let named = try node.entries().filter { shapes.contains($0.key) }
    guard named.count == 1, let entry = named.first, let shapeName = ShapeName(rawValue: entry.key) else {
      throw node.error(
        "expected one distribution, found \(named.count)", suggestion: "one of \(shapes.joined(separator: ", "))")
    }
    var distribution = Distribution(shape: try readShape(shapeName, entry.value))
    if let box = try node.optional("within") {
      try box.allowOnly(["low", "high"])
      distribution.within = try readBox(box)
    }
    if let spheres = try node.optional("avoid") {
      for sphere in try spheres.list() {
        try sphere.allowOnly(["center", "radius"])
        distribution.avoid.append(
          Distribution.Sphere(
            center: try readVector(try sphere.child("center")), radius: try positive(try sphere.child("radius"))))
      }
      guard distribution.avoid.count <= 8 else { throw spheres.error("at most 8 spheres can be avoided") }
    }
    let share = distribution.acceptedShare()
    guard share >= Distribution.leastAcceptedShare else {
      throw node.error(
        "within and avoid leave \(share * 100) % of the distribution",
        suggestion: "at least \(Distribution.leastAcceptedShare * 100) % must remain")
    }
    return distribution
  }

  private func readShape(_ name: ShapeName, _ node: ConfigurationNode) throws(ConfigurationError) -> Distribution.Shape
  {
    switch name {
    case .fixed:
      return .fixed(try readVector(node))
    case .uniformBox:
      try node.allowOnly(["low", "high"])
      let box = try readBox(node)
      return .box(low: box.low, high: box.high)
    case .uniformDisk, .uniformBall:
      try node.allowOnly(["center", "radius", "inner_radius"])
      let center = try readVector(try node.child("center"))
      let radius = try positive(try node.child("radius"))
      var inner = 0.0
      if let innerNode = try node.optional("inner_radius") {
        inner = try nonNegative(innerNode)
        guard inner < radius else { throw innerNode.error("\(inner) is not below the radius \(radius)") }
      }
      return name == .uniformDisk
        ? .disk(center: center, innerRadius: inner, radius: radius)
        : .ball(center: center, innerRadius: inner, radius: radius)
    }
  }
}
