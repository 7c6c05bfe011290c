import Foundation
import Glibc
import TestSupport
import Testing
import VirtualServos

/// `sinew servo monitor` and `watch` on pseudo-terminals with virtual servos.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct ServoMonitorDeviceTests {
  @Test(
    "monitor prints a plain line per servo where there is no terminal",
    arguments: [
      ("feetech", "sts3215-7v4", "180.0° (2048)  0.0 °/s  0.000 A  7.4 V  25 °C  torque off  errors: none"),
      ("dynamixel2", "xl330-m288", "180.0° (2048)  0.0 °/s  0.000 A  5.0 V  25 °C  torque off  errors: none"),
      ("dynamixel2", "xl430-w250", "180.0° (2048)  0.0 °/s  0.0 %  11.1 V  25 °C  torque off  errors: none"),
      ("dynamixel1", "ax-12a", "150.0° (512)  0.0 °/s  0.0 %  12.0 V  25 °C  torque off  errors: none"),
    ])
  func plain(name: String, model: String, line: String) throws {
    let bus = try VirtualBus(model, ids: [1, 2])
    let outcome = try bus.run("monitor", "--ids", "1-2", "--samples", "2", "--rate", "50", protocol: name)
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 4)
    for (index, text) in lines.enumerated() {
      #expect(text.hasSuffix(" s  servo \(1 + index % 2)  \(line)"), "\(text)")
    }
  }

  @Test("monitor as JSON lines and as CSV has SI units, and null where a servo measures no such thing")
  func data() throws {
    let bus = try VirtualBus("xl430-w250", ids: [3])
    let json = try bus.run("monitor", "--ids", "3", "--samples", "2", "--json", protocol: "dynamixel2")
    let objects = try json.output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    #expect(objects.count == 2)
    for object in objects {
      #expect(object["id"] as? Int == 3 && object["answered"] as? Bool == true && object["torque_on"] as? Bool == false)
      #expect(object["position_ticks"] as? Int == 2048 && object["voltage_v"] as? Double == 11.1)
      #expect(abs(try #require(object["position_rad"] as? Double) - .pi) < 1e-6)
      #expect(object["load"] as? Double == 0 && object["current_a"] == nil)
    }
    let csv = try bus.run("monitor", "--ids", "3", "--samples", "1", "--csv", protocol: "dynamixel2")
    let rows = csv.output.split(separator: "\n")
    #expect(
      rows.first
        == "time_s,id,answered,position_ticks,position_rad,velocity_rad_s,load,current_a,voltage_v,temperature_c,torque_on,errors"
    )
    #expect(rows.last?.hasSuffix(",3,1,2048,3.14159,0.0000,0.0000,,11.10,25.0,0,") == true)
  }

  @Test("monitor shows errors by name, and goes on when a servo falls silent")
  func trouble() throws {
    let bus = try VirtualBus(ids: [1, 2], faults: ["overload=1@6", "brown-out=2@12", "brown-out-time=30"])
    let outcome = try bus.run("monitor", "--ids", "1-2", "--samples", "6", "--rate", "50")
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("errors: overload"))
    #expect(outcome.output.contains(/servo 2  no answer \(1\)\n/))
  }

  @Test("without --ids monitor looks for the servos itself; nobody there ends it with 1")
  func unnamed() throws {
    let outcome = try VirtualBus(ids: [7]).run("monitor", "--samples", "1", "--patience", "10")
    #expect(outcome.code == 0 && outcome.output.contains("servo 7  180.0° (2048)"))
    let bus = try VirtualBus(ids: [1], faults: ["mute=1"])
    let nobody = try bus.run("monitor", "--samples", "1", "--patience", "10")
    #expect(nobody.code == 1)
    #expect(
      nobody.errorLines.last
        == "error: \(bus.port): no servo answers at 1000000 baud, feetech; 'sinew servo scan' tries other speeds and protocols"
    )
  }

  @Test("Ctrl-C ends monitor and watch as a success", arguments: [["monitor"], ["watch", "present_position"]])
  func stopped(words: [String]) throws {
    let bus = try VirtualBus(ids: [1])
    let command = try Command(
      ["servo"] + words + ["--ids", "1", "--port", bus.port], in: ScratchFolder())
    try command.waitFor("servo 1", onOutput: true)
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
  }

  @Test("a port that is unplugged ends monitor with 1 and says so")
  func unplugged() throws {
    let bus = try VirtualBus(ids: [1], faults: ["hang-up-after=12"])
    let outcome = try bus.run("monitor", "--ids", "1", "--rate", "50")
    #expect(outcome.code == 1)
    #expect(
      outcome.errorLines == [
        "error: \(bus.port): the port is gone; check the cable and the adaptor, then open it again"
      ])
  }

  @Test("watch prints what registers hold, and then only what changes")
  func watch() throws {
    let bus = try VirtualBus(ids: [1])
    let command = try bus.start(
      "watch", "torque_enable", "goal_position", "--ids", "1", "--rate", "100", "--json")
    try command.waitFor("goal_position", onOutput: true)
    // Torque on, by somebody else on the bus: in this process.
    bus.server.withBus { bus in
      bus.send([0xFF, 0xFF, 1, 4, 3, 40, 1, 0xCE], at: bus.state.time)
    }
    try command.waitFor("\"raw\":1", onOutput: true)
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 0)
    let changes = try outcome.output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
    #expect(changes.map { $0["register"] as? String } == ["torque_enable", "goal_position", "torque_enable"])
    #expect(changes.map { $0["raw"] as? Int } == [0, 2048, 1])
    #expect(changes[2]["before"] as? Int == 0 && changes[0]["before"] == nil)
    let text = try bus.run("watch", "goal_position", "--ids", "1", "--samples", "2")
    #expect(text.output.contains(/^0\.\d{3} s  servo 1  goal_position  2048  \(3\.14159 rad\)\n$/))
    let csv = try bus.run("watch", "goal_position", "--ids", "1", "--samples", "1", "--csv")
    #expect(csv.output.hasPrefix("time_s,id,register,before,raw,value,unit\n"))
    #expect(csv.output.hasSuffix(",1,goal_position,,2048,3.14159,rad\n"))
    let unknown = try bus.run("watch", "mood", "--ids", "1")
    #expect(unknown.code == 2 && unknown.errors.hasPrefix("error: the sts3215 has no register 'mood'; it has "))
  }

  @Test(
    "in a terminal the table renews itself in place", .enabled(if: access("/usr/bin/script", X_OK) == 0, "needs script")
  )
  func live() throws {
    let bus = try VirtualBus(ids: [1, 2])
    let words = "\(Command.executable) servo monitor --port \(bus.port) --ids 1-2 --samples 2 --rate 50"
    let outcome = try Command.run(
      ["-q", "-e", "-c", words, "/dev/null"], in: ScratchFolder(), environment: ["TERM": "xterm"],
      executable: "/usr/bin/script")
    #expect(outcome.code == 0, "\(outcome.errors)")
    // Three lines, then back to the first.
    let parts = outcome.output.components(separatedBy: "\u{1b}[3A")
    #expect(parts.count == 2)
    for part in parts {
      #expect(part.contains("id  position  ticks") && part.contains("180.0°") && part.contains("7.4 V"))
    }
  }
}
