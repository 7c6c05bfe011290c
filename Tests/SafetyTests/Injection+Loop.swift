import ArmModel
import Safety
import Testing

// Rows 39 … 58: time, signals, restarts, and the order of things.
extension Injection {
  static var loopRows: [Injection] {
    [
      Injection(39, "one tick late by 0.6 periods", reaction: "counted", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        rig.tick { $0.lateness = 3_000_000 }
        return rig.ticks(10).active == .none ? nil : 0
      },
      Injection(39, "every tick late by 0.6 periods", reaction: "S2 once the budget is spent", bound: 10) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.lateness = 3_000_000 }
        #expect(rig.last.active.conditions == [.overrunBudgetSpent] && rig.last.latched == .none)
        #expect(rig.comesToRest(in: .hold))
        return ticks
      },
      Injection(39, "one gap of 20 periods", reaction: "S2, and the measured pose is the new reference", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.sincePrevious = 20 * rig.period }
        #expect(rig.last.active.has(.timeGap) && rig.last.state == .hold)
        #expect((rig.last.command.goal[0] - rig.position[0]).magnitude < 0.02)
        return ticks
      },
      Injection(40, "SIGSTOP for 3 s", reaction: "no catching up: S2 in the first tick, new edge needed", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.sincePrevious = 3_000_000_000 }
        #expect(rig.last.state == .hold)
        #expect(rig.tick([.start]).refusal == .enableNotHeld)
        rig.enable()
        #expect(rig.tick([.start]).state == .policy)
        return ticks
      },
      Injection(40, "the machine is suspended", reaction: "S2 in the first tick", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.suspended = 60_000_000_000 }
        #expect(rig.last.active.conditions == [.suspended] && rig.last.state == .hold)
        return ticks
      },
      Injection(45, "SIGINT in POLICY", reaction: "S1: to rest, to the park pose, torque off within 5 s", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.tick([.park])
        #expect(rig.last.source == .stop && rig.last.state == .stopping)
        #expect(rig.ticks(atMost: 1000) { $0.state == .disarmed } != nil)
        #expect(rig.finding == nil && rig.core.commandedGoal == JointVector([-0.5, 0.5]))
        rig.ticks(5)
        #expect(rig.releases == 3 && rig.inputs.power == .off)
        return 1
      },
      Injection(46, "SIGINT twice", reaction: "the park is cut short: torque off where the arm is", bound: 40) {
        let rig = HardwareRig()
        rig.run()
        rig.tick([.park])
        #expect(rig.comesToRest(in: .park))
        rig.ticks(40)
        rig.tick([.disarm])
        let ticks = rig.ticks(atMost: 100) { $0.power == .release }
        #expect(rig.last.state == .disarmed && rig.finding == nil)
        #expect(rig.core.commandedGoal != JointVector([-0.5, 0.5]))
        return ticks
      },
      Injection(
        53, "restart while servos hold", reaction: "adopted: held at the servos' own goals, no motion", bound: 1
      ) {
        let rig = HardwareRig()
        rig.inputs.power = .on
        rig.position = [0.31, -0.2]
        rig.inputs.servoGoal = JointVector([0.35, -0.21])
        let decision = rig.tick()
        #expect(decision.state == .hold && decision.power == .keep)
        #expect(decision.command.goal == JointVector([0.35, -0.21]))
        rig.isHeld = true
        #expect(rig.ticks(200).command.goal == JointVector([0.35, -0.21]))
        return 1
      },
      Injection(53, "restart while some servos hold and some do not", reaction: "all let go", bound: 1) {
        let rig = HardwareRig()
        rig.inputs.power = .mixed
        let decision = rig.tick()
        #expect(decision.state == .disarmed && decision.power == .release && !decision.writes)
        return 1
      },
    ]
  }

  static var sequenceRows: [Injection] {
    [
      Injection(57, "reset spam while the cause is active", reaction: "stays latched", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.person.releaseIsPressed = true
        for _ in 0..<100 { #expect(rig.tick([.reset]).state == .emergencyStop) }
        #expect(rig.last.refusal == .causeActive)
        rig.inputs.person.releaseIsPressed = false
        #expect(rig.tick([.reset]).refusal == .enableHeld)
        rig.inputs.person.enableIsHeld = false
        // Released for 199 ticks of 5 ms is not a second yet.
        for _ in 0..<200 { #expect(rig.tick([.reset]).refusal == .enableJustReleased) }
        #expect(rig.tick { $0.person.sticksAreNeutral = false }.state == .emergencyStop)
        #expect(rig.ticks(10).state == .emergencyStop, "the cause going away is never enough")
        #expect(rig.tick([.reset]) { $0.person.sticksAreNeutral = false }.refusal == .sticksNotNeutral)
        #expect(rig.tick([.reset]).state == .disarmed)
        return nil
      },
      Injection(58, "effort and error toggle every tick", reaction: "S2d within twice the time", bound: 80) {
        let rig = HardwareRig()
        rig.arm()
        rig.propose([0.1, 0])
        rig.enable()
        rig.tick([.start])
        rig.isHeld = true
        rig.ticks(60) { $0.joints.velocity[0] = 1 }
        var count = 0
        return rig.ticks(
          atMost: 200,
          {
            count += 1
            $0.joints.effort[0] = count.isMultiple(of: 2) ? 0 : 2.9
          }
        ) { $0.torqueShare < 1 }
      },
      Injection(58, "stop toggles every tick", reaction: "S2 at once, no authority in between", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        var ticks: Int?
        for count in 1...100 {
          let decision = rig.tick(count.isMultiple(of: 2) ? .none : [.stop])
          if ticks == nil && decision.source == .stop { ticks = count }
          #expect(decision.source == .stop)
        }
        #expect(rig.last.state == .hold && rig.finding == nil)
        return ticks
      },
    ]
  }
}
