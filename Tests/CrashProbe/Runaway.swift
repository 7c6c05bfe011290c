import ArmModel
import CSystem
import Glibc
import RealTime
import ServoBus

/// A control thread that ticks for a while and then no longer does, with a watchdog beside it.
enum Runaway {
  /// The control period, and for how long the thread may stand still: ns.
  static let period: Int64 = 100_000_000
  static let limit = 4 * period

  /// How the thread goes astray.
  enum Manner: String {
    /// It does not.
    case ticking
    /// It spins for ever.
    case spinning
    /// It waits for what never comes.
    case waiting
    /// It goes on writing goals, one after the other, and never ends its tick.
    case writing
    /// It waits, and comes back as if nothing had happened, with another goal, when it was given up.
    case returning
  }

  /// Ticks until this process is dead. The caller's stop frame stands.
  static func run(_ arm: inout ServoArm, _ manner: Manner) throws -> Never {
    // As far as it is granted: a real loop is such a thread.
    let priority = sinew_thread_set_fifo(40) == 0 ? 40 : 0
    // An ordinary thread may have to wait for others, and shall not be ended for it.
    let patience = manner == .ticking && priority == 0 ? 10 * limit : limit
    let watchdog = try LoopWatchdog(
      limit: patience, priority: priority, processor: nil, words: "sinew: the words of a watchdog\n")
    // It watches as long as this process is there.
    _ = Unmanaged.passRetained(watchdog)
    var state = JointState(count: arm.jointCount)
    var command = JointCommand(mode: .position, goal: JointVector(repeating: 0, count: arm.jointCount), stamp: 0)
    var clock = TickClock(.monotonic)
    var schedule = TickSchedule(period: period)
    schedule.start(at: clock.now())
    for tick in 0... {
      clock.sleep(until: schedule.nextDeadline)
      let now = clock.now()
      _ = schedule.begin(at: now)
      watchdog.pulse.beat(now)
      try? arm.read(into: &state, now: now)
      if tick == 0 { command.goal = state.position }
      command.stamp = now
      for joint in 0..<arm.jointCount { command.goal[joint] += 0.002 }
      try? arm.write(command)
      let frame = arm.crashFrame
      if let start = frame.baseAddress { sinew_crash_stop_update(start, frame.count) }
      if tick == 5 { goAstray(&arm, manner, command) }
    }
    exit(70)
  }

  private static func goAstray(_ arm: inout ServoArm, _ manner: Manner, _ last: JointCommand) {
    var other = last
    for joint in 0..<arm.jointCount { other.goal[joint] -= 0.02 }
    switch manner {
    case .ticking: return
    case .spinning: while sinew_now_ns() != 0 {}
    // Not `while true`: before a loop that the compiler knows to be endless it destroys the arm, and so closes its port.
    case .waiting: while sinew_now_ns() != 0 { pause() }
    case .writing:
      while sinew_now_ns() != 0 {
        try? arm.write(other)
        _ = sinew_sleep_until_ns(sinew_now_ns() + 5_000_000)
      }
    case .returning:
      // To the millisecond in which the watchdog acts, and then as fast as it can.
      _ = sinew_sleep_until_ns(sinew_now_ns() + limit - 10_000_000)
      while sinew_now_ns() != 0 { try? arm.write(other) }
    }
  }
}
