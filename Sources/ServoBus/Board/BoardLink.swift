import ServoWire

/// What became of a byte from a board.
public enum LinkEvent: UInt8, Sendable, BitwiseCopyable {
  /// Nothing to tell.
  case nothing
  /// HELLO_ACK, INFO, CONFIG, STATS: each is kept in the field of its name.
  case helloAck, info, config, stats
  /// The clocks were compared.
  case time
  /// A STATE that is newer than the last.
  case state
  /// The request that was under way is answered: `result`.
  case result
  /// A query was refused: `refusal`.
  case refusal
  /// A SETPOINT was refused: `refusal`.
  case setpointRefused

  /// A bit for sets; none for nothing.
  var bit: UInt16 { @_noLocks get { rawValue == 0 ? 0 : 1 << UInt16(rawValue) } }

  @_noLocks
  public static func == (a: LinkEvent, b: LinkEvent) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: LinkEvent, b: LinkEvent) -> Bool { a.rawValue != b.rawValue }
}

/// A STATE, and when the board said it.
public struct BoardReading: Sendable, BitwiseCopyable {
  public var message = StateMessage()
  /// When it was so, ns on the host's clock: by the board's own stamp where the clocks have been compared, else when its
  /// last byte came.
  public var stamp = Int64.min
  /// When its last byte came, ns.
  public var arrival = Int64.min

  @_noLocks
  public init() {}
}

/// The host's side of the firmware protocol, sans I/O: makes frames, takes bytes, knows the session, the request under way,
/// the newest STATE and both clocks. Times are the caller's, ns, any origin.
///
/// Made, it has a session number and no session: say `hello` until `helloAck` came. All functions are real-time safe.
public struct BoardLink: ~Copyable {
  /// The number that this host gave its session; not 0.
  public let session: UInt16
  public internal(set) var counters = LinkCounters()
  public private(set) var clock = BoardClock()

  /// The newest STATE.
  public private(set) var reading = BoardReading()
  /// Why a SETPOINT or a query was refused last.
  public private(set) var refusal = ResultMessage()
  /// How many SETPOINTs were refused.
  public private(set) var refusalCount = 0
  /// The answer to the last request.
  public private(set) var result = ResultMessage()
  public private(set) var helloAck = HelloAckMessage()
  public private(set) var info = InfoMessage()
  public private(set) var config = ConfigMessage()
  public private(set) var stats = StatsMessage()

  /// Whether the board has started again, or has taken another host's session, since `helloAck`: nothing of what was
  /// agreed with it holds any more.
  public private(set) var isSessionLost = false
  /// Whether a request waits for its answer.
  public private(set) var isRequestPending = false

  /// How long a byte is on the line, ns.
  private let byteTime: Int64
  private var receiver = FrameReceiver()
  private var hasSession = false
  /// When the newest query and the newest SETPOINT were made, ns: what answers them is no older.
  private var querySent = Int64.min
  private var setpointSent = Int64.min
  /// The request under way, for its repetition.
  private var request = FrameBody()
  private var requestSequence: UInt8
  private var setpointSequence: UInt8 = 0
  private var querySequence: UInt8 = 0
  private var stateSequence: UInt8 = 0
  private var hasStateSequence = false
  /// The query under way: its type and sequence; 0 for none.
  private var queryType: UInt8 = 0

  /// `session`: any number but 0, another one for each use of the line. `byteTime`: how long a byte is on it, ns; 0 where
  /// that is not known.
  @_noLocks
  public init(session: UInt16, byteTime: Int64 = 0) {
    precondition(session != 0, "a session has a number other than 0")
    self.session = session
    self.byteTime = byteTime
    // A board remembers the last request of the session before by its sequence.
    requestSequence = UInt8(truncatingIfNeeded: session)
  }

  /// Whether the board accepted the session and still has it, as far as is known.
  public var isOpen: Bool { @_noLocks get { hasSession && !isSessionLost } }

  // MARK: Frames to send

  /// Begins the session.
  @_noLocks
  public mutating func hello() -> WireFrame {
    var message = HelloMessage()
    message.major = WireSchema.major
    message.minor = WireSchema.minor
    message.schema = WireSchema.hash
    message.session = session
    var body = FrameBody()
    message.write(to: &body, sequence: nextQuery(HelloMessage.type))
    return send(body)
  }

  /// Asks for INFO, which boards of every version understand.
  @_noLocks
  public mutating func getInfo() -> WireFrame {
    var body = FrameBody()
    GetInfoMessage().write(to: &body, sequence: nextQuery(GetInfoMessage.type))
    return send(body)
  }

  /// Asks for a STATE.
  @_noLocks
  public mutating func stateRequest(now: Int64) -> WireFrame {
    querySent = now
    var body = FrameBody()
    StateReqMessage().write(to: &body, sequence: nextQuery(StateReqMessage.type))
    return send(body)
  }

  /// Asks for the counters.
  @_noLocks
  public mutating func statsRequest() -> WireFrame {
    var body = FrameBody()
    StatsReqMessage().write(to: &body, sequence: nextQuery(StatsReqMessage.type))
    return send(body)
  }

  /// Asks for settings with consecutive keys.
  @_noLocks
  public mutating func configGet(key: UInt16, count: UInt8) -> WireFrame {
    var message = ConfigGetMessage()
    message.key = key
    message.count = count
    var body = FrameBody()
    message.write(to: &body, sequence: nextQuery(ConfigGetMessage.type))
    return send(body)
  }

  /// Asks for the board's clock.
  @_noLocks
  public mutating func timeRequest(now: Int64) -> WireFrame {
    var message = TimeReqMessage()
    message.t1 = UInt64(bitPattern: now)
    var body = FrameBody()
    // The answer brings the time back, and needs no sequence to be told from others.
    message.write(to: &body, sequence: querySequence)
    return send(body)
  }

  /// Where the channels of `mask` are to go, the lowest first, in quarters of a µs.
  @_noLocks
  public mutating func setpoint(mask: UInt16, targets: UInt16List, ttlMs: UInt16, now: Int64) -> WireFrame {
    setpointSent = now
    var message = SetpointMessage()
    message.session = session
    message.mask = mask
    message.ttlMs = ttlMs
    message.targets = targets
    setpointSequence &+= 1
    counters.setpoints &+= 1
    var body = FrameBody()
    message.write(to: &body, sequence: setpointSequence)
    return send(body)
  }

  /// A request that carries the session alone: ARM, CLEAR, STOP, DISARM, CONFIG_COMMIT, CONFIG_DEFAULTS. It takes the place
  /// of one under way.
  @_noLocks
  public mutating func request(_ type: UInt8) -> WireFrame {
    requestSequence &+= 1
    request.begin(type, requestSequence)
    request.append16(session)
    request.seal()
    isRequestPending = true
    return send(request)
  }

  /// Changes settings: at most 16, the key in the lower half of each.
  @_noLocks
  public mutating func configSet(_ pairs: UInt32List) -> WireFrame {
    requestSequence &+= 1
    var message = ConfigSetMessage()
    message.session = session
    message.pairs = pairs
    message.write(to: &request, sequence: requestSequence)
    isRequestPending = true
    return send(request)
  }

  /// The request under way once more. A board that has done it already only answers again.
  @_noLocks
  public mutating func repeatRequest() -> WireFrame {
    counters.retries &+= 1
    return send(request)
  }

  /// What a crash handler sends: a request as the next one would be, which nobody waits for.
  @_noLocks
  func crashRequest(_ type: UInt8) -> WireFrame {
    var body = FrameBody()
    body.begin(type, requestSequence &+ 1)
    body.append16(session)
    body.seal()
    return WireFrame(body)
  }

  /// Outputs off, latched, whatever the board's state or version.
  @_noLocks
  public mutating func emergencyStop() -> WireFrame {
    var message = EstopMessage()
    message.magic = WireSchema.estopMagic
    var body = FrameBody()
    message.write(to: &body, sequence: nextQuery(EstopMessage.type))
    return send(body)
  }

  /// The request under way is not waited for any more.
  @_noLocks
  public mutating func giveUp() {
    counters.timeouts &+= 1
    isRequestPending = false
  }

  /// An answer to a query or to a SETPOINT did not come in time.
  @_noLocks
  public mutating func noteTimeout() { counters.timeouts &+= 1 }

  /// A query was asked again.
  @_noLocks
  mutating func noteRetry() { counters.retries &+= 1 }

  @_noLocks
  private mutating func nextQuery(_ type: UInt8) -> UInt8 {
    querySequence &+= 1
    queryType = type
    return querySequence
  }

  @_noLocks
  private mutating func send(_ body: FrameBody) -> WireFrame {
    counters.sent &+= 1
    return WireFrame(body)
  }

  // MARK: Bytes that came

  /// Takes one byte that came at `now`.
  @_noLocks
  public mutating func take(_ byte: UInt8, now: Int64) -> LinkEvent {
    switch receiver.take(byte) {
    case .nothing: return .nothing
    case .wrongCRC: counters.checksum &+= 1
    case .brokenFrame: counters.framing &+= 1
    case .tooLong: counters.oversize &+= 1
    case .frame:
      guard receiver.body.type & 0x80 != 0 else {
        counters.echoes &+= 1
        return .nothing
      }
      counters.received &+= 1
      return takeFrame(receiver.body, now)
    }
    return .nothing
  }

  @_noLocks
  private mutating func takeFrame(_ body: FrameBody, _ now: Int64) -> LinkEvent {
    let type = body.type
    if type == StateMessage.type {
      if let message = StateMessage(body) { return takeState(message, body.sequence, now) }
    } else if type == ResultMessage.type {
      if let message = ResultMessage(body) { return takeResult(message, body.sequence) }
    } else if type == TimeMessage.type {
      if let message = TimeMessage(body) { return takeTime(message, now) }
    } else if type == HelloAckMessage.type {
      if let message = HelloAckMessage(body) {
        guard answers(HelloMessage.type, body.sequence) else { return stale() }
        helloAck = message
        if let code = message.result, code == .ok, message.session == session { hasSession = true }
        return .helloAck
      }
    } else if type == InfoMessage.type {
      if let message = InfoMessage(body) {
        guard answers(GetInfoMessage.type, body.sequence) || answers(EstopMessage.type, body.sequence) else {
          return stale()
        }
        info = message
        return .info
      }
    } else if type == ConfigMessage.type {
      if let message = ConfigMessage(body) {
        guard answers(ConfigGetMessage.type, body.sequence) else { return stale() }
        config = message
        return .config
      }
    } else if type == StatsMessage.type {
      if let message = StatsMessage(body) {
        guard answers(StatsReqMessage.type, body.sequence) else { return stale() }
        stats = message
        return .stats
      }
    }
    counters.malformed &+= 1
    return .nothing
  }

  @_noLocks
  private func answers(_ type: UInt8, _ sequence: UInt8) -> Bool {
    queryType == type && querySequence == sequence
  }

  @_noLocks
  private mutating func stale() -> LinkEvent {
    counters.stale &+= 1
    return .nothing
  }

  @_noLocks
  private mutating func takeState(_ message: StateMessage, _ sequence: UInt8, _ now: Int64) -> LinkEvent {
    if message.flags & StateFlags.solicited == 0 {
      if hasStateSequence {
        let step = sequence &- stateSequence
        if step > 1 && step < 128 { counters.gaps &+= UInt64(step &- 1) }
      }
      stateSequence = sequence
      hasStateSequence = true
    }
    counters.states &+= 1
    // Bytes come in the order in which they were sent: a clock that goes back began anew, with the board.
    if clock.stepBack(message.mcuUs) > BoardLink.clockTolerance { isSessionLost = hasSession }
    reading.message = message
    reading.arrival = now
    reading.stamp = now
    if clock.isSet {
      let stamp = clock.host(message.mcuUs)
      if stamp &- now > BoardLink.farAhead { isSessionLost = hasSession }
      if stamp < now { reading.stamp = stamp }
      let isAnswer = message.flags & StateFlags.solicited != 0 && answers(StateReqMessage.type, sequence)
      if isAnswer && reading.stamp < querySent { reading.stamp = querySent }
      // What names the newest SETPOINT was said behind it.
      let isFollowing = counters.setpoints > 0 && message.lastSequence == setpointSequence
      if isFollowing && reading.stamp < setpointSent && setpointSent <= now { reading.stamp = setpointSent }
    }
    noteOwner(message)
    return .state
  }

  /// Another host's session ends ours; only a STATE that says so tells it to a host that sends nothing.
  @_noLocks
  private mutating func noteOwner(_ message: StateMessage) {
    guard hasSession, let cause = message.cause, let state = message.state else { return }
    // Our own HELLO says the same of the session before.
    guard cause == .newSession, state == .hold || state == .idle, wasArmed else {
      wasArmed = message.flags & StateFlags.armed != 0
      return
    }
    wasArmed = false
    isSessionLost = true
  }
  private var wasArmed = false

  @_noLocks
  private mutating func takeResult(_ message: ResultMessage, _ sequence: UInt8) -> LinkEvent {
    if let code = message.code, !(code == .ok) { counters.refusals &+= 1 }
    if message.request == SetpointMessage.type {
      refusal = message
      refusalCount &+= 1
      noteSession(message)
      return .setpointRefused
    }
    if isRequestPending && message.request == request.type && sequence == request.sequence {
      result = message
      isRequestPending = false
      noteSession(message)
      return .result
    }
    if answers(message.request, sequence) {
      refusal = message
      return .refusal
    }
    return stale()
  }

  @_noLocks
  private mutating func noteSession(_ message: ResultMessage) {
    if let code = message.code, code == .badSession, hasSession { isSessionLost = true }
  }

  @_noLocks
  private mutating func takeTime(_ message: TimeMessage, _ now: Int64) -> LinkEvent {
    let sent = Int64(bitPattern: message.t1)
    // A time that this host cannot have sent lately is somebody else's.
    guard sent <= now, now &- sent < 2_000_000_000 else { return stale() }
    if clock.stepBack(message.mcuRx) > BoardLink.clockTolerance {
      isSessionLost = hasSession
      return .nothing
    }
    // The board looks at its clock when the request's last byte has come, and before its answer's first one leaves. A line
    // that is quicker than its speed says (USB) has no such times.
    let (request, answer) = (14 &* byteTime, 22 &* byteTime)
    let isPaced = now &- sent &- 1000 &* Int64(message.mcuTx &- message.mcuRx) >= request &+ answer
    clock.note(
      sent: isPaced ? sent &+ request : sent, received: message.mcuRx, answered: message.mcuTx,
      now: isPaced ? now &- answer : now)
    return .time
  }

  /// How far ahead of the host's time a stamp shows another clock than the one compared with, ns: a board that starts again
  /// where its clock had passed half of its range is ahead by up to half an hour. One in an emulator, whose time runs a
  /// quarter too fast or was held up, is ahead by less when its host was silent for a while.
  private static var farAhead: Int64 { @_noLocks get { 2_000_000_000 } }
  /// How far the board's clock may be off without having begun anew, µs. A board takes longer to start.
  private static var clockTolerance: Int64 { @_noLocks get { 20_000 } }
}
