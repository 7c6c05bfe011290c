/// What the numbers of a command mean.
public enum CommandMode: UInt8, Sendable, BitwiseCopyable {
  /// Goal positions, rad: the servo closes the loop.
  case position = 0
  /// Efforts, N·m: torque motors.
  case effort = 1

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: CommandMode, b: CommandMode) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: CommandMode, b: CommandMode) -> Bool { a.rawValue != b.rawValue }
}

/// What the arm shall do until the next command. Only the safety core makes one during a run.
public struct JointCommand: Sendable, BitwiseCopyable {
  public var mode: CommandMode
  /// One goal per joint, in the unit of `mode`.
  public var goal: JointVector
  /// Monotonic time of the decision, ns.
  public var stamp: Int64

  @_noLocks
  public init(mode: CommandMode, goal: JointVector, stamp: Int64) {
    self.mode = mode
    self.goal = goal
    self.stamp = stamp
  }
}
