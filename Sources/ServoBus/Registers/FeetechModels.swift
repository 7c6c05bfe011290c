// Feetech's memory tables. Defaults differ between voltages and firmwares: read, never assume.

extension ServoModel {
  private static let step = 2 * Double.pi / 4096

  /// Feetech STS3215, 7.4 V and 12 V: SO-100, SO-101, LeKiwi.
  public static let sts3215 = magnetic("sts3215", number: 777, extra: "model number 777: LeRobot's table")
  /// Feetech STS3250.
  public static let sts3250 = magnetic("sts3250", number: 2825, extra: "model number 2825: LeRobot's table")

  private static func magnetic(_ name: String, number: Int, extra: String) -> ServoModel {
    ServoModel(
      name: name, wire: .feetechSTS, modelNumber: number, stepsPerTurn: 4096, span: 2 * Double.pi,
      positionSteps: 4096, registers: magneticRegisters,
      baudRates: [1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400], returnDelayStep: 2e-6,
      source: "Feetech STS/SMS memory table (wiki.aifitlab.com); FTServo_Python sms_sts.py; \(extra)")
  }

  private static let magneticRegisters: [Register] = [
    Register(0, 1, "firmware_major", .eeprom, readOnly: true),
    Register(1, 1, "firmware_minor", .eeprom, readOnly: true),
    Register(3, 2, "model_number", .eeprom, readOnly: true),
    Register(5, 1, "id", .eeprom),
    Register(6, 1, "baud_rate", .eeprom),
    Register(7, 1, "return_delay", .eeprom, 2e-6, .second),
    Register(8, 1, "response_level", .eeprom),
    Register(9, 2, "min_position", .eeprom, step, .radian),
    Register(11, 2, "max_position", .eeprom, step, .radian),
    Register(13, 1, "max_temperature", .eeprom, 1, .celsius),
    Register(14, 1, "max_voltage", .eeprom, 0.1, .volt),
    Register(15, 1, "min_voltage", .eeprom, 0.1, .volt),
    Register(16, 2, "max_torque", .eeprom, 0.001, .fraction),
    Register(18, 1, "phase", .eeprom),
    Register(19, 1, "unload_condition", .eeprom),
    Register(20, 1, "led_alarm", .eeprom),
    Register(21, 1, "position_p", .eeprom),
    Register(22, 1, "position_d", .eeprom),
    Register(23, 1, "position_i", .eeprom),
    Register(24, 1, "min_start_force", .eeprom, 0.001, .fraction),
    Register(26, 1, "dead_zone_cw", .eeprom, step, .radian),
    Register(27, 1, "dead_zone_ccw", .eeprom, step, .radian),
    Register(28, 2, "protection_current", .eeprom, 0.0065, .ampere),
    Register(30, 1, "angular_resolution", .eeprom),
    Register(31, 2, "homing_offset", .eeprom, sign: .signMagnitude(bit: 11), step, .radian),
    Register(33, 1, "operating_mode", .eeprom),
    Register(34, 1, "protective_torque", .eeprom, 0.01, .fraction),
    Register(35, 1, "protection_time", .eeprom, 0.01, .second),
    Register(36, 1, "overload_torque", .eeprom, 0.01, .fraction),
    Register(37, 1, "velocity_p", .eeprom),
    Register(38, 1, "over_current_time", .eeprom, 0.01, .second),
    Register(39, 1, "velocity_i", .eeprom),
    Register(40, 1, "torque_enable", .ram),
    Register(41, 1, "acceleration", .ram, 100 * step, .radianPerSecondSquared),
    Register(42, 2, "goal_position", .ram, sign: .signMagnitude(bit: 15), step, .radian),
    Register(44, 2, "goal_time", .ram, sign: .signMagnitude(bit: 10)),
    Register(46, 2, "goal_speed", .ram, sign: .signMagnitude(bit: 15), step, .radianPerSecond),
    Register(48, 2, "torque_limit", .ram, 0.001, .fraction),
    Register(55, 1, "lock", .ram),
    Register(56, 2, "present_position", .ram, readOnly: true, sign: .signMagnitude(bit: 15), step, .radian),
    Register(58, 2, "present_speed", .ram, readOnly: true, sign: .signMagnitude(bit: 15), step, .radianPerSecond),
    Register(60, 2, "present_load", .ram, readOnly: true, sign: .signMagnitude(bit: 10), 0.001, .fraction),
    Register(62, 1, "present_voltage", .ram, readOnly: true, 0.1, .volt),
    Register(63, 1, "present_temperature", .ram, readOnly: true, 1, .celsius),
    Register(64, 1, "write_pending", .ram, readOnly: true),
    Register(65, 1, "status", .ram, readOnly: true),
    Register(66, 1, "moving", .ram, readOnly: true),
    Register(69, 2, "present_current", .ram, readOnly: true, sign: .signMagnitude(bit: 15), 0.0065, .ampere),
    Register(71, 2, "present_goal", .ram, readOnly: true, sign: .signMagnitude(bit: 15), step, .radian),
    Register(85, 1, "max_acceleration", .eeprom, 100 * step, .radianPerSecondSquared),
  ]

  private static let coarse = 300 * Double.pi / 180 / 1024

  /// Feetech SCS0009: potentiometer, big-endian registers, no homing offset, no operating mode.
  public static let scs0009 = ServoModel(
    name: "scs0009", wire: .feetechSCS, modelNumber: 1284, stepsPerTurn: 1229, span: 300 * Double.pi / 180,
    positionSteps: 1024,
    registers: [
      Register(0, 1, "firmware_major", .eeprom, readOnly: true),
      Register(1, 1, "firmware_minor", .eeprom, readOnly: true),
      Register(3, 2, "model_number", .eeprom, readOnly: true),
      Register(5, 1, "id", .eeprom),
      Register(6, 1, "baud_rate", .eeprom),
      Register(9, 2, "min_position", .eeprom, coarse, .radian),
      Register(11, 2, "max_position", .eeprom, coarse, .radian),
      Register(13, 1, "max_temperature", .eeprom, 1, .celsius),
      Register(14, 1, "max_voltage", .eeprom, 0.1, .volt),
      Register(15, 1, "min_voltage", .eeprom, 0.1, .volt),
      Register(16, 2, "max_torque", .eeprom, 0.001, .fraction),
      Register(40, 1, "torque_enable", .ram),
      Register(42, 2, "goal_position", .ram, sign: .signMagnitude(bit: 15), coarse, .radian),
      Register(44, 2, "goal_time", .ram, 0.001, .second),
      Register(46, 2, "goal_speed", .ram, coarse, .radianPerSecond),
      Register(48, 1, "lock", .ram),
      Register(56, 2, "present_position", .ram, readOnly: true, sign: .signMagnitude(bit: 15), coarse, .radian),
      Register(
        58, 2, "present_speed", .ram, readOnly: true, sign: .signMagnitude(bit: 15), coarse, .radianPerSecond),
      Register(60, 2, "present_load", .ram, readOnly: true, sign: .signMagnitude(bit: 10), 0.001, .fraction),
      Register(62, 1, "present_voltage", .ram, readOnly: true, 0.1, .volt),
      Register(63, 1, "present_temperature", .ram, readOnly: true, 1, .celsius),
      Register(65, 1, "status", .ram, readOnly: true),
      Register(66, 1, "moving", .ram, readOnly: true),
    ],
    baudRates: [1_000_000, 500_000, 250_000, 128_000, 115_200, 76_800, 57_600, 38_400], returnDelayStep: nil,
    source: "FTServo_Python scscl.py; LeRobot's table (model number 1284, 1024 steps); 300 degrees: SCS data sheets")
}
