/// What a servo says about itself when it is pinged.
public struct PingAnswer: Sendable, Equatable {
  public let id: UInt8
  /// The model number, as the servo's table has it.
  public let modelNumber: Int
  /// The firmware's version: "52", or "3.10".
  public let firmware: String
  /// The error or status byte.
  public let status: UInt8

  public init(id: UInt8, modelNumber: Int, firmware: String, status: UInt8) {
    self.id = id
    self.modelNumber = modelNumber
    self.firmware = firmware
    self.status = status
  }
}

/// Single operations: at connect, at set-up, from the command line. Not for the control thread: they wait, try again,
/// and make texts.
extension BusMaster {
  /// Reads `count` bytes of a servo's registers. `status` bits that are states (overload, voltage) are no failure.
  public mutating func read(_ id: UInt8, address: Int, count: Int) throws(BusError) -> [UInt8] {
    try readWithStatus(id, address: address, count: count).data
  }

  /// The same, with the answer's error or status byte.
  mutating func readWithStatus(
    _ id: UInt8, address: Int, count: Int
  ) throws(BusError) -> (status: UInt8, data: [UInt8]) {
    guard (1...128).contains(count) else {
      throw BusError(.invalidRequest, "\(count) bytes to read, expected 1 to 128")
    }
    return try operate(id, answerLength: count, what: "read \(Self.bytes(count)) at \(address)") {
      (encoder, out) throws(EncodingError) in try encoder.read(id, address: address, count: count, into: out)
    }
  }

  /// Writes bytes from `address` on and waits for the acknowledgement.
  public mutating func write(_ id: UInt8, address: Int, _ bytes: [UInt8]) throws(BusError) {
    _ = try operate(id, answerLength: 0, what: "write \(Self.bytes(bytes.count)) at \(address)") {
      (encoder, out) throws(EncodingError) in
      try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingError) in
        try encoder.write(id, address: address, bytes: bytes, into: out)
      }
    }
  }

  /// Writes bytes and reads them back; what the servo made of them must be the same.
  public mutating func writeVerified(_ id: UInt8, address: Int, _ bytes: [UInt8]) throws(BusError) {
    try write(id, address: address, bytes)
    let found = try read(id, address: address, count: bytes.count)
    guard found == bytes else {
      throw BusError(
        .notTaken, "servo \(id) has \(found) at \(address) after \(bytes) were written",
        suggestion: "check that its torque is off and the register unlocked")
    }
  }

  /// Writes bytes that wait in the servo for `action`, and waits for the acknowledgement.
  public mutating func registerWrite(_ id: UInt8, address: Int, _ bytes: [UInt8]) throws(BusError) {
    _ = try operate(id, answerLength: 0, what: "keep \(bytes.count) bytes for \(address)") {
      (encoder, out) throws(EncodingError) in
      try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingError) in
        try encoder.write(id, address: address, bytes: bytes, registered: true, into: out)
      }
    }
  }

  /// Carries out what waits in one servo, and waits for its acknowledgement. Where nothing waits, a DYNAMIXEL refuses;
  /// so it does when only the acknowledgement was lost, so this is never sent twice.
  public mutating func action(_ id: UInt8) throws(BusError) {
    let retries = operationRetries
    defer { operationRetries = retries }
    operationRetries = 0
    _ = try operate(id, answerLength: 0, what: "carry out what waits in it") { (encoder, out) throws(EncodingError) in
      try encoder.action(id, into: out)
    }
  }

  /// Carries out what waits in all servos, at the same moment. Nobody answers.
  public mutating func action() throws(BusError) {
    try sendOnly { (encoder, out) throws(EncodingError) in try encoder.action(WireProtocol.broadcastID, into: out) }
  }

  /// Writes to every servo of the bus at once. Nobody answers.
  public mutating func broadcastWrite(address: Int, _ bytes: [UInt8]) throws(BusError) {
    try sendOnly { (encoder, out) throws(EncodingError) in
      try bytes.withUnsafeBufferPointer { (bytes) throws(EncodingError) in
        try encoder.write(WireProtocol.broadcastID, address: address, bytes: bytes, into: out)
      }
    }
  }

  /// Asks a servo whether it is there, and what it is.
  public mutating func ping(_ id: UInt8) throws(BusError) -> PingAnswer {
    switch wire {
    case .dynamixel2:
      let answer = try operate(id, answerLength: 3, what: "ping") { (encoder, out) throws(EncodingError) in
        try encoder.ping(id, into: out)
      }
      return PingAnswer(
        id: id, modelNumber: Int(answer.data[0]) | Int(answer.data[1]) << 8, firmware: "\(answer.data[2])",
        status: answer.status)
    case .feetechSTS, .feetechSCS:
      // A ping's echo is a valid answer to it in this protocol; the model number is not.
      let answer = try operate(id, answerLength: 5, what: "read its model") { (encoder, out) throws(EncodingError) in
        try encoder.read(id, address: 0, count: 5, into: out)
      }
      let data = answer.data
      let (low, high) = wire.isBigEndian ? (data[4], data[3]) : (data[3], data[4])
      return PingAnswer(
        id: id, modelNumber: Int(low) | Int(high) << 8, firmware: "\(data[0]).\(data[1])", status: answer.status)
    case .dynamixel1:
      let answer = try operate(id, answerLength: 3, what: "read its model") { (encoder, out) throws(EncodingError) in
        try encoder.read(id, address: 0, count: 3, into: out)
      }
      return PingAnswer(
        id: id, modelNumber: Int(answer.data[0]) | Int(answer.data[1]) << 8, firmware: "\(answer.data[2])",
        status: answer.status)
    }
  }

  /// Looks for servos at the ids given, one after the other; ids that stay silent are left out. Only a dead port is an
  /// error.
  public mutating func scan(_ ids: some Sequence<UInt8>) throws(BusError) -> [PingAnswer] {
    var found: [PingAnswer] = []
    let retries = operationRetries
    defer { operationRetries = retries }
    // One lost answer must not hide a servo, but most ids have none: two tries.
    operationRetries = min(retries, 1)
    for id in ids {
      do throws(BusError) {
        found.append(try ping(id))
      } catch {
        switch error.kind {
        case .noAnswer, .refused: continue
        default: throw error
        }
      }
    }
    return found
  }

  /// Restarts a DYNAMIXEL servo; it is silent while it boots.
  public mutating func reboot(_ id: UInt8) throws(BusError) {
    _ = try operate(id, answerLength: 0, what: "reboot") { (encoder, out) throws(EncodingError) in
      try encoder.reboot(id, into: out)
    }
  }

  /// Brings a servo back to factory settings.
  public mutating func factoryReset(_ id: UInt8, scope: RequestEncoder.ResetScope) throws(BusError) {
    _ = try operate(id, answerLength: 0, what: "reset") { (encoder, out) throws(EncodingError) in
      try encoder.factoryReset(id, scope: scope, into: out)
    }
  }

  /// Measures what host and adaptor add to a round trip: the median over `samples` small reads, less the time on the
  /// wire; returns it (ns). From then on `timing.latency` is what deadlines allow for: three times the slowest answer
  /// of late, learned anew from every cycle, 1 ms at least.
  public mutating func measureLatency(_ id: UInt8, address: Int, samples: Int = 20) throws(BusError) -> Int64 {
    var times: [Int64] = []
    // What is not known yet must not cut off what is to be measured.
    let assumed = timing.latency
    timing.latency = max(assumed, 50_000_000)
    defer { if !isLatencyMeasured { timing.latency = assumed } }
    isLatencyMeasured = false
    for _ in 0..<max(1, samples) {
      let before = counters.retries
      let began = transport.now
      _ = try read(id, address: address, count: 1)
      if counters.retries == before { times.append(transport.now - began) }
    }
    guard !times.isEmpty else { throw noAnswer(id, what: "be read reliably") }
    times.sort()
    let request = wire == .dynamixel2 ? 14 : 8
    let bus = timing.bus(request: request, answers: 1, answerBytes: wire.answerBytes(data: 1))
    latencyEstimate = LatencyEstimate()
    for time in times { latencyEstimate.observe(max(0, time - bus)) }
    isLatencyMeasured = true
    timing.latency = latencyEstimate.allowance
    return max(0, times[times.count / 2] - bus)
  }

  /// Whether the servos of the plan answer a fast read. Fast reading depends on model and firmware: probe once at
  /// connect and stay with the plain read where it fails.
  public mutating func probeFastRead(_ plan: CyclePlan, tries: Int = 3) throws(BusError) -> Bool {
    var fast = plan
    fast.method = .fast
    guard fast.problem(on: wire) == nil else { return false }
    try prepareCycle(fast)
    let retries = cycleRetries
    defer { cycleRetries = retries }
    cycleRetries = 0
    defer { isProbing = false }
    isProbing = true
    for _ in 0..<max(1, tries) {
      do throws(TransportError) {
        if try cycle(writes: false, deadline: transport.now + 100_000_000).isComplete { return true }
      } catch {
        throw .transport(error, at: portName)
      }
    }
    return false
  }

  typealias Encode = (RequestEncoder, UnsafeMutableBufferPointer<UInt8>) throws(EncodingError) -> Int

  /// Sends a request that nobody answers.
  mutating func sendOnly(_ encode: Encode) throws(BusError) {
    sentSecond = 0
    do throws(EncodingError) { sentFirst = try encode(encoder, output) } catch { throw .encoding(error) }
    do throws(TransportError) {
      try drain()
      try send(deadline: transport.now + timing.wire(sentFirst) + 100_000_000)
    } catch { throw .transport(error, at: portName) }
  }

  /// Sends a request to one servo and waits for its answer of `answerLength` bytes of data.
  mutating func operate(
    _ id: UInt8, answerLength: Int, what: String, _ encode: Encode
  ) throws(BusError) -> (status: UInt8, data: [UInt8]) {
    guard id <= wire.highestID else { throw .encoding(.invalidID) }
    single.ids[0] = id
    single.length = answerLength
    single.kept = answerLength
    single.end = 1
    for attempt in 0...max(0, operationRetries) {
      if attempt > 0 { counters.retries &+= 1 }
      // Two tries decide for a scan; who tries thrice wants an answer even from a machine that is busy.
      patience = attempt >= 2 ? 8 : 1
      defer { patience = 1 }
      single.begin()
      try exchange(encode, answerBytes: wire.answerBytes(data: answerLength))
      switch single.states[0] {
      case AnswerBoard.State.answered:
        let status = single.statuses[0]
        if wire == .dynamixel2, status & 0x7F != 0 { throw refusal(id, status, what: what) }
        return (status, Array(UnsafeBufferPointer(start: single.data, count: answerLength)))
      case AnswerBoard.State.refused: throw refusal(id, single.statuses[0], what: what)
      default: continue
      }
    }
    throw noAnswer(id, what: what)
  }

  mutating func exchange(_ encode: Encode, answerBytes: Int) throws(BusError) {
    sentSecond = 0
    do throws(EncodingError) { sentFirst = try encode(encoder, output) } catch { throw .encoding(error) }
    do throws(TransportError) {
      try drain()
      parser.expectFrames(upTo: parser.maximumFrame)
      let now = transport.now
      // Operations may take a servo longer than a cyclic read (a write to flash): ten times the allowance.
      let limit =
        now + allowedTiming.limit(request: sentFirst, answers: 1, answerBytes: answerBytes) + 10 * timing.processing
      try send(deadline: limit)
      // After a lost answer this listens until silence: an operation has no other mark for an old answer.
      let exchange = Exchange(
        sentAt: now, deadline: limit, answers: 1, answerBytes: answerBytes, listens: now < suspiciousUntil,
        isCyclic: false)
      try collect(into: single, exchange)
      if single.states[0] == AnswerBoard.State.waiting { oweSingle(single.ids[0], count: single.length, at: now) }
    } catch { throw .transport(error, at: portName) }
  }

  private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }

  private func refusal(_ id: UInt8, _ status: UInt8, what: String) -> BusError {
    var suggestion: String?
    if wire == .dynamixel2, status & 0x80 != 0 {
      suggestion = "it has shut down: remove the cause, then clear it with 'sinew servo reboot --id \(id)'"
    } else if status & 0x7F == 7 {
      suggestion = "switch its torque off first"
    }
    return BusError(
      .refused, "servo \(id) refused to \(what): \(StatusText.meanings(status, wire).joined(separator: ", "))",
      suggestion: suggestion)
  }

  private func noAnswer(_ id: UInt8, what: String) -> BusError {
    BusError(
      .noAnswer, "servo \(id) did not answer (\(what), \(portName), \(timing.baud) baud, \(wire.name))",
      suggestion: "check power, cable, id and baud rate: 'sinew servo scan' tries them all")
  }
}
