import ArmModel
import ArmProfiles
import Foundation
import Glibc
import LoopTestSupport
import Testing

/// Whole arms that `sinew emulate` stands for, and all that is done to a real one. At a socket and in real time where that is
/// granted: a busy machine lets the bytes of a pseudo-terminal wait.
@Suite(.serialized) struct EmulatedArmsTests {
  /// An emulated arm, with a task and a policy for it. There is no model of these arms: a chain of plain links stands in.
  private final class Scene {
    let folder: ScratchFolder
    let profile: ArmProfile
    let emulation: Command
    private let policies: TemporaryFolder
    private let policy: String

    init(_ arm: String, _ options: [String], isAsked: Bool = false) throws {
      folder = try ScratchFolder()
      policies = try TemporaryFolder()
      profile = try ArmProfile.named(arm)
      let names = profile.jointNames
      policy = try DensePolicy.random(observations: 2 * names.count, hidden: [8], jointNames: names, seed: 3)
        .write(to: policies)
      var links = ""
      for name in names {
        links += "<body name=\"\(name)_link\" pos=\"0 0 0.1\"><joint name=\"\(name)\" axis=\"0 1 0\"/>"
        links += "<geom type=\"capsule\" fromto=\"0 0 0 0 0 0.1\" size=\"0.01\"/>"
      }
      links += String(repeating: "</body>", count: names.count)
      try folder.write("<mujoco model=\"chain\"><worldbody>\(links)</worldbody></mujoco>", to: "chain.xml")
      let home = profile.home.map { "\($0)" }.joined(separator: ", ")
      try folder.write(
        """
        name: wave
        model: chain.xml
        joints: [\(names.joined(separator: ", "))]
        step_duration: 0.02
        time_limit: 40
        reset: {position: {mean: [\(home)]}}
        observation: [{term: joint_position}, {term: joint_velocity}]
        action: {mode: position_delta, scale: 0.02, clip: [-1, 1], relative_to: last_goal, maximum_lead: 0.2}
        reward: [{term: action_rate_squared, weight: -0.01}]

        """, to: "wave.yaml")
      emulation = try Command(
        ["emulate", "--arm", arm, "--listen", "unix:bus"] + options, in: folder.root, isAsked: isAsked)
      let end = Date(timeIntervalSinceNow: 20)
      while !FileManager.default.fileExists(atPath: folder.path("bus")), Date() < end { usleep(5000) }
    }

    /// Runs the command until it ends well; a busy machine may be late with answers.
    func insist(_ arguments: [String]) throws -> Outcome {
      var outcome = try Command.run(arguments, in: folder, patience: 60)
      for _ in 0..<10 where outcome.code != 0 {
        // No log is written over.
        if arguments.contains("--log") { unlink(folder.path("run.mcap")) }
        outcome = try Command.run(arguments, in: folder, patience: 60)
      }
      return outcome
    }

    let onPort = ["--port", "bus", "--yes", "--allow-non-realtime"]

    /// One episode of the task, logged to run.mcap.
    func run(_ calibration: String) throws -> Outcome {
      try insist(
        [
          "run", "--unsupervised", "--arm", profile.name, "--model", "chain.xml", "--calibration", calibration,
          "--task", "wave.yaml",
          "--policy", policy, "--control-rate", "50", "--episodes", "1", "--json", "--log", "run.mcap",
        ] + onPort)
    }
  }

  @Test(
    "an arm of several servo models is found, runs an episode, and does it again from the log",
    arguments: [
      ("koch", ["xl430-w250", "xl430-w250"] + Array(repeating: "xl330-m288", count: 4)),
      ("vx300s", Array(repeating: "xm540-w270", count: 7) + ["xm430-w350", "xm430-w350"]),
    ])
  func drives(arm: String, models: [String]) throws {
    let scene = try Scene(arm, ["--write-calibration", "arm.yaml", "--return-delay-us", "0", "--unpaced"])
    try scene.emulation.waitFor("there is no simulation model of arm '\(arm)'")
    let scan = try scene.insist(
      ["servo", "scan", "--port", "bus", "--protocol", "dynamixel2", "--expect", "1-\(models.count)", "--json"])
    let found = (scan.json?["servos"] as? [[String: Any]])?.compactMap { $0["model"] as? String }
    #expect(scan.code == 0 && found == models, "\(scan.output) \(scan.errors)")
    let info = try scene.insist(["servo", "info", "--port", "bus", "--protocol", "dynamixel2", "--id", "3"])
    #expect(info.code == 0 && info.output.hasPrefix("servo 3: \(models[2])\n"))

    let run = try scene.run("./arm.yaml")
    #expect(run.code == 0 && run.json?["ending"] as? String == "completed", "\(run.output) \(run.errors)")
    #expect((run.json?["transitions"] as? Int ?? 0) >= 40)
    let replay = try scene.insist(
      ["replay", "run.mcap", "--arm", arm, "--model", "chain.xml", "--calibration", "./arm.yaml", "--json"]
        + scene.onPort)
    #expect(replay.code == 0 && replay.json?["ending"] as? String == "completed", "\(replay.output) \(replay.errors)")
    scene.emulation.send(SIGINT)
    #expect(try scene.emulation.finish().code == 0)
  }

  @Test("two servos on one shaft show the same, wherever it is turned")
  func followers() throws {
    let scene = try Scene("vx300s", ["--write-calibration", "arm.yaml", "--hand"], isAsked: true)
    scene.emulation.type("speed 360")
    scene.emulation.type("shoulder 40")
    scene.emulation.type("where")
    try scene.emulation.waitFor("shoulder 0.0°")
    func position(_ id: Int) throws -> Int? {
      let words = ["servo", "read", "--port", "bus", "--protocol", "dynamixel2", "--id", "\(id)", "present_position"]
      return Int(try scene.insist(words).output.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    let wanted = 2048 + Int((40.0 / 360 * 4096).rounded())
    let end = Date(timeIntervalSinceNow: 20)
    while try position(2) != wanted, Date() < end { usleep(50_000) }
    #expect(try position(2) == wanted)
    #expect(try position(3) == wanted)
  }

  @Test("an arm is calibrated in two terminals, one of which turns its shafts, and runs with what came of it")
  func rehearsal() throws {
    let scene = try Scene("vx300s", ["--hand"], isAsked: true)
    let command = try Command(
      ["calibrate", "--port", "bus", "--arm", "vx300s", "--yes"], in: scene.folder.root, isAsked: true)
    try command.waitFor("Turn every joint slowly")
    // Only those that turn without an end count as done.
    command.type("")
    try command.waitFor("not yet: shoulder: ")
    scene.emulation.type("all sweep")
    for joint in ["shoulder", "elbow", "wrist_angle", "gripper"] {
      // The line of the table, not the complaint before it.
      let end = Date(timeIntervalSinceNow: 60)
      while !isSwept(joint, command), Date() < end { usleep(10_000) }
    }
    command.type("")
    let outcome = try command.finish(patience: 60)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let calibration = try ArmCalibration.load(path: scene.folder.path("calibration/vx300s.yaml"), for: scene.profile)
    #expect(calibration.joints.allSatisfy { $0.zero == 2048 && $0.homingOffset == 0 })
    #expect(calibration.joints[1].followers.map(\.servo) == [3])
    let run = try scene.run("vx300s")
    #expect(run.code == 0 && run.json?["ending"] as? String == "completed", "\(run.output) \(run.errors)")
  }

  private func isSwept(_ joint: String, _ command: Command) -> Bool {
    command.errors.split(separator: "\n").contains { $0.hasPrefix("\(joint): swept") && $0.hasSuffix(": ok") }
  }

  @Test("the hand says what it does not understand, and waits while a motor holds")
  func hand() throws {
    let scene = try Scene("so101", ["--hand"], isAsked: true)
    for (line, answer) in [
      ("griper 10", "did you mean 'gripper'"), ("gripper far", "'far' is no number"), ("help", "JOINT sweep"),
      ("gripper 10 20 30", "is no order"), ("where", "wrist_roll 0.0°"),
    ] {
      scene.emulation.type(line)
      try scene.emulation.waitFor(answer)
    }
    let write = ["servo", "write", "--port", "bus", "--protocol", "feetech", "--id", "6", "torque_enable", "1"]
    #expect(try scene.insist(write).code == 0)
    scene.emulation.type("gripper 20")
    try scene.emulation.waitFor("under torque, so the hand waits: gripper")
  }
}
