import CSystem

extension BusMaster {
  /// Throws away what has come since the last request: nobody asked for it.
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
      while parser.next(isFinal: true) != nil { counters.stale &+= 1 }
      stale &+= parser.reset()
      if count < room { break }
    }
    takeParserCounters()
  }

  /// Sends what `output` holds.
  @_noLocks
  mutating func send(deadline: Int64) throws(TransportError) {
    counters.requests &+= 1
    guard let start = output.baseAddress else { return }
    try transport.write(UnsafePointer(start), count: sentFirst &+ sentSecond, deadline: deadline)
  }

  /// Collects the answers of the servos that `board` asks: until all are there, the line has been silent for too long, or
  /// `deadline` has passed. `listens` says that an old answer may come that nothing would tell from a new one: then it goes
  /// on until silence, and believes neither of two that differ.
  @_noLocks
  mutating func collect(
    into board: AnswerBoard, answerBytes: Int, sentAt: Int64, deadline: Int64, listens: Bool
  ) throws(TransportError) {
    let request = sentFirst &+ sentSecond
    var cut = sentAt &+ timing.firstByteLimit(request: request)
    var received = 0
    var isPaced = false
    while true {
      while let frame = parser.next() { accept(frame, into: board) }
      if board.waitingCount == 0 && !listens { break }
      let limit = cut < deadline ? cut : deadline
      guard try transport.waitReadable(until: limit) else {
        // Silence: what is not whole by now never will be. A false header may hide frames.
        while let frame = parser.next(isFinal: true) { accept(frame, into: board) }
        break
      }
      let count = try transport.read(into: parser.freePointer(), capacity: parser.freeCount)
      guard count > 0 else { continue }
      parser.commit(count)
      let now = sinew_now_ns()
      // A real wire gives the first byte no sooner than the request has left; an emulated one may be faster.
      if received == 0 { isPaced = now &- sentAt >= timing.wire(request) }
      received &+= count
      cut = now &+ timing.gapLimit
      if isPaced { try nap(remaining: answerBytes &- received, now: now, limit: cut < deadline ? cut : deadline) }
    }
    takeParserCounters()
    let waiting = board.waitingCount
    if waiting > 0 {
      counters.timeouts &+= UInt64(waiting)
      suspiciousUntil = sinew_now_ns() &+ lateAnswerHorizon
    }
  }

  /// Sleeps while the rest of an answer is still on the wire, instead of waking up for every few bytes of it.
  @_noLocks
  private mutating func nap(remaining: Int, now: Int64, limit: Int64) throws(TransportError) {
    guard remaining > 0 else { return }
    let nap = timing.wire(remaining)
    guard nap > 150_000, now &+ nap < limit else { return }
    transport.sleep(until: now &+ nap)
  }

  /// Judges one frame that checks out.
  @_noLocks
  private mutating func accept(_ frame: Frame, into board: AnswerBoard) {
    if let start = output.baseAddress {
      let first = UnsafePointer(start)
      if frame.isEqual(to: first, count: sentFirst) || frame.isEqual(to: first + sentFirst, count: sentSecond) {
        counters.echoes &+= 1
        return
      }
    }
    if wire.isSecondGeneration {
      guard frame.instruction == Instruction.status else {
        counters.foreign &+= 1
        return
      }
      if frame.id == WireProtocol.broadcastID {
        acceptCommon(frame, into: board)
        return
      }
    }
    let index = board.index(of: frame.id)
    guard index >= 0 else {
      counters.foreign &+= 1
      return
    }
    if frame.payloadCount != board.length {
      if frame.payloadCount == 0, isRefusal(frame.status), board.states[index] == AnswerBoard.State.waiting {
        board.states[index] = AnswerBoard.State.refused
        board.statuses[index] = frame.status
        counters.refusals &+= 1
        return
      }
      if sinew_now_ns() < suspiciousUntil { counters.stale &+= 1 } else { counters.length &+= 1 }
      // With a CRC the length is certain; without, it may be a flipped bit that swallowed the next frame's head.
      if !wire.isSecondGeneration { parser.rejectLast() }
      return
    }
    acceptData(index, status: frame.status, frame.payload, into: board)
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
      for later in (index &+ 1)..<board.end where board.states[later] == AnswerBoard.State.answered {
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
  private mutating func acceptCommon(_ frame: Frame, into board: AnswerBoard) {
    let block = board.length &+ 4
    let servos = board.end &- board.first
    guard frame.payloadCount == servos &* block &- 3 else {
      counters.length &+= 1
      return
    }
    for servo in 0..<servos where frame.payload[servo &* block] != board.ids[board.first &+ servo] {
      counters.foreign &+= 1
      return
    }
    for servo in 0..<servos {
      let start = frame.payload + servo &* block
      let status = servo == 0 ? frame.status : (start - 1).pointee
      acceptData(board.first &+ servo, status: status, start + 1, into: board)
    }
  }

  /// Carries the parser's counts over.
  @_noLocks
  private mutating func takeParserCounters() {
    let seen = parser.counters
    counters.checksum = seen.checksumErrors &+ seen.malformedFrames
    counters.short = seen.shortFrames
    counters.garbageBytes = seen.garbageBytes
  }
}
