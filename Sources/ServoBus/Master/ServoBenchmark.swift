import CSystem
import RealTime

/// Measures cycles on a bus, ours and a plain C client's in turn: every servo is read, and its goal written, which is
/// its own position at the start.
public struct ServoBenchmark: Sendable {
  /// What one client reached.
  public struct Result: Sendable {
    public var cycles = 0
    /// Cycles in which every servo answered.
    public var complete = 0
    /// What went wrong, by kind.
    public var errors: [(kind: String, count: UInt64)] = []
    /// Time per cycle, ns.
    public var p50: Int64 = 0
    public var p99: Int64 = 0
    /// Processor time of the calling thread per cycle, ns.
    public var cpu: Double = 0
    /// System calls per cycle.
    public var systemCalls = 0.0
  }

  public var ids: [UInt8]
  public var cycles: Int
  /// How servos are read; nil: together where the protocol can.
  public var method: CyclePlan.Method?

  public init(ids: [UInt8], cycles: Int, method: CyclePlan.Method? = nil) {
    self.ids = ids
    self.cycles = cycles
    self.method = method
  }

  /// What a cycle reads (8 bytes with the position among them) and writes.
  public func plan(on wire: WireProtocol) -> CyclePlan {
    let method = method ?? (wire.hasSyncRead ? .sync : .single)
    switch wire {
    case .feetechSTS, .feetechSCS:
      return CyclePlan(
        ids: ids, readAddress: 56, readLength: 8, spareBytes: wire == .feetechSTS ? 7 : 3, writeAddress: 42,
        writeLength: 4, method: method)
    case .dynamixel1:
      return CyclePlan(
        ids: ids, readAddress: 36, readLength: 8, spareBytes: 4, writeAddress: 30, writeLength: 2, method: method)
    case .dynamixel2:
      return CyclePlan(
        ids: ids, readAddress: 128, readLength: 8, spareBytes: 11, writeAddress: 116, writeLength: 4, method: method)
    }
  }

  /// What both clients reached.
  public struct Comparison: Sendable {
    public var ours: Result
    /// nil where servos are read one by one.
    public var plain: Result?
  }

  /// Runs our cycles and the plain C client's with the same frames, in turns of about fifty, so that both meet the same
  /// disturbances.
  public func run(_ master: inout BusMaster) throws(BusError) -> Comparison {
    let plan = plan(on: master.wire)
    try master.prepareCycle(plan)
    try holdStill(&master, plan)
    let frames = plan.method == .single ? nil : try master.encodeCycle()
    // Answers with stuffing are longer: the plain client knows no better, so it is told what a clean cycle brings.
    let received = master.receivedBytes
    do throws(TransportError) {
      _ = try master.cycle(writes: true, deadline: master.now + budget)
    } catch { throw .transport(error, at: master.portName) }
    let answerBytes = max(plan.bytes(on: master.wire).answer, Int(master.receivedBytes - received))
    let before = master.counters
    var ours = Tally()
    var plain = Tally()
    var done = 0
    while done < cycles {
      let count = min(50, cycles - done)
      done += count
      do throws(TransportError) {
        try runOurs(&master, count, &ours)
        guard let frames else { continue }
        let part = try master.transport.runPlainClient(
          first: frames.write, second: frames.read, answerBytes: answerBytes, timeout: budget, cycles: count)
        for time in part.times where time >= 0 { plain.add(time) }
        plain.cpu += part.cpu
        plain.systemCalls += part.systemCalls
      } catch { throw .transport(error, at: master.portName) }
    }
    let errors = zip(before.table, master.counters.table).map { (kind: $1.kind, count: $1.count - $0.count) }
    var comparison = Comparison(ours: ours.result(cycles, errors))
    if frames != nil {
      comparison.plain = plain.result(cycles, [("timeout", UInt64(cycles - plain.complete))])
    }
    return comparison
  }

  /// How long a cycle may take, ns: far more than any needs.
  private var budget: Int64 { 100_000_000 }

  private func runOurs(_ master: inout BusMaster, _ count: Int, _ tally: inout Tally) throws(TransportError) {
    let calls = master.systemCalls
    let cpu = sinew_thread_cpu_ns()
    for _ in 0..<count {
      let report = try master.cycle(writes: true, deadline: master.now + budget)
      tally.histogram.record(report.finished - report.began)
      if report.isComplete { tally.complete += 1 }
    }
    tally.cpu += sinew_thread_cpu_ns() - cpu
    tally.systemCalls += Int64(master.systemCalls - calls)
  }

  private struct Tally: ~Copyable {
    var histogram = LatencyHistogram()
    var complete = 0
    var cpu: Int64 = 0
    var systemCalls: Int64 = 0

    mutating func add(_ time: Int64) {
      histogram.record(time)
      complete += 1
    }

    borrowing func result(_ cycles: Int, _ errors: [(kind: String, count: UInt64)]) -> Result {
      Result(
        cycles: cycles, complete: complete, errors: errors, p50: histogram.percentile(0.5),
        p99: histogram.percentile(0.99), cpu: Double(cpu) / Double(cycles),
        systemCalls: Double(systemCalls) / Double(cycles))
    }
  }

  /// Makes every servo's goal its present position, so that the measurement moves nothing.
  private func holdStill(_ master: inout BusMaster, _ plan: CyclePlan) throws(BusError) {
    for (servo, id) in ids.enumerated() {
      let width = master.wire == .dynamixel2 ? 4 : 2
      let address = master.wire == .dynamixel2 ? 132 : master.wire == .dynamixel1 ? 36 : 56
      let position = try master.read(id, address: address, count: width)
      let goal = master.goalBytes(of: servo)
      for byte in 0..<plan.writeLength { goal[byte] = byte < width ? position[byte] : 0 }
    }
  }
}

extension BusMaster {
  /// The two frames of the prepared cycle.
  func encodeCycle() throws(BusError) -> (write: [UInt8], read: [UInt8]) {
    var (write, read): ([UInt8], [UInt8]) = ([], [])
    let ids = UnsafeBufferPointer(start: UnsafePointer(board.ids), count: board.count)
    do throws(EncodingError) {
      var count = try encoder.syncWrite(
        ids: ids, address: writeAddress, count: writeLength, data: UnsafePointer(goals), into: output)
      write = Array(output[..<count])
      switch method {
      case .bulk:
        let items = (0..<board.count).map {
          RequestEncoder.BulkItem(id: board.ids[$0], address: readAddress, count: readLength)
        }
        count = try items.withUnsafeBufferPointer { (items) throws(EncodingError) in
          try encoder.bulkRead(items, into: output)
        }
      case .fast, .sync, .single:
        count = try encoder.syncRead(
          ids: ids, address: readAddress, count: readLength, fast: method == .fast, into: output)
      }
      read = Array(output[..<count])
    } catch { throw .encoding(error) }
    return (write, read)
  }
}
