import Foundation
import Glibc
import TestSupport
import Testing
import VirtualServos

/// The other `sinew servo` commands on pseudo-terminals with virtual servos: each does what it says, and says what it
/// cannot do.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ServoCommandDeviceTests {
  // Addresses of the STS table.
  private let id = 5
  private let offset = 31
  private let torque = 40
  private let lock = 55

  @Test("info prints every register, as a table and as JSON")
  func info() throws {
    let bus = try VirtualBus(ids: [4])
    let table = try bus.run("info", "--id", "4")
    #expect(table.code == 0)
    #expect(table.output.hasPrefix("servo 4: sts3215\nregister"))
    #expect(table.output.contains(/present_voltage +62 +74 +7\.40 +V\n/))
    let json = try #require(try bus.run("info", "--id", "4", "--json").json)
    let registers = try #require(json["registers"] as? [[String: Any]])
    let position = try #require(registers.first { $0["name"] as? String == "present_position" })
    #expect(position["raw"] as? Int == 2048 && position["unit"] as? String == "rad")
    #expect(abs(try #require(position["value"] as? Double) - .pi) < 1e-6)
  }

  @Test("a wrong id is refused with what was tried and what to do", arguments: ["info", "read", "reboot"])
  func wrongID(command: String) throws {
    let bus = try VirtualBus("xl330-m288", ids: [1])
    let words = command == "read" ? ["read", "present_position"] : [command]
    let outcome = try Command.run(
      ["servo"] + words + ["--id", "9", "--port", bus.port, "--protocol", "dynamixel2"], in: ScratchFolder())
    #expect(outcome.code == 1 && outcome.output.isEmpty)
    let what = command == "reboot" ? "reboot" : "ping"
    #expect(
      outcome.errorLines == [
        "error: servo 9 did not answer (\(what), \(bus.port), 1000000 baud, dynamixel2); check power, cable, id and baud rate: 'sinew servo scan' tries them all"
      ])
  }

  @Test("a wrong speed is refused in the same way, and the scan that it names finds the servo")
  func wrongSpeed() throws {
    let bus = try VirtualBus(ids: [1], baud: 500_000, checksBaud: true)
    let outcome = try bus.run("read", "id", "--id", "1")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("1000000 baud, feetech); check power, cable, id and baud rate: 'sinew servo scan'"))
    let scan = try bus.run("scan", "--ids", "1", "--patience", "150")
    #expect(scan.code == 0 && scan.output.contains("they answer at 500000 baud, not at 1000000: give --baud 500000"))
    #expect(try bus.run("read", "id", "--id", "1", "--baud", "500000").output == "1\n")
  }

  @Test("a servo of another model than the one named is refused")
  func wrongModel() throws {
    let bus = try VirtualBus("xl430-w250", ids: [1])
    for words in [["info"], ["read", "id"], ["write", "led", "1"], ["set-id", "2"], ["set-baud", "57600"]] {
      let outcome = try Command.run(
        ["servo"] + words + ["--id", "1", "--model", "xl330-m288", "--port", bus.port, "--protocol", "dynamixel2"],
        in: ScratchFolder())
      #expect(outcome.code == 1)
      #expect(
        outcome.errorLines == [
          "error: servo 1 is an xl430-w250 (model number 1060), not an xl330-m288: leave --model out, or connect the right servo"
        ])
    }
    let feetech = try bus.run("info", "--id", "1", "--model", "sts3215", protocol: "dynamixel2")
    #expect(feetech.code == 2)
    #expect(
      feetech.errorLines == ["error: the sts3215 speaks feetech, not dynamixel2; give --protocol feetech"])
  }

  @Test("read and write: registers by name, EEPROM only without torque, numbers that fit")
  func registers() throws {
    let bus = try VirtualBus(ids: [1])
    #expect(try bus.run("read", "present_position", "--id", "1").output == "2048\n")
    #expect(try bus.run("write", "torque_enable", "1", "--id", "1").output == "servo 1: torque_enable = 1\n")
    let locked = try bus.run("write", "--id", "1", "--", "homing_offset", "-85")
    #expect(locked.code == 2)
    #expect(
      locked.errorLines == [
        "error: servo 1 holds its position, and homing_offset can only change without torque; write torque_enable 0 first; the arm may fall"
      ])
    #expect(try bus.run("write", "torque_enable", "0", "--id", "1").code == 0)
    let written = try bus.run("write", "--id", "1", "--", "homing_offset", "-85")
    #expect(written.code == 0 && written.output == "servo 1: homing_offset = -85\n")
    #expect(bus.register(0, offset) == 0x0855 && bus.register(0, lock) == 1)
    let outside = try bus.run("write", "homing_offset", "5000", "--id", "1")
    #expect(outside.code == 2)
    #expect(
      outside.errorLines == ["error: 5000 does not fit homing_offset of the sts3215, which takes -2047 to 2047"])
    let unknown = try bus.run("read", "present_mood", "--id", "1")
    #expect(unknown.code == 2)
    #expect(unknown.errors.hasPrefix("error: the sts3215 has no register 'present_mood'; it has firmware_major, "))
    let fixed = try bus.run("write", "model_number", "3", "--id", "1")
    #expect(fixed.code == 2)
    #expect(fixed.errorLines == ["error: model_number of the sts3215 can only be read"])
  }

  @Test("set-id gives a lone servo its id, without torque and locked again")
  func setID() throws {
    let bus = try VirtualBus(ids: [1])
    #expect(try bus.run("write", "torque_enable", "1", "--id", "1").code == 0)
    let outcome = try bus.run("set-id", "6", "--id", "1", "--model", "sts3215")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output == "servo 1 is now servo 6 (sts3215); its torque is off\n")
    #expect(bus.register(0, id) == 6 && bus.register(0, torque) == 0 && bus.register(0, lock) == 1)
    #expect(try bus.run("read", "id", "--id", "6").output == "6\n")
  }

  @Test("set-id refuses beside other servos, and an id that is taken")
  func setIDRefused() throws {
    let bus = try VirtualBus(ids: [1, 4, 5])
    let beside = try bus.run("set-id", "6", "--id", "1", "--patience", "10")
    #expect(beside.code == 1)
    #expect(
      beside.errorLines.last?.hasSuffix(
        " on this bus, too; connect only the servo that shall be changed, or say --among-others") == true)
    let taken = try bus.run("set-id", "4", "--id", "1", "--among-others")
    #expect(taken.code == 1)
    #expect(
      taken.errorLines.last
        == "error: id 4 is taken by another servo on this bus; connect only the servo that shall be changed")
    #expect(bus.register(0, id) == 1)
    #expect(try bus.run("set-id", "6", "--id", "1", "--among-others").code == 0)
    #expect(bus.register(0, id) == 6)
    let beyond = try bus.run("set-id", "254", "--id", "6")
    #expect(beyond.code == 2)
    #expect(beyond.errorLines == ["error: 254 is no id: feetech has 0 to 253"])
  }

  @Test("set-baud changes the speed, and refuses one that the servo does not have")
  func setBaud() throws {
    let bus = try VirtualBus("xl330-m288", ids: [1], checksBaud: true)
    let wrong = try bus.run("set-baud", "4500000", "--id", "1", protocol: "dynamixel2")
    #expect(wrong.code == 2)
    #expect(
      wrong.errorLines == [
        "error: the xl330-m288 has no 4500000 baud; it has 9600, 57600, 115200, 1000000, 2000000, 3000000, 4000000"
      ])
    let outcome = try bus.run("set-baud", "3000000", "--id", "1", protocol: "dynamixel2")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output == "servo 1 (xl330-m288) now runs at 3000000 baud; its torque is off\n")
    #expect(try bus.run("read", "id", "--id", "1", "--baud", "3000000", protocol: "dynamixel2").output == "1\n")
  }

  @Test("reboot switches the torque off; Feetech servos have no such instruction")
  func reboot() throws {
    let bus = try VirtualBus("xl330-m288", ids: [1])
    #expect(try bus.run("write", "torque_enable", "1", "--id", "1", protocol: "dynamixel2").code == 0)
    let outcome = try bus.run("reboot", "--id", "1", protocol: "dynamixel2")
    #expect(outcome.code == 0 && outcome.output == "servo 1 restarts; its torque is off\n")
    #expect(bus.register(0, 64) == 0)
    let feetech = try VirtualBus(ids: [1]).run("reboot", "--id", "1")
    #expect(feetech.code == 2)
    #expect(
      feetech.errorLines == [
        "error: servos that speak feetech cannot be restarted over the bus; switch their torque off and on with 'sinew servo write torque_enable', or their supply"
      ])
  }

  @Test("bench measures both clients and prints one JSON object")
  func bench() throws {
    let bus = try VirtualBus("xl330-m288", ids: [1, 2])
    let words = ["bench", "--ids", "1-2", "--cycles", "50"]
    let text = try bus.run(words[0], words[1], words[2], words[3], words[4], protocol: "dynamixel2")
    #expect(text.code == 0 && text.output.contains("plain C") && text.output.contains("the bus carries"))
    let json = try #require(
      try bus.run("bench", "--ids", "1-2", "--cycles", "50", "--fast", "--json", protocol: "dynamixel2").json)
    #expect(json["cycles"] as? Int == 50 && (json["ok"] as? Int ?? 0) > 0)
    #expect(json["errors"] is [String: Int] && (json["p50_us"] as? Double ?? 0) > 0)
    let feetech = try VirtualBus(ids: [1]).run("bench", "--ids", "1", "--cycles", "5", "--fast")
    #expect(feetech.code == 2)
    #expect(feetech.errorLines == ["error: feetech has no fast sync read"])
    let absent = try VirtualBus(ids: [1]).run("bench", "--ids", "1-2", "--cycles", "5")
    #expect(absent.code == 1 && absent.errors.contains("servo 2 did not answer"))
  }

  @Test(
    "numbers that cannot be are refused before the port is opened",
    arguments: [
      (["scan", "--baud", "0"], "--baud must be between 9600 and 4500000 bit/s, such as 1000000; found 0."),
      (["scan", "--baud", "fast"], "The value 'fast' is invalid for '--baud <baud>'"),
      (
        ["info", "--id", "1", "--baud=-1"], "--baud must be between 9600 and 4500000 bit/s, such as 1000000; found -1."
      ),
      (["scan", "--ids", "6-1"], "--ids 6-1 is no list of ids from 0 to 253; write for example 1-6 or 1,2,5"),
      (["scan", "--expect", "x"], "--expect x is no list of ids from 0 to 253; write for example 1-6 or 1,2,5"),
      (["info", "--id", "300"], "--id must be between 0 and 253, found 300."),
      (["scan", "--protocol", "canbus"], "The value 'canbus' is invalid for '--protocol <protocol>'"),
      (
        ["set-baud", "12", "--id", "1"],
        "the new speed must be between 9600 and 4500000 bit/s, such as 1000000; found 12."
      ),
      (["scan", "--patience", "0"], "--patience must be between 1 and 1000 ms, found 0."),
      (["monitor", "--rate", "0"], "--rate must be between 0.01 and 1000 Hz, found 0.0."),
      (["monitor", "--rate", "nan"], "--rate must be between 0.01 and 1000 Hz, found nan."),
      (["monitor", "--samples", "0"], "--samples must be at least 1, found 0."),
      (["watch", "id", "--csv", "--json"], "--csv and --json exclude each other."),
      (["watch"], "Missing expected argument '<register> ...'"),
      (["bench", "--cycles", "0"], "--cycles must be between 1 and 10000000, found 0."),
    ])
  func wrongNumbers(words: [String], message: String) throws {
    let outcome = try Command.run(["servo"] + words + ["--port", "/dev/ttyUSB77"], in: ScratchFolder())
    #expect(outcome.code == 2 && outcome.output.isEmpty)
    #expect(outcome.errorLines.first?.hasPrefix("error: " + message) == true, "\(outcome.errors)")
  }
}
