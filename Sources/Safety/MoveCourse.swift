import ArmModel

/// A motion of the core's own: all joints set out together, each as fast as its way is long in proportion, so that they
/// arrive at about the same time. The command filter keeps every limit on the way.
struct MoveCourse: BitwiseCopyable {
  /// Where it ends, rad, within the joint limits.
  private(set) var destination: JointVector
  /// Largest speed of each joint, rad/s.
  private(set) var fastest: JointVector

  /// Nowhere.
  @_noLocks
  init(count: Int) {
    destination = JointVector(repeating: 0, count: count)
    fastest = JointVector(repeating: 0, count: count)
  }

  /// Sets out for `pose`. False, and nothing changed, when the pose is not finite or has another number of joints.
  ///
  /// - Parameter within: the time in which it should be there, s; the speed is raised for that, as far as the limits allow.
  @_noLocks
  mutating func begin(
    to pose: JointVector, from start: JointVector, limits: JointLimits, speed: Double, within time: Double = .infinity
  ) -> Bool {
    guard pose.count == start.count, pose.isFinite else { return false }
    var longest = 0.0
    for index in 0..<pose.count {
      var end = pose[index]
      if end < limits.lower[index] { end = limits.lower[index] }
      if end > limits.upper[index] { end = limits.upper[index] }
      destination[index] = end
      let way = (end - start[index]).magnitude
      if way > longest { longest = way }
    }
    // A third of the time is left for speeding up, slowing down and an arm that lags.
    var leading = speed
    if longest > leading * time * 2 / 3 { leading = longest / (time * 2 / 3) }
    for index in 0..<pose.count {
      let way = (destination[index] - start[index]).magnitude
      var wanted = longest > 0 ? leading * way / longest : leading
      // A joint with next to no way still needs some speed for it.
      if wanted < 0.02 * leading { wanted = 0.02 * leading }
      fastest[index] = wanted < limits.velocity[index] ? wanted : limits.velocity[index]
    }
    return true
  }
}
