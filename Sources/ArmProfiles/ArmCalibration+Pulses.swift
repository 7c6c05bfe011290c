import ArmModel
import Configuration

/// The calibration of an arm of hobby servos: which pulse is which angle. A file that people write and correct by hand; the
/// servos have nothing by which they could be told from others, so it has no fingerprint.
extension ArmCalibration {
  /// What the numbers mean, as every such file states it.
  public static var pulseConvention: String { "position in rad = sign * (pulse - centre) / per_radian" }

  /// The calibration that a profile's nominal figures give: to begin with, and for emulated boards.
  public static func nominal(of profile: ArmProfile, name: String, origin: String) -> ArmCalibration? {
    guard let bus = profile.bus, bus.wire == ArmBus.firmwareWire else { return nil }
    var joints: [JointCalibration] = []
    for servo in bus.servos {
      guard let pulse = servo.pulse else { return nil }
      joints.append(
        JointCalibration(
          joint: servo.joint, servo: servo.servo, model: servo.models.first ?? "", zero: pulse.centre * 4,
          sign: servo.sign, lower: Int((pulse.range.lowerBound * 4).rounded(.up)),
          upper: Int((pulse.range.upperBound * 4).rounded(.down)), ticksPerRadian: pulse.perRadian * 4))
    }
    return ArmCalibration(name: name, profile: profile.name, origin: origin, joints: joints)
  }

  init(pulses root: ConfigurationNode) throws(ConfigurationError) {
    try root.allowOnly(["version", "arm", "name", "convention", "origin", "joints"])
    let version = try root.child("version")
    guard try version.integer() == Self.fileVersion else {
      throw version.error(
        "this program reads version \(Self.fileVersion), found \(try version.integer())",
        suggestion: "use the program that wrote the file")
    }
    let jointsNode = try root.child("joints")
    var joints: [JointCalibration] = []
    for (name, node) in try jointsNode.entries() {
      let joint = try JointCalibration(pulses: name, node)
      if let other = joints.first(where: { $0.servo == joint.servo }) {
        throw node.error(
          "channel \(joint.servo) moves \(other.joint) and \(name)", suggestion: "every servo has a channel of its own")
      }
      joints.append(joint)
    }
    guard (1...JointVector.capacity).contains(joints.count) else {
      throw jointsNode.error("\(joints.count) joints, expected 1 … \(JointVector.capacity)")
    }
    self.init(
      name: try root.child("name").string(), profile: try root.child("arm").string(),
      origin: try root.child("origin").string(), joints: joints)
  }

  /// Refuses a joint on the wrong kind of servo, and pulses that its kind of servo may not be sent. On which channel a servo
  /// is, is its owner's choice.
  func checkPulses(
    _ joint: JointCalibration, _ servo: JointServo, of profile: ArmProfile, _ node: ConfigurationNode
  ) throws(ConfigurationError) {
    guard let pulse = servo.pulse, joint.ticksPerRadian != nil else {
      let wanted = servo.pulse == nil ? "servos on a bus" : "hobby servos behind a controller board"
      throw node.error(
        "arm '\(profile.name)' has \(wanted), this calibration is of other ones",
        suggestion: "name the calibration of the arm at hand")
    }
    guard Double(joint.lower) >= 4 * pulse.range.lowerBound, Double(joint.upper) <= 4 * pulse.range.upperBound else {
      throw node.error(
        "pulses of \(Double(joint.lower) / 4) to \(Double(joint.upper) / 4) µs, arm '\(profile.name)' allows "
          + "\(pulse.range.lowerBound) to \(pulse.range.upperBound) here",
        suggestion: "narrow lower and upper, or use an arm profile of your own that allows them")
    }
  }

  var pulseText: String {
    var text = """
      # What one particular arm of hobby servos is: which pulse is which angle. calibration/README.md says how to measure it.
      version: \(Self.fileVersion)
      arm: \(quotedScalar(profile))
      name: \(quotedScalar(name))
      origin: \(quotedScalar(origin))
      convention: \(quotedScalar(Self.pulseConvention))
      # centre, lower, upper: µs of pulse; per_radian: µs for one radian of the joint. Pulses outside lower … upper are never
      # sent: keep them where the joint and its servo are free.
      joints:

      """
    for joint in joints {
      text += "  \(quotedScalar(joint.joint)): {channel: \(joint.servo), model: \(quotedScalar(joint.model)), "
      text += "centre: \(joint.zero / 4), per_radian: \((joint.ticksPerRadian ?? 0) / 4), sign: \(joint.sign), "
      text += "lower: \(Double(joint.lower) / 4), upper: \(Double(joint.upper) / 4)}\n"
    }
    return text
  }
}

extension JointCalibration {
  init(pulses name: String, _ node: ConfigurationNode) throws(ConfigurationError) {
    try node.allowOnly(["channel", "model", "centre", "per_radian", "sign", "lower", "upper"])
    let sign = try node.child("sign")
    guard try abs(sign.integer(in: -1...1)) == 1 else { throw sign.error("0 is no sign", suggestion: "write 1 or -1") }
    let (lower, upper) = (try node.child("lower"), try node.child("upper"))
    let (least, most) = (try lower.double(in: 400...2600), try upper.double(in: 400...2600))
    guard least < most else { throw lower.error("lower \(least) µs is not below upper \(most) µs") }
    self.init(
      joint: name, servo: UInt8(try node.child("channel").integer(in: 0...15)), model: try node.child("model").string(),
      zero: 4 * (try node.child("centre").double(in: -10_000...10_000)), sign: try sign.integer(),
      lower: Int((4 * least).rounded(.up)), upper: Int((4 * most).rounded(.down)),
      ticksPerRadian: 4 * (try node.child("per_radian").double(in: 10...5000)))
  }
}
