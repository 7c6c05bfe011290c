import ArmModel
import CSystem
import ServoBus
import ServoWire
import TestSupport
import Testing
import VirtualServos

/// The driver and a board in two threads, in real time, at the two ends of a socket pair.
@Suite struct SocketPairTests {
  /// Serves a board and connects an arm to it. Answers may be a thread's pause late on a busy machine.
  private func run(
    _ change: (inout Rig) -> Void = { _ in }, _ body: (BoardServer, inout BoardArm) throws -> Void
  ) throws {
    var rig = Rig(period: 20_000_000)
    // Longer than a busy machine keeps a thread waiting.
    rig.configuration.watchdog = 1_000_000_000
    change(&rig)
    let (server, host) = try BoardServer.socketPair(VirtualBoard(rig.board))
    defer { server.stop() }
    var arm = try BoardArm.connect(Transport(descriptor: host), configuration: rig.configuration)
    try body(server, &arm)
  }

  /// Ticks of 20 ms; how many had no error, and what those asked of the allocator.
  private func drive(_ arm: inout BoardArm, ticks: Int, goal: [Double]) -> (clean: Int, allocations: Int, frees: Int) {
    var state = JointState(count: 3)
    let goal = JointVector(goal)
    var (clean, allocations, frees) = (0, 0, 0)
    for _ in 0..<ticks {
      let now = sinew_now_ns()
      var isClean = true
      let count = AllocationCount.during {
        do throws(ArmError) {
          try arm.read(into: &state, now: now)
          if arm.power == .on {
            try arm.write(JointCommand(mode: .position, goal: goal, stamp: now))
          } else {
            try arm.energise(now: now)
          }
        } catch { isClean = false }
      }
      _ = sinew_sleep_until_ns(now + 20_000_000)
      guard isClean else { continue }
      clean += 1
      allocations += count.allocations
      frees += count.frees
    }
    return (clean, allocations, frees)
  }

  @Test func `An arm is armed, moved, stopped and left without torque`() throws {
    try run { server, arm in
      let first = drive(&arm, ticks: 100, goal: [0.4, 0.1, 0.3])
      #expect(first.clean > 50)
      #expect(arm.power == .on)
      #expect(abs(server.state.pulses[2] - Rig.pulse(0, 0.4)) < 0.3)
      try arm.finish(deadline: sinew_now_ns() + 2_000_000_000)
      #expect(server.state.state == .idle)
      #expect(server.state.pulses.allSatisfy { $0 == 0 })
    }
  }

  @Test func `A host that dies is noticed by its silence: hold, then off`() throws {
    try run({ $0.configuration.watchdog = 200_000_000 }) { server, arm in
      for _ in 0..<5 where server.state.state != .active { _ = drive(&arm, ticks: 20, goal: Rig.park) }
      #expect(server.state.state == .active)
      let end = sinew_now_ns() + 10_000_000_000
      while server.state.state != .safe, sinew_now_ns() < end { _ = sinew_sleep_until_ns(sinew_now_ns() + 5_000_000) }
      #expect(server.state.state == .safe && server.state.cause == .watchdogOff)
      #expect(!server.state.hasRail)
    }
  }

  @Test(.enabled(if: AllocationCount.isAvailable)) func `Ticks ask nothing of the allocator, faults or not`() throws {
    try run({ $0.board.faults.bitErrors = 1e-4 }) { server, arm in
      // Everything once, so that the first call of each path is over.
      _ = drive(&arm, ticks: 30, goal: Rig.park)
      do throws(ArmError) { try arm.release(now: sinew_now_ns()) } catch {}
      _ = drive(&arm, ticks: 20, goal: Rig.park)
      let running = drive(&arm, ticks: 100, goal: Rig.park)
      #expect(running.clean > 20)
      #expect(running.allocations == 0 && running.frees == 0)
    }
  }
}

/// The driver at a path, which it can open again.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ReconnectionTests {
  @Test func `A board that has started again is connected to without torque, and counts go on`() throws {
    let rig = Rig(period: 20_000_000)
    let server = try BoardServer.pseudoTerminal(VirtualBoard(rig.board))
    defer { server.stop() }
    var arm = try BoardArm.connect(path: server.portName, baud: nil, configuration: rig.configuration)
    var state = JointState(count: 3)
    func tick(_ arm: inout BoardArm) -> ArmError.Code? {
      let now = sinew_now_ns()
      defer { _ = sinew_sleep_until_ns(now + 20_000_000) }
      do throws(ArmError) {
        try arm.read(into: &state, now: now)
        if arm.power != .on { try arm.energise(now: now) }
        return nil
      } catch { return error.code }
    }
    for _ in 0..<200 where arm.power != .on { _ = tick(&arm) }
    #expect(arm.power == .on)
    server.withBoard { $0.reset() }
    for _ in 0..<200 where tick(&arm) != .disconnected {}
    #expect(arm.power == .unknown)
    let before = arm.counters
    try arm.reconnect()
    #expect(arm.power == .off && server.state.state == .idle && !server.state.hasRail)
    #expect(arm.counters.sent > before.sent && arm.counters.received > before.received)
    #expect(arm.report.bootCount == 2)
    for _ in 0..<200 where arm.power != .on { _ = tick(&arm) }
    #expect(arm.power == .on)
    try arm.finish(deadline: sinew_now_ns() + 2_000_000_000)
  }
}
