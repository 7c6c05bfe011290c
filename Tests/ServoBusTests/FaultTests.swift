import CSystem
import Foundation
import Numerics
import ServoBus
import Synchronization
import Testing

/// One fault at a time, and afterwards a clean bus again.
@Suite
struct FaultTests {
  /// Runs cycles over a faulty bus. In every cycle, whatever answered must be from this cycle's requests: the counter
  /// that the far end sends counts requests, and every request belongs to the cycle in which it was sent.
  private func run(
    _ wire: WireProtocol, cycles: Int, spare: Int = 15, method: CyclePlan.Method = .sync, silence: Int64 = 40_000_000,
    _ distort: @escaping (Int, UInt8, [UInt8]) -> [Reply]
  ) throws -> (complete: Int, wrong: Int, counters: BusCounters) {
    let (descriptor, responder) = try countingBus(wire, distort)
    var (complete, wrong) = (0, 0)
    var counters = BusCounters()
    do {
      var master = try makeMaster(descriptor, wire, latency: silence, silence: silence)
      try master.prepareCycle(plan(wire, spare: spare, method: method))
      for _ in 0..<cycles {
        let first = Int(master.counters.requests)
        let report = try master.cycle(writes: false, deadline: sinew_now_ns() + far)
        let last = Int(master.counters.requests)
        complete += report.isComplete ? 1 : 0
        for servo in 0..<6 where report.answered & (1 << UInt32(servo)) != 0 {
          let data = master.data(of: servo)
          let value = Int(data[0]) | Int(data[1]) << 8
          if !(first..<last).contains(value) || Int(data[2]) != servo + 1 { wrong += 1 }
        }
      }
      counters = master.counters
    }
    responder.join()
    return (complete, wrong, counters)
  }

  @Test("a damaged answer is asked for again within the cycle", arguments: [WireProtocol.feetechSTS, .dynamixel2])
  func bitErrors(wire: WireProtocol) throws {
    let result = try run(wire, cycles: 60) { number, id, bytes in
      var bytes = bytes
      if number % 10 == 4, id == 3 { bytes[bytes.count - 3] ^= 0x10 }
      return [Reply(bytes: bytes)]
    }
    #expect(result.complete == 60 && result.wrong == 0)
    #expect(result.counters.checksum >= 6 && (6...result.counters.timeouts).contains(result.counters.retries))
  }

  @Test(
    "garbage before and between answers costs nothing but its counter",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel2,
    ])
  func garbage(wire: WireProtocol) throws {
    let result = try run(wire, cycles: 50) { number, id, bytes in
      [Reply(bytes: (id == 2 ? [0xFF, 0xFF, 0x31, 0xFF, 0xFF] : []) + bytes)]
    }
    #expect(result.complete == 50 && result.wrong == 0 && result.counters.retries == 0)
    #expect(result.counters.garbageBytes == 250)
  }

  @Test("answers that come twice are accepted once", arguments: [WireProtocol.feetechSTS, .dynamixel2])
  func duplicates(wire: WireProtocol) throws {
    let result = try run(wire, cycles: 50) { _, id, bytes in [Reply(bytes: id == 4 ? bytes + bytes : bytes)] }
    #expect(result.complete == 50 && result.wrong == 0)
    #expect(result.counters.duplicates == 50 && result.counters.answers == 300)
  }

  @Test(
    "answers from servos that were not asked are counted, not believed",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel2,
    ])
  func foreign(wire: WireProtocol) throws {
    let result = try run(wire, cycles: 20) { _, id, bytes in
      [Reply(bytes: (id == 1 ? answer(wire, id: 99, [UInt8](repeating: 1, count: 8)) : []) + bytes)]
    }
    #expect(result.complete == 20 && result.wrong == 0 && result.counters.foreign == 20)
  }

  @Test(
    "an adaptor that echoes what is sent changes nothing",
    arguments: [
      (WireProtocol.feetechSTS, CyclePlan.Method.sync), (.dynamixel2, .sync), (.dynamixel2, .fast),
    ])
  func echo(wire: WireProtocol, method: CyclePlan.Method) throws {
    let (descriptor, responder) = try Responder.start { pending, number in
      guard let request = Request.take(wire, from: &pending) else { return [] }
      guard let read = request.asSyncRead(wire) else { return [Reply(bytes: request.raw)] }
      if request.instruction == 0x8A {
        var bytes: [UInt8] = [0xFF, 0xFF, 0xFD, 0, 0xFE, UInt8(1 + read.ids.count * (4 + read.count)), 0, 0x55]
        for id in read.ids { bytes = withCRC(bytes + [0, id] + counterData(number, id: id, count: read.count)) }
        return [Reply(bytes: request.raw + bytes)]
      }
      let answers = read.ids.map { answer(wire, id: $0, counterData(number, id: $0, count: read.count)) }
      return [Reply(bytes: request.raw + answers.joined())]
    }
    do {
      var master = try makeMaster(descriptor, wire)
      try master.prepareCycle(plan(wire, method: method))
      for _ in 0..<20 {
        #expect(try master.cycle(writes: true, deadline: sinew_now_ns() + far).isComplete)
        #expect(master.counterValues() != nil)
      }
      #expect(master.counters.echoes == 40 && master.counters.garbageBytes == 0 && master.counters.retries == 0)
    }
    responder.join()
  }

  @Test(
    "a servo that stays silent keeps its old datum, and the others are read",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel2,
    ])
  func mute(wire: WireProtocol) throws {
    let isMute = Atomic<Bool>(false)
    let (descriptor, responder) = try withUnsafePointer(to: isMute) { flag in
      nonisolated(unsafe) let flag = flag  // outlives the responder, which is joined below
      return try countingBus(wire) { _, id, bytes in
        id == 5 && flag.pointee.load(ordering: .sequentiallyConsistent) ? [] : [Reply(bytes: bytes)]
      }
    }
    do {
      var master = try makeMaster(descriptor, wire, latency: 40_000_000, silence: 40_000_000)
      try master.prepareCycle(plan(wire))
      _ = try master.cycle(writes: false, deadline: sinew_now_ns() + far)
      let old = master.stamp(of: 4)
      isMute.store(true, ordering: .sequentiallyConsistent)
      for count in 1...6 {
        let report = try master.cycle(writes: false, deadline: sinew_now_ns() + far)
        #expect(report.answered & 0b010000 == 0 && report.missing >= 1)
        #expect(master.stamp(of: 4) == old && master.missedCycles(of: 4) == count)
        // A servo that has been silent for three cycles is asked once a cycle only.
        if count > 3 { #expect(report.retries == 0) }
      }
      isMute.store(false, ordering: .sequentiallyConsistent)
      var cycles = 0
      while master.missedCycles(of: 4) > 0, cycles < 10 {
        _ = try master.cycle(writes: false, deadline: sinew_now_ns() + far)
        cycles += 1
      }
      #expect(cycles == 1)
    }
    responder.join()
  }

  @Test(
    "late answers are never taken for the ones asked for",
    arguments: [
      (WireProtocol.feetechSTS, 15), (.feetechSTS, 0), (.dynamixel2, 15), (.dynamixel2, 0),
    ])
  func late(wire: WireProtocol, spare: Int) throws {
    // Every seventh request's answers come only after the answer to the next one was asked for: in front of it.
    nonisolated(unsafe) var kept: [UInt8] = []  // used by the responder's thread only
    let result = try run(wire, cycles: 60, spare: spare, silence: 40_000_000) { number, id, bytes in
      if number % 7 == 3 {
        kept += bytes
        return [Reply(bytes: [])]
      }
      defer { if id == 1 { kept = [] } }
      return [Reply(bytes: id == 1 ? kept + bytes : bytes)]
    }
    #expect(result.wrong == 0)
    #expect(result.complete >= 45)
    // With spare lengths a late answer is known for what it is, and good enough within its own cycle.
    #expect(result.counters.stale + result.counters.late > 0)
  }

  @Test("an answer that came after its cycle is not taken for one to the next request")
  func drained() throws {
    let (descriptor, responder) = try countingBus(.feetechSTS) { number, _, bytes in
      [Reply(pause: number == 0 ? 8_000_000 : 0, bytes: bytes)]
    }
    do {
      var master = try makeMaster(descriptor, .feetechSTS, latency: 2_000_000, silence: 2_000_000)
      master.cycleRetries = 0
      try master.prepareCycle(plan(.feetechSTS, spare: 0))
      #expect(try !master.cycle(writes: false, deadline: sinew_now_ns() + far).isComplete)
      _ = sinew_sleep_until_ns(sinew_now_ns() + 200_000_000)
      master.timing.latency = 100_000_000
      #expect(try master.cycle(writes: false, deadline: sinew_now_ns() + far).isComplete)
      #expect(master.counterValues() == [Int](repeating: 1, count: 6))
      #expect(master.counters.stale + master.counters.late >= 5)
    }
    responder.join()
  }

  @Test("the cycle ends by its deadline, however much is missing")
  func deadline() throws {
    let (descriptor, responder) = try countingBus(.feetechSTS) { _, _, _ in [] }
    do {
      var master = try makeMaster(descriptor, .feetechSTS, latency: 1_000_000_000, silence: 1_000_000_000)
      try master.prepareCycle(plan(.feetechSTS))
      let began = sinew_now_ns()
      let report = try master.cycle(writes: true, deadline: began + 10_000_000)
      #expect(!report.isComplete && report.retries == 0)
      #expect(sinew_now_ns() - began < 500_000_000)
    }
    responder.join()
  }

  @Test("a port that hangs up is told from silence at once", arguments: [WireProtocol.feetechSTS, .dynamixel2])
  func hangUp(wire: WireProtocol) throws {
    let (descriptor, responder) = try Responder.start { pending, number in
      guard let request = Request.take(wire, from: &pending), let read = request.asSyncRead(wire) else { return [] }
      if number == 5 { return nil }
      return read.ids.map { Reply(bytes: answer(wire, id: $0, counterData(number, id: $0, count: read.count))) }
    }
    do {
      var master = try makeMaster(descriptor, wire, latency: 1_000_000_000, silence: 1_000_000_000)
      try master.prepareCycle(plan(wire))
      var cycles = 0
      let began = sinew_now_ns()
      var code: TransportError.Code?
      while code == nil, cycles < 20 {
        do throws(TransportError) {
          _ = try master.cycle(writes: true, deadline: sinew_now_ns() + far)
          cycles += 1
        } catch { code = error.code }
      }
      #expect(code == .hungUp && cycles == 5)
      #expect(sinew_now_ns() - began < 900_000_000)
      // And for ever after.
      #expect(throws: BusError.self) { try master.read(1, address: 56, count: 2) }
    }
    responder.join()
  }

  @Test(
    "random faults of every kind: nothing wrong is believed, and the bus recovers",
    arguments: [
      WireProtocol.feetechSTS, .dynamixel2,
    ])
  func everything(wire: WireProtocol) throws {
    nonisolated(unsafe) var random = RandomStream(seed: 9, name: "servo bus faults")  // the responder's thread only
    nonisolated(unsafe) var kept: [UInt8] = []
    let result = try run(wire, cycles: 150, silence: 25_000_000) { number, id, bytes in
      guard number < 150 else { return [Reply(bytes: bytes)] }
      var bytes = bytes
      switch random.below(60) {
      case 0: bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
      case 1: bytes.removeLast(1 + random.below(bytes.count - 1))
      case 2: bytes = random.bytes(1 + random.below(16)) + bytes
      case 3: bytes += bytes
      case 4: bytes = []
      case 5:
        kept = bytes
        bytes = []
      case 6:
        bytes = kept + bytes
        kept = []
      default: break
      }
      return [Reply(bytes: bytes)]
    }
    #expect(result.wrong == 0)
    #expect(result.complete > 120)
  }
}
