import ArmModel
import Configuration

extension ArmBus {
  /// The protocols that a profile may name.
  public static var wireNames: [String] { ["feetech", "feetech-scs", "dynamixel2", "dynamixel1", firmwareWire] }

  /// Reads the `bus` of an arm profile: servos for the joints given, in their order. `calibration/README.md` describes the
  /// format.
  init(_ root: ConfigurationNode, joints: [String]) throws(ConfigurationError) {
    // What else is to be expected depends on the protocol.
    let named = try root.child("protocol").child("name")
    let wireName = try named.string()
    guard Self.wireNames.contains(wireName) else {
      throw named.error(
        "unknown protocol '\(wireName)'", suggestion: Suggestion.sentence(for: wireName, in: Self.wireNames))
    }
    if wireName == Self.firmwareWire {
      try self.init(board: root, joints: joints)
      return
    }
    try root.allowOnly([
      "protocol", "baud", "supply", "ids", "followers", "models", "gears", "signs", "zeros", "sweeps", "modes",
      "reversed", "continuous", "torque_shares", "directions",
    ])
    _ = try sourced(root.child("protocol"), keys: ["name"])
    let baud = try sourced(root.child("baud"), keys: ["rate"]).child("rate").integer(in: 9600...10_000_000)
    let supply = try range(try sourced(root.child("supply"), keys: ["lower", "upper"]), "lower", "upper", in: 1...60)

    let columns = ColumnReader(bus: root, joints: joints)
    let ids = try columns.required("ids") { (node) throws(ConfigurationError) in try id(node) }
    let followers = try columns.optional("followers") { (node) throws(ConfigurationError) in
      var list: [UInt8] = []
      for item in try node.list() { list.append(try id(item)) }
      return list
    }
    let models = try columns.required("models") { (node) throws(ConfigurationError) in
      let names = try node.strings()
      guard !names.isEmpty else { throw node.error("names no servo model") }
      return names
    }
    let gears = try columns.required("gears") { (node) throws(ConfigurationError) in try node.double(in: 0.01...100) }
    let signs = try columns.required("signs") { (node) throws(ConfigurationError) in
      let sign = try node.integer()
      guard sign == 1 || sign == -1 else { throw node.error("\(sign) is no sign", suggestion: "write 1 or -1") }
      return sign
    }
    let zeros = try columns.required("zeros") { (node) throws(ConfigurationError) in
      try node.choice(ZeroConvention.self)
    }
    let sweeps = try columns.required("sweeps") { (node) throws(ConfigurationError) in
      try node.allowOnly(["least", "most"])
      return try range(node, "least", "most", in: 0.1...10)
    }
    let modes = try columns.optional("modes") { (node) throws(ConfigurationError) in
      try node.choice(PositionMode.self)
    }
    let reversed = try columns.optional("reversed") { (node) throws(ConfigurationError) in try node.boolean() }
    let continuous = try columns.optional("continuous") { (node) throws(ConfigurationError) in try node.boolean() }
    let shares = try columns.optional("torque_shares") { (node) throws(ConfigurationError) in
      try node.double(in: 0.01...1)
    }
    let directions = try columns.optional("directions") { (node) throws(ConfigurationError) in try node.string() }
    for (index, joint) in joints.enumerated() where continuous[index] == true && zeros[index] != .pose {
      guard zeros[index] == .servo else {
        throw try root.child("zeros").error(
          "\(joint) turns without an end, so nothing about a sweep can be its zero", suggestion: "write pose or servo")
      }
    }
    try Self.refuseSharedIDs(root, ids, followers, joints)
    self.init(
      wire: wireName, baud: baud, supply: supply,
      servos: joints.indices.map { index in
        JointServo(
          joint: joints[index], servo: ids[index], models: models[index], gear: gears[index], sign: signs[index],
          followers: followers[index] ?? [], isReversed: reversed[index] ?? false,
          isContinuous: continuous[index] ?? false, torqueShare: shares[index], mode: modes[index] ?? .position,
          zero: zeros[index], sweep: sweeps[index],
          direction: directions[index])
      })
  }

  private static func refuseSharedIDs(
    _ root: ConfigurationNode, _ ids: [UInt8], _ followers: [[UInt8]?], _ joints: [String]
  ) throws(ConfigurationError) {
    var owners: [UInt8: String] = [:]
    for (index, joint) in joints.enumerated() {
      for id in [ids[index]] + (followers[index] ?? []) {
        if let other = owners.updateValue(joint, forKey: id) {
          throw try root.child("ids").error(
            "id \(id) stands for \(other) and for \(joint)", suggestion: "every servo of a bus has an id of its own")
        }
      }
    }
  }
}

/// One number for every joint, from one source: `{source, every_joint, joints}`.
struct ColumnReader {
  typealias Read<Value> = (ConfigurationNode) throws(ConfigurationError) -> Value

  let bus: ConfigurationNode
  let joints: [String]

  /// A value for every joint, its own or everybody's.
  func required<Value>(_ key: String, _ read: Read<Value>) throws(ConfigurationError) -> [Value] {
    let column = try bus.child(key)
    var values: [Value] = []
    for (joint, value) in zip(joints, try self.values(column, read)) {
      guard let value else {
        throw column.error("\(joint) has no value here", suggestion: "name it under joints, or give every_joint")
      }
      values.append(value)
    }
    return values
  }

  /// A value for some of the joints; the column may be absent.
  func optional<Value>(_ key: String, _ read: Read<Value>) throws(ConfigurationError) -> [Value?] {
    guard let column = try bus.optional(key) else { return joints.map { _ in nil } }
    return try values(column, read)
  }

  private func values<Value>(_ column: ConfigurationNode, _ read: Read<Value>) throws(ConfigurationError) -> [Value?] {
    let everybody = try sourced(column, keys: ["every_joint", "joints"]).optional("every_joint")
    let own = try column.optional("joints")
    try own?.allowOnly(joints)
    var values: [Value?] = []
    for joint in joints {
      if let node = try own?.optional(joint) ?? everybody {
        values.append(try read(node))
      } else {
        values.append(nil)
      }
    }
    return values
  }
}

/// A mapping of `keys` that names its source.
func sourced(_ node: ConfigurationNode, keys: [String]) throws(ConfigurationError) -> ConfigurationNode {
  try node.allowOnly(keys + ["source"])
  let source = try node.child("source")
  guard try !source.string().isEmpty else { throw source.error("names no source") }
  return node
}

func range(
  _ node: ConfigurationNode, _ lower: String, _ upper: String, in allowed: ClosedRange<Double>
) throws(ConfigurationError) -> ClosedRange<Double> {
  let least = try node.child(lower).double(in: allowed)
  let most = try node.child(upper).double(in: allowed)
  guard least < most else { throw node.error("\(lower) \(least) is not below \(upper) \(most)") }
  return least...most
}

private func id(_ node: ConfigurationNode) throws(ConfigurationError) -> UInt8 {
  UInt8(try node.integer(in: 0...253))
}
