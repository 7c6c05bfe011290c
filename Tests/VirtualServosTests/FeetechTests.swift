import Foundation
import Testing
import VirtualServos

@Suite struct FeetechTests {
  @Test("a goal is reached within the speed asked for, and the moving flag says so")
  func moves() throws {
    let host = try Host("sts3215-7v4")
    _ = host.write1(1, 40, 1, size: 1)
    // 1000 steps at 1000 steps/s.
    _ = host.exchange(Host.short(1, 3, [41, 0, 0xE8, 0x0B, 0, 0, 0xE8, 0x03]))
    #expect(host.bus.register(0, at: 42) == 3048)
    host.wait(0.5)
    let middle = try #require(host.read1(1, 56, size: 2))
    #expect((2500...2600).contains(middle))
    #expect(host.read1(1, 66, size: 1) == 1)
    #expect((950...1050).contains(try #require(host.read1(1, 58, size: 2))))
    host.wait(0.7)
    #expect(host.read1(1, 56, size: 2) == 3048)
    #expect(host.read1(1, 66, size: 1) == 0)
  }

  @Test("acceleration limits how speed grows")
  func acceleration() throws {
    let host = try Host("sts3215-7v4")
    _ = host.write1(1, 40, 1, size: 1)
    // 10 × 100 steps/s²: after 0.5 s 125 steps on the way.
    _ = host.exchange(Host.short(1, 3, [41, 10, 0xA0, 0x0F, 0, 0, 0, 0]))
    host.wait(0.5)
    let position = try #require(host.read1(1, 56, size: 2))
    #expect((2048 + 95...2048 + 140).contains(position))
  }

  @Test("without torque nothing moves, and a hand turns the shaft")
  func released() throws {
    let joints = IndependentJoints([.init()])
    let host = try Host("sts3215-7v4", physics: joints)
    _ = host.write1(1, 42, 3000, size: 2)
    host.wait(0.5)
    #expect(host.read1(1, 56, size: 2) == 2048)
    joints.hold(0, at: Double.pi / 2)
    host.wait(1)
    #expect(host.read1(1, 56, size: 2) == 3072)
    // Torque on drives to the goal register, whatever it holds.
    joints.hold(0, at: nil)
    _ = host.write1(1, 40, 1, size: 1)
    host.wait(1)
    #expect(host.read1(1, 56, size: 2) == 3000)
  }

  @Test("goals are brought within the position limits; the register keeps what was written")
  func limits() throws {
    let host = try Host("sts3215-7v4", registers: [9: 1000, 11: 3000])
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(1, 42, 4000, size: 2)
    host.wait(1)
    #expect(host.read1(1, 56, size: 2) == 3000)
    #expect(host.read1(1, 42, size: 2) == 4000)
    #expect(host.read1(1, 71, size: 2) == 3000)
  }

  @Test("EEPROM survives a power cycle only when it was written with the lock open")
  func lock() throws {
    let host = try Host("sts3215-7v4")
    #expect(host.read1(1, 55, size: 1) == 1)
    _ = host.write1(1, 21, 16, size: 1)
    #expect(host.read1(1, 21, size: 1) == 16, "it acts at once")
    host.bus.cutPower(0, for: 100_000_000, at: host.now)
    #expect(host.exchange(Host.short(1, 1, [])).isEmpty)
    host.wait(0.2)
    #expect(host.read1(1, 21, size: 1) == 32)
    _ = host.write1(1, 55, 0, size: 1)
    _ = host.write1(1, 21, 16, size: 1)
    #expect(host.bus.state.servos[0].flashWrites == 1)
    host.bus.cutPower(0, for: 0, at: host.now)
    #expect(host.read1(1, 21, size: 1) == 16)
    #expect(host.read1(1, 55, size: 1) == 1)
  }

  @Test("an id change takes effect at once and is acknowledged by the old id")
  func changeID() throws {
    let host = try Host("sts3215-7v4")
    let answer = host.exchange(Host.short(1, 3, [5, 9]))
    #expect(hex(answer) == "FF FF 01 02 00 FC")
    #expect(host.exchange(Host.short(1, 1, [])).isEmpty)
    #expect(!host.exchange(Host.short(9, 1, [])).isEmpty)
  }

  @Test("the middle is set by 128 at any place of the shaft", arguments: [0.0, 1.0, 700, 2047, 2048, 3000, 4095])
  func calibration(ticks: Double) throws {
    let host = try Host("sts3215-7v4", physics: ScriptedPhysics(ticks: [ticks]))
    #expect(host.read1(1, 56, size: 2) == Int(ticks))
    _ = host.write1(1, 40, 128, size: 1)
    // 11 bits of magnitude do not reach half a turn, so that one place is off by one step.
    let expected = ticks == 0 ? 2047 : 2048
    #expect(host.read1(1, 56, size: 2) == expected)
    #expect(host.read1(1, 40, size: 1) == 0)
    host.bus.cutPower(0, for: 0, at: host.now)
    #expect(host.read1(1, 56, size: 2) == expected, "the offset is kept")
  }

  @Test("phase bit 4 shows turns, sign in bit 15; without it positions wrap")
  func multiTurn() throws {
    let physics = ScriptedPhysics(ticks: [4000])
    let host = try Host("sts3215-7v4", physics: physics)
    physics.states[0].position += 0.3
    host.wait(0.01)
    let step = 0.3 / (2 * Double.pi) * 4096
    #expect(host.read1(1, 56, size: 2) == Int((4000 + step).rounded()) - 4096)
    _ = host.write1(1, 18, 0b11100, size: 1)
    #expect(host.read1(1, 56, size: 2) == Int((4000 + step).rounded()))
    physics.states[0].position -= 3 * Double.pi
    host.wait(0.01)
    let below = Int((4000 + step - 6144).rounded())
    #expect(below < 0)
    #expect(host.read1(1, 56, size: 2) == 0x8000 | -below)
  }

  @Test("overload: status bit and weak torque, still readable; torque off and on clears it")
  func overload() throws {
    let joints = IndependentJoints([.init()])
    let host = try Host("sts3215-7v4", physics: joints)
    joints.block(0)
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(1, 42, 3500, size: 2)
    host.wait(1.5)
    #expect(host.write1(1, 41, 0, size: 1) == 0)
    #expect(host.read1(1, 60, size: 2) == 1000)
    host.wait(1)
    let answer = host.exchange(Host.short(1, 2, [56, 2]))
    #expect(answer[4] == 0x20)
    #expect(answer.count == 8, "the position is there all the same")
    #expect(host.read1(1, 60, size: 2) == 200, "protective torque")
    _ = host.write1(1, 40, 0, size: 1)
    #expect(host.write1(1, 40, 1, size: 1) == 0)
  }

  @Test("a goal the other way clears an overload")
  func overloadReversed() throws {
    let joints = IndependentJoints([.init()])
    let host = try Host("sts3215-7v4", physics: joints)
    joints.block(0)
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(1, 42, 3500, size: 2)
    host.wait(3)
    #expect(host.bus.state.servos[0].errorBits == 0x20)
    _ = host.write1(1, 42, 1000, size: 2)
    #expect(host.bus.state.servos[0].errorBits == 0)
  }

  @Test("supply outside the limits shows in every status byte")
  func voltage() throws {
    let host = try Host("sts3215-7v4") { $0.supplyVoltage = 12 }
    host.wait(0.01)
    #expect(host.exchange(Host.short(1, 1, []))[4] == 1)
    #expect(host.read1(1, 62, size: 1) == 120)
    #expect(try Host("sts3215-12v").exchange(Host.short(1, 1, []))[4] == 0)
  }

  @Test("response level 0 answers pings and reads only; broadcasts are never answered")
  func responseLevel() throws {
    let host = try Host("sts3215-7v4", registers: [8: 0])
    #expect(host.write1(1, 41, 7, size: 1) == nil)
    #expect(host.read1(1, 41, size: 1) == 7)
    #expect(!host.exchange(Host.short(1, 1, [])).isEmpty)
    let other = try Host("sts3215-7v4")
    #expect(other.exchange(Host.short(0xFE, 3, [41, 9])).isEmpty)
    #expect(other.read1(1, 41, size: 1) == 9)
  }

  @Test("read-only registers ignore writes; values beyond a range come to its end")
  func access() throws {
    let host = try Host("sts3215-7v4")
    #expect(host.write1(1, 56, 99, size: 2) == 0)
    #expect(host.read1(1, 56, size: 2) == 2048)
    _ = host.write1(1, 48, 5000, size: 2)
    #expect(host.read1(1, 48, size: 2) == 1000)
    _ = host.write1(1, 33, 9, size: 1)
    #expect(host.read1(1, 33, size: 1) == 3)
  }

  @Test("speed mode turns on, PWM mode too, step mode adds up")
  func modes() throws {
    let host = try Host("sts3215-7v4", registers: [33: 1])
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(1, 46, 0x8000 | 1000, size: 2)
    host.wait(1)
    #expect(host.read1(1, 58, size: 2).map { abs($0 - (0x8000 | 1000)) <= 1 } == true)
    _ = host.write1(1, 33, 2, size: 1)
    _ = host.write1(1, 44, 500, size: 2)
    host.wait(0.5)
    #expect(try #require(host.read1(1, 58, size: 2)) > 1400)
    let steps = try Host("sts3215-7v4", registers: [33: 3, 9: 0, 11: 0])
    _ = steps.write1(1, 42, 0, size: 2)
    _ = steps.write1(1, 40, 1, size: 1)
    _ = steps.write1(1, 42, 300, size: 2)
    _ = steps.write1(1, 42, 0x8000 | 100, size: 2)
    steps.wait(1)
    #expect(steps.read1(1, 56, size: 2) == 2248)
  }

  @Test("SCS: big endian, 1024 steps, lock at 48, no sync read")
  func scs() throws {
    let host = try Host("scs0009", count: 2)
    #expect(hex(host.exchange(Host.short(1, 2, [3, 2]))) == "FF FF 01 04 00 05 04 F1")
    #expect(host.read1(1, 56, size: 2, bigEndian: true) == 512)
    _ = host.write1(1, 40, 1, size: 1)
    _ = host.write1(1, 42, 700, size: 2, bigEndian: true)
    host.wait(1)
    #expect(host.read1(1, 56, size: 2, bigEndian: true) == 700)
    #expect(host.exchange(Host.short(0xFE, 0x82, [56, 2, 1, 2])).isEmpty)
    _ = host.exchange(Host.short(0xFE, 0x83, [42, 2, 1, 0x01, 0x00, 2, 0x02, 0x10]))
    #expect(host.bus.register(0, at: 42) == 256)
    #expect(host.bus.register(1, at: 42) == 528)
  }
}
