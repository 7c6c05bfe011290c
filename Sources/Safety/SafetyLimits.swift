import ArmModel

/// What every command is kept within, per joint. An infinite value is no limit.
///
/// Values of a limit must be positive; `lower` must be below `upper`. Checked when the core is made.
public struct SafetyLimits: Sendable, BitwiseCopyable {
  /// Lowest and highest goal position, rad.
  public var lower: JointVector
  public var upper: JointVector
  /// Largest speed of the commanded goal, rad/s.
  public var velocity: JointVector
  /// Largest change of that speed, rad/s².
  public var acceleration: JointVector
  /// Largest effort in effort mode, N·m.
  public var effort: JointVector

  public init(
    lower: JointVector, upper: JointVector, velocity: JointVector, acceleration: JointVector, effort: JointVector
  ) {
    self.lower = lower
    self.upper = upper
    self.velocity = velocity
    self.acceleration = acceleration
    self.effort = effort
  }

  /// No limit on `count` joints.
  public static func none(count: Int) -> SafetyLimits {
    let infinite = JointVector(repeating: .infinity, count: count)
    return SafetyLimits(
      lower: JointVector(repeating: -.infinity, count: count), upper: infinite, velocity: infinite,
      acceleration: infinite, effort: infinite)
  }

  /// Whether `problem` has nothing to object to, for the control thread.
  var areUsable: Bool {
    @_noLocks get {
      let count = lower.count
      guard upper.count == count, velocity.count == count, acceleration.count == count, effort.count == count else {
        return false
      }
      for index in 0..<count {
        guard lower[index] < upper[index], velocity[index] > 0, acceleration[index] > 0, effort[index] > 0 else {
          return false
        }
      }
      return true
    }
  }

  /// Why these limits cannot be used, or nil.
  public func problem(jointNames: [String]) -> String? {
    let count = lower.count
    for vector in [upper, velocity, acceleration, effort] where vector.count != count {
      return "the limits have different numbers of joints"
    }
    for index in 0..<count {
      let name = index < jointNames.count ? jointNames[index] : "joint \(index)"
      if !(lower[index] < upper[index]) {
        return "joint '\(name)': lower limit \(lower[index]) rad is not below upper limit \(upper[index]) rad"
      }
      for (value, unit) in [
        (velocity[index], "velocity limit (rad/s)"), (acceleration[index], "acceleration limit (rad/s²)"),
        (effort[index], "effort limit (N·m)"),
      ] where !(value > 0) {
        return "joint '\(name)': \(unit) must be positive, found \(value)"
      }
    }
    return nil
  }
}
