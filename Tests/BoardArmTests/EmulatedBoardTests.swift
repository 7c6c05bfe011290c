import ArmModel
import CSystem
import Foundation
import ServoBus
import ServoWire
import Testing

/// The boards that can be emulated.
private enum BoardName: String, CaseIterable, CustomTestStringConvertible {
  case atmega328p, lm3s6965evb

  var testDescription: String { rawValue }
}

/// The real firmware of a board in an emulated processor, at the far end of a pseudo-terminal (`tools/emulated-board`).
///
/// A class, so that the emulator ends with it.
private final class EmulatedBoard {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// What is missing to emulate them; nil when nothing is.
  static let missing: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for program in ["avr-gcc", "gcc", "bash", "qemu-system-arm", "swiftc", "python3"]
    where !folders.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }) {
      return program
    }
    return FileManager.default.fileExists(atPath: "/usr/include/simavr/sim_avr.h") ? nil : "libsimavr-dev"
  }()

  let port: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let errors = Pipe()

  init(_ name: BoardName) throws {
    port = NSTemporaryDirectory() + "board-\(UUID().uuidString.prefix(8))"
    process.executableURL = URL(fileURLWithPath: Self.root + "/tools/emulated-board")
    process.arguments = [name.rawValue, "--pty", port, "--baud", "115200", "--seconds", "120"]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // "20000 ready PATH at RATE bit/s"
    try #require(line(with: "ready") != nil, "the emulator did not begin")
  }

  deinit {
    try? input.fileHandleForWriting.write(contentsOf: Data("end\n".utf8))
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: port)
  }

  func say(_ command: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8)) }

  private var rest = ""

  /// The next line that has a word; nil at the end of the output.
  func line(with word: String) -> String? {
    while true {
      while let end = rest.firstIndex(of: "\n") {
        let line = String(rest[..<end])
        rest = String(rest[rest.index(after: end)...])
        if line.contains(word) { return line }
      }
      let data = output.fileHandleForReading.availableData
      if data.isEmpty { return nil }
      rest += String(decoding: data, as: UTF8.self)
    }
  }

  /// Whether the servos have power, and the pulses on the pins, µs.
  func pins() throws -> (rail: Bool, pulses: [Double]) {
    try say("pins")
    let said = try #require(line(with: " pins "))
    let words = said.split(separator: " ").map(String.init)
    let rail = try #require(words.firstIndex(of: "rail"))
    let pulses = try #require(words.firstIndex(of: "pulses"))
    return (words[rail + 1] == "1", words[(pulses + 1)...].compactMap { Double($0) })
  }
}

/// An emulated processor falls behind the time while hundreds of other tests run, so that `tools/test` runs these alone.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["SINEW_EMULATED_BOARD"] != nil,
    "they need the machine for themselves: SINEW_EMULATED_BOARD=1 swift test --filter EmulatedBoardTests"),
  .enabled(
    if: EmulatedBoard.missing == nil,
    Comment(rawValue: "\(EmulatedBoard.missing ?? "") is missing; run tools/setup --with-test-tools")))
struct EmulatedBoardTests {
  /// Ticks of a loop at 100 Hz that reads and writes; how many had no error.
  private func drive(_ arm: inout BoardArm, ticks: Int, goal: [Double]) -> Int {
    var state = JointState(count: 3)
    var clean = 0
    var next = sinew_now_ns()
    for _ in 0..<ticks {
      next = max(next + 10_000_000, sinew_now_ns())
      _ = sinew_sleep_until_ns(next)
      do throws(ArmError) {
        try arm.read(into: &state, now: next)
        if arm.power == .on {
          try arm.write(JointCommand(mode: .position, goal: JointVector(goal), stamp: next))
        } else {
          try arm.energise(now: next)
        }
        clean += 1
      } catch {}
    }
    return clean
  }

  /// Connects; on a machine that is too busy to emulate in real time again.
  private func connect(_ board: EmulatedBoard) throws -> BoardArm {
    for _ in 0..<10 {
      do throws(ServoArmError) {
        return try BoardArm.connect(path: board.port, baud: nil, configuration: configuration())
      } catch { guard error.kind == .rateTooHigh || error.kind == .noAnswer else { throw error } }
    }
    return try BoardArm.connect(path: board.port, baud: nil, configuration: configuration())
  }

  private func configuration() -> ServoArmConfiguration {
    var rig = Rig()
    // A busy machine keeps emulator and host waiting longer than a board should wait for a host.
    rig.configuration.watchdog = 1_000_000_000
    return rig.configuration
  }

  @Test(arguments: BoardName.allCases)
  private func `Handshake, arming, setpoints at 100 Hz, telemetry and disarming, seen on the pins`(
    _ name: BoardName
  ) throws {
    let board = try EmulatedBoard(name)
    var arm = try connect(board)
    #expect(arm.report.channels == 6 && arm.report.achievableRate > 100)
    #expect(try board.pins().rail == false)
    for _ in 0..<20 where arm.power != .on { _ = drive(&arm, ticks: 20, goal: Rig.park) }
    #expect(arm.power == .on)
    let goal = [0.5, 0.2, 0.4]
    let clean = drive(&arm, ticks: 300, goal: goal)
    #expect(clean > 100)
    let (rail, pulses) = try board.pins()
    #expect(rail && pulses.count == 6)
    for joint in 0..<3 {
      // The line's interrupts hold an edge up for some microseconds.
      #expect(abs(pulses[Int(Rig.channels[joint])] - Rig.pulse(joint, goal[joint])) < 10, "\(pulses)")
    }
    #expect(arm.reading.message.state == .active)
    #expect(arm.counters.setpoints >= 200 && arm.counters.states >= 200)
    try arm.finish(deadline: sinew_now_ns() + 5_000_000_000)
    #expect(arm.power == .off)
    #expect(try board.pins().rail == false)
  }

  @Test(arguments: BoardName.allCases)
  private func `The firmware switches off when its host goes silent, and is armed again by the sequence only`(
    _ name: BoardName
  ) throws {
    let board = try EmulatedBoard(name)
    var arm = try connect(board)
    for _ in 0..<20 where arm.power != .on { _ = drive(&arm, ticks: 20, goal: Rig.park) }
    #expect(arm.power == .on)
    let end = sinew_now_ns() + 20_000_000_000
    var rail = true
    while rail, sinew_now_ns() < end {
      _ = sinew_sleep_until_ns(sinew_now_ns() + 100_000_000)
      rail = try board.pins().rail
    }
    #expect(!rail)
    var state = JointState(count: 3)
    for _ in 0..<20 where arm.power != .off {
      do throws(ArmError) { try arm.read(into: &state, now: sinew_now_ns()) } catch {}
    }
    #expect(arm.health.faults.has(.watchdog) && arm.power == .off)
    do throws(ArmError) { try arm.release(now: sinew_now_ns()) } catch {}
    for _ in 0..<20 where arm.power != .on { _ = drive(&arm, ticks: 20, goal: Rig.park) }
    #expect(arm.power == .on)
    try arm.finish(deadline: sinew_now_ns() + 5_000_000_000)
  }

  @Test(arguments: BoardName.allCases)
  private func `The emergency stop and a reset in mid-run are seen`(_ name: BoardName) throws {
    let board = try EmulatedBoard(name)
    var arm = try connect(board)
    for _ in 0..<20 where arm.power != .on { _ = drive(&arm, ticks: 20, goal: Rig.park) }
    try board.say("estop open")
    for _ in 0..<20 where !arm.health.isEmergencyStopOpen { _ = drive(&arm, ticks: 10, goal: Rig.park) }
    #expect(arm.health.isEmergencyStopOpen)
    #expect(try board.pins().rail == false)
    try board.say("estop closed")
    do throws(ArmError) { try arm.release(now: sinew_now_ns()) } catch {}
    for _ in 0..<20 where arm.power != .on { _ = drive(&arm, ticks: 20, goal: Rig.park) }
    #expect(arm.power == .on)
    try board.say("reset")
    for _ in 0..<20 where arm.power != .unknown { _ = drive(&arm, ticks: 10, goal: Rig.park) }
    #expect(arm.power == .unknown)
    #expect(try board.pins().rail == false)
    try arm.reconnect()
    #expect(arm.power == .off)
  }
}
