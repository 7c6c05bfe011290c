import ArmModel
import CSystem
import ServoWire

extension BoardArm {
  /// Sends the goals as one SETPOINT and does not wait. A goal outside a joint's calibrated pulses is refused, and nothing
  /// is sent then.
  @_noLocks
  public mutating func write(_ command: JointCommand) throws(ArmError) {
    guard command.goal.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the command has another number of joints than the arm")
    }
    guard command.mode == .position else {
      throw ArmError(.unsupportedMode, reason: "this arm has position servos: it takes positions, not efforts")
    }
    guard !isGone else { throw gone() }
    guard isEnergised, storedPower == .on else {
      throw ArmError(.notEnergised, reason: "the arm is not under torque; a goal would go nowhere")
    }
    var places = InlineArray<16, Int>(repeating: 0)
    for joint in 0..<jointCount { places[joint] = try pulse(joint, command.goal[joint]) }
    goals = places
    do throws(TransportError) { try sendSetpoint() } catch { throw lose(error) }
    prepareForCrash()
  }

  /// The pulse of a joint position, quarters of a µs.
  @_noLocks
  private func pulse(_ joint: Int, _ position: Double) throws(ArmError) -> Int {
    guard position.isFinite else {
      throw ArmError(.commandNotFinite, joint: joint, reason: "the command is not finite")
    }
    let facts = joints[joint]
    let place = sinew_round(facts.zero + position / facts.radiansPerQuarter)
    guard place.magnitude < 1e6 else {
      throw ArmError(.outOfRange, joint: joint, reason: "the goal is outside the joint's calibrated pulses")
    }
    let quarters = Int(place)
    // A limit in radians may round to the quarter beside the one that it was made from.
    if quarters == facts.lower &- 1 { return facts.lower }
    if quarters == facts.upper &+ 1 { return facts.upper }
    guard quarters >= facts.lower, quarters <= facts.upper else {
      throw ArmError(
        .outOfRange, joint: joint, detail: quarters, reason: "the goal is outside the joint's calibrated pulses")
    }
    return quarters
  }

  /// One SETPOINT to `goals`, and now and then a comparison of the clocks.
  @_noLocks
  mutating func sendSetpoint() throws(TransportError) {
    var targets = UInt16List()
    for place in 0..<jointCount { targets.append(UInt16(truncatingIfNeeded: goals[order[place]])) }
    port.put(port.link.setpoint(mask: usedChannels, targets: targets, ttlMs: description.holdAfter, now: port.now))
    askForClock()
    setpointSent = port.now
    try port.flush(deadline: setpointSent &+ period / 4)
  }

  /// Has the board switch the outputs off, and does not wait. Called again it asks again; `power` is off when the board
  /// says so.
  @_noLocks
  public mutating func release(now: Int64) throws(ArmError) {
    guard !isGone else { throw gone() }
    sequence = ArmingSequence.none
    isEnergised = false
    setpointSent = .min
    let isUnderWay = port.link.isRequestPending && isReleasing
    isReleasing = true
    port.put(isUnderWay ? port.link.repeatRequest() : port.link.request(DisarmMessage.type))
    crash.set(port.link.crashRequest(DisarmMessage.type))
    do throws(TransportError) { try port.flush(deadline: port.now &+ period / 4) } catch { throw lose(error) }
  }

  /// What a crash does to an arm that is held.
  @_noLocks
  mutating func prepareForCrash() {
    let isHolding = configuration.crashPolicy == .hold && sequence == ArmingSequence.none
    crash.set(port.link.crashRequest(isHolding ? StopMessage.type : DisarmMessage.type))
  }
}
