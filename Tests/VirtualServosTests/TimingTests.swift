import Testing
import VirtualServos

/// The time budget of one cycle of six servos, exact in virtual time.
@Suite struct TimingTests {
  struct Row: Sendable, CustomTestStringConvertible {
    let name: String, model: String, fast: Bool, baud: Int, returnDelay: Int, bus: Int64
    var testDescription: String { name }
  }

  static let rows = [
    Row(name: "Feetech 1M", model: "sts3215-7v4", fast: false, baud: 1_000_000, returnDelay: 0, bus: 1120),
    Row(name: "Feetech 1M RDT 100", model: "sts3215-7v4", fast: false, baud: 1_000_000, returnDelay: 100, bus: 1720),
    Row(name: "Feetech 1M RDT 500", model: "sts3215-7v4", fast: false, baud: 1_000_000, returnDelay: 500, bus: 4120),
    Row(name: "Dxl 1M", model: "xl330-m288", fast: false, baud: 1_000_000, returnDelay: 0, bus: 1900),
    Row(name: "Dxl 1M RDT 500", model: "xl330-m288", fast: false, baud: 1_000_000, returnDelay: 500, bus: 4900),
    Row(name: "Dxl 3M", model: "xl330-m288", fast: false, baud: 3_000_000, returnDelay: 0, bus: 633),
    Row(name: "Dxl 3M RDT 500", model: "xl330-m288", fast: false, baud: 3_000_000, returnDelay: 500, bus: 3633),
    Row(name: "Dxl 4M", model: "xl330-m288", fast: false, baud: 4_000_000, returnDelay: 0, bus: 475),
    Row(name: "Dxl 4M RDT 500", model: "xl330-m288", fast: false, baud: 4_000_000, returnDelay: 500, bus: 3475),
    Row(name: "Dxl fast 1M", model: "xl330-m288", fast: true, baud: 1_000_000, returnDelay: 0, bus: 1560),
    Row(name: "Dxl fast 3M", model: "xl330-m288", fast: true, baud: 3_000_000, returnDelay: 0, bus: 520),
    Row(name: "Dxl fast 4M", model: "xl330-m288", fast: true, baud: 4_000_000, returnDelay: 0, bus: 390),
    Row(name: "Dxl factory", model: "xl330-m288", fast: false, baud: 57_600, returnDelay: 500, bus: 35_986),
  ]

  /// Sync read of six servos, then a sync write as soon as the last answer is in; ends when the line is free again.
  private func cycle(_ row: Row, usbLatency: Int64) throws -> Int64 {
    let model = try ServoModel.named(row.model)
    let servos = try ServoSetup.servos(model, ids: [1, 2, 3, 4, 5, 6], returnDelay: row.returnDelay)
    let bus = try VirtualServoBus(
      VirtualBusConfiguration(servos: servos, timing: BusTiming(baud: row.baud, usbLatency: usbLatency)))
    let ids: [UInt8] = [1, 2, 3, 4, 5, 6]
    let read: [UInt8], write: [UInt8], expected: Int
    if model.servoProtocol == .feetech {
      read = Host.short(0xFE, 0x82, [56, 6] + ids)
      write = Host.short(0xFE, 0x83, [42, 2] + ids.flatMap { [$0, 0, 8] })
      expected = 72
    } else {
      read = Host.long(0xFE, row.fast ? 0x8A : 0x82, [126, 0, 10, 0] + ids)
      write = Host.long(0xFE, 0x83, [116, 0, 4, 0] + ids.flatMap { [$0, 0, 8, 0, 0] })
      expected = row.fast ? 92 : 126
    }
    bus.send(read, at: 0)
    var received = 0
    var now: Int64 = 0
    while let next = bus.nextDelivery {
      now = next
      received += bus.read(at: now).count
    }
    #expect(received == expected)
    bus.send(write, at: now)
    let end = now + BusTiming(baud: row.baud).wireTime(write.count)
    #expect(bus.state.counts.collisions == 0)
    return end
  }

  @Test("the line's time is the table's", arguments: rows)
  func busTime(row: Row) throws {
    #expect((try cycle(row, usbLatency: 0) + 500) / 1000 == row.bus)
  }

  @Test("an adaptor adds its latency once per exchange", arguments: [(Int64(1), Int64(472)), (16, 58)])
  func usb(milliseconds: Int64, rate: Int64) throws {
    let time = try cycle(Self.rows[0], usbLatency: milliseconds * 1_000_000)
    #expect((1_000_000_000 + time / 2) / time == rate)
  }

  @Test("answers arrive one by one, each when its last byte is over")
  func answersInTurn() throws {
    let host = try Host("sts3215-7v4", count: 2, timing: BusTiming(baud: 1_000_000))
    host.bus.send(Host.short(0xFE, 0x82, [56, 2, 1, 2]), at: 1000)
    // Ten bytes of request, eight of the first answer.
    let first: Int64 = 1000 + 100_000 + 80_000
    #expect(host.bus.nextDelivery == first)
    #expect(host.bus.read(at: 180_999).isEmpty)
    #expect(host.bus.read(at: 181_000).count == 8)
    #expect(host.bus.nextDelivery == 261_000)
  }

  @Test("a servo that is missing in a sync read leaves a gap; in a fast one it ends the answer")
  func gap() throws {
    var faults = FaultSettings()
    faults.mute = [1]
    let host = try Host("xl330-m288", count: 2, timing: BusTiming(baud: 1_000_000), faults: faults, registers: [9: 0])
    host.bus.send(Host.long(0xFE, 0x82, [132, 0, 4, 0, 1, 2]), at: 0)
    let second: Int64 = 160_000 + 150_000 + 150_000
    #expect(host.bus.nextDelivery == second)
    host.wait(0.01)
    #expect(host.exchange(Host.long(0xFE, 0x8A, [132, 0, 4, 0, 2, 1])).count == 8 + 8)
    #expect(host.exchange(Host.long(0xFE, 0x8A, [132, 0, 4, 0, 1, 2])).isEmpty)
  }

  @Test("the echo comes when the bytes are on the line, before the answer")
  func echo() throws {
    let host = try Host("sts3215-7v4", timing: BusTiming(baud: 1_000_000, echoes: true))
    let ping = Host.short(1, 1, [])
    host.bus.send(ping, at: 0)
    #expect(host.bus.read(at: 60_000) == ping)
    #expect(hex(host.bus.read(at: 120_000)) == "FF FF 01 02 00 FC")
  }

  @Test("who speaks while others do destroys both packets")
  func collisions() throws {
    let host = try Host("sts3215-7v4", count: 2, timing: BusTiming(baud: 1_000_000))
    host.bus.send(Host.short(1, 2, [56, 8]), at: 0)
    // The answer is on the line from 80 µs on.
    host.bus.send(Host.short(1, 1, []), at: 100_000)
    host.wait(0.01)
    #expect(host.bus.state.counts.collisions == 1)
    #expect(host.bus.state.counts.instructions == 1)
    // Feetech's broadcast ping: all at once.
    let host2 = try Host("sts3215-7v4", count: 2, timing: BusTiming(baud: 1_000_000))
    #expect(hex(host2.exchange(Host.short(0xFE, 1, []))) == "FF FF 00 02 00 F8")
    #expect(host2.bus.state.counts.collisions == 1)
  }
}
