import ArmModel
import ArmProfiles
import Foundation
import Glibc
import TestSupport
import Testing
import VirtualServos

/// A control thread that no longer ticks: its watchdog stops the arm and ends the program.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct RunawayDeviceTests {
  private static let probe = Command.executable.replacing("/sinew", with: "/crash-probe")
  /// What the probe ticks with and how long it may stand still, s.
  private static let period = 0.1
  private static let limit = 4 * period

  /// How the servos are reached.
  enum Line: String, CaseIterable, CustomTestStringConvertible {
    case terminal = "pseudo-terminal"
    case socket

    var testDescription: String { rawValue }
  }

  /// Six calibrated servos on a line, and a probe that drives them.
  private struct Scene {
    let folder: ScratchFolder
    let server: ServoBusServer
    let command: Command

    init(_ line: Line, _ manner: String, policy: String) throws {
      folder = try ScratchFolder()
      let model = try ServoModel.named("sts3215-7v4")
      try folder.write(try ArmProfile.text(of: "so101"), to: "profile.yaml")
      let calibration = try EmulatedCalibration.make(
        profile: folder.path("profile.yaml"), model: model, ids: Array(1...6))
      try folder.write(calibration.text, to: "arm.yaml")
      let servos = zip(try ServoSetup.servos(model, ids: Array(1...6), baud: 1_000_000), calibration.joints).map {
        $0.calibrated(as: $1)
      }
      var configuration = VirtualBusConfiguration(servos: servos, timing: BusTiming())
      configuration.recordingLimit = 100_000
      let bus = try VirtualServoBus(configuration)
      // Of the servos' thread, where it is granted: times are measured here.
      switch line {
      case .terminal: server = try ServoBusServer.pseudoTerminal(bus, link: folder.path("bus"), priority: 45)
      case .socket: server = try ServoBusServer.listening(bus, at: "unix:" + folder.path("bus"), priority: 45)
      }
      command = try Command(
        [folder.path("bus"), folder.path("arm.yaml"), folder.path("profile.yaml"), manner, policy], in: folder.root,
        environment: ["SWIFT_BACKTRACE": "enable=no"], executable: RunawayDeviceTests.probe)
      try command.waitFor("on", onOutput: true, patience: 60)
    }

    /// What the host put on the wire.
    var sent: [BusEvent] { server.recording.filter { $0.kind == .host } }
  }

  /// The hex of some bytes.
  private static func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02X", $0) }.joined() }

  @Test(
    "A loop that hangs or runs away is ended by its watchdog, and the last goals are on the wire within four periods",
    arguments: ["spinning", "waiting", "writing", "returning"], Line.allCases)
  func runsAway(manner: String, line: Line) throws {
    let scene = try Scene(line, manner, policy: "hold")
    defer { scene.server.stop() }
    let outcome = try scene.command.finish(patience: 60)
    #expect(outcome.code == nil, "\(outcome.errors)")
    #expect(outcome.errors.contains("the words of a watchdog") && outcome.errors.contains("the words of a crash"))
    usleep(200_000)
    #expect(scene.server.state.servos.allSatisfy { $0.isTorqueOn })
    // Sync write to everybody: goal position, two bytes behind each servo's id.
    let sent = scene.sent
    let text = sent.map { Self.hex($0.bytes) }.joined()
    let goals = text.ranges(of: "832A02").map { String(text[$0.upperBound...].prefix(2 * 6 * 3)) }
    try #require(goals.count >= 8, "\(text.suffix(600))")
    // Three times the goals of the last tick, and nothing of what the thread still wanted afterwards.
    // A socket cannot be emptied of what the thread has filled it with, and may have room for fewer of them.
    let copies = manner == "returning" && line == .socket ? 1 : 3
    #expect(Set(goals.suffix(copies)).count == 1, "\(goals.suffix(4))")
    let ticks = goals.dropLast(3)
    #expect(ticks.contains(goals[goals.count - 1]), "the stop frame's goals are a tick's")
    if manner == "writing" { #expect(goals[goals.count - 4] != goals[goals.count - 1]) }
    let last = try #require(sent.last { Self.hex($0.bytes).contains("832A02") })
    #expect(text.hasSuffix(Self.hex(last.bytes)), "\(text.suffix(600))")
    guard manner == "spinning" || manner == "waiting" else { return }
    // From the last word of a tick, which was its end, to the first stop frame; where nobody grants the right to run
    // before others, the machine may be late with everything.
    let times = sent.filter { Self.hex($0.bytes).contains("832A02") }.map { Double($0.time) * 1e-9 }
    let waited = times[times.count - 3] - times[times.count - 4]
    let slack = scene.server.priorityRefusal == 0 ? 0.15 : 2
    #expect(waited > Self.limit - Self.period && waited <= Self.limit + slack, "\(waited) s")
    print("\(manner), \(line.rawValue): first stop frame \(Int(waited * 1e3)) ms after the last tick's word")
  }

  @Test("Where a crash shall let go of the arm, so does the watchdog")
  func releases() throws {
    let scene = try Scene(.terminal, "waiting", policy: "release")
    defer { scene.server.stop() }
    let outcome = try scene.command.finish(patience: 60)
    #expect(outcome.code == nil && outcome.errors.contains("the words of a watchdog"))
    let end = Date(timeIntervalSinceNow: 5)
    while scene.server.state.servos.contains(where: \.isTorqueOn), Date() < end { usleep(5000) }
    #expect(scene.server.state.servos.allSatisfy { !$0.isTorqueOn })
  }

  @Test("A program that was stopped as a whole goes on afterwards: its watchdog stood still as well")
  func stoppedAsAWhole() throws {
    let scene = try Scene(.socket, "ticking", policy: "hold")
    defer { scene.server.stop() }
    for length: UInt32 in [100_000, 450_000, 1_500_000] {
      usleep(500_000)
      scene.command.send(SIGSTOP)
      usleep(length)
      scene.command.send(SIGCONT)
    }
    usleep(800_000)
    let before = scene.sent.count
    usleep(1_000_000)
    #expect(!scene.command.hasExited && scene.command.errors.isEmpty, "\(scene.command.errors)")
    #expect(scene.sent.count > before, "it no longer ticks")
    scene.command.send(SIGKILL)
    _ = try scene.command.finish()
  }
}
