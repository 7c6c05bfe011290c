import ArmModel
import Safety
import Testing

// Rows 23 … 34: what servos and bus do.
extension Injection {
  /// A servo that does not answer: its datum grows older from tick to tick.
  private static func mute(_ joint: Int, for ticks: Int, in rig: HardwareRig) -> Int? {
    var age = 0
    var stopped: Int?
    for count in 1...ticks {
      age += 1
      rig.tick { $0.joints.age[joint] = Double(age) * rig.seconds }
      if stopped == nil && rig.last.source != .policy { stopped = count }
    }
    return stopped
  }

  private static func fault(
    _ faults: JointFaults, until isDone: (Decision) -> Bool, rig: HardwareRig, atMost limit: Int = 10
  ) -> Int? {
    rig.run()
    rig.inputs.health.setFaults(faults, of: 1)
    return rig.ticks(atMost: limit, until: isDone)
  }

  static var servoRows: [Injection] {
    [
      Injection(23, "servo mute for 1 tick", reaction: "ignored", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        return mute(1, for: 1, in: rig) ?? (rig.ticks(20).active == .none ? nil : 0)
      },
      Injection(23, "servo mute for 3 ticks", reaction: "S2, latched", bound: 3) {
        let rig = HardwareRig()
        rig.run()
        let ticks = mute(1, for: 3, in: rig)
        #expect(rig.last.active.conditions == [.jointSilent])
        #expect(rig.comesToRest(in: .faultHold))
        return ticks
      },
      Injection(23, "servo mute for 20 ticks", reaction: "SX: silence, FAULT", bound: 20) {
        let rig = HardwareRig()
        rig.run()
        _ = mute(1, for: 19, in: rig)
        #expect(rig.last.state != .fault)
        rig.tick { $0.joints.age[1] = 20 * rig.seconds }
        #expect(
          rig.last.state == .fault && !rig.last.writes && rig.last.active.conditions == [.observationStale, .armMute])
        return 20
      },
      Injection(24, "all servos mute (bus cut)", reaction: "S2 attempt, then SX: FAULT", bound: 3) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.readSucceeded = false }
        #expect(rig.last.active.conditions == [.jointSilent] && rig.last.writes)
        #expect(rig.ticks(atMost: 30, { $0.readSucceeded = false }) { $0.state == .fault } == 17)
        #expect(!rig.last.writes)
        return ticks
      },
      Injection(25, "every 12th reply damaged", reaction: "S2 by the error rate", bound: 200) {
        let rig = HardwareRig()
        rig.run()
        var count = 0
        let ticks = rig.ticksToStop(atMost: 300) {
          count += 1
          $0.bus.replies = 2
          $0.bus.errors = count.isMultiple(of: 6) ? 1 : 0
        }
        #expect(rig.last.active.conditions == [.busErrors] && rig.last.latched == .none)
        #expect(rig.ticks(199) { $0.bus.replies = 2 }.active.conditions == [.busErrors])
        #expect(rig.ticks(2) { $0.bus.replies = 2 }.active == .none, "goes by itself after a second without damage")
        return ticks
      },
      Injection(28, "reply delayed by 0.9 periods", reaction: "none", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.joints.age[0] = 0.9 * rig.seconds
        return rig.ticks(20).active == .none && rig.last.notices == [] ? nil : 0
      },
      Injection(28, "replies older than 3 periods", reaction: "brakes and waits, in authority", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let before = rig.core.commandedGoal[0]
        let first = rig.tick { $0.joints.age[0] = 4 * rig.seconds }.command.goal[0] - before
        #expect(rig.last.notices.has(.observationOld) && rig.last.state == .policy)
        var age = 4.0
        let second = rig.tick { $0.joints.age[0] = age * rig.seconds }.command.goal[0] - before - first
        #expect(second < first, "it brakes")
        age = 0
        rig.ticks(3)
        #expect(rig.last.state == .policy)
        return 1
      },
      Injection(28, "replies older than 10 periods", reaction: "S2", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.joints.age[0] = 11 * rig.seconds }
        #expect(rig.last.active.conditions == [.observationStale])
        return ticks
      },
      Injection(29, "port gone (HUP)", reaction: "SX: FAULT; a reset leads to DISARMED only", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticks(atMost: 3, { $0.armFailed = true }) { $0.state == .fault }
        #expect(!rig.last.writes && rig.last.latched.conditions == [.armFailed])
        #expect(rig.ticks(100).state == .fault)
        #expect(rig.tick([.reset, .arm, .start]).state == .disarmed)
        return ticks
      },
      Injection(30, "write blocked", reaction: "SX: FAULT", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticks(atMost: 3, { $0.writeFailed = true }) { $0.state == .fault && !$0.writes }
        #expect(rig.last.latched.conditions == [.writeFailed])
        return ticks
      },
      Injection(31, "servo resets itself, torque 0", reaction: "S2, latched; never torqued again by itself", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.power = .mixed
        let ticks = rig.ticksToStop()
        #expect(rig.last.latched.conditions == [.torqueLost])
        for _ in 0..<300 { #expect(rig.tick([.arm, .start]).power == .keep) }
        return ticks
      },
      Injection(32, "error bit: overload", reaction: "S2d, then S0 after 0.5 s", bound: 1) {
        let rig = HardwareRig()
        let ticks = fault(.overload, until: { $0.torqueShare == 0.3 && $0.state == .faultHold }, rig: rig)
        #expect(rig.last.command.goal == JointVector(rig.position) || rig.finding == nil)
        #expect(rig.ticks(atMost: 200) { $0.power == .release } == 100)
        #expect(rig.last.state == .fault)
        return ticks
      },
      Injection(32, "error bit: heat", reaction: "S2d, then S0 after 0.5 s", bound: 1) {
        let rig = HardwareRig()
        let ticks = fault(.overheating, until: { $0.torqueShare == 0.3 }, rig: rig)
        #expect(rig.ticks(atMost: 200) { $0.power == .release } == 100)
        return ticks
      },
      Injection(32, "error bit: voltage", reaction: "S1: to rest, to the park pose, torque off", bound: 1) {
        let rig = HardwareRig()
        let ticks = fault(.voltage, until: { $0.state == .stopping }, rig: rig)
        #expect(rig.comesToRest(in: .park))
        #expect(rig.comesToRest(in: .fault, within: 1200))
        #expect(rig.last.power == .release && rig.core.commandedGoal == JointVector([-0.5, 0.5]))
        return ticks
      },
      Injection(32, "error bit: position sensor", reaction: "S0: nothing it says can be relied on", bound: 1) {
        let rig = HardwareRig()
        return fault(.sensor, until: { $0.power == .release && $0.state == .fault }, rig: rig)
      },
      Injection(33, "encoder leaps by π once", reaction: "rejected", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        let goal = rig.last.command.goal[0]
        let decision = rig.tick { $0.joints.position[0] += .pi }
        #expect(decision.notices.has(.measurementRejected) && decision.active == .none)
        #expect(decision.state == .policy && decision.command.goal[0] > goal)
        return rig.ticks(10).active == .none ? nil : 0
      },
      Injection(33, "encoder leaps by π thrice", reaction: "FAULT-HOLD", bound: 3) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop(atMost: 3) { $0.joints.position[0] += .pi }
        #expect(rig.last.active.has(.measurementJumped))
        #expect(rig.ticks(atMost: 100) { $0.state == .faultHold } != nil)
        return ticks
      },
      Injection(
        34, "encoder wraps from 2π to 0 while holding", reaction: "no motion; rejected, then FAULT-HOLD", bound: 3
      ) {
        let rig = HardwareRig()
        rig.arm()
        let goal = rig.core.commandedGoal
        let ticks = rig.ticks(atMost: 5, { $0.joints.position[1] -= 2 * .pi }) { $0.state == .faultHold }
        #expect(rig.core.commandedGoal == goal)
        return ticks
      },
    ]
  }
}
