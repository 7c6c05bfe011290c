import ArmModel

/// A move that the core makes by itself: all joints set out together, each with the part of the speed that its way is of
/// the longest, so that they arrive at about the same time. The command filter keeps every limit.
struct MoveCourse: BitwiseCopyable {
  /// Where it ends, rad, within the joint limits.
  private(set) var destination: JointVector
  /// Largest speed of each joint, rad/s.
  private(set) var fastest: JointVector

  @_noLocks
  init(count: Int) {
    destination = JointVector(repeating: 0, count: count)
    fastest = JointVector(repeating: 0, count: count)
  }

  /// Sets out for `pose`, kept within the joint limits. False, and nothing changed, when the pose is not finite or has
  /// another number of joints, or the speed is none.
  @_noLocks
  mutating func begin(to pose: JointVector, from start: JointVector, limits: SafetyLimits, speed: Double) -> Bool {
    guard pose.count == start.count, pose.isFinite, speed > 0 else { return false }
    var longest = 0.0
    for index in 0..<pose.count {
      var end = pose[index]
      if end < limits.lower[index] { end = limits.lower[index] }
      if end > limits.upper[index] { end = limits.upper[index] }
      destination[index] = end
      let way = (end - start[index]).magnitude
      if way > longest { longest = way }
    }
    for index in 0..<pose.count {
      let way = (destination[index] - start[index]).magnitude
      // A joint with next to no way still needs some speed to make it.
      var wanted = longest > 0 ? speed * way / longest : speed
      if wanted < 0.02 * speed { wanted = 0.02 * speed }
      fastest[index] = wanted < limits.velocity[index] ? wanted : limits.velocity[index]
    }
    return true
  }

  /// One tick of the move; true once the filter's goal stands at the destination.
  @_noLocks
  func advance(_ filter: inout CommandFilter) -> Bool {
    var alterations = Alterations(rawValue: 0)
    var joints: UInt16 = 0
    let before = filter.goal
    let goal = filter.advance(to: destination, atMost: fastest, alterations: &alterations, joints: &joints)
    for index in 0..<goal.count where goal[index] != destination[index] || before[index] != destination[index] {
      return false
    }
    return true
  }
}
