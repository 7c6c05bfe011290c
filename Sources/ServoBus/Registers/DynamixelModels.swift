// ROBOTIS' control tables. Numbers of units are the manufacturer's, brought to SI.

extension ServoModel {
  private static let step = 2 * Double.pi / 4096
  private static let speed = 0.229 * 2 * Double.pi / 60
  private static let acceleration = 214.577 * 2 * Double.pi / 3600

  /// XL330-M077-T.
  public static let xl330M077 = xSeries("xl330-m077", number: 1190, current: 0.001, isSmall: true)
  /// XL330-M288-T.
  public static let xl330M288 = xSeries("xl330-m288", number: 1200, current: 0.001, isSmall: true)
  /// XL430-W250-T: measures load instead of current.
  public static let xl430W250 = xSeries("xl430-w250", number: 1060, current: nil, isSmall: false)
  /// XM430-W350-T/R.
  public static let xm430W350 = xSeries("xm430-w350", number: 1020, current: 0.00269, isSmall: false)
  /// XM540-W270-T/R.
  public static let xm540W270 = xSeries("xm540-w270", number: 1120, current: 0.00269, isSmall: false)

  /// `current`: what one count is, A; nil where the load is measured instead. `isSmall`: no 4.5 Mbaud.
  private static func xSeries(_ name: String, number: Int, current: Double?, isSmall: Bool) -> ServoModel {
    ServoModel(
      name: name, wire: .dynamixel2, modelNumber: number, stepsPerTurn: 4096, span: 2 * Double.pi,
      positionSteps: 4096, registers: xEEPROM(current) + xRAM(current),
      baudRates: [9600, 57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000] + (isSmall ? [] : [4_500_000]),
      returnDelayStep: 2e-6,
      source: "ROBOTIS e-Manual, control table of \(name); DynamixelSDK control_table models")
  }

  private static func xEEPROM(_ current: Double?) -> [Register] {
    [
      Register(0, 2, "model_number", .eeprom, readOnly: true),
      Register(2, 4, "model_information", .eeprom, readOnly: true),
      Register(6, 1, "firmware_version", .eeprom, readOnly: true),
      Register(7, 1, "id", .eeprom),
      Register(8, 1, "baud_rate", .eeprom),
      Register(9, 1, "return_delay", .eeprom, 2e-6, .second),
      Register(10, 1, "drive_mode", .eeprom),
      Register(11, 1, "operating_mode", .eeprom),
      Register(12, 1, "secondary_id", .eeprom),
      Register(13, 1, "protocol_type", .eeprom),
      Register(20, 4, "homing_offset", .eeprom, sign: .twosComplement, step, .radian),
      Register(24, 4, "moving_threshold", .eeprom, speed, .radianPerSecond),
      Register(31, 1, "max_temperature", .eeprom, 1, .celsius),
      Register(32, 2, "max_voltage", .eeprom, 0.1, .volt),
      Register(34, 2, "min_voltage", .eeprom, 0.1, .volt),
      Register(36, 2, "pwm_limit", .eeprom, 0.00113, .fraction),
    ] + (current.map { [Register(38, 2, "current_limit", .eeprom, $0, .ampere)] } ?? []) + [
      Register(44, 4, "velocity_limit", .eeprom, speed, .radianPerSecond),
      Register(48, 4, "max_position", .eeprom, step, .radian),
      Register(52, 4, "min_position", .eeprom, step, .radian),
      Register(60, 1, "startup_configuration", .eeprom),
      Register(63, 1, "shutdown", .eeprom),
    ]
  }

  private static func xRAM(_ current: Double?) -> [Register] {
    let goals = current.map { [Register(102, 2, "goal_current", .ram, sign: .twosComplement, $0, .ampere)] } ?? []
    let effort =
      current.map { Register(126, 2, "present_current", .ram, readOnly: true, sign: .twosComplement, $0, .ampere) }
      ?? Register(126, 2, "present_load", .ram, readOnly: true, sign: .twosComplement, 0.001, .fraction)
    return [
      Register(64, 1, "torque_enable", .ram),
      Register(65, 1, "led", .ram),
      Register(68, 1, "status_return_level", .ram),
      Register(69, 1, "write_pending", .ram, readOnly: true),
      Register(70, 1, "hardware_error", .ram, readOnly: true),
      Register(76, 2, "velocity_i", .ram),
      Register(78, 2, "velocity_p", .ram),
      Register(80, 2, "position_d", .ram),
      Register(82, 2, "position_i", .ram),
      Register(84, 2, "position_p", .ram),
      Register(88, 2, "feed_forward_second", .ram),
      Register(90, 2, "feed_forward_first", .ram),
      Register(98, 1, "bus_watchdog", .ram, sign: .twosComplement, 0.02, .second),
      Register(100, 2, "goal_pwm", .ram, sign: .twosComplement, 0.00113, .fraction),
    ] + goals + [
      Register(104, 4, "goal_velocity", .ram, sign: .twosComplement, speed, .radianPerSecond),
      Register(108, 4, "profile_acceleration", .ram, acceleration, .radianPerSecondSquared),
      Register(112, 4, "profile_velocity", .ram, speed, .radianPerSecond),
      Register(116, 4, "goal_position", .ram, sign: .twosComplement, step, .radian),
      Register(120, 2, "realtime_tick", .ram, readOnly: true, 0.001, .second),
      Register(122, 1, "moving", .ram, readOnly: true),
      Register(123, 1, "moving_status", .ram, readOnly: true),
      Register(124, 2, "present_pwm", .ram, readOnly: true, sign: .twosComplement, 0.00113, .fraction),
      effort,
      Register(128, 4, "present_speed", .ram, readOnly: true, sign: .twosComplement, speed, .radianPerSecond),
      Register(132, 4, "present_position", .ram, readOnly: true, sign: .twosComplement, step, .radian),
      Register(136, 4, "velocity_trajectory", .ram, readOnly: true, sign: .twosComplement, speed, .radianPerSecond),
      Register(140, 4, "position_trajectory", .ram, readOnly: true, sign: .twosComplement, step, .radian),
      Register(144, 2, "present_voltage", .ram, readOnly: true, 0.1, .volt),
      Register(146, 1, "present_temperature", .ram, readOnly: true, 1, .celsius),
      Register(147, 1, "backup_ready", .ram, readOnly: true),
    ]
  }

  private static let coarse = 300 * Double.pi / 180 / 1024
  private static let coarseSpeed = 0.111 * 2 * Double.pi / 60

  /// AX-12A: protocol 1.0, potentiometer over 300 degrees.
  public static let ax12A = ServoModel(
    name: "ax-12a", wire: .dynamixel1, modelNumber: 12, stepsPerTurn: 1229, span: 300 * Double.pi / 180,
    positionSteps: 1024,
    registers: [
      Register(0, 2, "model_number", .eeprom, readOnly: true),
      Register(2, 1, "firmware_version", .eeprom, readOnly: true),
      Register(3, 1, "id", .eeprom),
      Register(4, 1, "baud_rate", .eeprom),
      Register(5, 1, "return_delay", .eeprom, 2e-6, .second),
      Register(6, 2, "min_position", .eeprom, coarse, .radian),
      Register(8, 2, "max_position", .eeprom, coarse, .radian),
      Register(11, 1, "max_temperature", .eeprom, 1, .celsius),
      Register(12, 1, "min_voltage", .eeprom, 0.1, .volt),
      Register(13, 1, "max_voltage", .eeprom, 0.1, .volt),
      Register(14, 2, "max_torque", .eeprom, 1.0 / 1023, .fraction),
      Register(16, 1, "status_return_level", .eeprom),
      Register(17, 1, "led_alarm", .eeprom),
      Register(18, 1, "shutdown", .eeprom),
      Register(24, 1, "torque_enable", .ram),
      Register(25, 1, "led", .ram),
      Register(26, 1, "compliance_margin_cw", .ram, coarse, .radian),
      Register(27, 1, "compliance_margin_ccw", .ram, coarse, .radian),
      Register(28, 1, "compliance_slope_cw", .ram),
      Register(29, 1, "compliance_slope_ccw", .ram),
      Register(30, 2, "goal_position", .ram, coarse, .radian),
      Register(32, 2, "goal_speed", .ram, coarseSpeed, .radianPerSecond),
      Register(34, 2, "torque_limit", .ram, 1.0 / 1023, .fraction),
      Register(36, 2, "present_position", .ram, readOnly: true, coarse, .radian),
      Register(
        38, 2, "present_speed", .ram, readOnly: true, sign: .signMagnitude(bit: 10), coarseSpeed, .radianPerSecond),
      Register(40, 2, "present_load", .ram, readOnly: true, sign: .signMagnitude(bit: 10), 1.0 / 1023, .fraction),
      Register(42, 1, "present_voltage", .ram, readOnly: true, 0.1, .volt),
      Register(43, 1, "present_temperature", .ram, readOnly: true, 1, .celsius),
      Register(44, 1, "write_pending", .ram, readOnly: true),
      Register(46, 1, "moving", .ram, readOnly: true),
      Register(47, 1, "lock", .ram),
      Register(48, 2, "punch", .ram),
    ],
    // Speed = 2,000,000 / (index + 1); those that are in use.
    baudRates: (0..<208).map { index in
      [1: 1_000_000, 3: 500_000, 4: 400_000, 7: 250_000, 9: 200_000, 16: 115_200, 34: 57_600, 103: 19_200, 207: 9600][
        index]
    },
    returnDelayStep: 2e-6, source: "ROBOTIS e-Manual, control table of AX-12A")
}
