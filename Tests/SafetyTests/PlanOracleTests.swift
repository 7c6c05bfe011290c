import Numerics
import Testing

@testable import Safety

/// The planner's sums against its own ticks, one by one, and which way it says that a motion fails.
@Suite struct PlanOracleTests {
  private static let jerkFree = TickLimits(speed: 0.02, acceleration: 0.002, jerk: .infinity, seconds: 1)
  private static let smooth = TickLimits(speed: 0.02, acceleration: 0.002, jerk: 0.0005, seconds: 1)

  @Test(arguments: [0.0001, 0.0005, 0.003, .infinity])
  func `What a plan amounts to is what its ticks do`(jerk: Double) {
    let limits = TickLimits(speed: 0.02, acceleration: 0.002, jerk: jerk, seconds: 1)
    var random = RandomStream(seed: 5)
    var turned = 0
    for _ in 0..<4000 {
      var speed = random.uniform(from: -0.02, to: 0.02)
      // Slow ones are those that an acceleration turns round.
      if random.uniform() < 0.5 { speed *= 0.1 }
      var acceleration = jerk.isFinite ? random.uniform(from: -0.002, to: 0.002) : 0
      var extent = BrakingPlan.Extent()
      var plan = BrakingPlan.make(speed: speed, acceleration: acceleration, limits: limits, extent: &extent)
      guard extent.isValid else { continue }
      var (place, lowest, highest, top) = (0.0, 0.0, 0.0, speed.magnitude)
      let isTurned = speed * acceleration < 0
      while !plan.isRest {
        acceleration += plan.next()
        speed += acceleration
        place += speed
        lowest = min(lowest, place)
        highest = max(highest, place)
        top = max(top, speed.magnitude)
      }
      if isTurned && lowest < 0 && highest > 0 { turned += 1 }
      #expect(abs(extent.end - place) < 1e-12)
      #expect(abs(extent.lowest - lowest) < 1e-12, "lowest \(extent.lowest), in truth \(lowest)")
      #expect(abs(extent.highest - highest) < 1e-12, "highest \(extent.highest), in truth \(highest)")
      #expect(abs(extent.topSpeed - top) < 1e-12)
    }
    #expect(turned > 20 || jerk > 0.001)
  }

  @Test func `A joint whose speed is zero always has a way to rest`() {
    for jerk in [0.00001, 0.0001, 0.0005, 0.003] {
      let limits = TickLimits(speed: 0.02, acceleration: 0.002, jerk: jerk, seconds: 1)
      for part in -500...500 {
        var extent = BrakingPlan.Extent()
        _ = BrakingPlan.make(speed: 0, acceleration: 0.000004 * Double(part), limits: limits, extent: &extent)
        #expect(extent.isValid)
      }
    }
  }

  @Test(arguments: [false, true]) func `A motion that fails says on which side`(said: Bool) {
    var bounds = JointMotion.Bounds(lower: -0.01, upper: 0.01)
    for limits in [Self.jerkFree, Self.smooth] {
      for change in [0.0004, -0.0004] {
        var motion = JointMotion(at: change > 0 ? 0.01 : -0.01)
        var (end, isTooHigh) = (0.0, said)
        #expect(motion.after(change, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh) == nil)
        #expect(isTooHigh == (change > 0))
        // The same for what is measured.
        motion = JointMotion(at: 0)
        bounds.furthest = 0.0001
        bounds.nearest = -0.0001
        isTooHigh = said
        #expect(motion.after(change, limits: limits, bounds: bounds, end: &end, isTooHigh: &isTooHigh) == nil)
        #expect(isTooHigh == (change > 0))
        bounds = JointMotion.Bounds(lower: -0.01, upper: 0.01)
      }
    }
    // It still goes one way, and turns round so hard that it would end beyond the bound on the other side.
    for side in [1.0, -1.0] {
      var motion = JointMotion(at: 0.0099 * side)
      motion.speed = -0.0021 * side
      motion.acceleration = 0.002 * side
      var (end, isTooHigh) = (0.0, said)
      let next = motion.after(
        0.002 * side, limits: Self.smooth, bounds: bounds, end: &end, isTooHigh: &isTooHigh)
      #expect(next == nil && isTooHigh == (side > 0))
    }
  }

  @Test func `Without a jerk limit a joint that does not move is at rest`() {
    var (end, isTooHigh) = (0.0, false)
    let bounds = JointMotion.Bounds(lower: -1, upper: 1)
    let motion = JointMotion(at: 0).after(0, limits: Self.jerkFree, bounds: bounds, end: &end, isTooHigh: &isTooHigh)
    #expect(motion?.plan.isRest == true && motion?.acceleration == 0)
  }

  @Test func `A target that stands still is not led, whatever it did before`() {
    for limits in [Self.jerkFree, Self.smooth] {
      for before in [0.0, 0.0004, -0.0004, 0.5] {
        var motion = JointMotion(at: 0)
        motion.target = 0.01
        motion.targetSpeed = before
        var fresh = JointMotion(at: 0)
        fresh.target = 0.01
        let bounds = JointMotion.Bounds(lower: -1, upper: 1)
        #expect(
          motion.tracking(0.01, limits: limits, bounds: bounds).goal
            == fresh.tracking(0.01, limits: limits, bounds: bounds).goal)
        for (part, speed) in (0..<120).flatMap({ part in [0, 0.0002, 0.001].map { (part, $0) } }) {
          for goal in [\JointMotion.goal, \.rest, \.lowest, \.highest] {
            motion[keyPath: goal] = 0.01 - 0.00002 * Double(part)
            fresh[keyPath: goal] = 0.01 - 0.00002 * Double(part)
          }
          motion.speed = speed
          fresh.speed = speed
          #expect(
            motion.tracking(0.01, limits: limits, bounds: bounds).goal
              == fresh.tracking(0.01, limits: limits, bounds: bounds).goal)
        }
      }
    }
  }

  // So slow a jerk that an acceleration outlasts the speed: the joint that follows such a target brakes in time itself.
  @Test(arguments: [1.0, -1.0]) func `A target that no plan brings to rest is not led`(side: Double) {
    let limits = TickLimits(speed: 0.02, acceleration: 0.002, jerk: 0.0001, seconds: 1)
    let (speed, acceleration) = (-0.0025958 * side, 0.0007373 * side)
    var extent = BrakingPlan.Extent()
    _ = BrakingPlan.make(speed: speed, acceleration: acceleration, limits: limits, extent: &extent)
    #expect(!extent.isValid)
    // The joint is far behind the target, and its acceleration near enough to the target's for that to count as smooth.
    var motion = JointMotion(at: 0)
    motion.acceleration = acceleration
    motion.targetSpeed = speed - acceleration
    for place in [0.0, 0.01, -0.01] {
      motion.target = place - speed
      let next = motion.tracking(place, limits: limits, bounds: JointMotion.Bounds(lower: -9, upper: 9))
      var standing = motion
      standing.target = place
      standing.targetSpeed = 0
      let still = standing.tracking(place, limits: limits, bounds: JointMotion.Bounds(lower: -9, upper: 9))
      #expect(next.goal == still.goal && next.rest == still.rest, "towards \(place) rad, as towards one that stands")
    }
  }

  @Test(arguments: [1.0, -1.0]) func `A target beyond the reach is one at the reach`(side: Double) {
    var bounds = JointMotion.Bounds(lower: -1, upper: 1)
    bounds.furthest = 0.0003
    bounds.nearest = -0.0003
    for beyond in [0.0003, 0.0004, 0.5] {
      var motion = JointMotion(at: 0)
      motion.target = beyond * side
      let next = motion.tracking(beyond * side, limits: Self.jerkFree, bounds: bounds)
      #expect(next.goal == 0.0003 * side, "a target \(beyond) rad away")
    }
  }
}
