import BusTrials
import CSystem
import ServoBus
import Testing
import VirtualServos

/// Answers that come after their cycle: believed with their age where it is certain whose they are, and waited for.
@Suite
struct LateAnswerTests {
  /// A cycle every 10 ms that must end within 7, on servos that number their answers and say them `lateBy` late.
  private final class Scene {
    let line: VirtualLine
    var master: BusMaster
    private var spoken: [SpokenAnswer] = []

    init(_ model: String, lateBy: Int64) throws {
      let model = try VirtualServos.ServoModel.named(model)
      let isFeetech = model.servoProtocol == .feetech
      let servos = (1...3).map { ServoSetup(model, id: $0, registers: [isFeetech ? 7 : 9: 0]) }
      let bus = try VirtualServoBus(
        VirtualBusConfiguration(servos: servos, timing: VirtualServos.BusTiming(baud: 1_000_000, turnaround: 20_000)))
      line = VirtualLine(bus)
      master = BusMaster(
        line.makeTransport(), wire: isFeetech ? .feetechSTS : .dynamixel2, timing: ServoBus.BusTiming(baud: 1_000_000))
      _ = try master.measureLatency(1, address: isFeetech ? 56 : 126)
      try master.prepareCycle(
        CyclePlan(
          ids: [1, 2, 3], readAddress: isFeetech ? 56 : 126, readLength: isFeetech ? 8 : 10,
          spareBytes: isFeetech ? 7 : 11, method: isFeetech ? .sync : .fast))
      line.bus.keepsAnswers = true
      var faults = FaultSettings()
      faults.showsRequestCount = true
      (faults.late, faults.lateBy) = (1, lateBy)
      line.bus.faults = faults
    }

    /// One cycle at its time; the servos' bits whose datum is new. Checks that no datum is older than its stamp.
    func cycle(_ number: Int, start: Int64) throws -> UInt32 {
      let began = start + Int64(number) * 10_000_000
      line.advance(to: began)
      let report = try master.cycle(writes: false, deadline: began + 7_000_000)
      #expect(line.now <= began + 7_050_000)
      spoken += line.bus.takeSpoken()
      let fresh = report.answered | report.belated
      for servo in 0..<3 where fresh & (1 << UInt32(servo)) != 0 {
        let bytes = Array(UnsafeBufferPointer(start: master.data(of: servo), count: 8))
        let said = spoken.last { $0.id == UInt8(servo + 1) && Array($0.data.prefix(8)) == bytes }
        let time = try #require(said?.time, "never said: \(bytes)")
        #expect(time >= master.stamp(of: servo))
      }
      return fresh
    }
  }

  @Test(
    "a bus that is always later than a cycle's time gives data of the cycle before, never a mute arm",
    arguments: ["sts3215-7v4", "xl330-m288"], [7_500_000, 11_000_000, 18_000_000] as [Int64])
  func alwaysLate(model: String, lateBy: Int64) throws {
    let scene = try Scene(model, lateBy: lateBy)
    let start = (scene.line.now / 10_000_000 + 1) * 10_000_000
    var without = 0
    var oldest: Int64 = 0
    for number in 0..<300 {
      let fresh = try scene.cycle(number, start: start)
      guard number >= 10 else { continue }
      if fresh != 7 { without += 1 }
      for servo in 0..<3 {
        let age = scene.line.now - scene.master.stamp(of: servo)
        oldest = max(oldest, age)
      }
    }
    // Now and then every length is owed, and one is left out.
    #expect(without < 30, "\(without) of 290 cycles without news")
    // Never as old as ten periods, at which a datum is too old to go on.
    #expect(oldest < 100_000_000)
    #expect(scene.master.counters.late > 700)
  }

  @Test(
    "what is later than it is waited for is never believed, whatever else was lost meanwhile",
    arguments: ["sts3215-7v4", "xl330-m288"])
  func tooLate(model: String) throws {
    let scene = try Scene(model, lateBy: 300_000_000)
    let start = (scene.line.now / 10_000_000 + 1) * 10_000_000
    for number in 0..<80 {
      // Lost when answers of the first cycle's length are waited for again: those that come then are the first cycle's.
      var faults = FaultSettings()
      faults.showsRequestCount = true
      if number == 26 { faults.packetDrop = 1 }
      if number > 0 { scene.line.bus.faults = faults }
      let fresh = try scene.cycle(number, start: start)
      #expect(fresh == (number == 0 || number == 26 ? 0 : 7), "cycle \(number)")
    }
    #expect(scene.master.counters.stale >= 3)
  }
}
