import ArmModel
import Configuration

extension ArmProfile {
  /// The names of the shipped profiles.
  public static var shipped: [String] {
    ShippedFiles.names(in: "arms", ofModule: "ArmProfiles", fileExtension: "yaml")
  }

  /// A shipped profile by name, or any profile by the path of its file.
  public static func named(_ nameOrPath: String) throws(ConfigurationError) -> ArmProfile {
    try load(
      path: try ShippedFiles.resolve(
        nameOrPath, in: "arms", ofModule: "ArmProfiles", fileExtension: "yaml", kind: "arm profile"))
  }

  /// The text of the file that `named` reads, for those who keep it (a log's attachment).
  public static func text(of nameOrPath: String) throws(ConfigurationError) -> String {
    try ConfigurationNode.text(
      path: try ShippedFiles.resolve(
        nameOrPath, in: "arms", ofModule: "ArmProfiles", fileExtension: "yaml", kind: "arm profile"))
  }

  /// Reads a profile file. Every mistake in it is an error with its position.
  public static func load(path: String) throws(ConfigurationError) -> ArmProfile {
    try ArmProfile(ConfigurationNode.load(path: path))
  }

  /// Reads a profile from its YAML. `calibration/README.md` describes the format.
  public init(_ root: ConfigurationNode) throws(ConfigurationError) {
    try root.allowOnly(["name", "description", "model", "command_mode", "every_joint", "joints", "poses", "bus"])
    let everyJoint = try root.optional("every_joint")
    try everyJoint?.allowOnly(LimitReader.scalarLimits)
    let jointsNode = try root.child("joints")
    var joints: [JointProfile] = []
    for entry in try jointsNode.entries() {
      joints.append(try LimitReader(joint: entry.value, everyJoint: everyJoint).read(name: entry.key))
    }
    guard (1...JointVector.capacity).contains(joints.count) else {
      throw jointsNode.error("\(joints.count) joints, expected 1 … \(JointVector.capacity)")
    }
    let poses = try root.child("poses")
    try poses.allowOnly(["home", "park"])
    var bus: ArmBus?
    if let node = try root.optional("bus") { bus = try ArmBus(node, joints: joints.map { $0.name }) }
    let model = try root.child("model").string()
    self.init(
      name: try root.child("name").string(),
      description: try root.optional("description")?.string() ?? "",
      model: model == "none" ? nil : model,
      commandMode: try root.child("command_mode").choice(ModeName.self).mode,
      joints: joints,
      home: try Self.readPose(try poses.child("home"), joints),
      park: try Self.readPose(try poses.child("park"), joints),
      bus: bus)
  }

  private enum ModeName: String, CaseIterable {
    case position, effort
    var mode: CommandMode { self == .position ? .position : .effort }
  }

  private static func readPose(_ node: ConfigurationNode, _ joints: [JointProfile])
    throws(ConfigurationError) -> [Double]
  {
    try node.allowOnly(["source", "joints"])
    _ = try node.child("source").string()
    let values = try node.child("joints")
    try values.allowOnly(joints.map { $0.name })
    var pose: [Double] = []
    for joint in joints {
      let value = try values.child(joint.name)
      let angle = try value.double()
      guard angle >= joint.lower, angle <= joint.upper else {
        throw value.error("\(angle) rad is outside the joint's limits \(joint.lower) … \(joint.upper)")
      }
      pose.append(angle)
    }
    return pose
  }
}

/// Reads one joint's limits, each from the joint itself or from `every_joint`.
struct LimitReader {
  static var scalarLimits: [String] { ["velocity", "acceleration", "jerk", "effort"] }

  var joint: ConfigurationNode
  var everyJoint: ConfigurationNode?

  func read(name: String) throws(ConfigurationError) -> JointProfile {
    try joint.allowOnly(["position"] + Self.scalarLimits)
    let position = try joint.child("position")
    try position.allowOnly(["lower", "upper", "source"])
    _ = try position.child("source").string()
    let lower = try number(try position.child("lower"), none: -.infinity)
    let upper = try number(try position.child("upper"), none: .infinity)
    guard lower < upper else { throw position.error("lower \(lower) is not below upper \(upper)") }
    return JointProfile(
      name: name, lower: lower, upper: upper,
      velocity: try maximum("velocity"), acceleration: try maximum("acceleration"), jerk: try maximum("jerk"),
      effort: try maximum("effort"))
  }

  private func maximum(_ key: String) throws(ConfigurationError) -> Double {
    var found = try joint.optional(key)
    if found == nil { found = try everyJoint?.optional(key) }
    guard let node = found else {
      throw joint.error(
        "\(key) is missing here and in every_joint", suggestion: "write maximum: none if there is no limit")
    }
    try node.allowOnly(["maximum", "source"])
    _ = try node.child("source").string()
    let valueNode = try node.child("maximum")
    let value = try number(valueNode, none: .infinity)
    guard value > 0 else { throw valueNode.error("\(value) must be above 0") }
    return value
  }

  /// A number, or `none` for no limit.
  private func number(_ node: ConfigurationNode, none: Double) throws(ConfigurationError) -> Double {
    if node.kind == .scalar, !node.isNull, try node.string() == "none" { return none }
    return try node.double()
  }
}
