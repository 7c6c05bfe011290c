/// A request that was done, and its answer.
struct AnsweredRequest: BitwiseCopyable {
  var type: UInt8
  var sequence: UInt8
  var crc: UInt16
  var code = WireCode.ok
  var detail: UInt16 = 0
  /// The answer comes when the settings are stored.
  var isPending = false

  @_noLocks
  init(_ body: FrameBody) {
    type = body.type
    sequence = body.sequence
    crc = body.crc
  }

  @_noLocks
  func isSame(as body: FrameBody) -> Bool {
    type == body.type && sequence == body.sequence && crc == body.crc
  }
}

// What each message is answered with.
extension BoardController {
  @_noLocks
  mutating func send() -> Bool {
    frame.encode(body)
    return true
  }

  @_noLocks
  mutating func sendResult(_ request: UInt8, _ sequence: UInt8, _ code: WireCode, _ detail: UInt16) -> Bool {
    if !(code == .ok) { BoardCounters.count(&counters.refused) }
    var message = ResultMessage()
    message.request = request
    message.code = code
    message.detail = detail
    message.write(to: &body, sequence: sequence)
    return send()
  }

  /// A STATE of its own, with the next sequence.
  @_noLocks
  mutating func sendTelemetry(_ nowUs: UInt32) -> Bool {
    let sequence = stateSequence
    stateSequence &+= 1
    return sendState(sequence, 0, nowUs)
  }

  @_noLocks
  mutating func sendState(_ sequence: UInt8, _ moreFlags: UInt16, _ nowUs: UInt32) -> Bool {
    var message = StateMessage()
    message.mcuUs = nowUs
    message.lastSequence = lastSequence
    message.state = state
    message.cause = cause
    message.flags = flags | moreFlags
    message.voltageMv = inputs.voltageMv
    message.clamped = clamped
    message.limited = limited
    for channel in 0..<identity.channels { message.applied.append(pulse(channel)) }
    message.feedback = inputs.feedback
    message.write(to: &body, sequence: sequence)
    clamped = 0
    limited = 0
    stateIsDue = false
    stateSentUs = nowUs
    return send()
  }

  @_noLocks
  private mutating func sendInfo(_ sequence: UInt8) -> Bool {
    var message = InfoMessage()
    message.major = WireSchema.major
    message.minor = WireSchema.minor
    message.schema = WireSchema.hash
    message.firmware = identity.firmware
    message.board = identity.board
    message.uniqueId = identity.uniqueID
    message.state = state
    message.cause = cause
    message.flags = flags
    message.write(to: &body, sequence: sequence)
    return send()
  }

  /// Answers the frame in `receiver`. True when there is an answer.
  @_noLocks
  mutating func handle(_ nowUs: UInt32) -> Bool {
    let received = receiver.body
    let (type, sequence) = (received.type, received.sequence)
    if type & 0x80 != 0 {  // another board's, or our own come back
      BoardCounters.count(&counters.malformed)
      return false
    }
    if type < 0x10 { return handleHandshake(received) }
    if type >= ArmMessage.type && type <= ConfigDefaultsMessage.type { return handleRequest(received, nowUs) }
    if type == SetpointMessage.type {
      if let message = SetpointMessage(received) { return handleSetpoint(message, sequence, nowUs) }
    } else if type == TimeReqMessage.type {
      if let message = TimeReqMessage(received) { return answer(message, sequence, nowUs) }
    } else if type == ConfigGetMessage.type {
      if let message = ConfigGetMessage(received) { return answer(message, sequence) }
    } else if type == StatsReqMessage.type {
      if case .some = StatsReqMessage(received) { return sendStats(sequence) }
    } else if type == StateReqMessage.type {
      if case .some = StateReqMessage(received) { return sendState(sequence, StateFlags.solicited, nowUs) }
    } else {
      return sendResult(type, sequence, .unknownType, UInt16(type))
    }
    return sendResult(type, sequence, .badLength, UInt16(received.payloadCount))
  }

  /// The messages that every version understands. What is none of them gets no answer.
  @_noLocks
  private mutating func handleHandshake(_ received: FrameBody) -> Bool {
    if received.type == HelloMessage.type {
      if let message = HelloMessage(received) { return handleHello(message, received.sequence) }
    } else if received.type == GetInfoMessage.type {
      return sendInfo(received.sequence)
    } else if received.type == EstopMessage.type {
      if let message = EstopMessage(received), message.magic == WireSchema.estopMagic {
        if !(state == .estop) { enter(.estop, .estopFrame) }
        return sendInfo(received.sequence)
      }
    }
    BoardCounters.count(&counters.malformed)
    return false
  }

  @_noLocks
  private mutating func handleHello(_ hello: HelloMessage, _ sequence: UInt8) -> Bool {
    var message = HelloAckMessage()
    message.result = .ok
    message.session = hello.session
    if hello.major != WireSchema.major || hello.schema != WireSchema.hash {
      message.result = .schemaMismatch
    } else if hello.session == 0 {
      message.result = .badSession
    } else if hello.session != session {
      beginSession(hello.session)
    }
    if let result = message.result, !(result == .ok) {
      BoardCounters.count(&counters.refused)
      message.session = 0
    }
    message.major = WireSchema.major
    message.minor = WireSchema.minor
    message.schema = WireSchema.hash
    message.state = state
    message.firmware = identity.firmware
    message.board = identity.board
    message.uniqueId = identity.uniqueID
    message.reset = identity.reset
    message.bootCount = identity.bootCount
    message.capabilities = identity.capabilities
    message.tickHz = UInt16(1_000_000 / WireSchema.tickUs)
    message.maximumRateHz = identity.maximumRateHz
    for channel in 0..<identity.channels {
      message.kinds.append(UInt8(truncatingIfNeeded: settings[channel, ChannelSetting.kind]))
    }
    message.write(to: &body, sequence: sequence)
    return send()
  }

  @_noLocks
  private mutating func beginSession(_ next: UInt16) {
    session = next
    setpointSequence = nil
    lastRequest = nil
    if isEnergised {
      enter(.hold, .newSession)
    } else if state == .armed {
      enter(.idle, .newSession)
    }
    isArmed = false
  }

  @_noLocks
  private mutating func answer(_ request: TimeReqMessage, _ sequence: UInt8, _ nowUs: UInt32) -> Bool {
    var message = TimeMessage()
    message.t1 = request.t1
    message.mcuRx = nowUs
    message.mcuTx = nowUs
    message.write(to: &body, sequence: sequence)
    return send()
  }

  /// Settings up to the last of the same group.
  @_noLocks
  private mutating func answer(_ request: ConfigGetMessage, _ sequence: UInt8) -> Bool {
    guard case .some = settings.place(ofKey: request.key) else {
      return sendResult(ConfigGetMessage.type, sequence, .outOfRange, request.key)
    }
    guard request.count >= 1 && request.count <= 16 else {
      return sendResult(ConfigGetMessage.type, sequence, .outOfRange, UInt16(request.count))
    }
    var message = ConfigMessage()
    message.key = request.key
    for index in 0..<UInt16(request.count) {
      let key = request.key + index
      guard let place = settings.place(ofKey: key), key & 0xFFF0 == request.key & 0xFFF0 else { break }
      message.values.append(settings[place])
    }
    message.write(to: &body, sequence: sequence)
    return send()
  }

  @_noLocks
  private mutating func sendStats(_ sequence: UInt8) -> Bool {
    var message = StatsMessage()
    message.frames = counters.frames
    message.crc = counters.crc
    message.framing = counters.framing
    message.oversize = counters.oversize
    message.overrun = counters.overrun
    message.malformed = counters.malformed
    message.sequenceGaps = counters.sequenceGaps
    message.refused = counters.refused
    message.watchdogHolds = counters.watchdogHolds
    message.watchdogOffs = counters.watchdogOffs
    message.lateTicks = counters.lateTicks
    message.write(to: &body, sequence: sequence)
    return send()
  }
}
