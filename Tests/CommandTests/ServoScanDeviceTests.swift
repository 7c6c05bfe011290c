import Foundation
import TestSupport
import Testing
import VirtualServos

/// `sinew servo scan` on pseudo-terminals with virtual servos: what it finds, and what it says is wrong.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ServoScanDeviceTests {
  private func servos(_ outcome: Outcome) throws -> [[String: Any]] {
    try #require(outcome.json?["servos"] as? [[String: Any]], "\(outcome.errors)")
  }

  @Test("servos are listed with model, firmware, voltage and torque")
  func table() throws {
    let bus = try VirtualBus(ids: [1, 2])
    let outcome = try bus.run("scan", "--patience", "150", "--ids", "1-3")
    #expect(outcome.code == 0)
    #expect(
      outcome.output == """
        id    model  number  firmware  protocol     baud  voltage  torque  errors
        1   sts3215     777      3.10   feetech  1000000    7.4 V     off    none
        2   sts3215     777      3.10   feetech  1000000    7.4 V     off    none

        2 servos; the last that answers is servo 2. If there are more on the cable, look at the plug behind it.

        """)
  }

  @Test(
    "as JSON, for every protocol",
    arguments: [
      ("feetech", "sts3215-12v", "sts3215", 777), ("dynamixel2", "xl330-m288", "xl330-m288", 1200),
      ("dynamixel1", "ax-12a", "ax-12a", 12),
    ])
  func json(name: String, model: String, ours: String, number: Int) throws {
    let bus = try VirtualBus(model, ids: [2, 5])
    let outcome = try bus.run("scan", "--patience", "150", "--ids", "1-6", "--json", protocol: name)
    let servos = try servos(outcome)
    #expect(servos.map { $0["id"] as? Int } == [2, 5])
    #expect(servos.allSatisfy { $0["model"] as? String == ours && $0["model_number"] as? Int == number })
    #expect(servos.allSatisfy { $0["protocol"] as? String == name && $0["baud"] as? Int == 1_000_000 })
    #expect(servos.allSatisfy { ($0["voltage_v"] as? Double ?? 0) > 4 && $0["torque_on"] as? Bool == false })
    #expect((outcome.json?["advice"] as? [String])?.isEmpty == true)
  }

  @Test(
    "servos at another speed are found when nobody answers at the given one, and the speed is named",
    arguments: [("feetech", "sts3215-7v4", 115_200), ("dynamixel2", "xl330-m288", 57_600)])
  func otherSpeed(name: String, model: String, baud: Int) throws {
    let bus = try VirtualBus(model, ids: [1, 2], baud: baud, checksBaud: true)
    let outcome = try bus.run("scan", "--patience", "150", "--ids", "1-2", "--json", protocol: name)
    #expect(outcome.code == 0)
    #expect(try servos(outcome).map { $0["baud"] as? Int } == [baud, baud])
    #expect(
      outcome.json?["advice"] as? [String] == [
        "they answer at \(baud) baud, not at 1000000: give --baud \(baud), or change them with 'sinew servo set-baud 1000000 --baud \(baud)'"
      ])
  }

  @Test("auto tells the protocols apart, also those with a common frame")
  func automatic() throws {
    for (model, name) in [
      ("sts3215-7v4", "feetech"), ("ax-12a", "dynamixel1"), ("scs0009", "feetech-scs"), ("xl430-w250", "dynamixel2"),
    ] {
      let bus = try VirtualBus(model, ids: [3])
      let outcome = try bus.run("scan", "--patience", "150", "--ids", "2-4", "--json", protocol: "auto")
      #expect(try servos(outcome).map { $0["protocol"] as? String } == [name], "\(model)")
    }
  }

  @Test("all speeds are asked with --baud all, and servos at different ones told of")
  func mixedSpeeds() throws {
    var setups = try VirtualBus.servos("sts3215-7v4", ids: [1])
    setups += try VirtualBus.servos("sts3215-7v4", ids: [2], baud: 500_000)
    let bus = try VirtualBus(setups: setups, checksBaud: true)
    let outcome = try bus.run("scan", "--patience", "150", "--ids", "1-2", "--baud", "all", "--json")
    #expect(try servos(outcome).map { $0["baud"] as? Int } == [1_000_000, 500_000])
    #expect(
      outcome.json?["advice"] as? [String] == [
        "servos of one bus must speak alike, and these do not (feetech at 500000 baud: 2; feetech at 1000000 baud: 1): set one speed with 'sinew servo set-baud'"
      ])
  }

  @Test("nobody at all ends with 1 and says what to look at")
  func nobody() throws {
    let bus = try VirtualBus(ids: [1], faults: ["mute=1"])
    let outcome = try bus.run("scan", "--patience", "150", "--ids", "1")
    #expect(outcome.code == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errorLines == [
        "error: \(bus.port): no servo answers at any speed (feetech); check the servos' supply, the cable and which of its wires carries the data, then try --protocol auto"
      ])
  }

  @Test("several servos with one id are told of, by scan and by set-id", arguments: ["feetech", "dynamixel2"])
  func sharedID(name: String) throws {
    var setups = try VirtualBus.servos(name == "feetech" ? "sts3215-7v4" : "xl330-m288", ids: [1, 1, 2])
    setups[0].zeroTicks = 700
    setups[1].zeroTicks = 3001
    let bus = try VirtualBus(setups: setups)
    let scan = try bus.run("scan", "--patience", "50", "--ids", "1-2", "--json", protocol: name)
    #expect(scan.code == 1)
    #expect(scan.json?["shared_ids"] as? [Int] == [1], "\(scan.output)")
    #expect(try servos(scan).contains { $0["id"] as? Int == 2 })
    #expect(
      (scan.json?["advice"] as? [String])?.first
        == "several servos answer at id 1, as new ones do: connect them one at a time and give each its own with 'sinew servo set-id'"
    )
    let change = try bus.run("set-id", "5", "--id", "1", protocol: name)
    #expect(change.code == 1)
    #expect(
      change.errorLines == [
        "error: several servos answer at id 1, as new ones do; connect only the one that shall be changed"
      ])
  }

  @Test("where the cable is broken is said from the servos expected")
  func segment() throws {
    func advice(_ ids: [UInt8]) throws -> (Int32?, [String]?) {
      let bus = try VirtualBus(ids: ids)
      let outcome = try bus.run("scan", "--patience", "150", "--expect", "1-6", "--ids", "1-6", "--json")
      return (outcome.code, outcome.json?["advice"] as? [String])
    }
    let broken = try advice([1, 2, 3])
    #expect(broken.0 == 1)
    #expect(
      broken.1 == ["servos 4-6 do not answer: check the cable and plugs from servo 3 to servo 4, and servo 4 itself"])
    #expect(
      try advice([1, 2, 3, 4, 6]).1 == [
        "servo 5 does not answer, but others behind do: check id, speed and plugs of just these"
      ])
    let whole = try advice([1, 2, 3, 4, 5, 6])
    #expect(whole.0 == 0 && whole.1 == [])
  }

  @Test("a supply that is too low or too high, mixed firmware, latched errors and unknown models have a line each")
  func warnings() throws {
    func warnings(_ bus: VirtualBus, protocol name: String = "feetech") throws -> [String] {
      let outcome = try bus.run("scan", "--patience", "150", "--ids", "1-3", protocol: name)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return outcome.output.split(separator: "\n").filter { $0.hasPrefix("warning: ") }.map { String($0.dropFirst(9)) }
    }
    #expect(
      try warnings(VirtualBus(ids: [2], voltage: 3.6)) == [
        "servo 2 has 3.6 V, less than its limit of 4.0 V: check that the supply is on, strong enough, and of the servo's voltage"
      ])
    #expect(
      try warnings(VirtualBus(ids: [2], voltage: 12.1)) == [
        "servo 2 has 12.1 V, more than its limit of 8.0 V: switch the supply off and use one of the servo's voltage"
      ])
    var setups = try VirtualBus.servos("sts3215-7v4", ids: [1, 2, 3])
    setups[1].registers[1] = 9
    #expect(
      try warnings(VirtualBus(setups: setups)) == [
        "the sts3215 have different firmware, 3.10 (id 1,3) and 3.9 (id 2), which may behave differently: bring all to one version with the maker's program"
      ])
    #expect(
      try warnings(VirtualBus(ids: [1], faults: ["overload=1@1"])) == [
        "servo 1 reports overload: take its load away and let it cool, then 'sinew servo write torque_enable 0 --id 1'"
      ])
    setups = try VirtualBus.servos("sts3215-7v4", ids: [1])
    setups[0].registers[3] = 4321
    #expect(
      try warnings(VirtualBus(setups: setups)) == [
        "servo 1 has model number 4321, which is not known: name the model most like it with --model"
      ])
  }

  @Test("a port that is not there, no serial port, or a socket without a bus is refused", arguments: ["json", "text"])
  func wrongPorts(form: String) throws {
    let folder = try ScratchFolder()
    let words = form == "json" ? ["--json"] : []
    for (port, message) in [
      (
        "/dev/ttyUSB77",
        "/dev/ttyUSB77: there is no such port; plug the adaptor in, then look for it with 'sinew port list'"
      ),
      ("/dev/null", "/dev/null: this is not a serial port; list the ports with 'sinew port list'"),
    ] {
      let outcome = try Command.run(["servo", "scan", "--port", port] + words, in: folder)
      #expect(outcome.code == 2 && outcome.output.isEmpty)
      #expect(outcome.errorLines == ["error: " + message])
    }
  }

  @Test("a scan whose errors go to a pipe says nothing of its progress")
  func quietOnPipes() throws {
    let bus = try VirtualBus(ids: [1], faults: ["mute=1"])
    let command = try bus.start("scan", "--ids", "1-250", "--patience", "1000")
    // Progress would come every ten seconds.
    usleep(11_000_000)
    #expect(!command.errors.contains("asking"), "\(command.errors)")
    command.send(SIGINT)
    _ = try command.finish()
  }

  @Test("Ctrl-C ends a long scan soon")
  func interrupted() throws {
    let bus = try VirtualBus(ids: [1], faults: ["mute=1"])
    let scan = try bus.start("scan", "--baud", "all")
    scan.sendOnceHandled(SIGINT)
    let outcome = try scan.finish()
    #expect(outcome.code == 1)
    #expect(outcome.errorLines.last == "error: stopped; no servo has answered so far")
  }
}
