import CSystem
import Foundation
import Glibc
import ServoBus
import TestSupport
import Testing

/// libserialport's own code on a pseudo-terminal: a stand-in for the driver is loaded into a process of its own.
private enum Stand {
  /// The stand-in, compiled once; nil where there is no C compiler.
  static let shim: String? = {
    let source = Fixtures.packageRoot.appendingPathComponent("Tests/SerialShim/shim.c").path
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-shim-\(getpid()).so").path
    for compiler in ["/usr/bin/clang", "/usr/bin/cc", "/usr/bin/gcc"]
    where FileManager.default.isExecutableFile(atPath: compiler) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: compiler)
      process.arguments = ["-shared", "-fPIC", "-w", "-o", output, source, "-ldl"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { continue }
      process.waitUntilExit()
      if process.terminationStatus == 0 { return output }
    }
    return nil
  }()

  static func probe() throws -> URL {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, Bundle.main.bundleURL.deletingLastPathComponent()]
    let found = candidates.map { $0.appendingPathComponent("servo-port-probe") }
      .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    return try #require(found, "no servo-port-probe in \(candidates.map(\.path))")
  }

  /// Starts the probe on a made-up device that `terminal` stands for.
  static func start(
    _ path: String, terminal: String, baud: Int = 1_000_000, speed: Int? = nil, before: [String] = []
  ) throws -> (process: Process, output: FileHandle) {
    let process = Process()
    let command = before + [try probe().path, path, "\(baud)"]
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    var environment = ProcessInfo.processInfo.environment
    environment["LD_PRELOAD"] = shim
    environment["SINEW_SHIM_PORTS"] = "/dev/ttyHIL0=\(terminal)"
    if let speed { environment["SINEW_SHIM_SPEED"] = "\(speed)" }
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    return (process, output.fileHandleForReading)
  }

  static func run(
    _ path: String, terminal: String, baud: Int = 1_000_000, speed: Int? = nil, before: [String] = []
  ) throws -> [String] {
    let (process, output) = try start(path, terminal: terminal, baud: baud, speed: speed, before: before)
    let text = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }
}

@Suite(.enabled(if: Stand.shim != nil, "needs a C compiler to make a stand-in for the serial driver"))
struct SerialPortTests {
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
      let lines = try Stand.run("/dev/ttyHIL0", terminal: path)
      #expect(lines.prefix(2) == ["opened /dev/ttyHIL0", "read [0, 8]"])
      #expect(lines.last?.hasPrefix("ended transport(ServoBus.TransportError.Code.hungUp)") == true)
      // libserialport's own read would have burnt all of its time-out.
      let cost = lines.last?.split(separator: " ").dropLast().last.flatMap { Int($0) }
      #expect(try #require(cost) < 100)
    }
  }

  @Test("a link is followed, as those below /dev/serial/by-id")
  func link() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-link-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let link = folder.appendingPathComponent("usb-FTDI_U2D2-if00").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/ttyHIL0")
    try withServo(answers: 2) { path in
      let lines = try Stand.run(link, terminal: path)
      #expect(lines.prefix(2) == ["opened /dev/ttyHIL0", "read [0, 8]"])
    }
  }

  @Test("odd speeds that need their own system call are set, too", arguments: [76_800, 250_000, 3_000_000, 4_000_000])
  func speeds(baud: Int) throws {
    try withServo(answers: 2) { path in
      let lines = try Stand.run("/dev/ttyHIL0", terminal: path, baud: baud)
      #expect(lines.prefix(2) == ["opened /dev/ttyHIL0", "read [0, 8]"])
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
      try Stand.run("/dev/ttyHIL0", terminal: path, speed: 9600) == [
        "refused /dev/ttyHIL0: asked for 1000000 baud, the driver runs at 9600; use a speed that this adaptor has, or another adaptor"
      ])
  }

  @Test("a port that another process has is refused, and that process named; it goes on undisturbed")
  func busy() throws {
    try withServo(answers: 100_000) { path in
      let (first, output) = try Stand.start("/dev/ttyHIL0", terminal: path)
      // Once it has read a servo, the port is its own.
      var text = ""
      while !text.contains("read [0, 8]") {
        let data = output.availableData
        guard !data.isEmpty else { break }
        text += String(decoding: data, as: UTF8.self)
      }
      let second = try Stand.run("/dev/ttyHIL0", terminal: path)
      #expect(second.count == 1)
      // This test has the terminal open, too.
      #expect(second.first?.hasPrefix("refused /dev/ttyHIL0: it is in use by ") == true)
      #expect(second.first?.contains("servo-port-prob (process \(first.processIdentifier))") == true)
      #expect(first.isRunning)
      first.terminate()
      text += String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
      first.waitUntilExit()
      #expect(!text.contains("ended"))
    }
  }

  @Test(
    "without the right to the port the command that grants it is named",
    .enabled(if: geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0, "needs root and setpriv to give rights up"))
  func noRights() throws {
    let (master, slave, path) = try makeTerminal()
    defer {
      close(master)
      close(slave)
    }
    chmod(path, 0o620)
    let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    let lines = try Stand.run("/dev/ttyHIL0", terminal: path, before: nobody)
    #expect(lines.count == 1)
    #expect(lines.first?.hasPrefix("refused /dev/ttyHIL0: you may not use this port; sudo ") == true)
  }
}
