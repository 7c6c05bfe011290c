/// How a servo follows position goals.
public enum PositionMode: String, Sendable, CaseIterable {
  /// Within one turn of its encoder: Feetech mode 0, DYNAMIXEL mode 3.
  case position
  /// Over several turns (DYNAMIXEL mode 4): for joints whose range crosses the end of the encoder's turn. After power-on
  /// the servo knows its position within one turn only.
  case extended
  /// As `extended`, with the current limited to the goal current (DYNAMIXEL mode 5): for grippers.
  case currentBased = "current_based"
}

/// Where a joint's angle 0 comes from when an arm is calibrated.
public enum ZeroConvention: String, Sendable, CaseIterable {
  /// The middle of the range that the joint was swept through is the middle of the profile's position limits.
  case middle
  /// The lower end of the swept range is the profile's lower limit: a joint with a hard stop there, such as a gripper.
  case lower
  /// The upper end of the swept range is the profile's upper limit.
  case upper
  /// The joint stands at 0 when the arm is held in its marked pose.
  case pose
  /// The servo's own middle: assembled with the horn aligned, the joint stands at 0 where the encoder reads half a turn.
  case servo
}

/// How the pulses of a hobby servo are related to its joint on every arm of a model: nominal figures, which the
/// calibration of one arm refines.
public struct PulseDrive: Sendable, Equatable {
  /// The pulse at joint position 0, µs.
  public var centre: Double
  /// µs for one radian of the joint, positive.
  public var perRadian: Double
  /// The pulses that such a servo may be sent, µs.
  public var range: ClosedRange<Double>

  public init(centre: Double, perRadian: Double, range: ClosedRange<Double>) {
    self.centre = centre
    self.perRadian = perRadian
    self.range = range
  }
}

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
  /// energised with it, not commanded. They face the first one, so that each turns the other way round than it.
  public var followers: [UInt8]
  /// Whether the servo itself counts in reverse (DYNAMIXEL drive mode, bit 0); its followers then do not.
  public var isReversed: Bool
  /// Whether the joint can turn without an end.
  public var isContinuous: Bool
  /// Share of the servo's own torque that the joint may use, 0 … 1; nil leaves the servo's setting.
  public var torqueShare: Double?
  /// How the servo is driven; a calibration may need `extended` where this says `position`.
  public var mode: PositionMode
  /// Where calibration takes the joint's angle 0 from.
  public var zero: ZeroConvention
  /// What a full sweep covers, as a share of the profile's position range; outside it a sweep is implausible.
  public var sweep: ClosedRange<Double>
  /// How the joint turns when its angle grows, for people: "the gripper opens"; nil where the profile does not know.
  public var direction: String?
  /// How a hobby servo behind a controller board is told its place; nil for servos on a bus.
  public var pulse: PulseDrive?

  public init(
    joint: String, servo: UInt8, models: [String], gear: Double = 1, sign: Int = 1, followers: [UInt8] = [],
    isReversed: Bool = false, isContinuous: Bool = false, torqueShare: Double? = nil, mode: PositionMode = .position,
    zero: ZeroConvention = .middle, sweep: ClosedRange<Double> = 0.85...1.25,
    direction: String? = nil, pulse: PulseDrive? = nil
  ) {
    self.joint = joint
    self.servo = servo
    self.models = models
    self.gear = gear
    self.sign = sign
    self.followers = followers
    self.isReversed = isReversed
    self.isContinuous = isContinuous
    self.torqueShare = torqueShare
    self.mode = mode
    self.zero = zero
    self.sweep = sweep
    self.direction = direction
    self.pulse = pulse
  }
}

/// The servo bus of an arm model, or the line to its controller board.
public struct ArmBus: Sendable, Equatable {
  /// The protocol's name of a controller board with our firmware (`firmware-protocol/PROTOCOL.md`).
  public static let firmwareWire = "firmware"

  /// The protocol's name on the command line: `feetech`, `dynamixel2`, `dynamixel1` …; `firmware` for hobby servos behind
  /// a controller board, whose channels are then the servos' ids.
  public var wire: String
  /// The usual rate of the line, bit/s.
  public var baud: Int
  /// The lowest and highest supply that the arm is used with, V.
  public var supply: ClosedRange<Double>
  /// In the profile's joint order.
  public var servos: [JointServo]
  /// Pulses a second that hobby servos are sent, Hz.
  public var frameRate = 50

  public init(wire: String, baud: Int, supply: ClosedRange<Double>, servos: [JointServo]) {
    self.wire = wire
    self.baud = baud
    self.supply = supply
    self.servos = servos
  }
}
