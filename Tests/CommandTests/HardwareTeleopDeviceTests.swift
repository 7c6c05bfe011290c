import ArmModel
import ArmProfiles
import Foundation
import Glibc
import LoopTestSupport
import Recording
import TestSupport
import Testing
import VirtualServos

/// `sinew teleop` and `sinew run --supervised` on emulated arms, in the hands of recorded pads.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct HardwareTeleopDeviceTests {
  private static let slow = ["--allow-non-realtime", "--priority", "0", "--control-rate", "50"]

  private static func teleop(_ arguments: [String]) -> [String] {
    ["teleop", "--arm", "so101", "--port", "bus", "--calibration", "./bus.yaml"] + slow + arguments
  }

  /// Waits until something is so; on a busy machine that takes its time.
  private func wait(_ patience: Double = 20, until isSo: () -> Bool) -> Bool {
    let end = Date(timeIntervalSinceNow: patience)
    while Date() < end {
      if isSo() { return true }
      usleep(5000)
    }
    return isSo()
  }

  /// Arms, begins an episode with a slow move to its start, moves the tool, closes the gripper, and calls it a success. A
  /// busy machine may stop the arm for the loop's own lateness: enable is pressed anew a few times, as a person would.
  static func demonstration() throws -> PadScript {
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    pad.wait(1)
    pad.press(.start)
    pad.wait(3)
    for direction in [1, -1, 1] {
      pad.hold(.enable)
      pad.wait(0.3)
      pad.move(.leftX, to: direction * 32767)
      pad.move(.close, to: 255)
      pad.wait(0.5)
      pad.move(.leftX, to: 0)
      pad.move(.close, to: 0)
      pad.wait(0.4)
      pad.letGo(.enable)
      pad.wait(0.4)
    }
    pad.press(.success)
    pad.wait(0.5)
    return pad
  }

  @Test("A recorded pad arms the arm, moves it, judges the episode; in the end it is parked and released")
  func teleoperates() throws {
    let folder = try ScratchFolder()
    try folder.write(Self.demonstration().text, to: "pad.evemu")
    var outcome: Outcome?
    for attempt in 0..<5 {
      let arm = try EmulatedBus("so101", "sts3215-7v4", at: "bus", in: folder)
      defer { arm.server.stop() }
      outcome = try Command.run(
        Self.teleop(["--recording", "pad.evemu", "--yes", "--log", "run\(attempt).mcap", "--json"]), in: folder,
        patience: 60)
      guard outcome?.code == 0, outcome?.json?["run"] != nil else { continue }
      #expect(arm.isOff)
      let steps = try TransitionLog.read(path: folder.path("run\(attempt).mcap")).transitions
      // On a machine that is too busy to arm or to move in time, once more.
      guard steps.contains(where: { $0.source == .person }), steps.last?.flags.contains(.success) == true else {
        continue
      }
      #expect(steps.allSatisfy { $0.flags.contains(.intervention) == ($0.source == .person) })
      #expect(steps.last?.rewardTerms.last == 1)
      let moved = steps.filter { $0.source == .person }
      #expect(moved.contains { abs($0.command[0] - moved[0].command[0]) > 0.02 }, "the tool moved sideways")
      #expect(moved.contains { abs($0.command[5] - moved[0].command[5]) > 0.05 }, "the gripper closed")
      let arms = steps.filter { $0.source == .stop && !$0.flags.contains(.altered) }
      #expect(!arms.isEmpty, "holding alters nothing")
      let info = try Command.run(["log", "info", "run\(attempt).mcap"], in: folder)
      #expect(info.output.contains("kind: teleoperation") && info.output.contains("calibration: so101-emulated"))
      return
    }
    Issue.record("it never went through: \(outcome?.errors ?? "") \(outcome?.output ?? "")")
  }

  @Test("A supervised policy moves the arm while the recorded pad holds enable")
  func supervises() throws {
    let folder = try ScratchFolder()
    let policies = try TemporaryFolder()
    let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
    let policy = try DensePolicy.random(observations: 29, hidden: [8], jointNames: joints, seed: 1).write(to: policies)
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    pad.wait(1)
    for _ in 0..<3 {
      pad.hold(.enable)
      pad.wait(0.3)
      pad.press(.start)
      pad.wait(0.7)
      pad.press(.start)
      pad.wait(0.7)
      pad.letGo(.enable)
      pad.wait(0.4)
    }
    pad.press(.success)
    pad.wait(0.5)
    try folder.write(pad.text, to: "pad.evemu")
    var outcome: Outcome?
    for attempt in 0..<5 {
      let arm = try EmulatedBus("so101", "sts3215-7v4", at: "bus", in: folder)
      defer { arm.server.stop() }
      outcome = try Command.run(
        [
          "run", "--supervised", "--arm", "so101", "--port", "bus", "--calibration", "./bus.yaml", "--policy", policy,
          "--recording", "pad.evemu", "--yes", "--log", "run\(attempt).mcap",
        ] + Self.slow, in: folder, patience: 60)
      guard outcome?.code == 0 else { continue }
      #expect(arm.isOff)
      let steps = try TransitionLog.read(path: folder.path("run\(attempt).mcap")).transitions
      guard steps.contains(where: { $0.source == .policy }) else { continue }
      #expect(outcome?.output.contains("torque off, read back from every servo") == true)
      #expect(steps.allSatisfy { $0.action.allSatisfy(\.isFinite) })
      return
    }
    Issue.record("it never went through: \(outcome?.errors ?? "") \(outcome?.output ?? "")")
  }

  @Test(
    "An arm follows a leader arm of either protocol, which is never switched on nor commanded",
    arguments: ["sts3215-7v4", "xm430-w350"])
  func follows(model: String) throws {
    let folder = try ScratchFolder()
    let isDynamixel = model == "xm430-w350"
    let profile = isDynamixel ? try EmulatedBus.dynamixelProfile(in: folder) : "so101"
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    pad.wait(1)
    for cycle in 0..<4 {
      pad.hold(.enable)
      pad.wait(0.3)
      // An episode, so that there are transitions to look at.
      if cycle == 0 { pad.press(.start) }
      pad.wait(1.7)
      pad.letGo(.enable)
      pad.wait(0.5)
    }
    try folder.write(pad.text, to: "pad.evemu")
    var outcome: Outcome?
    for attempt in 0..<5 {
      let arm = try EmulatedBus("so101", "sts3215-7v4", at: "bus", in: folder)
      let leader = try EmulatedBus(profile, model, at: "leader", in: folder, recordingLimit: 1_000_000)
      defer {
        arm.server.stop()
        leader.server.stop()
      }
      // The leader is turned by hand, to within reach of a hand-over.
      nonisolated(unsafe) let shafts = leader.shafts
      leader.server.withBus { _ in shafts.hold(0, at: 0.4) }
      let goals = leader.server.state.servos.map(\.goal)
      let command = try Command(
        Self.teleop([
          "--leader-port", "leader", "--leader", profile, "--leader-calibration", "./leader.yaml",
          "--recording", "pad.evemu", "--yes", "--exit", "release", "--log", "run\(attempt).mcap",
        ]), in: folder)
      var nearest = Double.infinity
      while !command.hasExited {
        nearest = min(nearest, abs(arm.server.state.servos[0].shaft.position - 0.4))
        #expect(leader.isOff)
        usleep(50_000)
      }
      outcome = try command.finish()
      #expect(leader.isOff)
      guard outcome?.code == 0, nearest < 0.05 else { continue }
      #expect(arm.isOff)
      #expect(leader.server.state.servos.allSatisfy { $0.flashWrites == 0 })
      #expect(leader.server.state.servos.map(\.goal) == goals || isDynamixel)
      if !isDynamixel {
        // Ping, read, read of many: nothing that writes.
        #expect(leader.instructions(at: 4).isSubset(of: [0x01, 0x02, 0x82]), "\(leader.instructions(at: 4))")
      }
      let info = try Command.run(["log", "info", "run\(attempt).mcap"], in: folder)
      #expect(info.output.contains("leader_port: leader"))
      let log = try LogForgery(of: folder.path("run\(attempt).mcap"))
      let files = log.attachments
      let calibration = try #require(files.first { $0.name == "leader-calibration.yaml" })
      #expect(calibration.data == Array(try folder.text("leader.yaml").utf8))
      #expect(files.contains { $0.name == "calibration.yaml" })
      #expect(log.rows.contains { $0.source == .person })
      #expect(log.metadata["leader"]?["profile"] == "so101" && log.metadata["leader"]?["port"] == "leader")
      return
    }
    Issue.record("it never followed: \(outcome?.errors ?? "") \(outcome?.output ?? "")")
  }

  @Test("A hand on a leader arm takes over from a supervised policy, and the log tells it apart")
  func intervenes() throws {
    let folder = try ScratchFolder()
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    // A busy machine may stop the arm for the loop's own lateness: enable is pressed anew, as a person would.
    for _ in 0..<12 {
      pad.wait(0.5)
      pad.hold(.enable)
      pad.wait(0.5)
      pad.press(.start)
      pad.wait(3)
      pad.letGo(.enable)
    }
    try folder.write(pad.text, to: "pad.evemu")
    let leader = try EmulatedBus("so101", "sts3215-7v4", at: "leader", in: folder)
    defer { leader.server.stop() }
    nonisolated(unsafe) let shafts = leader.shafts
    let command = try Command(
      [
        "run", "--supervised", "--task", "reach", "--policy", "reach", "--leader-port", "leader", "--leader", "so101",
        "--leader-calibration", "./leader.yaml", "--recording", "pad.evemu", "--priority", "0", "--log", "run.mcap",
      ], in: folder)
    // The hand turns the leader's first joint to and fro, and leaves time between for the arm to be handed to the policy.
    var turn = 0
    var next = Date(timeIntervalSinceNow: 1.7)
    while !command.hasExited {
      usleep(50_000)
      guard Date() >= next else { continue }
      next += 1.7
      turn += 1
      leader.server.withBus { [turn] _ in shafts.hold(0, at: turn % 2 == 0 ? 0.3 : -0.3) }
    }
    let outcome = try command.finish()
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("| policy |") && outcome.errors.contains("| teleoperation |"), "\(outcome.errors)")
    #expect(leader.isOff)
    let log = try LogForgery(of: folder.path("run.mcap"))
    #expect(log.rows.contains { $0.source == .policy } && log.rows.contains { $0.source == .person })
    #expect(
      log.rows.allSatisfy { $0.flags.contains(.intervention) || ($0.source != .person && $0.source != .blend) })
    #expect(log.rows.contains { $0.source == .policy && !$0.flags.contains(.intervention) })
    #expect(log.metadata["operator"]?["kind"] == "supervision" && log.metadata["operator"]?["leader_port"] == "leader")
    #expect(log.attachments.contains { $0.name == "leader-calibration.yaml" })
  }

  @Test("A simulated arm follows a leader, and stops when the leader is unplugged")
  func losesLeader() throws {
    let folder = try ScratchFolder()
    var pad = try PadScript()
    pad.wait(1)
    pad.press(.start)
    for _ in 0..<10 {
      pad.wait(0.5)
      pad.hold(.enable)
      pad.wait(1.5)
      pad.letGo(.enable)
    }
    try folder.write(pad.text, to: "pad.evemu")
    // Where the simulated arm stands before its first episode.
    let leader = try EmulatedBus("so101", "sts3215-7v4", at: "leader", in: folder)
    let command = try Command(
      [
        "teleop", "--sim", "--leader-port", "leader", "--leader", "so101", "--leader-calibration", "./leader.yaml",
        "--recording", "pad.evemu", "--priority", "0", "--no-log",
      ], in: folder)
    try command.waitFor("| teleoperation |")
    leader.server.stop()
    try command.waitFor("the leader arm is gone")
    try command.waitFor("no leader arm")
    command.send(SIGINT)
    let outcome = try command.finish()
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test(
    "Requests that cannot be are refused with 2 and the next step, and torque stays off",
    arguments: [
      (["--recording", "square"], "--yes"),
      (["--recording", "square", "--yes", "--virtual"], "--virtual is about a simulated arm"),
      (["--recording", "square", "--yes", "--sim"], "--sim and --port exclude each other"),
      (["--recording", "square", "--yes", "--leader-port", "bus"], "each needs a bus of its own"),
      (
        ["--recording", "square", "--yes", "--leader-port", "nowhere", "--leader-calibration", "./bus.yaml"], "nowhere"
      ),
      (["--recording", "square", "--yes", "--leader-port", "nowhere"], "calibration/leader.yaml"),
      (["--recording", "square", "--yes", "--leader", "so101"], "--leader-port"),
      (
        ["--recording", "square", "--yes", "--leader-port", "x", "--leader", "reacher"],
        "leader 'reacher' has no servos on a bus"
      ),
      (["--recording", "square", "--yes", "--calibration", "./none.yaml"], "none.yaml"),
      (["--keyboard"], "run it in a terminal"),
    ])
  func refusals(arguments: [String], part: String) throws {
    let folder = try ScratchFolder()
    let arm = try EmulatedBus("so101", "sts3215-7v4", at: "bus", in: folder)
    defer { arm.server.stop() }
    let outcome = try Command.run(Self.teleop(["--no-log"] + arguments), in: folder)
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
    #expect(arm.isOff)
  }

  @Test("A leader that is under torque is refused, and left as it is")
  func refusesHeldLeader() throws {
    let folder = try ScratchFolder()
    let leader = try EmulatedBus("so101", "sts3215-7v4", at: "leader", in: folder)
    defer { leader.server.stop() }
    let written = try Command.run(
      ["servo", "write", "torque_enable", "1", "--port", "leader", "--protocol", "feetech", "--id", "2"], in: folder)
    #expect(written.code == 0, "\(written.errors)")
    let outcome = try Command.run(
      [
        "teleop", "--sim", "--leader-port", "leader", "--leader", "so101", "--leader-calibration", "./leader.yaml",
        "--recording", "square", "--no-log", "--priority", "0",
      ], in: folder)
    #expect(outcome.code == 1 && outcome.errors.contains("is under torque (servo 2)"), "\(outcome.errors)")
    #expect(leader.server.state.servos[1].isTorqueOn)
  }

  @Test("A keyboard moves a real arm only when it is asked for, and with a warning")
  func keyboard() throws {
    let folder = try ScratchFolder()
    let arm = try EmulatedBus("so101", "sts3215-7v4", at: "bus", in: folder)
    defer { arm.server.stop() }
    let terminal = try OperatorTerminal()
    let command = try Command(
      Self.teleop(["--keyboard", "--no-log", "--exit", "release"]), in: folder.root, input: terminal.path)
    try command.waitFor("warning: a keyboard cannot hold enable")
    try command.waitFor("Enter arms")
    #expect(arm.isOff)
    // A machine with much to do may need it more than once.
    for _ in 0..<10 where !arm.isOn {
      terminal.press("\n")
      _ = wait(2) { arm.isOn }
    }
    #expect(arm.isOn, "\(command.errors)")
    command.send(SIGINT)
    let outcome = try command.finish(patience: 30)
    #expect(arm.isOff && outcome.output.contains("torque off, read back from every servo"), "\(outcome.errors)")
    #expect(terminal.echoes)
  }
}
