import ArgumentParser
import ArmProfiles
import Configuration
import Foundation
import RealTime
import Sessions
import Simulation
import Tasks

/// `sinew teleop`: a person moves the arm.
struct TeleopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "teleop",
    abstract: "Move an arm by hand, with a gamepad, a leader arm or the keyboard, and record episodes.",
    discussion: """
      The arm moves only while enable (the right shoulder button, RB) is held; let it go, and the arm comes to rest and \
      holds. Press it with the sticks at rest. The picture docs/gamepad.svg shows what every control does.

      Start arms the arm; pressed again it begins an episode, which in simulation puts the arm at the task's start. A, back \
      and d-pad left end the episode: success, failure, discard (record it again). Then there is no hurry: nothing is \
      recorded until the next start. Every step is recorded with who moved the arm, as 'sinew run' does; the action is the \
      one by which a policy would have done the same, and a success earns a reward of 1 in a term of its own.

      The sticks move the tool: left stick forward, back, left, right; right stick up, down, and a turn about the tool's \
      axis; the triggers close and open the gripper. D-pad right changes to joints 1-4 and 5-8, up and down change the \
      speed: 25, 50 or 100 % of 0.25 m/s, 1.5 rad/s.

      B stops (the arm holds); LB+B takes torque off at once (the arm may fall); after that LB+start resets and start arms \
      anew. LB+back parks. This is not a safety-rated function: keep a power switch at hand.

      With --port a real arm moves. Nothing is switched on until you press start, with enable let go and the sticks at rest; \
      pressed again from rest it brings the arm slowly to the episode's start (B stops it), with enable held the episode \
      begins where the arm is. A fault is left by LB+start, which switches torque off. Ctrl-C brings the arm to rest, parks \
      it and switches torque off (--exit says otherwise); a second one leaves out the parking. A wireless pad whose loss \
      would show late is kept to 25 %. Real-time rights are required unless --allow-non-realtime is given.

      With --leader-port a second arm moves the first: the leader, without torque, moved by hand. Nothing is ever switched on \
      in it. The pad (or, asked for with --keyboard, the keyboard) enables, stops and judges as ever, its sticks move \
      nothing. Enable is refused while a joint of the leader is more than 0.5 rad from the arm; from nearer the arm goes to \
      the leader at 0.5 rad/s at most and then follows, with the share of its joints' largest speeds that d-pad up and \
      down set. A leader that is silent for two of the task's steps (0.1 s at most) or unplugged stops the arm.

      Examples:
        sinew teleop --sim
        sinew teleop --sim --task reach --episodes 10 --log logs/demonstrations.mcap
        sinew teleop --sim --keyboard
        sinew teleop --sim --speed 25 --control joints
        sinew teleop --sim --recording square --virtual
        sinew teleop --arm so101 --port /dev/serial/by-id/usb-ADAPTOR --calibration my-arm
        sinew teleop --sim --leader-port /dev/serial/by-id/usb-LEADER --leader so101 --leader-calibration my-leader
        sinew teleop --arm so101 --port /dev/ttyACM0 --calibration my-arm --leader-port /dev/ttyACM1

      Exit codes: 0 success, also after Ctrl-C; 1 an arm does not answer or is not as it should be, a fault ended the run, the \
      log could not be written, real time was refused where it is required, or the arm did not confirm how it was left; \
      2 wrong input or a port that cannot be opened; 3 the log is lossy (records were \
      dropped).
      """)

  @Flag(name: .customLong("sim"), help: "Move a simulated arm.")
  var sim = false

  @OptionGroup var hardware: HardwareOptions

  @Option(help: "Task: what is observed, rewarded and reset: a shipped name (reach) or a YAML file. Default: reach.")
  var task: String?

  @Option(help: "Simulated model: a shipped name (so101) or an MJCF or URDF file. Default: the task's.")
  var model: String?

  @Option(help: "Arm profile with the limits: a shipped name ('sinew list arms') or a YAML file. Default: the model's.")
  var profile: String?

  @Option(
    name: .customLong("perturb"),
    help: ArgumentHelp(
      "A departure of the simulator from nominal, as name=value; may be repeated.", valueName: "name=value"))
  var perturbations: [String] = []

  @Option(help: "Seed of resets, noise and perturbations.")
  var seed: UInt64 = 0

  @OptionGroup var device: OperatorDeviceOptions

  @OptionGroup(title: "Leader arm") var leader: LeaderOptions

  @Option(help: "End after this many seconds.")
  var duration: Double?

  @Option(help: "End after this many episodes; discarded ones do not count.")
  var episodes: Int?

  @Option(name: .customLong("time-limit"), help: "The longest an episode may be, s. Default: until you end it.")
  var timeLimit: Double?

  @Option(help: "Log file (MCAP). Default: logs/teleop-<task>-<date>.mcap.")
  var log: String?

  @Flag(name: .customLong("no-log"), help: "Record nothing.")
  var noLog = false

  @Option(name: .customLong("control-rate"), help: "Control rate in Hz, a whole multiple of the task's rate.")
  var controlRate: Double?

  @Flag(
    name: .customLong("allow-non-realtime"),
    help: "Move a real arm although real-time rights were refused; recorded in the log.")
  var allowNonRealTime = false

  @Option(help: "SCHED_FIFO priority of the control thread, 1 to 99; 0 for an ordinary thread.")
  var priority: Int = 80

  @Flag(help: "Simulated time, for recordings: as fast as the machine can.")
  var virtual = false

  @Flag(help: "Print one JSON object at the end.")
  var json = false

  func validate() throws {
    try refuseEmpty(["task": task, "model": model, "profile": profile, "log": log])
    guard sim || hardware.simulate || hardware.port != nil else {
      throw ValidationError("say which arm: --sim for a simulated one, --port for a real one.")
    }
    if sim && hardware.port != nil { throw ValidationError("--sim and --port exclude each other.") }
    if hardware.port != nil {
      let given = [("--virtual", virtual), ("--perturb", !perturbations.isEmpty)]
      if let (name, _) = given.first(where: { $0.1 }) {
        throw ValidationError("\(name) is about a simulated arm, and --port names a real one; leave one of them out.")
      }
    } else if allowNonRealTime {
      throw ValidationError("--allow-non-realtime is about a real arm; leave it out.")
    }
    if virtual && leader.port != nil {
      throw ValidationError("--leader-port and --virtual exclude each other: a leader arm is moved in real time.")
    }
    for (name, value) in [("duration", duration), ("time-limit", timeLimit)] {
      if let value, !(value > 0 && value <= 1e7) {
        throw ValidationError("--\(name) must be between 0 and 1e7 s, found \(value).")
      }
    }
    if let episodes, episodes < 1 { throw ValidationError("--episodes must be at least 1, found \(episodes).") }
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
    if noLog && log != nil { throw ValidationError("--log and --no-log exclude each other.") }
    if virtual && device.recording == nil {
      throw ValidationError("--virtual needs --recording: a person lives in real time.")
    }
  }

  mutating func run() throws {
    try StopSignals.hear()
    let opened = try OperatorDevice(device)
    defer { opened.close() }
    try OperatedRunning.run(plan(for: opened), device: opened, json: json)
  }

  private func plan(for device: OperatorDevice) throws -> SessionPlan {
    if let arm = hardware.arm, let profile, arm != profile {
      throw InputError("--arm \(arm) and --profile \(profile) name two arms; give one of them")
    }
    let arm = hardware.arm ?? profile
    let taskName = task ?? arm.flatMap { RobotConfiguration.defaults(for: $0).task } ?? "reach"
    let definition = try playableTask(named: taskName)
    var plan = SessionPlan(
      task: definition, policy: "", perturbations: try checkingInput { try Perturbations.parse(perturbations) })
    plan.model = model
    plan.profile = arm
    plan.controlRate = controlRate
    plan.seed = seed
    var operation = OperationPlan(.teleoperation, device: device.name)
    operation.settings = self.device.settings
    operation.timeLimit = timeLimit
    operation.leader = try leader.settings(following: arm)
    plan.operation = operation
    plan.hardware = try SessionPlanning.hardware(
      hardware, configuration: nil, profile: arm, device: self.device)
    if plan.hardware != nil { plan.allowsNonRealTime = allowNonRealTime }
    plan.clock = virtual ? .virtual : .monotonic
    plan.duration = duration ?? device.duration.map { $0 + 1 }
    plan.episodes = episodes
    plan.hearsEarlierStops = true
    plan.realTime = RealTimeSettings(priority: priority == 0 ? nil : priority)
    if plan.hardware != nil { try SessionPlanning.requireRealTime(plan) }
    plan.programVersion = ProgramVersion.version
    plan.gitRevision = ProgramVersion.gitRevision
    plan.log = noLog ? nil : log ?? SessionPlanning.newLogPath(in: "logs", name: "teleop-\(definition.name)")
    return plan
  }
}
