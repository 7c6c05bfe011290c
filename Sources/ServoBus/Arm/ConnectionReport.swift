import ArmModel

/// What one servo was like when it was connected.
public struct ServoReport: Sendable, Equatable {
  /// The joint that it drives, or helps to drive.
  public var joint: String
  public var id: UInt8
  /// Whether it only follows the joint's first servo.
  public var isFollower: Bool
  /// The model's name.
  public var model: String
  /// The firmware's version: "52", or "3.10".
  public var firmware: String
  /// V.
  public var voltage: Double
  /// °C.
  public var temperature: Double
  /// Whether it held its position when it was found.
  public var isTorqueOn: Bool
  public var faults: JointFaults
  /// How long it is set to wait before it answers, s.
  public var returnDelay: Double
}

/// What was found on the bus when an arm was connected.
public struct ConnectionReport: Sendable, Equatable {
  /// The joints' servos in joint order, then the followers.
  public var servos: [ServoReport]
  /// bit/s.
  public var baud: Int
  /// What host and adaptor add to a round trip, ns: the median of some small reads.
  public var latency: Int64
  /// Bytes of one cycle: what is sent (goals and request), and what the servos answer.
  public var sentBytes: Int
  public var receivedBytes: Int
  /// Control cycles per second that the bus carries, Hz.
  public var achievableRate: Double
  /// How the servos are read.
  public var method: CyclePlan.Method
  /// Whether all measurements come in one block that was laid out for it (DYNAMIXEL's indirect addresses).
  public var usesIndirectBlock: Bool
  /// What else is worth knowing, one line each.
  public var notes: [String]

  /// Bytes of one cycle in both directions.
  public var cycleBytes: Int { sentBytes + receivedBytes }
}
