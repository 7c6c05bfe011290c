import ArmModel
import CSystem

extension ServoArm {
  /// Puts the goals on the wire and does not wait. Joints whose torque is not confirmed are left out: their servos might
  /// take a goal for a wish to be switched on. A goal outside the joint's calibrated range is refused, and nothing is sent
  /// then.
  @_noLocks
  public mutating func write(_ command: JointCommand) throws(ArmError) {
    guard command.goal.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the command has another number of joints than the arm")
    }
    guard command.mode == .position else {
      throw ArmError(.unsupportedMode, reason: "this arm has position servos: it takes positions, not efforts")
    }
    guard !isGone else { throw gone() }
    guard isEnergised, storedPower == .on || storedPower == .mixed else {
      throw ArmError(.notEnergised, reason: "the arm is not under torque; a goal would go nowhere")
    }
    let width = layout.goalCodec.width
    var count = 0
    for joint in 0..<jointCount {
      let goal = try goalTicks(joint, command.goal[joint])
      guard tables.memory[joint].torque == TorqueState.on else { continue }
      guard layout.goalCodec.encode(goal, into: tables.writeData + count &* width) else {
        throw ArmError(.outOfRange, joint: joint, reason: "the goal does not fit the servo's register")
      }
      tables.writeIDs[count] = tables.facts[joint].id
      tables.memory[joint].goal = goal
      count &+= 1
    }
    guard count > 0 else { return }
    do throws(TransportError) {
      try master.writeGroup(
        ids: UnsafePointer(tables.writeIDs), count: count, address: layout.goalAddress, length: width,
        data: UnsafePointer(tables.writeData), deadline: master.now &+ period / 4)
    } catch { throw lose(error) }
    holdAfterCrash(count)
  }

  /// From now on a crash leaves the arm at these goals, `count` of them in the tables' bytes for writing.
  @_noLocks
  private mutating func holdAfterCrash(_ count: Int) {
    guard configuration.crashPolicy == .hold else { return }
    do throws(EncodingError) {
      let frame = try master.encoder.syncWrite(
        ids: UnsafeBufferPointer(start: UnsafePointer(tables.writeIDs), count: count), address: layout.goalAddress,
        count: layout.goalCodec.width, data: UnsafePointer(tables.writeData), into: tables.crash.goals)
      tables.crash.hold(frame)
    } catch {
      // Ids, addresses and lengths were checked at connect: it fits. The goals before stay.
    }
  }

  /// What a crash does to an arm whose torque is coming on, or has just come.
  @_noLocks
  mutating func prepareForCrash() {
    var adopted = 0
    for servo in 0..<tables.servoCount where tables.memory[servo].isAdopted { adopted &+= 1 }
    if step >= 0 {
      // All on or all off: what is not known to hold is switched off, what was found holding is left alone.
      if adopted == 0 { tables.crash.letGo() } else { tables.crash.leave() }
      return
    }
    guard isEnergised else { return }
    guard configuration.crashPolicy == .hold else {
      tables.crash.letGo()
      return
    }
    var count = 0
    for joint in 0..<jointCount where tables.memory[joint].torque == TorqueState.on {
      guard layout.goalCodec.encode(tables.memory[joint].goal, into: tables.writeData + count &* layout.goalCodec.width)
      else { continue }
      tables.writeIDs[count] = tables.facts[joint].id
      count &+= 1
    }
    if count > 0 { holdAfterCrash(count) } else { tables.crash.leave() }
  }

  /// What a joint position is in the goal register.
  @_noLocks
  private func goalTicks(_ joint: Int, _ position: Double) throws(ArmError) -> Int {
    guard position.isFinite else {
      throw ArmError(.commandNotFinite, joint: joint, reason: "the command is not finite")
    }
    let facts = tables.facts[joint]
    let place = sinew_round(facts.zero + position / facts.radiansPerTick)
    guard place.magnitude < 1e9 else {
      throw ArmError(.outOfRange, joint: joint, reason: "the goal is outside the joint's calibrated range")
    }
    var ticks = Int(place)
    // A limit in radians may round to the tick beside the one that it was made from.
    if ticks == facts.goalLower &- 1 { ticks = facts.goalLower }
    if ticks == facts.goalUpper &+ 1 { ticks = facts.goalUpper }
    guard ticks >= facts.goalLower, ticks <= facts.goalUpper else {
      throw ArmError(
        .outOfRange, joint: joint, detail: ticks, reason: "the goal is outside the joint's calibrated range")
    }
    // In the turn that the servo's register is in.
    let goal = ticks &- tables.memory[joint].goalTurns
    guard goal >= facts.sendLower, goal <= facts.sendUpper else {
      throw ArmError(
        .outOfRange, joint: joint, detail: goal,
        reason: "the goal is too near the seam of the servo's encoder, which it would turn away from")
    }
    return goal
  }

  /// Puts torque-off for everybody on the wire, three times over, and does not wait. `power` is off when every servo has
  /// been read back; until then call it again with every tick.
  @_noLocks
  public mutating func release(now: Int64) throws(ArmError) {
    guard !isGone else { throw gone() }
    step = -1
    isReleasing = true
    isEnergised = false
    for servo in 0..<tables.servoCount { tables.memory[servo].isHeld = false }
    tables.crash.letGo()
    do throws(TransportError) {
      try master.sendPrebuilt(
        UnsafePointer(tables.stop), count: tables.stopCount, times: 3, deadline: master.now &+ period / 4)
    } catch { throw lose(error) }
    settle()
  }
}
