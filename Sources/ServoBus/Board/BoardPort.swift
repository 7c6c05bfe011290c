import CSystem
import ServoWire

/// Events of the link, one bit each.
struct LinkEvents: OptionSet, Sendable, BitwiseCopyable {
  let rawValue: UInt16

  @_noLocks
  init(rawValue: UInt16) { self.rawValue = rawValue }

  @_noLocks
  init(_ event: LinkEvent) { rawValue = event.bit }

  static var none: LinkEvents { @_noLocks get { LinkEvents(rawValue: 0) } }

  @_noLocks
  func has(_ event: LinkEvent) -> Bool { rawValue & LinkEvents(event).rawValue != 0 }
  @_noLocks
  func adding(_ other: LinkEvents) -> LinkEvents { LinkEvents(rawValue: rawValue | other.rawValue) }
}

/// A board behind a port: the link's frames on the wire, and its bytes off it. One owner, one thread at a time.
///
/// Real-time safe are `put`, `flush`, `drain` and `collect`; what asks and waits is not for the control thread.
public struct BoardPort: ~Copyable {
  var link: BoardLink
  var transport: Transport
  /// How long bytes and answers take where patience costs nothing.
  public let timing: BusTiming
  /// The same within a tick: with the measured latency, once there is one.
  var tickTiming: BusTiming
  /// What host, adaptor and board add to a round trip, ns, as the last `compareClocks` found it: the median; 0 before.
  public internal(set) var measuredLatency: Int64 = 0
  /// The least of them, ns: what line and board need where nothing else holds them up.
  public internal(set) var leastLatency: Int64 = 0
  private let input: UnsafeMutablePointer<UInt8>
  private let output: UnsafeMutablePointer<UInt8>
  private var outputCount = 0

  private static var inputCapacity: Int { @_noLocks get { 1024 } }
  /// Room for three frames of any kind.
  private static var outputCapacity: Int { @_noLocks get { 320 } }

  /// Takes over a way to a board. `session`: a number for this use of it, not 0; nil for one made of the clock.
  public init(_ transport: consuming Transport, baud: Int, session: UInt16? = nil) {
    let adaptor = transport.adaptorLatency
    link = BoardLink(
      session: session ?? BoardPort.makeSession(transport.now), byteTime: 10_000_000_000 / Int64(max(1, baud)))
    timing = BusTiming.patient(baud: baud, adaptorLatency: adaptor)
    tickTiming = timing
    self.transport = transport
    input = .allocate(capacity: BoardPort.inputCapacity)
    input.initialize(repeating: 0, count: BoardPort.inputCapacity)
    output = .allocate(capacity: BoardPort.outputCapacity)
    output.initialize(repeating: 0, count: BoardPort.outputCapacity)
  }

  deinit {
    input.deallocate()
    output.deallocate()
  }

  /// Two hosts that start in the same second must not have the same session: the lower bits of the time do for that.
  private static func makeSession(_ now: Int64) -> UInt16 {
    var x = UInt64(bitPattern: now) &+ 0x9E37_79B9_7F4A_7C15
    x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
    let session = UInt16(truncatingIfNeeded: x ^ x >> 31)
    return session == 0 ? 1 : session
  }

  /// The time of all deadlines, monotonic ns.
  public var now: Int64 { @_noLocks get { transport.now } }
  /// What the port is called.
  public var portName: String { transport.name }
  /// What went wrong so far.
  public var counters: LinkCounters { @_noLocks get { link.counters } }
  /// The newest STATE.
  public var reading: BoardReading { @_noLocks get { link.reading } }
  /// Who the board said it is.
  public var identity: HelloAckMessage { @_noLocks get { link.helloAck } }
  /// The session's number.
  public var session: UInt16 { @_noLocks get { link.session } }
  /// The board's clock against the host's.
  public var clock: BoardClock { @_noLocks get { link.clock } }

  // MARK: Bytes

  /// Appends a frame to what the next `flush` sends.
  @_noLocks
  mutating func put(_ frame: WireFrame) {
    precondition(outputCount &+ frame.count <= BoardPort.outputCapacity, "a flush takes three frames at most")
    frame.copy(to: output + outputCount)
    outputCount &+= frame.count
  }

  /// Sends what was put, in one write; waits for room until `deadline` at most.
  @_noLocks
  mutating func flush(deadline: Int64) throws(TransportError) {
    guard outputCount > 0 else { return }
    let count = outputCount
    outputCount = 0
    try transport.write(output, count: count, deadline: deadline)
  }

  /// Takes all bytes that are there, at most what a second of a fast line brings.
  @_noLocks
  mutating func drain() throws(TransportError) -> LinkEvents {
    var events = LinkEvents.none
    for _ in 0..<100 {
      let count = try transport.read(into: input, capacity: BoardPort.inputCapacity)
      if count == 0 { break }
      let now = transport.now
      for index in 0..<count { events = events.adding(LinkEvents(link.take(input[index], now: now))) }
      if count < BoardPort.inputCapacity { break }
    }
    return events
  }

  /// Takes bytes until one of the wanted events has come, or until `deadline`.
  @_noLocks
  mutating func collect(_ wanted: LinkEvents, deadline: Int64) throws(TransportError) -> LinkEvents {
    var events = try drain()
    while events.rawValue & wanted.rawValue == 0 {
      guard transport.now < deadline, try transport.waitReadable(until: deadline) else { break }
      events = events.adding(try drain())
    }
    return events
  }

  /// How long to wait for an answer within a tick, ns.
  @_noLocks
  func limit(request: Int, answer: Int) -> Int64 {
    tickTiming.limit(request: request, answers: 1, answerBytes: answer)
  }
}

// MARK: Asking and waiting

extension BoardPort {
  /// Begins a session: HELLO ten times a second for up to three seconds, because opening the port resets some boards.
  /// Throws when nobody answers, when the board speaks another version of the protocol, or with `endsOnStopSignals` when a
  /// stop signal came.
  @discardableResult
  public mutating func open(endsOnStopSignals: Bool = false) throws(ServoArmError) -> HelloAckMessage {
    let end = now + Int64(WireSchema.silenceUs) * 1000
    while now < end {
      if endsOnStopSignals && sinew_stop_requests() > 0 { throw .stopped(portName) }
      let events = try ask(link.hello(), for: [LinkEvents(.helloAck)], patience: 100_000_000)
      guard events.has(.helloAck) else { continue }
      let answer = link.helloAck
      guard let code = answer.result else { continue }
      if code == .ok && link.isOpen { return answer }
      if code == .schemaMismatch { throw mismatch(answer) }
    }
    if link.counters.received > 0 { throw silentBoard("a board is there, but answers no HELLO") }
    if link.counters.damaged > 0 { throw silentBoard("something sends bytes, but no frame of them is whole") }
    throw silentBoard("nobody answers")
  }

  private func silentBoard(_ what: String) -> ServoArmError {
    ServoArmError(
      .noAnswer, "\(portName): \(what) at \(timing.baud) baud",
      suggestion: "check that the board has power and our firmware, and its speed: give --baud 115200 or 1000000")
  }

  private func mismatch(_ board: HelloAckMessage) -> ServoArmError {
    ServoArmError(
      .firmwareMismatch,
      "\(portName): the board's firmware \(BoardNames.version(board.firmware)) speaks protocol \(board.major)."
        + "\(board.minor) with schema \(BoardNames.hex(board.schema)), this program \(WireSchema.major)."
        + "\(WireSchema.minor) with \(BoardNames.hex(WireSchema.hash))",
      suggestion: "flash the board with the firmware of this program's release, see firmware-protocol/README.md")
  }

  /// Sends a frame and waits for one of the events.
  mutating func ask(
    _ frame: WireFrame, for wanted: [LinkEvents], patience: Int64
  ) throws(ServoArmError) -> LinkEvents {
    var all = LinkEvents.none
    for event in wanted { all = all.adding(event) }
    do throws(TransportError) {
      put(frame)
      try flush(deadline: now + patience)
      return try collect(all, deadline: now + patience)
    } catch { throw ServoArmError(error, portName) }
  }

  /// Asks for INFO, which boards of every version answer, also before `open`.
  public mutating func readInfo() throws(ServoArmError) -> InfoMessage {
    for _ in 0..<BoardPort.tries {
      if try ask(link.getInfo(), for: [LinkEvents(.info)], patience: patience).has(.info) { return link.info }
      link.noteTimeout()
    }
    throw silentBoard("nobody answers")
  }

  /// Looks for a board for up to three seconds, as `open` does, without beginning a session.
  public mutating func findBoard() throws(ServoArmError) -> InfoMessage {
    let end = now + Int64(WireSchema.silenceUs) * 1000
    while now < end {
      if try ask(link.getInfo(), for: [LinkEvents(.info)], patience: 100_000_000).has(.info) { return link.info }
    }
    throw silentBoard("nobody answers")
  }

  /// Switches the outputs off and brings the board to IDLE; what it has latched is cleared, unless the cause is there still.
  public mutating func disarm() throws(ServoArmError) -> WireState? {
    guard let state = try readState().message.state else { return nil }
    switch state {
    case .armed, .active, .hold: try perform(DisarmMessage.type)
    case .safe, .fault, .estop: try perform(ClearMessage.type)
    case .boot, .idle: break
    }
    return try readState().message.state
  }

  /// Asks for a STATE.
  @discardableResult
  public mutating func readState() throws(ServoArmError) -> BoardReading {
    for _ in 0..<BoardPort.tries {
      if try ask(link.stateRequest(now: now), for: [LinkEvents(.state)], patience: patience).has(.state) {
        return reading
      }
      link.noteTimeout()
    }
    throw lost("STATE")
  }

  /// Asks for the board's counters.
  public mutating func readStatistics() throws(ServoArmError) -> StatsMessage {
    for _ in 0..<BoardPort.tries {
      if try ask(link.statsRequest(), for: [LinkEvents(.stats)], patience: patience).has(.stats) { return link.stats }
      link.noteTimeout()
    }
    throw lost("STATS")
  }

  /// Reads settings with consecutive keys, `count` of them at most 16: up to the last of the same group.
  public mutating func readSettings(key: UInt16, count: Int) throws(ServoArmError) -> [UInt16] {
    for _ in 0..<BoardPort.tries {
      let frame = link.configGet(key: key, count: UInt8(clamping: count))
      let events = try ask(frame, for: [LinkEvents(.config), LinkEvents(.refusal)], patience: patience)
      if events.has(.config) && link.config.key == key {
        return (0..<link.config.values.count).map { link.config.values[$0] }
      }
      if events.has(.refusal) { throw refused(link.refusal, "settings from key \(key)") }
      link.noteTimeout()
    }
    throw lost("CONFIG")
  }

  /// Changes settings, 16 at a time. Only in IDLE, and all of a call's 16 or none of them.
  public mutating func writeSettings(_ pairs: [(key: UInt16, value: UInt16)]) throws(ServoArmError) {
    var rest = pairs[...]
    while !rest.isEmpty {
      var list = UInt32List()
      for pair in rest.prefix(16) { list.append(UInt32(pair.key) | UInt32(pair.value) << 16) }
      rest = rest.dropFirst(16)
      try perform(link.configSet(list), "CONFIG_SET", patience: patience)
    }
  }

  /// Does a request that carries the session alone: `ClearMessage.type`, `DisarmMessage.type` and so on.
  public mutating func perform(_ type: UInt8) throws(ServoArmError) {
    // The settings are stored byte by byte, 3.4 ms each on an AVR's EEPROM; the answer comes behind the last.
    let waits: Int64 = type == ConfigCommitMessage.type ? 3_000_000_000 : patience
    try perform(link.request(type), BoardNames.request(type), patience: waits)
  }

  private mutating func perform(_ frame: WireFrame, _ name: String, patience: Int64) throws(ServoArmError) {
    var events = try ask(frame, for: [LinkEvents(.result)], patience: patience)
    for _ in 0..<BoardPort.repetitions where !events.has(.result) {
      link.noteTimeout()
      events = try ask(link.repeatRequest(), for: [LinkEvents(.result)], patience: patience)
    }
    guard events.has(.result) else {
      link.giveUp()
      throw lost("\(name)")
    }
    guard let code = link.result.code, code == .ok else { throw refused(link.result, name) }
  }

  /// Compares the clocks some times, a few milliseconds apart, and takes what a round trip needs beside its bytes.
  public mutating func compareClocks(times: Int = 12) throws(ServoArmError) {
    var latencies: [Int64] = []
    for _ in 0..<times {
      let sent = now
      let frame = link.timeRequest(now: sent)
      let bytes = timing.wire(frame.count + 22)
      if try ask(frame, for: [LinkEvents(.time)], patience: patience).has(.time) {
        latencies.append(max(0, now - sent - bytes))
      } else {
        link.noteTimeout()
      }
      transport.sleep(until: now + 12_000_000)
    }
    guard !latencies.isEmpty else { throw lost("TIME") }
    latencies.sort()
    measuredLatency = latencies[latencies.count / 2]
    leastLatency = latencies[0]
    tickTiming = BusTiming(baud: timing.baud, latency: max(1_000_000, 3 * measuredLatency))
  }

  var patience: Int64 { timing.limit(request: 96, answers: 1, answerBytes: 98) }
  private static var tries: Int { 4 }
  /// A request without an answer is sent three times more (PROTOCOL.md, 2).
  private static var repetitions: Int { 3 }

  private func lost(_ what: String) -> ServoArmError {
    ServoArmError(
      .bus, "\(portName): the board does not answer \(what), tried \(BoardPort.tries) times",
      suggestion: "check the cable and the board's supply, then connect again")
  }

  func refused(_ result: ResultMessage, _ what: String) -> ServoArmError {
    ServoArmError(
      .refusedByBoard, "\(portName): the board refuses \(what): \(BoardNames.explain(result))",
      suggestion: BoardNames.remedy(result))
  }
}
