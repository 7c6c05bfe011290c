import ArmModel
import Configuration

extension ArmCalibration {
  /// The file format's version.
  public static var fileVersion: Int { 1 }
  /// What the numbers mean, as every file states it; a file that states something else is not read.
  public static var convention: String {
    "position in rad = sign * (ticks - zero) * 2 pi / (steps per turn * gear)"
  }
  /// The unit of every position in the file.
  public static var units: String { "ticks, as the servo's position register reads with its homing offset in place" }

  /// The path of a calibration that a user names: `calibration/NAME.yaml`, or the path itself where it is one.
  public static func path(of nameOrPath: String, folder: String = "calibration") -> String {
    nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") ? nameOrPath : "\(folder)/\(nameOrPath).yaml"
  }

  /// Reads a calibration file. Every mistake in it is an error with its position.
  public static func load(path: String) throws(ConfigurationError) -> ArmCalibration {
    try ArmCalibration(ConfigurationNode.load(path: path))
  }

  /// Reads a calibration file and checks it against the profile of its arm.
  public static func load(path: String, for profile: ArmProfile) throws(ConfigurationError) -> ArmCalibration {
    let root = try ConfigurationNode.load(path: path)
    let calibration = try ArmCalibration(root)
    try calibration.check(against: profile, root)
    return calibration
  }

  /// Reads a calibration from its YAML. `calibration/README.md` describes the format.
  public init(_ root: ConfigurationNode) throws(ConfigurationError) {
    if let stated = try root.optional("convention"), try stated.string() == Self.pulseConvention {
      try self.init(pulses: root)
      return
    }
    try root.allowOnly(["version", "arm", "name", "convention", "units", "origin", "fingerprint", "joints"])
    let version = try root.child("version")
    guard try version.integer() == Self.fileVersion else {
      throw version.error(
        "this program reads version \(Self.fileVersion), found \(try version.integer())",
        suggestion: "calibrate again, or use the program that wrote the file")
    }
    try Self.require(Self.convention, at: root.child("convention"))
    try Self.require(Self.units, at: root.child("units"))
    let jointsNode = try root.child("joints")
    var joints: [JointCalibration] = []
    var owners: [UInt8: String] = [:]
    for (name, node) in try jointsNode.entries() {
      let joint = try JointCalibration(name: name, node)
      for id in [joint.servo] + joint.followers.map(\.servo) {
        if let other = owners.updateValue(name, forKey: id) {
          throw node.error("servo \(id) moves \(other) and \(name)", suggestion: "every servo of a bus has its own id")
        }
      }
      joints.append(joint)
    }
    guard (1...JointVector.capacity).contains(joints.count) else {
      throw jointsNode.error("\(joints.count) joints, expected 1 … \(JointVector.capacity)")
    }
    self.init(
      name: try root.child("name").string(), profile: try root.child("arm").string(),
      origin: try root.child("origin").string(), joints: joints)
    let stated = try root.child("fingerprint")
    guard try stated.string() == fingerprint else {
      throw stated.error(
        "the servos below have the fingerprint \(fingerprint): ids, models or offsets were changed after calibration",
        suggestion: "calibrate again ('sinew calibrate'); numbers changed by hand would move the arm wrongly")
    }
  }

  private static func require(_ text: String, at node: ConfigurationNode) throws(ConfigurationError) {
    guard try node.string() == text else {
      throw node.error("another convention than this program's '\(text)'", suggestion: "calibrate again")
    }
  }

  /// Refuses a calibration that is not one of `profile`'s arm: other joints or order, servo models that are not found
  /// there, followers that are missing, limits that lie outside what the joint reached. `root` positions the errors.
  func check(against profile: ArmProfile, _ root: ConfigurationNode) throws(ConfigurationError) {
    guard let bus = profile.bus else {
      throw root.error("arm '\(profile.name)' has no servos to calibrate", suggestion: "name the arm that it is of")
    }
    let arm = try root.child("arm")
    guard self.profile == profile.name else {
      throw arm.error(
        "this is the calibration of an arm '\(self.profile)', not '\(profile.name)'",
        suggestion: "name the calibration of the arm at hand, or calibrate it")
    }
    let jointsNode = try root.child("joints")
    let names = joints.map(\.joint)
    try jointsNode.allowOnly(profile.jointNames)
    for name in profile.jointNames { _ = try jointsNode.child(name) }
    guard names == profile.jointNames else {
      throw jointsNode.error(
        "the joints stand in another order than the arm's",
        suggestion: "write \(profile.jointNames.joined(separator: ", "))")
    }
    for (joint, servo) in zip(joints, bus.servos) {
      let node = try jointsNode.child(joint.joint)
      guard servo.models.contains(joint.model) else {
        throw try node.child("model").error(
          "arm '\(profile.name)' has \(servo.models.joined(separator: " or ")) here, not \(joint.model)",
          suggestion: "this is the calibration of another arm")
      }
      if bus.wire == ArmBus.firmwareWire || joint.ticksPerRadian != nil {
        try checkPulses(joint, servo, of: profile, node)
        continue
      }
      guard joint.servo == servo.servo, joint.followers.map(\.servo) == servo.followers else {
        let found = ([joint.servo] + joint.followers.map(\.servo)).map { "\($0)" }.joined(separator: ", ")
        let wanted = ([servo.servo] + servo.followers).map { "\($0)" }.joined(separator: ", ")
        throw try node.child("servo").error(
          "arm '\(profile.name)' has servo \(wanted) here, not \(found)",
          suggestion: "set the ids right with 'sinew servo set-id', or name the calibration of this arm")
      }
    }
  }

  /// The file's text.
  public var text: String {
    if joints.contains(where: { $0.ticksPerRadian != nil }) { return pulseText }
    var text = """
      # What one particular arm is: its servos and what their ticks mean. Made by 'sinew calibrate'; not to be edited.
      version: \(Self.fileVersion)
      arm: \(quotedScalar(profile))
      name: \(quotedScalar(name))
      origin: \(quotedScalar(origin))
      convention: \(quotedScalar(Self.convention))
      units: \(quotedScalar(Self.units))
      # Of ids, models and homing offsets: the arm whose servos say otherwise is another arm.
      fingerprint: \(quotedScalar(fingerprint))
      joints:

      """
    for joint in joints { text += joint.text }
    return text
  }
}

extension JointCalibration {
  /// Ticks beyond any servo's turns are mistakes: DYNAMIXEL counts 256 turns.
  private static var ticks: ClosedRange<Int> { -1_048_576...1_048_576 }

  init(name: String, _ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly([
      "servo", "model", "model_number", "zero", "sign", "lower", "upper", "continuous", "homing_offset", "mode",
      "followers",
    ])
    let sign = try node.child("sign")
    guard try abs(sign.integer(in: -1...1)) == 1 else { throw sign.error("0 is no sign", suggestion: "write 1 or -1") }
    var followers: [FollowerCalibration] = []
    for item in try node.optional("followers")?.list() ?? [] {
      try item.allowOnly(["servo", "homing_offset"])
      followers.append(
        FollowerCalibration(
          servo: UInt8(try item.child("servo").integer(in: 0...253)),
          homingOffset: try item.optional("homing_offset")?.integer(in: Self.ticks)))
    }
    self.init(
      joint: name, servo: UInt8(try node.child("servo").integer(in: 0...253)), model: try node.child("model").string(),
      modelNumber: try node.optional("model_number")?.integer(in: 0...65_535),
      zero: try node.child("zero").double(in: Double(Self.ticks.lowerBound)...Double(Self.ticks.upperBound)),
      sign: try sign.integer(), lower: try node.child("lower").integer(in: Self.ticks),
      upper: try node.child("upper").integer(in: Self.ticks),
      isContinuous: try node.optional("continuous")?.boolean() ?? false,
      homingOffset: try node.optional("homing_offset")?.integer(in: Self.ticks),
      mode: try node.optional("mode")?.choice(PositionMode.self) ?? .position, followers: followers)
    guard lower < upper else { throw node.error("lower \(lower) is not below upper \(upper)") }
  }

  fileprivate var text: String {
    var text = "  \(quotedScalar(joint)):\n    servo: \(servo)\n    model: \(quotedScalar(model))\n"
    if let modelNumber { text += "    model_number: \(modelNumber)\n" }
    text += "    zero: \(zero)\n    sign: \(sign)\n    lower: \(lower)\n    upper: \(upper)\n"
    if isContinuous { text += "    continuous: true\n" }
    if let homingOffset { text += "    homing_offset: \(homingOffset)\n" }
    if mode != .position { text += "    mode: \(mode.rawValue)\n" }
    if !followers.isEmpty {
      text += "    followers:\n"
      for follower in followers {
        let offset = follower.homingOffset.map { ", homing_offset: \($0)" } ?? ""
        text += "      - {servo: \(follower.servo)\(offset)}\n"
      }
    }
    return text
  }
}
