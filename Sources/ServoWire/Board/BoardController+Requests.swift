/// What a request came to.
private struct Outcome: BitwiseCopyable {
  var code: WireCode
  var detail: UInt16

  @_noLocks
  init(_ code: WireCode = .ok, _ detail: UInt16 = 0) {
    self.code = code
    self.detail = detail
  }
}

// Requests change something and are answered by RESULT. One that comes again, because its answer was lost, gets the same
// answer and is not done again.
extension BoardController {
  @_noLocks
  mutating func handleRequest(_ received: FrameBody, _ nowUs: UInt32) -> Bool {
    if let last = lastRequest, last.isSame(as: received) {
      return last.isPending ? false : sendResult(last.type, last.sequence, last.code, last.detail)
    }
    // An answer that is still due belongs to the request before; it would only be taken for this one's.
    var request = AnsweredRequest(received)
    let outcome = perform(received, nowUs, &request.isPending)
    request.code = outcome.code
    request.detail = outcome.detail
    lastRequest = request
    return request.isPending ? false : sendResult(request.type, request.sequence, outcome.code, outcome.detail)
  }

  @_noLocks
  private mutating func perform(_ received: FrameBody, _ nowUs: UInt32, _ isPending: inout Bool) -> Outcome {
    let type = received.type
    let wrongLength = Outcome(.badLength, UInt16(received.payloadCount))
    if type == ConfigSetMessage.type {
      guard let message = ConfigSetMessage(received), message.pairs.count > 0 else { return wrongLength }
      if let refusal = refusal(ofSession: message.session) ?? refusalToConfigure() { return refusal }
      return set(message.pairs)
    }
    // All others carry the session and nothing else.
    guard let message = ArmMessage(received) else { return wrongLength }
    if let refusal = refusal(ofSession: message.session) { return refusal }
    if type == ArmMessage.type { return arm(nowUs) }
    if type == ClearMessage.type { return clear() }
    if type == StopMessage.type { return stop() }
    if type == DisarmMessage.type { return disarm() }
    if let refusal = refusalToConfigure() { return refusal }
    if type == ConfigDefaultsMessage.type {
      settings.setDefaults()
      store.isUnsaved = true
    } else {
      store.begin()
      isPending = true
    }
    return Outcome()
  }

  @_noLocks
  private func refusal(ofSession number: UInt16) -> Outcome? {
    session == 0 || number != session ? Outcome(.badSession) : nil
  }

  @_noLocks
  private func refusalToConfigure() -> Outcome? {
    if !(state == .idle) { return Outcome(.badState, UInt16(state.wireValue)) }
    return store.isStoring ? Outcome(.busy) : nil
  }

  @_noLocks
  private mutating func arm(_ nowUs: UInt32) -> Outcome {
    if state == .hold {
      isArmed = true
      isResumable = true
      return Outcome()
    }
    if let refusal = refusalToConfigure() { return refusal }
    if isEstopOpen { return Outcome(.estop) }
    if inputs.hasFault { return Outcome(.hardware) }
    if let supplyCause { return Outcome(.supply, UInt16(supplyCause.wireValue)) }
    if let key = settings.unusableKey() { return Outcome(.notConfigured, key) }
    enter(.armed, .command)
    aliveUs = nowUs
    return Outcome()
  }

  @_noLocks
  private mutating func clear() -> Outcome {
    switch state {
    case .hold:
      if !isArmed { return Outcome(.notArmed) }
      isResumable = true
      return Outcome()
    case .fault:
      if inputs.hasFault { return Outcome(.hardware) }
      if let supplyCause { return Outcome(.supply, UInt16(supplyCause.wireValue)) }
    case .estop:
      if isEstopOpen { return Outcome(.estop) }
    case .safe: break
    case .boot, .idle, .armed, .active: return Outcome(.badState, UInt16(state.wireValue))
    }
    enter(.idle, .command)
    return Outcome()
  }

  @_noLocks
  private mutating func stop() -> Outcome {
    if !isEnergised { return Outcome(.badState, UInt16(state.wireValue)) }
    enter(.hold, .stop)
    return Outcome()
  }

  @_noLocks
  private mutating func disarm() -> Outcome {
    if state == .idle { return Outcome() }
    if !(state == .armed) && !isEnergised { return Outcome(.badState, UInt16(state.wireValue)) }
    enter(.idle, .command)
    return Outcome()
  }

  /// All of the settings, or none.
  @_noLocks
  private mutating func set(_ pairs: UInt32List) -> Outcome {
    for index in 0..<pairs.count {
      let key = UInt16(truncatingIfNeeded: pairs[index])
      guard let place = settings.place(ofKey: key),
        BoardSettings.allows(UInt16(truncatingIfNeeded: pairs[index] >> 16), at: place)
      else { return Outcome(.outOfRange, key) }
    }
    for index in 0..<pairs.count {
      guard let place = settings.place(ofKey: UInt16(truncatingIfNeeded: pairs[index])) else { continue }
      settings[place] = UInt16(truncatingIfNeeded: pairs[index] >> 16)
    }
    store.isUnsaved = true
    return Outcome()
  }
}
