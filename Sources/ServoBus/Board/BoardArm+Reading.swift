import ArmModel
import ServoWire

extension BoardArm {
  /// Takes the STATE that answered the last SETPOINT, or asks for one; see the type's description for what it says. Without
  /// an answer the last datum stays, and its age grows. Throws `timedOut` when nothing came, `disconnected` when the port is
  /// gone or the board has left the session.
  @_noLocks
  public mutating func read(into state: inout JointState, now: Int64) throws(ArmError) {
    guard state.count == jointCount else {
      throw ArmError(.jointCountMismatch, reason: "the state to read into has another number of joints than the arm")
    }
    guard !isGone else { throw gone() }
    let isNew: Bool
    do throws(TransportError) { isNew = try exchange(now) } catch { throw lose(error) }
    try checkSession()
    if isNew { adoptReading() }
    guard isNew else {
      throw ArmError(.timedOut, reason: "the board does not answer; check its power and cable")
    }
    let age = Double(port.now &- stamp) * 1e-9
    state.position = position
    state.velocity = velocity
    for joint in 0..<jointCount {
      state.effort[joint] = 0
      state.age[joint] = age > 0 ? age : 0
    }
    state.present = JointQuantities(rawValue: JointQuantities.commanded.rawValue | 3)
    state.stamp = now
  }

  /// When a tick that began at `now` has used this many percent of its period.
  @_noLocks
  func deadline(_ now: Int64, percent: Int64) -> Int64 {
    let present = port.now
    let began = now <= present && now > present &- period ? now : present
    return began &+ period / 100 &* percent
  }

  /// Whether a STATE has come in this tick.
  @_noLocks
  private mutating func exchange(_ now: Int64) throws(TransportError) -> Bool {
    let end = deadline(now, percent: 70)
    var events = try port.drain()
    if !events.has(.state) && !events.has(.setpointRefused) && setpointSent != .min {
      // It is on its way, and comes when its bytes can be here, or not at all.
      let due = setpointSent &+ port.limit(request: setpointBytes, answer: stateBytes)
      let half = deadline(now, percent: 40)
      events = events.adding(try port.collect(awaited, deadline: due < half ? due : half))
      if !events.has(.state) && !events.has(.setpointRefused) { port.link.noteTimeout() }
    }
    let hadSetpoint = setpointSent != .min
    setpointSent = .min
    if !events.has(.state) {
      if hadSetpoint { port.link.noteRetry() }
      port.put(port.link.stateRequest(now: port.now))
      askForClock()
      try port.flush(deadline: end)
      events = events.adding(try port.collect(LinkEvents(.state), deadline: end))
      if !events.has(.state) { port.link.noteTimeout() }
    }
    return events.has(.state)
  }

  private var awaited: LinkEvents { @_noLocks get { LinkEvents(.state).adding(LinkEvents(.setpointRefused)) } }
  /// Bytes on the wire, by PROTOCOL.md, 10.
  private var setpointBytes: Int { @_noLocks get { 12 &+ 2 &* jointCount } }
  private var stateBytes: Int { @_noLocks get { 23 &+ 4 &* channelCount } }

  /// Has the clocks compared with the next flush, some times a second.
  @_noLocks
  mutating func askForClock() {
    let now = port.now
    guard clockAsked == .min || now &- clockAsked >= 200_000_000 else { return }
    clockAsked = now
    port.put(port.link.timeRequest(now: now))
  }

  /// Takes over the newest STATE.
  @_noLocks
  mutating func adoptReading() {
    let reading = port.reading
    let message = reading.message
    guard reading.arrival != .min else { return }
    let isOn = isHeld(message.state)
    let elapsed = Double(message.mcuUs &- previousBoardTime) * 1e-6
    for joint in 0..<jointCount {
      let facts = joints[joint]
      var quarters = facts.start
      if isOn && facts.channel < message.applied.count && message.applied[facts.channel] != 0 {
        quarters = Int(message.applied[facts.channel])
      }
      let place = facts.position(Double(quarters))
      // A second STATE of the same tick of the limiter says nothing of the speed.
      if elapsed >= 0.002 || !hasReading {
        let isMoving = hasReading && isOn && storedPower == .on && elapsed < 1
        velocity[joint] = isMoving ? (place - position[joint]) / elapsed : 0
        position[joint] = place
      } else if !isOn {
        velocity[joint] = 0
        position[joint] = place
      }
    }
    if elapsed >= 0.002 || !hasReading { previousBoardTime = message.mcuUs }
    hasReading = true
    stamp = reading.stamp
    settlePower(isOn)
    settleHealth(message)
  }

  @_noLocks
  func isHeld(_ state: WireState?) -> Bool {
    guard let state else { return false }
    return state == .active || state == .hold
  }

  @_noLocks
  private mutating func settlePower(_ isOn: Bool) {
    if sequence != ArmingSequence.none {
      storedPower = .energising
    } else {
      storedPower = isOn ? .on : .off
    }
    if !isEnergised && sequence == ArmingSequence.none { crash.leave() }
  }

  /// What the board says of itself, for every joint. What it has latched counts as long as the arm should be held; later
  /// it is energising that clears it, or is refused.
  @_noLocks
  private mutating func settleHealth(_ message: StateMessage) {
    var faults = JointFaults.none
    var isStopped = message.flags & StateFlags.estopOpen != 0
    if isEnergised, let state = message.state, let cause = message.cause {
      switch state {
      case .hold: if cause == .watchdog { faults = faults.adding(.watchdog) }
      case .safe: faults = faults.adding(.watchdog).adding(.torqueLost)
      case .estop: isStopped = true
      case .fault:
        faults = faults.adding(.torqueLost)
        switch cause {
        case .undervoltage, .overvoltage: faults = faults.adding(.voltage)
        case .overcurrent: faults = faults.adding(.electrical)
        default: faults = faults.adding(.sensor)
        }
      case .boot, .idle, .armed: faults = faults.adding(.torqueLost)
      case .active: break
      }
    }
    storedHealth.isEmergencyStopOpen = isStopped
    let volts = message.voltageMv == 0 ? Double.nan : Double(message.voltageMv) * 1e-3
    for joint in 0..<jointCount {
      storedHealth.setFaults(faults, of: joint)
      storedHealth.voltage[joint] = volts
    }
  }
}
