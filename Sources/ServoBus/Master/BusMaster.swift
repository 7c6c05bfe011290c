/// The host's side of a servo bus: owns the transport, runs the cycle, and answers for every byte that comes back.
///
/// Before `prepareCycle` it can only do single operations (ping, read, write …). The cycle is real-time safe: all
/// memory is allocated and touched before. A value is accepted only from a frame that checks out, comes from a servo
/// that was asked, has the length that was asked for, is not our own echo, and is not contradicted by another;
/// everything else is counted by kind in `counters`.
public struct BusMaster: ~Copyable {
  /// What is spoken.
  public let wire: WireProtocol
  /// How long things take; `latency` may be replaced by what `measureLatency` finds.
  public var timing: BusTiming
  /// How often a request is sent again within one cycle, time permitting.
  public var cycleRetries = 2
  /// How often a single operation is tried again.
  public var operationRetries = 2
  /// How long after a lost answer it may still come, ns.
  public var lateAnswerHorizon: Int64 = 250_000_000
  /// What went wrong so far. The parser's own counts are in it.
  public internal(set) var counters = BusCounters()

  var transport: Transport
  var parser: FrameParser
  let encoder: RequestEncoder
  /// The requests under way: `sentFirst` bytes of one frame, then `sentSecond` of another.
  let output: UnsafeMutableBufferPointer<UInt8>
  var sentFirst = 0
  var sentSecond = 0
  /// Until then an answer that was given up may still come; single operations then listen until silence.
  var suspiciousUntil = Int64.min
  /// The single operations' board.
  var single: AnswerBoard

  // The cycle.
  var board: AnswerBoard
  var method = CyclePlan.Method.sync
  var readAddress = 0
  var readLength = 0
  var spareBytes = 0
  var writeAddress = 0
  var writeLength = 0
  /// How many bytes more than planned are read at present.
  var phase = 0
  let goals: UnsafeMutablePointer<UInt8>
  let accepted: UnsafeMutablePointer<UInt8>
  let acceptedStatus: UnsafeMutablePointer<UInt8>
  let stamps: UnsafeMutablePointer<Int64>
  let missed: UnsafeMutablePointer<Int>
  /// How many answers servo i, asked for p bytes more than planned, owes, at 16 i + p; and `debtCapacity` places each for
  /// the times of those requests, the oldest first.
  let owedCount: UnsafeMutablePointer<UInt8>
  let owedSince: UnsafeMutablePointer<Int64>
  static var debtCapacity: Int { @_noLocks get { 8 } }
  /// Until when an answer of servo i with p bytes more than planned may be one that nobody waits for any more, at 16 i + p.
  let doubtfulUntil: UnsafeMutablePointer<Int64>
  /// Bit i: an answer of servo i to an earlier cycle was believed since the last cycle's end.
  var belated: UInt32 = 0
  /// Cycles in a row with such answers.
  var belatedCycles = 0
  /// With how many bytes more than planned a servo answered in this cycle.
  let answeredPhase: UnsafeMutablePointer<UInt8>
  /// When the oldest request went out that a servo's answer may be to, where that is in doubt; else `Int64.max`.
  let doubtSince: UnsafeMutablePointer<Int64>
  /// Bit p: p bytes more than planned were asked for in this cycle.
  var askedPhases: UInt16 = 0
  /// Bit i: servo i is asked by the present request; and the last of them.
  var askedServos: UInt32 = 0
  var lastAsked = -1
  /// Servos that did not answer in the last cycle.
  var lastMissing = 0
  var cycleBegan = Int64.min
  /// When bytes last came.
  var heardAt = Int64.min
  /// Fast reads are tried out: no other way of reading.
  var isProbing = false
  /// How many times the usual latency is allowed for: the last try waits longer, because nothing is left to gain.
  var patience: Int64 = 1
  var latencyEstimate = LatencyEstimate()
  /// `timing.latency` follows the estimate since `measureLatency`.
  var isLatencyMeasured = false
  var pace = AnswerPace()
  var paceWrites = false
  let group: UnsafeMutableBufferPointer<UInt8>
  let items: UnsafeMutableBufferPointer<RequestEncoder.BulkItem>

  /// Takes over a transport.
  public init(_ transport: consuming Transport, wire: WireProtocol, timing: BusTiming) {
    self.transport = transport
    self.wire = wire
    self.timing = timing
    encoder = RequestEncoder(wire)
    let capacity = CyclePlan.capacity
    // The longest frame that can come: the common answer of all servos of a plan, or an echo of our own request.
    parser = FrameParser(wire, maximumFrame: wire == .dynamixel2 ? 6000 : 259)
    output = .allocate(capacity: 4096)
    output.initialize(repeating: 0)
    single = AnswerBoard(count: 1, stride: 1024)
    board = AnswerBoard(count: 0, stride: 0)
    goals = .allocate(capacity: capacity * 32)
    goals.initialize(repeating: 0, count: capacity * 32)
    accepted = .allocate(capacity: capacity * 128)
    accepted.initialize(repeating: 0, count: capacity * 128)
    acceptedStatus = .allocate(capacity: capacity)
    acceptedStatus.initialize(repeating: 0, count: capacity)
    stamps = .allocate(capacity: capacity)
    stamps.initialize(repeating: .min, count: capacity)
    missed = .allocate(capacity: capacity)
    missed.initialize(repeating: 0, count: capacity)
    owedCount = .allocate(capacity: capacity * 16)
    owedCount.initialize(repeating: 0, count: capacity * 16)
    owedSince = .allocate(capacity: capacity * 16 * BusMaster.debtCapacity)
    owedSince.initialize(repeating: .min, count: capacity * 16 * BusMaster.debtCapacity)
    doubtfulUntil = .allocate(capacity: capacity * 16)
    doubtfulUntil.initialize(repeating: .min, count: capacity * 16)
    answeredPhase = .allocate(capacity: capacity)
    answeredPhase.initialize(repeating: 0, count: capacity)
    doubtSince = .allocate(capacity: capacity)
    doubtSince.initialize(repeating: .max, count: capacity)
    group = .allocate(capacity: capacity)
    group.initialize(repeating: 0)
    items = .allocate(capacity: capacity)
    items.initialize(repeating: RequestEncoder.BulkItem(id: 0, address: 0, count: 0))
  }

  deinit {
    output.deallocate()
    single.deallocate()
    board.deallocate()
    goals.deallocate()
    accepted.deallocate()
    acceptedStatus.deallocate()
    stamps.deallocate()
    missed.deallocate()
    owedCount.deallocate()
    owedSince.deallocate()
    doubtfulUntil.deallocate()
    answeredPhase.deallocate()
    doubtSince.deallocate()
    group.deallocate()
    items.deallocate()
  }

  /// Where the bus is: a path, or a descriptor.
  public var portName: String { transport.name }
  /// System calls, bytes sent and bytes received so far.
  public var systemCalls: UInt64 { @_noLocks get { transport.systemCalls } }
  public var sentBytes: UInt64 { @_noLocks get { transport.sentBytes } }
  public var receivedBytes: UInt64 { @_noLocks get { transport.receivedBytes } }

  /// The time that deadlines and stamps are in, ns: CLOCK_MONOTONIC, but on a line that has a clock of its own.
  public var now: Int64 { @_noLocks get { transport.now } }

  /// Goes on with another transport, after the old one was unplugged: what was on its way there never comes. The plan
  /// and the data with their ages stay.
  public mutating func replaceTransport(_ transport: consuming Transport) {
    self.transport = transport
    _ = parser.reset()
    parser.forgetDamaged()
    for place in 0..<CyclePlan.capacity * 16 { owedCount[place] = 0 }
    for servo in 0..<board.count { missed[servo] = 0 }
    belated = 0
    suspiciousUntil = .min
    lastMissing = 0
    pace.forget()
  }

  /// Sets what the cycle does; ages start anew. Set-up only.
  public mutating func prepareCycle(_ plan: CyclePlan) throws(BusError) {
    if let problem = plan.problem(on: wire) { throw BusError(.invalidRequest, "this cannot be a cycle: \(problem)") }
    let debts = allDebts
    board.deallocate()
    board = AnswerBoard(count: plan.ids.count, stride: plan.readLength)
    for (index, id) in plan.ids.enumerated() {
      board.ids[index] = id
      stamps[index] = .min
      missed[index] = 0
      // What the plan before is owed may have any length in this one.
      for phase in 0..<16 {
        owedCount[index * 16 + phase] = debts == nil ? 0 : 2
        let place = (index * 16 + phase) * BusMaster.debtCapacity
        owedSince[place] = debts?.oldest ?? .min
        owedSince[place + 1] = debts?.youngest ?? .min
      }
    }
    board.kept = plan.readLength
    board.end = plan.ids.count
    method = plan.method
    readAddress = plan.readAddress
    readLength = plan.readLength
    spareBytes = plan.spareBytes
    writeAddress = plan.writeAddress
    writeLength = plan.writeLength
    phase = 0
    belated = 0
    lastMissing = 0
    pace.forget()
  }

  /// When the oldest and the youngest request went out that are still owed an answer; nil: none is.
  private var allDebts: (oldest: Int64, youngest: Int64)? {
    var debts: (oldest: Int64, youngest: Int64)?
    let now = transport.now
    for servo in 0..<board.count {
      for phase in 0..<16 where isOwed(servo, phase, at: now) {
        let place = (servo * 16 + phase) * BusMaster.debtCapacity
        let youngest = owedSince[place + Int(owedCount[servo * 16 + phase]) - 1]
        debts = (min(debts?.oldest ?? .max, owedSince[place]), max(debts?.youngest ?? .min, youngest))
      }
    }
    return debts
  }

  /// Number of servos in the cycle; 0 before it is prepared.
  public var servoCount: Int { @_noLocks get { board.count } }
  /// How the servos are read.
  public var readMethod: CyclePlan.Method { @_noLocks get { method } }

  /// The bytes that the next cycle writes to a servo, `writeLength` of them; zeros at first. Fill all before writing.
  @_noLocks
  public func goalBytes(of servo: Int) -> UnsafeMutablePointer<UInt8> {
    precondition(servo >= 0 && servo < board.count, "no such servo in the cycle")
    return goals + servo &* writeLength
  }

  /// The bytes that a servo answered last; zeros before it ever did (see `stamp(of:)`).
  @_noLocks
  public func data(of servo: Int) -> UnsafePointer<UInt8> {
    precondition(servo >= 0 && servo < board.count, "no such servo in the cycle")
    return UnsafePointer(accepted + servo &* readLength)
  }

  /// The error or status byte of that answer.
  @_noLocks
  public func status(of servo: Int) -> UInt8 {
    precondition(servo >= 0 && servo < board.count, "no such servo in the cycle")
    return acceptedStatus[servo]
  }

  /// When the request of that answer went out, in the time of `now`, ns: the datum is not older. Where an old answer
  /// cannot be told from a new one, the time of the oldest request that it may be an answer to. `Int64.min` before the
  /// first.
  @_noLocks
  public func stamp(of servo: Int) -> Int64 {
    precondition(servo >= 0 && servo < board.count, "no such servo in the cycle")
    return stamps[servo]
  }

  /// Cycles in a row that a servo has not answered.
  @_noLocks
  public func missedCycles(of servo: Int) -> Int {
    precondition(servo >= 0 && servo < board.count, "no such servo in the cycle")
    return missed[servo]
  }
}
