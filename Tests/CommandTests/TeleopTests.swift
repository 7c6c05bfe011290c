import ArmModel
import Foundation
import Glibc
import LoopTestSupport
import Recording
import TestSupport
import Testing

/// `sinew teleop` and `sinew run --supervised`, from outside.
struct TeleopTests {
  @Test func `A recorded pad draws a square, and the path's error is reported`() throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(
      ["teleop", "--sim", "--recording", "square", "--virtual", "--log", "square.mcap", "--json"], in: folder)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let path = try #require(object["path"] as? [String: Any])
    let length = try #require(path["length_m"] as? Double)
    #expect(length > 0.29 && length < 0.35)
    #expect(try #require(path["commanded_error_max_m"] as? Double) < 0.0015)
    #expect(try #require(path["measured_error_max_m"] as? Double) < 0.02)
    #expect(path["cuts"] as? Int == 0)
    let steps = try TransitionLog.read(path: folder.path("square.mcap")).transitions
    #expect(steps.contains { $0.source == .person && $0.flags.contains(.intervention) })
    #expect(steps.last?.flags.contains(.success) == true)
    // Altered is what was not executed as the person asked for it, and nothing else: here where the elbow lags.
    let persons = steps.filter { $0.source == .person }
    var altered = 0
    for step in persons {
      let isOther = (0..<6).map { step.command[$0] != step.proposal[$0] }
      #expect(step.flags.contains(.altered) == isOther.contains(true))
      guard step.flags.contains(.altered) else { continue }
      altered += 1
      #expect(isOther == [false, false, true, false, false, false])
      // Two control periods of 10 ms at the joint's full speed.
      let ahead = Double(abs(step.command[2] - step.position[2]))
      #expect(ahead < 5.2155 * 0.02)
    }
    #expect(altered > 10 && altered < 50)
    let slow = try Command.run(
      ["teleop", "--sim", "--recording", "square", "--virtual", "--no-log", "--speed", "25", "--json"], in: folder)
    let run = try #require(slow.json?["run"] as? [String: Any])
    #expect(run["altered_ticks"] as? Int == 0)
  }

  @Test func `A program that was started with all signals blocked is stopped by Ctrl-C all the same`() throws {
    let folder = try ScratchFolder()
    let command = try Command(
      ["run", "--task", "reacher-v5", "--no-log", "--priority", "0"], in: folder.root, blocksSignals: true)
    try command.waitFor("Ctrl-C stops the arm")
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 0 && outcome.output.contains("stopped by Ctrl-C"), "\(outcome.errors)")
  }

  @Test(
    "What makes no sense is refused with what to do",
    arguments: [
      (["teleop"], "say which arm: --sim"),
      (["teleop", "--sim", "--allow-non-realtime"], "--allow-non-realtime is about a real arm"),
      (["teleop", "--sim", "--exit", "hold"], "--exit is about a real arm"),
      (["teleop", "--sim", "--recording", "square", "--virtual", "--leader-port", "x"], "--leader-port and --virtual"),
      (["teleop", "--sim", "--virtual"], "--virtual needs --recording"),
      (["teleop", "--sim", "--speed", "30"], "--speed must be 25, 50 or 100"),
      (["teleop", "--sim", "--recording", "a.evemu", "--keyboard"], "--recording and --keyboard exclude each other"),
      (["teleop", "--sim", "--recording", "missing.evemu", "--virtual"], "missing.evemu"),
      (["teleop", "--sim", "--keyboard"], "run it in a terminal"),
      (["teleop", "--sim", "--recording", "square", "--virtual", "--task", "reacher-v5"], "sticks give positions"),
      (["run", "--task", "reach", "--keyboard"], "--keyboard is about a person's part"),
      (["run", "--task", "reach", "--supervised", "--virtual"], "--supervised with --virtual needs --recording"),
      (["run", "--task", "reach", "--leader-port", "x"], "--leader-port is about a person's part"),
      (
        ["run", "--task", "reach", "--supervised", "--leader-port", "x", "--recording", "square", "--virtual"],
        "--leader-port and --virtual exclude each other"
      ),
      (["run", "--task", "reach", "--supervised", "--leader", "so101"], "name its port with --leader-port"),
    ])
  func refusals(_ arguments: [String], _ message: String) throws {
    let folder = try ScratchFolder()
    let outcome = try Command.run(arguments, in: folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").first?.hasPrefix("error: ") == true)
    #expect(try folder.snapshot().isEmpty)
  }
}

/// A keyboard in a real terminal.
@Suite(.enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct KeyboardDeviceTests {
  @Test func `A person at a terminal arms, moves and stops a simulated arm, and gets the terminal back`() throws {
    let folder = try ScratchFolder()
    let terminal = try OperatorTerminal()
    #expect(terminal.echoes)
    let command = try Command(
      ["teleop", "--sim", "--keyboard", "--priority", "0", "--log", "keys.mcap"], in: folder.root, input: terminal.path)
    try command.waitFor("Enter arms")
    #expect(!terminal.echoes)
    #expect(terminal.suspendKey == 0x1A, "Ctrl-Z ends the run as Ctrl-C does")
    terminal.press("\n")
    try command.waitFor("Enter begins an episode")
    terminal.press("\n")
    try command.waitFor("episode 1")
    // A machine with much to do may stop the arm for the loop's own lateness: then enable anew, as a person would.
    for _ in 0..<20 {
      terminal.press(" ")
      usleep(150_000)
      for _ in 0..<8 {
        terminal.press("w")
        usleep(60_000)
      }
      terminal.press("x")
      usleep(400_000)
      if command.errors.contains("| teleoperation |") { break }
    }
    terminal.press("y")
    usleep(300_000)
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(terminal.echoes)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("| teleoperation |"))
    let steps = try TransitionLog.read(path: folder.path("keys.mcap")).transitions
    let moved = steps.filter { $0.source == .person }
    #expect(!moved.isEmpty)
    #expect(moved.contains { $0.action.contains { $0 != 0 } })
    #expect(steps.last?.flags.contains(.success) == true)
  }

  @Test func `What a fault has latched is the end's cause, also when the end is asked for`() throws {
    let folder = try ScratchFolder()
    let terminal = try OperatorTerminal()
    let command = try Command(
      ["teleop", "--sim", "--keyboard", "--priority", "0", "--no-log"], in: folder.root, input: terminal.path)
    try command.waitFor("Enter arms")
    terminal.press("\n")
    try command.waitFor("Enter begins an episode")
    terminal.press("X")
    try command.waitFor("| emergency stop |")
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 1 && outcome.errors.contains("fault latched"), "\(outcome.errors)")
    #expect(outcome.output.contains("stopped by Ctrl-C (SIGINT) with a fault latched, after "), "\(outcome.output)")
  }
}
