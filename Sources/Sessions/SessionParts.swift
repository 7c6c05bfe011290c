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
  let model: PhysicsModel
  /// The policy; nil where a recording takes its place.
  let policy: LoadedPolicy?
  let limits: JointLimits
  let controlRate: Double
  let policyRate: Double
  let ticksPerStep: Int
  private(set) var notes: [String] = []
  private(set) var recorder: Recorder?

  init(_ plan: SessionPlan) throws {
    self.plan = plan
    let task = plan.task
    try SessionParts.checkEnd(plan)
    policy = plan.replay == nil && !plan.isTeleoperation ? try PolicyLoader.named(plan.policy) : nil
    if let policy { try SessionParts.check(policy.description, fits: task) }
    let nominal: PhysicsModel
    if let name = try plan.model ?? Self.twinModel(plan) {
      nominal = try PhysicsModel.named(name)
    } else {
      nominal = try Self.naming(task) { try PhysicsModel.named(task.model) }
    }
    model = try plan.physicsTimestep.map { try nominal.withTimestep($0) } ?? nominal
    notes += model.notes
    policyRate = 1 / task.stepDuration
    if let trained = policy?.description.rateHz, abs(trained - policyRate) > 1e-6 * policyRate {
      notes.append(
        "the policy was trained at \(trained) Hz, the task steps at \(policyRate) Hz: expect it to behave differently")
    }
    (controlRate, ticksPerStep) = try SessionParts.rates(plan, policyRate: policyRate)
    limits = try Self.limits(plan, model: model, notes: &notes)
    if let problem = limits.problem(jointNames: task.joints) { throw SessionError(problem) }
  }

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
    let arm = try makeArm()
    let loop = try makeLoop(twin: try makeTwin(of: arm), armingTicks: 0, worker: &worker)
    return SimulatedRun(loop: loop, arm: arm, bounds: bounds)
  }

  /// The simulated arm, with the task's variables in its scene.
  func makeArm() throws -> SimulatedArm {
    let task = plan.task
    try requireSimulationModel()
    var arm = try SimulatedArm(
      model: model, joints: task.joints, controlPeriod: 1 / controlRate, servos: try servos(),
      perturbations: plan.perturbations,
      seed: plan.seed)
    guard arm.mode == task.commandMode else {
      throw SessionError(
        "task '\(task.name)' commands \(task.commandMode == .effort ? "efforts" : "positions"), but the simulated arm "
          + "'\(model.name)' takes \(arm.mode == .effort ? "efforts" : "positions"); "
          + (task.commandMode == .position
            ? "name the servo that drives it with --servo, or choose another --model or task"
            : "choose another --model or task"))
    }
    for (index, variable) in task.variables.enumerated() {
      guard let binding = SessionParts.binding(variable) else { continue }
      let place = try Self.naming(task) { try arm.bindVariable(binding) }
      guard place == index else {
        throw SessionError("task '\(task.name)': bound variables must come before unbound ones")
      }
    }
    return arm
  }

  /// The loop with everything in it but the arm. The log is begun last. `worker` as in `makeRun`.
  mutating func makeLoop(
    twin: consuming KinematicTwin, armingTicks: Int, worker: inout PolicyWorker?, about arm: LoggedArm? = nil
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
    sinew_clear_stop_requests()
    let status = sinew_install_stop_signals()
    if status != 0 { throw SessionError("stop signals could not be installed (errno \(status))") }
    recorder = try startRecorder(arm)
    var configuration = LoopConfiguration(
      controlPeriod: controlPeriod, ticksPerStep: ticksPerStep, clock: plan.clock,
      selection: plan.selection, interpolation: plan.interpolation, seed: plan.seed, limits: limits,
      mode: task.commandMode, armingTicks: armingTicks)
    if plan.operation != nil { try configureOperation(&configuration) }
    return ControlLoop(
      configuration: configuration,
      task: evaluator, policy: seat, twin: twin, port: recorder?.makePort(), jointCount: task.joints.count,
      pointCount: task.points.count, observationCount: task.observationCount, actionCount: task.actionCount,
      rewardTermCount: rewardTermNames.count)
  }

  /// The control period, ns.
  var controlPeriod: Int64 { Int64((1e9 / controlRate).rounded()) }

  /// When the run ends. To be asked for once the log has begun.
  var bounds: RunBounds {
    RunBounds(
      duration: plan.duration.map { Int64(($0 * 1e9).rounded()) }, episodes: plan.episodes,
      variableCount: plan.task.variables.count { SessionParts.binding($0) != nil },
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

  private var namedPoints: [(name: String, kind: KinematicTwin.PointKind)] {
    plan.task.points.map { (name: $0.modelName, kind: $0.kind == .site ? .site : .body) }
  }

  func makeTwin(of arm: borrowing SimulatedArm) throws -> KinematicTwin {
    do throws(SimulationError) {
      return try arm.makeTwin(
        points: namedPoints, source: plan.task.pointSource == .lastPhysicsStep ? .lastPhysicsStep : .measured)
    } catch {
      throw SessionError("\(plan.task.file): \(error)")
    }
  }

  /// A twin for an arm that is no simulation: it knows the variables that are bodies of the scene, which nothing else here
  /// does.
  func makeTwin() throws -> KinematicTwin {
    do throws(SimulationError) {
      return try model.makeTwin(
        joints: plan.task.joints, points: namedPoints, variables: plan.task.variables.compactMap(SessionParts.binding))
    } catch {
      throw SessionError("\(plan.task.file): \(error)")
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

  /// Names the task's file in the error of what the task asks for.
  private static func naming<Result>(_ task: TaskDefinition, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw SessionError("\(task.file): \(error)") }
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

  private static func rates(_ plan: SessionPlan, policyRate: Double) throws -> (Double, Int) {
    guard let wanted = plan.controlRate else {
      // A torque arm's command is the policy's own; a position arm is led along at a rate that buses carry.
      let ticks = plan.task.commandMode == .effort ? 1 : max(1, Int((100 / policyRate).rounded(.up)))
      return (policyRate * Double(ticks), ticks)
    }
    let largest = (10_000 / policyRate).rounded(.down)
    guard wanted > 0 else {
      throw SessionError(
        "\(wanted) Hz is no control rate; give a whole multiple of the policy's \(policyRate) Hz, up to "
          + "\(largest * policyRate) Hz")
    }
    let ticks = (wanted / policyRate).rounded()
    guard ticks <= largest else {
      throw SessionError(
        "a control rate of \(wanted) Hz is too fast; give a whole multiple of the policy's \(policyRate) Hz, up to "
          + "\(largest * policyRate) Hz")
    }
    guard ticks >= 1, abs(ticks * policyRate - wanted) < 1e-6 * wanted else {
      let below = max(1, (wanted / policyRate).rounded(.down))
      let nearest = [below, below + 1].filter { $0 <= largest }.map { "\($0 * policyRate)" }.joined(separator: " and ")
      throw SessionError(
        "a control rate of \(wanted) Hz is no whole multiple of the policy's \(policyRate) Hz; the nearest are "
          + "\(nearest) Hz")
    }
    return (policyRate * ticks, Int(ticks))
  }

  private static func binding(_ variable: VariableDefinition) -> VariableBinding? {
    switch variable.binding {
    case .none: nil
    case .joints(let names): .joints(names)
    case .mocap(let name): .mocapBody(name)
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
