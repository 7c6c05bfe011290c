import ArmModel
import Numerics
import Safety
import Testing

// Rows 35 … 38: what the arm does, or cannot do.
extension Injection {
  /// A core that lets a policy ask for far goals as long as it likes.
  private static func patient() -> SafetyConfiguration {
    var configuration = HardwareRig.configuration()
    configuration.monitors.clampedShare = 1
    return configuration
  }

  /// Pulls the first joint 5° away from its goal, at 1.7 rad/s, whatever its servo does.
  private static func pull(_ rig: HardwareRig, until isDone: (Decision) -> Bool) -> Int? {
    rig.isHeld = true
    for count in 1...60 {
      if count <= 10 { rig.position[0] -= 0.00873 }
      if isDone(rig.tick()) { return count }
    }
    return nil
  }

  /// An arm whose first joint is a stick of 0.3 m that turns about the vertical, with a wall at y = 0.2 m.
  static func walled() -> SafetyConfiguration {
    var configuration = patient()
    var model = CapsuleModel()
    if let base = model.addLink(parent: -1, position: .zero, orientation: .identity, joint: 0) {
      _ = model.addCapsule(link: base, from: .zero, to: Vector3(0.3, 0, 0), radius: 0.02)
    }
    model.workspaceUpper = Vector3(.infinity, 0.2, .infinity)
    configuration.capsules = model
    return configuration
  }

  static var motionRows: [Injection] {
    [
      Injection(
        35, "start pose outside a limit", reaction: "arms; a policy is refused; a person jogs inward only", bound: nil
      ) {
        let rig = HardwareRig()
        rig.position = [1.7, 0]
        rig.arm()
        #expect(rig.last.state == .hold && rig.last.command.goal[0] == 1.7)
        #expect(rig.last.notices.has(.outsideLimits))
        rig.propose([1.4, 0])
        rig.enable()
        #expect(rig.tick([.start]).refusal == .outsideLimits)
        rig.propose([2, 0], source: .person)
        rig.enable()
        rig.ticks(200)
        #expect(rig.last.state == .teleoperation && rig.last.command.goal[0] <= 1.7)
        rig.propose([1.3, 0], source: .person)
        rig.ticks(200)
        #expect(rig.last.command.goal[0] == 1.3 && !rig.last.notices.has(.outsideLimits))
        return nil
      },
      Injection(35, "measured outside a hard limit in POLICY", reaction: "S2", bound: 1) {
        let rig = HardwareRig(patient())
        rig.run(toward: [1.5, 0], ticks: 1000)
        rig.position[0] = 1.525
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.outsideLimits])
        return ticks
      },
      Injection(36, "joint blocked, effort rises", reaction: "S2d: gives way with 30 % of its torque", bound: 36) {
        let rig = HardwareRig(HardwareRig.configuration(period: 10_000_000))
        rig.run(toward: [0.5, -0.5], ticks: 8)
        rig.isHeld = true
        // The goal needs some ticks to be as far from the joint as an obstacle makes it.
        let ticks = rig.ticks(atMost: 200, { $0.joints.effort[0] = 2.5 }) { $0.torqueShare < 1 }
        #expect(rig.last.state == .faultHold && rig.last.latched.conditions == [.obstructed])
        #expect(rig.last.command.goal == JointVector(rig.position))
        return ticks
      },
      Injection(37, "gravity pulls a joint 5° in HOLD", reaction: "standstill monitor: S1", bound: 40) {
        let rig = HardwareRig()
        rig.arm()
        let goal = rig.core.commandedGoal
        let ticks = pull(rig) { $0.active.has(.standstillLost) }
        #expect(rig.core.commandedGoal == goal, "no dip")
        rig.isHeld = false
        #expect(rig.comesToRest(in: .park))
        #expect(rig.ticks(atMost: 1200) { $0.power == .release } != nil)
        return ticks
      },
      Injection(37, "the same, set up to release", reaction: "standstill monitor: S0", bound: 40) {
        var configuration = HardwareRig.configuration()
        configuration.monitors.standstillReaction = .release
        let rig = HardwareRig(configuration)
        rig.arm()
        return pull(rig) { $0.power == .release }
      },
      Injection(
        38, "goal beyond the workspace's wall",
        reaction: "stays clear of it; S2 after 0.5 s there (the way to the wall is counted in)", bound: 1000
      ) {
        let rig = HardwareRig(walled())
        rig.run(toward: [1.2, 0], ticks: 1)
        var nearest = Double.infinity
        var ticks = 0
        while rig.last.source == .policy && ticks < 1000 {
          rig.tick()
          ticks += 1
          nearest = min(nearest, rig.core.configuration.capsules.clearance(at: rig.last.command.goal))
        }
        #expect(nearest >= 0.005 - 1e-12)
        #expect(rig.last.active.conditions == [.collisionPredicted])
        #expect(rig.comesToRest(in: .hold))
        #expect(
          rig.core.configuration.capsules.clearance(at: rig.core.commandedGoal) < 0.05, "it went as far as it may")
        return ticks
      },
    ]
  }
}
