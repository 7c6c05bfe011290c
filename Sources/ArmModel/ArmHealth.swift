/// Whether an arm's joints are held by torque, as far as the arm has confirmed it.
public enum ArmPower: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Nothing is known yet.
  case unknown = 0
  /// Every joint is without torque.
  case off = 1
  /// The sequence that switches torque on is under way.
  case energising = 2
  /// Every joint is under torque.
  case on = 3
  /// Some joints are under torque and some are not: a servo has let go or has started again.
  case mixed = 4

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: ArmPower, b: ArmPower) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: ArmPower, b: ArmPower) -> Bool { a.rawValue != b.rawValue }

  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .unknown: "unknown"
    case .off: "off"
    case .energising: "energising"
    case .on: "on"
    case .mixed: "mixed"
    }
  }
}

/// What a servo reports of itself that somebody must know of.
public struct JointFaults: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// No fault.
  public static var none: JointFaults { @_noLocks get { JointFaults(rawValue: 0) } }
  /// The load was too high for too long.
  public static var overload: JointFaults { @_noLocks get { JointFaults(rawValue: 1) } }
  /// The servo is too hot.
  public static var overheating: JointFaults { @_noLocks get { JointFaults(rawValue: 2) } }
  /// The supply is outside the servo's limits.
  public static var voltage: JointFaults { @_noLocks get { JointFaults(rawValue: 4) } }
  /// The position sensor reports a fault.
  public static var sensor: JointFaults { @_noLocks get { JointFaults(rawValue: 8) } }
  /// Over-current or an electrical shock.
  public static var electrical: JointFaults { @_noLocks get { JointFaults(rawValue: 16) } }
  /// The servo says that its torque is off although it was switched on.
  public static var torqueLost: JointFaults { @_noLocks get { JointFaults(rawValue: 32) } }
  /// The servo's own watchdog has stopped it.
  public static var watchdog: JointFaults { @_noLocks get { JointFaults(rawValue: 64) } }

  @_noLocks
  public func has(_ other: JointFaults) -> Bool { rawValue & other.rawValue != 0 }
  @_noLocks
  public func adding(_ other: JointFaults) -> JointFaults { JointFaults(rawValue: rawValue | other.rawValue) }
}

/// How an arm's servos are: per joint the newest temperature (°C), supply (V) and faults. NaN where nothing is known.
public struct ArmHealth: Sendable, BitwiseCopyable {
  /// °C.
  public var temperature: JointVector
  /// V.
  public var voltage: JointVector
  /// Whether the arm's emergency-stop input is open, or has stopped it while it was held; false where there is none.
  public var isEmergencyStopOpen = false
  private var faultBits: InlineArray<16, UInt8>

  /// An arm of `count` joints of which nothing is known.
  @_noLocks
  public init(count: Int) {
    temperature = JointVector(repeating: .nan, count: count)
    voltage = JointVector(repeating: .nan, count: count)
    faultBits = InlineArray(repeating: 0)
  }

  /// Number of joints.
  public var count: Int { @_noLocks get { temperature.count } }

  /// The faults of a joint.
  @_noLocks
  public func faults(of joint: Int) -> JointFaults {
    precondition(joint >= 0 && joint < count, "joint index out of range")
    return JointFaults(rawValue: faultBits[joint])
  }

  @_noLocks
  public mutating func setFaults(_ faults: JointFaults, of joint: Int) {
    precondition(joint >= 0 && joint < count, "joint index out of range")
    faultBits[joint] = faults.rawValue
  }

  /// The faults of all joints together.
  public var faults: JointFaults {
    @_noLocks get {
      var all: UInt8 = 0
      for joint in 0..<count { all |= faultBits[joint] }
      return JointFaults(rawValue: all)
    }
  }
}
