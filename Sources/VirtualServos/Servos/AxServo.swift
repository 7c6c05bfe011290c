/// A DYNAMIXEL AX-12A: Protocol 1.0, 1024 steps over 300°. Writing a goal position switches the torque on.
///
/// Source: ROBOTIS e-Manual, AX-12A and "DYNAMIXEL Protocol 1.0".
final class AxServo: ServoDevice {
  /// The status packet's error bits.
  private enum Fault {
    static let voltage: UInt8 = 1, angleLimit: UInt8 = 2, overheating: UInt8 = 4, range: UInt8 = 8
    static let checksum: UInt8 = 16, overload: UInt8 = 32, instruction: UInt8 = 64
  }

  private var latched: UInt8 = 0

  override var errorBits: UInt8 { latched }
  override var positionTicks: Int {
    positionOverride ?? max(0, min(model.largestPosition, Int(encoder.rounded())))
  }
  override var goalTicks: Int { registers[AX.goalPosition] }

  override func didPowerOn() {
    latched = 0
    registers[AX.torqueLimit] = registers[AX.maxTorque]
    registers[AX.goalPosition] = max(0, min(model.largestPosition, Int(encoder.rounded())))
  }

  override func execute(_ code: UInt8, _ parameters: [UInt8]) -> ServoAnswer? {
    let level = registers[AX.statusLevel]
    var error: UInt8 = 0
    switch code {
    case 0x01: return ServoAnswer(error: errorBits)
    case 0x02:
      guard parameters.count == 2 else { return failure(Fault.instruction, level) }
      guard Int(parameters[0]) + Int(parameters[1]) <= registers.count else { return failure(Fault.range, level) }
      return level >= 1 ? syncRead(Int(parameters[0]), Int(parameters[1])) : nil
    case 0x03:
      guard parameters.count >= 2 else { return failure(Fault.instruction, level) }
      error = write(Int(parameters[0]), Array(parameters.dropFirst()))
    case 0x04:
      guard parameters.count >= 2 else { return failure(Fault.instruction, level) }
      registeredWrite = (Int(parameters[0]), Array(parameters.dropFirst()))
      registers[AX.registered] = 1
    case 0x05:
      guard let waiting = registeredWrite else { return failure(Fault.instruction, level) }
      error = write(waiting.address, waiting.data)
      registeredWrite = nil
      registers[AX.registered] = 0
    case 0x06:
      restoreFactorySettings(keeping: [])
      restart(silence: 0)
    default: return failure(Fault.instruction, level)
    }
    return level >= 2 ? ServoAnswer(error: error | errorBits) : nil
  }

  override func syncRead(_ address: Int, _ count: Int) -> ServoAnswer? {
    refreshFeedback()
    return ServoAnswer(error: errorBits, data: registers.read(address, min(count, 253)))
  }

  override func syncWrite(_ address: Int, _ data: [UInt8]) { _ = write(address, data) }

  /// What a damaged packet for this servo is answered with.
  var checksumFailure: ServoAnswer? { failure(Fault.checksum, registers[AX.statusLevel]) }

  private func failure(_ bit: UInt8, _ level: Int) -> ServoAnswer? {
    level >= 2 ? ServoAnswer(error: bit | errorBits) : nil
  }

  /// All or nothing: returns the error bits.
  private func write(_ address: Int, _ data: [UInt8]) -> UInt8 {
    guard address + data.count <= registers.count else { return Fault.range }
    var values: [(register: Register, value: Int)] = []
    var offset = 0
    while offset < data.count {
      guard let register = registers.register(at: address + offset) else { return Fault.range }
      guard register.isWritable else { return Fault.range }
      var bytes = registers.read(register.address, register.size)
      for place in 0..<register.size {
        let source = register.address + place - address
        if data.indices.contains(source) { bytes[place] = data[source] }
      }
      let value = RegisterFile.decode(bytes[...], register, isBigEndian: false)
      if let range = register.range, !range.contains(value) { return Fault.range }
      if register.address == AX.goalPosition, !isWheel,
        !(registers[AX.minimum]...max(registers[AX.minimum], registers[AX.maximum])).contains(value)
      {
        return Fault.angleLimit
      }
      values.append((register, value))
      offset = register.address + register.size - address
    }
    for (register, value) in values {
      registers.set(register, value)
      if register.area == .eeprom { persist(register) }
      if register.address == AX.goalPosition, latched & UInt8(truncatingIfNeeded: registers[AX.shutdown]) == 0 {
        registers[AX.torque] = 1
      }
    }
    return 0
  }

  private var isWheel: Bool { registers[AX.minimum] == 0 && registers[AX.maximum] == 0 }

  override func updateReference(_ time: Double) -> (isEnergised: Bool, torqueFraction: Double) {
    guard isTorqueOn else { return (false, 0) }
    let largest = model.noLoadSpeed * model.ticksPerRadian
    let value = registers[AX.movingSpeed]
    if isWheel {
      // Bit 10 turns clockwise, which is towards smaller positions; the rest is a part of the largest speed.
      let speed = Double(SignMagnitude.decode(value & 0x7FF, signBit: 10)) / 1023 * largest
      reference.run(at: speed, acceleration: .infinity, time: time)
    } else {
      // 0 is as fast as the motor can.
      let speed = value == 0 ? .infinity : Double(value & 0x3FF) * AX.speedUnit * model.ticksPerRadian
      reference.move(to: Double(goalTicks), speed: speed, acceleration: .infinity, time: time)
    }
    return (true, Double(registers[AX.torqueLimit]) / 1023)
  }

  override func supervise(_ time: Double) {
    let volts = Int((voltage * 10).rounded())
    overloadTime = isTorqueOn && encoderLoad.magnitude >= 0.9 ? overloadTime + time : 0
    let isVoltageWrong = volts > registers[AX.maxVoltage] || volts < registers[AX.minVoltage]
    latched = isVoltageWrong ? latched | Fault.voltage : latched & ~Fault.voltage
    if Int(temperature.rounded()) > registers[AX.temperatureLimit] { latched |= Fault.overheating }
    if overloadTime > 2 || isOverloadForced { latched |= Fault.overload }
    if latched & UInt8(truncatingIfNeeded: registers[AX.shutdown]) != 0 {
      registers[AX.torque] = 0
      registers[AX.torqueLimit] = 0
    }
  }

  override func refreshFeedback() {
    registers[AX.presentPosition] = positionTicks
    let speed = Int((sign(encoderVelocity) * encoderVelocity / model.ticksPerRadian / AX.speedUnit).rounded())
    registers[AX.presentSpeed] = min(speed, 1023) | (encoderVelocity < 0 && speed > 0 ? 0x400 : 0)
    registers[AX.presentLoad] = SignMagnitude.encode(Int((encoderLoad * 1023).rounded()), signBit: 10)
    registers[AX.voltage] = max(0, min(255, Int((voltage * 10).rounded())))
    registers[AX.temperature] = max(0, min(255, Int(temperature.rounded())))
    registers[AX.moving] = encoderVelocity.magnitude > 1 ? 1 : 0
  }

  private func sign(_ value: Double) -> Double { value < 0 ? -1 : 1 }
}
