import ArmModel
import CSystem
import Safety

// Rows 30, 39, 40: a far end that does not read, a loop that is late, a process that stood still.
extension LiveInjection {
  static func wait(_ nanoseconds: Int64) { _ = sinew_sleep_until_ns(sinew_now_ns() + nanoseconds) }

  static var loopRows: [LiveInjection] {
    [
      LiveInjection(
        30, "the far end does not read for 1 s", reaction: "the loop never blocks; SX: FAULT", bound: 21,
        causes: [.writeFailed, .jointSilent, .observationStale, .armMute]
      ) { arm in
        try arm.run()
        // Little room, so that a far end that does not read is noticed.
        if arm.host >= 0 { shrinkSendBuffer(arm.host) }
        let start = arm.count
        // Who holds the bus keeps its thread from reading.
        arm.server.withBus { _ in wait(1_000_000_000) }
        guard let found = try arm.find(from: start, within: 60, { $0.decision.state == .fault && !$0.decision.writes })
        else { return nil }
        let ticks = arm.all(from: start)
        try demand(ticks.count > 30, "\(ticks.count) ticks in a second: the loop was kept waiting")
        return found - start + 1
      },
      LiveInjection(39, "one tick late by 0.6 periods", reaction: "counted", bound: nil) { arm in
        try arm.run()
        let start = arm.count
        let ticks = try arm.injectByTick(within: 15) {
          if $0 == 0 { wait(32_000_000) }
        } until: {
          isStopped($0)
        }
        try demand(arm.all(from: start).contains { $0.inputs.lateness > LiveArm.period / 2 }, "none was late")
        return ticks
      },
      LiveInjection(
        39, "every tick late by 0.6 periods", reaction: "S2 once the budget is spent", bound: 14,
        causes: [.overrunBudgetSpent, .proposalLate]
      ) { arm in
        try arm.run()
        let ticks = try arm.injectByTick(within: 60) { _ in
          wait(32_000_000)
        } until: {
          $0.decision.active.has(.overrunBudgetSpent)
        }
        try arm.settle()
        return ticks
      },
      LiveInjection(
        39, "one gap of 20 periods", reaction: "S2, and the measured pose is the new reference", bound: 2,
        causes: [.timeGap, .proposalLate, .overrunBudgetSpent]
      ) { arm in
        try arm.run()
        let ticks = try arm.injectByTick(within: 15) {
          if $0 == 0 { wait(20 * LiveArm.period) }
        } until: {
          $0.decision.active.has(.timeGap)
        }
        guard let look = arm.all().last(where: { $0.decision.active.has(.timeGap) }) else { return nil }
        try demand(
          isStopped(look)
            && (look.decision.command.goal[0] - look.inputs.joints.position[0]).magnitude < 0.02, "not from measured")
        return ticks
      },
      LiveInjection(
        40, "stands still for 3 s, as by SIGSTOP", reaction: "no catching up; S2 in the first tick, new edge needed",
        bound: 2, causes: [.timeGap, .proposalLate, .overrunBudgetSpent]
      ) { arm in
        try arm.run()
        let ticks = try arm.injectByTick(within: 15) {
          if $0 == 0 { wait(3_000_000_000) }
        } until: {
          $0.decision.active.has(.timeGap)
        }
        guard let first = arm.all().firstIndex(where: { $0.decision.active.has(.timeGap) }) else { return nil }
        try stays(arm, in: .hold)
        arm.ask(.start)
        try demand(arm.rest(3).decision.state == .hold, "started without a new edge")
        // Where the loop was in time again it keeps to its grid: no burst.
        let looks = arm.all(from: first)
        for (before, after) in zip(looks, looks.dropFirst()) where before.inputs.lateness < 2_000_000 {
          try demand(after.began - before.began > LiveArm.period / 2, "two ticks in one period")
        }
        return ticks
      },
    ]
  }
}
