import ArmModel

/// What is wrong with a servo that answers: the first thing that is, with the next step.
struct ServoChecks {
  let image: ServoImage
  let arm: ArmDescription
  private var servo: ExpectedServo { image.expected }

  init(_ image: ServoImage, _ arm: ArmDescription) {
    self.image = image
    self.arm = arm
  }

  /// Throws the first thing that speaks against using this servo, whose model was checked; what is only worth knowing goes into `notes`.
  func run(notes: inout [String]) throws(ServoArmError) {
    try checkSupply()
    try checkErrors(notes: &notes)
    try checkMode()
    try checkHabits()
    if servo.isFollower { try checkFollower() }
    try checkCalibration()
    if image.isTorqueOn { notes.append("\(servo.name) was found under torque; nothing is switched before you say so") }
  }

  private func error(_ kind: ServoArmError.Kind, _ message: String, _ suggestion: String) -> ServoArmError {
    ServoArmError(kind, "\(servo.name) \(message)", suggestion: suggestion)
  }

  /// The command that changes a lasting register.
  private func writing(_ register: String, _ value: Int) -> String {
    let dashes = value < 0 ? "-- " : ""
    return "'sinew servo write --protocol \(arm.wire.name) --id \(servo.id) \(dashes)\(register) \(value)'"
  }

  /// Throws when this is not the servo that profile and calibration name: then nothing else that is read of it means much.
  func checkModel() throws(ServoArmError) {
    guard image.ping.modelNumber != servo.model.modelNumber else { return }
    let found = ServoModel.with(modelNumber: image.ping.modelNumber, wire: arm.wire)?.name
    throw error(
      .wrongModel(servo.id),
      "is a \(found ?? "model \(image.ping.modelNumber)"), the calibration was made with a \(servo.model.name)",
      "put the right servo there, or calibrate this arm again with 'sinew calibrate'")
  }

  private func checkSupply() throws(ServoArmError) {
    let volts = image.voltage
    let limits = arm.bus.supply
    let range = "\(limits.lowerBound) to \(limits.upperBound) V"
    if volts < limits.lowerBound {
      throw error(
        .supply(servo.id), "has \(volts) V, the arm needs \(range)",
        "check the power supply, its switch and its plug")
    }
    if volts > limits.upperBound {
      throw error(
        .supply(servo.id), "has \(volts) V, the arm takes \(range)",
        "switch the power off now and use the right supply: too high a voltage destroys servos")
    }
    guard let low = image.quantity("min_voltage"), let high = image.quantity("max_voltage"), low < high else { return }
    if volts < low || volts > high {
      throw error(
        .supply(servo.id), "has \(volts) V, its own limits are \(low) to \(high) V",
        "use another supply; the limits are its registers min_voltage and max_voltage")
    }
  }

  private func checkErrors(notes: inout [String]) throws(ServoArmError) {
    let bits = image.errorBits
    guard bits != 0 else { return }
    let faults = FaultBits.faults(bits, arm.wire)
    let text = ServoChecks.text(faults)
    guard !text.isEmpty else { return }
    switch arm.wire {
    case .dynamixel2:
      throw error(
        .hardwareError(servo.id), "has shut down: \(text)",
        "remove the cause, then clear it with 'sinew servo reboot --protocol dynamixel2 --id \(servo.id)'; its torque goes off"
      )
    case .dynamixel1:
      throw error(
        .hardwareError(servo.id), "reports \(text)", "remove the cause, then switch the arm's power off and on")
    case .feetechSTS, .feetechSCS:
      guard faults.has(JointFaults.sensor.adding(.overheating)) else {
        notes.append("\(servo.name) reports \(text); switching torque off and on clears an overload")
        return
      }
      throw error(
        .hardwareError(servo.id), "reports \(text)",
        faults.has(.sensor) ? "switch the arm's power off and on; if it stays, the servo is broken" : "let it cool down"
      )
    }
  }

  /// What a set of faults is called.
  static func text(_ faults: JointFaults) -> String {
    let names: [(JointFaults, String)] = [
      (.overload, "overload"), (.overheating, "overheating"), (.voltage, "supply voltage"),
      (.sensor, "position sensor"), (.electrical, "over-current or shock"),
    ]
    return names.filter { faults.has($0.0) }.map(\.1).joined(separator: ", ")
  }

  /// What DYNAMIXEL's operating mode register holds for a mode.
  private static func code(_ mode: PositionMode) -> Int {
    switch mode {
    case .position: 3
    case .extended: 4
    case .currentBased: 5
    }
  }

  private func checkMode() throws(ServoArmError) {
    let isContinuous = servo.calibration.isContinuous
    switch arm.wire {
    case .feetechSTS:
      if let mode = image.value("operating_mode"), mode != 0 {
        throw error(
          .servoSetting(servo.id), "is in operating mode \(mode), not in position mode",
          "set it with \(writing("operating_mode", 0))")
      }
      if let phase = image.value("phase"), phase & 0x10 != 0 {
        throw error(
          .servoSetting(servo.id), "counts positions through turns (phase bit 4), which no calibration is made for",
          "clear it with \(writing("phase", phase & ~0x10)), then calibrate with 'sinew calibrate'")
      }
      if image.byte(at: 30) > 1 {
        throw error(
          .servoSetting(servo.id), "multiplies its steps by \(image.byte(at: 30)) (register 30)",
          "set register 30 to 1, then calibrate with 'sinew calibrate'")
      }
    case .dynamixel2:
      let mode = image.value("operating_mode") ?? 3
      let wanted = ServoChecks.code(servo.calibration.mode)
      if mode != wanted {
        throw error(
          .servoSetting(servo.id), "is in operating mode \(mode), the calibration was made in mode \(wanted)",
          "set it with \(writing("operating_mode", wanted)), or calibrate with 'sinew calibrate'")
      }
      if mode == 3, let offset = image.value("homing_offset"), offset.magnitude > 1024 {
        throw error(
          .servoSetting(servo.id), "ignores its homing offset \(offset): in position mode it goes to 1024 at most",
          "calibrate with 'sinew calibrate', which chooses the mode that this needs")
      }
    case .feetechSCS, .dynamixel1:
      if image.value("min_position") == 0, image.value("max_position") == 0 {
        throw error(
          .servoSetting(servo.id), "is in wheel mode (both position limits are 0)",
          "set its limits with \(writing("max_position", servo.calibration.upper))")
      }
      if isContinuous {
        throw error(
          .configuration, "turns 300 degrees only, the calibration says without end",
          "calibrate with 'sinew calibrate'")
      }
    }
  }

  /// Settings that would switch torque on behind our back.
  private func checkHabits() throws(ServoArmError) {
    if let drive = image.value("drive_mode") {
      // Followers face the first servo.
      let isReversed = servo.mounting.isReversed != servo.isFollower
      if (drive & 1 != 0) != isReversed {
        throw error(
          .servoSetting(servo.id),
          "counts \(drive & 1 != 0 ? "in reverse" : "forward") (drive mode bit 0), this arm's does not",
          "set it with \(writing("drive_mode", drive ^ 1)), then calibrate with 'sinew calibrate'")
      }
    }
    if let drive = image.value("drive_mode"), drive & 8 != 0 {
      throw error(
        .servoSetting(servo.id), "switches its torque on at every goal (drive mode bit 3)",
        "clear it with \(writing("drive_mode", drive & ~8))")
    }
    if let startup = image.value("startup_configuration"), startup & 1 != 0 {
      throw error(
        .servoSetting(servo.id), "switches its torque on by itself when it gets power (startup configuration bit 0)",
        "clear it with \(writing("startup_configuration", startup & ~1))")
    }
    if arm.wire == .feetechSCS, let share = servo.mounting.torqueShare, let most = image.value("max_torque"),
      Double(most) > share * 1000
    {
      throw error(
        .servoSetting(servo.id), "may use \(Double(most) / 10) % of its torque, the profile allows \(share * 100) %",
        "set it with \(writing("max_torque", Int(share * 1000)))")
    }
  }

  private func checkFollower() throws(ServoArmError) {
    guard let secondary = image.value("secondary_id"), secondary != Int(servo.leader) else { return }
    throw error(
      .servoSetting(servo.id), "shall follow servo \(servo.leader), but its secondary id is \(secondary)",
      "set it with \(writing("secondary_id", Int(servo.leader)))")
  }

  private func checkCalibration() throws(ServoArmError) {
    let joint = servo.calibration
    let other = "this may be the calibration of another arm: give this one's own, or calibrate with 'sinew calibrate'"
    let offset =
      servo.isFollower ? joint.followers.first { $0.servo == servo.id }?.homingOffset : joint.homingOffset
    if let wanted = offset, let found = image.value("homing_offset"), wanted != found {
      throw error(
        .calibrationMismatch(servo.id), "has homing offset \(found), the calibration was made with \(wanted)", other)
    }
    // In the extended modes the servo knows no limits.
    guard joint.mode == .position, let low = image.value("min_position"), let high = image.value("max_position") else {
      return
    }
    let last = servo.model.positionSteps - 1
    if joint.isContinuous {
      guard (low, high) != (0, last), (low, high) != (0, 0) else { return }
      throw error(
        .servoSetting(servo.id), "turns without end, but is limited to \(low) to \(high) ticks",
        "set its limits with \(writing("min_position", 0)) and \(writing("max_position", last))")
    }
    guard (low, high) != (max(0, joint.lower), min(last, joint.upper)) else { return }
    throw error(
      .calibrationMismatch(servo.id),
      "is limited to \(low) to \(high) ticks, the calibration says \(joint.lower) to \(joint.upper)", other)
  }
}
