import CSystem

extension JointMotion {
  /// The motion of the next tick towards `wanted`, within limits and bounds, as fast as they allow and without running
  /// past a target that stands still. A target that itself moves within the limits, once met, is met exactly.
  @_noLocks
  func tracking(_ wanted: Double, limits: TickLimits, bounds: Bounds) -> JointMotion {
    var motion = self
    motion.noteTarget(wanted)
    var target = wanted
    if target > bounds.furthest { target = bounds.furthest }
    if target < bounds.nearest { target = bounds.nearest }
    if motion.speed == 0 && motion.acceleration == 0 && target == motion.goal && motion.targetSpeed == 0 {
      return motion
    }
    var aim = target + motion.lead(limits)
    if aim > bounds.upper { aim = bounds.upper }
    if aim < bounds.lower { aim = bounds.lower }
    if aim > bounds.furthest { aim = bounds.furthest }
    if aim < bounds.nearest { aim = bounds.nearest }
    if let exact = motion.reaching(target, aim: aim, limits: limits, bounds: bounds) { return exact }
    if let near = motion.approaching(aim, limits: limits, bounds: bounds) { return near }
    motion.brake(jerkIsLimited: limits.jerk.isFinite)
    return motion
  }

  @_noLocks
  private mutating func noteTarget(_ wanted: Double) {
    let change = wanted - target
    targetAcceleration = change - targetSpeed
    targetSpeed = change
    target = wanted
  }

  /// How far a target that moves within the limits would still go if it braked now: the joint may end as far ahead of it.
  /// One that leaps has no such right, but for the speed that it had in both of the last ticks.
  @_noLocks
  private func lead(_ limits: TickLimits) -> Double {
    guard targetSpeed != 0 else { return 0 }
    let slack = 1 + 1e-9
    let before = targetSpeed - targetAcceleration
    var speed = targetSpeed
    var acceleration = limits.jerk.isFinite ? targetAcceleration : 0
    if speed.magnitude > limits.speed * slack || targetAcceleration.magnitude > limits.acceleration * slack
      || (limits.jerk.isFinite && !targetIsSmooth(limits.jerk * slack))
    {
      guard speed * before > 0 else { return 0 }
      if before.magnitude < speed.magnitude { speed = before }
      if speed.magnitude > limits.speed { speed = speed > 0 ? limits.speed : -limits.speed }
      acceleration = 0
    }
    var extent = BrakingPlan.Extent()
    _ = BrakingPlan.make(speed: speed, acceleration: acceleration, limits: limits, extent: &extent)
    return extent.isValid ? extent.end : 0
  }

  /// Whether the target's last change of acceleration keeps the jerk limit, seen from what was commanded.
  @_noLocks
  private func targetIsSmooth(_ jerk: Double) -> Bool {
    (targetAcceleration - acceleration).magnitude <= jerk
  }

  /// The target itself, if it can be reached in one tick and the way to rest from there does not end past the aim.
  @_noLocks
  private func reaching(_ target: Double, aim: Double, limits: TickLimits, bounds: Bounds) -> JointMotion? {
    let slack = 1 + 1e-9
    let step = target - goal
    let change = step - speed
    guard step.magnitude <= limits.speed * slack, change.magnitude <= limits.acceleration * slack else { return nil }
    if limits.jerk.isFinite {
      guard (change - acceleration).magnitude <= limits.jerk * slack else { return nil }
    }
    var motion = self
    motion.speed = step
    motion.acceleration = limits.jerk.isFinite ? change : 0
    motion.goal = target
    var end = 0.0
    var isTooHigh = false
    guard
      let reached = motion.checked(from: goal, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh)
    else { return nil }
    let tolerance = 1e-9 * (step.magnitude + change.magnitude)
    let low = aim < target ? aim : target
    let high = aim < target ? target : aim
    return end >= low - tolerance && end <= high + tolerance ? reached : nil
  }

  /// The largest step towards the aim whose way to rest does not end past it.
  @_noLocks
  private func approaching(_ aim: Double, limits: TickLimits, bounds: Bounds) -> JointMotion? {
    var low = -limits.acceleration
    var high = limits.acceleration
    if limits.jerk.isFinite {
      if acceleration - limits.jerk > low { low = acceleration - limits.jerk }
      if acceleration + limits.jerk < high { high = acceleration + limits.jerk }
    }
    if -limits.speed - speed > low { low = -limits.speed - speed }
    if limits.speed - speed < high { high = limits.speed - speed }
    guard low <= high else { return nil }
    let goesUp = rest < aim
    var best: JointMotion?
    var end = 0.0
    var isTooHigh = false
    if let motion = after(goesUp ? high : low, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh),
      goesUp ? end <= aim : end >= aim
    {
      return motion
    }
    for _ in 0..<14 {
      let middle = (low + high) / 2
      if let motion = after(middle, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh) {
        let isShort = goesUp ? end <= aim : end >= aim
        if isShort { best = motion }
        if end <= aim { low = middle } else { high = middle }
      } else if isTooHigh {
        high = middle
      } else {
        low = middle
      }
    }
    return best
  }
}
