import Foundation
import Glibc
import TestSupport
import Testing

/// `sinew port` on machines whose serial ports are made up; libserialport itself is the real one.
@Suite(
  .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)),
  .enabled(if: SerialStandIn.library != nil, Comment(rawValue: SerialStandIn.reason)))
struct PortDeviceTests {
  private let link = "/dev/serial/by-id/usb-FTDI_USB____Serial_Converter_FT2H2Z5A-if00-port0"

  private func machine() throws -> SerialStandIn {
    let machine = try SerialStandIn()
    try machine.plug(.u2d2, as: "ttyUSB0")
    try machine.plug(.ch340, as: "ttyUSB1")
    return machine
  }

  @Test("list says of every port what it is, whose it is, and what to do about it")
  func list() throws {
    let machine = try machine()
    chmod("\(machine.root)/dev/ttyUSB0", 0o666)
    let outcome = try Command.run(["port", "list"], in: ScratchFolder(), environment: machine.environment)
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let group = geteuid() == 0 ? "root" : String(cString: getgrgid(getegid()).pointee.gr_name)
    #expect(
      outcome.output == """
        /dev/ttyUSB0
          link:      \(link)
          adaptor:   FTDI USB <-> Serial Converter, 0403:6014, serial FT2H2Z5A
          driver:    ftdi_sio
          rights:    yours to use (group \(group))
          latency:   16 ms; echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer
        /dev/ttyUSB1
          adaptor:   QinHeng USB Serial, 1a86:7523, without a serial number
          driver:    ch341-uart
          rights:    yours to use (group \(group))

        """)
  }

  @Test("list as JSON has the same, and null for what is not known")
  func listJSON() throws {
    let machine = try machine()
    let outcome = try Command.run(["port", "list", "--json"], in: ScratchFolder(), environment: machine.environment)
    #expect(outcome.code == 0)
    let ports = try #require(outcome.json?["ports"] as? [[String: Any]])
    #expect(ports.map { $0["device"] as? String } == ["/dev/ttyUSB0", "/dev/ttyUSB1"])
    #expect(ports[0]["links"] as? [String] == [link])
    #expect(ports[0]["usb_vendor"] as? String == "0403" && ports[0]["usb_product"] as? String == "6014")
    #expect(ports[0]["serial_number"] as? String == "FT2H2Z5A" && ports[0]["driver"] as? String == "ftdi_sio")
    #expect(ports[0]["latency_ms"] as? Int == 16 && ports[0]["accessible"] as? Bool == true)
    #expect(ports[1]["links"] as? [String] == [] && ports[1]["latency_ms"] == nil)
  }

  @Test("list names the process that has a port open")
  func holder() throws {
    let bus = try VirtualBus()
    let machine = try SerialStandIn()
    try machine.plug(.ch340, as: "ttyUSB0")
    machine.terminals = ["/dev/ttyUSB0": bus.port]
    let folder = try ScratchFolder()
    let words = ["servo", "monitor", "--port", "/dev/ttyUSB0", "--ids", "1", "--rate", "5"]
    let monitor = try Command(words, in: folder.root, environment: machine.environment)
    try monitor.waitFor("servo 1", onOutput: true)
    let outcome = try Command.run(["port", "list", "--json"], in: folder, environment: machine.environment)
    let ports = try #require(outcome.json?["ports"] as? [[String: Any]])
    let users = try #require(ports.first?["used_by"] as? [[String: Any]])
    #expect(users.map { $0["process"] as? Int } == [Int(monitor.process)])
    #expect(users.first?["name"] as? String == "sinew")

    let second = try Command.run(
      ["servo", "scan", "--port", "/dev/ttyUSB0"], in: folder, environment: machine.environment)
    #expect(second.code == 2)
    #expect(
      second.errorLines == [
        "error: /dev/ttyUSB0: it is in use by sinew (process \(monitor.process)); end it first (kill \(monitor.process))"
      ])
    monitor.send(SIGINT)
    #expect(try monitor.finish().code == 0)
  }

  @Test("without a port list says so, and find refuses")
  func none() throws {
    let machine = try SerialStandIn()
    let list = try Command.run(["port", "list"], in: ScratchFolder(), environment: machine.environment)
    #expect(list.code == 0)
    #expect(
      list.output == "no serial ports; plug the adaptor in, and try another cable or socket if it does not appear\n")
    let json = try Command.run(["port", "list", "--json"], in: ScratchFolder(), environment: machine.environment)
    #expect((json.json?["ports"] as? [Any])?.isEmpty == true)
    let find = try Command.run(["port", "find"], in: ScratchFolder(), environment: machine.environment)
    #expect(find.code == 1)
    #expect(
      find.errorLines == [
        "error: there is no serial port; plug the adaptor in first, and try another cable or socket if it does not appear"
      ])
  }

  @Test("find names the port that goes and comes back, by its lasting link, even when its number changes")
  func find() throws {
    let machine = try machine()
    let command = try start(machine)
    try command.waitFor("Unplug")
    try machine.unplug("ttyUSB0")
    command.type("")
    try command.waitFor("Plug it in again")
    try machine.plug(.u2d2, as: "ttyUSB3")
    command.type("")
    let outcome = try command.finish()
    #expect(outcome.code == 0)
    #expect(outcome.output == link + "\n")
    #expect(
      outcome.errorLines == [
        "ports now: /dev/ttyUSB0, /dev/ttyUSB1", "Unplug the adaptor, then press Enter.",
        "it was /dev/ttyUSB0 (\(link))", "Plug it in again, then press Enter.", "it is /dev/ttyUSB3 now",
      ])
  }

  @Test("find refuses when nothing went, when two went, and when another came back")
  func findRefuses() throws {
    let nothing = try machine()
    let first = try start(nothing)
    first.type("")
    #expect(
      try first.finish().errorLines.last
        == "error: no port has gone; unplug the adaptor's USB cable, not the servos', and wait until the lamp is off")
    let two = try machine()
    let second = try start(two)
    try second.waitFor("Unplug")
    try two.unplug("ttyUSB0")
    try two.unplug("ttyUSB1")
    second.type("")
    let outcome = try second.finish()
    #expect(outcome.code == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errorLines.last
        == "error: 2 ports have gone (/dev/ttyUSB0, /dev/ttyUSB1); unplug just one adaptor at a time")
    let other = try machine()
    let third = try start(other)
    try third.waitFor("Unplug")
    try other.unplug("ttyUSB0")
    third.type("")
    try third.waitFor("Plug it in again")
    try other.plug(.ch340, as: "ttyUSB4")
    third.type("")
    #expect(
      try third.finish().errorLines.last
        == "error: other ports came (/dev/ttyUSB4); plug in just the one that was unplugged")
    let untouched = try machine()
    let ended = try start(untouched)
    ended.hangUp()
    let end = try ended.finish()
    #expect(end.code == 2)
    #expect(end.errorLines.last == "error: standard input ended; answer each question with Enter")
    withExtendedLifetime((nothing, two, other, untouched)) {}
  }

  private func start(_ machine: SerialStandIn) throws -> Command {
    let folder = try ScratchFolder()
    return try Command(["port", "find"], in: folder, environment: machine.environment, isAsked: true)
  }
}
