import ArmModel
import ArmProfiles
import Foundation
import Glibc
import LoopTestSupport
import Recording
import ServoWire
import TestSupport
import Testing
import VirtualServos

/// `sinew firmware` and `sinew run` on a virtual board, as a user drives them.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct FirmwareDeviceTests {
  /// A board at a pseudo-terminal in this process, with the nominal calibration of `hobby6`.
  private struct Board {
    let folder: ScratchFolder
    let policies: TemporaryFolder
    let server: BoardServer
    let policy: String

    init(_ faults: [String] = []) throws {
      folder = try ScratchFolder()
      policies = try TemporaryFolder()
      let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
      policy = try DensePolicy.random(observations: 29, hidden: [8], jointNames: joints, seed: 1).write(to: policies)
      let profile = try ArmProfile.named("hobby6")
      let calibration = try #require(ArmCalibration.nominal(of: profile, name: "mine", origin: "test"))
      try folder.write(calibration.text, to: "board.yaml")
      var configuration = VirtualBoardConfiguration()
      configuration.faults = try VirtualBoardFaults.parse(faults)
      server = try BoardServer.pseudoTerminal(VirtualBoard(configuration), link: folder.path("port"))
    }

    func run(_ words: String...) throws -> Outcome {
      try Command.run(["firmware"] + words + ["--port", "port"], in: folder)
    }

    /// Starts a run on the arm; on a busy machine again when it does not get hold of it.
    func start(_ arguments: [String] = []) throws -> Command {
      var errors = ""
      for attempt in 0..<8 {
        let command = try Command(
          [
            "run", "--unsupervised", "--arm", "hobby6", "--model", "so101", "--task", "reach", "--port", "port",
            "--calibration", "./board.yaml", "--policy", policy, "--yes", "--allow-non-realtime", "--control-rate",
            "50", "--priority", "0", "--log", "run\(attempt).mcap",
          ] + arguments, in: folder.root)
        if wait(for: 8, { server.state.state == .active || command.hasExited }), !command.hasExited { return command }
        command.send(SIGINT)
        errors = try command.finish().errors
      }
      throw Command.Failure(description: "the run never got hold of the board: \(errors)")
    }
  }

  private static func wait(for seconds: Double, _ condition: () -> Bool) -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
      if condition() { return true }
      usleep(2000)
    }
    return condition()
  }

  @Test func `info tells who the board is, in words and as JSON`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let text = try board.run("info")
    #expect(text.code == 0, "\(text.errors)")
    #expect(text.output.contains("schema 0xD3FF7B24") && text.output.contains("idle"))
    let json = try #require(try board.run("info", "--json").json)
    #expect(json["firmware"] as? String == "1.0" && json["channels"] as? Int == 6)
    #expect(json["fits_this_program"] as? Bool == true && json["session"] as? Int != 0)
  }

  @Test func `config reads, changes, stores, and refuses what a board does not have`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let changed = try board.run("config", "--set", "off_ms=2000", "--set", "2.rate=700", "--store", "--json")
    #expect(changed.code == 0, "\(changed.errors)")
    #expect(changed.json?["is_stored"] as? Bool == true)
    board.server.withBoard { $0.reset() }
    #expect(try board.run("config", "off_ms").output == "2000\n")
    #expect(try board.run("config", "2.rate").output == "700\n")
    #expect(try board.run("config", "--defaults").output.contains("not stored"))
    #expect(try board.run("config", "off_ms").output == "1000\n")
    for (words, part) in [
      (["--set", "of_ms=3"], "off_ms"), (["--set", "off_ms=3"], "100 to 10000"),
      (["--set", "9.rate=3"], "channels 0 to 5"),
      (["--set", "off_ms"], "name=number"),
    ] {
      let outcome = try Command.run(["firmware", "config", "--port", "port"] + words, in: board.folder)
      #expect(outcome.code == 2 && outcome.errors.contains(part), "\(outcome.errors)")
    }
  }

  @Test func `stats has the board's counters and tries the line`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let json = try #require(try board.run("stats", "--seconds", "0.5", "--json").json)
    let line = try #require(json["line"] as? [String: Any])
    #expect(try #require(line["rate_hz"] as? Double) > 5)
    let counts = try #require(json["board"] as? [[String: Any]])
    #expect(counts.first?["name"] as? String == "frames" && counts.first?["count"] as? Int ?? 0 > 5)
    let monitor = try board.run("monitor", "--samples", "2", "--rate", "50")
    #expect(monitor.code == 0 && monitor.output.contains("idle (power_on)") && monitor.output.contains("off off"))
  }

  @Test func `move brings a servo to a pulse, and leaves outputs and settings as they were`() throws {
    let board = try Board()
    defer { board.server.stop() }
    _ = try board.run("config", "--set", "3.rate=700")
    let outcome = try board.run("move", "3=1540", "0=1450.5", "--yes", "--seconds", "0.1", "--speed", "500")
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("channel 3 at 1540.00 µs, channel 0 at 1450.50 µs"), "\(outcome.output)")
    #expect(outcome.output.contains("the board is idle, its outputs are off"))
    #expect(!board.server.state.hasRail && board.server.state.pulses.allSatisfy { $0 == 0 })
    #expect(try board.run("config", "3.rate").output == "700\n")
    #expect(try board.run("config", "0.kind").output == "0\n")
  }

  @Test func `move is refused where it would be wrong, and nothing comes on`() throws {
    let board = try Board()
    defer { board.server.stop() }
    for (words, part) in [
      (["0=2300", "--yes", "--seconds", "0"], "1000.0 to 2000.0 µs"), (["0"], "nobody can be asked"),
      (["0", "--yes", "--seconds", "0"], "CHANNEL=PULSE"), (["9=1500", "--yes", "--seconds", "0"], "channels 0 to 5"),
      (["0=1500", "--yes"], "--seconds"),
    ] {
      let outcome = try Command.run(["firmware", "move"] + words + ["--port", "port"], in: board.folder)
      #expect(outcome.code == 2 && outcome.errors.contains(part), "\(outcome.errors)")
    }
    board.server.withBoard { $0.isEstopPressed = true }
    #expect(Self.wait(for: 5) { board.server.state.state == .estop })
    let stopped = try board.run("move", "0=1500", "--yes", "--seconds", "0")
    #expect(stopped.code == 1 && stopped.errors.contains("sinew firmware disarm"), "\(stopped.errors)")
    #expect(!board.server.state.hasRail)
  }

  @Test func `A board that stops in the middle of move is told of`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let command = try Command(
      ["firmware", "move", "0=1900", "--port", "port", "--yes", "--seconds", "60"], in: board.folder.root)
    #expect(Self.wait(for: 20) { board.server.state.state == .active })
    board.server.withBoard { $0.isEstopPressed = true }
    let outcome = try command.finish()
    #expect(outcome.code == 1 && outcome.errors.contains("estop"), "\(outcome.errors)")
    #expect(!board.server.state.hasRail)
  }

  @Test func `Commands for servos on a bus say which ones are for boards`() throws {
    let folder = try ScratchFolder()
    for words in [["scan"], ["monitor", "--ids", "1"], ["info", "--id", "1"]] {
      let outcome = try Command.run(["servo"] + words + ["--port", "port", "--protocol", "firmware"], in: folder)
      #expect(outcome.code == 2 && outcome.errors.contains("sinew firmware move"), "\(outcome.errors)")
    }
  }

  /// Whole episodes are played where the machine is free for them: tools/firmware-runs.
  @Test func `An arm of hobby servos has a task, a model and a policy of its own`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let outcome = try Command.run(
      [
        "run", "--unsupervised", "--arm", "hobby6", "--port", "port", "--calibration", "./board.yaml", "--yes",
        "--allow-non-realtime", "--priority", "0", "--duration", "0.5", "--no-log",
      ], in: board.folder, patience: 60)
    #expect([0, 1].contains(outcome.code), "\(outcome.errors)")
    #expect((outcome.output + outcome.errors).contains("task reach-hobby6, policy reach-hobby6"), "\(outcome.errors)")
    let simulated = try Command.run(
      ["evaluate", "--task", "reach-hobby6", "--policy", "reach-hobby6", "--episodes", "20", "--json"],
      in: board.folder, patience: 60)
    #expect(try #require(simulated.json?["success_rate"] as? Double) >= 0.8, "\(simulated.output)")
  }

  @Test func `Nobody there, and a port that is not there, are told apart`() throws {
    let board = try Board(["mute=0:100000"])
    defer { board.server.stop() }
    let silent = try board.run("info")
    #expect(silent.code == 1 && silent.errors.contains("nobody answers at 115200 baud"))
    let none = try Command.run(["firmware", "info", "--port", "nowhere"], in: board.folder)
    #expect(none.code == 2)
  }

  @Test func `A run arms the arm at its park pose, moves it, parks and disarms it`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let command = try board.start(["--duration", "4"])
    #expect(board.server.state.hasRail)
    let outcome = try command.finish()
    #expect([0, 1].contains(outcome.code), "\(outcome.errors)")
    #expect(board.server.state.state == .idle || board.server.state.state == .safe, "\(outcome.errors)")
    #expect(board.server.state.pulses.allSatisfy { $0 == 0 })
    #expect((outcome.output + outcome.errors).contains("hobby servos answer nothing"))
    #expect((outcome.output + outcome.errors).contains("the board says that its outputs are off"))
  }

  @Test func `An arm that cannot be held without a program is not promised to be`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let outcome = try Command.run(
      [
        "run", "--unsupervised", "--arm", "hobby6", "--model", "so101", "--task", "reach", "--port", "port",
        "--calibration", "./board.yaml", "--policy", board.policy, "--exit", "hold", "--yes", "--no-log",
      ], in: board.folder)
    #expect(outcome.code == 2 && outcome.errors.contains("--exit park or release"))
    #expect(board.server.state.receivedBytes == 0)
  }

  @Test func `A person moves the arm by a recorded pad; in the end its outputs are off`() throws {
    var outcome: Outcome?
    for attempt in 0..<5 {
      let board = try Board()
      defer { board.server.stop() }
      try board.folder.write(HardwareTeleopDeviceTests.demonstration().text, to: "pad.evemu")
      outcome = try Command.run(
        [
          "teleop", "--arm", "hobby6", "--model", "so101", "--port", "port", "--calibration", "./board.yaml",
          "--recording", "pad.evemu", "--yes", "--allow-non-realtime", "--control-rate", "50", "--priority", "0",
          "--log", "run.mcap",
        ], in: board.folder, patience: 60)
      // On a machine that is too busy to arm or to move in time, once more.
      guard outcome?.code == 0 else { continue }
      let moved = try TransitionLog.read(path: board.folder.path("run.mcap")).transitions.filter {
        $0.source == .person
      }
      guard let first = moved.first else { continue }
      #expect(
        moved.contains { abs($0.command[0] - first.command[0]) > 0.02 }, "attempt \(attempt): the tool moved sideways")
      #expect(board.server.state.state == .idle && !board.server.state.hasRail)
      #expect(board.server.state.pulses.allSatisfy { $0 == 0 })
      return
    }
    Issue.record("it never went through: \(outcome?.errors ?? "") \(outcome?.output ?? "")")
  }

  @Test func `Hobby servos cannot lead`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let outcome = try Command.run(
      [
        "teleop", "--sim", "--model", "so101", "--leader-port", "port", "--leader", "hobby6", "--leader-calibration",
        "./board.yaml", "--no-log",
      ], in: board.folder)
    #expect(outcome.code == 2 && outcome.errors.contains("choose another --leader"), "\(outcome.errors)")
    #expect(board.server.state.receivedBytes == 0)
  }

  @Test func `A run that is killed at a random moment leaves a board that holds, then switches off`() throws {
    for round in 0..<4 {
      let board = try Board()
      defer { board.server.stop() }
      let command = try board.start()
      usleep(UInt32.random(in: 0...400_000))
      command.send(SIGKILL)
      _ = try command.finish()
      let held = Self.wait(for: 10) { board.server.state.state == .hold || board.server.state.state == .safe }
      #expect(held, "round \(round): \(board.server.state.state)")
      #expect(Self.wait(for: 10) { board.server.state.state == .safe && !board.server.state.hasRail })
      #expect(board.server.state.pulses.allSatisfy { $0 == 0 })
      // The next run finds it so, and clears it by the defined sequence only.
      #expect(try board.run("info").output.contains("safe"))
      #expect(try board.run("disarm").output.contains("idle"))
    }
  }

  @Test func `The emergency stop ends a run, with its name`() throws {
    let board = try Board()
    defer { board.server.stop() }
    let command = try board.start()
    board.server.withBoard { $0.isEstopPressed = true }
    let outcome = try command.finish()
    #expect(outcome.code == 1, "\(outcome.errors)")
    #expect(board.server.state.state == .estop && !board.server.state.hasRail)
    #expect((outcome.output + outcome.errors).lowercased().contains("emergency"), "\(outcome.output)\(outcome.errors)")
  }
}
