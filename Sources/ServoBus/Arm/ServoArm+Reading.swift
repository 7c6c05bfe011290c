import ArmModel

extension ServoArm {
  /// Reads all servos; see the type's description for what is believed. A servo that is silent keeps its datum, whose age
  /// grows. Throws `timedOut` when nobody answered, `disconnected` when the port is gone.
  @_noLocks
  public mutating func read(into state: inout JointState, now: Int64) throws(ArmError) {
    guard state.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the state to read into has another number of joints than the arm")
    }
    guard !isGone else { throw gone() }
    var answered: UInt32 = 0
    do throws(TransportError) {
      let report = try master.cycle(writes: false, deadline: deadline(now, percent: 70))
      // What came after its own cycle is no older than it says.
      answered = report.answered | report.belated
      for servo in 0..<tables.servoCount where answered & (1 << UInt32(servo)) != 0 { take(servo) }
      // While torque is being switched on, its own steps read it back.
      if step < 0 {
        try watch(now)
        try repairBlocks(now)
      }
    } catch { throw lose(error) }
    settle()
    guard answered != 0 else {
      throw ArmError(.timedOut, reason: "no servo answered; check the arm's power and cable")
    }
    let end = master.now
    for joint in 0..<jointCount {
      let memory = tables.memory[joint]
      state.position[joint] = position(joint, ticks: memory.ticks)
      state.velocity[joint] = memory.velocity
      state.effort[joint] = memory.effort
      state.age[joint] = Double(end &- memory.stamp) * 1e-9
    }
    state.present = JointQuantities(rawValue: measuresEffort ? 7 : 3)
    state.stamp = now
  }

  /// Judges and takes over what a servo answered in this cycle.
  @_noLocks
  private mutating func take(_ servo: Int) {
    let row = master.data(of: servo)
    let block = layout.block
    let memory = tables.memory + servo
    if block.mark >= 0, row[block.mark] != tables.facts[servo].mark {
      // Its indirect addresses are the factory's again: it has started anew, and what it shows is not what was asked.
      memory.pointee.lostBlock = true
      memory.pointee.torque = TorqueState.off
      return
    }
    memory.pointee.lostBlock = false
    if tables.facts[servo].isFollower {
      memory.pointee.register = layout.positionCodec.decode(row + block.position)
      memory.pointee.stamp = master.stamp(of: servo)
    } else if believe(servo, layout.positionCodec.decode(row + block.position), stamp: master.stamp(of: servo)) {
      let facts = tables.facts[servo]
      memory.pointee.velocity = Double(layout.speedCodec.decode(row + block.speed)) * facts.speedPerCount
      if measuresEffort {
        memory.pointee.effort = Double(layout.effortCodec.decode(row + block.effort)) * facts.effortPerCount
      }
    } else if layout.isWeaklyGuarded {
      // The frame may be damaged: nothing in it is believed. With a CRC it is the sensor that is wrong.
      return
    }
    takeHealth(servo, row, block, status: master.status(of: servo))
  }

  /// Whether a position reading is believed; then it is the datum. `register` is what the servo's register holds.
  @_noLocks
  private mutating func believe(_ servo: Int, _ register: Int, stamp: Int64) -> Bool {
    let facts = tables.facts[servo]
    let memory = tables.memory + servo
    guard register >= facts.registerLower, register <= facts.registerUpper else {
      reject(servo, register, stamp: stamp, isInRange: false)
      return false
    }
    let ticks = facts.unwrap(register, near: memory.pointee.ticks)
    guard ticks >= facts.lowest, ticks <= facts.highest else {
      reject(servo, ticks, stamp: stamp, isInRange: false)
      return false
    }
    let isFree = memory.pointee.torque != TorqueState.on
    let speed = isFree ? facts.ticksPerNanosecondByHand : facts.ticksPerNanosecond
    let elapsed = memory.pointee.stamp == .min ? Int64.max / 4 : stamp &- memory.pointee.stamp
    // Two ticks of rounding on top.
    let farthest = speed * Double(elapsed &+ 2 &* period) + 2
    if Double((ticks &- memory.pointee.ticks).magnitude) <= farthest || memory.pointee.stamp == .min {
      accept(memory, register, ticks, stamp)
      return true
    }
    reject(servo, ticks, stamp: stamp, isInRange: true)
    guard isFree, memory.pointee.agreeing >= 5 else { return false }
    accept(memory, register, ticks, stamp)
    return true
  }

  @_noLocks
  private func accept(_ memory: UnsafeMutablePointer<ServoMemory>, _ register: Int, _ ticks: Int, _ stamp: Int64) {
    memory.pointee.register = register
    memory.pointee.ticks = ticks
    memory.pointee.stamp = stamp
    memory.pointee.rejected = 0
    memory.pointee.agreeing = 0
  }

  @_noLocks
  private mutating func reject(_ servo: Int, _ ticks: Int, stamp: Int64, isInRange: Bool) {
    implausibleReadings &+= 1
    let memory = tables.memory + servo
    let speed = tables.facts[servo].ticksPerNanosecondByHand
    let farthest = speed * Double(stamp &- memory.pointee.candidateStamp &+ 2 &* period) + 2
    let agrees =
      memory.pointee.rejected > 0 && Double((ticks &- memory.pointee.candidate).magnitude) <= farthest
    memory.pointee.agreeing = isInRange ? (agrees ? memory.pointee.agreeing &+ 1 : 1) : 0
    memory.pointee.rejected &+= 1
    memory.pointee.candidate = ticks
    memory.pointee.candidateStamp = stamp
  }
}

extension ServoFacts {
  /// The number of ticks nearest to `near` that the register shows as `register`.
  @_noLocks
  func unwrap(_ register: Int, near: Int) -> Int {
    guard turn > 0 else { return register }
    var difference = (register &- near) % turn
    if difference &* 2 > turn { difference &-= turn }
    if difference &* 2 < -turn { difference &+= turn }
    return near &+ difference
  }
}
