import ArmModel
import Foundation
import Numerics
import Safety
import Testing

/// Position, velocity and acceleration limits, seen on the wire.
@Suite struct Limits {
  @Test func aFarGoalIsReachedExactlyAndHeld() {
    let bench = Rig()
    bench.move(toward: [1.2345, -0.5], ticks: 1)
    let decision = bench.ticks(400)
    #expect(decision.command.goal == JointVector([1.2345, -0.5]))
    #expect(decision.alterations == [])
    #expect(decision.alteredJoints == 0)
  }

  @Test func aGoalWithinReachIsCommandedUnchanged() {
    let bench = Rig()
    bench.arm()
    // One tick of 20 rad/s² is 0.1 rad/s, which is 0.5 mrad.
    bench.propose([0.0004, -0.0005])
    let decision = bench.tick([.start])
    #expect(decision.command.goal == JointVector([0.0004, -0.0005]))
    #expect(decision.alterations == [])
  }

  @Test func whatWasAlteredAndWhereIsTold() {
    let bench = Rig(limits: SafetyBench.limits(count: 3))
    bench.inputs.joints.position = JointVector([0, 0, 1.5])
    bench.arm()
    bench.propose([0, 0.9, 2])
    let start = bench.tick([.start])
    #expect(start.alterations == [.position, .velocity, .acceleration])
    #expect(start.alteredJoints == 0b110)
    bench.propose([0, 0, 2])
    bench.ticks(100)
    let decision = bench.tick()
    #expect(decision.alterations == [.position])
    #expect(decision.alteredJoints == 0b100)
    #expect(decision.command.goal[2] == 1.5)
  }

  @Test func anAccelerationThatBindsAloneIsToldAlone() {
    let bench = Rig()
    bench.arm()
    bench.propose([0.005, 0])
    let decision = bench.tick([.start])
    #expect(decision.alterations == [.acceleration])
    #expect(decision.alteredJoints == 1)
  }

  @Test func aMicroradianThatIsTakenAwayIsTold() {
    let bench = Rig()
    bench.arm()
    bench.propose([0.000_501, 0])
    #expect(bench.tick([.start]).alterations == [.acceleration])
  }

  @Test func withoutLimitsEveryGoalPassesBitForBit() {
    var random = RandomStream(seed: 1, name: "exact")
    let bench = Rig(limits: JointLimits(unlimited: 2))
    bench.move(toward: [0, 0], ticks: 1)
    for _ in 0..<1000 {
      let goal = [random.normal(), 100 * random.normal()]
      bench.propose(goal)
      let decision = bench.tick()
      #expect(decision.command.goal.array == goal)
    }
  }

  @Test("A stop takes the time that speed and deceleration need, and one tick", arguments: [1, 5, 17, 40, 120])
  func stopTime(ticks: Int) {
    let bench = Rig()
    bench.move(toward: [1.5, -1.5], ticks: ticks)
    var audit = WireAudit(limits: bench.core.configuration.limits, seconds: bench.seconds)
    let before = bench.core.commandedGoal
    let last = bench.tick()
    audit.adopt(before)
    let speed = (last.command.goal[0] - before[0]) / bench.seconds
    let bound = Int((speed / (20 * bench.seconds) - 1e-6).rounded(.up)) + 1
    var needed = 1
    var decision = bench.tick([.stop])
    while decision.state == .stopping {
      needed += 1
      decision = bench.tick()
    }
    #expect(needed <= bound)
    #expect(decision.state == .hold)
    #expect(bench.tick().command.goal == decision.command.goal)
  }

  @Test func aStopNearALimitEndsInsideIt() {
    // Full speed towards the limit, stopped at every phase of the approach.
    for phase in 1..<200 {
      let jerk = phase.isMultiple(of: 2) ? Double.infinity : 400
      let bench = Rig(limits: SafetyBench.limits(position: 0.5, velocity: 3, acceleration: 15, jerk: jerk))
      bench.move(toward: [0.7, -0.7], ticks: phase)
      bench.tick([.stop])
      let decision = bench.ticks(60)
      #expect(decision.state == .hold)
      #expect(decision.command.goal[0] <= 0.5 && decision.command.goal[1] >= -0.5)
    }
  }

  @Test("An arm outside its limits is held where it is and moves only inward", arguments: [2.5, -2.5])
  func outsideMovesInward(start: Double) {
    let bench = Rig()
    bench.inputs.joints.position = JointVector([start, 0])
    #expect(bench.arm().command.goal[0] == start)
    bench.propose([start > 0 ? 2 : -2, 0])
    var previous = bench.tick([.start]).command.goal[0]
    for _ in 0..<400 {
      let goal = bench.tick().command.goal[0]
      #expect(goal.magnitude <= previous.magnitude)
      previous = goal
    }
    #expect(previous == (start > 0 ? 1.5 : -1.5))
    bench.propose([0, 0])
    #expect(bench.ticks(400).command.goal[0] == 0)
  }

  @Test func theReferenceIsWhatWasCommandedNotWhatIsMeasured() {
    let bench = Rig()
    bench.move(toward: [1, 0], ticks: 100)
    // A loaded joint lags and sags; the goal goes on, and a stop holds the goal.
    bench.inputs.joints.position = JointVector([-0.4, -0.4])
    let goal = bench.core.commandedGoal[0]
    #expect(bench.tick().command.goal[0] > goal)
    bench.tick([.stop])
    #expect(bench.ticks(100).command.goal[0] > goal)
  }

  @Test func withoutLimitsAProposalPassesUntouched() {
    let bench = Rig(limits: JointLimits(unlimited: 2))
    bench.arm()
    bench.propose([100, -3])
    #expect(bench.tick([.start]).command.goal == JointVector([100, -3]))
    bench.propose([-1e6, 3])
    let decision = bench.tick()
    #expect(decision.command.goal == JointVector([-1e6, 3]))
    #expect(decision.alterations == [])
    let stop = bench.tick([.stop])
    #expect(stop.state == .hold, "with infinite deceleration a stop is over at once")
    #expect(stop.command.goal == JointVector([-1e6, 3]))
  }

  @Test("Braking to targets that flip at random never breaks a limit and always arrives", arguments: 0..<4)
  func brakingProperty(shard: Int) {
    var random = RandomStream(seed: UInt64(shard), name: "braking")
    for life in 0..<Self.brakingLives {
      let finding = Self.brakeOnce(&random)
      #expect(finding == nil, "life \(life)")
      if finding != nil { return }
    }
  }

  /// `SINEW_BRAKING_LIVES` sets the number of each shard (default 500).
  private static let brakingLives =
    ProcessInfo.processInfo.environment["SINEW_BRAKING_LIVES"].flatMap { Int($0) } ?? 500

  /// One core with random limits and period (infinite ones mixed in), driven between targets that flip; nil if all was
  /// well. The last target is far, near or at a limit, and must be reached in the time a trapezoid needs.
  private static func brakeOnce(_ random: inout RandomStream) -> String? {
    var draw = random
    defer { random = draw }
    func magnitude(_ low: Double, _ high: Double) -> Double {
      draw.uniform() < 0.2 ? .infinity : low * power(high / low, draw.uniform())
    }
    let limits = JointLimits(
      lower: JointVector([-magnitude(1e-3, 10)]), upper: JointVector([magnitude(1e-3, 10)]),
      velocity: JointVector([magnitude(1e-3, 100)]), acceleration: JointVector([magnitude(1e-2, 1e4)]),
      jerk: JointVector([magnitude(1e-1, 1e6)]), effort: JointVector([1]))
    let period = Int64(1e5 * power(1e3, draw.uniform()))
    var bench = SafetyBench(limits: limits, judgesTiming: false, period: period)
    var audit = WireAudit(limits: limits, seconds: bench.seconds)
    audit.check(bench.arm())
    let reach = min(limits.upper[0], -limits.lower[0], 20) * 1.2
    var target = 0.0
    for tick in 0..<400 {
      if draw.uniform() < 0.08 { target = draw.uniform(from: -reach, to: reach) * (draw.uniform() < 0.3 ? 1e-3 : 1) }
      if draw.uniform() < 0.02 { target = draw.uniform() < 0.5 ? limits.upper[0] : limits.lower[0] }
      if !target.isFinite { target = reach }
      bench.propose([target])
      let decision = bench.tick(tick == 0 ? [.start] : .none)
      audit.check(decision)
      if decision.state != .policy { return "lost authority: \(decision.active.conditions)" }
    }
    let wanted = min(max(target, limits.lower[0]), limits.upper[0])
    let (v, a, j) = (limits.velocity[0], limits.acceleration[0], limits.jerk[0])
    let acceleration = audit.acceleration[0].magnitude
    // Stop, turn round and travel: at most the distance at full speed, and several times the time to change speed.
    let speed = audit.speed[0].magnitude + (j.isFinite ? acceleration * acceleration / (2 * j) : 0)
    let changes = j.isFinite ? 2 * min(a / j, (speed / j).squareRoot()) + acceleration / j : 0
    let stop = (a.isFinite ? speed / a : 0) + changes
    let distance = (wanted - audit.goal[0]).magnitude + speed * stop
    let travel =
      (v.isFinite ? distance / v : 0) + (a.isFinite ? 6 * (distance / a).squareRoot() : 0) + 3 * stop
      + (j.isFinite ? 6 * power(distance / j, 1.0 / 3) : 0)
    let bound = Int(1.2 * travel / bench.seconds) + 20
    guard bound < 20_000 else { return audit.finding }
    for _ in 0..<bound { audit.check(bench.tick()) }
    if audit.finding == nil && audit.goal[0] != wanted {
      return "\(audit.goal[0]) instead of \(wanted) after \(bound) ticks with \(limits), period \(period)"
    }
    return audit.finding
  }

  private static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
