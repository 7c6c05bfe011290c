/// A Feetech servo of the STS/SMS series, or of the SCS series with its differences.
///
/// Signed registers are in sign-magnitude. Values outside a register's range are brought to its nearer end; read-only
/// registers ignore writes; the status byte shows conditions, never a wrong instruction. EEPROM registers act at once
/// and survive power-off only while the lock is open. Torque on drives to the goal register, whatever it holds; at
/// power-on that is the present position.
final class FeetechServo: ServoDevice {
  private let isSCS: Bool
  /// Where the position goal is, in encoder ticks.
  private var target = 0.0
  private var isOverloaded = false

  override init(_ setup: ServoSetup, environment: ServoEnvironment, store: EepromFile?) throws(VirtualServoError) {
    isSCS = setup.model.family == .feetechSCS
    try super.init(setup, environment: environment, store: store)
  }

  override var errorBits: UInt8 { UInt8(truncatingIfNeeded: status) }
  override var positionTicks: Int { positionOverride ?? Int(presentPosition.rounded()) }
  override var goalTicks: Int { SignMagnitude.decode(registers[Sts.goalPosition], signBit: 15) }
  private var offset: Int { isSCS ? 0 : SignMagnitude.decode(registers[Sts.offset], signBit: 11) }
  private var mode: Int { isSCS ? 0 : registers[Sts.mode] }
  private var isMultiTurn: Bool { !isSCS && registers[Sts.phase] & 0x10 != 0 }
  private var lockAddress: Int { isSCS ? Scs.lock : Sts.lock }

  /// As the register shows it, before rounding.
  private var presentPosition: Double {
    let position = encoder - Double(offset)
    if isSCS { return max(0, min(Double(model.largestPosition), position)) }
    guard !isMultiTurn else { return max(-32_767, min(32_767, position)) }
    let turn = model.ticksPerTurn
    let wrapped = position - (position / turn).rounded(.down) * turn
    return wrapped.rounded() >= turn ? 0 : wrapped
  }

  override func didPowerOn() {
    if !isSCS {
      registers[Sts.torqueLimit] = registers[Sts.maxTorque]
      registers[Sts.mode] = min(registers[Sts.mode], 3)
    }
    isOverloaded = false
    registers[Sts.goalPosition] = SignMagnitude.encode(Int(presentPosition.rounded()), signBit: 15)
    target = encoder
  }

  // MARK: Instructions

  override func execute(_ code: UInt8, _ parameters: [UInt8]) -> ServoAnswer? {
    let isTalkative = registers[Sts.responseLevel] != 0
    // The firmware's receive buffer; sync writes are longer, and are dealt out by the bus.
    guard parameters.count <= 128 else { return nil }
    switch code {
    case 0x01: return answer()
    case 0x02:
      guard parameters.count == 2 else { return nil }
      return syncRead(Int(parameters[0]), Int(parameters[1]))
    case 0x03:
      guard parameters.count >= 2 else { return nil }
      write(Int(parameters[0]), Array(parameters.dropFirst()))
    case 0x04:
      guard parameters.count >= 2 else { return nil }
      registeredWrite = (Int(parameters[0]), Array(parameters.dropFirst()))
      registers[Sts.registered] = 1
    case 0x05:
      if let waiting = registeredWrite { write(waiting.address, waiting.data) }
      registeredWrite = nil
      registers[Sts.registered] = 0
    case 0x06:
      restoreFactorySettings(keeping: [Sts.id])
      restart(silence: 0)
    case 0x08:
      // Into the boot loader, which speaks another language; only a power cycle brings it back.
      restart(silence: .max / 2)
      return nil
    case 0x0A where !isSCS: restart(silence: 0)
    case 0x0B where !isSCS:
      guard parameters.count == 2 else { return nil }
      calibrate(showing: Int(parameters[0]) | Int(parameters[1]) << 8)
    default: return nil
    }
    return isTalkative ? answer() : nil
  }

  override func syncRead(_ address: Int, _ count: Int) -> ServoAnswer? {
    refreshFeedback()
    return ServoAnswer(error: errorBits, data: registers.read(address, min(count, 253)))
  }

  override func syncWrite(_ address: Int, _ data: [UInt8]) { write(address, data) }

  private func answer() -> ServoAnswer { ServoAnswer(error: errorBits) }

  // MARK: Writing

  private func write(_ address: Int, _ data: [UInt8]) {
    var written: [(register: Register, before: Int)] = []
    var offset = 0
    while offset < data.count {
      guard let register = registers.register(at: address + offset) else {
        offset += 1
        continue
      }
      let end = register.address + register.size
      if register.isWritable {
        // A write may touch one byte of two.
        var bytes = registers.read(register.address, register.size)
        for place in 0..<register.size {
          let source = register.address + place - address
          if data.indices.contains(source) { bytes[place] = data[source] }
        }
        let value = RegisterFile.decode(bytes[...], register, isBigEndian: registers.isBigEndian)
        let before = registers.value(of: register)
        registers.set(register, limited(register, value))
        written.append((register, before))
      }
      offset = end - address
    }
    // After all are set: speed and acceleration of one packet count for the goal in it.
    for (register, before) in written { didWrite(register, before: before) }
  }

  private func limited(_ register: Register, _ value: Int) -> Int {
    guard let range = register.range else { return value }
    return max(range.lowerBound, min(range.upperBound, value))
  }

  private func didWrite(_ register: Register, before: Int) {
    switch register.address {
    case Sts.torque: torqueWritten(before: before)
    case Sts.goalPosition: goalWritten()
    case Sts.mode where !isSCS:
      target = encoder
      reference.reset(to: encoder)
    default: break
    }
    if register.area == .eeprom, registers[lockAddress] == 0 { persist(register) }
  }

  private func torqueWritten(before: Int) {
    switch registers[Sts.torque] {
    case 128 where !isSCS:
      registers[Sts.torque] = before
      calibrate(showing: 2048)
    case 1:
      if before == 0 { reference.reset(to: encoder) }
      goalWritten()
    default:
      registers[Sts.torque] = 0
      isOverloaded = false
      isOverloadForced = false
      overloadTime = 0
    }
  }

  /// Sets the offset so that the present position reads `position`, and keeps it.
  private func calibrate(showing position: Int) {
    let turn = Int(model.ticksPerTurn)
    let raw = Int(encoder.rounded()) - position
    // Into -2048 … 2047; the register holds 11 bits, so the one value too large becomes the largest.
    let wrapped = ((raw + turn / 2) % turn + turn) % turn - turn / 2
    registers[Sts.offset] = SignMagnitude.encode(wrapped, signBit: 11)
    if let register = registers.register(at: Sts.offset) { persist(register) }
    goalWritten()
  }

  private func goalWritten() {
    if mode == 3 {
      target += Double(goalTicks)
    } else {
      var goal = Double(goalTicks)
      let (low, high) = (registers[Sts.minimum], registers[Sts.maximum])
      if isSCS { goal = Double(registers[Sts.goalPosition]) }
      if low != 0 || high != 0 { goal = max(Double(low), min(Double(high), goal)) }
      target = encoder + goal - presentPosition
    }
    let pull = encoderLoad
    // A goal the other way ends an overload.
    if isOverloaded, (target - encoder) * pull < 0 {
      isOverloaded = false
      isOverloadForced = false
      overloadTime = 0
    }
  }

  // MARK: Motion

  override func updateReference(_ time: Double) -> (isEnergised: Bool, torqueFraction: Double) {
    guard isTorqueOn else { return (false, 0) }
    if mode == 2 {
      let duty = Double(SignMagnitude.decode(registers[Sts.goalTime], signBit: 10)) / 1000
      reference.run(at: duty * model.noLoadSpeed * model.ticksPerRadian, acceleration: .infinity, time: time)
    } else if mode == 1 {
      let speed = min(speedLimit(SignMagnitude.decode(registers[Sts.goalSpeed], signBit: 15)), largestSpeed)
      reference.run(at: max(-largestSpeed, speed), acceleration: acceleration, time: time)
    } else {
      let wanted = isSCS ? registers[Sts.goalSpeed] : SignMagnitude.decode(registers[Sts.goalSpeed], signBit: 15)
      var speed = speedLimit(wanted).magnitude
      // 0 is as fast as the motor can, or with phase bit 3 cleared a stop.
      if wanted == 0 { speed = isSCS || registers[Sts.phase] & 8 != 0 ? .infinity : 0 }
      reference.move(to: target, speed: speed, acceleration: acceleration, time: time)
    }
    var fraction = isSCS ? 1 : Double(registers[Sts.torqueLimit]) / 1000
    if isOverloaded { fraction = min(fraction, Double(registers[Sts.protectiveTorque]) / 100) }
    return (true, fraction)
  }

  private var largestSpeed: Double { model.noLoadSpeed * model.ticksPerRadian }

  /// Ticks/s; steps of 50 where the phase's bit 2 and the speed unit say so.
  private func speedLimit(_ value: Int) -> Double {
    let isCoarse = !isSCS && registers[Sts.phase] & 4 == 0 && registers[Sts.speedUnit] == 50
    return Double(value) * (isCoarse ? 50 : 1)
  }

  private var acceleration: Double {
    let value = isSCS ? 0 : registers[Sts.acceleration]
    return value == 0 ? .infinity : Double(value) * 100
  }

  // MARK: Protection and feedback

  override func supervise(_ time: Double) {
    let limit = Double(registers[Sts.overloadTorque]) / 100
    overloadTime = isTorqueOn && encoderLoad.magnitude >= limit ? overloadTime + time : 0
    let isTooLong = overloadTime >= Double(registers[Sts.protectionTime]) * 0.01 && overloadTime > 0
    if (isTooLong || isOverloadForced), registers[Sts.unload] & 0x20 != 0 { isOverloaded = true }
  }

  private var status: Int {
    let volts = Int((voltage * 10).rounded())
    var bits = 0
    if volts > registers[Sts.maxVoltage] || volts < registers[Sts.minVoltage] { bits |= 1 }
    if Int(temperature.rounded()) > registers[Sts.maxTemperature] { bits |= 4 }
    if isOverloaded || isOverloadForced { bits |= 0x20 }
    return bits
  }

  override func refreshFeedback() {
    let speed = Int(encoderVelocity.rounded())
    let load = Int((encoderLoad * 1000).rounded())
    registers[Sts.presentPosition] =
      isSCS ? positionTicks : SignMagnitude.encode(positionTicks, signBit: 15)
    registers[Sts.presentSpeed] = SignMagnitude.encode(speed, signBit: 15)
    registers[Sts.presentLoad] = SignMagnitude.encode(load, signBit: 10)
    registers[Sts.voltage] = max(0, min(255, Int((voltage * 10).rounded())))
    registers[Sts.temperature] = max(0, min(255, Int(temperature.rounded())))
    registers[Sts.status] = status
    registers[Sts.moving] = speed.magnitude > 1 ? 1 : 0
    guard !isSCS else { return }
    registers[Sts.current] = SignMagnitude.encode(Int((current / 0.0065).rounded()), signBit: 15)
    let goal = isTorqueOn ? target - encoder + presentPosition : presentPosition
    registers[Sts.internalGoal] = SignMagnitude.encode(Int(goal.rounded()), signBit: 15)
  }
}
