import CEvdev
import CPadTestbed
import Foundation
import Glibc
import Testing

@testable import Gamepads

/// The command as a process of its own, in the same world of made-up devices.
final class PadCommand {
  let process = Process()
  private let output = Pipe()
  private let errors = Pipe()
  private let keyboard = Pipe()
  private var pending = ""
  /// What `says` has listened to, line by line.
  private(set) var heard: [String] = []

  init(_ arguments: [String], of command: String = "gamepad", home: String) throws {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.executableURL = own.deletingLastPathComponent().appendingPathComponent("sinew")
    process.arguments = [command] + arguments
    var environment = ProcessInfo.processInfo.environment
    environment["HOME"] = home
    environment["XDG_CONFIG_HOME"] = nil
    process.environment = environment
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = keyboard
    try process.run()
  }

  deinit {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// The next line that it says on standard error, or on standard output; nil at the end, or after `patience` s.
  func line(output isOutput: Bool = false, patience: Double = TestPad.patience) -> String? {
    let descriptor = (isOutput ? output : errors).fileHandleForReading.fileDescriptor
    let end = Date(timeIntervalSinceNow: patience)
    while true {
      if let newline = pending.firstIndex(of: "\n") {
        defer { pending.removeSubrange(...newline) }
        return String(pending[..<newline])
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard Date() < end, poll(&entry, 1, 100) >= 0 else { return nil }
      guard entry.revents != 0 else { continue }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &buffer, buffer.count)
      if count <= 0 { return nil }
      pending += String(decoding: buffer[..<count], as: UTF8.self)
    }
  }

  /// Whether it says a line with `text` on standard error, sooner or later.
  func says(_ text: String, patience: Double = TestPad.patience) -> Bool {
    let end = Date(timeIntervalSinceNow: patience)
    while let line = line(patience: max(0, end.timeIntervalSinceNow)) {
      heard.append(line)
      if line.contains(text) { return true }
    }
    return false
  }

  /// Types a line.
  func type(_ text: String) { keyboard.fileHandleForWriting.write(Data((text + "\n").utf8)) }

  /// Waits for its end, `patience` s at most; one that does not end is killed, and its code is then the signal's.
  func finish(patience: Double = TestPad.patience) -> (code: Int32, output: String, errors: String) {
    let end = Date(timeIntervalSinceNow: patience)
    while process.isRunning {
      if Date() > end { kill(process.processIdentifier, SIGKILL) }
      usleep(5000)
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    return (process.terminationStatus, text, said)
  }
}

extension GamepadDeviceTests {
  @Suite struct CommandLine {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-home-\(UUID().uuidString)").path

    @Test("list names every pad with its mapping, as a table and as JSON; without a pad it says so")
    func list() throws {
      let bed = try Testbed()
      defer { bed.end() }
      #expect(try PadCommand(["list"], home: home).finish().output.hasPrefix("no gamepad found; plug one in"))
      try bed.plug("xbox360", number: 5)
      try bed.plug("dualshock4", number: 6, port: "1-2") { $0.state.id.bustype = 5 }
      let table = try PadCommand(["list"], home: home).finish()
      #expect(table.code == 0)
      #expect(table.output.contains("/dev/input/event5") && table.output.contains("built in (PlayStation)"))
      let json = try PadCommand(["list", "--json"], home: home).finish()
      let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      let pads = try #require(object["pads"] as? [[String: Any]])
      #expect(pads.count == 2)
      #expect(pads[0]["vendor"] as? String == "045e" && pads[0]["product"] as? String == "028e")
      #expect(pads[0]["version"] as? String == "0114" && pads[0]["bus"] as? String == "USB")
      #expect(pads[1]["wireless"] as? Bool == true && pads[1]["bus"] as? String == "Bluetooth")
      #expect(pads[0]["problem"] == nil)
    }

    @Test("test prints a line for each press where there is no terminal, and fails when the pad is gone at the end")
    func test() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let pad = try bed.plug("xbox360")
      let command = try PadCommand(["test", "--duration", "3600"], home: home)
      #expect(command.line(output: true)?.contains("Microsoft X-Box 360 pad connected") == true)
      #expect(command.line(output: true)?.contains("move both sticks once") == true)
      pad.key(BTN_EAST, true)
      #expect(command.line(output: true)?.hasSuffix("stop pressed") == true)
      pad.key(BTN_EAST, false)
      #expect(command.line(output: true)?.hasSuffix("stop let go") == true)
      bed.unplug(pad)
      #expect(command.line(output: true)?.contains("is gone: unplugged or switched off") == true)
      kill(command.process.processIdentifier, SIGINT)
      let end = command.finish()
      #expect(end.code == 1)
      #expect(end.errors.contains("error: the gamepad is gone; plug it in again"))
    }

    @Test("test ends after its time, and says when no pad came")
    func noPad() throws {
      let bed = try Testbed()
      defer { bed.end() }
      let end = try PadCommand(["test", "--duration", "0.2"], home: home).finish()
      #expect(end.code == 1)
      #expect(end.output.contains("waiting for a gamepad"))
      #expect(end.errors.contains("error: no gamepad came"))
    }

    @Test("a guided mapping: stopped halfway, gone on with, written, and used from then on")
    func map() throws {
      let bed = try Testbed()
      defer { bed.end() }
      // A pad that nobody knows.
      let pad = try bed.plug("dualshock4") { fixture in
        fixture.state.id.vendor = 0x1234
        fixture.text = fixture.text.replacingOccurrences(of: "vendor=054c", with: "vendor=1234")
      }
      let sources = PadFamily.playstation.sources
      let first = try PadCommand(["map"], home: home)
      answer(first, pad, sources, stoppingAt: "Press the small button left")
      first.type("q")
      let half = first.finish()
      #expect(half.code == 1)
      #expect(half.errors.contains("the same command goes on with the 8 controls found"))
      let file = "\(home)/.config/sinew/gamepads/1234-09cc.yaml"
      #expect(FileManager.default.fileExists(atPath: file + ".partial"))

      let second = try PadCommand(["map"], home: home)
      #expect(second.line()?.contains("going on with 8 controls") == true)
      answer(second, pad, sources, stoppingAt: nil)
      let whole = second.finish()
      #expect(whole.code == 0)
      #expect(whole.output == file + "\n")
      #expect(!FileManager.default.fileExists(atPath: file + ".partial"))
      let mapping = try MappingFile.load(path: file)
      #expect(mapping.mapping.sources == sources)
      #expect(mapping.mapping.calibration[0]?.centre == 128)
      // Used from then on, and not overwritten by mistake.
      #expect(try PadCommand(["list"], home: home).finish().output.contains(file))
      let again = try PadCommand(["map"], home: home).finish()
      #expect(again.code == 2 && again.errors.contains("exists already"))
    }

    /// Does what the command asks for, until it asks for what begins with `stop`.
    private func answer(
      _ command: PadCommand, _ pad: TestPad, _ sources: [PadControl: PadSource], stoppingAt stop: String?
    ) {
      let sticks: [Int32] = [ABS_X, ABS_Y, ABS_RX, ABS_RY]
      while let line = command.line() {
        if let stop, line.contains(stop) { return }
        if line.contains("all the way round") || line.contains("along their edges") {
          // Rest begins when the last of this is over, however long it takes: with a button down nothing is at rest.
          let isFirst = line.contains("all the way round")
          if isFirst { pad.key(BTN_THUMBL, true) }
          for code in sticks { for value in [2, 253, 128] as [Int32] { pad.axis(code, value) } }
          for code in [ABS_Z, ABS_RZ] { for value in [255, 0] as [Int32] { pad.axis(code, value) } }
          if isFirst { pad.key(BTN_THUMBL, false) }
          if line.contains("edges") { press(pad, .key(UInt16(BTN_SOUTH)), up: false) }
          continue
        }
        if line.hasPrefix("error:") || line.hasPrefix("written") { return }
        let control = PadControl.allCases.first { line.contains(MappingGuide.question($0)) }
        if let control, let source = sources[control] {
          press(pad, source, up: control == .leftY || control == .rightY)
        }
      }
    }

    private func press(_ pad: TestPad, _ source: PadSource, up: Bool) {
      switch source {
      case .key(let code):
        pad.key(Int32(code), true)
        pad.key(Int32(code), false)
      case .axis(let code, let part, _):
        let isHat = code >= 16
        let rest: Int32 = isHat || code == 2 || code == 5 ? 0 : 128
        pad.axis(Int32(code), isHat ? (part == .negative ? -1 : 1) : up ? 0 : 255)
        pad.axis(Int32(code), rest)
      }
    }
  }
}
