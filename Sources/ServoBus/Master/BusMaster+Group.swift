/// Reads and writes of some registers of several servos besides the cycle, on the control thread: to switch torque, to
/// watch it, to set servos up. The caller owns the board that the answers are put on.
extension BusMaster {
  /// The port's open file, for a crash handler.
  public var descriptor: Int32 { @_noLocks get { transport.descriptor } }

  /// Asks those servos of `board` that have not answered yet for `count` bytes from `address`: together where the
  /// protocol can, else one after the other as long as the time allows. Returns how many are still missing; calling it
  /// again asks those. `listens` as for `collect`: an old answer of this length may still come.
  ///
  /// The board's servos are the cycle's, in the same order.
  @_noLocks
  mutating func readGroup(
    _ board: inout AnswerBoard, address: Int, count: Int, deadline: Int64, listens: Bool
  ) throws(TransportError) -> Int {
    board.length = count
    board.kept = count
    for index in 0..<board.count where board.isOpen(index) {
      board.states[index] = AnswerBoard.State.waiting
      // Answers of a group have one length: their order counts.
      answeredPhase[index] = 0
    }
    board.first = 0
    board.end = board.count
    if board.openCount == 0 { return 0 }
    try drain()
    if wire.hasSyncRead {
      try readWaiting(board, address: address, count: count, deadline: deadline, listens: listens)
    } else {
      for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
        board.first = index
        board.end = index &+ 1
        try readWaiting(board, address: address, count: count, deadline: deadline, listens: listens)
        if transport.now >= deadline { break }
      }
    }
    board.first = 0
    board.end = board.count
    return board.openCount
  }

  /// One request for all servos between `first` and `end` that have not answered.
  @_noLocks
  private mutating func readWaiting(
    _ board: AnswerBoard, address: Int, count: Int, deadline: Int64, listens: Bool
  ) throws(TransportError) {
    var asked = 0
    askedServos = 0
    for index in board.first..<board.end where board.states[index] == AnswerBoard.State.waiting {
      group[asked] = board.ids[index]
      askedServos |= 1 << UInt32(index)
      asked &+= 1
    }
    sentSecond = 0
    let ids = UnsafeBufferPointer(start: UnsafePointer(group.baseAddress), count: asked)
    do throws(EncodingError) {
      sentFirst =
        wire.hasSyncRead
        ? try encoder.syncRead(ids: ids, address: address, count: count, into: output)
        : try encoder.read(ids[0], address: address, count: count, into: output)
    } catch {
      // Ids and addresses were checked at connect.
      sentFirst = 0
    }
    let oneAnswer = wire.answerBytes(data: count)
    let answerBytes = asked &* oneAnswer
    parser.expectFrames(upTo: longestFrame(oneAnswer))
    let now = transport.now
    let limit = now &+ allowedTiming.limit(request: sentFirst, answers: asked, answerBytes: answerBytes)
    let exchange = Exchange(
      sentAt: now, deadline: limit < deadline ? limit : deadline, answers: asked, answerBytes: answerBytes,
      listens: listens, isCyclic: false)
    try send(deadline: exchange.deadline)
    try collect(into: board, exchange)
    // What was given up here must not be taken for an answer to the cycle.
    for index in board.first..<board.end where board.isOpen(index) {
      oweSingle(board.ids[index], count: count, at: now)
    }
  }

  /// Puts one sync write on the wire and does not wait: nobody answers it. `data` holds `length` bytes for each of the
  /// `count` servos.
  @_noLocks
  mutating func writeGroup(
    ids: UnsafePointer<UInt8>, count: Int, address: Int, length: Int, data: UnsafePointer<UInt8>, deadline: Int64
  ) throws(TransportError) {
    sentSecond = 0
    do throws(EncodingError) {
      sentFirst = try encoder.syncWrite(
        ids: UnsafeBufferPointer(start: ids, count: count), address: address, count: length, data: data, into: output)
    } catch {
      // Ids, addresses and lengths were checked at connect.
      sentFirst = 0
    }
    try send(deadline: deadline)
  }

  /// Puts a prebuilt frame on the wire, `times` over in one go, and does not wait.
  @_noLocks
  mutating func sendPrebuilt(
    _ frame: UnsafePointer<UInt8>, count: Int, times: Int, deadline: Int64
  ) throws(TransportError) {
    guard let start = output.baseAddress, count &* times <= output.count else { return }
    for copy in 0..<times {
      for index in 0..<count { start[copy &* count &+ index] = frame[index] }
    }
    sentFirst = count
    sentSecond = 0
    counters.requests &+= 1
    try transport.write(UnsafePointer(start), count: count &* times, deadline: deadline)
  }

  /// Whether an answer that was given up may still come.
  var isSuspicious: Bool { @_noLocks get { transport.now < suspiciousUntil } }
}
