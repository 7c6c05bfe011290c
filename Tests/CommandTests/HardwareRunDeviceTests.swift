import ArmModel
import ArmProfiles
import Foundation
import Glibc
import LoopTestSupport
import Recording
import TestSupport
import Testing
import VirtualServos

/// `sinew run` on an emulated arm, as a user drives it.
@Suite(.serialized, .enabled(if: PseudoTerminals.areAvailable, Comment(rawValue: PseudoTerminals.reason)))
struct HardwareRunDeviceTests {
  /// An SO-101 behind a pseudo-terminal whose shafts know nothing of each other: light work for a busy machine.
  private struct Arm {
    let folder: ScratchFolder
    let policies: TemporaryFolder
    let server: ServoBusServer
    let policy: String
    private let calibration: ArmCalibration

    init() throws {
      folder = try ScratchFolder()
      policies = try TemporaryFolder()
      let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll"]
      policy = try DensePolicy.random(observations: 29, hidden: [8], jointNames: joints, seed: 1).write(to: policies)
      let model = try ServoModel.named("sts3215-7v4")
      calibration = try EmulatedCalibration.make(profile: "so101", model: model, ids: Array(1...6))
      try folder.write(calibration.text, to: "arm.yaml")
      server = try Self.serve(calibration, at: folder.path("bus"))
    }

    /// With `isHolding` its servos are under torque already.
    private static func serve(
      _ calibration: ArmCalibration, at link: String, isHolding: Bool = false
    ) throws -> ServoBusServer {
      let model = try ServoModel.named("sts3215-7v4")
      let servos = zip(try ServoSetup.servos(model, ids: Array(1...6)), calibration.joints).map {
        $0.calibrated(as: $1)
      }
      let home = try ArmProfile.named("so101").home
      let physics = IndependentJoints(home.map { IndependentJoints.Joint(start: $0, speed: 6) })
      let bus = try VirtualServoBus(VirtualBusConfiguration(servos: servos, timing: BusTiming()), physics: physics)
      if isHolding {
        // A write of 1 to the register "torque enable" (40) of all servos, which then hold where they stand.
        bus.send([0xFF, 0xFF, 0xFE, 0x04, 0x03, 0x28, 0x01, 0xD1], at: bus.state.time)
      }
      return try ServoBusServer.pseudoTerminal(bus, link: link)
    }

    /// The same arm on the same port, after it was unplugged there; with `isHolding` it was only the host's cable.
    func plugAgain(isHolding: Bool = false) throws -> ServoBusServer {
      try Self.serve(calibration, at: folder.path("bus"), isHolding: isHolding)
    }

    /// Starts the command with a terminal for its operator, who is asked before torque comes on.
    func start(_ arguments: [String], at terminal: OperatorTerminal) throws -> Command {
      try Command(
        [
          "run", "--unsupervised", "--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml", "--policy", policy,
          "--allow-non-realtime", "--control-rate", "50", "--priority", "0", "--no-log",
        ] + arguments, in: folder.root, input: terminal.path)
    }

    var isOn: Bool { server.state.servos.allSatisfy(\.isTorqueOn) }
    var isOff: Bool { server.state.servos.allSatisfy { !$0.isTorqueOn } }

    /// Starts the command on the arm; on a busy machine again when it does not get hold of it.
    func start(_ arguments: [String]) throws -> Command {
      for attempt in 0..<10 {
        let command = try Command(
          [
            "run", "--unsupervised", "--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml", "--policy",
            policy, "--yes",
            "--allow-non-realtime", "--control-rate", "50", "--priority", "0", "--log", "run\(attempt).mcap",
          ] + arguments, in: folder.root)
        let end = Date(timeIntervalSinceNow: 8)
        while !isOn, Date() < end { usleep(2000) }
        if isOn { return command }
        command.send(SIGINT)
        _ = try command.finish()
      }
      throw Command.Failure(description: "the arm never came under torque")
    }
  }

  private static let question = "Press Enter to switch torque on"

  /// Waits until something is so; on a busy machine that takes its time.
  private func wait(_ patience: Double = 20, until isSo: () -> Bool) -> Bool {
    let end = Date(timeIntervalSinceNow: patience)
    while Date() < end {
      if isSo() { return true }
      usleep(5000)
    }
    return isSo()
  }

  @Test("Torque comes on when the operator presses Enter at the question, and not for what was typed before")
  func asksForEnter() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let terminal = try OperatorTerminal()
    terminal.press("\n")
    let command = try arm.start([], at: terminal)
    try command.waitFor(Self.question)
    usleep(1_500_000)
    #expect(arm.isOff, "\(command.errors)")
    terminal.press("no\n")
    try command.waitFor("Only Enter alone is an answer")
    usleep(500_000)
    #expect(arm.isOff, "\(command.errors)")
    terminal.press("\n")
    #expect(wait { arm.isOn }, "\(command.errors)")
    command.send(SIGINT)
    let outcome = try command.finish(patience: 40)
    #expect(arm.isOff && outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("Ctrl-C at the question ends the run, and the arm is as it was found")
  func refusesAtTheQuestion() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let terminal = try OperatorTerminal()
    let command = try arm.start([], at: terminal)
    try command.waitFor(Self.question)
    command.send(SIGINT)
    let outcome = try command.finish(patience: 20)
    #expect(outcome.output.contains("torque was never switched on"), "\(outcome.output) \(outcome.errors)")
    #expect(arm.isOff && outcome.code == 0)
  }

  @Test("With --on-unplug wait the run waits for the port, and torque for the operator's word")
  func waitsForPort() throws {
    let arm = try Arm()
    let terminal = try OperatorTerminal()
    let command = try arm.start(["--on-unplug", "wait"], at: terminal)
    try command.waitFor(Self.question)
    usleep(200_000)
    terminal.press("\n")
    #expect(wait { arm.isOn }, "\(command.errors)")
    usleep(500_000)
    arm.server.stop()
    try command.waitFor("The port bus is gone; torque may still be on")
    usleep(1_500_000)
    let server = try arm.plugAgain()
    defer { server.stop() }
    #expect(wait(30) { command.errors.ranges(of: Self.question).count == 2 }, "\(command.errors)")
    usleep(1_500_000)
    #expect(server.state.servos.allSatisfy { !$0.isTorqueOn }, "\(command.errors)")
    terminal.press("\n")
    #expect(wait { server.state.servos.allSatisfy(\.isTorqueOn) }, "\(command.errors)")
    command.send(SIGINT)
    let outcome = try command.finish(patience: 40)
    #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
    #expect(outcome.output.contains("port opened again 1 times"), "\(outcome.output) \(outcome.errors)")
    #expect(outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("An arm that still holds when its cable is back is not let go of: the operator is asked, and takes it over")
  func takesOverAfterUnplug() throws {
    let arm = try Arm()
    let terminal = try OperatorTerminal()
    let command = try arm.start(["--on-unplug", "wait", "--exit", "release"], at: terminal)
    try command.waitFor(Self.question)
    usleep(200_000)
    terminal.press("\n")
    #expect(wait { arm.isOn }, "\(command.errors)")
    usleep(500_000)
    arm.server.stop()
    try command.waitFor("The port bus is gone; torque may still be on")
    let server = try arm.plugAgain(isHolding: true)
    defer { server.stop() }
    try command.waitFor("The arm was found UNDER TORQUE: shoulder_pan (servo 1) at ")
    let goals = server.state.servos.map(\.goal)
    usleep(1_500_000)
    #expect(server.state.servos.allSatisfy(\.isTorqueOn) && server.state.servos.map(\.goal) == goals)
    terminal.press("\n")
    // On its way to the next episode's start.
    let moves = wait { server.state.servos.map(\.goal) != goals }
    #expect(moves, "\(command.errors)")
    #expect(server.state.servos.allSatisfy { $0.isTorqueOn })
    command.send(SIGINT)
    let outcome = try command.finish(patience: 40)
    #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
    #expect(outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test(
    "A third Ctrl-C ends the process at once, says so, and the arm is left as --on-crash says",
    arguments: [
      "hold", "release",
    ])
  func stopsThrice(policy: String) throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start(["--on-crash", policy])
    #expect(wait { arm.isOn }, "\(command.errors)")
    usleep(300_000)
    // Signals that come together count as one.
    while !command.hasExited {
      command.send(SIGINT)
      usleep(20_000)
    }
    let outcome = try command.finish(patience: 20)
    // The second lets go of the arm, and sometimes that is done when the third comes.
    let hadLetGo = outcome.errors.contains("ended at once. This run has no torque on")
    #expect(
      hadLetGo || outcome.errors.contains(policy == "hold" ? "TORQUE MAY BE ON" : "nobody has read it back"),
      "\(outcome.output) \(outcome.errors)")
    #expect(wait(3) { policy == "hold" && !hadLetGo ? arm.isOn : arm.isOff })
    #expect(outcome.code == 128 + SIGINT, "\(outcome.output) \(outcome.errors)")
  }

  @Test("Ctrl-C parks the arm, switches torque off, and says so only then", arguments: [SIGINT, SIGTERM])
  func stops(signal: Int32) throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start([])
    usleep(1_500_000)
    command.send(signal)
    let outcome = try command.finish(patience: 40)
    #expect(arm.isOff, "\(outcome.errors)")
    #expect(outcome.output.contains("torque off, read back from every servo"), "\(outcome.output) \(outcome.errors)")
  }

  @Test(
    "A terminal that closes hangs up several times, and a supervisor asks twice at once: the arm is parked all the same",
    arguments: [SIGHUP, SIGTERM])
  func repeats(signal: Int32) throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start([])
    usleep(1_500_000)
    for _ in 0..<6 {
      command.send(signal)
      usleep(20_000)
    }
    let outcome = try command.finish(patience: 40)
    #expect(arm.isOff && outcome.code == 0, "\(outcome.output) \(outcome.errors)")
    #expect(
      outcome.output.contains("torque off, read back from every servo") && !outcome.output.contains("not parked"),
      "\(outcome.output) \(outcome.errors)")
  }

  @Test("A second Ctrl-C leaves out the parking, not the release")
  func stopsTwice() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start([])
    usleep(1_000_000)
    command.send(SIGINT)
    usleep(500_000)
    command.send(SIGINT)
    let outcome = try command.finish(patience: 20)
    #expect(arm.isOff && outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("With --exit hold torque stays on, and a warning says so")
  func holds() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start(["--exit", "hold"])
    usleep(500_000)
    command.send(SIGINT)
    let outcome = try command.finish(patience: 20)
    #expect(arm.isOn && outcome.output.contains("TORQUE IS ON"), "\(outcome.output) \(outcome.errors)")
  }

  /// Leaves the arm under torque, as a run with --exit hold does.
  private func leaveHolding(_ arm: Arm) throws {
    let command = try arm.start(["--exit", "hold"])
    usleep(500_000)
    command.send(SIGINT)
    let outcome = try command.finish(patience: 20)
    try #require(arm.isOn && outcome.output.contains("TORQUE IS ON"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("An arm that is found under torque is taken over at Enter, where its servos hold it")
  func takesOver() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    try leaveHolding(arm)
    let goals = arm.server.state.servos.map(\.goal)
    let terminal = try OperatorTerminal()
    let command = try arm.start(["--exit", "release"], at: terminal)
    try command.waitFor("The arm was found UNDER TORQUE: shoulder_pan (servo 1) at ")
    usleep(1_000_000)
    #expect(arm.server.state.servos.map(\.goal) == goals && arm.isOn)
    terminal.press("yes\n")
    try command.waitFor("Only Enter alone is an answer")
    usleep(300_000)
    #expect(arm.server.state.servos.map(\.goal) == goals && arm.isOn)
    terminal.press("\n")
    // On its way to the episode's start.
    #expect(wait { arm.server.state.servos.map(\.goal) != goals }, "\(command.errors)")
    #expect(arm.isOn)
    command.send(SIGINT)
    let outcome = try command.finish(patience: 40)
    #expect(arm.isOff && outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test(
    "Ctrl-C, a refusal and the end of input leave an arm that was found under torque as it is, and say how to release it",
    arguments: ["Ctrl-C", "n\n", "\u{4}"])
  func leavesFoundTorque(answer: String) throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    try leaveHolding(arm)
    let goals = arm.server.state.servos.map(\.goal)
    let terminal = try OperatorTerminal()
    let command = try arm.start([], at: terminal)
    try command.waitFor("found UNDER TORQUE")
    usleep(200_000)
    if answer == "Ctrl-C" { command.send(SIGINT) } else { terminal.press(answer) }
    let outcome = try command.finish(patience: 20)
    #expect(arm.isOn && arm.server.state.servos.map(\.goal) == goals)
    #expect(outcome.code == 0, "\(outcome.output) \(outcome.errors)")
    #expect(outcome.output.contains("TORQUE IS ON, as the arm was found"), "\(outcome.output)")
    #expect(
      outcome.output.contains("sinew servo write torque_enable 0 --port bus --protocol feetech --id N"),
      "\(outcome.output)")
  }

  @Test("Where some joints are limp nothing is switched before Enter; then all are armed")
  func releasesFirst() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    try leaveHolding(arm)
    arm.server.withBus { $0.cutPower(2, for: 0, at: $0.state.time) }
    #expect(wait { arm.server.state.servos.map(\.isTorqueOn) == [true, true, false, true, true, true] })
    let terminal = try OperatorTerminal()
    let command = try arm.start(["--exit", "release"], at: terminal)
    try command.waitFor("PARTLY UNDER TORQUE")
    #expect(command.errors.contains("elbow_flex (servo 3) is limp"), "\(command.errors)")
    usleep(1_000_000)
    #expect(arm.server.state.servos.map(\.isTorqueOn) == [true, true, false, true, true, true])
    terminal.press("\n")
    #expect(wait { arm.isOn }, "\(command.errors)")
    command.send(SIGINT)
    let outcome = try command.finish(patience: 40)
    #expect(arm.isOff && outcome.output.contains("torque off"), "\(outcome.output) \(outcome.errors)")
  }

  @Test("A fault of one servo names its joint and its id, on the terminal and in the log")
  func namesTheServo() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let command = try arm.start([])
    usleep(500_000)
    arm.server.withBus { $0.cutPower(2, for: 0, at: $0.state.time) }
    let outcome = try command.finish(patience: 40)
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("joint elbow_flex (servo 3): torque lost"), "\(outcome.output) \(outcome.errors)")
    let log = try #require(
      FileManager.default.contentsOfDirectory(atPath: arm.folder.root).filter { $0.hasSuffix(".mcap") }.sorted().last)
    // The servo may go while the arm is on its way to the first episode.
    let events = try LogContents.events(named: "fault_latched", inLog: arm.folder.path(log))
    #expect(events.contains { $0.second == 2 && $0.text.hasSuffix("on joint elbow_flex (servo 3)") }, "\(events)")
  }

  @Test("A port that goes away ends the run with 1, and says that torque may be on")
  func unplugged() throws {
    let arm = try Arm()
    let command = try arm.start([])
    usleep(500_000)
    arm.server.stop()
    let outcome = try command.finish(patience: 20)
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("torque may still be on"), "\(outcome.errors)")
    // Beside the log, and the fault is its last line.
    let box = try #require(try arm.folder.snapshot().first { $0.contains(".blackbox ") }?.split(separator: " ").first)
    #expect(outcome.errors.contains("sinew log blackbox \(box)"), "\(outcome.errors)")
    let printed = try Command.run(["log", "blackbox", String(box)], in: arm.folder)
    #expect(printed.code == 0 && printed.output.contains("elbow_flex") == false, "\(printed.errors)")
    #expect(printed.output.split(separator: "\n").last?.contains("arm failed") == true, "\(printed.output.suffix(600))")
  }

  @Test(
    "Requests that cannot be are refused with 2 and the next step, and torque stays off",
    arguments: [
      (["--port", "nowhere", "--calibration", "./arm.yaml"], "nowhere"),
      (["--port", "bus", "--calibration", "none"], "calibration/none.yaml"),
      (["--port", "bus"], "--calibration"),
      (["--port", "bus", "--calibration", "./arm.yaml", "--perturb", "payload=1"], "--perturb"),
      (["--port", "bus", "--calibration", "./arm.yaml", "--virtual", "--duration", "1"], "--virtual"),
      (["--port", "bus", "--calibration", "./arm.yaml", "--on-unplug", "wait"], "--on-unplug end"),
      (["--exit", "park"], "--port"),
      (["--port", "bus", "--calibration", "./arm.yaml", "--task", "reacher-v5", "--policy", "reacher-sb3"], "reacher"),
    ])
  func refusals(arguments: [String], part: String) throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let policy = arguments.contains("--policy") ? [] : ["--policy", arm.policy]
    let outcome = try Command.run(
      ["run", "--unsupervised", "--arm", "so101", "--yes"] + policy + arguments, in: arm.folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(part), "\(outcome.errors)")
    #expect(arm.isOff)
  }

  @Test("A recorded episode is replayed in simulation and on the arm; a log of another arm is refused")
  func replays() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let recorded = try Command.run(
      [
        "run", "--arm", "so101", "--policy", arm.policy, "--virtual", "--duration", "1", "--log", "recorded.mcap",
      ], in: arm.folder)
    #expect(recorded.code == 0, "\(recorded.errors)")
    let simulated = try Command.run(["replay", "recorded.mcap", "--json"], in: arm.folder)
    #expect(simulated.code == 0 && simulated.json?["ending"] as? String == "completed", "\(simulated.errors)")
    var outcome: Outcome?
    for _ in 0..<10 where outcome?.code != 0 {
      outcome = try Command.run(
        [
          "replay", "recorded.mcap", "--port", "bus", "--calibration", "./arm.yaml", "--yes", "--allow-non-realtime",
          "--priority", "0", "--speed", "0.5", "--json",
        ], in: arm.folder, patience: 60)
    }
    #expect(outcome?.code == 0 && outcome?.json?["ending"] as? String == "completed", "\(outcome?.errors ?? "")")
    #expect(arm.isOff)
    let other = try Command.run(["replay", "recorded.mcap", "--arm", "reacher"], in: arm.folder)
    #expect(other.code == 2 && other.errors.contains("so101"), "\(other.errors)")
  }

  @Test("That nobody holds enable has to be said, and stands in the log")
  func unsupervised() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let words = ["--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml", "--policy", arm.policy, "--yes"]
    let refused = try Command.run(["run"] + words, in: arm.folder)
    #expect(refused.code == 2 && refused.errors.contains("or --unsupervised, and nobody does"), "\(refused.errors)")
    let both = try Command.run(["run", "--supervised", "--unsupervised"] + words, in: arm.folder)
    #expect(both.code == 2 && both.errors.contains("exclude each other"))
    let idle = try Command.run(
      ["run", "--unsupervised", "--arm", "so101", "--policy", arm.policy, "--virtual", "--duration", "1"],
      in: arm.folder)
    #expect(idle.code == 2 && idle.errors.contains("--unsupervised is about a real arm"), "\(idle.errors)")
    #expect(arm.isOff)
    let command = try arm.start([])
    #expect(command.errors.contains("note: unsupervised: nobody holds enable"), "\(command.errors)")
    command.send(SIGINT)
    _ = try command.finish(patience: 40)
    let log = try #require(
      FileManager.default.contentsOfDirectory(atPath: arm.folder.root).filter { $0.hasSuffix(".mcap") }.sorted().last)
    let info = try Command.run(["log", "info", log], in: arm.folder)
    #expect(info.output.contains("unsupervised: true"), "\(info.output)")
  }

  @Test("Without a terminal and without --yes nothing moves")
  func asks() throws {
    let arm = try Arm()
    defer { arm.server.stop() }
    let outcome = try Command.run(
      [
        "run", "--unsupervised", "--arm", "so101", "--port", "bus", "--calibration", "./arm.yaml", "--policy",
        arm.policy,
      ], in: arm.folder)
    #expect(outcome.code == 2 && outcome.errors.contains("--yes"))
    #expect(arm.isOff)
  }
}
