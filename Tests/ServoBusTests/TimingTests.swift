import ServoBus
import Testing

/// The deadlines are arithmetic: no clock in here.
@Suite
struct TimingTests {
  private let six: [UInt8] = [1, 2, 3, 4, 5, 6]

  @Test("bytes take ten bits each")
  func wire() {
    #expect(BusTiming(baud: 1_000_000).wire(112) == 1_120_000)
    #expect(BusTiming(baud: 57_600).wire(1) == 173_612)
    #expect(BusTiming(baud: 4_000_000).wire(190) == 475_000)
    #expect(BusTiming(baud: 1_000_000).wire(0) == 0)
  }

  @Test(
    "a cycle's bytes are those of the published table",
    arguments: [
      (WireProtocol.feetechSTS, CyclePlan.Method.sync, 6, 2, 14 + 26, 72),
      (.dynamixel2, .sync, 10, 4, 20 + 44, 126),
      (.dynamixel2, .fast, 10, 4, 20 + 44, 92),
      (.dynamixel2, .single, 10, 4, 84 + 44, 126),
    ])
  func bytes(wire: WireProtocol, method: CyclePlan.Method, read: Int, write: Int, request: Int, answer: Int) {
    let plan = CyclePlan(
      ids: six, readAddress: 56, readLength: read, writeAddress: 42, writeLength: write, method: method)
    #expect(plan.bytes(on: wire) == (request, answer))
  }

  @Test(
    "the rates a bus carries are those of the published table",
    arguments: [
      (WireProtocol.feetechSTS, CyclePlan.Method.sync, 1_000_000, 0.0, 893.0, 472.0, 58.0),
      (.feetechSTS, .sync, 1_000_000, 100, 581, 368, 56),
      (.dynamixel2, .sync, 1_000_000, 500, 204, 169, 48),
      (.dynamixel2, .sync, 4_000_000, 0, 2105, 678, 61),
      (.dynamixel2, .fast, 3_000_000, 0, 1923, 658, 61),
      (.dynamixel2, .sync, 57_600, 500, 28, 27, 19),
      (.dynamixel2, .single, 1_000_000, 0, 394, 117, 10),
    ])
  func rates(
    wire: WireProtocol, method: CyclePlan.Method, baud: Int, delay: Double, bus: Double, fast: Double, slow: Double
  ) {
    let feetech = wire == .feetechSTS
    let plan = CyclePlan(
      ids: six, readAddress: 56, readLength: feetech ? 6 : 10, writeAddress: 42, writeLength: feetech ? 2 : 4,
      method: method)
    for (latency, expected) in [(0, bus), (1_000_000, fast), (16_000_000, slow)] as [(Int64, Double)] {
      let timing = BusTiming(baud: baud, returnDelay: Int64(delay * 1000), latency: latency)
      #expect(abs(plan.rate(on: wire, timing: timing) - expected) < 0.6)
    }
  }

  @Test("deadlines follow from bytes, delays and measured latency")
  func limits() {
    let timing = BusTiming(
      baud: 1_000_000, returnDelay: 500_000, processing: 100_000, latency: 1_000_000, silence: 2_000_000)
    #expect(timing.bus(request: 20, answers: 6, answerBytes: 126) == 200_000 + 3_000_000 + 1_260_000)
    #expect(timing.limit(request: 20, answers: 6, answerBytes: 126) == 4_460_000 + 600_000 + 1_000_000)
    #expect(timing.firstByteLimit(request: 20) == 200_000 + 500_000 + 100_000 + 2_000_000)
    #expect(timing.gapLimit == 2_000_000)
    var slow = timing
    slow.latency = 16_000_000
    #expect(slow.gapLimit == 16_600_000 && slow.firstByteLimit(request: 20) == 16_800_000)
  }
}
