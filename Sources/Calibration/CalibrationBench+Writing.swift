import ArmModel
import ServoBus

extension CalibrationBench {
  /// Puts a calibration into the servos: only what differs, each register read back. Returns what was changed.
  ///
  /// Feetech: full-turn feedback (phase, bit 4) off, position mode, homing offset, position limits. DYNAMIXEL: operating
  /// mode, homing offset, and in position mode the limits. Torque must be off.
  public mutating func write(
    _ calibrations: [JointCalibration], on master: inout BusMaster
  ) throws(CalibrationFailure) -> [String] {
    var changes: [String] = []
    do throws(BusError) {
      for calibration in calibrations {
        guard let index = subjects.firstIndex(where: { $0.name == calibration.joint }) else { continue }
        for place in servos[index].indices {
          let servo = servos[index][place]
          let offset = servo.leader == nil ? calibration.homingOffset : followerOffset(servo, calibration)
          try write(calibration, offset: offset, to: servo, on: &master, &changes)
          try Self.refresh(&servos[index][place], on: &master)
        }
      }
    } catch { throw CalibrationFailure(error) }
    return changes
  }

  private func followerOffset(_ servo: Servo, _ calibration: JointCalibration) -> Int? {
    calibration.followers.first { $0.servo == servo.id }?.homingOffset
  }

  private func write(
    _ calibration: JointCalibration, offset: Int?, to servo: Servo, on master: inout BusMaster,
    _ changes: inout [String]
  ) throws(BusError) {
    if servo.model.register("phase") != nil {
      let phase = try master.readRegister(servo.id, "phase", of: servo.model)
      try set("phase", of: servo, to: phase & ~0x10, on: &master, &changes)
    }
    if servo.model.register("operating_mode") != nil {
      try set("operating_mode", of: servo, to: modeCode(calibration.mode, servo.model), on: &master, &changes)
    }
    if let offset { try set("homing_offset", of: servo, to: offset, on: &master, &changes) }
    // Beyond one turn a DYNAMIXEL has no limits of its own.
    guard calibration.mode == .position else { return }
    let last = servo.encoder.positions - 1
    let lower = calibration.isContinuous ? 0 : max(0, min(last, calibration.lower))
    let upper = calibration.isContinuous ? last : max(0, min(last, calibration.upper))
    // Never a lower limit above the upper one, not even for a moment.
    let names =
      try lower > master.readRegister(servo.id, "max_position", of: servo.model)
      ? ["max_position", "min_position"] : ["min_position", "max_position"]
    for name in names {
      try set(name, of: servo, to: name == "min_position" ? lower : upper, on: &master, &changes)
    }
  }

  private func modeCode(_ mode: PositionMode, _ model: ServoModel) -> Int {
    guard model.wire == .dynamixel2 else { return 0 }
    switch mode {
    case .position: return 3
    case .extended: return 4
    case .currentBased: return 5
    }
  }

  /// Whether every position register shows what the procedure expects of it, whole turns aside: the proof that offset and
  /// mode do what they should. An arm held by hand moves: 8 degrees are allowed. Returns a sentence per servo that is wrong.
  public func check(_ procedure: CalibrationProcedure, on master: inout BusMaster) throws(CalibrationFailure)
    -> [String]
  {
    var sentences: [String] = []
    do throws(BusError) {
      for index in subjects.indices {
        guard let expected = procedure.expectedTicks(index) else { continue }
        for servo in servos[index] {
          let present = try master.readRegister(servo.id, "present_position", of: servo.model)
          if abs(servo.encoder.shortest(present - expected)) > servo.encoder.stepsPerTurn / 45 {
            sentences.append(
              "\(subjects[index].name): servo \(servo.id) reads \(present) after calibration, expected \(expected)")
          }
        }
      }
    } catch { throw CalibrationFailure(error) }
    return sentences
  }
}
