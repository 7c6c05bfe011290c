import CSystem

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
    for index in 0..<board.count where board.states[index] == AnswerBoard.State.conflicting {
      board.states[index] = AnswerBoard.State.waiting
    }
    board.first = 0
    board.end = board.count
    if board.waitingCount == 0 { return 0 }
    try drain()
    if wire.hasSyncRead {
      try readWaiting(board, address: address, count: count, deadline: deadline, listens: listens)
    } else {
      for index in 0..<board.count where board.states[index] == AnswerBoard.State.waiting {
        board.first = index
        board.end = index &+ 1
        try readWaiting(board, address: address, count: count, deadline: deadline, listens: listens)
        if sinew_now_ns() >= deadline { break }
      }
    }
    board.first = 0
    board.end = board.count
    noteGroupLosses(board, count: count)
    return board.waitingCount
  }

  /// One request for all servos between `first` and `end` that have not answered.
  @_noLocks
  private mutating func readWaiting(
    _ board: AnswerBoard, address: Int, count: Int, deadline: Int64, listens: Bool
  ) throws(TransportError) {
    var asked = 0
    for index in board.first..<board.end where board.states[index] == AnswerBoard.State.waiting {
      group[asked] = board.ids[index]
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
    let now = sinew_now_ns()
    let answerBytes = asked &* wire.answerBytes(data: count)
    let limit = now &+ timing.limit(request: sentFirst, answers: asked, answerBytes: answerBytes)
    let end = limit < deadline ? limit : deadline
    try send(deadline: end)
    try collect(into: board, answerBytes: answerBytes, sentAt: now, deadline: end, listens: listens)
  }

  /// A late answer to this request must not be taken for one to the cycle.
  @_noLocks
  private mutating func noteGroupLosses(_ board: AnswerBoard, count: Int) {
    let phase = count &- readLength
    guard phase >= 0, phase < 16, board.count == self.board.count else { return }
    let until = sinew_now_ns() &+ lateAnswerHorizon
    for index in 0..<board.count {
      if board.states[index] == AnswerBoard.State.waiting || board.states[index] == AnswerBoard.State.conflicting {
        lostUntil[index &* 16 &+ phase] = until
      }
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
  var isSuspicious: Bool { @_noLocks get { sinew_now_ns() < suspiciousUntil } }

  /// What one request to an id brought, listened to until the line was silent.
  struct Census {
    /// Something came, and it was not one clean answer: two servos speak, or the line is disturbed.
    var isDisturbed = false
  }

  /// Reads a servo once and listens until silence: two servos with the same id answer twice, or talk each other down.
  mutating func takeCensus(_ id: UInt8, address: Int, count: Int) throws(BusError) -> Census {
    guard id <= wire.highestID else { throw .encoding(.invalidID) }
    single.ids[0] = id
    single.length = count
    single.kept = count
    single.end = 1
    single.begin()
    sentSecond = 0
    do throws(EncodingError) {
      sentFirst = try encoder.read(id, address: address, count: count, into: output)
    } catch { throw .encoding(error) }
    var census = Census()
    do throws(TransportError) {
      try drain()
      let before = counters
      let now = sinew_now_ns()
      let answerBytes = wire.answerBytes(data: count)
      let limit = now + timing.limit(request: sentFirst, answers: 2, answerBytes: 2 * answerBytes) + timing.gapLimit
      try send(deadline: limit)
      try collect(into: single, answerBytes: answerBytes, sentAt: now, deadline: limit, listens: true)
      let after = counters
      let noise =
        after.checksum &- before.checksum &+ after.short &- before.short &+ after.garbageBytes &- before.garbageBytes
        &+ after.stale &- before.stale &+ after.duplicates &- before.duplicates &+ after.length &- before.length
      census.isDisturbed = noise > 0
    } catch { throw .transport(error, at: portName) }
    return census
  }

  /// Takes over another transport, after the first one was unplugged. What was read before stays, and ages.
  mutating func adopt(_ transport: consuming Transport) {
    self.transport = transport
    _ = parser.reset()
    suspiciousUntil = .min
  }
}
