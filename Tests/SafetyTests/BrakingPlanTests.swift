import ArmModel
import Foundation
import Numerics
import Safety
import Testing

/// How well a joint is led, beside how safely: what the limits give is used. A planner that is too careful brakes too
/// early, and nothing else would show it.
@Suite struct BrakingPlanTests {
  @Test func `A joint stops in as few ticks as its limits let it`() {
    var excess: [Int] = []
    for seed in 0..<60 {
      var drive = JointDrive(seed: seed)
      let width = drive.limits.velocity[0] * 0.5
      for _ in 0..<8 {
        var target = drive.random.uniform(from: -width, to: width)
        _ = drive.tick(to: target, [.start])
        for _ in 0..<Int(drive.random.uniform(from: 1, to: 60)) {
          if drive.random.uniform() < 0.1 { target = drive.random.uniform(from: -width, to: width) }
          _ = drive.tick(to: target)
        }
        let fewest = drive.soonest.fewestTicksToRest(
          speed: drive.audit.speed[0], acceleration: drive.audit.acceleration[0], seconds: drive.bench.seconds,
          atMost: 70)
        var needed = 1
        var decision = drive.tick(to: target, [.stop])
        while decision.state == .stopping && needed < 200 {
          needed += 1
          decision = drive.tick(to: target)
        }
        if let fewest { excess.append(needed - fewest) }
      }
      #expect(drive.audit.finding == nil)
    }
    #expect(excess.count > 400)
    // The plan's phases are rounded up to whole ticks, three of them.
    #expect(excess.allSatisfy { $0 <= 3 })
    #expect(Double(excess.reduce(0, +)) < 0.4 * Double(excess.count))
  }

  @Test(arguments: [true, false]) func `A joint arrives about as soon as its limits let it`(isJerkLimited: Bool) {
    var excess: [Double] = []
    for seed in 0..<100 {
      var drive = JointDrive(seed: seed, isJerkLimited: isJerkLimited)
      var target = 0.0
      _ = drive.tick(to: target, [.start])
      for leg in 0..<4 {
        let scale = drive.limits.velocity[0] * pow(10, drive.random.uniform(from: -3, to: -0.5))
        target += drive.random.uniform() < 0.5 ? scale : -scale
        let fewest =
          drive.soonest.time(
            over: target - drive.audit.goal[0], speed: drive.audit.speed[0],
            acceleration: drive.audit.acceleration[0]) / drive.bench.seconds
        // Every other leg is broken off on the way.
        let most = leg.isMultiple(of: 2) ? Int(drive.random.uniform() * fewest) : 2000
        var needed = 0
        while (drive.audit.goal[0] != target || drive.audit.speed[0] != 0) && needed < most {
          needed += 1
          _ = drive.tick(to: target)
        }
        if most == 2000 { excess.append(Double(needed) - fewest) }
      }
      #expect(drive.audit.finding == nil)
    }
    let mean = excess.reduce(0, +) / Double(excess.count)
    // The least time is that of continuous time: whole ticks take half a one more in the mean. With a jerk limit the end of
    // a way is left to plans of three whole phases, which some ways do not fit well.
    #expect(excess.count == 200)
    #expect(mean < (isJerkLimited ? 0.75 : 0.6), "\(mean) ticks later in the mean")
    #expect(excess.allSatisfy { $0 < (isJerkLimited ? 14 : 2) })
    #expect(excess.count { $0 > 2 } <= excess.count / 8)
  }

  @Test(arguments: 0..<80) func `A joint that is turned round before its limit keeps it without a jolt`(seed: Int) {
    var drive = JointDrive(seed: seed, position: [0.03, 0.1, 0.3][seed % 3])
    let limit = drive.limits.upper[0]
    let restlessness = pow(10, drive.random.uniform(from: -1.3, to: -0.3))
    // Towards a limit, and away from it for a while, and towards it again.
    var side = 1.0
    var target = limit
    for tick in 0..<400 {
      if drive.random.uniform() < restlessness {
        let isAtLimit = target == side * limit
        target = isAtLimit ? drive.random.uniform(from: -limit, to: limit) : side * limit
        if drive.random.uniform() < 0.05 { side = -side }
      }
      _ = drive.tick(to: target, tick == 0 ? [.start] : .none)
    }
    #expect(drive.audit.finding == nil)
  }
}
