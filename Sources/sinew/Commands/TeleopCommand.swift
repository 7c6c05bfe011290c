import ArgumentParser
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
    abstract: "Move the arm by hand, with a gamepad or the keyboard, and record episodes.",
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

      Examples:
        sinew teleop --sim
        sinew teleop --sim --task reach --episodes 10 --log logs/demonstrations.mcap
        sinew teleop --sim --keyboard
        sinew teleop --sim --speed 25 --control joints
        sinew teleop --sim --recording square --virtual

      Exit codes: 0 success, also after Ctrl-C; 1 a fault was latched or the log could not be written; 2 wrong input; 3 the \
      log is lossy (records were dropped).
      """)

  @Flag(name: .customLong("sim"), help: "Move a simulated arm.")
  var sim = false

  @Option(help: "Task: what is observed, rewarded and reset: a shipped name (reach) or a YAML file.")
  var task: String = "reach"

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

  @Option(help: "SCHED_FIFO priority of the control thread, 1 to 99; 0 for an ordinary thread.")
  var priority: Int = 80

  @Flag(help: "Simulated time, for recordings: as fast as the machine can.")
  var virtual = false

  @Flag(help: "Print one JSON object at the end.")
  var json = false

  func validate() throws {
    try refuseEmpty(["task": task, "model": model, "profile": profile, "log": log])
    guard sim else {
      throw ValidationError("say which arm: --sim for a simulated one.")
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
    let plan = try plan(for: opened)
    let session = try checkingInput { try OperatedSession(plan, feed: opened.feed, keeping: opened) }
    let report = try OperatedRunning.run(session, device: opened, isQuiet: json)
    if json {
      try printJSON(OperationOutput(plan: plan, report: report))
    } else {
      RunSummary.print(report, plan: plan)
    }
    try RunSummary.failIfFaulted(report)
    try RunSummary.failIfLossy(report)
  }

  private func plan(for device: OperatorDevice) throws -> SessionPlan {
    let definition = try checkingInput { try TaskDefinition.named(task) }
    var plan = SessionPlan(
      task: definition, policy: "", perturbations: try checkingInput { try Perturbations.parse(perturbations) })
    plan.model = model
    plan.profile = profile
    plan.seed = seed
    var operation = OperationPlan(.teleoperation, device: device.name)
    operation.settings = self.device.settings
    operation.timeLimit = timeLimit
    plan.operation = operation
    plan.clock = virtual ? .virtual : .monotonic
    plan.duration = duration ?? device.duration.map { $0 + 1 }
    plan.episodes = episodes
    plan.hearsEarlierStops = true
    plan.realTime = RealTimeSettings(priority: priority == 0 ? nil : priority)
    plan.programVersion = ProgramVersion.version
    plan.gitRevision = ProgramVersion.gitRevision
    plan.log = noLog ? nil : log ?? SessionPlanning.newLogPath(in: "logs", name: "teleop-\(definition.name)")
    return plan
  }
}
