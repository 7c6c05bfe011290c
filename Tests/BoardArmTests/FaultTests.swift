import ArmModel
import ServoBus
import ServoWire
import Testing
import VirtualServos

/// What goes wrong: on the line, with the board, with who owns it.
@Suite struct FaultTests {
  // MARK: At connect

  @Test func `Nobody there is said, with what to check`() throws {
    var rig = Rig()
    rig.board.faults.muteAt = 0
    rig.board.faults.muteFor = 10_000
    let error = #expect(throws: ServoArmError.self) { try rig.run { _, _ in } }
    #expect(error?.kind == .noAnswer)
    #expect(error?.description.contains("115200") == true)
  }

  @Test func `A board that starts while its port is opened is waited for`() throws {
    var rig = Rig()
    rig.board.faults.muteAt = 0
    rig.board.faults.muteFor = 1500
    try rig.run { _, bench in #expect(bench.arm.power == .off) }
  }

  @Test func `Another version of the protocol is refused, both versions named`() throws {
    let line = BoardLine(Rig().board)
    line.advance(to: line.now + 20_000_000)
    line.alterToHost = { bytes in
      Frames.change(bytes, HelloAckMessage.type) { body in
        guard var ack = HelloAckMessage(body) else { return body }
        ack.major = 2
        ack.schema = 0xDEAD_BEEF
        ack.session = 0
        ack.result = .schemaMismatch
        var changed = FrameBody()
        ack.write(to: &changed, sequence: body.sequence)
        return changed
      }
    }
    let error = #expect(throws: ServoArmError.self) {
      _ = try BoardArm.connect(line.makeTransport(), configuration: Rig().configuration, session: 5)
    }
    #expect(error?.kind == .firmwareMismatch)
    #expect(error?.message.contains("0xDEADBEEF") == true && error?.message.contains("0xD3FF7B24") == true)
    #expect(error?.suggestion.contains("flash") == true)
  }

  @Test func `A setting that does not stay is an error`() throws {
    let line = BoardLine(Rig().board)
    line.advance(to: line.now + 20_000_000)
    line.alterToHost = { bytes in
      Frames.change(bytes, ConfigMessage.type) { body in
        guard let found = ConfigMessage(body), found.key == BoardSetting.key(channel: 2, 0) else { return body }
        var other = ConfigMessage()
        other.key = found.key
        for index in 0..<found.values.count { other.values.append(index == 2 ? 9999 : found.values[index]) }
        var changed = FrameBody()
        other.write(to: &changed, sequence: body.sequence)
        return changed
      }
    }
    let error = #expect(throws: ServoArmError.self) {
      _ = try BoardArm.connect(line.makeTransport(), configuration: Rig().configuration, session: 5)
    }
    #expect(error?.kind == .notConfirmed)
    #expect(error?.message.contains("channel 2 pulse_max") == true)
  }

  @Test(arguments: [
    "rate", "channel", "calibration of another arm", "range", "no scale",
  ])
  func `What does not fit is refused before anything moves`(what: String) throws {
    var rig = Rig()
    let expected: String
    switch what {
    case "rate":
      rig.configuration.controlPeriod = 2_000_000
      expected = "500 Hz asked for"
    case "channel":
      rig.board.channels = 2
      expected = "channels 0 to 1"
    case "calibration of another arm":
      rig.configuration.calibration.profile = "other"
      expected = "is of a 'other'"
    case "range":
      rig.configuration.calibration.joints[0].upper = 7000
      expected = "base: -1.0 to 1.0 rad need pulses of 900.0 to 2100.0 µs"
    default:
      rig.configuration.calibration.joints[1].ticksPerRadian = nil
      expected = "how many µs make a radian"
    }
    let error = #expect(throws: ServoArmError.self) { try rig.run { _, _ in } }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
  }

  // MARK: On the line

  @Test func `Bit errors, lost frames and garbage cost no more than a tick, and no wrong value is believed`() throws {
    var rig = Rig()
    rig.board.faults.bitErrors = 1e-4
    rig.board.faults.lostFrames = 0.01
    rig.board.faults.garbage = 0.05
    rig.board.seed = 7
    try rig.run { line, bench in
      bench.energise(within: 60)
      #expect(bench.arm.power == .on)
      var (missed, inARow, worst) = (0, 0, 0)
      var oldest = 0.0
      for _ in 0..<2000 {
        bench.tick(.move(Rig.park))
        #expect(bench.actError == nil)
        #expect(bench.arm.power == .on)
        if bench.readError == nil {
          inARow = 0
          oldest = max(oldest, bench.state.age.largestMagnitude)
          for joint in 0..<3 { #expect(abs(bench.state.position[joint] - Rig.park[joint]) < 1e-3) }
        } else {
          missed += 1
          inARow += 1
          worst = max(worst, inARow)
        }
      }
      #expect(missed < 60)
      #expect(worst <= 2)
      #expect(oldest < 0.03)
      #expect(line.board.state.state == .active)
      let counters = bench.arm.counters
      #expect(counters.damaged > 10 && counters.timeouts > 10)
    }
  }

  @Test func `A line that is cut is gone at once, and the board saves the arm by itself`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move([0.5, 0, 0.5]))
      line.unplug()
      bench.tick(.nothing)
      #expect(bench.readError?.code == .disconnected)
      #expect(bench.arm.power == .unknown)
      line.advance(to: line.now + 120_000_000)
      #expect(line.board.state.state == .hold && line.board.state.cause == .watchdog)
      line.advance(to: line.now + 1_000_000_000)
      #expect(line.board.state.state == .safe)
      #expect(line.board.state.pulses.allSatisfy { $0 == 0 })
      bench.tick(.energise)
      #expect(bench.actError?.code == .disconnected)
    }
  }

  @Test func `A host that pauses finds the arm held and its watchdog told; energising goes on where it stands`() throws
  {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move([0.5, 0, 0.5]))
      line.advance(to: line.now + 150_000_000)
      bench.tick(.move([0.5, 0, 0.5]))
      bench.tick(.move([0.5, 0, 0.5]))
      #expect(bench.arm.health.faults.has(.watchdog))
      #expect(bench.arm.power == .on)
      #expect(line.board.state.state == .hold)
      // Setpoints keep it up, and do not move it.
      let held = line.board.state.pulses
      bench.ticks(150, .move([0.5, 0, 0.5]))
      #expect(line.board.state.state == .hold && line.board.state.pulses == held)
      bench.tick(.release)
      bench.ticks(3)
      bench.energise()
      #expect(bench.arm.power == .on && !bench.arm.health.faults.has(.watchdog))
    }
  }

  @Test func `An answer that was late for ever is counted and not believed`() throws {
    try Rig().run { line, bench in
      bench.energise()
      line.alterToHost = { _ in [] }
      bench.ticks(3, .move(Rig.park))
      #expect(bench.readError?.code == .timedOut)
      let before = bench.arm.counters.timeouts
      bench.tick(.move(Rig.park))
      #expect(bench.arm.counters.timeouts > before)
      line.alterToHost = nil
      bench.ticks(2, .move(Rig.park))
      #expect(bench.readError == nil)
    }
  }

  // MARK: The board

  @Test func `A board that starts again is left, with its reason`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(50, .move(Rig.park))
      line.board.reset()
      var errors: [ArmError.Code] = []
      for _ in 0..<10 {
        bench.tick(.move(Rig.park))
        if let error = bench.readError { errors.append(error.code) }
      }
      #expect(errors.last == .disconnected)
      #expect(line.board.state.pulses.allSatisfy { $0 == 0 })
    }
  }

  @Test func `A board that starts again while nothing is switched on is left as well`() throws {
    try Rig().run { line, bench in
      bench.ticks(50)
      line.board.reset()
      bench.ticks(10)
      #expect(bench.readError?.code == .disconnected)
    }
  }

  @Test func `Another program's session takes the board, and the arm is held`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move(Rig.park))
      var other = BoardPort(line.makeTransport(), baud: 115_200, session: 0x7777)
      try other.open()
      #expect(line.board.state.state == .hold && line.board.state.cause == .newSession)
      bench.ticks(3, .move(Rig.park))
      #expect(bench.readError?.code == .disconnected)
    }
  }

  @Test func `An arm that another session holds is adopted where it stands`() throws {
    let line = BoardLine(Rig().board)
    line.advance(to: line.now + 20_000_000)
    var first = Bench(
      arm: try BoardArm.connect(line.makeTransport(), configuration: Rig().configuration, session: 1), line: line)
    first.energise()
    first.ticks(60, .move([0.6, 0.5, 0.8]))
    var second = Bench(
      arm: try BoardArm.connect(line.makeTransport(), configuration: Rig().configuration, session: 2), line: line)
    #expect(second.arm.report.isHolding)
    #expect(second.arm.power == .on)
    #expect(second.arm.report.changedSettings == 0)
    let held = line.board.state.pulses
    second.tick(.energise)
    #expect(second.arm.power == .energising)
    second.energise()
    second.ticks(20, .move(second.arm.heldGoal.array))
    #expect(second.arm.power == .on && line.board.state.state == .active)
    for channel in 0..<3 { #expect(abs(line.board.state.pulses[channel] - held[channel]) < 0.3) }
  }

  @Test func `The emergency stop is seen, keeps torque off while open, and is cleared by arming anew only`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move(Rig.park))
      line.board.isEstopPressed = true
      bench.ticks(4, .move(Rig.park))
      #expect(bench.arm.health.isEmergencyStopOpen)
      #expect(bench.arm.power == .off)
      #expect(line.board.state.pulses.allSatisfy { $0 == 0 })
      bench.tick(.release)
      bench.ticks(5)
      #expect(bench.arm.health.isEmergencyStopOpen)
      for _ in 0..<10 where bench.actError == nil { bench.tick(.energise) }
      #expect(bench.actError?.code == .notEnergised)
      line.board.isEstopPressed = false
      bench.ticks(5)
      #expect(!bench.arm.health.isEmergencyStopOpen)
      #expect(line.board.state.state == .estop)
      bench.energise()
      #expect(bench.arm.power == .on)
    }
  }

  @Test func `A supply that sags is told for all joints, and switches off`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move(Rig.park))
      line.board.supply = 3
      bench.ticks(10, .move(Rig.park))
      #expect(line.board.state.state == .fault && line.board.state.cause == .undervoltage)
      #expect(bench.arm.health.faults(of: 2).has(.voltage) && bench.arm.health.faults(of: 0).has(.torqueLost))
      #expect(bench.arm.health.voltage[1] == 3)
      bench.tick(.release)
      bench.ticks(2)
      for _ in 0..<10 where bench.actError == nil { bench.tick(.energise) }
      #expect(bench.actError?.code == .notEnergised)
      let reason = bench.actError.map { $0.description } ?? ""
      #expect(reason.contains("supply"))
    }
  }

  @Test func `A fault of the board's hardware is told`() throws {
    try Rig().run { line, bench in
      bench.energise()
      bench.ticks(10, .move(Rig.park))
      line.board.hasHardwareFault = true
      bench.ticks(4, .move(Rig.park))
      #expect(bench.arm.health.faults.has(.sensor) && bench.arm.power == .off)
    }
  }

  @Test func `A handed-over port cannot be opened again`() throws {
    try Rig().run { line, bench in
      line.unplug()
      bench.tick(.nothing)
      let error = #expect(throws: ServoArmError.self) { try bench.arm.reconnect() }
      #expect(error?.kind == .port)
    }
  }

  @Test func `The bytes for a crash stop the arm, or disarm it, and stand only while it is held`() throws {
    for policy in [ExitPolicy.hold, .release] {
      var rig = Rig()
      rig.configuration.crashPolicy = policy
      try rig.run { line, bench in
        bench.ticks(3)
        #expect(bench.arm.crashFrame.isEmpty)
        bench.energise()
        bench.ticks(5, .move(Rig.park))
        let bytes = Array(bench.arm.crashFrame)
        #expect(!bytes.isEmpty)
        // The process dies in mid-frame.
        line.board.receive([3, 16, 200] + bytes, at: Int64(Double(line.now - 1_000_000_000)))
        line.advance(to: line.now + 10_000_000)
        #expect(line.board.state.state == (policy == .hold ? .hold : .idle))
      }
    }
  }
}

/// Frames changed on their way.
enum Frames {
  /// The frame with another body, when it is of that type.
  static func change(_ bytes: [UInt8], _ type: UInt8, _ body: (FrameBody) -> FrameBody) -> [UInt8] {
    var receiver = FrameReceiver()
    for byte in bytes {
      guard case .frame = receiver.take(byte) else { continue }
      guard receiver.body.type == type else { return bytes }
      let frame = WireFrame(body(receiver.body))
      return (0..<frame.count).map { frame[$0] }
    }
    return bytes
  }
}
