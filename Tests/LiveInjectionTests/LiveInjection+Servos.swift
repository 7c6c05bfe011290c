import ArmModel
import Safety
import VirtualServos

// Rows 23 … 32: what servos and line do.
extension LiveInjection {
  private static func isMuted(_ look: LiveArm.Look) -> Bool { look.decision.state == .fault && !look.decision.writes }

  /// Something is wrong with the line for as long as it takes.
  private static func spoil(_ arm: LiveArm, _ edit: @escaping @Sendable (inout FaultSettings) -> Void) {
    arm.server.withBus { edit(&$0.faults) }
  }

  /// Servos are silent in the first `ticks` ticks, exactly.
  private static func mute(
    _ arm: LiveArm, _ ids: Set<UInt8>, for ticks: Int, until isSo: (LiveArm.Look) -> Bool
  ) throws -> Int? {
    try arm.injectByTick(within: ticks + 12) { tick in
      spoil(arm) { $0.mute = tick < ticks ? ids : [] }
    } until: {
      isSo($0)
    }
  }

  static var servoRows: [LiveInjection] {
    [
      LiveInjection(23, "servo 3 mute for 1 tick", reaction: "ignored", bound: nil) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try mute(arm, [3], for: 1) { isStopped($0) }
        try demand(arm.all(from: start).contains { $0.inputs.joints.age[2] > 0.9 * LiveArm.seconds }, "nobody was mute")
        return ticks
      },
      LiveInjection(
        23, "servo 3 mute for 3 ticks", reaction: "S2, latched", bound: 3, causes: [.jointSilent]
      ) { arm in
        try arm.run()
        let ticks = try mute(arm, [3], for: 3) { isStopped($0) }
        spoil(arm) { $0.mute = [] }
        try stays(arm, in: .faultHold)
        return ticks
      },
      LiveInjection(
        23, "servo 3 mute for 20 ticks", reaction: "SX: silence, FAULT", bound: 20,
        causes: [.jointSilent, .observationStale, .armMute]
      ) { arm in
        try arm.run()
        let ticks = try mute(arm, [3], for: 40) { isMuted($0) }
        let goals = arm.server.state.servos.map(\.goal)
        try arm.rest(5)
        try demand(arm.server.state.servos.map(\.goal) == goals, "something was written")
        return ticks
      },
      LiveInjection(
        24, "all servos mute (bus cut)", reaction: "S2 attempt, then SX: FAULT", bound: 3,
        causes: [.jointSilent, .observationStale, .armMute]
      ) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try mute(arm, [1, 2, 3], for: 60) { isStopped($0) }
        guard let first = try arm.find(from: start, within: 60, { isStopped($0) }),
          let silent = try arm.find(from: first, within: 60, { isMuted($0) })
        else { return nil }
        try demand(silent - first <= 18, "muted \(silent - first) periods after the stop")
        return ticks
      },
      LiveInjection(
        25, "bit flips, 1 in 1000, on replies", reaction: "no wrong value accepted; stopped within a second", bound: 50,
        causes: [.busErrors, .jointSilent, .observationStale]
      ) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try arm.inject(within: 200) {
          spoil(arm) { $0.bitErrorsToHost = 1e-3 }
        } until: {
          isStopped($0)
        }
        try arm.rest(20)
        // The arm moves by at most 0.02 rad a tick, and three encoder steps are 0.005.
        let looks = arm.all(from: start)
        for (before, after) in zip(looks, looks.dropFirst()) {
          for joint in 0..<3 {
            let leap = (after.inputs.joints.position[joint] - before.inputs.joints.position[joint]).magnitude
            try demand(leap < 0.02 * 4 + 0.005, "a wrong value was believed: a leap of \(leap) rad")
          }
        }
        return ticks
      },
      LiveInjection(26, "every answer comes twice", reaction: "discarded and counted", bound: nil) { arm in
        try arm.run()
        func counted() -> UInt64 { arm.last.map { $0.counters.duplicates &+ $0.counters.stale } ?? 0 }
        let before = counted()
        spoil(arm) { $0.duplicate = 1 }
        try demand(arm.rest(40).decision.state == .policy)
        try demand(counted() > before + 20, "nothing was counted")
        return nil
      },
      LiveInjection(27, "answers come in pieces", reaction: "put together", bound: nil) { arm in
        try arm.run()
        spoil(arm) { $0.split = 0.1 }
        try demand(arm.rest(30).decision.state == .policy)
        return nil
      },
      LiveInjection(
        28, "replies delayed by 5 periods", reaction: "S2", bound: 4,
        causes: [.jointSilent, .observationStale, .armMute]
      ) { arm in
        try arm.run()
        return try arm.inject {
          spoil(arm) {
            $0.late = 1
            $0.lateBy = 5 * LiveArm.period
          }
        } until: {
          isStopped($0)
        }
      },
      LiveInjection(
        29, "line hung up", reaction: "SX: FAULT; no reset leads further than DISARMED", bound: 2,
        causes: [.armFailed, .writeFailed, .jointSilent, .observationStale, .armMute]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.unplug()
        } until: {
          isMuted($0)
        }
        arm.ask([.reset, .arm, .start])
        try demand(arm.rest(5).decision.writes == false)
        return ticks
      },
      LiveInjection(
        31, "servo starts again, torque 0", reaction: "S2, latched; never torqued again by itself", bound: 3,
        causes: [.torqueLost, .jointSilent, .trackingError, .obstructed, .standstillLost]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.server.withBus { $0.cutPower(1, for: 0, at: $0.state.time) }
        } until: {
          isStopped($0)
        }
        arm.ask([.arm, .start])
        try arm.rest(20)
        try demand(!arm.server.state.servos[1].isTorqueOn, "torqued again")
        return ticks
      },
      LiveInjection(
        32, "error bit: overload", reaction: "S2d: 30 % of the torque, then S0 after 0.5 s", bound: 3,
        causes: [.servoOverload, .torqueLost]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.server.withBus { $0.faults.overload = [.init(id: 2, request: $0.state.counts.instructions + 2)] }
        } until: {
          isStopped($0)
        }
        guard try arm.find(from: arm.count, within: 60, { $0.decision.state == .fault }) != nil else { return nil }
        try arm.rest(5)
        try demand(arm.server.state.servos.allSatisfy { !$0.isTorqueOn }, "under torque")
        return ticks
      },
    ]
  }
}
