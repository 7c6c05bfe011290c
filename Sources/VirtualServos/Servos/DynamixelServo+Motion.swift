extension DynamixelServo {
  /// +1, or -1 in reverse mode.
  private var direction: Double { registers[X.driveMode] & 1 != 0 ? -1 : 1 }

  /// In position mode an offset beyond a quarter turn is ignored.
  private var offset: Double {
    let offset = registers[X.homingOffset]
    return registers[X.operatingMode] == 3 && offset.magnitude > 1024 ? 0 : Double(offset)
  }

  /// As the register shows it, before rounding.
  var presentPosition: Double { direction * encoder + turns + offset }

  var isMoving: Bool {
    encoderVelocity.magnitude / model.ticksPerRadian / X.velocityUnit > Double(registers[X.movingThreshold])
  }

  /// Forgets whole turns: the position before the offset is within one.
  func settleTurns() {
    let raw = direction * encoder
    let turn = model.ticksPerTurn
    turns = -(raw / turn).rounded(.down) * turn
  }

  /// What a change of the operating mode resets.
  func applyModeDefaults() {
    for address in [X.velocityI, X.velocityP, X.positionD, X.positionI, X.positionP] {
      if let register = registers.register(at: address) { registers.set(register, register.initial) }
    }
    registers[X.profileAcceleration] = 0
    registers[X.profileVelocity] = 0
    registers[X.goalPWM] = registers[X.operatingMode] == 16 ? 0 : registers[X.pwmLimit]
    registers[X.goalCurrent] = registers[X.operatingMode] == 0 ? 0 : registers[X.currentLimit]
    registers[X.goalVelocity] = registers[X.operatingMode] == 1 ? 0 : registers[X.velocityLimit]
  }

  func goalWritten() {
    isHeldByWatchdog = false
    target = (Double(goalTicks) - turns - offset) * direction
    goalDistance = (target - encoder).magnitude
  }

  func moveReference(_ time: Double) -> (isEnergised: Bool, torqueFraction: Double) {
    guard isTorqueOn else { return (false, 0) }
    let largest = model.noLoadSpeed * model.ticksPerRadian
    let velocityUnit = X.velocityUnit * model.ticksPerRadian
    var fraction = min(1, Double(registers[X.pwmLimit]) / X.fullPWM)
    if let unit = traits.currentUnit {
      fraction = min(fraction, Double(registers[X.currentLimit]) * unit / model.stallCurrent)
    }
    if isHeldByWatchdog {
      reference.reset(to: target)
      return (true, fraction)
    }
    switch registers[X.operatingMode] {
    case 16:
      let duty = Double(registers[X.goalPWM]) / X.fullPWM
      reference.run(at: direction * duty * largest, acceleration: .infinity, time: time)
    case 0:
      let part = Double(registers[X.goalCurrent]) * (traits.currentUnit ?? 0) / model.stallCurrent
      reference.run(at: direction * max(-1, min(1, part)) * largest, acceleration: .infinity, time: time)
      fraction = min(fraction, part.magnitude)
    case 1:
      let speed = direction * Double(registers[X.goalVelocity]) * velocityUnit
      reference.run(at: max(-largest, min(largest, speed)), acceleration: acceleration, time: time)
    default:
      if registers[X.operatingMode] == 5, let unit = traits.currentUnit {
        fraction = min(fraction, Double(registers[X.goalCurrent].magnitude) * unit / model.stallCurrent)
      }
      reference.move(to: target, speed: profileSpeed, acceleration: acceleration, time: time)
    }
    return (true, fraction)
  }

  private var isTimeBased: Bool { registers[X.driveMode] & 4 != 0 }

  /// Ticks/s; a time-based profile's value is the duration of the whole move.
  private var profileSpeed: Double {
    let value = registers[X.profileVelocity]
    guard value > 0 else { return .infinity }
    if isTimeBased { return max(goalDistance, 1) / (Double(value) * 0.001) }
    return Double(value) * X.velocityUnit * model.ticksPerRadian
  }

  /// Ticks/s²: units of 214.577 rev/min².
  private var acceleration: Double {
    let value = registers[X.profileAcceleration]
    guard value > 0, !isTimeBased else { return .infinity }
    return Double(value) * 214.577 / 3600 * model.ticksPerTurn
  }

  func superviseMotor(_ time: Double) {
    let volts = Int((voltage * 10).rounded())
    var error = registers[X.hardwareError]
    if volts > registers[X.maxVoltage] || volts < registers[X.minVoltage] { error |= 1 }
    if Int(temperature.rounded()) > registers[X.temperatureLimit] { error |= 4 }
    overloadTime = isTorqueOn && encoderLoad.magnitude >= 0.9 ? overloadTime + time : 0
    if overloadTime > 2 || isOverloadForced { error |= 0x20 }
    registers[X.hardwareError] = error
    if error & registers[X.shutdown] != 0 { registers[X.torque] = 0 }
  }

  func showFeedback() {
    let velocity = direction * encoderVelocity / model.ticksPerRadian / X.velocityUnit
    registers[X.tick] = Int(now / 1_000_000) % 32_768
    registers[X.moving] = isMoving ? 1 : 0
    let isThere = (target - encoder).magnitude < 10
    let isOnTheWay = isTorqueOn && reference.velocity != 0
    registers[X.movingStatus] = (isThere ? 1 : 0) | (isOnTheWay ? 2 : 0)
    registers[X.presentPWM] = Int((direction * encoderLoad * X.fullPWM).rounded())
    registers[X.presentCurrent] =
      traits.currentUnit.map { Int((direction * current / $0).rounded()) }
      ?? Int((direction * encoderLoad * 1000).rounded())
    registers[X.presentVelocity] = Int(velocity.rounded())
    registers[X.presentPosition] = positionTicks
    registers[X.velocityTrajectory] = Int(
      (direction * reference.velocity / model.ticksPerRadian / X.velocityUnit).rounded())
    registers[X.positionTrajectory] = Int((direction * reference.position + turns + offset).rounded())
    registers[X.voltage] = max(0, min(65_535, Int((voltage * 10).rounded())))
    registers[X.temperature] = max(0, min(255, Int(temperature.rounded())))
  }
}
