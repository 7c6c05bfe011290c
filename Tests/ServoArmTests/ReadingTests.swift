import ArmModel
import CSystem
import ServoBus
import Testing
import VirtualServos

/// What is made of the servos' registers, and which readings are believed.
@Suite struct ReadingTests {
  @Test(arguments: [Rig.Kind.sts, .scs, .ax, .xm430]) func `Sign, zero and gear turn ticks into radians and back`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.configuration.calibration.joints[1].sign = -1
    rig.configuration.calibration.joints[1].zero = Double(kind.zero) + 40
    rig.configuration.profile.bus?.servos[2].gear = 2
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.readSurely(&state)
      func ticks(_ joint: Int) -> Double { Double(server.state.servos[joint].position - kind.zero) }
      #expect(abs(state.position[0] - ticks(0) * rig.step) < 1e-9)
      #expect(abs(state.position[1] + (ticks(1) - 40) * rig.step) < 1e-9)
      #expect(abs(state.position[2] - ticks(2) * rig.step / 2) < 1e-9)
      #expect(state.present.rawValue == (kind.model == "xm430-w350" ? 7 : 3))
      try arm.energiseFully(&state)
      try arm.command([0, 10 * rig.step, 30 * rig.step])
      // A goal is on its way without an answer; the next read comes behind it.
      try arm.readSurely(&state)
      #expect(server.state.servos.map(\.goal) == [kind.zero, kind.zero + 30, kind.zero + 60])
      #expect(abs(arm.heldGoal[1] - 10 * rig.step) < 1e-9)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `Speed and torque have the joint's sign`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.configuration.calibration.joints[0].sign = -1
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      let (from, to) = (state.position[0], state.position[0] + 0.9)
      var fastest = 0.0
      for _ in 0..<400 where state.position[0] < to - 0.05 {
        try arm.command([to, state.position[1], state.position[2]])
        try arm.readSurely(&state)
        fastest = max(fastest, state.velocity[0])
        _ = sinew_sleep_until_ns(sinew_now_ns() + 2_000_000)
      }
      #expect(state.position[0] > from + 0.5)
      #expect(fastest > 0.5 && fastest < 12)
    }
  }

  @Test func `A joint without end is counted on through the seam, and torque there does not turn it`() throws {
    var rig = try Rig(.sts)
    rig.isPuppet = true
    rig.starts[0] = 2000 * rig.step
    rig.configuration.calibration.joints[0].isContinuous = true
    rig.configuration.calibration.joints[0].lower = 0
    rig.configuration.calibration.joints[0].upper = 4095
    let registers = [9: 0, 11: 4095]
    rig.bus.servos[0].registers.merge(registers) { $1 }
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      let others = [state.position[1], state.position[2]]
      for ticks in stride(from: 2000, through: 2100, by: 5) {
        server.place(0, at: Double(ticks) * rig.step)
        try arm.readSurely(&state)
        #expect(abs(state.position[0] - Double(ticks) * rig.step) <= rig.step)
        try arm.command([2000 * rig.step] + others)
      }
      // 2048 + 2100 ticks are past 4095: the register shows 52, the goal is where it was.
      #expect(server.state.servos[0].position == 52 && server.state.servos[0].goal == 4048)
      var refused: ArmError?
      do throws(ArmError) { try arm.command([2060 * rig.step] + others) } catch { refused = error }
      #expect(refused?.code == .outOfRange && refused?.joint == 0)
      #expect(server.state.servos[0].goal == 4048)
      // And back.
      for ticks in stride(from: 2100, through: 1900, by: -5) {
        server.place(0, at: Double(ticks) * rig.step)
        try arm.readSurely(&state)
      }
      #expect(abs(state.position[0] - 1900 * rig.step) <= rig.step)
      #expect(arm.implausibleReadings == 0)
    }
  }

  @Test func `DYNAMIXEL in extended position mode goes on through turns`() throws {
    var rig = try Rig(.xl330)
    rig.configuration.calibration.joints[0].isContinuous = true
    rig.configuration.calibration.joints[0].lower = 0
    rig.configuration.calibration.joints[0].upper = 4095
    rig.configuration.calibration.joints[0].mode = .extended
    rig.bus.servos[0].registers[11] = 4
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      let goal = 4.5
      for _ in 0..<600 where abs(state.position[0] - goal) > 0.02 {
        try arm.command([goal, state.position[1], state.position[2]])
        try arm.readSurely(&state)
        _ = sinew_sleep_until_ns(sinew_now_ns() + 5_000_000)
      }
      #expect(abs(state.position[0] - goal) <= 0.02 && abs(server.state.servos[0].shaft.position - goal) < 0.03)
    }
  }

  @Test func `A range over the end of the encoder's turn is one range, also when the servo starts again`() throws {
    var rig = try Rig(.xl330)
    rig.configuration.calibration.joints[0].mode = .extended
    rig.configuration.calibration.joints[0].lower = 3000
    rig.configuration.calibration.joints[0].upper = 5000
    rig.configuration.calibration.joints[0].zero = 4000.5
    rig.bus.servos[0].registers[11] = 4
    // The shaft's 0 is at 2048 ticks: this is at 4500, which the register shows as 404 after power-on.
    rig.starts[0] = Double(4500 - 2048) * rig.step
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.readSurely(&state)
      #expect(server.state.servos[0].position == 404)
      #expect(abs(state.position[0] - 499.5 * rig.step) < 1e-9)
      try arm.energiseFully(&state)
      #expect(server.state.servos[0].goal == 404)
      let goal = -500.5 * rig.step
      for _ in 0..<600 where abs(state.position[0] - goal) > 0.01 {
        try arm.command([goal, state.position[1], state.position[2]])
        try arm.readSurely(&state)
        _ = sinew_sleep_until_ns(sinew_now_ns() + 5_000_000)
      }
      #expect(abs(server.state.servos[0].shaft.position - Double(3500 - 2048) * rig.step) < 0.02)
      let place = state.position[0]
      server.restart(0)
      for _ in 0..<60 where arm.power == .on || state.age[0] > 0.5 { try arm.readSurely(&state) }
      for _ in 0..<20 { try arm.readSurely(&state) }
      #expect(arm.power == .mixed && abs(state.position[0] - place) < 0.02)
      try arm.energiseFully(&state)
      #expect(abs(server.state.servos[0].shaft.position - Double(3500 - 2048) * rig.step) < 0.02)
      try arm.command([0, state.position[1], state.position[2]])
      #expect(throws: ArmError.self) { try arm.command([1001 * rig.step, 0, 0]) }
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `One jump of the encoder is not believed`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.isPuppet = true
    rig.starts = [-1.2, 0, 0.5]
    rig.configuration.profile.joints[0].velocity = 0.5
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      try arm.readSurely(&state)
      let place = state.position[0]
      server.place(0, at: 1.2)
      try arm.readSurely(&state)
      #expect(state.position[0] == place && arm.implausibleReadings >= 1)
      #expect(state.age[0] > state.age[1])
      server.place(0, at: -1.2)
      try arm.readSurely(&state)
      #expect(state.position[0] == place && abs(state.age[0] - state.age[1]) < 1e-9)
      #expect(arm.health.faults == .none)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `A lasting jump ages, shows as a fault, and is believed without torque`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.isPuppet = true
    rig.starts = [-1.2, 0, 0.5]
    rig.configuration.profile.joints[0].velocity = 0.01
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      let place = state.position[0]
      server.place(0, at: 1.2)
      var age = 0.0
      for count in 1...10 {
        try arm.readSurely(&state)
        #expect(state.position[0] == place && state.age[0] > age)
        age = state.age[0]
        if count >= 3 { #expect(arm.health.faults(of: 0) == .sensor) }
      }
      try arm.releaseFully(&state)
      for _ in 0..<10 where state.position[0] == place { try arm.readSurely(&state) }
      #expect(abs(state.position[0] - 1.2) <= rig.step)
      try arm.readSurely(&state)
      #expect(arm.health.faults == .none && state.age[0] < 1)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `A reading outside the calibrated range is not believed`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.isPuppet = true
    rig.starts = [1.4, 0, 0]
    try rig.run { server, arm in
      var state = JointState(count: 3)
      // The range ends at 952 ticks, 1.46 rad, and a tenth of a radian is let through.
      server.place(0, at: 1.5)
      try arm.readSurely(&state)
      #expect(abs(state.position[0] - 1.5) <= rig.step)
      server.place(0, at: 1.6)
      for _ in 0..<10 { try arm.readSurely(&state) }
      #expect(abs(state.position[0] - 1.5) <= rig.step && arm.health.faults(of: 0) == .sensor)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .scs, .ax, .xl330, .xl430])
  func `A silent servo's datum ages while the others go on; when all are silent the read fails`(kind: Rig.Kind) throws {
    let rig = try Rig(kind)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.readSurely(&state)
      let place = state.position[1]
      server.restart(1, silence: 600_000_000_000)
      var age = 0.0
      for _ in 0..<8 {
        try arm.readSurely(&state)
        #expect(state.position[1] == place && state.age[1] > age && state.age[1] > state.age[0])
        age = state.age[1]
      }
      for slot in [0, 2] { server.restart(slot, silence: 600_000_000_000) }
      var code: ArmError.Code?
      // What a late answer says, which is still on its way, is read at most.
      for _ in 0..<3 where code == nil {
        do throws(ArmError) { try arm.read(into: &state, now: sinew_now_ns()) } catch { code = error.code }
      }
      #expect(code == .timedOut)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl430]) func `A goal that cannot be is refused, and nothing is sent`(
    kind: Rig.Kind
  ) throws {
    let rig = try Rig(kind)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      try arm.command([0.1, 0.1, 0.1])
      try arm.readSurely(&state)
      let goals = server.state.servos.map(\.goal)
      for (goal, code) in [
        (1.47, ArmError.Code.outOfRange), (-1.62, .outOfRange), (1e12, .outOfRange), (.nan, .commandNotFinite),
        (.infinity, .commandNotFinite),
      ] {
        var found: ArmError.Code?
        do throws(ArmError) { try arm.command([0.2, goal, 0.2]) } catch { found = error.code }
        #expect(found == code)
        try arm.readSurely(&state)
        #expect(server.state.servos.map(\.goal) == goals)
      }
      #expect(throws: ArmError.self) { try arm.command([0, 0]) }
      #expect(throws: ArmError.self) {
        try arm.write(
          JointCommand(mode: .effort, goal: JointVector(repeating: 0, count: 3), stamp: 0))
      }
      // The ends themselves are in.
      try arm.command([Double(kind.range.upperBound - kind.zero) * rig.step, 0, 0])
    }
  }
}
