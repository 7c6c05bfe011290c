/// Addresses of the STS/SMS control table that the servo's behaviour hangs on; SCS shares most of them.
enum Sts {
  static let model = 3, id = 5, baud = 6, returnDelay = 7, responseLevel = 8, minimum = 9, maximum = 11
  static let maxTemperature = 13, maxVoltage = 14, minVoltage = 15, maxTorque = 16, phase = 18, unload = 19
  static let resolution = 30, offset = 31, mode = 33, protectiveTorque = 34, protectionTime = 35, overloadTorque = 36
  static let torque = 40, acceleration = 41, goalPosition = 42, goalTime = 44, goalSpeed = 46, torqueLimit = 48
  static let lock = 55, presentPosition = 56, presentSpeed = 58, presentLoad = 60, voltage = 62, temperature = 63
  static let registered = 64, status = 65, moving = 66, current = 69, internalGoal = 71, movingThreshold = 80
  static let speedUnit = 82, maxSpeed = 84, accelerationFactor = 86
}

/// Where SCS differs from STS.
enum Scs {
  static let lock = 48
}

extension ServoModel {
  static let feetechModels: [ServoModel] = [
    sts("sts3215-7v4", number: 777, volts: 7.4, maxVoltage: 80, speed: 4.71, stall: 2.4),
    sts("sts3215-12v", number: 777, volts: 12, maxVoltage: 140, speed: 4.71, stall: 2.7),
    sts("sts3250", number: 2825, volts: 12, maxVoltage: 140, speed: 7.87, stall: 4.3),
    ServoModel(
      name: "scs0009", servoProtocol: .feetech, number: 1284, registers: scsRegisters, ticksPerTurn: 1024 * 360 / 300,
      largestPosition: 1023, noLoadSpeed: 10.5, stallCurrent: 0.9, supplyVoltage: 6, simulationProfile: nil,
      family: .feetechSCS),
  ]

  private static func sts(
    _ name: String, number: Int, volts: Double, maxVoltage: Int, speed: Double, stall: Double
  ) -> ServoModel {
    let registers = stsRegisters.map { register in
      switch register.address {
      case Sts.model: register.starting(at: number)
      case Sts.maxVoltage: register.starting(at: maxVoltage)
      default: register
      }
    }
    return ServoModel(
      name: name, servoProtocol: .feetech, number: number, registers: registers, ticksPerTurn: 4096,
      largestPosition: 4095, noLoadSpeed: speed, stallCurrent: stall, supplyVoltage: volts, simulationProfile: name,
      family: .feetechSTS)
  }

  /// Feetech's STS/SMS memory table (firmware 3.10). Values outside a range are brought to its nearer end, as the
  /// servo does; it has no error for them.
  private static let stsRegisters: [Register] = [
    Register(0, 1, "firmware major", .eeprom, initial: 3, writable: false),
    Register(1, 1, "firmware minor", .eeprom, initial: 10, writable: false),
    Register(2, 1, "end", .eeprom, initial: 0, writable: false),
    Register(3, 2, "model number", .eeprom, initial: 777, writable: false),
    Register(5, 1, "id", .eeprom, initial: 1, range: 0...253),
    Register(6, 1, "baud", .eeprom, initial: 0, range: 0...7),
    Register(7, 1, "return delay", .eeprom, initial: 0, range: 0...254),
    Register(8, 1, "response level", .eeprom, initial: 1, range: 0...1),
    Register(9, 2, "min position limit", .eeprom, initial: 0),
    Register(11, 2, "max position limit", .eeprom, initial: 4095),
    Register(13, 1, "max temperature", .eeprom, initial: 70, range: 0...100),
    Register(14, 1, "max voltage", .eeprom, initial: 80, range: 0...254),
    Register(15, 1, "min voltage", .eeprom, initial: 40, range: 0...254),
    Register(16, 2, "max torque", .eeprom, initial: 1000, range: 0...1000),
    Register(18, 1, "phase", .eeprom, initial: 0b1100),
    Register(19, 1, "unload condition", .eeprom, initial: 44),
    Register(20, 1, "led alarm condition", .eeprom, initial: 47),
    Register(21, 1, "p coefficient", .eeprom, initial: 32, range: 0...254),
    Register(22, 1, "d coefficient", .eeprom, initial: 32, range: 0...254),
    Register(23, 1, "i coefficient", .eeprom, initial: 0, range: 0...254),
    Register(24, 1, "minimum start force", .eeprom, initial: 16, range: 0...254),
    Register(26, 1, "cw dead zone", .eeprom, initial: 1, range: 0...32),
    Register(27, 1, "ccw dead zone", .eeprom, initial: 1, range: 0...32),
    Register(28, 2, "protection current", .eeprom, initial: 500, range: 0...2047),
    Register(30, 1, "angular resolution", .eeprom, initial: 1, range: 1...100),
    Register(31, 2, "homing offset", .eeprom, initial: 0),
    Register(33, 1, "operating mode", .eeprom, initial: 0, range: 0...3),
    Register(34, 1, "protective torque", .eeprom, initial: 20, range: 0...100),
    Register(35, 1, "protection time", .eeprom, initial: 200, range: 0...254),
    Register(36, 1, "overload torque", .eeprom, initial: 80, range: 0...100),
    Register(37, 1, "speed p coefficient", .eeprom, initial: 10, range: 0...254),
    Register(38, 1, "over-current time", .eeprom, initial: 200, range: 0...254),
    Register(39, 1, "speed i coefficient", .eeprom, initial: 10, range: 0...254),
    Register(40, 1, "torque enable", .ram, initial: 0),
    Register(41, 1, "acceleration", .ram, initial: 0, range: 0...254),
    Register(42, 2, "goal position", .ram, initial: 0),
    Register(44, 2, "goal time", .ram, initial: 0),
    Register(46, 2, "goal speed", .ram, initial: 0),
    Register(48, 2, "torque limit", .ram, initial: 1000, range: 0...1000),
    Register(55, 1, "lock", .ram, initial: 1, range: 0...1),
    Register(56, 2, "present position", .ram, writable: false),
    Register(58, 2, "present speed", .ram, writable: false),
    Register(60, 2, "present load", .ram, writable: false),
    Register(62, 1, "present voltage", .ram, writable: false),
    Register(63, 1, "present temperature", .ram, writable: false),
    Register(64, 1, "registered", .ram, writable: false),
    Register(65, 1, "status", .ram, writable: false),
    Register(66, 1, "moving", .ram, writable: false),
    Register(69, 2, "present current", .ram, writable: false),
    Register(71, 2, "internal goal position", .ram, writable: false),
    Register(80, 1, "moving threshold", .eeprom, initial: 1),
    Register(81, 1, "dts", .eeprom, initial: 20),
    Register(82, 1, "speed unit", .eeprom, initial: 1),
    Register(83, 1, "hts", .eeprom, initial: 10),
    Register(84, 1, "max speed", .eeprom, initial: 80),
    Register(85, 1, "max acceleration", .eeprom, initial: 254),
    Register(86, 1, "acceleration factor", .eeprom, initial: 1),
  ]

  /// The SCS series' table: big endian, a potentiometer of 1024 steps over 300°, no offset, no modes, lock at 48.
  private static let scsRegisters: [Register] = [
    Register(0, 1, "firmware major", .eeprom, initial: 3, writable: false),
    Register(1, 1, "firmware minor", .eeprom, initial: 3, writable: false),
    Register(2, 1, "end", .eeprom, initial: 1, writable: false),
    Register(3, 2, "model number", .eeprom, initial: 1284, writable: false),
    Register(5, 1, "id", .eeprom, initial: 1, range: 0...253),
    Register(6, 1, "baud", .eeprom, initial: 0, range: 0...7),
    Register(7, 1, "return delay", .eeprom, initial: 0, range: 0...254),
    Register(8, 1, "response level", .eeprom, initial: 1, range: 0...1),
    Register(9, 2, "min position limit", .eeprom, initial: 0, range: 0...1023),
    Register(11, 2, "max position limit", .eeprom, initial: 1023, range: 0...1023),
    Register(13, 1, "max temperature", .eeprom, initial: 80, range: 0...100),
    Register(14, 1, "max voltage", .eeprom, initial: 75, range: 0...254),
    Register(15, 1, "min voltage", .eeprom, initial: 35, range: 0...254),
    Register(16, 2, "max torque", .eeprom, initial: 1000, range: 0...1000),
    Register(18, 1, "phase", .eeprom, initial: 0),
    Register(19, 1, "unload condition", .eeprom, initial: 36),
    Register(20, 1, "led alarm condition", .eeprom, initial: 37),
    Register(21, 1, "p coefficient", .eeprom, initial: 15, range: 0...254),
    Register(22, 1, "d coefficient", .eeprom, initial: 15, range: 0...254),
    Register(23, 1, "i coefficient", .eeprom, initial: 0, range: 0...254),
    Register(24, 2, "minimum start force", .eeprom, initial: 0, range: 0...1000),
    Register(26, 1, "cw dead zone", .eeprom, initial: 1, range: 0...32),
    Register(27, 1, "ccw dead zone", .eeprom, initial: 1, range: 0...32),
    Register(34, 1, "protective torque", .eeprom, initial: 20, range: 0...100),
    Register(35, 1, "protection time", .eeprom, initial: 200, range: 0...254),
    Register(36, 1, "overload torque", .eeprom, initial: 80, range: 0...100),
    Register(40, 1, "torque enable", .ram, initial: 0, range: 0...1),
    Register(42, 2, "goal position", .ram, initial: 0),
    Register(44, 2, "goal time", .ram, initial: 0),
    Register(46, 2, "goal speed", .ram, initial: 0),
    Register(48, 1, "lock", .ram, initial: 1, range: 0...1),
    Register(56, 2, "present position", .ram, writable: false),
    Register(58, 2, "present speed", .ram, writable: false),
    Register(60, 2, "present load", .ram, writable: false),
    Register(62, 1, "present voltage", .ram, writable: false),
    Register(63, 1, "present temperature", .ram, writable: false),
    Register(64, 1, "registered", .ram, writable: false),
    Register(65, 1, "status", .ram, writable: false),
    Register(66, 1, "moving", .ram, writable: false),
  ]
}
