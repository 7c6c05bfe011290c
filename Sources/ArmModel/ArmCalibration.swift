/// A further servo on a joint's shaft, which obeys the first one's commands (DYNAMIXEL secondary id).
public struct FollowerCalibration: Sendable, Equatable {
  /// The servo's id on the bus.
  public var servo: UInt8
  /// What its homing offset register must hold for its position to read as the first servo's; nil where it has none.
  public var homingOffset: Int?

  public init(servo: UInt8, homingOffset: Int? = nil) {
    self.servo = servo
    self.homingOffset = homingOffset
  }
}

/// Which servo moves one joint of one particular arm, and what its ticks mean.
///
/// Ticks are the servo's position register as it reads with `homingOffset` in place, in wide integers:
/// position (rad) = sign · (ticks − zero) · rad per tick, where rad per tick comes from the servo's model and the joint's
/// gear in the arm profile. Of a hobby servo, which is told its place by the length of a pulse, ticks are quarters of a
/// microsecond of pulse, and `ticksPerRadian` says how many make a radian of the joint.
public struct JointCalibration: Sendable, Equatable {
  /// The joint's name in the arm profile.
  public var joint: String
  /// The servo's id on the bus.
  public var servo: UInt8
  /// The servo model's name, such as `sts3215`.
  public var model: String
  /// What that model's number register holds; nil where it was never read.
  public var modelNumber: Int?
  /// Ticks at joint position 0. The middle between two whole ticks is half a tick, and 0 may lie outside the range.
  public var zero: Double
  /// +1 where the joint's angle grows with the ticks, -1 where it falls.
  public var sign: Int
  /// Lowest and highest ticks that the joint can reach, `lower` < `upper`, whatever the sign.
  public var lower: Int
  public var upper: Int
  /// Whether the joint turns without an end; the range is then one turn.
  public var isContinuous: Bool
  /// What the servo's homing offset register must hold for the ticks to mean this; nil where it has none.
  public var homingOffset: Int?
  /// How the servo must be driven for the ticks to mean this. In the extended modes a servo knows only its position within
  /// a turn after power-on: bring it into `lower ... upper` by whole turns.
  public var mode: PositionMode
  /// Further servos on the same shaft.
  public var followers: [FollowerCalibration]
  /// Of a hobby servo: quarters of a microsecond for one radian of the joint, positive; nil for servos on a bus.
  public var ticksPerRadian: Double?

  public init(
    joint: String, servo: UInt8, model: String, modelNumber: Int? = nil, zero: Double, sign: Int, lower: Int,
    upper: Int, isContinuous: Bool = false, homingOffset: Int? = nil, mode: PositionMode = .position,
    followers: [FollowerCalibration] = [], ticksPerRadian: Double? = nil
  ) {
    self.joint = joint
    self.servo = servo
    self.model = model
    self.modelNumber = modelNumber
    self.zero = zero
    self.sign = sign
    self.lower = lower
    self.upper = upper
    self.isContinuous = isContinuous
    self.homingOffset = homingOffset
    self.mode = mode
    self.followers = followers
    self.ticksPerRadian = ticksPerRadian
  }
}

/// What one particular arm is: its servos and their zeros. A file in `calibration/` of the user's, one per arm.
public struct ArmCalibration: Sendable, Equatable {
  /// The arm's own name, chosen by its owner.
  public var name: String
  /// The arm profile that it is an instance of.
  public var profile: String
  /// Where it comes from, for people: a guided calibration, an imported file.
  public var origin: String
  /// In the profile's joint order.
  public var joints: [JointCalibration]

  public init(name: String, profile: String, origin: String = "", joints: [JointCalibration]) {
    self.name = name
    self.profile = profile
    self.origin = origin
    self.joints = joints
  }
}
