import BusTrials
import CSystem
import Foundation
import ServoBus
import Testing
import VirtualServos

/// Cycles of each trial: SINEW_BUS_TRIAL_CYCLES, 500 by default: one block. `tools/test` runs 10,000 in release.
private let cycles = ProcessInfo.processInfo.environment["SINEW_BUS_TRIAL_CYCLES"].flatMap { Int($0) } ?? 500

@Suite
struct BusTrialTests {
  @Test(
    "whatever goes wrong on a bus, nothing wrong or old is believed, no cycle is late, and the bus recovers at once",
    arguments: BusTrial.Bus.allCases, TrialFault.allCases)
  func trials(bus: BusTrial.Bus, fault: TrialFault) throws {
    let result = try BusTrial(bus, fault, cycles: cycles).run()
    #expect(result.holds, "\(result)")
    switch fault {
    case .none, .echo, .garbage: #expect(result.complete == cycles && result.retries == 0)
    case .bitErrors1e4: #expect(result.damaged > 0 && result.retries > 0 && result.completeness > 0.98)
    case .bitErrors1e3: #expect(result.damaged > 0 && result.retries > 0)
    case .duplicates: #expect(result.duplicates > 0 && result.complete == cycles)
    case .late: #expect(result.stale > 0 && result.complete == cycles)
    // The cable is out for twenty cycles of five hundred, the servo without power for twenty.
    case .unplug, .brownOut: #expect(result.complete < cycles && result.completeness > 0.9)
    case .bitErrors1e5, .byteDrops, .packetDrops: #expect(result.completeness > 0.99)
    case .all: #expect(result.retries > 0 && result.stale > 0 && result.completeness > 0.85)
    }
  }

  @Test("the same seed gives the same trial, another one another")
  func reproducible() throws {
    let trial = BusTrial(.feetech, .bitErrors1e4, cycles: 200, seed: 3)
    let first = try trial.run()
    #expect(try trial.run() == first)
    #expect(try BusTrial(.feetech, .bitErrors1e4, cycles: 200, seed: 4).run() != first)
  }

  @Test("on a bus at 1 Mbit/s a cycle makes six system calls: it sleeps while the answers are on the wire")
  func systemCalls() throws {
    for bus in [BusTrial.Bus.feetech, .dynamixel] {
      let result = try BusTrial(bus, .none, cycles: 200).run()
      #expect(result.systemCalls <= 6.2, "\(bus): \(result.systemCalls)")
    }
    #expect(try BusTrial(.dynamixelFast, .none, cycles: 200).run().systemCalls <= 4.1)
  }
}

/// The bus master against virtual servos on a line of their own.
@Suite
struct VirtualLineTests {
  private func withMaster(
    _ servos: [ServoSetup], latency: Int64 = 0, _ body: (inout BusMaster, VirtualLine) throws -> Void
  ) throws {
    let timing = VirtualServos.BusTiming(baud: 1_000_000, turnaround: 20_000, usbLatency: latency)
    let bus = try VirtualServoBus(VirtualBusConfiguration(servos: servos, timing: timing))
    let line = VirtualLine(bus)
    let wire: WireProtocol = servos[0].model.servoProtocol == .dynamixel2 ? .dynamixel2 : .feetechSTS
    var master = BusMaster(line.makeTransport(), wire: wire, timing: ServoBus.BusTiming(baud: 1_000_000))
    try body(&master, line)
  }

  private func setups(_ name: String, _ ids: [UInt8], apart: Double = 0) throws -> [ServoSetup] {
    let model = try VirtualServos.ServoModel.named(name)
    return ids.enumerated().map { index, id in
      let delay = name.hasPrefix("sts") ? 7 : 9
      return ServoSetup(model, id: id, zeroTicks: 1000 + apart * Double(index), registers: [delay: 0])
    }
  }

  @Test("two servos with one id are found out by their damaged answers", arguments: ["sts3215-7v4", "xl330-m288"])
  func duplicates(model: String) throws {
    try withMaster(try setups(model, [1, 2, 2, 3], apart: 333)) { master, _ in
      #expect(try master.lookForDuplicates(of: 1).verdict == .one)
      let two = try master.lookForDuplicates(of: 2)
      #expect(two.verdict == .several && two.damaged + two.doubled >= 4, "\(two)")
      #expect(try master.lookForDuplicates(of: 3).verdict == .one)
      #expect(try master.lookForDuplicates(of: 9).verdict == .silent)
      // And the bus is in order afterwards.
      #expect(try master.ping(3).id == 3)
    }
  }

  @Test("a line with noise now and then is called noisy, not taken for two servos")
  func noise() throws {
    try withMaster(try setups("sts3215-7v4", [1])) { master, line in
      var faults = FaultSettings()
      faults.garbage = 0.2
      line.bus.faults = faults
      let verdict = try master.lookForDuplicates(of: 1, tries: 40).verdict
      #expect(verdict == .noisy)
    }
  }

  @Test("a broadcast ping lists every servo; on other protocols it is refused")
  func broadcastPing() throws {
    try withMaster(try setups("xl330-m288", [1, 2, 2, 5])) { master, _ in
      let found = try master.broadcastPing()
      #expect(found.answers.map(\.id) == [1, 2, 5] && found.answers.map(\.count) == [1, 2, 1])
      #expect(found.damaged == 0)
    }
    try withMaster(try setups("sts3215-7v4", [1])) { master, _ in
      #expect(throws: BusError.self) { try master.broadcastPing() }
    }
  }

  @Test("registers that lie apart are read as one block", arguments: ["xl330-m288", "xm430-w350"])
  func indirect(name: String) throws {
    try withMaster(try setups(name, [4])) { master, _ in
      let model = try #require(ServoBus.ServoModel.named(name))
      let names = ["present_position", "present_speed", "present_temperature", "hardware_error"]
      let block = try master.gatherRegisters(names, of: 4, model)
      #expect(block.address == (name == "xl330-m288" ? 208 : 224) && block.length == 10)
      let bytes = try master.read(4, address: block.address, count: block.length)
      var direct: [UInt8] = []
      for name in names {
        let register = try #require(model.register(name))
        direct += try master.read(4, address: register.address, count: register.width)
      }
      #expect(bytes == direct && bytes[0..<2] != [0, 0])
      let tooMany = [String](repeating: "present_position", count: 8)
      let error = try #require(throws: BusError.self) { try master.gatherRegisters(tooMany, of: 4, model) }
      #expect(error.kind == .invalidRequest)
      #expect(throws: BusError.self) { try master.gatherRegisters(["no_such"], of: 4, model) }
    }
  }

  @Test(
    "a registered write waits for the action that the servo then acknowledges",
    arguments: ["sts3215-7v4", "xl330-m288"])
  func action(name: String) throws {
    try withMaster(try setups(name, [1, 2])) { master, _ in
      let led = name.hasPrefix("sts") ? 41 : 65
      for id in [1, 2] as [UInt8] { try master.registerWrite(id, address: led, [1]) }
      #expect(try master.read(1, address: led, count: 1) == [0])
      try master.action(1)
      #expect(try master.read(1, address: led, count: 1) == [1] && master.read(2, address: led, count: 1) == [0])
      try master.action()
      #expect(try master.read(2, address: led, count: 1) == [1])
      if name.hasPrefix("xl") {
        let error = try #require(throws: BusError.self) { try master.action(1) }
        #expect(error.kind == .refused)
      }
    }
  }

  @Test("the time allowed for an answer follows what answers take: up at once, down slowly")
  func learnedLatency() throws {
    try withMaster(try setups("sts3215-7v4", [1, 2]), latency: 500_000) { master, line in
      _ = try master.measureLatency(1, address: 56)
      let measured = master.timing.latency
      #expect((1_500_000...1_800_000).contains(measured))
      try master.prepareCycle(CyclePlan(ids: [1, 2], readAddress: 56, readLength: 8, spareBytes: 7))
      // Answers that come 2 ms late: asked for again, believed when they come, and waited for from then on.
      var faults = FaultSettings()
      (faults.late, faults.lateBy) = (1, 2_000_000)
      line.bus.faults = faults
      var retries = 0
      for cycle in 0..<50 {
        let report = try master.cycle(writes: false, deadline: master.now + 20_000_000)
        #expect(report.isComplete)
        if cycle >= 5 { retries += report.retries }
        line.advance(to: master.now + 5_000_000)
      }
      #expect(retries == 0 && master.timing.latency > 6_000_000)
      line.bus.faults = FaultSettings()
      let high = master.timing.latency
      for _ in 0..<3000 { _ = try master.cycle(writes: false, deadline: master.now + 20_000_000) }
      #expect(master.timing.latency < high / 3)
    }
  }

  @Test("where time for a second try would be lacking, the first is waited for until the deadline")
  func patience() throws {
    try withMaster(try setups("sts3215-7v4", [1, 2])) { master, line in
      _ = try master.measureLatency(1, address: 56)
      try master.prepareCycle(CyclePlan(ids: [1, 2], readAddress: 56, readLength: 8, spareBytes: 7))
      var faults = FaultSettings()
      (faults.late, faults.lateBy) = (1, 700_000)
      line.bus.faults = faults
      let report = try master.cycle(writes: false, deadline: master.now + 1_250_000)
      #expect(report.isComplete && report.retries == 0)
      // One that never comes costs no more than the deadline.
      faults = FaultSettings()
      faults.packetDrop = 1
      line.bus.faults = faults
      let deadline = master.now + 1_250_000
      let lost = try master.cycle(writes: false, deadline: deadline)
      #expect(lost.missing == 2 && lost.finished <= deadline + 20_000)
    }
  }

  @Test("a cable that was pulled is told at once, and the bus goes on with the next transport")
  func replug() throws {
    try withMaster(try setups("xl330-m288", [1, 2])) { master, line in
      try master.prepareCycle(
        CyclePlan(ids: [1, 2], readAddress: 126, readLength: 10, spareBytes: 11, writeAddress: 116, writeLength: 4))
      #expect(try master.cycle(writes: false, deadline: master.now + 10_000_000).isComplete)
      let old = master.stamp(of: 0)
      line.unplug(at: master.now + 300_000)
      let deadline = master.now + 10_000_000
      var code: TransportError.Code?
      do throws(TransportError) { _ = try master.cycle(writes: false, deadline: deadline) } catch { code = error.code }
      #expect(code == .hungUp && master.now < deadline && master.stamp(of: 0) == old)
      line.plug()
      master.replaceTransport(line.makeTransport())
      #expect(try master.cycle(writes: false, deadline: master.now + 10_000_000).isComplete)
      #expect(master.stamp(of: 0) > old)
    }
  }
}
