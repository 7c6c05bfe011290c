import ArmModel
import Safety

// Rows 1 … 10, 55 … 58: the operator, from another thread at any moment of the control period.
extension LiveInjection {
  /// Nobody moves the arm any more.
  static func isStopped(_ look: LiveArm.Look) -> Bool {
    look.decision.source != .policy && look.decision.source != .person && look.decision.source != .blend
  }

  /// The arm came to rest in a state, and its servos' goals stay where they are.
  static func stays(_ arm: LiveArm, in state: SafetyState) throws {
    try arm.reach(state)
    try arm.rest(3)
    let goals = arm.server.state.servos.map(\.goal)
    try arm.rest(8)
    try demand(arm.last?.decision.state == state, "\(arm.last.map { "\($0.decision.state)" } ?? "")")
    try demand(
      arm.server.state.servos.map(\.goal) == goals && arm.server.state.servos.allSatisfy(\.isTorqueOn), "moves")
  }

  static var operatorRows: [LiveInjection] {
    [
      LiveInjection(1, "stop button at full speed", reaction: "S2, hold", bound: 1, causes: [.stopRequested]) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.order { $0.person.stopIsPressed = true }
        } until: {
          isStopped($0)
        }
        arm.order { $0.person.stopIsPressed = false }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        2, "S0 chord", reaction: "torque off, emergency stop latched", bound: 1, causes: [.releaseRequested]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.order { $0.person.releaseIsPressed = true }
        } until: {
          $0.decision.power == .release && $0.decision.state == .emergencyStop && !$0.decision.writes
        }
        try arm.rest(12)
        try demand(arm.server.state.servos.allSatisfy { !$0.isTorqueOn }, "under torque")
        // Torque register (0x28) of everybody, 0: as a broadcast, or for each servo by a sync write.
        let sent = arm.server.recording.filter { $0.kind == .host }.flatMap(\.bytes)
        let frames =
          sent.ranges(of: [0xFF, 0xFF, 0xFE, 0x04, 0x03, 0x28, 0x00]).count
          + sent.ranges(of: [0x83, 0x28, 0x01, 0x01, 0x00]).count
        try demand(frames >= 3, "\(frames) torque-off frames")
        arm.order { $0.person.releaseIsPressed = false }
        arm.ask([.arm, .start])
        try arm.rest(5)
        try demand(arm.last?.decision.state == .emergencyStop, "left without a reset")
        return ticks
      },
      LiveInjection(3, "enable released mid-motion", reaction: "S2, hold", bound: 1, causes: [.enableReleased]) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.order { $0.person.enableIsHeld = false }
        } until: {
          isStopped($0)
        }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        4, "gamepad gone while its stick is deflected", reaction: "S2; no stick value is used again", bound: 1,
        causes: [.operatorLost]
      ) { arm in
        try arm.teleoperate()
        let ticks = try arm.inject {
          arm.order { $0.person.isPresent = false }
        } until: {
          isStopped($0)
        }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        5, "replugged with the stick deflected and enable held", reaction: "stays in hold until neutral and a new edge",
        bound: nil, causes: [.operatorLost]
      ) { arm in
        try arm.teleoperate()
        arm.order { $0.person.isPresent = false }
        try arm.reach(.hold)
        arm.order {
          $0.person.isPresent = true
          $0.person.sticksAreNeutral = false
        }
        try stays(arm, in: .hold)
        try arm.enable()
        try stays(arm, in: .hold)
        arm.order { $0.person.sticksAreNeutral = true }
        try stays(arm, in: .hold)
        try arm.enable()
        try arm.reach(.teleoperation, within: 5)
        return nil
      },
      LiveInjection(
        6, "wireless gamepad silent, enable held", reaction: "S2", bound: 152, causes: [.operatorSilent]
      ) { arm in
        try arm.teleoperate()
        arm.order { $0.stick = -0.05 }
        let ticks = try arm.inject(within: 300) {
          arm.order {
            $0.person.isWireless = true
            $0.isSilent = true
          }
        } until: {
          isStopped($0)
        }
        arm.order { $0.isSilent = false }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        7, "SYN_DROPPED with a lost release", reaction: "enable counts as released: S2", bound: 1,
        causes: [.operatorEventsLost]
      ) { arm in
        try arm.teleoperate()
        let ticks = try arm.inject {
          arm.order { $0.person.hasLostEvents = true }
        } until: {
          isStopped($0)
        }
        arm.order { $0.person.hasLostEvents = false }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(9, "stuck enable at arm time", reaction: "arming refused", bound: 1) { arm in
        arm.order {
          $0.person.isPresent = true
          $0.person.enableIsDown = true
        }
        try arm.rest(3)
        let ticks = try arm.inject {
          arm.ask(.arm)
        } until: {
          $0.decision.refusal == .enableHeld
        }
        try arm.rest(10)
        try demand(
          arm.last?.decision.state == .disarmed && !arm.server.state.servos.contains { $0.isTorqueOn }, "armed")
        return ticks
      },
      LiveInjection(
        10, "10,000 events a second", reaction: "none; the last value counts", bound: nil, causes: [.stopRequested]
      ) { arm in
        try arm.teleoperate()
        for event in 0..<5000 {
          arm.order {
            $0.stick = Double(event % 200 - 100) * 0.01
            $0.person.sticksAreNeutral = false
          }
          if event % 50 == 0 { wait(5_000_000) }
        }
        try demand(arm.last?.decision.state == .teleoperation, "no longer in authority")
        let ticks = try arm.inject {
          arm.order { $0.person.stopIsPressed = true }
        } until: {
          isStopped($0)
        }
        try demand(ticks == 1, "the stop behind the flood took \(ticks ?? 0) periods")
        return nil
      },
      LiveInjection(
        55, "start, arm, reset and more over the network", reaction: "refused", bound: nil
      ) { arm in
        try arm.run()
        let all = OperatorRequests(rawValue: 0x3ff & ~OperatorRequests.stop.rawValue)
        let refused = try arm.inject {
          arm.order { $0.remoteRequests = all }
        } until: {
          $0.decision.refusal == .notLocal
        }
        try demand(refused != nil && arm.rest(5).decision.state == .policy)
        return nil
      },
      LiveInjection(56, "stop over the network", reaction: "S2, hold", bound: 1, causes: [.stopRequested]) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.order { $0.remoteRequests = .stop }
        } until: {
          isStopped($0)
        }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        57, "reset spam while the cause is active", reaction: "stays latched", bound: nil, causes: [.releaseRequested]
      ) { arm in
        try arm.run()
        arm.order { $0.person.releaseIsPressed = true }
        try arm.reach(.emergencyStop)
        for _ in 0..<20 {
          arm.ask(.reset)
          try demand(arm.rest(1).decision.state == .emergencyStop, "left")
        }
        return nil
      },
      LiveInjection(
        58, "stop toggles every tick", reaction: "S2 at once, no authority in between", bound: 1,
        causes: [.stopRequested]
      ) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try arm.injectByTick { tick in
          arm.order { $0.person.stopIsPressed = tick.isMultiple(of: 2) }
        } until: {
          isStopped($0)
        }
        guard let ticks else { return nil }
        try arm.rest(20)
        let first = arm.all(from: start).firstIndex(where: isStopped) ?? 0
        try demand(arm.all(from: start + first).allSatisfy(isStopped), "authority came back")
        // The hook sets what the tick after it sees.
        return ticks - 1
      },
    ]
  }
}
