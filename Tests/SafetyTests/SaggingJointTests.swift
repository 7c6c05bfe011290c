import ArmModel
import Safety
import Testing

/// A joint whose effort nobody measures, behind its goal: a load lets it sag, an obstacle holds it back.
@Suite struct SaggingJointTests {
  /// An armed core of 10 ms whose first joint sags `sag` rad below its goal, a policy in authority. A goal may be 0.2 rad
  /// ahead of a joint.
  private static func sagging(
    _ sag: Double, joint: Int = 0, _ change: (inout SafetyConfiguration) -> Void = { _ in }
  ) -> HardwareRig {
    var configuration = HardwareRig.configuration(period: 10_000_000)
    configuration.residualTime = 0.1
    configuration.monitors.clampedShare = 1
    configuration.monitors.standstillTolerance = .infinity
    change(&configuration)
    let rig = HardwareRig(configuration)
    rig.inputs.joints.present = [.position, .velocity]
    rig.arm()
    rig.isHeld = true
    rig.propose([0, 0])
    rig.enable()
    // What it sags by while it holds still is its load.
    for part in 1...8 {
      rig.position[joint] = -sag * Double(part) / 8
      rig.tick()
    }
    rig.tick([.start])
    #expect(rig.last.state == .policy)
    return rig
  }

  /// Follows the goal of the tick before at a distance, as fast as it goes.
  private static func follow(_ rig: HardwareRig, sag: Double, joint: Int = 0) {
    let before = rig.position[joint]
    rig.position[joint] = rig.core.commandedGoal[joint] - sag
    rig.inputs.joints.velocity[joint] = (rig.position[joint] - before) / rig.seconds
    rig.tick()
  }

  @Test(arguments: [0.06, 0.15, -0.15], [0, 1])
  func `A joint that sags is not obstructed, whether its policy holds it or moves it`(sag: Double, joint: Int) {
    let rig = Self.sagging(sag, joint: joint)
    for goal in [0.0, 0.4, 0.4, -0.3, -0.3, 0.005, 0.01] {
      var pose = [0.0, 0.0]
      pose[joint] = goal
      for _ in 0..<100 {
        rig.propose(pose)
        Self.follow(rig, sag: sag, joint: joint)
        #expect(rig.last.state == .policy && rig.last.active == .none)
      }
      #expect(abs(rig.position[joint] + sag - goal) < 1e-6)
    }
  }

  @Test(arguments: [0, 0.06, -0.06], [1.0, -1.0])
  func `A joint that something holds back is obstructed once its goal has gone on, sagging or not`(
    sag: Double, side: Double
  ) {
    let rig = Self.sagging(sag)
    rig.propose([0.4 * side, 0])
    for _ in 0..<12 { Self.follow(rig, sag: sag) }
    #expect(rig.inputs.joints.velocity[0] * side > 0.05)
    // It runs against something.
    rig.inputs.joints.velocity[0] = 0
    let ticks = rig.ticks(atMost: 60) { $0.active.has(.obstructed) }
    #expect(ticks != nil && (15...35).contains(ticks ?? 0), "\(ticks ?? 0) ticks of 10 ms")
    #expect(rig.last.joints.mask(of: .obstructed) == 1)
  }

  @Test(arguments: [0, 1], [1.0, -1.0])
  func `A goal may go on by the bound without a joint that stands still, and no further`(joint: Int, side: Double) {
    for (growth, isObstructed) in [(0.03125, false), (0.03125 + 1e-9, true), (0.0625, true)] {
      let rig = Self.sagging(0.0625 * side, joint: joint) {
        $0.monitors.obstructedGrowth = 0.03125
        $0.monitors.obstructedLead = .infinity
      }
      var pose = [0.0, 0.0]
      pose[joint] = growth * side
      rig.propose(pose)
      let ticks = rig.ticks(atMost: 100) { $0.active.has(.obstructed) }
      #expect((ticks != nil) == isObstructed, "its goal went on by \(growth) rad")
      #expect(rig.core.commandedGoal[joint] == pose[joint] || isObstructed)
    }
  }

  @Test(arguments: [0, 1], [1.0, -1.0]) func `A joint that is led no further is obstructed though its goal stands`(
    joint: Int, side: Double
  ) {
    // 0.9 of the 0.2 rad that a goal may be ahead.
    for (distance, isObstructed) in [(0.179, false), (0.181, true)] {
      let rig = Self.sagging(distance * side, joint: joint)
      let ticks = rig.ticks(atMost: 60) { $0.active.has(.obstructed) }
      #expect((ticks != nil) == isObstructed, "\(distance) rad behind")
    }
  }
}
