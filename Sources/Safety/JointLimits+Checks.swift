import ArmModel

extension JointLimits {
  /// Whether `problem` has nothing to object to, for the control thread.
  var areUsable: Bool {
    @_noLocks get {
      let count = lower.count
      guard upper.count == count, velocity.count == count, acceleration.count == count, jerk.count == count,
        effort.count == count
      else { return false }
      for index in 0..<count {
        guard lower[index] < upper[index], velocity[index] > 0, acceleration[index] > 0, jerk[index] > 0,
          effort[index] > 0
        else { return false }
      }
      return true
    }
  }

  /// Why a safety core cannot keep these limits, or nil: `lower` must be below `upper`, the others positive.
  public func problem(jointNames: [String]) -> String? {
    for vector in [upper, velocity, acceleration, jerk, effort] where vector.count != count {
      return "the limits have different numbers of joints"
    }
    for index in 0..<count {
      let name = index < jointNames.count ? jointNames[index] : "joint \(index)"
      if !(lower[index] < upper[index]) {
        return "joint '\(name)': lower limit \(lower[index]) rad is not below upper limit \(upper[index]) rad"
      }
      for (value, unit) in [
        (velocity[index], "velocity limit (rad/s)"), (acceleration[index], "acceleration limit (rad/s²)"),
        (jerk[index], "jerk limit (rad/s³)"), (effort[index], "effort limit (N·m)"),
      ] where !(value > 0) {
        return "joint '\(name)': \(unit) must be positive, found \(value)"
      }
    }
    return nil
  }
}
