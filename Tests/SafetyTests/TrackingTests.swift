import ArmModel
import Numerics
import Safety
import Testing

/// Targets that move: followed exactly where the limits let them be, and never run past by more than is their right.
@Suite struct TrackingTests {
  @Test(arguments: [true, false]) func `A target that moves within the limits is met exactly in every tick`(
    isJerkLimited: Bool
  ) {
    // One joint is led between targets that flip; another one with the same limits is given the goals of the first.
    var differing = 0
    for seed in 0..<40 {
      var leader = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
      var follower = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
      let width = leader.limits.velocity[0] * 0.4
      var target = 0.0
      for tick in 0..<250 {
        if leader.random.uniform() < 0.06 { target = leader.random.uniform(from: -width, to: width) }
        let requests: OperatorRequests = tick == 0 ? [.start] : .none
        let goal = leader.tick(to: target, requests).command.goal[0]
        if follower.tick(to: goal, requests).command.goal[0] != goal { differing += 1 }
      }
      #expect(leader.audit.finding == nil && follower.audit.finding == nil)
    }
    // In a few ticks a joint with a jerk limit is on a way to rest from the middle of which no new one is found.
    #expect(differing <= (isJerkLimited ? 100 : 0), "\(differing) of 10,000 ticks differ")
  }

  @Test(arguments: 0..<40, [true, false])
  func `A joint ends no further ahead of a target than the target would need to brake at a speed that is allowed`(
    seed: Int, isJerkLimited: Bool
  ) {
    var drive = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
    let fastest = drive.limits.velocity[0]
    for life in 0..<6 {
      // The target comes from behind, faster or slower than the joint may go, and stands still somewhere near it.
      let start = drive.audit.goal[0]
      let side: Double = life.isMultiple(of: 2) ? 1 : -1
      let speed = fastest * drive.random.uniform(from: 0.3, to: 3)
      let way = drive.soonest.wayToRest(fastest)
      let end = drive.random.uniform(from: -1, to: 1) * way
      let unevenness = drive.random.uniform() < 0.5 ? 0 : drive.random.uniform(from: 0, to: 0.9)
      let right = drive.soonest.wayToRest(min(speed * (1 - unevenness), fastest)) + 2 * fastest * drive.bench.seconds
      var furthest = 0.0
      for tick in 0..<60 {
        // Uneven steps are faster and slower by turns; the slower ones are what may be counted on.
        let swing = tick.isMultiple(of: 2) ? 0 : unevenness * speed * drive.bench.seconds
        let place = min(end, end + speed * drive.bench.seconds * Double(tick - 30) + swing)
        _ = drive.tick(to: start + side * place, tick == 0 ? [.start] : .none)
        furthest = max(furthest, side * (drive.audit.goal[0] - start))
      }
      #expect(furthest <= max(0, end) + right, "life \(life)")
      for _ in 0..<400 where drive.audit.speed[0] != 0 { _ = drive.tick(to: drive.audit.goal[0]) }
    }
    #expect(drive.audit.finding == nil)
  }

  @Test(arguments: 0..<20, [true, false]) func `A target that leaps is not run past`(seed: Int, isJerkLimited: Bool) {
    var drive = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
    _ = drive.tick(to: 0, [.start])
    var place = 0.0
    for _ in 0..<10 {
      // More than the joint may speed up by in a tick, so that it is no motion of its own.
      let least = 1.02 * drive.limits.acceleration[0] * drive.bench.seconds * drive.bench.seconds
      let leap = least * (1 + 40 * drive.random.uniform() * drive.random.uniform())
      let side: Double = drive.random.uniform() < 0.5 ? -1 : 1
      let (start, end) = (place, place + side * leap)
      for _ in 0..<150 {
        _ = drive.tick(to: end)
        #expect(side * drive.audit.goal[0] >= side * start - 1e-12 && side * drive.audit.goal[0] <= side * end + 1e-12)
      }
      place = drive.audit.goal[0]
    }
    #expect(drive.audit.finding == nil)
  }

  @Test(arguments: 0..<30, [true, false]) func `A target that shakes around a joint moves it no further than it goes`(
    seed: Int, isJerkLimited: Bool
  ) {
    var drive = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
    let tick = drive.limits.acceleration[0] * drive.bench.seconds * drive.bench.seconds
    let width = tick * drive.random.uniform(from: 1.5, to: 30)
    for count in 0..<200 {
      let side: Double = count.isMultiple(of: 2) ? 1 : -1
      _ = drive.tick(to: side * width * drive.random.uniform(from: 0.8, to: 1), count == 0 ? [.start] : .none)
      #expect(drive.audit.goal[0].magnitude <= width + 1e-12)
    }
    #expect(drive.audit.finding == nil)
  }

  @Test(arguments: [1.05, 1.5, 1.95, 2.5, 4], [true, false])
  func `A joint stays at full speed behind a target that is faster, even or uneven`(
    share: Double, isJerkLimited: Bool
  ) {
    for (isEven, side) in [(true, 1.0), (true, -1), (false, 1), (false, -1)] {
      var drive = JointDrive(seed: 3, position: 1000, isJerkLimited: isJerkLimited)
      let fastest = drive.limits.velocity[0]
      var target = 0.0
      var slowest = Double.infinity
      for tick in 0..<400 {
        // First the joint catches up with a slower target.
        var speed = tick < 200 ? 0.9 * fastest : share * fastest
        if !isEven && tick >= 200 { speed = tick.isMultiple(of: 2) ? fastest * 1.02 : (2 * share - 1.02) * fastest }
        target += side * speed * drive.bench.seconds
        _ = drive.tick(to: target, tick == 0 ? [.start] : .none)
        if tick >= 199 { slowest = min(slowest, side * drive.audit.speed[0]) }
      }
      #expect(slowest > 0.8999 * fastest && side * drive.audit.speed[0] > 0.9999 * fastest)
      #expect(drive.audit.finding == nil)
    }
  }
}
