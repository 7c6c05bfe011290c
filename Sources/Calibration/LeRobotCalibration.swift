import ArmModel
import ArmProfiles
import Configuration
import ServoBus

/// A calibration file of LeRobot (huggingface/lerobot 7427f31, `motors_bus.py`): JSON, a mapping from joint to id, drive
/// mode, homing offset, and range.
///
/// What its numbers mean there: `range_min` and `range_max` are position registers with the homing offset in place.
/// - Degrees are (value − mid)·360/4095 with mid = (range_min + range_max)/2. A turn has 4096 steps, so that LeRobot's
///   degrees are 4096/4095 of an angle's: 0.024 % too many. The calibration made here gives the angle itself; LeRobot's
///   number of degrees is 4096/4095 of it, with the same zero, at every position.
/// - −100 … 100 is the range, clamped. It maps to the same ticks, and needs no convention of ours.
/// - The gripper's 0 … 100 is its range from closed to open. Here the closed end is the profile's lower limit.
/// - `drive_mode` 1 turns −100 … 100 and 0 … 100 round on Feetech buses, and never touches degrees. On DYNAMIXEL it is the
///   servo's own register.
public struct LeRobotCalibration: Sendable, Equatable {
  /// One joint's entry.
  public struct Entry: Sendable, Equatable {
    public var joint: String
    public var id: UInt8
    public var driveMode: Int
    public var homingOffset: Int
    public var rangeMin: Int
    public var rangeMax: Int
    /// Where it stands, for errors.
    var node: ConfigurationNode
  }

  /// What the numbers of a Feetech file with `drive_mode` 1 were used as.
  public enum Units: String, Sendable, CaseIterable {
    /// Degrees, which ignore it.
    case degrees
    /// −100 … 100, which it turns round.
    case range
  }

  public var entries: [Entry]
  private let root: ConfigurationNode

  /// Reads a file. Every mistake in it is an error with its position.
  public static func load(path: String) throws(ConfigurationError) -> LeRobotCalibration {
    try LeRobotCalibration(ConfigurationNode.load(path: path))
  }

  /// Reads the parsed JSON.
  public init(_ root: ConfigurationNode) throws(ConfigurationError) {
    self.root = root
    entries = []
    for (joint, node) in try root.entries() {
      try node.allowOnly(["id", "drive_mode", "homing_offset", "range_min", "range_max"])
      // Multi-turn DYNAMIXEL positions go beyond one turn; nothing real goes beyond 256.
      let ticks = -1_048_576...1_048_576
      entries.append(
        Entry(
          joint: joint, id: UInt8(try node.child("id").integer(in: 0...253)),
          driveMode: try node.child("drive_mode").integer(in: 0...1),
          homingOffset: try node.child("homing_offset").integer(in: ticks),
          rangeMin: try node.child("range_min").integer(in: ticks),
          rangeMax: try node.child("range_max").integer(in: ticks), node: node))
    }
  }

  /// The calibration of `profile`'s arm that the file says, or the joint and the reason why it cannot be right.
  public func calibration(
    name: String, of profile: ArmProfile, units: Units? = nil
  ) throws(ConfigurationError) -> ArmCalibration {
    guard let bus = profile.bus, let wire = WireProtocol(name: bus.wire) else {
      throw root.error(
        "arm '\(profile.name)' has no servos to calibrate", suggestion: "choose the arm that the file is of")
    }
    let others = entries.filter { !profile.jointNames.contains($0.joint) }
    guard others.isEmpty || entries.contains(where: { profile.jointNames.contains($0.joint) }) else {
      throw root.error(
        "this file is of another arm: its joints are \(entries.map(\.joint).joined(separator: ", ")), those of arm "
          + "'\(profile.name)' \(profile.jointNames.joined(separator: ", "))",
        suggestion: "choose the arm that the file is of")
    }
    try root.allowOnly(profile.jointNames)
    var joints: [JointCalibration] = []
    for (index, servo) in bus.servos.enumerated() {
      _ = try root.child(servo.joint)
      guard let entry = entries.first(where: { $0.joint == servo.joint }) else { continue }
      joints.append(try Conversion(entry: entry, servo: servo, joint: profile.joints[index], wire: wire).joint(units))
    }
    return ArmCalibration(
      name: name, profile: profile.name, origin: "imported from LeRobot's \(root.file)", joints: joints)
  }
}

extension ArmProfile {
  /// Shipped profiles, other than this one, whose files LeRobot writes with the same joints and ids: by the file alone they
  /// cannot be told apart. With `comparingServos` only those that have the same models there.
  public func namesakes(comparingServos: Bool = false) -> [String] {
    func key(_ profile: ArmProfile) -> [String] {
      (profile.bus?.servos ?? []).map { "\($0.joint) \($0.servo)\(comparingServos ? " \($0.models)" : "")" }.sorted()
    }
    return ArmProfile.shipped.filter { name in
      guard name != self.name, let other = try? ArmProfile.named(name), other.bus != nil else { return false }
      return key(other) == key(self)
    }
  }
}

/// One joint's way from LeRobot's numbers to ours.
private struct Conversion {
  let entry: LeRobotCalibration.Entry
  let servo: JointServo
  let joint: JointProfile
  let wire: WireProtocol

  func joint(_ units: LeRobotCalibration.Units?) throws(ConfigurationError) -> JointCalibration {
    let model = try model()
    try check(model)
    let sign = try sign(units)
    let isWholeTurn = try isWholeTurn(model)
    let middle = Double(entry.rangeMin + entry.rangeMax) / 2
    let scale = Double(model.stepsPerTurn) * servo.gear / (2 * .pi)
    // Only the gripper is counted from an end there, and only its profile says so.
    let zero =
      servo.zero == .lower
      ? Double(sign > 0 ? entry.rangeMin : entry.rangeMax) - Double(sign) * joint.lower * scale : middle
    var result = JointCalibration(
      joint: entry.joint, servo: entry.id, model: model.name, modelNumber: model.modelNumber, zero: zero, sign: sign,
      lower: entry.rangeMin, upper: entry.rangeMax, isContinuous: isWholeTurn && servo.isContinuous,
      homingOffset: entry.homingOffset, mode: mode)
    if isWholeTurn, !servo.isContinuous {
      // LeRobot never measured this joint: the profile's limits are all that is known of its range.
      result.lower = max(entry.rangeMin, Int((zero + min(joint.lower, -joint.upper) * scale).rounded()))
      result.upper = min(entry.rangeMax, Int((zero + max(joint.upper, -joint.lower) * scale).rounded()))
    }
    return result
  }

  private func model() throws(ConfigurationError) -> ServoModel {
    guard let model = servo.models.first.flatMap({ ServoModel.named($0) }) else {
      throw entry.node.error("the profile's servo \(servo.models.joined(separator: ", ")) is not known")
    }
    guard servo.followers.isEmpty else {
      throw entry.node.error(
        "two servos move this joint, and LeRobot's file knows one", suggestion: "calibrate the arm")
    }
    return model
  }

  private func check(_ model: ServoModel) throws(ConfigurationError) {
    guard entry.id == servo.servo else {
      throw try entry.node.child("id").error(
        "the arm has servo \(servo.servo) here, not \(entry.id)", suggestion: "choose the arm that the file is of")
    }
    guard entry.rangeMin < entry.rangeMax else {
      throw entry.node.error(
        "range_min \(entry.rangeMin) is not below range_max \(entry.rangeMax)",
        suggestion: "the joint was not moved when the file was made; calibrate again")
    }
    if let codec = model.codec("homing_offset"), !codec.range.contains(entry.homingOffset) {
      throw try entry.node.child("homing_offset").error(
        "\(entry.homingOffset) does not fit the servo's register (\(codec.range.lowerBound) … \(codec.range.upperBound))",
        suggestion: "calibrate again")
    }
    let last = model.positionSteps - 1
    if wire != .dynamixel2, entry.rangeMin < 0 || entry.rangeMax > last {
      throw entry.node.error(
        "range \(entry.rangeMin) … \(entry.rangeMax) lies outside the servo's 0 … \(last)",
        suggestion: "calibrate again")
    }
    guard try !isWholeTurn(model) else { return }
    // Names and ids are the same in all its files; that this joint was swept tells another arm's from this one's.
    guard wire != .dynamixel2 || !unswept.contains(entry.joint) else {
      throw entry.node.error(
        "range \(entry.rangeMin) … \(entry.rangeMax): LeRobot never sweeps this joint of an arm of DYNAMIXEL servos, and "
          + "writes 0 … \(last) for it",
        suggestion:
          "this is the file of another arm, such as so101 or so100: name that one, or calibrate with 'sinew calibrate'"
      )
    }
    let span = Double(entry.rangeMax - entry.rangeMin)
    let expected = (joint.upper - joint.lower) * Double(model.stepsPerTurn) * servo.gear / (2 * .pi)
    guard span >= servo.sweep.lowerBound * expected, span <= servo.sweep.upperBound * expected else {
      let degrees = { (ticks: Double) in Int((ticks / Double(model.stepsPerTurn) / servo.gear * 360).rounded()) }
      throw entry.node.error(
        "the range covers \(degrees(span))°, the joint's is about \(degrees(expected))°",
        suggestion: span < expected
          ? "it was not turned to both stops when the file was made; calibrate again"
          : "its sweep crossed the end of the encoder's turn, or it is another arm's; calibrate again")
    }
  }

  /// The joints that LeRobot does not sweep.
  private var unswept: [String] { wire == .dynamixel2 ? ["shoulder_pan", "wrist_roll"] : ["wrist_roll"] }

  /// 0 … 4095 is what LeRobot writes for joints that it does not sweep (so_follower.py, koch_follower.py: full turn), and
  /// what a sweep over the end of the turn leaves by mistake.
  private func isWholeTurn(_ model: ServoModel) throws(ConfigurationError) -> Bool {
    guard entry.rangeMin == 0, entry.rangeMax == model.positionSteps - 1 else { return false }
    guard unswept.contains(entry.joint) || servo.isContinuous else {
      throw entry.node.error(
        "range 0 … \(model.positionSteps - 1) is a whole turn: the sweep crossed the end of the encoder's turn",
        suggestion: "calibrate again with 'sinew calibrate', which follows a joint across it")
    }
    return true
  }

  /// LeRobot drives DYNAMIXEL arms in the extended modes, whatever their offsets (koch_follower.py).
  private var mode: PositionMode {
    guard wire == .dynamixel2 else { return .position }
    return servo.mode == .position ? .extended : servo.mode
  }

  private func sign(_ units: LeRobotCalibration.Units?) throws(ConfigurationError) -> Int {
    guard wire != .dynamixel2 else {
      guard (entry.driveMode == 1) == servo.isReversed else {
        throw try entry.node.child("drive_mode").error(
          "the arm's profile has drive mode \(servo.isReversed ? 1 : 0) here", suggestion: "calibrate again")
      }
      return 1
    }
    guard entry.driveMode == 1 else { return 1 }
    // The gripper has no degrees.
    if servo.zero == .lower { return -1 }
    guard let units else {
      throw try entry.node.child("drive_mode").error(
        "turns LeRobot's -100 … 100 round and leaves its degrees as they are",
        suggestion: "say with --units degrees or --units range how the file was used")
    }
    return units == .range ? -1 : 1
  }
}
