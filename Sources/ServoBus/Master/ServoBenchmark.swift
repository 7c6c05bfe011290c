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

  /// Runs our cycles.
  public func run(_ master: inout BusMaster) throws(BusError) -> Result {
    let plan = plan(on: master.wire)
    try master.prepareCycle(plan)
    try holdStill(&master, plan)
    var histogram = LatencyHistogram()
    var result = Result()
    let before = master.counters
    let calls = master.systemCalls
    let cpu = sinew_thread_cpu_ns()
    do throws(TransportError) {
      for _ in 0..<cycles {
        let report = try master.cycle(writes: true, deadline: master.now + 100_000_000)
        histogram.record(report.finished - report.began)
        if report.isComplete { result.complete += 1 }
      }
    } catch { throw .transport(error, at: master.portName) }
    result.cycles = cycles
    result.cpu = Double(sinew_thread_cpu_ns() - cpu) / Double(cycles)
    result.systemCalls = Double(master.systemCalls - calls) / Double(cycles)
    (result.p50, result.p99) = (histogram.percentile(0.5), histogram.percentile(0.99))
    result.errors = zip(before.table, master.counters.table).map { ($1.kind, $1.count - $0.count) }
    return result
  }

  /// Runs the plain C client's cycles with the same frames; nil where servos are read one by one.
  public func runPlainClient(_ master: inout BusMaster) throws(BusError) -> Result? {
    let plan = plan(on: master.wire)
    guard plan.method != .single else { return nil }
    try master.prepareCycle(plan)
    try holdStill(&master, plan)
    let frames = try master.encodeCycle()
    let wire = master.wire
    // Answers with stuffing are longer: the plain client knows no better, so it is told what a clean cycle brings.
    let received = master.receivedBytes
    do throws(TransportError) {
      _ = try master.cycle(writes: true, deadline: master.now + 100_000_000)
    } catch { throw .transport(error, at: master.portName) }
    let answerBytes = max(plan.bytes(on: wire).answer, Int(master.receivedBytes - received))
    let client: (times: [Int64], systemCalls: Int64, cpu: Int64)
    do throws(TransportError) {
      client = try master.transport.runPlainClient(
        first: frames.write, second: frames.read, answerBytes: answerBytes, timeout: 100_000_000, cycles: cycles)
    } catch { throw .transport(error, at: master.portName) }
    var histogram = LatencyHistogram()
    for time in client.times where time >= 0 { histogram.record(time) }
    var result = Result()
    result.cycles = cycles
    result.complete = Int(histogram.count)
    result.cpu = Double(client.cpu) / Double(cycles)
    result.systemCalls = Double(client.systemCalls) / Double(cycles)
    (result.p50, result.p99) = (histogram.percentile(0.5), histogram.percentile(0.99))
    result.errors = [("timeout", UInt64(cycles - result.complete))]
    return result
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
