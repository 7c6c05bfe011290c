/// A DYNAMIXEL of the X series: Protocol 2.0, errors by number, hardware errors that latch until a reboot, indirect
/// addresses, and a bus watchdog.
///
/// A write is taken as a whole or refused as a whole. Torque on drives to the goal register, whatever it holds; at
/// power-on that is the present position.
///
/// Source: ROBOTIS e-Manual, "DYNAMIXEL Protocol 2.0" and docs/en/dxl/x/*.md.
final class DynamixelServo: ServoDevice {
  /// The status packet's error numbers.
  enum Fault {
    static let result: UInt8 = 1, instruction: UInt8 = 2, checksum: UInt8 = 3, range: UInt8 = 4, length: UInt8 = 5
    static let limit: UInt8 = 6, access: UInt8 = 7
  }

  let traits: ServoModel.XTraits
  /// Where each byte of the control table really is: itself, but for the indirect data.
  private var indirectData: [Int: Int] = [:]
  /// What makes the register's position of the encoder's, ticks: whole turns, so that it starts within one turn.
  var turns = 0.0
  /// Where the position goal is, in encoder ticks.
  var target = 0.0
  /// How far the last goal was when it came, ticks.
  var goalDistance = 0.0
  private var lastHeard: Int64 = 0
  private var isTripped = false
  /// The trip stopped the motor where it was; a new goal moves it again.
  var isHeldByWatchdog = false

  init(
    _ setup: ServoSetup, traits: ServoModel.XTraits, environment: ServoEnvironment, store: EepromFile?
  ) throws(VirtualServoError) {
    self.traits = traits
    for block in traits.indirect {
      for index in 0..<block.count { indirectData[block.data + index] = block.addresses + 2 * index }
    }
    try super.init(setup, environment: environment, store: store)
  }

  override var isWatchdogTripped: Bool { isTripped }
  override var errorBits: UInt8 { registers[X.hardwareError] == 0 ? 0 : 0x80 }
  override var goalTicks: Int { registers[X.goalPosition] }
  override var positionTicks: Int { positionOverride ?? Int(presentPosition.rounded()) }

  override func updateReference(_ time: Double) -> (isEnergised: Bool, torqueFraction: Double) { moveReference(time) }
  override func supervise(_ time: Double) { superviseMotor(time) }
  override func refreshFeedback() { showFeedback() }

  override func didPowerOn() {
    isTripped = false
    isHeldByWatchdog = false
    lastHeard = now
    settleTurns()
    applyModeDefaults()
    registers[X.goalPosition] = Int(presentPosition.rounded())
    target = encoder
    if registers[X.startup] & 1 != 0 { registers[X.torque] = 1 }
  }

  // MARK: Instructions

  override func heardInstruction() { lastHeard = now }

  override func execute(_ code: UInt8, _ parameters: [UInt8]) -> ServoAnswer? {
    let level = registers[X.statusLevel]
    var error: UInt8 = 0
    func word(_ index: Int) -> Int { Int(parameters[index]) | Int(parameters[index + 1]) << 8 }
    switch code {
    case 0x01:
      let number = model.number
      return ServoAnswer(
        error: errorBits,
        data: [
          UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8),
          UInt8(truncatingIfNeeded: registers[X.firmware]),
        ])
    case 0x02:
      guard parameters.count == 4 else { return failure(Fault.length) }
      return level >= 1 ? syncRead(word(0), word(2)) : nil
    case 0x03:
      guard parameters.count >= 3 else { return failure(Fault.length) }
      error = write(word(0), Array(parameters.dropFirst(2)))
    case 0x04:
      guard parameters.count >= 3 else { return failure(Fault.length) }
      let data = Array(parameters.dropFirst(2))
      switch plan(word(0), data) {
      case .failure(let fault): error = fault.number
      case .success:
        registeredWrite = (word(0), data)
        registers[X.registered] = 1
      }
    case 0x05:
      if let waiting = registeredWrite {
        error = write(waiting.address, waiting.data)
      } else {
        error = Fault.instruction
      }
      registeredWrite = nil
      registers[X.registered] = 0
    case 0x06:
      guard let option = parameters.first, parameters.count == 1 else { return failure(Fault.length) }
      switch option {
      case 0xFF: restoreFactorySettings(keeping: [])
      case 0x01: restoreFactorySettings(keeping: [X.id])
      case 0x02: restoreFactorySettings(keeping: [X.id, X.baud])
      default: return failure(Fault.range)
      }
      restart(silence: environment.bootTime)
    case 0x08: restart(silence: environment.bootTime)
    case 0x10: error = clear(parameters)
    default: return failure(Fault.instruction)
    }
    return level >= 2 ? ServoAnswer(error: error | errorBits) : nil
  }

  override func syncRead(_ address: Int, _ count: Int) -> ServoAnswer? {
    guard count > 0, address + count <= registers.count else { return failure(Fault.access, isRead: true) }
    refreshFeedback()
    let data = (address..<(address + count)).map { place in registers.bytes[physical(place)] }
    return ServoAnswer(error: errorBits, data: data)
  }

  override func syncWrite(_ address: Int, _ data: [UInt8]) { _ = write(address, data) }

  /// What a damaged packet for this servo is answered with.
  var checksumFailure: ServoAnswer? { failure(Fault.checksum) }

  private func failure(_ number: UInt8, isRead: Bool = false) -> ServoAnswer? {
    registers[X.statusLevel] >= (isRead ? 1 : 2) ? ServoAnswer(error: number | errorBits) : nil
  }

  private func clear(_ parameters: [UInt8]) -> UInt8 {
    switch parameters {
    case [0x01, 0x44, 0x58, 0x4C, 0x22]:
      guard !isMoving else { return Fault.result }
      settleTurns()
      registers[X.goalPosition] = Int(presentPosition.rounded())
      target = encoder
      return 0
    case [0x02, 0x45, 0x52, 0x43, 0x4C]:
      registers[X.hardwareError] = 0
      isOverloadForced = false
      overloadTime = 0
      return 0
    default: return parameters.count == 5 ? Fault.range : Fault.length
    }
  }

  // MARK: Writing

  private struct Refusal: Error { var number: UInt8 }

  private func physical(_ address: Int) -> Int {
    guard let pointer = indirectData[address] else { return address }
    return registers[pointer]
  }

  private func write(_ address: Int, _ data: [UInt8]) -> UInt8 {
    switch plan(address, data) {
    case .failure(let refusal): return refusal.number
    case .success(let values):
      for (register, value) in values {
        let before = registers.value(of: register)
        registers.set(register, value)
        didWrite(register, value, before: before)
      }
      return 0
    }
  }

  /// The registers that a write sets, or why it is refused.
  private func plan(_ address: Int, _ data: [UInt8]) -> Result<[(register: Register, value: Int)], Refusal> {
    guard address + data.count <= registers.count else { return .failure(Refusal(number: Fault.access)) }
    let places = data.indices.map { physical(address + $0) }
    var values: [(Register, Int)] = []
    var index = 0
    while index < places.count {
      guard let register = registers.register(at: places[index]) else { return .failure(Refusal(number: Fault.access)) }
      let end = index + register.size
      guard register.address == places[index], end <= places.count,
        (index..<end).allSatisfy({ places[$0] == places[index] + $0 - index })
      else { return .failure(Refusal(number: Fault.length)) }
      let value = RegisterFile.decode(data[index..<end], register, isBigEndian: false)
      if let fault = fault(register, value) { return .failure(Refusal(number: fault)) }
      values.append((register, value))
      index = end
    }
    return .success(values)
  }

  /// Why a register refuses a value now; nil when it takes it.
  private func fault(_ register: Register, _ value: Int) -> UInt8? {
    guard register.isWritable else { return Fault.access }
    if register.area == .eeprom, isTorqueOn { return Fault.access }
    let isGoal = [X.goalPWM, X.goalCurrent, X.goalVelocity, X.goalPosition].contains(register.address)
    if isGoal, isTripped { return Fault.range }
    if let range = register.range, !range.contains(value) { return Fault.range }
    func limit(_ address: Int) -> UInt8? { value.magnitude > registers[address] ? Fault.limit : nil }
    switch register.address {
    case X.operatingMode:
      let modes = traits.currentUnit == nil ? [1, 3, 4, 16] : [0, 1, 3, 4, 5, 16]
      return modes.contains(value) ? nil : Fault.range
    case X.secondaryID: return value <= 252 || value == 255 ? nil : Fault.range
    case X.goalPWM: return limit(X.pwmLimit)
    case X.goalCurrent: return limit(X.currentLimit)
    case X.goalVelocity: return limit(X.velocityLimit)
    case X.goalPosition:
      guard registers[X.operatingMode] == 3 else { return value.magnitude > 1_048_575 ? Fault.range : nil }
      let (low, high) = (registers[X.minPosition], registers[X.maxPosition])
      return value < low || value > high ? Fault.limit : nil
    case X.torque:
      // A latched shutdown is left by a reboot only.
      return value == 1 && registers[X.hardwareError] & registers[X.shutdown] != 0 ? Fault.result : nil
    default: return nil
    }
  }

  private func didWrite(_ register: Register, _ value: Int, before: Int) {
    switch register.address {
    case X.torque where value == 1 && before == 0:
      reference.reset(to: encoder)
      goalWritten()
      lastHeard = now
    case X.operatingMode:
      if value == 3 { settleTurns() }
      applyModeDefaults()
      registers[X.goalPosition] = Int(presentPosition.rounded())
      target = encoder
    case X.driveMode, X.homingOffset:
      settleTurns()
      registers[X.goalPosition] = Int(presentPosition.rounded())
      target = encoder
    case X.goalPosition:
      if registers[X.driveMode] & 8 != 0, !isTorqueOn, registers[X.hardwareError] & registers[X.shutdown] == 0 {
        registers[X.torque] = 1
        reference.reset(to: encoder)
      }
      goalWritten()
    case X.goalPWM, X.goalCurrent, X.goalVelocity: isHeldByWatchdog = false
    case X.watchdog:
      isTripped = false
      lastHeard = now
    default: break
    }
    if register.area == .eeprom { persist(register) }
  }

  // MARK: Bus watchdog

  override func checkTimers() {
    let setting = registers[X.watchdog]
    guard setting > 0, isTorqueOn, now - lastHeard >= Int64(setting) * 20_000_000 else { return }
    isTripped = true
    isHeldByWatchdog = true
    registers[X.watchdog] = -1
    // It stops where the shaft is, not where its goal was.
    target = encoder
  }
}
