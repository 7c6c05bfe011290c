/// What looking for several servos with one id has found.
public struct DuplicateEvidence: Sendable, Equatable {
  /// What it means.
  public enum Verdict: Sendable, Equatable {
    /// Nobody answers.
    case silent
    /// One servo, as far as answers can tell: two that hold the same in every register that was read look like one.
    case one
    /// Several servos answer to this id.
    case several
    /// Some answers are damaged, too few for several servos: cable, supply or speed.
    case noisy
  }

  public let id: UInt8
  /// Reads made.
  public var tries = 0
  /// Reads with one sound answer.
  public var clean = 0
  /// Reads with a damaged answer, or with bytes of one.
  public var damaged = 0
  /// Reads with two sound answers that differ, or with the same twice.
  public var doubled = 0

  init(id: UInt8) { self.id = id }

  /// Two servos that speak at once damage each other's answers every time or nearly so, line noise now and then.
  public var verdict: Verdict {
    if clean + damaged + doubled == 0 { return .silent }
    if doubled * 4 >= tries || damaged * 2 >= tries { return .several }
    return damaged + doubled == 0 ? .one : .noisy
  }
}

/// Finding servos that have one id. Not for the control thread.
extension BusMaster {
  /// Looks whether several servos answer to `id`: reads registers in which two servos hardly ever agree (position,
  /// load, voltage, temperature) and sees whether the answers come damaged or twice. Only a dead port is an error.
  public mutating func lookForDuplicates(of id: UInt8, tries: Int = 8) throws(BusError) -> DuplicateEvidence {
    guard id <= wire.highestID else { throw .encoding(.invalidID) }
    var evidence = DuplicateEvidence(id: id)
    let block: (address: Int, count: Int) =
      switch wire {
      case .feetechSTS, .feetechSCS: (56, 8)
      case .dynamixel1: (36, 8)
      case .dynamixel2: (126, 21)
      }
    for _ in 0..<max(1, tries) {
      let before = counters
      let answer = try askOnce(id, address: block.address, count: block.count)
      evidence.tries += 1
      let damage =
        counters.checksum + counters.short + counters.garbageBytes - before.checksum - before.short
        - before.garbageBytes
      if answer == AnswerBoard.State.conflicting || counters.duplicates > before.duplicates {
        evidence.doubled += 1
      } else if damage > 0 {
        evidence.damaged += 1
      } else if answer != AnswerBoard.State.waiting {
        evidence.clean += 1
      }
    }
    return evidence
  }

  /// DYNAMIXEL 2.0: asks all servos at once; they answer in the order of their ids. Returns every id with the number of
  /// its answers: two mean two servos, and `damaged` frames that two answered together.
  public mutating func broadcastPing() throws(BusError) -> (answers: [(id: UInt8, count: Int)], damaged: Int) {
    guard wire.isSecondGeneration else {
      throw BusError(.invalidRequest, "on a \(wire.name) bus all servos would answer at once; ping one by one")
    }
    let before = counters
    try sendOnly { (encoder, out) throws(EncodingError) in try encoder.ping(WireProtocol.broadcastID, into: out) }
    var counts = [Int](repeating: 0, count: 256)
    let sentAt = now
    // Every possible servo has its turn.
    let limit = sentAt + timing.limit(request: sentFirst, answers: 253, answerBytes: 253 * wire.answerBytes(data: 3))
    var cut = sentAt + timing.firstByteLimit(request: sentFirst) + timing.wire(253 * wire.answerBytes(data: 3))
    parser.expectFrames(upTo: 64)
    do throws(TransportError) {
      while try transport.waitReadable(until: min(cut, limit)) {
        let count = try transport.read(into: parser.freePointer(), capacity: parser.freeCount)
        guard count > 0 else { continue }
        parser.commit(count)
        cut = now + timing.gapLimit
        while let frame = parser.next() {
          if frame.instruction == Instruction.status { counts[Int(frame.id)] += 1 }
        }
      }
    } catch { throw .transport(error, at: portName) }
    while let frame = parser.next(isFinal: true) {
      if frame.instruction == Instruction.status { counts[Int(frame.id)] += 1 }
    }
    takeParserCounters()
    parser.forgetDamaged()
    let damaged = Int(counters.checksum + counters.short - before.checksum - before.short)
    return (counts.indices.filter { counts[$0] > 0 }.map { (UInt8($0), counts[$0]) }, damaged)
  }

  /// One read without retry that listens until silence; the state of its answer.
  private mutating func askOnce(_ id: UInt8, address: Int, count: Int) throws(BusError) -> UInt8 {
    single.ids[0] = id
    single.length = count
    single.kept = count
    single.end = 1
    single.begin()
    suspiciousUntil = max(suspiciousUntil, now + 1_000_000_000)
    defer { suspiciousUntil = .min }
    try exchange(
      { (encoder, out) throws(EncodingError) in try encoder.read(id, address: address, count: count, into: out) },
      answerBytes: wire.answerBytes(data: count))
    return single.states[0]
  }
}
