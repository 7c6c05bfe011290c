/// Addresses of the X series' control table that the servo's behaviour hangs on.
enum X {
  static let model = 0, information = 2, firmware = 6, id = 7, baud = 8, returnDelay = 9, driveMode = 10
  static let operatingMode = 11, secondaryID = 12, homingOffset = 20, movingThreshold = 24, temperatureLimit = 31
  static let maxVoltage = 32, minVoltage = 34, pwmLimit = 36, currentLimit = 38, velocityLimit = 44
  static let maxPosition = 48, minPosition = 52, startup = 60, shutdown = 63, torque = 64, statusLevel = 68
  static let registered = 69, hardwareError = 70, velocityI = 76, velocityP = 78, positionD = 80, positionI = 82
  static let positionP = 84, watchdog = 98, goalPWM = 100, goalCurrent = 102, goalVelocity = 104
  static let profileAcceleration = 108, profileVelocity = 112, goalPosition = 116, tick = 120, moving = 122
  static let movingStatus = 123, presentPWM = 124, presentCurrent = 126, presentVelocity = 128
  static let presentPosition = 132, velocityTrajectory = 136, positionTrajectory = 140, voltage = 144
  static let temperature = 146

  /// 0.229 rpm in rad/s.
  static let velocityUnit = 0.229 * 2 * Double.pi / 60
  /// Full duty in units of 0.113 %.
  static let fullPWM = 885.0
}

/// Addresses of the AX-12A's control table that the servo's behaviour hangs on.
enum AX {
  static let model = 0, firmware = 2, id = 3, baud = 4, returnDelay = 5, minimum = 6, maximum = 8
  static let temperatureLimit = 11, minVoltage = 12, maxVoltage = 13, maxTorque = 14, statusLevel = 16, shutdown = 18
  static let torque = 24, goalPosition = 30, movingSpeed = 32, torqueLimit = 34, presentPosition = 36
  static let presentSpeed = 38, presentLoad = 40, voltage = 42, temperature = 43, registered = 44, moving = 46
  static let lock = 47

  /// 0.111 rpm in rad/s.
  static let speedUnit = 0.111 * 2 * Double.pi / 60
}

extension ServoModel {
  /// Sources of tables and figures: ROBOTIS e-Manual, docs/en/dxl/x/*.md.
  static let dynamixelXModels: [ServoModel] = [
    x330(
      "xl330-m077", number: 1190, velocityLimit: 1620, velocityI: 400, velocityP: 40, positionI: 400, speed: 40.1),
    x330("xl330-m288", number: 1200, velocityLimit: 445, velocityI: 1600, velocityP: 180, positionI: 0, speed: 10.8),
    x430(
      "xl430-w250", number: 1060, firmware: 48, temperature: 72, volts: 60...140, nominal: 11.1, velocityLimit: 265,
      currentLimit: nil, velocityI: 1000, positionD: 4000, positionP: 640, speed: 5.97, stall: 1.3),
    x430(
      "xm430-w350", number: 1020, firmware: 48, temperature: 80, volts: 95...160, nominal: 12, velocityLimit: 200,
      currentLimit: 1193, velocityI: 1920, positionD: 0, positionP: 800, speed: 4.82, stall: 2.3),
    x430(
      "xm540-w270", number: 1120, firmware: 48, temperature: 80, volts: 95...160, nominal: 12, velocityLimit: 128,
      currentLimit: 2047, velocityI: 1920, positionD: 0, positionP: 800, speed: 3.14, stall: 4.4),
  ]

  private static func x330(
    _ name: String, number: Int, velocityLimit: Int, velocityI: Int, velocityP: Int, positionI: Int, speed: Double
  ) -> ServoModel {
    let changes: [Int: Register] = Dictionary(
      uniqueKeysWithValues: [
        Register(8, 1, "baud rate", .eeprom, initial: 1, range: 0...6),
        Register(13, 1, "protocol type", .eeprom, initial: 2, range: 2...22),
        Register(31, 1, "temperature limit", .eeprom, initial: 70, range: 0...100),
        Register(32, 2, "max voltage limit", .eeprom, initial: 70, range: 31...70),
        Register(34, 2, "min voltage limit", .eeprom, initial: 35, range: 31...70),
        Register(38, 2, "current limit", .eeprom, initial: 1750, range: 0...1750),
        Register(44, 4, "velocity limit", .eeprom, initial: velocityLimit, range: 0...2047),
        Register(62, 1, "pwm slope", .eeprom, initial: 140, range: 1...255),
        Register(63, 1, "shutdown", .eeprom, initial: 53),
        Register(76, 2, "velocity i gain", .ram, initial: velocityI, range: 0...16_383),
        Register(78, 2, "velocity p gain", .ram, initial: velocityP, range: 0...16_383),
        Register(82, 2, "position i gain", .ram, initial: positionI, range: 0...16_383),
        Register(84, 2, "position p gain", .ram, initial: 400, range: 0...16_383),
      ].map { ($0.address, $0) })
    return x(
      name, number: number, firmware: 52, changes: changes, without: [],
      indirect: [IndirectBlock(addresses: 168, data: 208, count: 20)], currentUnit: 0.001, volts: 5, speed: speed,
      stall: 1.47)
  }

  private static func x430(
    _ name: String, number: Int, firmware: Int, temperature: Int, volts: ClosedRange<Int>, nominal: Double,
    velocityLimit: Int, currentLimit: Int?, velocityI: Int, positionD: Int, positionP: Int, speed: Double, stall: Double
  ) -> ServoModel {
    var list = [
      Register(13, 1, "protocol type", .eeprom, initial: 2, range: 1...2),
      Register(31, 1, "temperature limit", .eeprom, initial: temperature, range: 0...100),
      Register(32, 2, "max voltage limit", .eeprom, initial: volts.upperBound, range: volts),
      Register(34, 2, "min voltage limit", .eeprom, initial: volts.lowerBound, range: volts),
      Register(44, 4, "velocity limit", .eeprom, initial: velocityLimit, range: 0...1023),
      Register(63, 1, "shutdown", .eeprom, initial: 52),
      Register(76, 2, "velocity i gain", .ram, initial: velocityI, range: 0...16_383),
      Register(78, 2, "velocity p gain", .ram, initial: 100, range: 0...16_383),
      Register(80, 2, "position d gain", .ram, initial: positionD, range: 0...16_383),
      Register(84, 2, "position p gain", .ram, initial: positionP, range: 0...16_383),
    ]
    if let currentLimit {
      list.append(Register(38, 2, "current limit", .eeprom, initial: currentLimit, range: 0...currentLimit))
    } else {
      list.append(Register(126, 2, "present load", .ram, writable: false, signed: true))
    }
    return x(
      name, number: number, firmware: firmware,
      changes: Dictionary(uniqueKeysWithValues: list.map { ($0.address, $0) }),
      without: currentLimit == nil ? [X.currentLimit, X.goalCurrent] : [],
      indirect: [
        IndirectBlock(addresses: 168, data: 224, count: 28), IndirectBlock(addresses: 578, data: 634, count: 28),
      ], currentUnit: currentLimit == nil ? nil : 0.00269, volts: nominal, speed: speed, stall: stall)
  }

  private static func x(
    _ name: String, number: Int, firmware: Int, changes: [Int: Register], without: [Int], indirect: [IndirectBlock],
    currentUnit: Double?, volts: Double, speed: Double, stall: Double
  ) -> ServoModel {
    var table = xRegisters.filter { !without.contains($0.address) && changes[$0.address] == nil } + changes.values
    table.append(Register(X.model, 2, "model number", .eeprom, initial: number, writable: false))
    table.append(Register(X.firmware, 1, "firmware version", .eeprom, initial: firmware, writable: false))
    let last = indirect.map { $0.data + $0.count - 1 }.max() ?? 0
    for (block, number) in zip(indirect, [1, 29]) {
      for index in 0..<block.count {
        table.append(
          Register(
            block.addresses + 2 * index, 2, "indirect address \(number + index)", .ram, initial: block.data + index,
            range: 64...last))
        table.append(Register(block.data + index, 1, "indirect data \(number + index)", .ram))
      }
    }
    return ServoModel(
      name: name, servoProtocol: .dynamixel2, number: number, registers: table.sorted { $0.address < $1.address },
      ticksPerTurn: 4096, largestPosition: 4095, noLoadSpeed: speed, stallCurrent: stall, supplyVoltage: volts,
      simulationProfile: name, family: .dynamixelX(XTraits(indirect: indirect, currentUnit: currentUnit)))
  }

  /// What all models have, but for model number, firmware version and indirect addresses.
  private static let xRegisters: [Register] = [
    Register(2, 4, "model information", .eeprom, writable: false),
    Register(7, 1, "id", .eeprom, initial: 1, range: 0...252),
    Register(8, 1, "baud rate", .eeprom, initial: 1, range: 0...7),
    Register(9, 1, "return delay time", .eeprom, initial: 250, range: 0...254),
    Register(10, 1, "drive mode", .eeprom, initial: 0, range: 0...13),
    Register(11, 1, "operating mode", .eeprom, initial: 3, range: 0...16),
    Register(12, 1, "secondary id", .eeprom, initial: 255, range: 0...255),
    Register(20, 4, "homing offset", .eeprom, range: -1_044_479...1_044_479, signed: true),
    Register(24, 4, "moving threshold", .eeprom, initial: 10, range: 0...1023),
    Register(36, 2, "pwm limit", .eeprom, initial: 885, range: 0...885),
    Register(48, 4, "max position limit", .eeprom, initial: 4095, range: 0...4095),
    Register(52, 4, "min position limit", .eeprom, initial: 0, range: 0...4095),
    Register(60, 1, "startup configuration", .eeprom, initial: 0, range: 0...3),
    Register(64, 1, "torque enable", .ram, range: 0...1),
    Register(65, 1, "led", .ram, range: 0...1),
    Register(68, 1, "status return level", .ram, initial: 2, range: 0...2),
    Register(69, 1, "registered instruction", .ram, writable: false),
    Register(70, 1, "hardware error status", .ram, writable: false),
    Register(80, 2, "position d gain", .ram, range: 0...16_383),
    Register(82, 2, "position i gain", .ram, range: 0...16_383),
    Register(88, 2, "feedforward 2nd gain", .ram, range: 0...16_383),
    Register(90, 2, "feedforward 1st gain", .ram, range: 0...16_383),
    Register(98, 1, "bus watchdog", .ram, range: 0...127, signed: true),
    Register(100, 2, "goal pwm", .ram, initial: 885, signed: true),
    Register(102, 2, "goal current", .ram, signed: true),
    Register(104, 4, "goal velocity", .ram, signed: true),
    Register(108, 4, "profile acceleration", .ram, range: 0...32_767),
    Register(112, 4, "profile velocity", .ram, range: 0...32_767),
    Register(116, 4, "goal position", .ram, signed: true),
    Register(120, 2, "realtime tick", .ram, writable: false),
    Register(122, 1, "moving", .ram, writable: false),
    Register(123, 1, "moving status", .ram, writable: false),
    Register(124, 2, "present pwm", .ram, writable: false, signed: true),
    Register(126, 2, "present current", .ram, writable: false, signed: true),
    Register(128, 4, "present velocity", .ram, writable: false, signed: true),
    Register(132, 4, "present position", .ram, writable: false, signed: true),
    Register(136, 4, "velocity trajectory", .ram, writable: false, signed: true),
    Register(140, 4, "position trajectory", .ram, writable: false, signed: true),
    Register(144, 2, "present input voltage", .ram, writable: false),
    Register(146, 1, "present temperature", .ram, writable: false),
    Register(147, 1, "backup ready", .ram, writable: false),
  ]

  /// Source: ROBOTIS e-Manual, docs/en/dxl/ax/ax-12a.md.
  static let ax12a = ServoModel(
    name: "ax-12a", servoProtocol: .dynamixel1, number: 12,
    registers: [
      Register(0, 2, "model number", .eeprom, initial: 12, writable: false),
      Register(2, 1, "firmware version", .eeprom, initial: 24, writable: false),
      Register(3, 1, "id", .eeprom, initial: 1, range: 0...252),
      Register(4, 1, "baud rate", .eeprom, initial: 1, range: 0...254),
      Register(5, 1, "return delay time", .eeprom, initial: 250, range: 0...254),
      Register(6, 2, "cw angle limit", .eeprom, initial: 0, range: 0...1023),
      Register(8, 2, "ccw angle limit", .eeprom, initial: 1023, range: 0...1023),
      Register(11, 1, "temperature limit", .eeprom, initial: 70, range: 0...99),
      Register(12, 1, "min voltage limit", .eeprom, initial: 60, range: 50...160),
      Register(13, 1, "max voltage limit", .eeprom, initial: 140, range: 50...160),
      Register(14, 2, "max torque", .eeprom, initial: 1023, range: 0...1023),
      Register(16, 1, "status return level", .eeprom, initial: 2, range: 0...2),
      Register(17, 1, "alarm led", .eeprom, initial: 36, range: 0...127),
      Register(18, 1, "shutdown", .eeprom, initial: 36, range: 0...127),
      Register(24, 1, "torque enable", .ram, range: 0...1),
      Register(25, 1, "led", .ram, range: 0...1),
      Register(26, 1, "cw compliance margin", .ram, initial: 1, range: 0...255),
      Register(27, 1, "ccw compliance margin", .ram, initial: 1, range: 0...255),
      Register(28, 1, "cw compliance slope", .ram, initial: 32, range: 0...254),
      Register(29, 1, "ccw compliance slope", .ram, initial: 32, range: 0...254),
      Register(30, 2, "goal position", .ram, range: 0...1023),
      Register(32, 2, "moving speed", .ram, range: 0...2047),
      Register(34, 2, "torque limit", .ram, initial: 1023, range: 0...1023),
      Register(36, 2, "present position", .ram, writable: false),
      Register(38, 2, "present speed", .ram, writable: false),
      Register(40, 2, "present load", .ram, writable: false),
      Register(42, 1, "present voltage", .ram, writable: false),
      Register(43, 1, "present temperature", .ram, writable: false),
      Register(44, 1, "registered", .ram, writable: false),
      Register(46, 1, "moving", .ram, writable: false),
      Register(47, 1, "lock", .ram, range: 0...1),
      Register(48, 2, "punch", .ram, initial: 32, range: 32...1023),
    ],
    ticksPerTurn: 1024 * 360 / 300, largestPosition: 1023, noLoadSpeed: 6.18, stallCurrent: 1.5, supplyVoltage: 12,
    simulationProfile: nil, family: .dynamixelAX)
}
