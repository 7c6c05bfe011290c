/// One virtual servo: memory, power, encoder and motion. The families differ in what they make of an instruction.
///
/// A class, because the bus, its dispatch and its faults all act on the same servo. Before `powerOn` it knows nothing.
class ServoDevice {
  let setup: ServoSetup
  let model: ServoModel
  let environment: ServoEnvironment
  private let addresses: CommonAddresses
  var registers: RegisterFile
  /// What survives power-off.
  private var flash: RegisterFile
  private let store: EepromFile?

  /// Bus time, ns.
  private(set) var now: Int64 = 0
  /// It neither hears nor speaks before this time.
  private(set) var silentUntil: Int64 = 0
  private(set) var shaft = ShaftState()
  var reference = MotionReference()
  /// Shown instead of the position when the bus counts requests to show stale data.
  var positionOverride: Int?
  /// What a registered write waits with.
  var registeredWrite: (address: Int, data: [UInt8])?
  /// How long the motor has pulled harder than allowed, s.
  var overloadTime = 0.0
  /// Whether an overload was demanded by a fault.
  var isOverloadForced = false
  /// EEPROM writes so far.
  private(set) var flashWrites = 0
  /// The last trouble with the EEPROM's file.
  private(set) var storeError: VirtualServoError?
  /// Whole turns, in ticks, that the encoder has forgotten: it sees one turn at power-on.
  private var encoderBase = 0.0
  private var heat = 0.0

  init(_ setup: ServoSetup, environment: ServoEnvironment, store: EepromFile?) throws(VirtualServoError) {
    self.setup = setup
    model = setup.model
    addresses = CommonAddresses(setup.model.family)
    self.environment = environment
    self.store = store
    registers = RegisterFile(model.registers, isBigEndian: model.family == .feetechSCS)
    flash = registers
    for (address, value) in setup.registers {
      guard let register = flash.register(at: address), register.address == address, register.area == .eeprom else {
        throw VirtualServoError("\(model.name) has no EEPROM register at address \(address)")
      }
      flash.set(register, value)
    }
    flash[addresses.id] = Int(setup.id)
    guard let store else { return }
    for (name, value) in try store.load(model: model) {
      guard let register = model.registers.first(where: { $0.name == name && $0.area == .eeprom }) else { continue }
      flash.set(register, value)
    }
  }

  // MARK: What a family says

  /// Does what an instruction says; nil when nothing is to be said.
  func execute(_ code: UInt8, _ parameters: [UInt8]) -> ServoAnswer? { nil }
  /// What a sync or bulk read gets.
  func syncRead(_ address: Int, _ count: Int) -> ServoAnswer? { nil }
  /// What a sync or bulk write does.
  func syncWrite(_ address: Int, _ data: [UInt8]) {}
  /// After power-on, with all registers at their start values.
  func didPowerOn() {}
  /// Moves the inner goal by `time` seconds and says what the motor shall do.
  func updateReference(_ time: Double) -> (isEnergised: Bool, torqueFraction: Double) { (false, 0) }
  /// Looks at load, temperature and voltage after `time` seconds.
  func supervise(_ time: Double) {}
  /// Looks at timers at the present time.
  func checkTimers() {}
  /// Any instruction packet passed on the bus.
  func heardInstruction() {}
  /// Brings the feedback registers up to date.
  func refreshFeedback() {}
  var isWatchdogTripped: Bool { false }
  var errorBits: UInt8 { 0 }
  /// The commanded goal as its register says, ticks.
  var goalTicks: Int { 0 }
  /// The present position as its register says, ticks.
  var positionTicks: Int { 0 }

  // MARK: Shared

  /// On the bus now: alive, not booting.
  final var isListening: Bool { now >= silentUntil }
  final var id: UInt8 { UInt8(truncatingIfNeeded: registers[addresses.id]) }
  final var returnDelay: Int64 { Int64(registers[addresses.returnDelay]) * 2000 }
  final var baud: Int? { model.servoProtocol.baud(index: registers[addresses.baud]) }
  final var isTorqueOn: Bool { registers[addresses.torque] == 1 }

  /// Encoder position in ticks, counted on through turns since power-on.
  final var encoder: Double { rawTicks - encoderBase }
  final var encoderVelocity: Double { sign * shaft.velocity * model.ticksPerRadian }
  /// The shaft's load with the encoder's sign, -1 … 1.
  final var encoderLoad: Double { sign * shaft.load }
  private var sign: Double { setup.isReversed ? -1 : 1 }
  private var rawTicks: Double { setup.zeroTicks + sign * shaft.position * model.ticksPerRadian }

  /// °C.
  final var temperature: Double { environment.ambientTemperature + heat }
  /// V at the servo's plug.
  final var voltage: Double { environment.supplyVoltage ?? model.supplyVoltage }
  /// A.
  final var current: Double { encoderLoad * model.stallCurrent }

  /// Power comes, with the shaft where it is: RAM at its start values, torque off, the encoder within one turn.
  /// `silence` ns pass before it hears anything.
  final func powerOn(at time: Int64, silence: Int64) {
    now = max(now, time)
    silentUntil = now &+ silence
    for register in model.registers {
      registers.set(register, register.area == .eeprom ? flash.value(of: register) : register.initial)
    }
    registeredWrite = nil
    overloadTime = 0
    isOverloadForced = false
    encoderBase = (rawTicks / model.ticksPerTurn).rounded(.down) * model.ticksPerTurn
    reference.reset(to: encoder)
    didPowerOn()
  }

  /// Sets the shaft without moving the motor, before power-on.
  final func place(_ state: ShaftState) { shaft = state }

  /// What the motor shall do in the coming `time` seconds.
  final func drive(_ time: Double) -> ServoDrive {
    let (isEnergised, fraction) = updateReference(time)
    if !isEnergised { reference.reset(to: encoder) }
    var drive = ServoDrive()
    drive.isEnergised = isEnergised
    drive.torqueFraction = fraction
    drive.goal = (reference.position + encoderBase - setup.zeroTicks) / (sign * model.ticksPerRadian)
    return drive
  }

  /// What the encoder shows after a physics step of `time` seconds.
  final func observe(_ state: ShaftState, time: Double) {
    shaft = state
    // A motor at full load warms by 40 K with a time constant of two minutes.
    heat += (40 * state.load * state.load - heat) * min(1, time / 120)
    supervise(time)
  }

  /// The bus's time has come to `time`.
  final func advanceClock(to time: Int64) {
    now = max(now, time)
    checkTimers()
  }

  /// Goes silent for `duration` ns and comes back as after power-on.
  final func restart(silence duration: Int64) { powerOn(at: now, silence: duration) }

  /// Keeps an EEPROM register's present value through power-off.
  final func persist(_ register: Register) {
    guard register.area == .eeprom else { return }
    flash.set(register, registers.value(of: register))
    flashWrites += 1
    save()
  }

  /// Brings the EEPROM back to the factory's values, but for the registers at `kept`; takes effect at power-on.
  final func restoreFactorySettings(keeping kept: [Int]) {
    for register in model.registers where register.area == .eeprom && !kept.contains(register.address) {
      flash.set(register, register.initial)
    }
    flashWrites += 1
    save()
  }

  private func save() {
    guard let store else { return }
    let values = model.registers.filter { $0.area == .eeprom && $0.isWritable }.map { ($0.name, flash.value(of: $0)) }
    do throws(VirtualServoError) {
      try store.save(model: model, values: values)
    } catch {
      storeError = error
    }
  }
}

/// What all servos of a bus share.
struct ServoEnvironment: Sendable {
  /// V; nil for each model's nominal supply.
  var supplyVoltage: Double?
  /// °C.
  var ambientTemperature: Double
  /// From reboot to the first answer, ns.
  var bootTime: Int64
}

/// Where every family keeps what all have.
private struct CommonAddresses {
  let id: Int, baud: Int, returnDelay: Int, torque: Int

  init(_ family: ServoModel.Family) {
    switch family {
    case .feetechSTS, .feetechSCS: (id, baud, returnDelay, torque) = (Sts.id, Sts.baud, Sts.returnDelay, Sts.torque)
    case .dynamixelX: (id, baud, returnDelay, torque) = (X.id, X.baud, X.returnDelay, X.torque)
    case .dynamixelAX: (id, baud, returnDelay, torque) = (AX.id, AX.baud, AX.returnDelay, AX.torque)
    }
  }
}
