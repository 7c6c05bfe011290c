/// Which answers are still to come. A request for p bytes more than planned is owed an answer of that length by every
/// servo it asks, from its sending until the answer is seen, damaged or not, or `lateAnswerHorizon` has passed. The
/// protocols have no other mark that tells which request an answer is to.
extension BusMaster {
  /// A request for `phase` bytes more than planned goes out to a servo.
  @_noLocks
  func owe(_ servo: Int, _ phase: Int, at now: Int64) {
    forgive(servo, phase, at: now)
    let place = servo &* 16 &+ phase
    let count = Int(owedCount[place])
    // A full list keeps its oldest debts: they are what makes an answer doubtful.
    let slot = count < BusMaster.debtCapacity ? count : BusMaster.debtCapacity &- 1
    owedSince[place &* BusMaster.debtCapacity &+ slot] = now
    owedCount[place] = UInt8(truncatingIfNeeded: slot &+ 1)
  }

  /// Whether an answer of that length may still come.
  @_noLocks
  func isOwed(_ servo: Int, _ phase: Int, at now: Int64) -> Bool {
    forgive(servo, phase, at: now)
    return owedCount[servo &* 16 &+ phase] > 0
  }

  /// When the oldest request went out that such an answer may be to; only where one is owed.
  @_noLocks
  func debtSince(_ servo: Int, _ phase: Int) -> Int64 {
    owedSince[(servo &* 16 &+ phase) &* BusMaster.debtCapacity]
  }

  /// One answer of that length has come. Nothing tells which of several debts it settles: the youngest, so that what
  /// stays in doubt is as old as it may be.
  @_noLocks
  func settleDebt(_ servo: Int, _ phase: Int) {
    let place = servo &* 16 &+ phase
    if owedCount[place] > 0 { owedCount[place] &-= 1 }
  }

  /// Debts that are too old to be settled any more are forgotten.
  @_noLocks
  private func forgive(_ servo: Int, _ phase: Int, at now: Int64) {
    let place = servo &* 16 &+ phase
    let debts = owedSince + place &* BusMaster.debtCapacity
    let count = Int(owedCount[place])
    var old = 0
    while old < count, debts[old] &+ lateAnswerHorizon <= now { old &+= 1 }
    guard old > 0 else { return }
    doubtfulUntil[place] = now &+ lateAnswerHorizon
    for index in old..<count { debts[index &- old] = debts[index] }
    owedCount[place] = UInt8(truncatingIfNeeded: count &- old)
  }

  /// Chooses how many bytes more than planned are read: a number with which no answer of a servo that is alive is owed, and
  /// if possible none was lost lately; where there is none, the one with the youngest debts.
  @_noLocks
  mutating func choosePhase(at now: Int64) {
    var youngest = Int64.min
    var best = 0
    var free = -1
    for candidate in 0...spareBytes {
      let since = oldestDebt(candidate, at: now, isMuteIncluded: false)
      if since == .max {
        if !isDoubtful(candidate, at: now) {
          phase = candidate
          return
        }
        if free < 0 { free = candidate }
        continue
      }
      if since > youngest {
        youngest = since
        best = candidate
      }
    }
    phase = free < 0 ? best : free
  }

  /// Whether a belated answer of that length would not be believed of one of the servos to be asked.
  @_noLocks
  private func isDoubtful(_ phase: Int, at now: Int64) -> Bool {
    for servo in board.first..<board.end
    where board.states[servo] == AnswerBoard.State.waiting && missed[servo] < 3 {
      if doubtfulUntil[servo &* 16 &+ phase] > now { return true }
    }
    return false
  }

  /// Since when one of the servos to be asked owes an answer of that length; `Int64.max`: none does.
  @_noLocks
  func oldestDebt(_ phase: Int, at now: Int64, isMuteIncluded: Bool) -> Int64 {
    var oldest = Int64.max
    for servo in board.first..<board.end where board.states[servo] == AnswerBoard.State.waiting {
      guard isMuteIncluded || missed[servo] < 3, isOwed(servo, phase, at: now) else { continue }
      let since = debtSince(servo, phase)
      if since < oldest { oldest = since }
    }
    return oldest
  }

  /// An answer that nobody waits for any more has come: it is owed no longer. Whose it is and to which request may still
  /// be certain; then it is believed, with that request's age.
  @_noLocks
  mutating func discard(_ frame: Frame, at now: Int64) {
    guard board.count > 0, !isEcho(frame) else {
      counters.stale &+= 1
      return
    }
    if frame.id == WireProtocol.broadcastID {
      let excess = wire.isSecondGeneration && frame.instruction == Instruction.status ? commonExcess(frame) : -1
      guard excess >= 0 else {
        counters.stale &+= 1
        return
      }
      let block = readLength &+ excess &+ 4
      for servo in 0..<board.count {
        let start = frame.payload + servo &* block
        let status = servo == 0 ? frame.status : (start - 1).pointee
        if !takeBelated(servo, excess, status: status, start + 1, at: now) { counters.stale &+= 1 }
        settleDebt(servo, excess)
      }
      return
    }
    if !takeForCycle(frame, at: now) { counters.stale &+= 1 }
  }

  /// Takes one servo's answer to an earlier cycle's request, if it is one that can be believed, and settles its debt.
  @_noLocks
  mutating func takeForCycle(_ frame: Frame, at now: Int64) -> Bool {
    let excess = frame.payloadCount &- readLength
    guard excess >= 0, excess <= 15, !wire.isSecondGeneration || frame.instruction == Instruction.status else {
      return false
    }
    for servo in 0..<board.count where board.ids[servo] == frame.id {
      let isBelieved = takeBelated(servo, excess, status: frame.status, frame.payload, at: now)
      settleDebt(servo, excess)
      return isBelieved
    }
    return false
  }

  /// Believes an answer that came after its cycle, where only one request can have asked for it and nothing newer is
  /// known: the datum is as old as that request. Thrown away, a bus that is always a little later than a cycle's time would
  /// count as mute. To be called before the debt is settled.
  @_noLocks
  mutating func takeBelated(
    _ servo: Int, _ excess: Int, status: UInt8, _ bytes: UnsafePointer<UInt8>, at now: Int64
  ) -> Bool {
    guard isOwed(servo, excess, at: now), owedCount[servo &* 16 &+ excess] == 1 else { return false }
    let since = debtSince(servo, excess)
    // An answer to a single operation may have the same length by chance, and where answers stay out it may be one of
    // those, later than they are waited for.
    guard since > stamps[servo], doubtfulUntil[servo &* 16 &+ excess] <= now else { return false }
    let target = accepted + servo &* readLength
    for byte in 0..<readLength { target[byte] = bytes[byte] }
    stamps[servo] = since
    acceptedStatus[servo] = status
    belated |= 1 << UInt32(servo)
    counters.late &+= 1
    return true
  }

  /// How many bytes more than planned the common answer of all servos carries from each; -1 when it is none.
  @_noLocks
  func commonExcess(_ frame: Frame) -> Int {
    let servos = board.count
    let block = (frame.payloadCount &+ 3) / servos
    guard block &* servos == frame.payloadCount &+ 3 else { return -1 }
    let excess = block &- 4 &- readLength
    guard excess >= 0, excess <= 15 else { return -1 }
    for servo in 0..<servos where frame.payload[servo &* block] != board.ids[servo] { return -1 }
    return excess
  }

  /// A single operation's answer of `count` bytes was given up: it could be taken for a cycle's.
  @_noLocks
  func oweSingle(_ id: UInt8, count: Int, at now: Int64) {
    let excess = count &- readLength
    guard excess >= 0, excess <= 15 else { return }
    for servo in 0..<board.count where board.ids[servo] == id {
      owe(servo, excess, at: now)
      let doubt = now &+ lateAnswerHorizon
      let place = servo &* 16 &+ excess
      if doubtfulUntil[place] < doubt { doubtfulUntil[place] = doubt }
    }
  }
}
