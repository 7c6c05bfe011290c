import CSystem

extension BusMaster {
  /// One cycle: writes every servo's goal bytes (when `writes`, and the plan has any) and reads every servo, in one go
  /// over the wire where the protocol allows it. Lost answers are asked for again as long as the answer would be here by
  /// `deadline` (monotonic ns). A servo that stays silent keeps its old datum, whose age grows; only the transport's end
  /// is an error.
  @_noLocks
  public mutating func cycle(writes: Bool, deadline: Int64) throws(TransportError) -> CycleReport {
    precondition(board.count > 0, "prepare the cycle first")
    var report = CycleReport()
    let callsBefore = transport.systemCalls
    report.began = sinew_now_ns()
    board.begin()
    board.first = 0
    board.end = board.count
    try drain()

    var attempt = 0
    while true {
      let isFirst = attempt == 0
      choosePhase()
      if method == .single {
        try readOneByOne(writes: isFirst && writes, deadline: deadline)
      } else {
        try readTogether(isFirst ? method : fallback, writes: isFirst && writes, deadline: deadline)
      }
      board.first = 0
      board.end = board.count
      if board.waitingCount == 0 { break }
      noteLosses()
      attempt &+= 1
      guard attempt <= cycleRetries, isWorthRetrying, sinew_now_ns() &+ retryTime <= deadline else { break }
      report.retries &+= 1
      counters.retries &+= 1
      forgetConflicts()
      try drain()
    }
    // Stamped with the first request: an answer to a retry may be one to the request before it.
    settle(&report)
    report.finished = sinew_now_ns()
    report.systemCalls = Int(transport.systemCalls &- callsBefore)
    return report
  }

  /// How lost answers are asked for: by the plain read, because one silent servo spoils a common answer.
  private var fallback: CyclePlan.Method {
    @_noLocks get { method == .fast ? .sync : method }
  }

  /// What asking again takes on this bus.
  private var retryTime: Int64 {
    @_noLocks get {
      let waiting = board.waitingCount
      let answer = waiting &* wire.answerBytes(data: readLength &+ phase)
      return timing.limit(request: 16 &+ 5 &* waiting, answers: waiting, answerBytes: answer)
    }
  }

  /// Whether any of the missing servos has answered lately: one that is switched off shall not cost every cycle's time.
  private var isWorthRetrying: Bool {
    @_noLocks get {
      for index in 0..<board.count where missed[index] < 3 {
        if board.states[index] == AnswerBoard.State.waiting || board.states[index] == AnswerBoard.State.conflicting {
          return true
        }
      }
      return false
    }
  }

  /// Chooses how many bytes more than planned are read: a number with which no lost answer of a servo that is alive may
  /// still come.
  @_noLocks
  private mutating func choosePhase() {
    let now = sinew_now_ns()
    for candidate in 0...spareBytes where !mayBeTaken(candidate, now: now, isMuteIncluded: false) {
      phase = candidate
      return
    }
    phase = (phase &+ 1) % (spareBytes &+ 1)
  }

  /// Whether an old answer of one of the servos to be asked may still come that was asked for with `phase` bytes more.
  @_noLocks
  private func mayBeTaken(_ phase: Int, now: Int64, isMuteIncluded: Bool) -> Bool {
    for index in board.first..<board.end where lostUntil[index &* 16 &+ phase] > now {
      let isAsked = board.states[index] == AnswerBoard.State.waiting
      if isAsked, isMuteIncluded || missed[index] < 3 { return true }
    }
    return false
  }

  /// Remembers whose answers to the present length may still come.
  @_noLocks
  private mutating func noteLosses() {
    let until = sinew_now_ns() &+ lateAnswerHorizon
    for index in 0..<board.count {
      if board.states[index] == AnswerBoard.State.waiting || board.states[index] == AnswerBoard.State.conflicting {
        lostUntil[index &* 16 &+ phase] = until
      }
    }
  }

  @_noLocks
  private mutating func forgetConflicts() {
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.conflicting {
      board.states[index] = AnswerBoard.State.waiting
    }
  }

  /// One request for all servos that have not answered; the goals in front of it.
  @_noLocks
  private mutating func readTogether(_ method: CyclePlan.Method, writes: Bool, deadline: Int64) throws(TransportError) {
    var asked = 0
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
      group[asked] = board.ids[index]
      items[asked] = RequestEncoder.BulkItem(id: board.ids[index], address: readAddress, count: readLength &+ phase)
      asked &+= 1
    }
    board.length = readLength &+ phase
    encodeGoals(writes: writes)
    let ids = UnsafeBufferPointer(start: UnsafePointer(group.baseAddress), count: asked)
    let rest = outputRest
    switch method {
    case .sync, .single, .fast:
      sentSecond = encoder.checkedSyncRead(
        ids, address: readAddress, count: board.length, fast: method == .fast, into: rest)
    case .bulk:
      let list = UnsafeBufferPointer(start: UnsafePointer(items.baseAddress), count: asked)
      sentSecond = encoder.checkedBulkRead(list, into: rest)
    }
    let now = sinew_now_ns()
    let answerBytes =
      method == .fast ? 8 &+ asked &* (board.length &+ 4) : asked &* wire.answerBytes(data: board.length)
    let limit = now &+ timing.limit(request: sentFirst &+ sentSecond, answers: asked, answerBytes: answerBytes)
    let end = limit < deadline ? limit : deadline
    try send(deadline: end)
    let listens = mayBeTaken(phase, now: now, isMuteIncluded: true)
    try collect(into: board, answerBytes: answerBytes, sentAt: now, deadline: end, listens: listens)
  }

  /// A request for each servo that has not answered; the goals in front of the first.
  @_noLocks
  private mutating func readOneByOne(writes: Bool, deadline: Int64) throws(TransportError) {
    var writes = writes
    board.length = readLength &+ phase
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
      encodeGoals(writes: writes)
      writes = false
      sentSecond = encoder.checkedRead(board.ids[index], address: readAddress, count: board.length, into: outputRest)
      board.first = index
      board.end = index &+ 1
      let now = sinew_now_ns()
      let answerBytes = wire.answerBytes(data: board.length)
      let limit = now &+ timing.limit(request: sentFirst &+ sentSecond, answers: 1, answerBytes: answerBytes)
      let end = limit < deadline ? limit : deadline
      try send(deadline: end)
      let listens = mayBeTaken(phase, now: now, isMuteIncluded: true)
      try collect(into: board, answerBytes: answerBytes, sentAt: now, deadline: end, listens: listens)
    }
  }

  /// Puts the goals' sync write first into `output`.
  @_noLocks
  private mutating func encodeGoals(writes: Bool) {
    sentFirst = 0
    sentSecond = 0
    guard writes, writeLength > 0 else { return }
    sentFirst = encoder.checkedSyncWrite(
      UnsafeBufferPointer(start: UnsafePointer(board.ids), count: board.count), address: writeAddress,
      count: writeLength, data: UnsafePointer(goals), into: output)
  }

  /// `output` behind the first frame.
  private var outputRest: UnsafeMutableBufferPointer<UInt8> {
    @_noLocks get {
      guard let start = output.baseAddress else { return UnsafeMutableBufferPointer(start: nil, count: 0) }
      return UnsafeMutableBufferPointer(start: start + sentFirst, count: output.count &- sentFirst)
    }
  }

  /// Takes over what was answered.
  @_noLocks
  private mutating func settle(_ report: inout CycleReport) {
    for index in 0..<board.count {
      guard board.states[index] == AnswerBoard.State.answered else {
        missed[index] &+= 1
        report.missing &+= 1
        continue
      }
      let row = board.data + index &* board.stride
      let target = accepted + index &* readLength
      for byte in 0..<readLength { target[byte] = row[byte] }
      stamps[index] = report.began
      missed[index] = 0
      report.answered |= 1 << UInt32(index)
    }
  }
}

/// Requests of a plan that was checked: they cannot fail, and 0 is what a failure would give.
extension RequestEncoder {
  @_noLocks
  fileprivate func checkedSyncRead(
    _ ids: UnsafeBufferPointer<UInt8>, address: Int, count: Int, fast: Bool,
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    do throws(EncodingError) {
      return try syncRead(ids: ids, address: address, count: count, fast: fast, into: buffer)
    } catch { return 0 }
  }

  @_noLocks
  fileprivate func checkedBulkRead(
    _ items: UnsafeBufferPointer<BulkItem>, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    do throws(EncodingError) { return try bulkRead(items, into: buffer) } catch { return 0 }
  }

  @_noLocks
  fileprivate func checkedRead(
    _ id: UInt8, address: Int, count: Int, into buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    do throws(EncodingError) { return try read(id, address: address, count: count, into: buffer) } catch { return 0 }
  }

  @_noLocks
  fileprivate func checkedSyncWrite(
    _ ids: UnsafeBufferPointer<UInt8>, address: Int, count: Int, data: UnsafePointer<UInt8>,
    into buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    do throws(EncodingError) {
      return try syncWrite(ids: ids, address: address, count: count, data: data, into: buffer)
    } catch { return 0 }
  }
}
