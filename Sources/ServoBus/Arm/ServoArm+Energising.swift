import ArmModel

/// The sequence that switches torque on: look, settings, watchdog, goal := measured position, torque. Every step is written
/// and read back; none writes to what lasts (EEPROM).
extension ServoArm {
  /// One step of the sequence, or a part of it, within the tick's time. A servo that is found under torque already keeps
  /// its goal, unless its watchdog has stopped it; where that goal is none that it may be sent to, or the joint is far from
  /// it, nothing is written and the sequence ends. What is not confirmed after some attempts throws: torque that this
  /// sequence has switched on is switched off again then, and read back by the ticks that follow; torque that was on
  /// before stays, so that an arm that holds itself up is not dropped.
  @_noLocks
  public mutating func energise(now: Int64) throws(ArmError) {
    guard !isGone else { throw gone() }
    if step < 0 {
      if storedPower == .on && isEnergised { return }
      beginSequence()
      prepareForCrash()
    }
    // Without time left in this tick it goes on in the next one.
    guard hasTime(now) else { return }
    if !isWritten {
      guard try writeStep(now) else { return }
      isWritten = true
      board.begin()
      for servo in 0..<tables.servoCount where !isConcerned(servo) {
        board.states[servo] = AnswerBoard.State.skipped
      }
    }
    let current = tables.steps[step]
    var missing = 0
    do throws(TransportError) {
      missing = try master.readGroup(
        &board, address: current.address, count: current.length, deadline: deadline(now, percent: 95),
        listens: master.isSuspicious)
    } catch { throw lose(error) }
    if missing > 0 {
      try tryAgain(
        firstWaiting, limit: patience, .timedOut, "a servo did not answer while torque was being switched on")
      return
    }
    try judgeStep()
    settle()
  }

  @_noLocks
  private mutating func beginSequence() {
    step = 0
    isWritten = false
    attempts = 0
    isEnergised = false
    isReleasing = false
    for servo in 0..<tables.servoCount {
      tables.memory[servo].isHeld = false
      tables.memory[servo].isAdopted = false
    }
    settle()
  }

  /// Whether the step under way reads this servo.
  @_noLocks
  private func isConcerned(_ servo: Int) -> Bool {
    let current = tables.steps[step]
    guard current.servos & (1 << UInt32(servo)) != 0 else { return false }
    return current.kind != EnergiseStep.Kind.goal || !tables.memory[servo].isAdopted
  }

  /// Attempts of a step that may fail because answers or fresh readings are missing: half a second of them.
  private var patience: Int {
    @_noLocks get {
      let ticks = Int(500_000_000 / period)
      return ticks > 20 ? ticks : 20
    }
  }

  private var firstWaiting: Int {
    @_noLocks get {
      for servo in 0..<tables.servoCount where board.states[servo] == AnswerBoard.State.waiting { return servo }
      for servo in 0..<tables.servoCount where board.states[servo] == AnswerBoard.State.conflicting { return servo }
      return 0
    }
  }

  /// Counts a failed attempt; after more than `limit` of them the sequence ends.
  @_noLocks
  private mutating func tryAgain(
    _ servo: Int, limit: Int, _ code: ArmError.Code, _ reason: StaticString
  ) throws(ArmError) {
    attempts &+= 1
    if attempts > limit { throw giveUp(servo, code, reason) }
  }

  // MARK: Writing a step

  /// Puts the step's bytes on the wire; false when it cannot be now.
  @_noLocks
  private mutating func writeStep(_ now: Int64) throws(ArmError) -> Bool {
    let current = tables.steps[step]
    switch current.kind {
    case EnergiseStep.Kind.settings:
      do throws(TransportError) {
        try sendSettings(current, servos: current.servos, deadline: deadline(now, percent: 95))
      } catch { throw lose(error) }
    case EnergiseStep.Kind.goal: return try writeGoals(current, now)
    case EnergiseStep.Kind.torque: return try writeTorque(current, now)
    default: break
    }
    return true
  }

  /// Writes prepared bytes to some servos.
  @_noLocks
  mutating func sendSettings(_ step: EnergiseStep, servos: UInt32, deadline: Int64) throws(TransportError) {
    var count = 0
    for servo in 0..<tables.servoCount where servos & step.servos & (1 << UInt32(servo)) != 0 {
      tables.writeIDs[count] = tables.facts[servo].id
      let source = tables.settings + (step.data &+ servo &* step.length)
      for byte in 0..<step.length { tables.writeData[count &* step.length &+ byte] = source[byte] }
      count &+= 1
    }
    guard count > 0 else { return }
    try master.writeGroup(
      ids: UnsafePointer(tables.writeIDs), count: count, address: step.address, length: step.length,
      data: UnsafePointer(tables.writeData), deadline: deadline)
  }

  /// Every servo that is not under torque gets the position where it is as its goal.
  @_noLocks
  private mutating func writeGoals(_ current: EnergiseStep, _ now: Int64) throws(ArmError) -> Bool {
    var count = 0
    for servo in 0..<tables.servoCount {
      let memory = tables.memory + servo
      memory.pointee.goalTurns = memory.pointee.ticks &- memory.pointee.register
      if tables.facts[servo].isFollower { memory.pointee.goalTurns = 0 }
      if memory.pointee.isAdopted { continue }
      guard master.now &- memory.pointee.stamp <= 4 &* period, memory.pointee.rejected == 0 else {
        try tryAgain(servo, limit: patience, .timedOut, "a joint's position is too old to switch torque on at it")
        return false
      }
      let facts = tables.facts[servo]
      var ticks = memory.pointee.register &+ memory.pointee.goalTurns
      // Within three ticks of its limits it is brought to them; farther out torque would move it.
      if ticks < facts.goalLower, facts.goalLower &- ticks <= 3 { ticks = facts.goalLower }
      if ticks > facts.goalUpper, ticks &- facts.goalUpper <= 3 { ticks = facts.goalUpper }
      let goal = ticks &- memory.pointee.goalTurns
      guard ticks >= facts.goalLower, ticks <= facts.goalUpper, goal >= facts.sendLower, goal <= facts.sendUpper,
        layout.goalCodec.encode(goal, into: tables.writeData + count &* current.length)
      else {
        throw giveUp(
          servo, .outOfRange, "a joint stands outside its range; move it inside by hand, then switch torque on")
      }
      memory.pointee.goal = goal
      tables.writeIDs[count] = facts.id
      count &+= 1
    }
    try send(count, current, now)
    return true
  }

  @_noLocks
  private mutating func writeTorque(_ current: EnergiseStep, _ now: Int64) throws(ArmError) -> Bool {
    var count = 0
    for servo in 0..<tables.servoCount where !tables.memory[servo].isAdopted {
      let memory = tables.memory[servo]
      // A joint that has moved since its goal was set would jump back.
      let distance = Double((memory.register &- memory.goal).magnitude) * tables.facts[servo].radiansPerTick.magnitude
      guard distance <= 0.05, memory.torque != TorqueState.unknown else {
        try tryAgain(
          servo, limit: patience, .notConfirmed, "a joint moves while torque is being switched on; hold it still")
        step &-= 1
        isWritten = false
        return false
      }
      tables.writeIDs[count] = tables.facts[servo].id
      tables.writeData[count] = 1
      count &+= 1
    }
    try send(count, current, now)
    return true
  }

  @_noLocks
  private mutating func send(_ count: Int, _ current: EnergiseStep, _ now: Int64) throws(ArmError) {
    guard count > 0 else { return }
    do throws(TransportError) {
      try master.writeGroup(
        ids: UnsafePointer(tables.writeIDs), count: count, address: current.address, length: current.length,
        data: UnsafePointer(tables.writeData), deadline: deadline(now, percent: 95))
    } catch { throw lose(error) }
  }

  // MARK: Reading it back

  /// Looks at what was read back; the next step when all is as written.
  @_noLocks
  private mutating func judgeStep() throws(ArmError) {
    let current = tables.steps[step]
    for servo in 0..<tables.servoCount where board.states[servo] == AnswerBoard.State.answered {
      let row = UnsafePointer(board.data + servo &* board.stride)
      guard takeStep(servo, row, current) else {
        isWritten = false
        try tryAgain(servo, limit: 5, .notConfirmed, current.refusal)
        return
      }
    }
    if current.kind == EnergiseStep.Kind.look && current.goal >= 0 {
      guard try mayAdopt() else {
        isWritten = false
        return
      }
    }
    step &+= 1
    attempts = 0
    isWritten = false
    if step == tables.stepCount {
      step = -1
      isEnergised = true
      ticksSinceWatch = 0
      for servo in 0..<tables.servoCount { tables.memory[servo].isHeld = true }
    }
    prepareForCrash()
  }

  /// How far from its goal a joint that was found under torque may stand and be taken over, rad: more than an arm sags under
  /// its own load, less than what the safety core takes for a joint that does not follow.
  static var adoptionReach: Double { @_noLocks get { 0.2 } }

  /// Whether what was found under torque can be held on with the goals that it has; to be looked at again where not yet.
  @_noLocks
  private mutating func mayAdopt() throws(ArmError) -> Bool {
    for servo in 0..<tables.servoCount where tables.memory[servo].isAdopted && !tables.facts[servo].isFollower {
      let (memory, facts) = (tables.memory[servo], tables.facts[servo])
      guard master.now &- memory.stamp <= 4 &* period, memory.rejected == 0 else {
        try tryAgain(
          servo, limit: patience, .timedOut, "a joint's position is too old to take over the torque that holds it")
        return false
      }
      // A limit in radians may round to the tick beside the one that it was made from.
      let ticks = memory.goal &+ (memory.ticks &- memory.register)
      guard ticks >= facts.goalLower &- 1, ticks <= facts.goalUpper &+ 1, memory.goal >= facts.sendLower,
        memory.goal <= facts.sendUpper
      else {
        throw giveUp(
          servo, .outOfRange,
          "the servo holds a goal outside its joint's range; support the arm, switch its torque off, then run again")
      }
      let distance = Double((memory.register &- memory.goal).magnitude) * facts.radiansPerTick.magnitude
      guard distance <= ServoArm.adoptionReach else {
        // It may be on its way still.
        try tryAgain(
          servo, limit: patience, .notConfirmed,
          "the joint stands more than 0.2 rad from the goal that its servo holds; support the arm, switch its torque off, then run again"
        )
        return false
      }
    }
    return true
  }

  /// Whether a servo has what the step wants of it.
  @_noLocks
  private func takeStep(_ servo: Int, _ row: UnsafePointer<UInt8>, _ current: EnergiseStep) -> Bool {
    let memory = tables.memory + servo
    switch current.kind {
    case EnergiseStep.Kind.look:
      if current.watchdog >= 0 { memory.pointee.isWatchdogTripped = row[current.watchdog] == 0xFF }
      if current.torque >= 0 {
        memory.pointee.torque = row[current.torque] == 1 ? TorqueState.on : TorqueState.off
        memory.pointee.offSeen = false
        memory.pointee.isAdopted = row[current.torque] == 1 && !memory.pointee.isWatchdogTripped
      }
      if current.goal >= 0, memory.pointee.isAdopted {
        memory.pointee.goal = layout.goalCodec.decode(row + current.goal)
      }
      return true
    case EnergiseStep.Kind.settings:
      let wanted = tables.settings + (current.data &+ servo &* current.length)
      for byte in 0..<current.length where row[byte] != wanted[byte] { return false }
      if current.watchdog >= 0 { memory.pointee.isWatchdogTripped = false }
      return true
    case EnergiseStep.Kind.goal: return layout.goalCodec.decode(row) == memory.pointee.goal
    default:
      guard row[0] == 1 else { return false }
      memory.pointee.torque = TorqueState.on
      memory.pointee.offSeen = false
      return true
    }
  }

  /// Ends the sequence: what it has switched on goes off again.
  @_noLocks
  private mutating func giveUp(_ servo: Int, _ code: ArmError.Code, _ reason: StaticString) -> ArmError {
    step = -1
    isWritten = false
    var adopted = 0
    for other in 0..<tables.servoCount where tables.memory[other].isAdopted { adopted &+= 1 }
    if adopted == 0 { tables.crash.letGo() } else { tables.crash.leave() }
    do throws(TransportError) {
      if adopted == 0 {
        isReleasing = true
        try master.sendPrebuilt(
          UnsafePointer(tables.stop), count: tables.stopCount, times: 3, deadline: master.now &+ period / 4)
      } else {
        var count = 0
        for other in 0..<tables.servoCount where !tables.memory[other].isAdopted {
          tables.writeIDs[count] = tables.facts[other].id
          tables.writeData[count] = 0
          tables.memory[other].torque = TorqueState.unknown
          count &+= 1
        }
        if count > 0 {
          try master.writeGroup(
            ids: UnsafePointer(tables.writeIDs), count: count, address: layout.torqueAddress, length: 1,
            data: UnsafePointer(tables.writeData), deadline: master.now &+ period / 4)
        }
      }
    } catch { return lose(error) }
    settle()
    return ArmError(code, joint: tables.facts[servo].joint, reason: reason)
  }
}

extension EnergiseStep {
  /// What it means when a servo does not have what was written.
  var refusal: StaticString {
    @_noLocks get {
      switch kind {
      case Kind.goal: return "a servo did not take its goal; its position limits may be others than the calibration's"
      case Kind.torque: return "a servo's torque did not come on; it may have shut down"
      default: return "a servo did not take its limits or settings"
      }
    }
  }
}
