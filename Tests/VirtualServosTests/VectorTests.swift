import Testing
import VirtualServos

/// Published exchanges, byte for byte. H = host, S = servos; no S line means silence.
@Suite struct VectorTests {
  struct Exchange: Sendable, CustomTestStringConvertible {
    let name: String, request: String, answer: String
    var testDescription: String { name }
  }

  @Test(
    "DYNAMIXEL 2.0: reads and pings as published",
    arguments: [
      Exchange(
        name: "ping", request: "FF FF FD 00 01 03 00 01 19 4E",
        answer: "FF FF FD 00 01 07 00 55 00 B0 04 34 B2 D4"),
      Exchange(
        name: "broadcast ping", request: "FF FF FD 00 FE 03 00 01 31 42",
        answer: "FF FF FD 00 01 07 00 55 00 B0 04 34 B2 D4 FF FF FD 00 02 07 00 55 00 B0 04 34 B8 E4"),
      Exchange(
        name: "read 70 of id 2", request: "FF FF FD 00 02 07 00 02 46 00 01 00 36 93",
        answer: "FF FF FD 00 02 05 00 55 00 00 53 A9"),
      Exchange(
        name: "sync read 132", request: "FF FF FD 00 FE 09 00 82 84 00 04 00 01 02 CE FA",
        answer:
          "FF FF FD 00 01 08 00 55 00 E8 03 00 00 AE 18 FF FF FD 00 02 08 00 55 00 25 08 00 00 B0 F6"),
      Exchange(
        name: "fast sync read 132", request: "FF FF FD 00 FE 09 00 8A 84 00 04 00 01 02 4D 72",
        answer: "FF FF FD 00 FE 11 00 55 00 01 E8 03 00 00 56 E3 00 02 25 08 00 00 88 29"),
      Exchange(
        name: "bulk read 144 and 146", request: "FF FF FD 00 FE 0D 00 92 01 90 00 02 00 02 92 00 01 00 1A 05",
        answer: "FF FF FD 00 01 06 00 55 00 32 00 C5 F7 FF FF FD 00 02 05 00 55 00 1F 12 29"),
    ])
  func longReads(exchange: Exchange) throws {
    let host = try Host("xl330-m288", count: 2, physics: ScriptedPhysics(ticks: [1000, 2085])) {
      $0.ambientTemperature = 31
    }
    #expect(host.exchange(exchange.request) == exchange.answer)
  }

  @Test("DYNAMIXEL 2.0: current, velocity and position in one sync read")
  func longFeedback() throws {
    let unit = 0.229 * 4096 / 60  // ticks/s
    let physics = ScriptedPhysics(ticks: [1000, 2085], speeds: [-3 * unit, -2 * unit], loads: [0, 0.005 / 1.47])
    let host = try Host("xl330-m288", count: 2, physics: physics)
    host.wait(0.01)
    #expect(
      host.exchange("FF FF FD 00 FE 09 00 82 7E 00 0A 00 01 02 38 92")
        == "FF FF FD 00 01 0E 00 55 00 00 00 FD FF FF FF E8 03 00 00 89 F2 "
        + "FF FF FD 00 02 0E 00 55 00 05 00 FE FF FF FF 25 08 00 00 76 45")
  }

  @Test("DYNAMIXEL 2.0: a position of 2048, and the manual's example of 166")
  func longPosition() throws {
    var host = try Host("xl330-m288", physics: ScriptedPhysics(ticks: [2048]))
    let request = "FF FF FD 00 01 07 00 02 84 00 04 00 1D 15"
    #expect(host.exchange(request) == "FF FF FD 00 01 08 00 55 00 00 08 00 00 1C 38")
    host = try Host("xl330-m288", physics: ScriptedPhysics(ticks: [166]))
    #expect(host.exchange(request) == "FF FF FD 00 01 08 00 55 00 A6 00 00 00 8C C0")
  }

  @Test("DYNAMIXEL 2.0: writes change what they say and answer with the empty status")
  func longWrites() throws {
    let host = try Host("xl330-m288", count: 2, physics: ScriptedPhysics(ticks: [1000, 2085]))
    let done = "FF FF FD 00 01 04 00 55 00 A1 0C"
    #expect(host.exchange("FF FF FD 00 01 06 00 03 40 00 01 DB 66") == done)
    #expect(host.bus.state.servos[0].isTorqueOn)
    #expect(host.exchange("FF FF FD 00 01 09 00 03 74 00 00 02 00 00 CA 89") == done)
    #expect(host.bus.register(0, at: 116) == 512)
    #expect(host.exchange("FF FF FD 00 01 09 00 03 74 00 00 08 00 00 42 89") == done)
    #expect(host.bus.register(0, at: 116) == 2048)
    #expect(host.exchange("FF FF FD 00 01 09 00 03 68 00 FE FF FF FF D6 3D") == done)
    #expect(host.bus.register(0, at: 104) == -2)
    // Registered, then done.
    #expect(host.exchange("FF FF FD 00 01 09 00 04 74 00 E8 03 00 00 83 2E") == done)
    #expect(host.bus.register(0, at: 116) == 2048)
    #expect(host.bus.register(0, at: 69) == 1)
    #expect(host.exchange("FF FF FD 00 01 03 00 05 02 CE") == done)
    #expect(host.bus.register(0, at: 116) == 1000)
    #expect(host.bus.register(0, at: 69) == 0)
    // Broadcasts are not answered.
    #expect(host.exchange("FF FF FD 00 FE 03 00 05 2A C2") == "")
    #expect(host.exchange("FF FF FD 00 FE 11 00 83 74 00 04 00 01 96 00 00 00 02 AA 00 00 00 82 87") == "")
    #expect(host.bus.register(0, at: 116) == 150)
    #expect(host.bus.register(1, at: 116) == 170)
    #expect(host.exchange("FF FF FD 00 01 08 00 10 01 44 58 4C 22 B1 DC") == done)
    #expect(host.exchange("FF FF FD 00 01 03 00 08 2F 4E") == done)
    #expect(host.exchange("FF FF FD 00 01 03 00 01 19 4E") == "", "it boots")
    host.wait(0.3)
    #expect(!host.bus.state.servos[0].isTorqueOn)
    #expect(host.exchange("FF FF FD 00 01 04 00 06 02 AB E6") == done)
  }

  @Test("DYNAMIXEL 2.0: a bulk write sets different registers of different servos")
  func longBulkWrite() throws {
    let host = try Host("xm430-w350", count: 2)
    #expect(host.exchange("FF FF FD 00 FE 10 00 93 01 20 00 02 00 A0 00 02 1F 00 01 00 50 B7 68") == "")
    #expect(host.bus.register(0, at: 32) == 160)
    #expect(host.bus.register(1, at: 31) == 80)
  }

  @Test("DYNAMIXEL 2.0: stuffing on the way in and out")
  func longStuffing() throws {
    let host = try Host("xl330-m288")
    // Position control with turns: the pattern FF FF FD 00 is the goal 16,646,143, beyond its range, so through
    // indirect data, which takes any byte.
    for index in 0..<8 { #expect(host.write2(1, 168 + 2 * index, 208 + index, size: 2) == 0) }
    let data: [UInt8] = [0xFF, 0xFF, 0xFD, 0xFF, 0xFF, 0xFD, 0x01, 0x02]
    let stuffed: [UInt8] = [0xFF, 0xFF, 0xFD, 0xFD, 0xFF, 0xFF, 0xFD, 0xFD, 0x01, 0x02]
    #expect(host.exchange(Host.long(1, 3, [208, 0] + stuffed)).count == 11)
    #expect((0..<8).map { host.bus.register(0, at: 208 + $0) } == data.map { Int($0) })
    // The published answer to a read of these eight bytes.
    #expect(
      hex(host.exchange(Host.long(1, 2, [208, 0, 8, 0])))
        == "FF FF FD 00 01 0E 00 55 00 FF FF FD FD FF FF FD FD 01 02 5B F0")
  }

  @Test("DYNAMIXEL 2.0: the published stuffed writes arrive as their bytes, unstuffed ones are not obeyed")
  func longStuffedGoals() throws {
    let host = try Host("xl330-m288")
    #expect(host.write2(1, 11, 4, size: 1) == 0)
    let before = host.bus.register(0, at: 116)
    // 0x00FDFFFF is beyond 256 turns: understood and refused.
    let answer = host.exchange("FF FF FD 00 01 0A 00 03 74 00 FF FF FD FD 00 21 E7")
    #expect(answer.hasPrefix("FF FF FD 00 01 04 00 55 04"))
    // Wrong on purpose: raw data behind a valid checksum.
    #expect(host.exchange("FF FF FD 00 01 09 00 03 74 00 FF FF FD 00 C9 07") == "")
    host.wait(0.02)
    #expect(host.exchange("FF FF FD 00 01 0D 00 03 74 00 FF FF FD FF FF FD 01 02 9A B3") == "")
    #expect(host.bus.register(0, at: 116) == before)
    #expect(host.exchange("FF FF FD 00 01 03 00 01 19 4E") != "", "and it listens again")
  }

  @Test(
    "Feetech: reads and pings as published",
    arguments: [
      Exchange(name: "ping", request: "FF FF 01 02 01 FB", answer: "FF FF 01 02 00 FC"),
      Exchange(name: "model", request: "FF FF 01 04 02 03 02 F3", answer: "FF FF 01 04 00 09 03 EE"),
      Exchange(name: "status of id 2", request: "FF FF 02 04 02 41 01 B5", answer: "FF FF 02 03 00 00 FA"),
      Exchange(
        name: "sync read 2 at 56", request: "FF FF FE 06 82 38 02 01 02 3C",
        answer: "FF FF 01 04 00 E8 03 0F FF FF 02 04 00 25 08 CC"),
      Exchange(
        name: "sync read 8 at 56", request: "FF FF FE 06 82 38 08 01 02 36",
        answer:
          "FF FF 01 0A 00 E8 03 05 00 28 00 4A 20 72 FF FF 02 0A 00 25 08 05 80 28 04 4A 20 AB"),
    ])
  func feetechReads(exchange: Exchange) throws {
    let physics = ScriptedPhysics(ticks: [1000, 2085], speeds: [5, -5], loads: [0.04, -0.04])
    let host = try Host("sts3215-7v4", count: 2, physics: physics) { $0.ambientTemperature = 32 }
    host.wait(0.01)
    #expect(host.exchange(exchange.request) == exchange.answer)
  }

  @Test("Feetech: the middle reads 2048")
  func feetechMiddle() throws {
    let host = try Host("sts3215-12v")
    #expect(host.exchange("FF FF 01 04 02 38 02 BE") == "FF FF 01 04 00 00 08 F2")
  }

  @Test("Feetech: writes change what they say and answer with the empty status")
  func feetechWrites() throws {
    let host = try Host("sts3215-7v4", count: 2, physics: ScriptedPhysics(ticks: [1000, 2085]))
    let done = "FF FF 01 02 00 FC"
    #expect(host.exchange("FF FF 01 04 03 28 01 CE") == done)
    #expect(host.bus.state.servos[0].isTorqueOn)
    #expect(host.exchange("FF FF 01 04 03 28 80 4F") == done)
    #expect(host.read1(1, 56, size: 2) == 2048, "the present position became the middle")
    #expect(host.exchange("FF FF 01 04 03 37 00 C0") == done)
    #expect(host.bus.register(0, at: 55) == 0)
    #expect(host.exchange("FF FF 01 05 03 2A FF 07 C6") == done)
    #expect(host.bus.register(0, at: 42) == 2047)
    #expect(host.exchange("FF FF 01 05 03 2A 64 80 E8") == done)
    #expect(host.bus.state.servos[0].goal == -100)
    #expect(host.exchange("FF FF 01 05 03 1F 55 08 7A") == done)
    #expect(host.read1(1, 56, size: 2) == 1085, "an offset of -85 shows 1000 as 1085")
    #expect(host.exchange("FF FF 01 0A 03 29 32 00 08 00 00 E8 03 A3") == done)
    #expect([41, 42, 44, 46].map { host.bus.register(0, at: $0) } == [50, 2048, 0, 1000])
    #expect(host.exchange("FF FF 01 05 04 2A E8 03 E0") == done)
    #expect(host.bus.register(0, at: 42) == 2048)
    #expect(host.bus.register(0, at: 64) == 1)
    #expect(host.exchange("FF FF FE 02 05 FA") == "")
    #expect(host.bus.register(0, at: 42) == 1000)
    #expect(host.exchange("FF FF FE 0A 83 2A 02 01 00 08 02 E8 03 52") == "")
    #expect([0, 1].map { host.bus.register($0, at: 42) } == [2048, 1000])
    #expect(host.exchange("FF FF FE 14 83 29 07 01 32 00 08 00 00 E8 03 02 32 E8 03 00 00 E8 03 0A") == "")
    #expect([0, 1].map { host.bus.register($0, at: 46) } == [1000, 1000])
  }
}
