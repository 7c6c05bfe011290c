extension BusMaster {
  /// Throws away what has come since the last request: nobody waits for it.
  @_noLocks
  mutating func drain() throws(TransportError) {
    var stale = parser.reset()
    // Bounded, so that a line that never falls silent cannot hold the cycle.
    for _ in 0..<64 {
      let target = parser.freePointer()
      let room = parser.freeCount
      let count = try transport.read(into: target, capacity: room)
      if count == 0 { break }
      parser.commit(count)
      let now = transport.now
      while let frame = parser.next(isFinal: true) { discard(frame, at: now) }
      stale &+= parser.reset()
      if count < room { break }
    }
    parser.forgetDamaged()
    takeParserCounters()
  }

  /// Sends what `output` holds.
  @_noLocks
  mutating func send(deadline: Int64) throws(TransportError) {
    counters.requests &+= 1
    guard let start = output.baseAddress else { return }
    try transport.write(UnsafePointer(start), count: sentFirst &+ sentSecond, deadline: deadline)
  }

  /// The longest frame that can come now: an answer, or an echo. Stuffing adds a third at most.
  @_noLocks
  func longestFrame(_ answerBytes: Int) -> Int {
    let answer = answerBytes &+ answerBytes / 3 &+ 16
    let echo = sentFirst > sentSecond ? sentFirst : sentSecond
    return answer > echo ? answer : echo
  }

  /// Collects the answers of the servos that `board` asks: until all are there, the line has been silent for too long,
  /// or the deadline has passed.
  @_noLocks
  mutating func collect(into board: AnswerBoard, _ exchange: Exchange) throws(TransportError) {
    let request = sentFirst &+ sentSecond
    let allowed = allowedTiming
    var cut = exchange.sentAt &+ allowed.firstByteLimit(request: request)
    var pieces = 0
    var isOver = false
    var looksAtOnce = exchange.wake > 0
    var wasEmpty = false
    heardAt = exchange.sentAt
    if looksAtOnce {
      transport.sleep(until: exchange.wake)
      if cut < exchange.wake &+ allowed.gapLimit { cut = exchange.wake &+ allowed.gapLimit }
    }
    while true {
      while let frame = parser.next() { accept(frame, into: board, exchange) }
      if exchange.isCyclic { noteDamaged(board) }
      isOver = !exchange.listens && isHeard(board, exchange)
      if isOver { break }
      if looksAtOnce {
        looksAtOnce = false
      } else {
        let limit = cut < exchange.deadline && !exchange.isPatient ? cut : exchange.deadline
        guard try transport.waitReadable(until: limit) else {
          // Silence: what is not whole by now never will be. A false header may hide frames.
          while let frame = parser.next(isFinal: true) { accept(frame, into: board, exchange) }
          if exchange.isCyclic { noteDamaged(board) }
          break
        }
      }
      let count = try transport.read(into: parser.freePointer(), capacity: parser.freeCount)
      guard count > 0 else {
        if pieces == 0 { wasEmpty = exchange.wake > 0 }
        continue
      }
      parser.commit(count)
      heardAt = transport.now
      pieces &+= 1
      cut = heardAt &+ allowed.gapLimit
    }
    takeParserCounters()
    let open = board.openCount
    if open > 0 {
      counters.timeouts &+= UInt64(open)
      suspiciousUntil = transport.now &+ lateAnswerHorizon
    } else if isOver, exchange.isCyclic {
      let taken = heardAt &- exchange.sentAt
      learn(taken &- timing.bus(request: request, answers: exchange.answers, answerBytes: exchange.answerBytes))
      if exchange.isWhole {
        pace.observe(taken, pieces: pieces, hasSlept: exchange.wake > 0, wasEmpty: wasEmpty)
      }
    }
  }

  /// Whether everything that an exchange can bring is there.
  @_noLocks
  private func isHeard(_ board: AnswerBoard, _ exchange: Exchange) -> Bool {
    if !board.isWaiting { return true }
    // Servos answer in the order of the request: after the last one nobody speaks. One that is heard quite alone may be
    // another request's.
    guard exchange.isCyclic, exchange.answers > 1, lastAsked >= 0 else { return false }
    let state = board.states[lastAsked]
    guard
      state == AnswerBoard.State.damaged
        || (state == AnswerBoard.State.answered && Int(answeredPhase[lastAsked]) == phase)
    else { return false }
    for index in board.first..<lastAsked where board.states[index] != AnswerBoard.State.waiting {
      if askedServos & (1 << UInt32(index)) != 0 { return true }
    }
    return false
  }

  /// Takes note of frames that did not check out: whose turn it was has spoken, and will not again.
  @_noLocks
  private mutating func noteDamaged(_ board: AnswerBoard) {
    guard parser.damagedCount > 0 else { return }
    for entry in 0..<parser.damagedCount { noteDamaged(board, parser.damagedFrame(entry)) }
    parser.forgetDamaged()
  }

  @_noLocks
  private mutating func noteDamaged(_ board: AnswerBoard, _ frame: DamagedFrame) {
    let length = readLength &+ phase
    if wire.isSecondGeneration, frame.id == WireProtocol.broadcastID {
      guard frame.count == 8 &+ board.count &* (length &+ 4), askedPhases & (1 << UInt16(phase)) != 0 else { return }
      for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
        board.states[index] = AnswerBoard.State.damaged
        settleDebt(index, phase)
      }
      return
    }
    guard frame.count == wire.answerBytes(data: length) else { return }
    // The id may be what was damaged. It is believed only of the servo whose turn it is.
    for index in board.first..<board.end where askedServos & (1 << UInt32(index)) != 0 {
      if board.states[index] != AnswerBoard.State.waiting { continue }
      if board.ids[index] == frame.id, isOwed(index, phase, at: heardAt) {
        board.states[index] = AnswerBoard.State.damaged
        settleDebt(index, phase)
      }
      return
    }
  }

  /// Judges one frame that checks out.
  @_noLocks
  private mutating func accept(_ frame: Frame, into board: AnswerBoard, _ exchange: Exchange) {
    if isEcho(frame) {
      counters.echoes &+= 1
      return
    }
    if wire.isSecondGeneration {
      guard frame.instruction == Instruction.status else {
        counters.foreign &+= 1
        return
      }
      if frame.id == WireProtocol.broadcastID {
        acceptCommon(frame, into: board, exchange)
        return
      }
    }
    let index = board.index(of: frame.id)
    guard index >= 0 else {
      counters.foreign &+= 1
      return
    }
    let isExpected =
      exchange.isCyclic ? isExpectedLength(index, frame) : frame.payloadCount == board.length
    if !isExpected {
      if frame.payloadCount == 0, isRefusal(frame.status), board.states[index] == AnswerBoard.State.waiting {
        board.states[index] = AnswerBoard.State.refused
        board.statuses[index] = frame.status
        counters.refusals &+= 1
        if exchange.isCyclic { settleDebt(index, phase) }
        return
      }
      // In the middle of a single operation the answer to the cycle before may come.
      if !exchange.isCyclic, takeForCycle(frame, at: heardAt) { return }
      if heardAt < suspiciousUntil { counters.stale &+= 1 } else { counters.length &+= 1 }
      // With a CRC the length is certain; without, it may be a flipped bit that swallowed the next frame's head.
      if !wire.isSecondGeneration { parser.rejectLast() }
      return
    }
    if exchange.isCyclic {
      acceptOwed(index, frame.payloadCount &- readLength, status: frame.status, frame.payload, into: board)
    } else {
      acceptData(index, status: frame.status, frame.payload, into: board)
    }
  }

  /// Whether a frame is one that was sent last.
  @_noLocks
  func isEcho(_ frame: Frame) -> Bool {
    guard let start = output.baseAddress else { return false }
    let first = UnsafePointer(start)
    return frame.isEqual(to: first, count: sentFirst) || frame.isEqual(to: first + sentFirst, count: sentSecond)
  }

  /// Whether a cycle's servo owes an answer of that length, or has just given one.
  @_noLocks
  private func isExpectedLength(_ index: Int, _ frame: Frame) -> Bool {
    let excess = frame.payloadCount &- readLength
    guard excess >= 0, excess <= 15 else { return false }
    if isOwed(index, excess, at: heardAt) { return true }
    return board.states[index] == AnswerBoard.State.answered && Int(answeredPhase[index]) == excess
  }

  /// Whether an answer without data says that the servo will not. Feetech's status bits are states, never refusals.
  @_noLocks
  private func isRefusal(_ status: UInt8) -> Bool {
    switch wire {
    case .dynamixel2: return status & 0x7F != 0
    // Instruction, checksum and range error.
    case .dynamixel1: return status & 0x58 != 0
    case .feetechSTS, .feetechSCS: return false
    }
  }

  /// An answer of a length that the servo owes, or owed until it gave one.
  @_noLocks
  private mutating func acceptOwed(
    _ index: Int, _ excess: Int, status: UInt8, _ bytes: UnsafePointer<UInt8>, into board: AnswerBoard
  ) {
    let isAsked = askedPhases & (1 << UInt16(excess)) != 0
    if !isAsked {
      // To an earlier cycle's request, for certain.
      let isNews =
        board.states[index] != AnswerBoard.State.answered
        && takeBelated(index, excess, status: status, bytes, at: heardAt)
      if !isNews { counters.stale &+= 1 }
      settleDebt(index, excess)
      return
    }
    let wasOwed = isOwed(index, excess, at: heardAt)
    let since = debtSince(index, excess)
    settleDebt(index, excess)
    let state = board.states[index]
    if state == AnswerBoard.State.answered, Int(answeredPhase[index]) != excess {
      // The servo was asked twice in this cycle and has answered twice.
      counters.late &+= 1
      return
    }
    if wasOwed, state != AnswerBoard.State.answered, since < cycleBegan, since < stamps[index] {
      // It may be older than what is there.
      counters.stale &+= 1
      return
    }
    answeredPhase[index] = UInt8(truncatingIfNeeded: excess)
    acceptData(index, status: status, bytes, into: board)
    guard board.states[index] == AnswerBoard.State.answered else { return }
    if wasOwed, state != AnswerBoard.State.answered { doubtSince[index] = since < cycleBegan ? since : .max }
    if excess != phase {
      counters.late &+= 1
      learn(heardAt &- since)
    }
  }

  @_noLocks
  private mutating func acceptData(
    _ index: Int, status: UInt8, _ bytes: UnsafePointer<UInt8>, into board: AnswerBoard
  ) {
    if board.states[index] == AnswerBoard.State.answered {
      if board.holds(index, status: status, bytes) {
        counters.duplicates &+= 1
      } else {
        // One of the two is old, and nothing tells which.
        board.states[index] = AnswerBoard.State.conflicting
        counters.stale &+= 2
      }
      return
    }
    if board.states[index] == AnswerBoard.State.conflicting {
      counters.stale &+= 1
      return
    }
    // Servos answer in the order of the request. Whoever is heard after a later one makes both doubtful.
    var isOutOfOrder = false
    if board.end &- board.first > 1 {
      for later in (index &+ 1)..<board.end
      where board.states[later] == AnswerBoard.State.answered && answeredPhase[later] == answeredPhase[index]
        && askedServos & (1 << UInt32(later)) != 0
      {
        board.states[later] = AnswerBoard.State.conflicting
        counters.stale &+= 1
        isOutOfOrder = true
      }
    }
    if isOutOfOrder {
      board.states[index] = AnswerBoard.State.conflicting
      counters.stale &+= 1
      return
    }
    counters.answers &+= 1
    board.keep(index, status: status, bytes)
  }

  /// The common answer to a fast read: error, id, data and running CRC of each servo in the order of the request.
  @_noLocks
  private mutating func acceptCommon(_ frame: Frame, into board: AnswerBoard, _ exchange: Exchange) {
    guard exchange.isCyclic else {
      counters.foreign &+= 1
      return
    }
    let excess = commonExcess(frame)
    guard excess >= 0 else {
      counters.length &+= 1
      return
    }
    let block = readLength &+ excess &+ 4
    for servo in 0..<board.count {
      let start = frame.payload + servo &* block
      let status = servo == 0 ? frame.status : (start - 1).pointee
      guard isOwed(servo, excess, at: heardAt) || board.states[servo] == AnswerBoard.State.answered else {
        counters.stale &+= 1
        continue
      }
      acceptOwed(servo, excess, status: status, start + 1, into: board)
    }
  }

  /// Carries the parser's counts over.
  @_noLocks
  mutating func takeParserCounters() {
    let seen = parser.counters
    counters.checksum = seen.checksumErrors &+ seen.malformedFrames
    counters.short = seen.shortFrames
    counters.garbageBytes = seen.garbageBytes
  }

  /// An answer came so much after it could have come.
  @_noLocks
  mutating func learn(_ lateness: Int64) {
    latencyEstimate.observe(lateness > 0 ? lateness : 0)
    if isLatencyMeasured { timing.latency = latencyEstimate.allowance }
  }

  /// The bus's timing with what must be allowed for at present.
  var allowedTiming: BusTiming {
    @_noLocks get {
      var allowed = timing
      // Unmeasured, the latency is what it was set to; only evidence of more counts.
      let learned = latencyEstimate.peak > 0 ? latencyEstimate.allowance : 0
      if learned > allowed.latency { allowed.latency = learned }
      // Patience ends where a machine or adaptor is broken rather than busy.
      let patient = allowed.latency &* patience < 150_000_000 ? allowed.latency &* patience : 150_000_000
      if patient > allowed.latency { allowed.latency = patient }
      return allowed
    }
  }
}
