import ArmModel
import ServoBus
import ServoWire
import Testing
import VirtualServos

/// The arm behind a board that behaves.
@Suite struct DriverTests {
  @Test func `Connecting switches nothing on, pushes the limits and reads them back`() throws {
    try Rig().run { line, bench in
      #expect(line.board.state.state == .idle)
      #expect(bench.arm.power == .off)
      #expect(bench.arm.report.firmware == "1.0")
      #expect(bench.arm.report.channels == 6)
      #expect(bench.arm.report.changedSettings >= 20)
      var port = BoardPort(line.makeTransport(), baud: 115_200, session: 77)
      try port.open()
      let settings = try port.readAllSettings()
      func value(_ name: String) throws -> UInt16 {
        try #require(settings.first { $0.setting.name == name }).value
      }
      #expect(try value("ttl_max_ms") == 100)
      #expect(try value("voltage_min_mv") == 4800)
      #expect(try value("channel 2 pulse_min") == 2800)
      #expect(try value("channel 2 pulse_max") == 9200)
      // 2 rad/s at 600 µs a radian, and a quarter more.
      #expect(try value("channel 2 rate") == 1500)
      #expect(try value("channel 0 start") == UInt16(Rig.pulse(1, -0.2) * 4))
      #expect(try value("channel 3 kind") == 0)
    }
  }

  @Test func `What the board is wired like stays as it was`() throws {
    let line = BoardLine(Rig().board)
    line.advance(to: line.now + 20_000_000)
    var port = BoardPort(line.makeTransport(), baud: 115_200, session: 9)
    try port.open()
    let rail = try #require(BoardSetting.named("rail_active_low", channels: 6))
    let off = try #require(BoardSetting.named("off_ms", channels: 6))
    try port.writeSettings([(rail.key, 1), (off.key, 700)])
    let arm = try BoardArm.connect(line.makeTransport(), configuration: Rig().configuration, session: 10)
    #expect(arm.report.offAfter == 700)
    #expect(try port.open().result == .ok)
    #expect(try port.readSettings(key: rail.key, count: 1) == [1])
  }

  @Test func `Torque comes on at the park pose, and no pulse is anywhere else`() throws {
    try Rig().run { line, bench in
      bench.ticks(5)
      // Without torque the state says where it would come on.
      for joint in 0..<3 { #expect(abs(bench.state.position[joint] - Rig.park[joint]) < 1e-3) }
      #expect(bench.state.present.contains(.commanded))
      #expect(!bench.state.present.contains(.effort))
      #expect(line.board.state.pulses.allSatisfy { $0 == 0 })
      bench.energise()
      #expect(bench.arm.power == .on)
      #expect(line.board.state.state == .active)
      for joint in 0..<3 {
        #expect(abs(line.board.pulse(Int(Rig.channels[joint])) - Rig.pulse(joint, Rig.park[joint])) < 0.3)
      }
      #expect(line.board.pulse(3) == 0)
      bench.tick(.move(Rig.park))
      #expect(bench.readError == nil && bench.actError == nil)
      for joint in 0..<3 { #expect(abs(bench.state.position[joint] - Rig.park[joint]) < 1e-3) }
    }
  }

  @Test func `What a board measures of positions is read past, and said to be`() throws {
    var rig = Rig()
    rig.board.feedback = [100, 200, 300, 400, 500, 600]
    try rig.run { line, bench in
      #expect(bench.arm.report.notes.contains { $0.contains("measures positions") })
      bench.energise()
      let goal = [0.2, 0.1, 0.4]
      for _ in 0..<60 { bench.tick(.move(goal)) }
      #expect(bench.readError == nil && bench.actError == nil)
      let measured = bench.arm.reading.message.feedback
      #expect((0..<measured.count).map { measured[$0] } == rig.board.feedback)
      for joint in 0..<3 { #expect(abs(bench.state.position[joint] - goal[joint]) < 1e-3) }
      #expect(bench.state.present.contains(.commanded))
    }
    try Rig().run { _, bench in #expect(!bench.arm.report.notes.contains { $0.contains("measures positions") }) }
  }

  @Test func `Goals are pulses by the calibration, followed at the board's rate`() throws {
    try Rig().run { line, bench in
      bench.energise()
      let goal = [0.4, 0.3, 0.2]
      var fastest = 0.0
      for _ in 0..<100 {
        bench.tick(.move(goal))
        #expect(bench.readError == nil && bench.actError == nil)
        fastest = max(fastest, bench.state.velocity.largestMagnitude)
      }
      for joint in 0..<3 {
        #expect(abs(line.board.pulse(Int(Rig.channels[joint])) - Rig.pulse(joint, goal[joint])) < 0.3)
        #expect(abs(bench.state.position[joint] - goal[joint]) < 1e-3)
      }
      // 2 rad/s and a quarter more, and the rounding of a pulse within 10 ms.
      #expect(fastest > 1 && fastest < 2.5 + 0.2)
      #expect(bench.state.velocity.largestMagnitude < 0.05)
    }
  }

  @Test func `A tick costs one setpoint and one state, and each datum is younger than a tick and a half`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(20, .move(Rig.park))
      let before = bench.arm.counters
      var oldest = 0.0
      for _ in 0..<200 {
        bench.tick(.move(Rig.park))
        oldest = max(oldest, bench.state.age.largestMagnitude)
      }
      let after = bench.arm.counters
      #expect(after.setpoints - before.setpoints == 200)
      #expect(after.states - before.states == 200)
      // Besides the setpoints only the clocks' comparisons, five a second.
      #expect((195...213).contains(Int(after.sent - before.sent)))
      #expect(after.timeouts == before.timeouts)
      #expect(oldest < 0.015)
    }
  }

  @Test func `The age is true by the board's own clock, also when that runs half a percent fast`() throws {
    var rig = Rig()
    rig.boardRate = 1.005
    try rig.run { line, bench in
      bench.energise()
      bench.ticks(1000, .move(Rig.park))
      #expect(abs(bench.arm.clock.drift - 0.005) < 2e-4)
      for _ in 0..<100 {
        bench.tick(.move(Rig.park))
        // The board says STATE when the setpoint's last byte has come: 1.6 ms behind the tick at 18 bytes; read at the next.
        #expect(bench.state.age[0] > 0.006 && bench.state.age[0] < 0.0105, "age \(bench.state.age[0])")
      }
    }
  }

  @Test func `The board's clock may wrap`() throws {
    var clock = BoardClock()
    var board: UInt32 = 0 &- 500_000
    for step in 0..<200 {
      let sent = Int64(step) * 10_000_000
      clock.note(sent: sent, received: board, answered: board, now: sent + 1_000_000)
      #expect(abs(clock.host(board) - (sent + 500_000)) < 20_000)
      board &+= 10_000
    }
  }

  @Test func `A board's clock that was held up is followed anew`() throws {
    var clock = BoardClock()
    for step in 0..<100 {
      let sent = Int64(step) * 50_000_000
      // After two seconds the board's clock stands for one.
      let board = UInt32(step * 50_000 - (step > 40 ? 1_000_000 : 0))
      clock.note(sent: sent, received: board, answered: board, now: sent + 1_000_000)
      #expect((clock.host(board) - sent - 500_000).magnitude < 1_000_000, "step \(step)")
    }
  }

  @Test func `Releasing disarms, and torque comes on again by the whole sequence`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(20, .move([0.3, 0, 0.3]))
      bench.tick(.release)
      bench.ticks(2)
      #expect(bench.arm.power == .off)
      #expect(line.board.state.state == .idle)
      #expect(line.board.state.pulses.allSatisfy { $0 == 0 })
      bench.tick(.move(Rig.park))
      #expect(bench.actError?.code == .notEnergised)
      bench.energise()
      #expect(bench.arm.power == .on)
      // Again where the outputs come on, whatever was commanded before.
      #expect(abs(bench.state.position[0] - Rig.park[0]) < 0.02)
    }
  }

  @Test func `Goals outside the calibrated pulses, not finite, or too many, are refused and nothing is sent`() throws {
    try Rig().run { _, bench in
      bench.energise()
      let before = bench.arm.counters.setpoints
      bench.tick(.move([3, 0, 0]))
      #expect(bench.actError?.code == .outOfRange && bench.actError?.joint == 0)
      bench.tick(.move([0, .nan, 0]))
      #expect(bench.actError?.code == .commandNotFinite && bench.actError?.joint == 1)
      bench.tick(.move([0, 0]))
      #expect(bench.actError?.code == .jointCountMismatch)
      #expect(bench.arm.counters.setpoints == before)
    }
  }

  @Test func `The end by release disarms and reads it back`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(5, .move(Rig.park))
      try bench.arm.finish(deadline: line.now + 1_000_000_000)
      #expect(line.board.state.state == .idle)
      #expect(bench.arm.power == .off)
    }
  }

  @Test func `The end by hold stops, and says for how long the board holds`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(5, .move(Rig.park))
      let error = #expect(throws: ServoArmError.self) {
        try bench.arm.finish(as: .hold, deadline: line.now + 1_000_000_000)
      }
      #expect(error?.message.contains("1000 ms") == true)
      #expect(line.board.state.state == .hold && line.board.state.cause == .stop)
      line.advance(to: line.now + 1_100_000_000)
      #expect(line.board.state.state == .safe)
    }
  }
}
