import ArmModel
import CSystem
import Control
import Numerics
import Policies
import RealTime
import Recording
import Safety
import Simulation
import Tasks

/// Loads what a plan names, checks that the parts fit each other, and puts a run together.
struct SessionParts {
  let plan: SessionPlan
  let setup: TaskSetup
  /// The policy; nil where a recording takes its place.
  let policy: LoadedPolicy?
  private(set) var notes: [String]
  private(set) var recorder: Recorder?
  /// What keeps the run's black box; nil where there is no room for one.
  private(set) var blackBox: BlackBoxKeeper?
  /// What the log keeps of the leader arm, if there is one.
  var leader: LoggedArm?

  init(_ plan: SessionPlan) throws {
    self.plan = plan
    try SessionParts.checkEnd(plan)
    policy = plan.replay == nil && !plan.isTeleoperation ? try PolicyLoader.named(plan.policy) : nil
    if let policy { try SessionParts.check(policy.description, fits: plan.task) }
    setup = try TaskSetup(plan)
    notes = setup.notes
    if let trained = policy?.description.rateHz, abs(trained - policyRate) > 1e-6 * policyRate {
      notes.append(
        "the policy was trained at \(trained) Hz, the task steps at \(policyRate) Hz: expect it to behave differently")
    }
  }

  var model: PhysicsModel { setup.model }
  var limits: JointLimits { setup.limits }
  var controlRate: Double { setup.controlRate }
  var policyRate: Double { setup.policyRate }
  /// The safety core's set-up for a physical arm: its torque is real and it is watched. Nobody has to hold enable: the
  /// operator's word at the terminal stands before torque and after every interruption.
  private func onHardware(_ simulated: SafetyConfiguration, parkPose: JointVector) -> SafetyConfiguration {
    var safety = SafetyConfiguration.hardware(
      limits: simulated.limits, mode: simulated.mode, period: simulated.period,
      proposalPeriod: simulated.proposalPeriod, parkPose: parkPose)
    safety.armingTicks = simulated.armingTicks
    safety.isSupervised = false
    safety.capsules = simulated.capsules
    safety.parkTime = HardwareSequence.parkBudget
    return safety
  }

  /// The control period, ns.
  var controlPeriod: Int64 { setup.controlPeriod }

  var policyDescription: String {
    if plan.isTeleoperation { return "none: a person moves the arm" }
    if let replay = plan.replay {
      return "replay of episode \(replay.episode) (\(replay.stepCount) steps) of \(replay.path)"
    }
    guard let description = policy?.description else { return "none" }
    return "\(description.name) (\(description.observationCount) → \(description.actionCount), "
      + "\(description.distribution.text), \(plan.selection == .mean ? "mean" : "sampled"))"
  }

  var armDescription: String {
    "\(model.name) (\(plan.task.joints.count) joints, simulated, physics step \(model.timestep) s)"
  }

  /// Allocates everything the run will need. The log is begun last, when nothing else can be refused any more. The worker,
  /// if there is one, must outlive the run.
  mutating func makeRun(worker: inout PolicyWorker?) throws -> SimulatedRun {
    let arm = try setup.makeArm()
    let loop = try makeLoop(twin: try setup.makeTwin(of: arm), armingTicks: 0, worker: &worker)
    return SimulatedRun(loop: loop, arm: arm, bounds: bounds)
  }

  /// The loop with everything in it but the arm. The log is begun last. `worker` as in `makeRun`; `parkPose` is where the
  /// safety core brings the arm before it switches torque off.
  mutating func makeLoop(
    twin: consuming KinematicTwin, armingTicks: Int, parkPose: JointVector? = nil, worker: inout PolicyWorker?,
    about arm: LoggedArm? = nil
  ) throws -> ControlLoop {
    let task = plan.task
    let evaluator = task.makeEvaluator(noiseSeed: plan.seed)
    let seat: PolicySeat
    if let replay = plan.replay {
      seat = .playback(Playback(commands: replay.commands, measured: replay.measured))
      worker = nil
    } else if let policy {
      seat = try makeSeat(policy, worker: &worker)
    } else if plan.isTeleoperation {
      seat = .nobody
      worker = nil
    } else {
      throw SessionError("there is neither a policy nor a recording; give a policy")
    }
    // From here on there is a log to close: Ctrl-C must not end the process by itself any more.
    if !plan.hearsEarlierStops { sinew_clear_stop_requests() }
    let status = sinew_install_stop_signals()
    if status != 0 { throw SessionError("stop signals could not be installed (errno \(status))") }
    recorder = try startRecorder(arm)
    var configuration = setup.loopConfiguration(armingTicks: armingTicks)
    if let parkPose { configuration.safety = onHardware(configuration.safety, parkPose: parkPose) }
    if plan.operation != nil { try configureOperation(&configuration) }
    var loop = ControlLoop(
      configuration: configuration,
      task: evaluator, policy: seat, twin: twin, port: recorder?.makePort(), jointCount: task.joints.count,
      pointCount: task.points.count, observationCount: task.observationCount, actionCount: task.actionCount,
      rewardTermCount: rewardTermNames.count)
    let labels = arm?.jointLabels ?? []
    attachBlackBox(&loop, jointNames: labels.isEmpty ? task.joints : labels)
    return loop
  }

  /// From now on every tick is noted where it outlives the process. A run without is still a run, and says so.
  private mutating func attachBlackBox(_ loop: inout ControlLoop, jointNames: [String]) {
    notes += BlackBoxKeeper.settle(folder: plan.blackBoxFolder)
    do throws(BlackBoxError) {
      let keeper = try BlackBoxKeeper(folder: plan.blackBoxFolder, beside: plan.log)
      loop.attach(try keeper.makeBox(period: controlPeriod, jointNames: jointNames))
      blackBox = keeper
    } catch {
      notes.append("this run keeps no black box, so a crash or a fault leaves the log alone: \(error)")
    }
  }

  /// When the run ends. To be asked for once the log has begun.
  var bounds: RunBounds {
    RunBounds(
      duration: plan.duration.map { Int64(($0 * 1e9).rounded()) }, episodes: plan.episodes,
      variableCount: setup.boundVariableCount,
      statusInterval: plan.clock == .monotonic ? 50_000_000 : 1_000_000_000, spin: plan.realTime.spin,
      awaitsRecorder: plan.clock == .virtual && recorder != nil)
  }

  /// The policy's place: in the tick, or on a thread of its own.
  private func makeSeat(_ policy: LoadedPolicy, worker: inout PolicyWorker?) throws -> PolicySeat {
    var made = try policy.makePolicy()
    guard runsOnThread(cost: made.measureCost()) else {
      worker = nil
      return .inTick(made)
    }
    let started = try PolicyWorker(
      policy: made, selection: plan.selection, random: RandomStream(seed: plan.seed, name: "action"),
      realTime: plan.realTime)
    worker = started
    return .onThread(started.makeLink())
  }

  /// Whether a policy that takes `cost` ns a step goes onto a thread of its own.
  private func runsOnThread(cost: Int64) -> Bool {
    guard plan.clock == .monotonic else { return false }
    switch plan.policyPlacement {
    case .tick: return false
    case .thread: return true
    case .automatic: return Double(cost) > 0.25e9 / controlRate
    }
  }

  // MARK: Checks

  private static func checkEnd(_ plan: SessionPlan) throws {
    if let duration = plan.duration, !(duration > 0 && duration <= 1e7) {
      throw SessionError("a duration of \(duration) s is not above 0 and at most 1e7 s; give another")
    }
    if let episodes = plan.episodes, episodes < 1 {
      throw SessionError("\(episodes) episodes are no run; give at least 1")
    }
    if plan.clock == .virtual && plan.duration == nil && plan.episodes == nil {
      throw SessionError("a run in simulated time has no end; give a duration or a number of episodes")
    }
  }

  private static func check(_ policy: PolicyDescription, fits task: TaskDefinition) throws {
    guard policy.observationCount == task.observationCount else {
      throw SessionError(
        "\(policy.path): the policy takes \(policy.observationCount) observations, task '\(task.name)' gives "
          + "\(task.observationCount) (\(task.observationNames.joined(separator: ", "))); choose the task it was trained on"
      )
    }
    guard policy.actionCount == task.actionCount else {
      throw SessionError(
        "\(policy.path): the policy gives \(policy.actionCount) actions, task '\(task.name)' takes \(task.actionCount) "
          + "(\(task.actionNames.joined(separator: ", "))); choose the task it was trained on")
    }
    if let names = policy.jointNames, names != task.actionNames {
      throw SessionError(
        "\(policy.path): the policy's joints are \(names.joined(separator: ", ")), those of task '\(task.name)' "
          + "\(task.actionNames.joined(separator: ", ")); joints are matched by name and order")
    }
  }
}

extension Policy {
  /// What one step takes, ns: the median of 21 steps on zeros. The policy is as new afterwards.
  fileprivate mutating func measureCost() -> Int64 {
    let observation = UnsafeMutablePointer<Double>.allocate(capacity: observationCount)
    observation.initialize(repeating: 0, count: observationCount)
    defer { observation.deallocate() }
    var random = RandomStream(seed: 0, name: "measure")
    var costs: [Int64] = []
    for _ in 0..<21 {
      let start = sinew_now_ns()
      _ = act(observation: UnsafePointer(observation), sampling: .sample, random: &random)
      costs.append(sinew_now_ns() - start)
    }
    reset()
    return costs.sorted()[costs.count / 2]
  }
}
