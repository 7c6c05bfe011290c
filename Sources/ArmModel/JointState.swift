/// Which measured quantities a `JointState` carries; an arm without effort sensing leaves `effort` out.
public struct JointQuantities: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static var position: JointQuantities { @_noLocks get { JointQuantities(rawValue: 1) } }
  public static var velocity: JointQuantities { @_noLocks get { JointQuantities(rawValue: 2) } }
  public static var effort: JointQuantities { @_noLocks get { JointQuantities(rawValue: 4) } }
  /// Positions and velocities are not measured: they are what the arm's controller puts out (hobby servos, which answer
  /// nothing). Where a joint really is, nobody knows then.
  public static var commanded: JointQuantities { @_noLocks get { JointQuantities(rawValue: 8) } }
}

/// What an arm measured: per joint position (rad), velocity (rad/s), effort (N·m), and how old each datum is.
///
/// Before the first read every value is 0, `present` is empty and `stamp` is 0.
public struct JointState: Sendable, BitwiseCopyable {
  /// Joint positions, rad (m for a sliding joint).
  public var position: JointVector
  /// Joint velocities, rad/s (m/s).
  public var velocity: JointVector
  /// Joint efforts, N·m (N).
  public var effort: JointVector
  /// Age of each joint's datum when the read returned, s.
  public var age: JointVector
  /// Which of the three quantities were measured.
  public var present: JointQuantities
  /// Monotonic time of the reading, ns.
  public var stamp: Int64

  /// A state for `count` joints in which nothing has been measured.
  @_noLocks
  public init(count: Int) {
    position = JointVector(repeating: 0, count: count)
    velocity = JointVector(repeating: 0, count: count)
    effort = JointVector(repeating: 0, count: count)
    age = JointVector(repeating: 0, count: count)
    present = JointQuantities(rawValue: 0)
    stamp = 0
  }

  /// Number of joints.
  public var count: Int { @_noLocks get { position.count } }
}
