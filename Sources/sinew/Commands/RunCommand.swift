import ArgumentParser
import Foundation
import RealTime
import Sessions

/// `sinew run`: a policy drives the arm in real time, and every transition is recorded.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Let a policy drive the arm in real time and record every transition.",
    discussion: """
      The loop runs on a thread of its own at absolute deadlines. Ctrl-C (or SIGTERM) stops the arm within its limits and \
      ends the run; the log is always closed properly. Without --duration and --episodes it runs until then. \
      Without --policy it takes the policy that ships for the task.

      Examples:
        sinew run --task reacher-v5 --policy reacher-sb3 --duration 10
        sinew run --config robot.yaml --log logs/today.mcap
        sinew run --config robot.yaml --strict --priority 80 --cpu 2
        sinew run --task reacher-v5 --perturb payload=0.1 --perturb latency=0.04
        sinew run --supervised --task reach --policy my-policy/
        sinew run --supervised --config robot.yaml --leader-port /dev/ttyACM1 --leader-calibration my-leader
        sinew run --unsupervised --arm so101 --port /dev/serial/by-id/usb-ADAPTOR --calibration my-arm --task reach --policy reach

      With --port a real arm moves. That it does so with nobody holding an enable button has to be said, by --unsupervised; \
      the log says so, too. The run begins without torque and reads only; you switch torque on with Enter. An \
      arm that is under torque already is asked about: Enter takes it over where its servos hold it, n leaves it as it is. Before \
      each episode the arm goes slowly to the episode's start. Ctrl-C brings it to rest, parks it and switches torque off \
      (--exit says otherwise); a second Ctrl-C leaves out the parking, a third ends the process at once, and the arm holds \
      its last goal under torque (--on-crash says otherwise). Torque counts as off when every servo has said so. On hardware real-time rights are required unless --allow-non-realtime is given.

      No goal leads a real arm into itself, into the table or out of the box that robot.yaml may name (safety: workspace): \
      it comes to rest before, and a policy that insists for half a second is stopped. For a simulated arm ask for that with \
      safety: {self_collision: true}.

      With --supervised a person with a gamepad is in charge: the policy moves only while enable (RB) is held. Start arms; \
      with enable held, start begins an episode and gives the policy authority. A stick takes over in one tick; to give \
      back, let enable go, hold it anew and press start. Every step of the log has the policy's action, the command that was \
      executed, who it came from, and whether the person had a hand in it. A, back and d-pad left end an episode: success \
      (a reward of 1 in a term of its own), failure, discard. 'sinew teleop --help' explains the other controls.

      With --leader-port, too, the person intervenes with a leader arm: a second arm without torque, moved by hand. Moving \
      the leader by more than 0.1 rad, or a stick, takes over in one tick, and the arm holds. Once every joint of the leader \
      is within 0.5 rad of it, it goes there at 0.5 rad/s at most and then follows; sticks move nothing. Leave the leader \
      where it is when you give back. A leader that is lost stops the arm. 'sinew teleop --help' has the rest.

      Exit codes: 0 success, also after Ctrl-C; 1 the arm does not answer or is not as it should be, a fault was latched, \
      the log could not be written, real time was refused where it is required, or the arm did not confirm how it was \
      left; 2 wrong input or a port that cannot be opened; 3 the log is lossy (records were dropped); on hardware 130 after the third Ctrl-C (128 and the signal's number), nothing read back.
      """)

  @OptionGroup var simulation: SimulationOptions

  @OptionGroup var hardware: HardwareOptions

  @Flag(help: "A person holds enable while the policy moves the arm, and takes over with a stick.")
  var supervised = false

  @Flag(
    help:
      "On a real arm: the policy moves it with nobody holding enable. Keep the switch of its motors' power in reach.")
  var unsupervised = false

  @OptionGroup(title: "Options of --supervised") var device: OperatorDeviceOptions

  @OptionGroup(title: "Leader arm of --supervised") var leader: LeaderOptions

  @Option(
    name: .customLong("time-limit"),
    help: "With --supervised: the longest an episode may be, s. Default: until you end it.")
  var timeLimit: Double?

  @Option(help: "Configuration (robot.yaml, see 'sinew init'); options on the command line win.")
  var config: String?

  @Option(help: "End after this many seconds.")
  var duration: Double?

  @Option(help: "End after this many episodes.")
  var episodes: Int?

  @Option(help: "Log file (MCAP). Default: logs/<task>-<date>.mcap.")
  var log: String?

  @Flag(name: .customLong("no-log"), help: "Record nothing.")
  var noLog = false

  @Flag(help: "Refuse to start unless real-time scheduling and locked memory are granted.")
  var strict = false

  @Flag(
    name: .customLong("allow-non-realtime"),
    help: "Start although real-time rights were refused (the default in simulation); recorded in the log.")
  var allowNonRealTime = false

  @Option(help: "SCHED_FIFO priority of the control thread, 1 to 99; 0 for an ordinary thread.")
  var priority: Int?

  @Option(help: "Processor the control thread is bound to.")
  var cpu: Int?

  @Flag(help: "Simulated time: as fast as the machine can, deterministic for a seed.")
  var virtual = false

  @Flag(help: "Print one JSON object at the end.")
  var json = false

  func validate() throws {
    try refuseEmpty(["config": config, "log": log])
    if let duration, !(duration > 0 && duration <= 1e7) {
      throw ValidationError("--duration must be between 0 and 1e7 s, found \(duration).")
    }
    if let episodes, episodes < 1 { throw ValidationError("--episodes must be at least 1, found \(episodes).") }
    if let priority, !(0...99).contains(priority) {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
    try ProcessorOption.validate(cpu)
    if strict && allowNonRealTime { throw ValidationError("--strict and --allow-non-realtime exclude each other.") }
    if noLog && log != nil { throw ValidationError("--log and --no-log exclude each other.") }
    let leaderPort = leader.port == nil ? nil : "--leader-port"
    if !supervised, let name = device.given ?? leaderPort ?? (timeLimit == nil ? nil : "--time-limit") {
      throw ValidationError("\(name) is about a person's part in the run; add --supervised, or leave it out.")
    }
    if supervised && unsupervised { throw ValidationError("--supervised and --unsupervised exclude each other.") }
    if virtual && leader.port != nil {
      throw ValidationError("--leader-port and --virtual exclude each other: a leader arm is moved in real time.")
    }
    if supervised && virtual && device.recording == nil {
      throw ValidationError("--supervised with --virtual needs --recording: a person lives in real time.")
    }
    if let timeLimit, !(timeLimit > 0 && timeLimit <= 1e7) {
      throw ValidationError("--time-limit must be between 0 and 1e7 s, found \(timeLimit).")
    }
    if virtual && duration == nil && episodes == nil && config == nil && !supervised {
      throw ValidationError("--virtual needs --duration or --episodes: simulated time has no Ctrl-C to wait for.")
    }
  }

  mutating func run() throws {
    try StopSignals.hear()
    if supervised { return try runSupervised() }
    let plan = try SessionPlanning.plan(for: self)
    let report = try SessionRunning.run(plan, isQuiet: json, consentsByItself: hardware.yes)
    if json {
      try printJSON(RunOutput(plan: plan, report: report))
    } else {
      RunSummary.print(report, plan: plan)
    }
    try RunSummary.failIfUnconfirmed(report)
    try RunSummary.failIfFaulted(report)
    try RunSummary.failIfLossy(report)
  }

  private func runSupervised() throws {
    let opened = try OperatorDevice(device)
    defer { opened.close() }
    var command = self
    // A recorded person has an end.
    command.duration = duration ?? opened.duration.map { $0 + 1 }
    var plan = try SessionPlanning.plan(for: command)
    var operation = OperationPlan(.supervision, device: opened.name)
    operation.settings = device.settings
    operation.timeLimit = timeLimit
    operation.leader = try leader.settings(following: plan.profile)
    plan.operation = operation
    try OperatedRunning.run(plan, device: opened, json: json)
  }
}
