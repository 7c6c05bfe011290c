/// How a joint of an arm model is driven by servos on a bus: what every arm of this model has in common.
public struct JointServo: Sendable, Equatable {
  /// The joint's name.
  public var joint: String
  /// The bus id on a factory-assembled arm.
  public var servo: UInt8
  /// Names of the servo models that are found here, the usual one first.
  public var models: [String]
  /// Turns of the servo for one turn of the joint, positive.
  public var gear: Double
  /// +1 where the joint's angle grows with the servo's ticks on a factory-assembled arm, -1 where it falls.
  public var sign: Int
  /// Further servos on the same shaft that follow the first one's commands by themselves (secondary id): watched and
  /// energised with it, not commanded.
  public var followers: [UInt8]
  /// Whether the joint can turn without an end.
  public var isContinuous: Bool
  /// Share of the servo's own torque that the joint may use, 0 … 1; nil leaves the servo's setting.
  public var torqueShare: Double?

  public init(
    joint: String, servo: UInt8, models: [String], gear: Double = 1, sign: Int = 1, followers: [UInt8] = [],
    isContinuous: Bool = false, torqueShare: Double? = nil
  ) {
    self.joint = joint
    self.servo = servo
    self.models = models
    self.gear = gear
    self.sign = sign
    self.followers = followers
    self.isContinuous = isContinuous
    self.torqueShare = torqueShare
  }
}

/// The servo bus of an arm model.
public struct ArmBus: Sendable, Equatable {
  /// The protocol's name on the command line: `feetech`, `dynamixel2`, `dynamixel1` …
  public var wire: String
  /// The usual rate of the line, bit/s.
  public var baud: Int
  /// The lowest and highest supply that the arm is used with, V.
  public var supply: ClosedRange<Double>
  /// In the profile's joint order.
  public var servos: [JointServo]

  public init(wire: String, baud: Int, supply: ClosedRange<Double>, servos: [JointServo]) {
    self.wire = wire
    self.baud = baud
    self.supply = supply
    self.servos = servos
  }
}
