import ArmModel
import Numerics
import Safety

// Rows 33 … 38: what the arm does, or cannot do.
extension LiveInjection {
  static var motionRows: [LiveInjection] {
    [
      LiveInjection(33, "encoder leaps by π/4 for a reading or two", reaction: "rejected", bound: nil) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try arm.injectByTick(within: 15) { tick in
          arm.joints { $0.offsets[1] = tick < 2 ? .pi / 4 : 0 }
        } until: {
          isStopped($0)
        }
        let looks = arm.all(from: start)
        let isRejected = looks.contains {
          $0.decision.notices.has(.measurementRejected) || $0.implausible > looks[0].implausible
        }
        try demand(isRejected, "it was believed, or not seen")
        return ticks
      },
      LiveInjection(
        33, "encoder leaps by π/4 for good", reaction: "the servo counts as faulty: S0, FAULT", bound: 6,
        causes: [.measurementJumped, .servoSensor, .jointSilent, .observationStale]
      ) { arm in
        try arm.raise()
        let ticks = try arm.inject {
          arm.joints { $0.offsets[1] = .pi / 4 }
        } until: {
          $0.decision.active.rawValue != 0
        }
        try arm.reach(.fault)
        try arm.rest(5)
        try demand(!arm.server.state.servos.contains(where: \.isTorqueOn), "under torque")
        return ticks
      },
      LiveInjection(
        35, "start pose outside a limit", reaction: "arms; a policy is refused; a person jogs inward only", bound: nil,
        starts: [1.5, 0, 0]
      ) { arm in
        try arm.raise()
        try demand((arm.last.map { $0.decision.command.goal[0] } ?? 0) > 1.45)
        try arm.enable()
        arm.ask(.start)
        try demand(arm.rest(2).decision.state != .policy, "a policy moves it")
        arm.order { $0.stick = 0 }
        try arm.enable()
        try arm.reach(.teleoperation, within: 10)
        arm.order { $0.stick = 1 }
        try arm.rest(20)
        try demand((arm.last.map { $0.decision.command.goal[0] } ?? 9) < 1.505, "moved outward")
        arm.order { $0.stick = -1 }
        guard try arm.find(from: arm.count, within: 60, { $0.inputs.joints.position[0] < 1.35 }) != nil else {
          throw Unmet(description: "does not come in")
        }
        return nil
      },
      LiveInjection(
        36, "joint blocked, load rises", reaction: "S2d: gives way with 30 % of its torque", bound: 20,
        causes: [.obstructed, .trackingError]
      ) { arm in
        try arm.run()
        return try arm.inject {
          arm.joints { $0.blocked = 1 }
        } until: {
          $0.decision.torqueShare < 1
        }
      },
      LiveInjection(
        37, "gravity pulls a joint 5° in HOLD", reaction: "standstill monitor: S1", bound: 10,
        // Let go of by what pulled at it, the joint leaps back.
        causes: [.standstillLost, .trackingError, .obstructed, .measurementJumped]
      ) { arm in
        try arm.raise()
        let ticks = try arm.inject {
          arm.joints { $0.pull = (1, 1.7, 0.0873) }
        } until: {
          $0.decision.active.has(.standstillLost)
        }
        arm.joints { $0.pull = nil }
        guard try arm.find(from: arm.count, within: 100, { $0.decision.power == .release }) != nil else { return nil }
        return ticks
      },
      LiveInjection(
        38, "goal beyond the workspace's wall", reaction: "stays clear of it; S2 after 0.5 s there", bound: 100,
        causes: [.collisionPredicted],
        setUp: {
          // The first joint turns a stick of 0.3 m about the vertical; a wall stands at y = 0.1 m.
          if let base = $0.capsules.addLink(parent: -1, position: .zero, orientation: .identity, joint: 0) {
            _ = $0.capsules.addCapsule(link: base, from: .zero, to: Vector3(0.3, 0, 0), radius: 0.02)
          }
          $0.capsules.workspaceUpper = Vector3(.infinity, 0.1, .infinity)
        }
      ) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try arm.inject(within: 200) {
          arm.setPolicy(.goal([1.2, 0, 0]))
        } until: {
          isStopped($0)
        }
        try arm.reach(.hold)
        let clear = arm.all(from: start).allSatisfy {
          !$0.decision.writes || arm.configuration.capsules.clearance(at: $0.decision.command.goal) >= 0.005 - 1e-9
        }
        try demand(clear && ticks ?? 0 > 25, "too near")
        return ticks
      },
    ]
  }
}
