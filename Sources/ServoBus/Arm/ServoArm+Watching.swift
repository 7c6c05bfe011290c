import ArmModel

/// Torque, errors, voltage and temperature: what the servos say of themselves.
extension ServoArm {
  /// Takes over what the bytes at `row` say beside the measurement. `status` is the answer's error byte.
  @_noLocks
  mutating func takeHealth(_ servo: Int, _ row: UnsafePointer<UInt8>, _ block: BlockLayout, status: UInt8) {
    let memory = tables.memory + servo
    if block.torque >= 0 { noteTorque(servo, row[block.torque]) }
    if block.voltage >= 0 {
      memory.pointee.voltage =
        Double(layout.voltageCodec.decode(row + block.voltage)) * tables.facts[servo].voltsPerCount
    }
    if block.temperature >= 0 { memory.pointee.temperature = Double(row[block.temperature]) }
    if block.watchdog >= 0 { memory.pointee.isWatchdogTripped = row[block.watchdog] == 0xFF }
    if layout.isWeaklyGuarded {
      // The bits come with every answer; one that is in two of them in a row is meant.
      memory.pointee.confirmedBits = memory.pointee.errorBits & status
      memory.pointee.errorBits = status
    } else if block.errors >= 0 {
      memory.pointee.errorBits = row[block.errors]
      memory.pointee.confirmedBits = row[block.errors]
    }
  }

  /// What a torque register says. That it is off must be said twice where a sum alone guards the frame.
  @_noLocks
  private func noteTorque(_ servo: Int, _ value: UInt8) {
    let memory = tables.memory + servo
    if value == 1 {
      memory.pointee.torque = TorqueState.on
      memory.pointee.offSeen = false
      return
    }
    guard value == 0 else { return }
    if !layout.isWeaklyGuarded || memory.pointee.offSeen || memory.pointee.torque == TorqueState.off {
      memory.pointee.torque = TorqueState.off
      memory.pointee.offSeen = false
    } else {
      memory.pointee.offSeen = true
    }
  }

  /// Reads beside the cycle what does not fit it, when it is due and there is time.
  @_noLocks
  mutating func watch(_ now: Int64) throws(TransportError) {
    guard layout.watch.length > 0 else { return }
    ticksSinceWatch &+= 1
    if ticksSinceWatch >= watchInterval || isUnsettled {
      guard hasTime(now) else { return }
      ticksSinceWatch = 0
      try watchTorque(deadline(now, percent: 90))
      // Where every tick has a watch, ticks are long.
      if watchInterval > 1 { return }
    }
    guard layout.slow.length > 0, hasTime(now) else { return }
    try watchSlowly(deadline(now, percent: 90))
  }

  @_noLocks
  private mutating func watchTorque(_ end: Int64) throws(TransportError) {
    // Each time another length, so that an old answer is not taken for this one.
    watchPhase = (watchPhase &+ 1) % layout.watchVariants
    let length = layout.watch.length &+ watchPhase
    board.begin()
    let listens = layout.watchVariants > 1 ? watchLostUntil[watchPhase] > master.now : master.isSuspicious
    let missing = try master.readGroup(
      &board, address: layout.watch.address, count: length, deadline: end, listens: listens)
    if missing > 0 { watchLostUntil[watchPhase] = master.now &+ master.lateAnswerHorizon }
    takeBoard(layout.watch)
  }

  /// Whether something about the torque is not certain, and to be looked at in every tick.
  private var isUnsettled: Bool {
    @_noLocks get {
      if isReleasing { return true }
      for servo in 0..<tables.servoCount {
        if tables.memory[servo].offSeen || tables.memory[servo].torque == TorqueState.unknown { return true }
      }
      return false
    }
  }

  /// One servo's voltage and temperature.
  @_noLocks
  private mutating func watchSlowly(_ end: Int64) throws(TransportError) {
    slowServo = (slowServo &+ 1) % tables.servoCount
    for servo in 0..<tables.servoCount {
      board.states[servo] = servo == slowServo ? AnswerBoard.State.waiting : AnswerBoard.State.skipped
    }
    _ = try master.readGroup(
      &board, address: layout.slow.address, count: layout.slow.length, deadline: end, listens: master.isSuspicious)
    takeBoard(layout.slow)
  }

  @_noLocks
  private mutating func takeBoard(_ block: BlockLayout) {
    for servo in 0..<tables.servoCount where board.states[servo] == AnswerBoard.State.answered {
      takeHealth(servo, UnsafePointer(board.data + servo &* board.stride), block, status: board.statuses[servo])
    }
  }

  /// Lays out the block of servos that have started again, so that they can be read. Switches nothing.
  @_noLocks
  mutating func repairBlocks(_ now: Int64) throws(TransportError) {
    guard layout.block.mark >= 0 else { return }
    ticksSinceRepair &+= 1
    guard ticksSinceRepair >= 5 else { return }
    var lost: UInt32 = 0
    for servo in 0..<tables.servoCount where tables.memory[servo].lostBlock { lost |= 1 << UInt32(servo) }
    guard lost != 0 else { return }
    ticksSinceRepair = 0
    for index in 0..<tables.stepCount where tables.steps[index].address == ServoArm.indirectAddress {
      try sendSettings(tables.steps[index], servos: lost, deadline: deadline(now, percent: 95))
    }
  }

  /// Where DYNAMIXEL X's indirect addresses begin.
  static var indirectAddress: Int { @_noLocks get { 168 } }

  /// Brings `power` and `health` up to date with what is known of the servos.
  @_noLocks
  mutating func settle() {
    var (on, off, unknown) = (0, 0, 0)
    for joint in 0..<jointCount {
      storedHealth.temperature[joint] = .nan
      storedHealth.voltage[joint] = .nan
      storedHealth.setFaults(.none, of: joint)
    }
    for servo in 0..<tables.servoCount {
      let memory = tables.memory[servo]
      // A servo that its watchdog has stopped does not follow, whatever its torque.
      switch memory.torque {
      case TorqueState.on where !memory.isWatchdogTripped: on &+= 1
      case TorqueState.off: off &+= 1
      default: unknown &+= 1
      }
      let joint = tables.facts[servo].joint
      if !(memory.temperature <= storedHealth.temperature[joint]) {
        storedHealth.temperature[joint] = memory.temperature
      }
      if !(memory.voltage >= storedHealth.voltage[joint]) { storedHealth.voltage[joint] = memory.voltage }
      storedHealth.setFaults(storedHealth.faults(of: joint).adding(faults(memory)), of: joint)
    }
    if isGone {
      storedPower = .unknown
    } else if step >= 0 {
      storedPower = .energising
    } else if off == tables.servoCount {
      storedPower = .off
      isReleasing = false
    } else if on == tables.servoCount {
      // Torque that somebody else switched on is not ours: limits and watchdog are not set.
      storedPower = isEnergised || isReleasing ? .on : .unknown
    } else if on == 0 && off == 0 || (unknown > 0 && !isEnergised && !isReleasing) {
      storedPower = isEnergised ? .mixed : .unknown
    } else {
      storedPower = .mixed
    }
  }

  @_noLocks
  private func faults(_ memory: ServoMemory) -> JointFaults {
    var faults = FaultBits.faults(memory.confirmedBits, master.wire)
    if memory.rejected >= 3 { faults = faults.adding(.sensor) }
    if memory.isWatchdogTripped { faults = faults.adding(.watchdog) }
    if memory.isHeld, memory.torque == TorqueState.off { faults = faults.adding(.torqueLost) }
    return faults
  }
}

/// What the bits of a status byte (Feetech, protocol 1.0) or of the hardware error register (DYNAMIXEL X) mean.
enum FaultBits {
  @_noLocks
  static func faults(_ bits: UInt8, _ wire: WireProtocol) -> JointFaults {
    var faults = JointFaults.none
    if bits & 1 != 0 { faults = faults.adding(.voltage) }
    if bits & 4 != 0 { faults = faults.adding(.overheating) }
    if bits & 32 != 0 { faults = faults.adding(.overload) }
    switch wire {
    case .dynamixel2:
      if bits & 8 != 0 { faults = faults.adding(.sensor) }
      if bits & 16 != 0 { faults = faults.adding(.electrical) }
    case .feetechSTS, .feetechSCS:
      if bits & 2 != 0 { faults = faults.adding(.sensor) }
      if bits & 8 != 0 { faults = faults.adding(.electrical) }
    // The other bits are about one request: range, checksum, instruction.
    case .dynamixel1: break
    }
    return faults
  }
}
