import Foundation
import Glibc
import TestSupport
import Testing

/// Virtual servos as a program of their own, and a host that opens their port.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct EmulateDeviceTests {
  /// Starts `sinew emulate` with a link in `folder` and waits until it is there.
  private func start(_ arguments: [String], in folder: ScratchFolder) throws -> Command {
    let command = try Command(["emulate", "--pty", "bus"] + arguments, in: folder.root)
    let end = Date(timeIntervalSinceNow: 20)
    while !FileManager.default.fileExists(atPath: folder.path("bus")), Date() < end { usleep(5000) }
    return command
  }

  private func exchange(_ path: String, _ request: [UInt8], count: Int) -> [UInt8] {
    let descriptor = open(path, O_RDWR | O_NOCTTY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    guard write(descriptor, request, request.count) == request.count else { return [] }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64)
    while answer.count < count {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 20_000) > 0 else { break }
      let received = read(descriptor, &buffer, buffer.count)
      guard received > 0 else { break }
      answer += buffer[..<received]
    }
    return answer
  }

  private let ping: [UInt8] = [0xFF, 0xFF, 1, 2, 1, 0xFB]

  @Test("prints its port, answers there, and ends cleanly on Ctrl-C", arguments: [SIGINT, SIGTERM])
  func stops(signal: Int32) throws {
    let folder = try ScratchFolder()
    let command = try start(
      ["--protocol", "feetech", "--model", "sts3215-7v4", "--ids", "1-2", "--record", "passed.txt"], in: folder)
    #expect(exchange(folder.path("bus"), ping, count: 6) == [0xFF, 0xFF, 1, 2, 0, 0xFC])
    command.send(signal)
    let outcome = try command.finish()
    #expect(outcome.code == 0)
    #expect(outcome.output == "bus\n")
    #expect(outcome.errorLines.last == "1 instructions, 1 answers, 0 damaged, 0 collisions")
    #expect(!FileManager.default.fileExists(atPath: folder.path("bus")))
    #expect(try folder.text("passed.txt").contains("host FF FF 01 02 01 FB"))
  }

  @Test("the simulated arm moves behind the port; a fault on demand hangs it up, which ends the command")
  func arm() throws {
    let folder = try ScratchFolder()
    let command = try start(
      [
        "--protocol", "feetech", "--model", "sts3215-7v4", "--physics", "so101", "--fault", "hang-up-after=1",
      ], in: folder)
    // Position of joint 2, which stands at its home of -0.5 rad.
    let answer = exchange(folder.path("bus"), [0xFF, 0xFF, 2, 4, 2, 56, 2, 0xBD], count: 8)
    #expect(answer.count == 8)
    let outcome = try command.finish()
    #expect(outcome.code == 0)
  }

  @Test("servos of two models share a bus when their ids say which is which")
  func mixed() throws {
    let folder = try ScratchFolder()
    let command = try start(["--model", "1=xl430-w250", "--model", "2-3=xl330-m288"], in: folder)
    // Ping 2: its answer has the model number, 1200.
    let answer = exchange(
      folder.path("bus"), [0xFF, 0xFF, 0xFD, 0, 2, 3, 0, 1, 0x19, 0x72], count: 14)
    #expect(answer.count == 14 && answer[9] == 0xB0 && answer[10] == 0x04, "\(answer)")
    command.send(SIGINT)
    #expect(try command.finish().code == 0)
  }

  @Test(
    "wrong requests end with 2 and one line that helps",
    arguments: [
      (["--protocol", "feetech", "--model", "sts3512-7v4"], "did you mean"),
      (["--protocol", "dynamixel2", "--model", "sts3215-7v4"], "--protocol feetech"),
      (["--protocol", "feetech", "--model", "sts3215-7v4", "--ids", "6-1"], "list of ids"),
      (["--protocol", "feetech", "--model", "sts3215-7v4", "--baud", "2000000"], "1000000"),
      (
        ["--protocol", "feetech", "--model", "sts3215-7v4", "--physics", "so101", "--ids", "1-3"], "one servo per shaft"
      ),
      (
        ["--protocol", "feetech", "--model", "sts3215-7v4", "--physics", "so100"],
        "there is no simulation model of arm 'so100'; use --physics independent"
      ),
      (["--protocol", "feetech", "--model", "sts3215-7v4", "--fault", "garbadge=1"], "garbage"),
      (["--protocol", "feetech", "--model", "sts3215-7v4", "--listen", "nowhere"], "unix:PATH"),
      (["--protocol", "canbus", "--model", "sts3215-7v4"], "canbus"),
      (["--protocol", "feetech", "--model", "sts3215-7v4", "--eeprom", "no/such"], "no/such"),
      ([], "--arm"),
      (["--arm", "reacher"], "no servos on a bus"),
      (["--arm", "koh"], "did you mean"),
      (["--arm", "koch", "--physics", "simulated"], "there is no simulation model of arm 'koch'"),
      (["--arm", "koch", "--ids", "1-6"], "leave --ids out"),
      (["--arm", "koch", "--protocol", "feetech"], "speaks dynamixel2"),
      (["--arm", "koch", "--model", "xl330-m288"], "xl430-w250 at shoulder_pan, not xl330-m288"),
      (["--arm", "koch", "--model", "7=xl330-m288"], "there is no 7"),
      (["--arm", "so101", "--hand", "--physics", "simulated"], "--hand turns independent joints"),
      (["--arm", "koch", "--perturb", "payload=0.1"], "--perturb is about a simulated arm"),
      (["--arm", "so101", "--perturb", "payloat=0.1"], "did you mean"),
      (["--model", "1-2=xl430-w250", "--model", "2-3=xl330-m288"], "id 2 has two models"),
      (["--model", "1-2=xl430-w250", "--model", "xl330-m288"], "which ids are meant"),
      (["--model", "1-2=xl430-w250", "--ids", "1-2"], "leave --ids out"),
      (["--model", "1=xl430-w250", "--model", "2=sts3215-7v4"], "different protocols"),
      (["--model", "sts3215-7v4", "--write-calibration", "x.yaml"], "--arm"),
    ])
  func wrongInput(arguments: [String], part: String) throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(["emulate"] + arguments, in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(try folder.snapshot().isEmpty)
  }
}
