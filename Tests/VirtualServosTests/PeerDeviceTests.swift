import Foundation
import TestSupport
import Testing
import VirtualServos

/// A Python with the servo clients of `tools/test-requirements.txt`: the one SINEW_PYTHON names, else the package's
/// `.venv` (made by `tools/setup`).
private enum Python {
  static let path: String? = {
    let named = ProcessInfo.processInfo.environment["SINEW_PYTHON"]
    let path = named ?? Fixtures.packageRoot.appendingPathComponent(".venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    return (try? run(path, ["-c", "import dynamixel_sdk, scservo_sdk, rustypot"]))?.status == 0 ? path : nil
  }()

  static func run(_ executable: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }
}

/// Other people's clients drive the virtual servos over a pseudo-terminal.
@Suite(
  .serialized,
  .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)),
  .enabled(
    if: Python.path != nil, "needs a Python with dynamixel-sdk, feetech-servo-sdk and rustypot: run tools/setup"))
struct PeerDeviceTests {
  @Test(
    "other people's clients ping, read, write, sync, reboot and change ids",
    arguments: [
      ("dynamixel-sdk", "xl330-m288"), ("dynamixel-sdk-1", "ax-12a"), ("feetech-servo-sdk", "sts3215-7v4"),
      ("rustypot-xl330", "xl330-m288"), ("rustypot-sts3215", "sts3215-7v4"),
      ("rustypot-ax12a", "ax-12a"), ("rustypot-scs0009", "scs0009"),
    ])
  func drives(peer: String, model: String) throws {
    let servos = try ServoSetup.servos(
      try ServoModel.named(model), ids: [1, 2], baud: 1_000_000, returnDelay: 0)
    let bus = try VirtualServoBus(
      VirtualBusConfiguration(servos: servos, timing: BusTiming(baud: 1_000_000, checksBaud: true)))
    let server = try ServoBusServer.pseudoTerminal(bus)
    defer { server.stop() }
    let script = Fixtures.packageRoot.appendingPathComponent("tools/peer/drive-virtual-servos.py").path
    let result = try Python.run(try #require(Python.path), [script, peer, server.portName])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("ok: "))
    let state = server.state
    #expect(state.servos.map { $0.id } == [1, 7])
    #expect(state.counts.damaged == 0)
  }
}
