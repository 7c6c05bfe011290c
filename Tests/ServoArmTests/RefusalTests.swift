import ArmModel
import ServoBus
import Testing
import VirtualServos

/// What keeps an arm from being connected, each said in one line with the next step.
@Suite struct RefusalTests {
  private func expect(
    _ rig: Rig, _ kind: ServoArmError.Kind, _ parts: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let error = try #require(try rig.refusal(), sourceLocation: sourceLocation)
    #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(error.description.contains(part), "\(error)", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n") && !error.suggestion.isEmpty, sourceLocation: sourceLocation)
  }

  @Test(arguments: Rig.Kind.all) func `Nobody answers`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.bus.faults.mute = [1, 2, 3]
    try expect(rig, .noAnswer, ["no servo answers", "1, 2, 3", "has power", "sinew servo scan"])
  }

  @Test(arguments: [Rig.Kind.sts, .xl330, .ax]) func `The end of the chain is missing: the cable segment is named`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.bus.faults.mute = [2, 3]
    try expect(rig, .missing([2, 3]), ["servo 2 (joint2)", "cable between servo 1 (joint1) and servo 2 (joint2)"])
  }

  @Test func `One in the middle is missing`() throws {
    var rig = try Rig(.sts)
    rig.bus.faults.mute = [2]
    try expect(rig, .missing([2]), ["servo 2 (joint2) does not answer, others behind do", "connect it alone"])
  }

  @Test(arguments: [Rig.Kind.sts, .xl330, .ax]) func `Two servos with one id`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.bus.servos.append(ServoSetup(rig.bus.servos[0].model, id: 2, registers: rig.bus.servos[0].registers))
    rig.starts.append(-0.5)
    try expect(rig, .duplicate(2), ["id 2", "two servos have one id", "sinew servo set-id"])
  }

  @Test func `Another model`() throws {
    var rig = try Rig(.sts)
    let other = try VirtualServos.ServoModel.named("sts3250")
    rig.bus.servos[1] = ServoSetup(other, id: 2, registers: rig.bus.servos[1].registers)
    rig.bus.supplyVoltage = 7.4
    try expect(rig, .wrongModel(2), ["servo 2 (joint2) is a sts3250", "made with a sts3215"])
  }

  @Test func `Mixed firmware`() throws {
    var rig = try Rig(.sts)
    rig.bus.servos[2].registers[1] = 9
    try expect(rig, .wrongFirmware(3), ["firmware 3.9", "has 3.10", "one version"])
  }

  @Test func `An old DYNAMIXEL without a watchdog is used, and a note says so`() throws {
    var rig = try Rig(.xl430)
    rig.bus.servos[1].registers[6] = 37
    try rig.run { server, arm in
      #expect(arm.report.notes.contains { $0.contains("servo 2 (joint2)") && $0.contains("no bus watchdog") })
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      #expect(server.register(0, 98) ?? 0 > 0 && server.register(1, 98) == 0)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .scs, .ax, .xl330]) func `Too low and too high a supply`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.bus.supplyVoltage = kind.supply.lowerBound - 1
    try expect(rig, .supply(1), ["servo 1 (joint1) has", "V, the arm needs", "check the power supply"])
    rig.bus.supplyVoltage = kind.supply.upperBound + 1
    try expect(rig, .supply(1), ["the arm takes", "switch the power off now"])
  }

  @Test func `A supply that the arm takes and the servo does not`() throws {
    var rig = try Rig(.xl330)
    rig.bus.supplyVoltage = 5
    for slot in 0..<3 { rig.bus.servos[slot].registers[34] = 55 }
    try expect(rig, .supply(1), ["its own limits are 5.5 to 7.0 V"])
  }

  @Test func `A DYNAMIXEL that has shut down`() throws {
    var rig = try Rig(.xl330)
    rig.bus.faults.overload = [FaultSettings.Strike(id: 3, request: 1)]
    try expect(rig, .hardwareError(3), ["has shut down: overload", "sinew servo reboot", "--id 3"])
  }

  @Test(arguments: [Rig.Kind.sts, .scs, .ax, .xl330]) func `Position limits of another arm`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.bus.servos[1].registers[kind.limits.lower] = kind.range.lowerBound + 7
    try expect(
      rig, .calibrationMismatch(2), ["limited to \(kind.range.lowerBound + 7)", "calibration of another arm"])
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `Another homing offset`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    rig.configuration.calibration.joints[2].homingOffset = -85
    try expect(rig, .calibrationMismatch(3), ["homing offset 0", "made with -85"])
  }

  @Test func `A joint outside its calibrated range`() throws {
    var rig = try Rig(.sts)
    rig.starts[1] = 2
    try expect(rig, .calibrationMismatch(2), ["stands at", "1000 to 3000", "move it inside"])
  }

  @Test func `Settings that last and must be changed first`() throws {
    var rig = try Rig(.sts)
    rig.bus.servos[0].registers[33] = 1
    try expect(rig, .servoSetting(1), ["operating mode 1", "--id 1 operating_mode 0"])
    rig = try Rig(.sts)
    rig.bus.servos[0].registers[18] = 0b1_1100
    try expect(rig, .servoSetting(1), ["phase bit 4", "phase 12"])
    rig = try Rig(.xl330)
    rig.bus.servos[1].registers[11] = 1
    try expect(rig, .servoSetting(2), ["operating mode 1", "operating_mode 3"])
    rig = try Rig(.xl330)
    rig.bus.servos[1].registers[10] = 8
    try expect(rig, .servoSetting(2), ["drive mode bit 3", "drive_mode 0"])
    rig = try Rig(.xl330)
    rig.bus.servos[1].registers[60] = 1
    try expect(rig, .servoSetting(2), ["startup_configuration 0"])
    rig = try Rig(.xl330)
    rig.bus.servos[0].registers[20] = 2000
    try expect(rig, .servoSetting(1), ["homing offset 2000", "at most", "sinew calibrate"])
    rig = try Rig(.ax)
    rig.bus.servos[0].registers[6] = 0
    rig.bus.servos[0].registers[8] = 0
    try expect(rig, .servoSetting(1), ["wheel mode"])
    rig = try Rig(.scs)
    rig.configuration.profile.bus?.servos[0].torqueShare = 0.5
    try expect(rig, .servoSetting(1), ["100.0 % of its torque", "max_torque 500"])
  }

  @Test func `A control rate that the bus does not carry`() throws {
    var rig = try Rig(.xl330, joints: 6, period: 100_000)
    try expect(rig, .rateTooHigh, ["10000 Hz asked for, this bus carries", "bytes at 1000000 baud", "or less"])
    for slot in 0..<6 { rig.bus.servos[slot].registers[9] = 250 }
    try expect(rig, .rateTooHigh, ["after 0.5 ms each", "return_delay 0"])
    // A policy of 20 Hz can be led at its multiples; the way to the servos has no adaptor whose timer could be lowered.
    rig.configuration.rateUnit = 20
    let error = try #require(try rig.refusal())
    let proposed = try #require(error.suggestion.firstMatch(of: /^ask for a control rate of ([0-9.]+) Hz/)?.1)
    #expect(try #require(Double(proposed)).truncatingRemainder(dividingBy: 20) == 0, "\(error)")
    #expect(!error.suggestion.contains("latency timer"), "\(error)")
    rig.configuration.rateUnit = 5000
    try expect(rig, .rateTooHigh, ["no rate that is a multiple of the policy's 5000.0 Hz fits"])
    #expect(try #require(try rig.refusal()).isWrongInput)
  }

  @Test func `Profile and calibration that do not fit each other`() throws {
    var rig = try Rig(.sts)
    rig.configuration.calibration.profile = "so101"
    try expect(rig, .configuration, ["is of a 'so101', not of a 'rig'"])
    rig = try Rig(.sts)
    rig.configuration.calibration.joints.swapAt(0, 1)
    try expect(rig, .configuration, ["joint2, joint1, joint3"])
    rig = try Rig(.sts)
    rig.configuration.calibration.joints[1].servo = 1
    try expect(rig, .configuration, ["two servos", "id 1"])
    rig = try Rig(.sts)
    rig.configuration.calibration.joints[1].model = "xl330-m288"
    try expect(rig, .configuration, ["speaks dynamixel2"])
    rig = try Rig(.sts)
    rig.configuration.calibration.joints[1].upper = 1000
    try expect(rig, .configuration, ["range 1000 to 1000 ticks is empty"])
    rig = try Rig(.sts)
    rig.configuration.profile.bus = nil
    try expect(rig, .configuration, ["has no servo bus"])
    rig = try Rig(.sts)
    rig.configuration.profile.bus?.wire = "can"
    try expect(rig, .configuration, ["'can' is no protocol", "feetech"])
  }

  @Test func `Variants of a model are the model`() throws {
    var rig = try Rig(.sts)
    rig.configuration.calibration.joints[0].model = "sts3215-7v4"
    rig.configuration.profile.bus?.servos[0].models = ["sts3215-12v"]
    #expect(try rig.refusal() == nil)
  }

  @Test func `Models with their indirect data elsewhere are read in two ways, and a note says so`() throws {
    var rig = try Rig(.xl330)
    let large = try VirtualServos.ServoModel.named("xl430-w250")
    for slot in [0, 1] {
      rig.bus.servos[slot] = ServoSetup(large, id: UInt8(slot + 1), registers: rig.bus.servos[slot].registers)
      rig.configuration.calibration.joints[slot].model = "xl430-w250"
      rig.configuration.profile.bus?.servos[slot].models = ["xl430-w250"]
    }
    rig.configuration.profile.bus?.supply = 4...14
    rig.bus.supplyVoltage = 6.8
    try rig.run { server, arm in
      #expect(!arm.report.usesIndirectBlock)
      #expect(arm.report.notes.contains { $0.contains("indirect data at different addresses") })
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      server.restart(1)
      for _ in 0..<50 where arm.power == .on { try arm.readSurely(&state) }
      #expect(arm.power == .mixed && arm.health.faults(of: 1).has(.torqueLost))
      // Voltage and temperature of all come one servo a tick.
      for _ in 0..<12 { try arm.readSurely(&state) }
      #expect((0..<3).allSatisfy { abs(arm.health.voltage[$0] - 6.8) < 0.01 && arm.health.temperature[$0] > 20 })
      try arm.releaseFully(&state)
    }
  }
}
