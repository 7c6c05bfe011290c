import CSystem

/// One joint's commanded motion: where it is, what it does, and the plan that would bring it to rest from here, which was
/// checked against every limit when the motion was chosen. In ticks, as `TickLimits`.
struct JointMotion: BitwiseCopyable {
  /// The last commanded goal, rad.
  var goal = 0.0
  /// The goal's change in the last tick, and that change's change; without a jerk limit the latter is not kept.
  var speed = 0.0
  var acceleration = 0.0
  /// The way to rest, its highest speed (rad per tick), and its lowest, highest and last point, rad.
  var plan = BrakingPlan()
  var top = 0.0
  var lowest = 0.0
  var highest = 0.0
  var rest = 0.0
  /// The target of the last tick, its change, and that change's change.
  var target = 0.0
  var targetSpeed = 0.0
  var targetAcceleration = 0.0

  @_noLocks
  init() {}

  /// At rest at a position.
  @_noLocks
  init(at position: Double) {
    goal = position
    lowest = position
    highest = position
    rest = position
    target = position
  }

  /// Where the next goal and everything planned after it must lie.
  struct Bounds: BitwiseCopyable {
    /// The joint limits, widened to a goal that is outside them; and the reach of what is measured.
    var lower: Double
    var upper: Double
    var nearest: Double
    var furthest: Double

    @_noLocks
    init(lower: Double, upper: Double) {
      self.lower = lower
      self.upper = upper
      nearest = -.infinity
      furthest = .infinity
    }
  }

  /// One tick of the plan to rest.
  @_noLocks
  mutating func brake(jerkIsLimited: Bool) {
    guard !plan.isRest else { return }
    acceleration += plan.next()
    speed += acceleration
    // Where acceleration may end at once, the joint is at rest without a tick of its own for that.
    if !jerkIsLimited { plan.endAtOnce() }
    if plan.isRest {
      speed = 0
      acceleration = 0
      top = 0
    }
    goal += speed
  }

  /// The motion after one tick with this acceleration, if the plan to rest from there keeps the bounds. `end` gets where
  /// the plan ends; when there is none, `isTooHigh` says on which side it fails.
  @_noLocks
  func after(
    _ next: Double, limits: TickLimits, bounds: Bounds, end: inout Double, isTooHigh: inout Bool
  ) -> JointMotion? {
    var motion = self
    motion.speed = speed + next
    motion.acceleration = limits.jerk.isFinite ? next : 0
    motion.goal = goal + motion.speed
    return motion.checked(from: goal, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh)
  }

  /// This motion with its plan, if that keeps the bounds.
  @_noLocks
  func checked(
    from before: Double, limits: TickLimits, bounds: Bounds, end: inout Double, isTooHigh: inout Bool
  ) -> JointMotion? {
    var motion = self
    var extent = BrakingPlan.Extent()
    motion.plan = BrakingPlan.make(
      speed: motion.speed, acceleration: motion.acceleration, limits: limits, extent: &extent)
    isTooHigh = motion.speed > 0 || (motion.speed == 0 && motion.acceleration > 0)
    guard extent.isValid else { return nil }
    motion.top = extent.topSpeed
    motion.rest = motion.goal + extent.end
    motion.lowest = motion.goal + extent.lowest
    motion.highest = motion.goal + extent.highest
    end = motion.rest
    let slack = 1e-12
    if extent.topSpeed > limits.speed * (1 + slack) { return nil }
    // A joint outside its limits comes nearer and does not turn back.
    let upper = before > bounds.upper ? before : bounds.upper
    let planned = motion.goal > bounds.upper ? motion.goal : bounds.upper
    if motion.goal > upper + slack || motion.highest > planned + slack || motion.highest > bounds.furthest + slack {
      isTooHigh = true
      return nil
    }
    let lower = before < bounds.lower ? before : bounds.lower
    let plannedLower = motion.goal < bounds.lower ? motion.goal : bounds.lower
    if motion.goal < lower - slack || motion.lowest < plannedLower - slack || motion.lowest < bounds.nearest - slack {
      isTooHigh = false
      return nil
    }
    return motion
  }
}
