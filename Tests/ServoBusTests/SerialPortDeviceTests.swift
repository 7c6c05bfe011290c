import CSystem
import Foundation
import Glibc
import ServoBus
import TestSupport
import Testing

/// Programs that use libserialport's own code on a made-up device.
private enum Probe {
  static func executable() throws -> URL {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
    let found = candidates.map { $0.appendingPathComponent("servo-port-probe") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    return try #require(found, "no servo-port-probe in \(candidates.map(\.path))")
  }

  /// Starts the probe on a machine with one adaptor, /dev/ttyUSB0, that `terminal` stands for.
  static func start(
    _ path: String = "/dev/ttyUSB0", terminal: String, baud: Int = 1_000_000, speed: Int? = nil,
    before: [String] = [], machine: SerialStandIn? = nil
  ) throws -> (process: Process, output: FileHandle, machine: SerialStandIn) {
    let machine = try machine ?? SerialStandIn()
    if !FileManager.default.fileExists(atPath: "\(machine.root)/dev/ttyUSB0") {
      try machine.plug(.ch340, as: "ttyUSB0")
    }
    machine.terminals = ["/dev/ttyUSB0": terminal]
    let process = Process()
    let command = before + [try executable().path, path, "\(baud)"]
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    var environment = ProcessInfo.processInfo.environment.merging(machine.environment) { $1 }
    if let speed { environment["SINEW_SHIM_SPEED"] = "\(speed)" }
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    return (process, output.fileHandleForReading, machine)
  }

  static func run(
    _ path: String = "/dev/ttyUSB0", terminal: String, baud: Int = 1_000_000, speed: Int? = nil,
    before: [String] = [], machine: SerialStandIn? = nil
  ) throws -> [String] {
    let (process, output, machine) = try start(
      path, terminal: terminal, baud: baud, speed: speed, before: before, machine: machine)
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return withExtendedLifetime(machine) { text.split(separator: "\n").map(String.init) }
  }

  /// Gives up root's rights; nothing where there are none.
  static var asNobody: [String] {
    geteuid() == 0 ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
  }

  static let canBeNobody = geteuid() != 0 || access("/usr/bin/setpriv", X_OK) == 0
}

@Suite(
  .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)),
  .enabled(if: SerialStandIn.library != nil, Comment(rawValue: SerialStandIn.reason)))
struct SerialPortDeviceTests {
  /// A servo with id 1 on a pseudo-terminal, for `answers` answers; then the cable is pulled.
  private func withServo(answers: Int = 10, _ body: (String) throws -> Void) throws {
    let (master, slave, path) = try makeTerminal()
    let responder = try Responder.serve(master) { pending, number in
      guard number < answers else { return nil }
      guard let request = Request.take(.feetechSTS, from: &pending) else { return [] }
      return [Reply(bytes: answer(.feetechSTS, id: request.id, [0, 8]))]
    }
    do {
      defer { close(slave) }
      try body(path)
    }
    // The far end ends with the terminal's last user, or has hung up already.
    responder.join()
  }

  @Test("a port opens at 1 Mbaud, a servo is read, and a pulled cable is told from silence at no cost")
  func opens() throws {
    try withServo { path in
      let lines = try Probe.run(terminal: path)
      #expect(lines.prefix(2) == ["opened /dev/ttyUSB0", "read [0, 8]"])
      #expect(lines.last?.hasPrefix("ended transport(ServoBus.TransportError.Code.hungUp)") == true)
      // libserialport's own read would have burnt all of its time-out.
      let cost = lines.last?.split(separator: " ").dropLast().last.flatMap { Int($0) }
      #expect(try #require(cost) < 100)
    }
  }

  @Test("a link below /dev/serial/by-id is followed")
  func link() throws {
    let machine = try SerialStandIn()
    try machine.plug(.u2d2, as: "ttyUSB0")
    let link = "/dev/serial/by-id/usb-FTDI_USB____Serial_Converter_FT2H2Z5A-if00-port0"
    try withServo(answers: 2) { path in
      let lines = try Probe.run(link, terminal: path, machine: machine)
      #expect(lines.first == "opened /dev/ttyUSB0" && lines.contains("read [0, 8]"))
    }
  }

  @Test("an adaptor's latency timer is lowered by its driver where that can, else in sysfs", arguments: [true, false])
  func latency(byDriver: Bool) throws {
    let machine = try SerialStandIn()
    try machine.plug(.u2d2, as: "ttyUSB0")
    machine.lowersLatency = byDriver
    try withServo(answers: 2) { path in
      let lines = try Probe.run(terminal: path, machine: machine)
      #expect(lines.prefix(2) == ["opened /dev/ttyUSB0", "latency 16 ms, now 1 ms"])
    }
    #expect(try String(contentsOfFile: machine.latencyFile("ttyUSB0"), encoding: .utf8).hasPrefix("1"))
  }

  @Test(
    "who may not lower the timer is told the command that does",
    .enabled(if: Probe.canBeNobody, "needs setpriv to give root's rights up"))
  func latencyCommand() throws {
    let machine = try SerialStandIn()
    try machine.plug(.u2d2, as: "ttyUSB0")
    chmod(machine.latencyFile("ttyUSB0"), 0o444)
    try withServo(answers: 2) { path in
      chmod(path, 0o666)
      let lines = try Probe.run(terminal: path, before: Probe.asNobody, machine: machine)
      #expect(
        lines.prefix(2) == [
          "opened /dev/ttyUSB0",
          "latency 16 ms, now 16 ms; echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer",
        ])
    }
    #expect(try String(contentsOfFile: machine.latencyFile("ttyUSB0"), encoding: .utf8) == "16\n")
  }

  @Test("odd speeds that need their own system call are set, too", arguments: [76_800, 250_000, 3_000_000, 4_000_000])
  func speeds(baud: Int) throws {
    try withServo(answers: 2) { path in
      let lines = try Probe.run(terminal: path, baud: baud)
      #expect(lines.prefix(2) == ["opened /dev/ttyUSB0", "read [0, 8]"])
    }
  }

  @Test("a driver that says yes and runs at another speed is refused")
  func silentFallback() throws {
    let (master, slave, path) = try makeTerminal()
    defer {
      close(master)
      close(slave)
    }
    #expect(
      try Probe.run(terminal: path, speed: 9600) == [
        "refused /dev/ttyUSB0: asked for 1000000 baud, the driver runs at 9600; use a speed that this adaptor has, or another adaptor"
      ])
  }

  @Test("a port that another process has is refused, and that process named; it goes on undisturbed")
  func busy() throws {
    try withServo(answers: 100_000) { path in
      let (first, output, machine) = try Probe.start(terminal: path)
      // Once it has read a servo, the port is its own.
      var text = ""
      while !text.contains("read [0, 8]") {
        let data = output.availableData
        guard !data.isEmpty else { break }
        text += String(decoding: data, as: UTF8.self)
      }
      let second = try Probe.run(terminal: path)
      #expect(second.count == 1)
      // This test has the terminal open, too.
      #expect(second.first?.hasPrefix("refused /dev/ttyUSB0: it is in use by ") == true)
      #expect(second.first?.contains("servo-port-prob (process \(first.processIdentifier))") == true)
      #expect(first.isRunning)
      kill(first.processIdentifier, SIGKILL)
      text += String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
      first.waitUntilExit()
      #expect(!text.contains("ended"))
      withExtendedLifetime(machine) {}
    }
  }

  @Test(
    "without the right to the port the group and the command that grants it are named",
    .enabled(if: geteuid() == 0 && Probe.canBeNobody, "needs root and setpriv to give rights up"))
  func noRights() throws {
    let (master, slave, path) = try makeTerminal()
    defer {
      close(master)
      close(slave)
    }
    let group = try #require(getgrnam("dialout"), "no group dialout")
    #expect(chown(path, 0, group.pointee.gr_gid) == 0)
    chmod(path, 0o660)
    #expect(
      try Probe.run(terminal: path, before: Probe.asNobody) == [
        "refused /dev/ttyUSB0: you may not use this port; it belongs to group dialout; sudo usermod -aG dialout $USER, then log in again"
      ])
    #expect(chown(path, 0, 0) == 0)
    #expect(
      try Probe.run(terminal: path, before: Probe.asNobody) == [
        "refused /dev/ttyUSB0: you may not use this port; it belongs to group root; sudo chgrp dialout /dev/ttyUSB0 && sudo chmod g+rw /dev/ttyUSB0"
      ])
  }

  @Test("what is no serial port, or not there, is refused with what to do")
  func wrongPorts() throws {
    let machine = try SerialStandIn()
    #expect(
      try Probe.run("/dev/null", terminal: "/dev/null", machine: machine) == [
        "refused /dev/null: this is not a serial port; list the ports with 'sinew port list'"
      ])
    #expect(
      try Probe.run("/dev/ttyUSB7", terminal: "/dev/null", machine: machine) == [
        "refused /dev/ttyUSB7: there is no such port; plug the adaptor in, then look for it with 'sinew port list'"
      ])
    #expect(
      try Probe.run(terminal: "/dev/null", baud: 300, machine: machine) == [
        "refused /dev/ttyUSB0: 300 baud is no speed of a servo bus; use 9600 to 4500000, for example 1000000"
      ])
  }

  @Test("a port whose cable is pulled while nobody speaks ends at once, too, and costs no processor time")
  func unplugInSilence() throws {
    let (master, slave, path) = try makeTerminal()
    let (process, output, machine) = try Probe.start(terminal: path)
    // It is open, and waits for an answer that never comes: up to half a second of silence a try.
    var text = ""
    while !text.contains("opened") {
      let data = output.availableData
      guard !data.isEmpty else { break }
      text += String(decoding: data, as: UTF8.self)
    }
    close(slave)
    close(master)
    text += String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    withExtendedLifetime(machine) {}
    let last = try #require(text.split(separator: "\n").last.map(String.init))
    #expect(last.hasPrefix("ended transport(ServoBus.TransportError.Code.hungUp)"), "\(text)")
    let cost = last.split(separator: " ").dropLast().last.flatMap { Int($0) }
    #expect(try #require(cost) < 100)
  }

  @Test("ports are listed with what their adaptors say; the list follows unplugging and plugging in again")
  func discovery() throws {
    let machine = try SerialStandIn()
    #expect(try list(machine).isEmpty)
    try machine.plug(.ch340, as: "ttyUSB10")
    try machine.plug(.u2d2, as: "ttyUSB2")
    let all = try list(machine)
    #expect(
      all == [
        "/dev/ttyUSB2 /dev/serial/by-id/usb-FTDI_USB____Serial_Converter_FT2H2Z5A-if00-port0 1027:24596 FT2H2Z5A ftdi_sio 16 echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB2/latency_timer",
        "/dev/ttyUSB10 - 6790:29987 - ch341-uart - -",
      ])
    try machine.unplug("ttyUSB2")
    #expect(try list(machine) == [all[1]])
    try machine.plug(.u2d2, as: "ttyUSB2")
    #expect(try list(machine) == all)
  }

  private func list(_ machine: SerialStandIn) throws -> [String] {
    let process = Process()
    process.executableURL = try Probe.executable()
    process.arguments = ["list"]
    process.environment = ProcessInfo.processInfo.environment.merging(machine.environment) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }
}
