import ArmModel
import CSystem

/// Limits on the last *commanded* goal, for position commands: position, velocity, acceleration and jerk of every joint,
/// reach from the measured position, and clearance of the arm's capsules.
///
/// The reference is what was commanded last, never what was measured: a loaded joint lags its goal, and limits against
/// the measured position would let it sag. A motion is chosen only if the whole way to rest after it keeps every limit;
/// when nothing better can be found, the joint goes on along the way to rest that was found a tick ago. So a stop is
/// possible at any time, and it keeps the limits too.
///
/// Before `adopt` the reference is the origin, at rest. Real-time safe.
struct CommandFilter: BitwiseCopyable {
  let limits: JointLimits
  /// Seconds per tick.
  let period: Double
  private var motions: InlineArray<16, JointMotion>
  private var tickLimits: InlineArray<16, TickLimits>
  /// The most that a joint moves between two places of its way to rest at which the arm's capsules are checked, rad.
  static var lookAhead: Double { @_noLocks get { 0.02 } }
  /// Whether the last advance met an obstacle.
  private(set) var isBlocked = false

  @_noLocks
  init(limits: JointLimits, period: Double) {
    self.limits = limits
    self.period = period
    motions = InlineArray(repeating: JointMotion())
    tickLimits = InlineArray(
      repeating: TickLimits(speed: .infinity, acceleration: .infinity, jerk: .infinity, seconds: period))
    for index in 0..<limits.count {
      tickLimits[index] = TickLimits(
        speed: limits.velocity[index], acceleration: limits.acceleration[index], jerk: limits.jerk[index],
        seconds: period)
    }
  }

  /// Number of joints.
  var count: Int { @_noLocks get { limits.count } }

  /// The last commanded goal, rad.
  var goal: JointVector {
    @_noLocks get {
      var goal = JointVector(repeating: 0, count: limits.count)
      for index in 0..<limits.count { goal[index] = motions[index].goal }
      return goal
    }
  }

  /// Whether no joint's goal is in motion.
  var isAtRest: Bool {
    @_noLocks get {
      for index in 0..<limits.count where motions[index].speed != 0 || !motions[index].plan.isRest { return false }
      return true
    }
  }

  /// Makes `position` the reference, at rest.
  @_noLocks
  mutating func adopt(_ position: JointVector) {
    for index in 0..<limits.count { motions[index] = JointMotion(at: position[index]) }
  }

  /// A new source begins: what the last one was after says nothing of where this one goes.
  @_noLocks
  mutating func forgetTarget() {
    for index in 0..<limits.count {
      motions[index].target = motions[index].goal
      motions[index].targetSpeed = 0
      motions[index].targetAcceleration = 0
    }
  }

  /// The next goal on the way to `target`. `joints` gets a bit for each joint whose target was altered.
  ///
  /// - Parameters:
  ///   - reach: how far a goal may be from `measured`, rad; infinite for no bound.
  ///   - fastest: largest speed of each joint, rad/s, no higher than the limits.
  @_noLocks
  mutating func advance(
    to target: JointVector, measured: JointVector, reach: JointVector, fastest: JointVector,
    capsules: CapsuleModel, alterations: inout Alterations, joints: inout UInt16
  ) -> JointVector {
    isBlocked = false
    var next = motions
    var nextAlterations = alterations
    var nextJoints = joints
    for index in 0..<limits.count {
      let wanted = clamped(target[index], index)
      var bounds = JointMotion.Bounds(lower: limits.lower[index], upper: limits.upper[index])
      if reach[index].isFinite {
        // What was promised before the arm fell back is kept, but nothing beyond.
        bounds.furthest = larger(measured[index] + reach[index], motions[index].highest)
        bounds.nearest = smaller(measured[index] - reach[index], motions[index].lowest)
      }
      let speed = TickLimits(speed: smaller(tickLimits[index].speed, fastest[index] * period), of: tickLimits[index])
      next[index] = motions[index].tracking(wanted, limits: speed, bounds: bounds)
      keepRounding(&next[index], index)
      let altered = alteration(index, proposed: target[index], wanted: wanted, bounds: bounds, after: next[index].goal)
      if altered.rawValue != 0 {
        nextAlterations = nextAlterations.adding(altered)
        nextJoints |= 1 << UInt16(truncatingIfNeeded: index)
      }
    }
    if capsules.capsuleCount > 0 && !isClear(next, capsules) {
      isBlocked = true
      _ = decelerate()
      alterations = alterations.adding(.collision)
      joints = UInt16(truncatingIfNeeded: (1 << limits.count) &- 1)
      return goal
    }
    motions = next
    alterations = nextAlterations
    joints = nextJoints
    return goal
  }

  /// Moves on towards rest; true once no goal moves any more.
  @_noLocks
  mutating func decelerate() -> Bool {
    for index in 0..<limits.count {
      motions[index].brake(jerkIsLimited: tickLimits[index].jerk.isFinite)
      keepRounding(&motions[index], index)
    }
    return isAtRest
  }

  @_noLocks
  private func clamped(_ target: Double, _ index: Int) -> Double {
    smaller(larger(target, limits.lower[index]), limits.upper[index])
  }

  /// Only rounding can carry a goal over a limit that it was inside of.
  @_noLocks
  private func keepRounding(_ motion: inout JointMotion, _ index: Int) {
    let before = motions[index].goal
    motion.goal = smaller(motion.goal, larger(before, limits.upper[index]))
    motion.goal = larger(motion.goal, smaller(before, limits.lower[index]))
  }

  /// What kept a joint from its target, if anything did by more than a nanoradian.
  @_noLocks
  private func alteration(
    _ index: Int, proposed: Double, wanted: Double, bounds: JointMotion.Bounds, after goal: Double
  ) -> Alterations {
    var altered = Alterations.none
    if wanted != proposed { altered = .position }
    guard (goal - wanted).magnitude > 1e-9 else { return altered }
    let slack = 1 + 1e-9
    let allowed = tickLimits[index]
    let before = motions[index]
    var isExplained = false
    var step = wanted - before.goal
    if step.magnitude > allowed.speed * slack {
      altered = altered.adding(.velocity)
      isExplained = true
      step = step > 0 ? allowed.speed : -allowed.speed
    }
    var change = step - before.speed
    if change.magnitude > allowed.acceleration * slack {
      altered = altered.adding(.acceleration)
      isExplained = true
      change = change > 0 ? allowed.acceleration : -allowed.acceleration
    }
    if allowed.jerk.isFinite && (change - before.acceleration).magnitude > allowed.jerk * slack {
      altered = altered.adding(.jerk)
      isExplained = true
    }
    if wanted > bounds.furthest || wanted < bounds.nearest {
      altered = altered.adding(.reach)
      isExplained = true
    }
    return isExplained ? altered : altered.adding(.acceleration)
  }

  /// Whether a motion and its way to rest keep the arm clear of itself and inside the workspace, or at least bring it no
  /// nearer to anything than it is. The way is looked at in as many places, at equal times, as leave no joint more than
  /// `lookAhead` between two of them, and at most 128: enough where a joint brakes evenly over 1.28 rad.
  @_noLocks
  private func isClear(_ next: InlineArray<16, JointMotion>, _ capsules: CapsuleModel) -> Bool {
    var longest = 0.0
    var fastest = 0.0
    for index in 0..<limits.count {
      if next[index].plan.ticks > longest { longest = next[index].plan.ticks }
      if next[index].top > fastest { fastest = next[index].top }
    }
    let wanted = sinew_floor(longest * fastest / CommandFilter.lookAhead) + 1
    let parts = wanted < 4 ? 4 : (wanted < 128 ? wanted : 128)
    var least = Double.infinity
    var part = 0.0
    while part <= parts {
      var pose = JointVector(repeating: 0, count: limits.count)
      for index in 0..<limits.count {
        pose[index] =
          next[index].goal
          + next[index].plan.way(
            after: longest * part / parts, speed: next[index].speed, acceleration: next[index].acceleration)
      }
      let clearance = capsules.clearance(at: pose)
      if clearance < least { least = clearance }
      if longest == 0 { break }
      part += 1
    }
    return least >= capsules.margin || least >= capsules.clearance(at: goal)
  }

  @_noLocks
  private func larger(_ a: Double, _ b: Double) -> Double { a > b ? a : b }
  @_noLocks
  private func smaller(_ a: Double, _ b: Double) -> Double { a < b ? a : b }
}
