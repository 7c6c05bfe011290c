import ArmModel
import Safety
import Testing

// Rows 1 … 9: the operator and the device.
extension Injection {
  static var operatorRows: [Injection] {
    [
      Injection(1, "stop button in POLICY at full speed", reaction: "S2, holds the goal it came to rest at", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.person.stopIsPressed = true
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.stopRequested])
        #expect(rig.comesToRest(in: .hold))
        return ticks
      },
      Injection(2, "S0 chord", reaction: "three torque-off frames, emergency stop latched", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.person.releaseIsPressed = true
        let ticks = rig.ticks(atMost: 10) { $0.power == .release }
        #expect(rig.last.state == .emergencyStop && !rig.last.writes)
        rig.ticks(20)
        #expect(rig.releases == 3, "the arm has confirmed it by then")
        #expect(rig.last.latched.conditions == [.releaseRequested])
        return ticks
      },
      Injection(3, "enable released mid-motion", reaction: "S2, at rest by speed, deceleration and jerk", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.person.enableIsHeld = false
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.enableReleased])
        // 2 rad/s at 20 rad/s² and 1000 rad/s³: 0.1 s and twice 0.02 s, in ticks of 5 ms, each phase rounded up.
        #expect(rig.comesToRest(in: .hold, within: 31))
        return ticks
      },
      Injection(4, "gamepad gone (ENODEV)", reaction: "S2; no stick value is used again", bound: 1) {
        let rig = HardwareRig()
        rig.teleoperate()
        rig.inputs.person.isPresent = false
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.operatorLost])
        #expect(rig.comesToRest(in: .hold))
        let goal = rig.core.commandedGoal
        rig.ticks(100)
        #expect(rig.core.commandedGoal == goal)
        return ticks
      },
      Injection(
        5, "replugged with the stick deflected and enable held", reaction: "stays in hold until neutral and a new edge",
        bound: nil
      ) {
        let rig = HardwareRig()
        rig.teleoperate()
        rig.inputs.person.isPresent = false
        #expect(rig.comesToRest(in: .hold))
        rig.inputs.person.isPresent = true
        rig.inputs.person.sticksAreNeutral = false
        #expect(rig.ticks(2000).state == .hold)
        rig.inputs.person.enableIsHeld = false
        rig.tick()
        rig.inputs.person.enableIsHeld = true
        #expect(rig.ticks(100).state == .hold, "the stick is still deflected at the edge")
        rig.inputs.person.sticksAreNeutral = true
        #expect(rig.ticks(100).state == .hold, "neutral came after the edge")
        rig.enable()
        #expect(rig.last.state == .teleoperation)
        return nil
      },
      Injection(6, "wireless gamepad silent, enable held", reaction: "S2", bound: 601) {
        let rig = HardwareRig()
        rig.teleoperate()
        rig.inputs.person.isWireless = true
        let silentSince = rig.now
        let ticks = rig.ticksToStop(atMost: 1000) { $0.person.lastEvent = silentSince }
        #expect(rig.last.active.conditions == [.operatorSilent])
        #expect(rig.comesToRest(in: .hold) { $0.person.lastEvent = silentSince })
        #expect(rig.ticks(500).state == .hold, "a new edge is needed")
        rig.enable()
        // A reader that hears more than events notices sooner, takes enable away, and names the cause.
        let told = rig.ticksToStop(atMost: 10) {
          $0.person.enableIsHeld = false
          $0.person.hasGoneSilent = true
        }
        #expect(told == 1 && rig.last.active.conditions == [.operatorSilent])
        return ticks
      },
      Injection(7, "SYN_DROPPED with a lost release", reaction: "enable counts as released: S2", bound: 1) {
        let rig = HardwareRig()
        rig.teleoperate()
        rig.inputs.person.hasLostEvents = true
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.operatorEventsLost])
        rig.ticks(3)
        rig.inputs.person.hasLostEvents = false
        #expect(rig.ticks(300).state == .hold, "held without a new edge is not enabled")
        return ticks
      },
      Injection(9, "stuck enable at arm time", reaction: "arming refused, with its reason", bound: 1) {
        let rig = HardwareRig()
        rig.inputs.person.enableIsHeld = true
        rig.tick()
        let decision = rig.tick([.arm])
        #expect(decision.state == .disarmed && decision.refused == .arm && decision.refusal == .enableHeld)
        rig.inputs.person.enableIsHeld = false
        // Down since before the device was there: nobody trusts it, and it is no less stuck.
        rig.inputs.person.enableIsDown = true
        #expect(rig.tick([.arm]).refusal == .enableHeld)
        rig.inputs.person.enableIsDown = false
        rig.inputs.person.sticksAreNeutral = false
        #expect(rig.tick([.arm]).refusal == .sticksNotNeutral)
        rig.inputs.person.sticksAreNeutral = true
        #expect(rig.tick([.arm]).state == .arming)
        return 1
      },
      Injection(55, "telemetry sends start, arm, reset and everything else", reaction: "refused", bound: nil) {
        let rig = HardwareRig()
        rig.tick()
        let everything = OperatorRequests(rawValue: 0x3ff & ~OperatorRequests.stop.rawValue)
        let decision = rig.tick { $0.remoteRequests = everything }
        #expect(decision.state == .disarmed && decision.refused == everything && decision.refusal == .notLocal)
        rig.run()
        let speed = rig.last.command.goal[0]
        #expect(rig.tick { $0.remoteRequests = everything }.state == .policy)
        #expect(rig.last.command.goal[0] > speed)
        return nil
      },
      Injection(56, "telemetry stop", reaction: "S2", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.remoteRequests = .stop }
        #expect(rig.last.active.conditions == [.stopRequested])
        #expect(rig.comesToRest(in: .hold))
        return ticks
      },
    ]
  }
}
