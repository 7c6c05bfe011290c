import Foundation
import Glibc
import LoopTestSupport
import TestSupport
import Testing

/// A run in a process that may neither run before others nor lock its memory.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct RealTimeRightsDeviceTests {
  /// An SO-101 behind a pseudo-terminal, and a policy for it.
  private struct Scene {
    let folder: ScratchFolder
    let policies: TemporaryFolder
    let bus: EmulatedBus
    let policy: String

    init() throws {
      folder = try ScratchFolder()
      policies = try TemporaryFolder()
      let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
      policy = try DensePolicy.random(observations: 29, hidden: [8], jointNames: joints, seed: 1).write(to: policies)
      bus = try EmulatedBus("so101", "sts3215-7v4", at: "arm", in: folder)
    }

    /// The command on this arm, without the rights, though they are asked for.
    func start(_ arguments: [String]) throws -> Command {
      try RealTimeRightsDeviceTests.start(
        [
          "run", "--unsupervised", "--arm", "so101", "--port", "arm", "--calibration", "./arm.yaml", "--policy", policy,
          "--yes", "--control-rate", "50", "--log", "run.mcap",
        ] + arguments, in: folder)
    }

    var hasLog: Bool { FileManager.default.fileExists(atPath: folder.path("run.mcap")) }
  }

  /// Starts the command without the rights, also where the test itself has them: root loses the capabilities for good.
  private static func start(_ arguments: [String], in folder: ScratchFolder) throws -> Command {
    let limits = ["prlimit", "--rtprio=0:0", "--memlock=65536:65536"]
    let withoutCapabilities = ["--bounding-set=-sys_nice,-ipc_lock,-sys_resource", "--inh-caps=-sys_nice,-ipc_lock"]
    let drop = getuid() == 0 ? ["setpriv"] + withoutCapabilities : []
    let words = limits + drop + [Command.executable] + arguments
    return try Command(Array(words.dropFirst()), in: folder.root, executable: words[0])
  }

  @Test("Without the right to real time a run on hardware is refused, says what grants it, and torque stays off")
  func refusesHardware() throws {
    let scene = try Scene()
    defer { scene.bus.server.stop() }
    let outcome = try scene.start([]).finish(patience: 60)
    #expect(outcome.code == 1, "\(outcome.errors)")
    let error = try #require(outcome.errorLines.last { $0.contains("real time was refused") }, "\(outcome.errors)")
    #expect(error.contains("SCHED_FIFO priority 80") && error.contains("rtprio"))
    #expect(error.contains("locking memory") && error.contains("memlock"))
    #expect(error.contains("--allow-non-realtime"))
    #expect(scene.bus.isOff && !scene.hasLog)
  }

  @Test("--allow-non-realtime lets it run all the same, and the log says so")
  func allows() throws {
    let scene = try Scene()
    defer { scene.bus.server.stop() }
    let command = try scene.start(["--allow-non-realtime"])
    let end = Date(timeIntervalSinceNow: 40)
    while !scene.bus.isOn, !command.hasExited, Date() < end { usleep(5000) }
    #expect(scene.bus.isOn, "\(command.errors)")
    command.send(SIGINT)
    let outcome = try command.finish(patience: 60)
    #expect(outcome.output.contains("ordinary scheduling, memory not locked"), "\(outcome.output) \(outcome.errors)")
    #expect(outcome.output.contains("warning: SCHED_FIFO priority 80 was refused"), "\(outcome.output)")
    // The watchdog over such a loop has more patience, and is an ordinary thread, too.
    #expect(outcome.output.contains("watchdog: ordinary scheduling"), "\(outcome.output)")
    let log = try Command.run(["log", "info", "run.mcap", "--json"], in: scene.folder)
    #expect(log.output.contains("\"allows_non_realtime\""), "\(log.output)")
    #expect(scene.bus.isOff)
  }

  @Test("To ask for no real time on hardware needs the same word", arguments: ["run", "replay"])
  func refusesOrdinaryHardware(command: String) throws {
    let folder = try ScratchFolder()
    try folder.write("", to: "arm.yaml")
    let what = command == "run" ? ["run", "--unsupervised", "--task", "reach"] : ["replay", "recorded.mcap"]
    if command == "replay" {
      let recorded = try Command.run(
        ["run", "--task", "reach", "--virtual", "--episodes", "1", "--log", "recorded.mcap"], in: folder, patience: 60)
      #expect(recorded.code == 0, "\(recorded.errors)")
    }
    let outcome = try Command.run(
      what + ["--arm", "so101", "--port", "nowhere", "--calibration", "./arm.yaml", "--yes", "--priority", "0"],
      in: folder)
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(
      outcome.errorLines.contains { $0.contains("--priority 0") && $0.contains("--allow-non-realtime") },
      "\(outcome.errors)")
  }

  @Test("In simulation the same run goes on, with a warning, unless --strict asks for the rights")
  func warnsInSimulation() throws {
    let folder = try ScratchFolder()
    let arguments = ["run", "--task", "reach", "--duration", "0.5", "--no-log"]
    let outcome = try Self.start(arguments, in: folder).finish(patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("warning: SCHED_FIFO priority 80 was refused"), "\(outcome.output)")
    let strict = try Self.start(arguments + ["--strict"], in: folder).finish(patience: 60)
    #expect(strict.code == 1 && strict.errors.contains("real time was refused"), "\(strict.errors)")
  }
}
