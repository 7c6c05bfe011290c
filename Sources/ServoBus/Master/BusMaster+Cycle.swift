extension BusMaster {
  /// One cycle: writes every servo's goal bytes (when `writes`, and the plan has any) and reads every servo, in one go
  /// over the wire where the protocol allows it. Lost answers are asked for again as long as the answer would be here
  /// by `deadline` (in the time of `now`, ns). A servo that stays silent keeps its old datum, whose age grows; only the
  /// transport's end is an error.
  @_noLocks
  public mutating func cycle(writes: Bool, deadline: Int64) throws(TransportError) -> CycleReport {
    precondition(board.count > 0, "prepare the cycle first")
    var report = CycleReport()
    let callsBefore = transport.systemCalls
    report.began = transport.now
    cycleBegan = report.began
    askedPhases = 0
    board.begin()
    board.first = 0
    board.end = board.count
    for index in 0..<board.count { doubtSince[index] = .max }
    try drain()

    var attempt = 0
    while true {
      let isFirst = attempt == 0
      choosePhase(at: transport.now)
      askedPhases |= 1 << UInt16(phase)
      let isLast = attempt >= retriesLeft
      patience = isLast && !isFirst ? 8 : 1
      if method == .single {
        try readOneByOne(writes: isFirst && writes, deadline: deadline)
      } else {
        let way = isFirst && (lastMissing == 0 || isProbing) ? method : fallback
        try readTogether(way, writes: isFirst && writes, deadline: deadline, isFirst: isFirst, isLast: isLast)
      }
      board.first = 0
      board.end = board.count
      if board.openCount == 0 { break }
      attempt &+= 1
      guard attempt <= retriesLeft, transport.now &+ retryTime <= deadline else { break }
      report.retries &+= 1
      counters.retries &+= 1
      reopen()
    }
    patience = 1
    settle(&report)
    report.finished = transport.now
    learnFromBelated(report)
    report.systemCalls = Int(transport.systemCalls &- callsBefore)
    return report
  }

  /// Where answers come after their cycle again and again, asking twice only adds to the traffic: then they are waited
  /// for. One alone says nothing of the next.
  @_noLocks
  private mutating func learnFromBelated(_ report: CycleReport) {
    belatedCycles = report.belated != 0 ? belatedCycles &+ 1 : 0
    if belatedCycles >= 3 { learn(report.finished &- report.began) }
  }

  /// How lost answers are asked for: by the plain read, because one silent servo spoils a common answer.
  private var fallback: CyclePlan.Method {
    @_noLocks get { method == .fast ? .sync : method }
  }

  /// What asking the missing servos again takes at least.
  private var retryTime: Int64 {
    @_noLocks get {
      let waiting = board.openCount
      return shortest(request: 16 &+ 5 &* waiting, answers: waiting)
    }
  }

  /// What an exchange takes when all goes well.
  @_noLocks
  private func shortest(request: Int, answers: Int) -> Int64 {
    let bytes = answers &* wire.answerBytes(data: readLength &+ phase)
    return timing.bus(request: request, answers: answers, answerBytes: bytes) &+ timing.processing
      &+ latencyEstimate.peak
  }

  /// How often the missing servos may be asked again: one that is switched off shall not cost every cycle's time, nor
  /// leave debts of every length behind.
  private var retriesLeft: Int {
    @_noLocks get {
      var fewest = 3
      for index in 0..<board.count where board.isOpen(index) && missed[index] < fewest { fewest = missed[index] }
      return fewest < 3 ? cycleRetries &- fewest : 0
    }
  }

  @_noLocks
  private mutating func reopen() {
    for index in 0..<board.count where board.isOpen(index) { board.states[index] = AnswerBoard.State.waiting }
  }

  /// One request for all servos that have not answered; the goals in front of it.
  @_noLocks
  private mutating func readTogether(
    _ method: CyclePlan.Method, writes: Bool, deadline: Int64, isFirst: Bool, isLast: Bool
  ) throws(TransportError) {
    var asked = 0
    var isAlive = false
    askedServos = 0
    lastAsked = -1
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
      group[asked] = board.ids[index]
      items[asked] = RequestEncoder.BulkItem(id: board.ids[index], address: readAddress, count: readLength &+ phase)
      asked &+= 1
      askedServos |= 1 << UInt32(index)
      lastAsked = index
      if missed[index] < 3 { isAlive = true }
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
    let request = sentFirst &+ sentSecond
    let oneAnswer = wire.answerBytes(data: board.length)
    let answerBytes = method == .fast ? 8 &+ asked &* (board.length &+ 4) : asked &* oneAnswer
    parser.expectFrames(upTo: longestFrame(method == .fast ? answerBytes : oneAnswer))

    let now = transport.now
    var exchange = Exchange(
      sentAt: now, deadline: 0, answers: asked, answerBytes: answerBytes,
      listens: oldestDebt(phase, at: now, isMuteIncluded: true) != .max, isCyclic: true)
    exchange.isWhole = isFirst && asked == board.count
    setEnd(
      &exchange, deadline: deadline,
      now &+ allowedTiming.limit(request: request, answers: asked, answerBytes: answerBytes),
      leaves: isLast || !isAlive ? 0 : shortest(request: 16 &+ 5 &* asked, answers: asked),
      takes: shortest(request: request, answers: asked), isAlive: isAlive)
    if exchange.isWhole {
      if writes != paceWrites { pace.forget() }
      paceWrites = writes
      let sleep = pace.sleep
      if sleep > 0, !exchange.listens, now &+ sleep < exchange.deadline { exchange.wake = now &+ sleep }
    }
    try ask(exchange, first: 0, end: board.count)
  }

  /// Says when an exchange is given up: by its time-out `limit`; sooner, where time for a second one (`leaves`) can be
  /// kept free before the deadline; and only with the deadline itself where there is no such time, because nothing is
  /// gained by giving up then. `takes`: what the exchange itself needs.
  @_noLocks
  private func setEnd(
    _ exchange: inout Exchange, deadline: Int64, _ limit: Int64, leaves: Int64, takes: Int64, isAlive: Bool
  ) {
    exchange.deadline = limit < deadline ? limit : deadline
    guard leaves > 0 else { return }
    let latest = deadline &- leaves
    if latest >= exchange.sentAt &+ takes {
      if latest < exchange.deadline { exchange.deadline = latest }
    } else if isAlive, !exchange.listens {
      exchange.deadline = deadline
      exchange.isPatient = true
    }
  }

  /// Sends the request, notes who owes an answer, and collects.
  @_noLocks
  private mutating func ask(_ exchange: Exchange, first: Int, end: Int) throws(TransportError) {
    try send(deadline: exchange.deadline)
    for index in first..<end where board.states[index] == AnswerBoard.State.waiting {
      owe(index, phase, at: exchange.sentAt)
    }
    try collect(into: board, exchange)
  }

  /// A request for each servo that has not answered; the goals in front of the first.
  @_noLocks
  private mutating func readOneByOne(writes: Bool, deadline: Int64) throws(TransportError) {
    var writes = writes
    board.length = readLength &+ phase
    let answerBytes = wire.answerBytes(data: board.length)
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
      encodeGoals(writes: writes)
      writes = false
      sentSecond = encoder.checkedRead(board.ids[index], address: readAddress, count: board.length, into: outputRest)
      board.first = index
      board.end = index &+ 1
      askedServos = 1 << UInt32(index)
      lastAsked = index
      parser.expectFrames(upTo: longestFrame(answerBytes))
      let now = transport.now
      let limit = now &+ allowedTiming.limit(request: sentFirst &+ sentSecond, answers: 1, answerBytes: answerBytes)
      let exchange = Exchange(
        sentAt: now, deadline: limit < deadline ? limit : deadline, answers: 1, answerBytes: answerBytes,
        listens: oldestDebt(phase, at: now, isMuteIncluded: true) != .max, isCyclic: true)
      try ask(exchange, first: index, end: index &+ 1)
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
    lastMissing = 0
    report.belated = belated
    belated = 0
    for index in 0..<board.count {
      guard board.states[index] == AnswerBoard.State.answered else {
        // Late, but alive.
        missed[index] = report.belated & (1 << UInt32(index)) != 0 ? 0 : missed[index] &+ 1
        report.missing &+= 1
        lastMissing &+= 1
        continue
      }
      let row = board.data + index &* board.stride
      let target = accepted + index &* readLength
      for byte in 0..<readLength { target[byte] = row[byte] }
      // The first request's time: an answer to a retry may be one to the request before it. In doubt, that of the
      // oldest request that it may be an answer to.
      stamps[index] = doubtSince[index] < report.began ? doubtSince[index] : report.began
      acceptedStatus[index] = board.statuses[index]
      missed[index] = 0
      report.answered |= 1 << UInt32(index)
      report.belated &= ~(1 << UInt32(index))
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
