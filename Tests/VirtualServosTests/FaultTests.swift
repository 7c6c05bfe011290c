import Testing
import VirtualServos

@Suite struct FaultTests {
  private static let read = Host.long(0xFE, 0x82, [132, 0, 4, 0, 1, 2])

  /// 2000 sync reads of two servos; every byte with the time it came.
  private func run(
    _ faults: FaultSettings, seed: UInt64, cycles: Int = 2000
  ) throws -> (bytes: [[UInt8]], times: [Int64], state: BusState) {
    let host = try Host(
      "xl330-m288", count: 2, timing: BusTiming(baud: 1_000_000), faults: faults, seed: seed, registers: [9: 0])
    var answers: [[UInt8]] = []
    var times: [Int64] = []
    for _ in 0..<cycles {
      host.bus.send(Self.read, at: host.now)
      let end = host.now + 10_000_000
      while let next = host.bus.nextDelivery, next <= end {
        times.append(next)
        answers.append(host.bus.read(at: next))
      }
      host.now = end
    }
    return (answers, times, host.bus.state)
  }

  private static var stress: FaultSettings {
    var faults = FaultSettings()
    faults.bitErrorsToHost = 1e-4
    faults.bitErrorsToServos = 1e-4
    faults.byteDrop = 1e-4
    faults.packetDrop = 1e-2
    faults.garbage = 1e-2
    faults.duplicate = 1e-2
    faults.late = 1e-2
    faults.split = 1e-2
    return faults
  }

  @Test("the same seed gives the same bytes at the same times, another seed others")
  func determinism() throws {
    let (first, again, other) = try (
      run(Self.stress, seed: 1), run(Self.stress, seed: 1), run(Self.stress, seed: 2)
    )
    #expect(first.bytes == again.bytes)
    #expect(first.times == again.times)
    #expect(first.state == again.state)
    #expect(first.bytes != other.bytes)
  }

  @Test("every kind of fault strikes about as often as asked for")
  func rates() throws {
    let faults = try run(Self.stress, seed: 3, cycles: 10_000).state.faults
    // About 20,000 answers of 15 bytes and 10,000 requests of 16 bytes.
    #expect((25...75).contains(faults.droppedBytes), "\(faults.droppedBytes)")
    #expect((300...460).contains(faults.bitErrors), "\(faults.bitErrors)")
    for count in [faults.droppedPackets, faults.garbage, faults.duplicates, faults.splits] {
      #expect((140...260).contains(count), "\(count)")
    }
    #expect((60...140).contains(faults.late), "\(faults.late)")
  }

  @Test("one fault does not shift the chances of another")
  func independence() throws {
    var flips = FaultSettings()
    flips.bitErrorsToHost = 1e-3
    let alone = try run(flips, seed: 5)
    flips.showsRequestCount = false
    flips.bitErrorsToServos = 1e-9
    #expect(try run(flips, seed: 5).bytes == alone.bytes)
  }

  @Test("a late answer comes late, whole, and after the ones behind it")
  func late() throws {
    var faults = FaultSettings()
    faults.lateAt = 2
    faults.showsRequestCount = true
    let host = try Host("sts3215-7v4", timing: BusTiming(baud: 1_000_000), faults: faults)
    let read = Host.short(1, 2, [56, 2])
    #expect(host.exchange(read)[5] == 1)
    #expect(host.exchange(read).isEmpty)
    #expect(host.exchange(read)[5] == 3)
    host.now += 50_000_000
    #expect(host.bus.read(at: host.now).isEmpty)
    host.now += 20_000_000
    #expect(host.bus.read(at: host.now)[5] == 2, "80 ms after its time, with the value of its time")
  }

  @Test("a brown-out silences one servo for 200 ms; it comes back with torque off and its RAM forgotten")
  func brownOut() throws {
    let faults = try FaultSettings.parse(["brown-out=2@4"])
    let host = try Host("sts3215-7v4", count: 2, faults: faults)
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(2, 40, 1, size: 1)
    _ = host.write1(2, 41, 30, size: 1)
    #expect(host.exchange(Host.short(2, 1, [])).isEmpty)
    #expect(!host.exchange(Host.short(1, 1, [])).isEmpty)
    host.wait(0.17)
    #expect(host.exchange(Host.short(2, 1, [])).isEmpty)
    host.wait(0.02)
    #expect(host.read1(2, 40, size: 1) == 0)
    #expect(host.read1(2, 41, size: 1) == 0)
    #expect(host.read1(1, 40, size: 1) == 1)
  }

  @Test("an overload on demand latches in every family", arguments: ["sts3215-7v4", "xl330-m288", "ax-12a"])
  func overload(model: String) throws {
    let host = try Host(model, faults: try FaultSettings.parse(["overload=1@3"]))
    let ping = model.hasPrefix("x") ? Host.long(1, 1, []) : Host.short(1, 1, [])
    let place = model.hasPrefix("x") ? 8 : 4
    #expect(host.exchange(ping)[place] == 0)
    #expect(host.exchange(ping)[place] == 0)
    #expect(host.exchange(ping)[place] != 0)
    #expect(host.exchange(ping)[place] != 0)
  }

  @Test("after k answers the line hangs up for good")
  func hangUp() throws {
    let host = try Host("sts3215-7v4", faults: try FaultSettings.parse(["hang-up-after=2"]))
    let ping = Host.short(1, 1, [])
    #expect(!host.exchange(ping).isEmpty)
    #expect(!host.bus.isDisconnected)
    #expect(!host.exchange(ping).isEmpty)
    #expect(host.bus.isDisconnected)
    #expect(host.exchange(ping).isEmpty)
  }

  @Test("wrong rate: servos hear the host only at the rate in their registers")
  func baud() throws {
    let host = try Host(
      "sts3215-7v4", count: 2, timing: BusTiming(baud: 1_000_000, checksBaud: true), registers: [6: 4])
    let ping = Host.short(1, 1, [])
    #expect(host.exchange(ping).isEmpty)
    host.bus.hostBaud = 115_200
    #expect(!host.exchange(ping).isEmpty)
    _ = host.exchange(Host.short(1, 3, [6, 0]))
    #expect(host.exchange(ping).isEmpty)
    host.bus.hostBaud = 1_000_000
    #expect(!host.exchange(ping).isEmpty)
  }

  @Test("split answers come in pieces that make the whole")
  func split() throws {
    var faults = FaultSettings()
    faults.split = 1
    let result = try run(faults, seed: 9, cycles: 50)
    #expect(result.bytes.count > 100)
    #expect(result.bytes.reduce(0) { $0 + $1.count } == 50 * 30)
  }

  @Test(
    "texts that make no fault are refused in one line",
    arguments: [
      ("garbage", "fault 'garbage' has no value"), ("garbage=2", "not a probability"), ("late-at=0", "whole number"),
      ("mute=9-2", "not a list of ids"), ("brown-out=3", "ID@REQUEST"), ("garbadge=0.1", "did you mean 'garbage'?"),
      ("request-count=perhaps", "true or false"), ("late-by=-1", "seconds"), ("mute=1,1", "appears twice"),
    ])
  func refusals(text: String, part: String) {
    let error = #expect(throws: VirtualServoError.self) { try FaultSettings.parse([text]) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test("set-ups that make no bus are refused in one line")
  func badBuses() throws {
    let (sts, xl) = (try ServoModel.named("sts3215-7v4"), try ServoModel.named("xl330-m288"))
    #expect(throws: VirtualServoError.self) { try VirtualServoBus(VirtualBusConfiguration(servos: [])) }
    #expect(throws: VirtualServoError.self) {
      try VirtualServoBus(VirtualBusConfiguration(servos: [ServoSetup(sts, id: 1), ServoSetup(xl, id: 2)]))
    }
    #expect(throws: VirtualServoError.self) {
      try VirtualServoBus(
        VirtualBusConfiguration(servos: [ServoSetup(sts, id: 1)]), physics: ScriptedPhysics(ticks: [1, 2]))
    }
    #expect(throws: VirtualServoError.self) { try ServoModel.named("sts3512") }
    #expect(throws: VirtualServoError.self) { try ServoSetup.servos(sts, ids: [1], baud: 2_000_000) }
    #expect(throws: VirtualServoError.self) { try ServoSetup.servos(sts, ids: [1], returnDelay: 3) }
  }

  @Test("a recording holds what passed, in order")
  func recording() throws {
    let host = try Host("sts3215-7v4", timing: BusTiming(baud: 1_000_000)) { $0.recordingLimit = 3 }
    _ = host.exchange(Host.short(1, 1, []))
    _ = host.exchange(Host.short(1, 1, []))
    #expect(host.bus.recording.map { $0.kind } == [.host, .instruction, .servo])
    #expect(host.bus.recording[0].line == "0.0 host FF FF 01 02 01 FB")
    #expect(host.bus.recording[2].line == "120.0 servo FF FF 01 02 00 FC")
  }
}
