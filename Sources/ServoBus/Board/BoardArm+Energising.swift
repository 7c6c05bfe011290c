import ArmModel
import ServoWire

/// The sequence that switches torque on, as the board's states demand it. Everything else (limits, watchdog) was set and
/// read back at connect, and a board that has started since is not the one connected to.
extension BoardArm {
  /// One step of the sequence; each takes a tick, in whose `read` the answer comes. A board that holds the arm goes on
  /// where it holds it; one whose outputs are off begins at the park pose. What the board refuses throws, with its reason,
  /// and leaves the outputs as they were.
  @_noLocks
  public mutating func energise(now: Int64) throws(ArmError) {
    guard !isGone else { throw gone() }
    try checkSession()
    guard hasReading else { throw ArmError(.timedOut, reason: "the board's state is not known yet") }
    if sequence == ArmingSequence.none {
      if isEnergised && storedPower == .on { return }
      isEnergised = false
      isReleasing = false
      sequence = ArmingSequence.look
      sequenceBegin = port.now
      setpointAttempts = 0
      storedPower = .energising
    }
    guard port.now &- sequenceBegin < 1_500_000_000 else {
      throw failed(.timedOut, 0, "the board did not come to hold the arm in time")
    }
    do throws(TransportError) { try step() } catch { throw lose(error) }
    if let failure { throw take(failure) }
  }

  @_noLocks
  private mutating func step() throws(TransportError) {
    failure = nil
    if sequence == ArmingSequence.look {
      try begin()
    } else if sequence == ArmingSequence.beginning {
      try beginMotion()
    } else {
      try awaitAnswer()
    }
  }

  /// What the board's state asks for first.
  @_noLocks
  private mutating func begin() throws(TransportError) {
    guard let state = port.reading.message.state else { return }
    switch state {
    case .boot: break
    case .idle, .hold: try ask(ArmMessage.type, ArmingSequence.arming)
    case .safe, .fault, .estop: try ask(ClearMessage.type, ArmingSequence.clearing)
    case .armed:
      // It lapses by itself; begun anew, since its first SETPOINT may be the one that was refused.
      try ask(DisarmMessage.type, ArmingSequence.clearing)
    case .active:
      // Of this session, since only that moves it: taken up where it is.
      takeUpPlaces()
      finish()
    }
  }

  @_noLocks
  private mutating func ask(_ type: UInt8, _ next: UInt8) throws(TransportError) {
    port.put(port.link.request(type))
    sequence = next
    requestSent = port.now
    requestAttempts = 0
    crash.set(port.link.crashRequest(DisarmMessage.type))
    try port.flush(deadline: port.now &+ period / 4)
  }

  @_noLocks
  private mutating func awaitAnswer() throws(TransportError) {
    if port.link.isRequestPending {
      guard port.now &- requestSent > port.limit(request: 8, answer: 10) else { return }
      guard requestAttempts < 3 else {
        port.link.giveUp()
        failure = BoardFailure(.timedOut, 0, "the board does not answer while torque is being switched on")
        return
      }
      requestAttempts &+= 1
      requestSent = port.now
      port.put(port.link.repeatRequest())
      try port.flush(deadline: port.now &+ period / 4)
      return
    }
    let result = port.link.result
    guard let code = result.code, code == .ok else {
      failure = BoardArm.refusal(result)
      return
    }
    if sequence == ArmingSequence.clearing {
      // What follows is decided by the STATE that comes next.
      sequence = ArmingSequence.look
      return
    }
    takeUpPlaces()
    sequence = ArmingSequence.beginning
    try beginMotion()
  }

  /// The first SETPOINT is where the outputs come on, or where the board holds the arm.
  @_noLocks
  private mutating func takeUpPlaces() {
    let message = port.reading.message
    for joint in 0..<jointCount {
      let facts = joints[joint]
      goals[joint] = facts.start
      if isHeld(message.state), facts.channel < message.applied.count, message.applied[facts.channel] != 0 {
        goals[joint] = Int(message.applied[facts.channel])
      }
    }
  }

  @_noLocks
  private mutating func beginMotion() throws(TransportError) {
    if let state = port.reading.message.state, state == .active, setpointAttempts > 0 {
      finish()
      return
    }
    if setpointAttempts > 0 && port.link.refusalCount != refusalsSeen {
      failure = BoardArm.refusal(port.link.refusal)
      return
    }
    refusalsSeen = port.link.refusalCount
    setpointAttempts &+= 1
    try sendSetpoint()
  }

  @_noLocks
  private mutating func finish() {
    sequence = ArmingSequence.none
    isEnergised = true
    storedPower = .on
    prepareForCrash()
  }

  /// The sequence ends without torque: what it may have brought on goes off again.
  @_noLocks
  private mutating func failed(_ code: ArmError.Code, _ detail: Int, _ reason: StaticString) -> ArmError {
    let wasBeginning = sequence == ArmingSequence.beginning
    sequence = ArmingSequence.none
    storedPower = isHeld(port.reading.message.state) ? .on : .off
    crash.leave()
    if wasBeginning {
      port.put(port.link.request(DisarmMessage.type))
      do throws(TransportError) { try port.flush(deadline: port.now &+ period / 4) } catch { return lose(error) }
    }
    return ArmError(code, detail: detail, reason: reason)
  }

  @_noLocks
  private mutating func take(_ failure: BoardFailure) -> ArmError {
    self.failure = nil
    return failed(failure.code, failure.detail, failure.reason)
  }

  /// Why the board does not let torque come on.
  @_noLocks
  private static func refusal(_ result: ResultMessage) -> BoardFailure {
    let detail = Int(result.detail)
    guard let code = result.code else {
      return BoardFailure(.notEnergised, detail, "the board refuses to be armed, with a code that is not known")
    }
    switch code {
    case .estop:
      return BoardFailure(.notEnergised, detail, "the board's emergency-stop input is open; release the button first")
    case .supply:
      return BoardFailure(.notEnergised, detail, "the board's supply is outside its limits; check the servos' supply")
    case .hardware: return BoardFailure(.notEnergised, detail, "the board's hardware reports a fault")
    case .outOfRange:
      return BoardFailure(.outOfRange, detail, "the board refuses a first setpoint that far from where it begins")
    case .notConfigured:
      return BoardFailure(.notEnergised, detail, "a setting of the board is missing; see 'sinew firmware config'")
    case .busy: return BoardFailure(.notEnergised, detail, "the board is storing its settings; try again")
    case .badState: return BoardFailure(.notEnergised, detail, "the board cannot be armed in its state")
    default: return BoardFailure(.notEnergised, detail, "the board refuses to be armed")
    }
  }
}

/// Why a step failed; thrown behind the step, whose own errors are the port's.
struct BoardFailure: BitwiseCopyable {
  var code: ArmError.Code
  var detail: Int
  var reason: StaticString

  @_noLocks
  init(_ code: ArmError.Code, _ detail: Int, _ reason: StaticString) {
    (self.code, self.detail, self.reason) = (code, detail, reason)
  }
}
