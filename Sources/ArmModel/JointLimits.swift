/// What an arm's joints may be asked for, one number per joint in the arm's order; infinite where there is no limit.
///
/// Plain bytes for the safety core. The limits hold for commands: goals between `lower` and `upper`, goal speeds up to
/// `velocity`, and so on.
public struct JointLimits: Sendable, BitwiseCopyable, Equatable {
  /// Lowest goal position, rad.
  public var lower: JointVector
  /// Highest goal position, rad.
  public var upper: JointVector
  /// Largest speed, rad/s.
  public var velocity: JointVector
  /// Largest acceleration, rad/s².
  public var acceleration: JointVector
  /// Largest jerk, rad/s³.
  public var jerk: JointVector
  /// Largest effort, N·m.
  public var effort: JointVector

  /// No limits at all for `count` joints.
  @_noLocks
  public init(unlimited count: Int) {
    lower = JointVector(repeating: -.infinity, count: count)
    upper = JointVector(repeating: .infinity, count: count)
    velocity = JointVector(repeating: .infinity, count: count)
    acceleration = JointVector(repeating: .infinity, count: count)
    jerk = JointVector(repeating: .infinity, count: count)
    effort = JointVector(repeating: .infinity, count: count)
  }

  /// The limits of `lower.count` joints; every vector has one number per joint.
  @_noLocks
  public init(
    lower: JointVector, upper: JointVector, velocity: JointVector, acceleration: JointVector, jerk: JointVector,
    effort: JointVector
  ) {
    self.lower = lower
    self.upper = upper
    self.velocity = velocity
    self.acceleration = acceleration
    self.jerk = jerk
    self.effort = effort
  }

  /// Number of joints.
  public var count: Int { @_noLocks get { lower.count } }

  /// Limit by limit.
  @_noLocks
  public static func == (a: JointLimits, b: JointLimits) -> Bool {
    a.lower == b.lower && a.upper == b.upper && a.velocity == b.velocity && a.acceleration == b.acceleration
      && a.jerk == b.jerk && a.effort == b.effort
  }
}
