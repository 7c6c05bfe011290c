import CSystem
import Foundation
import ServoBus
import TestSupport
import Testing

/// A bus of servos that answer sync reads with a counter, changed by `distort` (request number, id, answer) → what is sent.
func countingBus(
  _ wire: WireProtocol, _ distort: @escaping (Int, UInt8, [UInt8]) -> [Reply] = { [Reply(bytes: $2)] }
) throws -> (Int32, Responder) {
  try Responder.start { pending, number in
    guard let request = Request.take(wire, from: &pending), let read = request.asSyncRead(wire) else { return [] }
    if request.instruction == 0x8A {
      var bytes: [UInt8] = [0xFF, 0xFF, 0xFD, 0, 0xFE, 0, 0, 0x55]
      let length = 1 + read.ids.count * (4 + read.count) + 2 - 2
      bytes[5] = UInt8(length & 255)
      bytes[6] = UInt8(length >> 8)
      for id in read.ids { bytes = withCRC(bytes + [0, id] + counterData(number, id: id, count: read.count)) }
      return distort(number, 0xFE, bytes)
    }
    return read.ids.flatMap {
      distort(number, $0, answer(wire, id: $0, counterData(number, id: $0, count: read.count)))
    }
  }
}

func makeMaster(
  _ descriptor: Int32, _ wire: WireProtocol, latency: Int64 = 300_000_000, silence: Int64 = 300_000_000
) throws -> BusMaster {
  // Generous: the tests share their machine. What is tested is the arithmetic, not the scheduler.
  let timing = BusTiming(baud: 1_000_000, latency: latency, silence: silence)
  return BusMaster(try Transport(descriptor: descriptor), wire: wire, timing: timing)
}

let far: Int64 = 2_000_000_000
let sixServos: [UInt8] = [1, 2, 3, 4, 5, 6]

func plan(_ wire: WireProtocol, spare: Int = 15, method: CyclePlan.Method = .sync) -> CyclePlan {
  wire == .dynamixel2
    ? CyclePlan(
      ids: sixServos, readAddress: 126, readLength: 10, spareBytes: spare, writeAddress: 116, writeLength: 4,
      method: method)
    : CyclePlan(
      ids: sixServos, readAddress: 56, readLength: 8, spareBytes: spare, writeAddress: 42, writeLength: 2,
      method: method)
}

extension BusMaster {
  /// The counters that all servos sent; nil when one is not the servo's own.
  func counterValues() -> [Int]? {
    var values: [Int] = []
    for servo in 0..<servoCount {
      let data = data(of: servo)
      guard Int(data[2]) == servo + 1 else { return nil }
      values.append(Int(data[0]) | Int(data[1]) << 8)
    }
    return values
  }
}

@Suite
struct CycleTests {
  @Test(
    "a cycle writes and reads every servo in at most six system calls, without allocation",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel2,
    ])
  func cleanCycle(wire: WireProtocol) throws {
    let (descriptor, responder) = try countingBus(wire)
    do {
      var master = try makeMaster(descriptor, wire)
      try master.prepareCycle(plan(wire))
      for servo in 0..<6 { #expect(master.stamp(of: servo) == .min) }
      var calls = 0
      for cycle in 0..<200 {
        let now = sinew_now_ns()
        let report = try master.cycle(writes: true, deadline: now + far)
        #expect(report.isComplete && report.answered == 0b111111 && report.retries == 0)
        calls += report.systemCalls
        #expect(master.counterValues() == [Int](repeating: cycle, count: 6))
        #expect(master.stamp(of: 0) >= now && master.stamp(of: 5) == report.began)
      }
      // Six answers come in one piece, or in a few when the far end is interrupted between them.
      #expect(Double(calls) / 200 <= 6)
      #expect(master.counters.answers == 1200 && master.counters.table.allSatisfy { $0.count == 0 })
      let count = try AllocationCount.during {
        for _ in 0..<50 { _ = try master.cycle(writes: true, deadline: sinew_now_ns() + far) }
      }
      #expect(!AllocationCount.isAvailable || count.allocations == 0)
    }
    responder.join()
  }

  @Test("what goes out is the goals' sync write, then the sync read")
  func bytesOnTheWire() throws {
    nonisolated(unsafe) var seen: [[UInt8]] = []  // written by the responder, read after join
    let (descriptor, responder) = try Responder.start { pending, _ in
      guard let request = Request.take(.feetechSTS, from: &pending) else { return [] }
      seen.append(request.raw)
      guard let read = request.asSyncRead(.feetechSTS) else { return [] }
      return read.ids.map { Reply(bytes: answer(.feetechSTS, id: $0, [UInt8](repeating: 0, count: read.count))) }
    }
    do {
      var master = try makeMaster(descriptor, .feetechSTS)
      try master.prepareCycle(
        CyclePlan(ids: [1, 2], readAddress: 56, readLength: 8, writeAddress: 42, writeLength: 2))
      for (servo, goal) in [2048, 1000].enumerated() {
        master.goalBytes(of: servo)[0] = UInt8(goal & 255)
        master.goalBytes(of: servo)[1] = UInt8(goal >> 8)
      }
      #expect(try master.cycle(writes: true, deadline: sinew_now_ns() + far).isComplete)
      #expect(try master.cycle(writes: false, deadline: sinew_now_ns() + far).isComplete)
    }
    responder.join()
    let read = hex("FF FF FE 06 82 38 08 01 02 36")
    #expect(seen == [hex("FF FF FE 0A 83 2A 02 01 00 08 02 E8 03 52"), read, read])
  }

  @Test("fast reads work, and fall back to plain ones when the common answer is spoilt")
  func fast() throws {
    let (descriptor, responder) = try countingBus(.dynamixel2) { number, id, bytes in
      var bytes = bytes
      if id == 0xFE, number % 4 == 3 { bytes[20] ^= 1 }
      return [Reply(bytes: bytes)]
    }
    do {
      var master = try makeMaster(descriptor, .dynamixel2)
      #expect(try master.probeFastRead(plan(.dynamixel2)))
      #expect(master.readMethod == .fast)
      for _ in 0..<12 {
        #expect(try master.cycle(writes: true, deadline: sinew_now_ns() + far).isComplete)
        let values = master.counterValues()
        #expect(values.map { Set($0).count } == 1)
      }
      #expect(master.counters.checksum > 0 && master.counters.retries == master.counters.checksum)
    }
    responder.join()
  }

  @Test("servos that know no fast read are found out by the probe")
  func noFast() throws {
    let (descriptor, responder) = try countingBus(.dynamixel2) { _, id, bytes in
      id == 0xFE ? [] : [Reply(bytes: bytes)]
    }
    do {
      var master = try makeMaster(descriptor, .dynamixel2, latency: 30_000_000, silence: 30_000_000)
      #expect(try !master.probeFastRead(plan(.dynamixel2)))
      try master.prepareCycle(plan(.dynamixel2))
      master.timing.latency = 300_000_000
      #expect(try master.cycle(writes: false, deadline: sinew_now_ns() + far).isComplete)
    }
    responder.join()
  }

  @Test("where a protocol has no sync read, the servos are read one by one")
  func oneByOne() throws {
    let (descriptor, responder) = try Responder.start { pending, number in
      guard let request = Request.take(.dynamixel1, from: &pending) else { return [] }
      guard request.instruction == 2 else { return [] }
      let count = Int(request.parameters[1])
      return [Reply(bytes: answer(.dynamixel1, id: request.id, counterData(number, id: request.id, count: count)))]
    }
    do {
      var master = try makeMaster(descriptor, .dynamixel1)
      try master.prepareCycle(
        CyclePlan(ids: sixServos, readAddress: 36, readLength: 6, writeAddress: 30, writeLength: 4, method: .single))
      #expect(try master.cycle(writes: true, deadline: sinew_now_ns() + far).isComplete)
      #expect(master.counterValues() == [0, 1, 2, 3, 4, 5])
    }
    responder.join()
  }

  @Test("plans that cannot be are refused with the reason")
  func badPlans() throws {
    let (descriptor, responder) = try countingBus(.feetechSTS)
    do {
      var master = try makeMaster(descriptor, .feetechSTS)
      var wrong = plan(.feetechSTS)
      wrong.ids = [1, 1]
      #expect(throws: BusError.self) { try master.prepareCycle(wrong) }
      wrong.ids = []
      #expect(throws: BusError.self) { try master.prepareCycle(wrong) }
      wrong = plan(.feetechSTS, method: .fast)
      #expect(wrong.problem(on: .feetechSTS) == "feetech has no fast sync read")
      wrong.ids = Array(1...32)
      wrong.method = .sync
      wrong.writeLength = 7
      #expect(wrong.problem(on: .feetechSTS) == "32 servos with 7 bytes each do not fit one sync write")
      #expect(plan(.feetechSTS).problem(on: .feetechSCS) == "feetech-scs has no sync read; read the servos one by one")
    }
    responder.join()
  }
}
