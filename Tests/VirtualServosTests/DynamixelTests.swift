import Foundation
import Testing
import VirtualServos

@Suite struct DynamixelTests {
  @Test(
    "every model says its number and firmware",
    arguments: [
      ("xl330-m077", 1190), ("xl330-m288", 1200), ("xl430-w250", 1060), ("xm430-w350", 1020), ("xm540-w270", 1120),
    ])
  func numbers(model: String, number: Int) throws {
    let answer = try Host(model).exchange(Host.long(1, 1, []))
    #expect(Int(answer[9]) | Int(answer[10]) << 8 == number)
  }

  @Test("errors by number: access, length, range, limit, instruction")
  func errors() throws {
    let host = try Host("xl330-m288")
    #expect(host.write2(1, 132, 5, size: 4) == 7, "read-only")
    #expect(host.write2(1, 72, 1, size: 1) == 7, "nothing there")
    #expect(host.write2(1, 116, 5, size: 2) == 5, "half a register")
    #expect(host.write2(1, 118, 5, size: 2) == 5, "the other half")
    #expect(host.write2(1, 65, 2, size: 1) == 4, "light beyond 1")
    #expect(host.write2(1, 116, 4096, size: 4) == 6, "goal beyond the limit")
    #expect(host.write2(1, 104, 446, size: 4) == 6, "velocity beyond the limit")
    #expect(host.exchange(Host.long(1, 0x77, []))[8] == 2, "no such instruction")
    #expect(host.exchange(Host.long(1, 5, []))[8] == 2, "action without a registered write")
    #expect(host.exchange(Host.long(1, 2, [0xFF, 3, 1, 0]))[8] == 7, "beyond the table")
    #expect(host.write2(1, 64, 1, size: 1) == 0)
    #expect(host.write2(1, 11, 1, size: 1) == 7, "EEPROM while torque is on")
    // A damaged packet for this servo.
    var damaged = Host.long(1, 1, [])
    damaged[damaged.count - 1] ^= 0x40
    #expect(host.exchange(damaged)[8] == 3)
  }

  @Test("a write over several registers is taken as a whole or not at all")
  func allOrNothing() throws {
    let host = try Host("xl330-m288")
    // Profile acceleration, velocity and a goal beyond its limit.
    let data: [UInt8] = [5, 0, 0, 0, 6, 0, 0, 0, 0, 0x20, 0, 0]
    #expect(host.exchange(Host.long(1, 3, [108, 0] + data))[8] == 6)
    #expect(host.bus.register(0, at: 108) == 0)
    #expect(host.bus.register(0, at: 112) == 0)
  }

  @Test("status return level 0 answers pings only, 1 reads too")
  func statusLevel() throws {
    let host = try Host("xl330-m288")
    #expect(host.write2(1, 68, 1, size: 1) == 0, "the level before counts for this answer")
    #expect(host.write2(1, 65, 1, size: 1) == nil)
    #expect(host.read2(1, 65, size: 1) == 1)
    _ = host.write2(1, 68, 0, size: 1)
    #expect(host.read2(1, 65, size: 1) == nil)
    #expect(!host.exchange(Host.long(1, 1, [])).isEmpty)
  }

  @Test("profile velocity sets the speed; trajectory and moving status follow")
  func profile() throws {
    let host = try Host("xl330-m288")
    _ = host.write2(1, 64, 1, size: 1)
    _ = host.write2(1, 112, 50, size: 4)
    _ = host.write2(1, 116, 3048, size: 4)
    host.wait(0.5)
    // 50 × 0.229 rpm = 781.7 ticks/s.
    let position = try #require(host.read2(1, 132, size: 4))
    #expect((2048 + 370...2048 + 430).contains(position))
    #expect(host.read2(1, 128, size: 4) == 50)
    #expect(host.read2(1, 122, size: 1) == 1)
    #expect(host.read2(1, 123, size: 1) == 2)
    host.wait(1.5)
    #expect(host.read2(1, 132, size: 4) == 3048)
    #expect(host.read2(1, 122, size: 1) == 0)
    #expect(host.read2(1, 123, size: 1) == 1)
  }

  @Test("a time-based profile arrives when it says")
  func timeBased() throws {
    let host = try Host("xl330-m288", registers: [10: 4])
    _ = host.write2(1, 64, 1, size: 1)
    _ = host.write2(1, 112, 1000, size: 4)
    _ = host.write2(1, 116, 3048, size: 4)
    host.wait(0.5)
    #expect(abs(try #require(host.read2(1, 132, size: 4)) - 2548) < 40)
    host.wait(0.6)
    #expect(host.read2(1, 132, size: 4) == 3048)
  }

  @Test("bus watchdog: silence trips it, the servo holds, goals are refused until 0 is written")
  func watchdog() throws {
    let host = try Host("xl330-m288")
    _ = host.write2(1, 64, 1, size: 1)
    #expect(host.write2(1, 98, 5, size: 1) == 0)
    _ = host.write2(1, 112, 50, size: 4)
    _ = host.write2(1, 116, 4000, size: 4)
    // Any instruction on the bus feeds it, also one for nobody here.
    for _ in 0..<30 { _ = host.exchange(Host.long(9, 1, [])) }
    #expect(!host.bus.state.servos[0].isWatchdogTripped)
    host.wait(0.05)
    #expect(!host.bus.state.servos[0].isWatchdogTripped)
    host.wait(0.06)
    #expect(host.bus.state.servos[0].isWatchdogTripped)
    host.wait(0.2)
    let position = host.bus.state.servos[0].position
    host.wait(1)
    #expect(host.bus.state.servos[0].position == position)
    #expect(position < 3000)
    #expect(host.bus.state.servos[0].isTorqueOn, "it holds, it does not go limp")
    #expect(host.read2(1, 98, size: 1) == 255)
    #expect(host.write2(1, 116, 2000, size: 4) == 4)
    #expect(host.write2(1, 98, 0, size: 1) == 0)
    #expect(host.write2(1, 116, 2000, size: 4) == 0)
    host.wait(3)
    #expect(host.read2(1, 132, size: 4) == 2000)
  }

  @Test("bus watchdog: without a profile, too, the servo stops where it is")
  func watchdogWithoutProfile() throws {
    let host = try Host("xm540-w270")
    _ = host.write2(1, 64, 1, size: 1)
    _ = host.write2(1, 98, 5, size: 1)
    _ = host.write2(1, 116, 4000, size: 4)
    // Half a turn takes a second.
    host.wait(0.5)
    let position = host.bus.state.servos[0].position
    #expect((2200...2350).contains(position))
    host.wait(1)
    #expect(host.bus.state.servos[0].position == position)
  }

  @Test("bus watchdog: not armed while torque is off; exact to the nanosecond")
  func watchdogTime() throws {
    let host = try Host("xl330-m288")
    _ = host.write2(1, 98, 3, size: 1)
    host.wait(1)
    #expect(!host.bus.state.servos[0].isWatchdogTripped)
    host.bus.send(Host.long(1, 3, [64, 0, 1]), at: host.now)
    host.bus.advance(to: host.now + 59_999_999)
    #expect(!host.bus.state.servos[0].isWatchdogTripped)
    host.bus.advance(to: host.now + 60_000_000)
    #expect(host.bus.state.servos[0].isWatchdogTripped)
  }

  @Test("too high a supply latches: alert bit, no torque, until a reboot at the right voltage")
  func inputVoltage() throws {
    let host = try Host("xl330-m288") { $0.supplyVoltage = 7.4 }
    host.wait(0.01)
    let answer = host.exchange(Host.long(1, 1, []))
    #expect(answer[8] == 0x80)
    #expect(host.read2(1, 70, size: 1) == 1)
    #expect(host.write2(1, 64, 1, size: 1) == 0x81)
    #expect(host.read2(1, 144, size: 2) == 74)
    // The XM430 at 5 V shows the error; its shutdown mask leaves the torque on.
    let other = try Host("xm430-w350") { $0.supplyVoltage = 5 }
    other.wait(0.01)
    #expect(other.write2(1, 64, 1, size: 1) == 0x80)
    #expect(other.bus.state.servos[0].isTorqueOn)
  }

  @Test("overload latches: torque off until a reboot")
  func overload() throws {
    let joints = IndependentJoints([.init()])
    let host = try Host("xm430-w350", physics: joints)
    joints.block(0)
    _ = host.write2(1, 64, 1, size: 1)
    _ = host.write2(1, 116, 4000, size: 4)
    host.wait(3)
    #expect(host.read2(1, 70, size: 1) == 0x20)
    #expect(!host.bus.state.servos[0].isTorqueOn)
    #expect(host.write2(1, 64, 1, size: 1) == 0x81)
    #expect(host.exchange(Host.long(1, 8, [])).count == 11)
    host.wait(0.3)
    #expect(host.write2(1, 64, 1, size: 1) == 0)
  }

  @Test("indirect addresses gather registers for reads and writes, in both blocks of an XM430")
  func indirect() throws {
    let host = try Host("xm430-w350")
    // Data 1 … 4 are the goal position, 29 … 32 the present one.
    for index in 0..<4 {
      #expect(host.write2(1, 168 + 2 * index, 116 + index, size: 2) == 0)
      #expect(host.write2(1, 578 + 2 * index, 132 + index, size: 2) == 0)
    }
    #expect(host.write2(1, 224, 1500, size: 4) == 0)
    #expect(host.bus.register(0, at: 116) == 1500)
    #expect(host.write2(1, 224, 5000, size: 4) == 6, "the limit counts here, too")
    #expect(host.write2(1, 224, 5, size: 2) == 5)
    #expect(host.read2(1, 634, size: 4) == 2048)
    #expect(host.write2(1, 634, 1, size: 4) == 7)
    #expect(host.write2(1, 168, 10, size: 2) == 4, "EEPROM cannot be pointed at")
    // Untouched data bytes are plain memory.
    #expect(host.write2(1, 230, 77, size: 1) == 0)
    #expect(host.read2(1, 230, size: 1) == 77)
  }

  @Test("homing offset: added to the position; beyond a quarter turn ignored in position mode")
  func homingOffset() throws {
    let host = try Host("xl330-m288")
    _ = host.write2(1, 20, 1000, size: 4)
    #expect(host.read2(1, 132, size: 4) == 3048)
    _ = host.write2(1, 20, 1025, size: 4)
    #expect(host.read2(1, 132, size: 4) == 2048)
    _ = host.write2(1, 11, 4, size: 1)
    #expect(host.read2(1, 132, size: 4) == 3073)
    _ = host.write2(1, 64, 1, size: 1)
    _ = host.write2(1, 116, -5000, size: 4)
    host.wait(3)
    #expect(host.read2(1, 132, size: 4) == -5000)
    #expect(host.exchange(Host.long(1, 0x10, [1, 0x44, 0x58, 0x4C, 0x22]))[8] == 0)
    let position = try #require(host.read2(1, 132, size: 4))
    #expect((1025..<5121).contains(position), "within one turn before the offset")
    #expect((position + 5000) % 4096 == 0)
  }

  @Test("reverse mode counts the other way")
  func reverse() throws {
    let host = try Host("xl330-m288", physics: ScriptedPhysics(ticks: [1000]), registers: [10: 1])
    #expect(host.read2(1, 132, size: 4) == 3096)
  }

  @Test("a change of the operating mode resets gains, profile and goals")
  func modeChange() throws {
    let host = try Host("xl330-m288")
    _ = host.write2(1, 84, 900, size: 2)
    _ = host.write2(1, 112, 50, size: 4)
    _ = host.write2(1, 11, 5, size: 1)
    #expect(host.read2(1, 84, size: 2) == 400)
    #expect(host.read2(1, 112, size: 4) == 0)
    #expect(host.read2(1, 102, size: 2) == 1750)
    #expect(try Host("xl430-w250").write2(1, 11, 5, size: 1) == 4, "an XL430 has no current mode")
  }

  @Test("velocity, PWM and current modes turn the shaft")
  func openModes() throws {
    for (mode, address, size, value) in [(1, 104, 4, 100), (16, 100, 2, 400), (0, 102, 2, 500)] {
      let host = try Host("xl330-m288", registers: [11: mode])
      _ = host.write2(1, 64, 1, size: 1)
      #expect(host.write2(1, address, -value, size: size) == 0)
      host.wait(1)
      let velocity = try #require(host.read2(1, 128, size: 4))
      #expect(velocity < -50, "mode \(mode)")
      if mode == 1 { #expect(abs(velocity + 100) <= 1) }
    }
  }

  @Test("a secondary id takes writes and says nothing")
  func secondaryID() throws {
    let host = try Host("xl330-m288", count: 2)
    for id in [UInt8(1), 2] { #expect(host.write2(id, 12, 100, size: 1) == 0) }
    #expect(host.write2(100, 65, 1, size: 1) == nil)
    #expect([0, 1].map { host.bus.register($0, at: 65) } == [1, 1])
  }

  @Test("factory reset keeps what it is told to, and is refused to all at once")
  func factoryReset() throws {
    let host = try Host("xl330-m288", registers: [7: 1, 8: 3, 9: 0])
    _ = host.write2(1, 7, 5, size: 1)
    #expect(host.exchange(Host.long(0xFE, 6, [0xFF])).isEmpty)
    host.wait(0.3)
    #expect(!host.exchange(Host.long(5, 1, [])).isEmpty)
    #expect(!host.exchange(Host.long(5, 6, [2])).isEmpty)
    host.wait(0.3)
    #expect(host.read2(5, 8, size: 1) == 3)
    #expect(host.read2(5, 9, size: 1) == 250)
    _ = host.exchange(Host.long(5, 6, [0xFF]))
    host.wait(0.3)
    #expect(host.read2(1, 8, size: 1) == 1)
  }

  @Test("the realtime tick counts milliseconds and wraps")
  func tick() throws {
    let host = try Host("xl330-m288")
    host.wait(1.234)
    #expect(host.read2(1, 120, size: 2) == 1234)
    host.wait(32.768 - 0.01)
    #expect(host.read2(1, 120, size: 2) == 1234)
  }

  @Test("duplicate ids answer at once and cannot be understood when they differ")
  func duplicateIDs() throws {
    let model = try ServoModel.named("xl330-m288")
    let bus = try VirtualServoBus(
      VirtualBusConfiguration(servos: [ServoSetup(model, id: 1), ServoSetup(model, id: 1)]),
      physics: ScriptedPhysics(ticks: [1000, 2085]))
    let host = Host(bus)
    #expect(host.exchange(Host.long(1, 1, [])).count == 14)
    #expect(bus.state.counts.collisions == 1)
    let answer = host.exchange(Host.long(1, 2, [132, 0, 4, 0]))
    #expect(answer != bytes("FF FF FD 00 01 08 00 55 00 E8 03 00 00 AE 18"))
    #expect(Int(answer[9]) | Int(answer[10]) << 8 == 1000 & 2085)
  }

  @Test("AX-12A: torque by goal, speed, angle limits, error bits")
  func ax() throws {
    let host = try Host("ax-12a", count: 2)
    #expect(hex(host.exchange(Host.short(1, 1, []))) == "FF FF 01 02 00 FC")
    #expect(host.read1(1, 0, size: 2) == 12)
    #expect(host.write1(1, 32, 100, size: 2) == 0)
    #expect(host.write1(1, 30, 700, size: 2) == 0)
    #expect(host.bus.state.servos[0].isTorqueOn)
    // 11.1 rpm are 227 steps/s.
    host.wait(0.5)
    #expect(try #require(host.read1(1, 38, size: 2)) == 100)
    #expect(host.read1(1, 46, size: 1) == 1)
    host.wait(0.5)
    #expect(host.read1(1, 36, size: 2) == 700)
    #expect(host.write1(1, 30, 1500, size: 2) == 8)
    #expect(host.exchange(Host.short(1, 0x77, []))[4] == 64)
    #expect(host.exchange(Host.short(1, 5, []))[4] == 64)
    _ = host.write1(1, 8, 800, size: 2)
    #expect(host.write1(1, 30, 900, size: 2) == 2)
    var damaged = Host.short(2, 1, [])
    damaged[5] ^= 1
    #expect(host.exchange(damaged)[4] == 16)
    #expect(host.exchange(Host.short(0xFE, 0x83, [30, 2, 1, 0, 2, 2, 0x10, 1])).isEmpty)
    #expect([0, 1].map { host.bus.register($0, at: 30) } == [512, 272])
  }
}
