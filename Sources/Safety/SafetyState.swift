/// Where the safety core stands. The state decides who, if anybody, may move the arm.
public enum SafetyState: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Nothing is known of the arm yet; nobody may move it.
  case boot = 0
  /// The arm is read, not commanded.
  case disarmed = 1
  /// The core alone commands: torque on at the measured pose, until the arm has stood still for the arming time.
  case arming = 2
  /// The core holds the last commanded goal.
  case hold = 3
  /// A person moves the arm.
  case teleoperation = 4
  /// A policy moves the arm.
  case policy = 5
  /// The core blends from one source to another.
  case handover = 6
  /// The core brings the arm to rest.
  case stopping = 7
  /// The core moves the arm to its park pose.
  case park = 8
  /// A fault is latched; the core holds the last goal until a deliberate reset.
  case faultHold = 9
  /// A fault is latched; nothing is written until a deliberate reset.
  case fault = 10
  /// Emergency stop: torque off until a deliberate reset.
  case emergencyStop = 11
  /// The core moves the arm to a pose it was asked to go to, slowly, and holds there.
  case moving = 12

  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .boot: "boot"
    case .disarmed: "disarmed"
    case .arming: "arming"
    case .hold: "hold"
    case .teleoperation: "teleoperation"
    case .policy: "policy"
    case .handover: "handover"
    case .stopping: "stopping"
    case .park: "park"
    case .faultHold: "fault hold"
    case .fault: "fault"
    case .emergencyStop: "emergency stop"
    case .moving: "moving"
    }
  }

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: SafetyState, b: SafetyState) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: SafetyState, b: SafetyState) -> Bool { a.rawValue != b.rawValue }

  /// Whether only a reset leads out.
  public var isFault: Bool {
    @_noLocks get { self == .faultHold || self == .fault || self == .emergencyStop }
  }
}
