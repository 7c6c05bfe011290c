/// How the arm is stopped, after IEC 60204-1; ordered by severity: the worst active one wins.
public enum StopClass: UInt8, Sendable, BitwiseCopyable, CaseIterable, Comparable {
  /// Nothing to stop for.
  case none = 0
  /// S2: decelerate within the limits and hold the last goal (category 2).
  case hold = 1
  /// S2d: follow the measured position with little torque (stall, collision).
  case damp = 2
  /// S1: decelerate, go to the park pose, release (category 1).
  case park = 3
  /// SX: stop writing; the servo's or board's watchdog acts.
  case mute = 4
  /// S0: torque off at once (category 0); the arm may fall.
  case release = 5

  @_noLocks
  public static func < (a: StopClass, b: StopClass) -> Bool { a.rawValue < b.rawValue }
  @_noLocks
  public static func >= (a: StopClass, b: StopClass) -> Bool { a.rawValue >= b.rawValue }
  /// The worse of two.
  @_noLocks
  func orWorse(_ other: StopClass) -> StopClass { self < other ? other : self }
  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: StopClass, b: StopClass) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: StopClass, b: StopClass) -> Bool { a.rawValue != b.rawValue }

  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .none: "none"
    case .hold: "stop and hold"
    case .damp: "damp"
    case .park: "park and release"
    case .mute: "mute"
    case .release: "release"
    }
  }
}
