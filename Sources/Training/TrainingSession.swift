import CSystem
import Configuration
import Learning
import Networks
import Numerics
import Policies
import Sessions
import Simulation
import Tasks

/// What a run reports after each iteration.
public struct TrainingStatus: Sendable {
  public var report: IterationReport
  /// Of the latest evaluation, if one was due in this iteration.
  public var evaluation: EvaluationFigures?
  public var totalSteps: Int
  /// What deserves attention since the last report, one line each.
  public var warnings: [String] = []
}

/// How a run ended.
public struct TrainingResult: Sendable {
  public var report: IterationReport?
  /// Environment steps of the whole run.
  public var stepCount = 0
  /// Mean return of the last 100 episodes in training; NaN before the first ended.
  public var meanReturn = Double.nan
  /// Whether there was nothing left to do: the run had come to its end before, with a policy.
  public var wasFinished = false
  /// Of the final policy; nil when the run was stopped.
  public var evaluation: EvaluationFigures?
  /// The folder of the new policy; nil when the run was stopped.
  public var policy: String?
  /// The signal that stopped it, 0 when it ran to its end.
  public var signal: Int32 = 0
  /// Time for rollouts and updates, s, of this process.
  public var collectSeconds = 0.0
  public var updateSeconds = 0.0
  /// Environment steps of this process.
  public var steps = 0
}

/// A whole training run: environments, algorithm, checkpoints, curve and, at the end, a policy bundle.
public struct TrainingSession: Sendable {
  public let plan: TrainingPlan
  let files: RunFiles?
  let algorithm: AlgorithmSettings
  let setup: TaskSetup?
  /// The task, unless it is the pendulum.
  var environmentTask: TaskDefinition? { setup?.task }

  /// Checks the settings and loads what they name.
  /// - Parameter folder: where the run's files go; nil keeps nothing.
  public init(_ plan: TrainingPlan, folder: String?) throws {
    self.plan = plan
    files = folder.map { RunFiles(folder: $0) }
    algorithm = try plan.read().algorithm
    guard plan.task != TrainingPlan.pendulum else {
      guard plan.perturbations.isEmpty else {
        throw LearningError(.setting, "\(plan.task) has no perturbations; leave them out, or choose a task")
      }
      setup = nil
      return
    }
    // As `evaluate` plays it, with the same arm, servos, limits and rates.
    setup = try TaskSetup(
      SessionPlan(
        task: try TaskDefinition.named(plan.task), policy: "",
        perturbations: try Perturbations.parse(plan.perturbations)))
  }

  /// The plan of a run that was interrupted.
  public static func settings(of folder: String) throws -> String {
    let files = RunFiles(folder: folder)
    guard RunFiles.exists(files.settings), RunFiles.exists(files.checkpoint) else {
      throw TrainingError("\(folder): holds no checkpoint of a run; name the --output folder of one")
    }
    return String(decoding: try RunFiles.read(files.settings), as: UTF8.self)
  }

  /// Trains to the end of the budget or to the first stop signal.
  /// - Parameters:
  ///   - resumes: continues from the folder's checkpoint.
  ///   - onStatus: is told after each iteration.
  public func run(resumes: Bool = false, onStatus: (TrainingStatus) -> Void = { _ in }) throws -> TrainingResult {
    if let files, !resumes {
      guard !RunFiles.exists(files.settings), !RunFiles.exists(files.checkpoint) else {
        throw TrainingError(
          "\(files.folder): holds a training run already; continue it with --resume, or name another --output")
      }
    }
    if let setup {
      return try run(resumes: resumes, onStatus) { _ in try TaskEnvironment(setup) }
    }
    return try run(resumes: resumes, onStatus) { _ in Pendulum() }
  }

  // MARK: From settings to types

  private func run<E: Environment & ~Copyable>(
    resumes: Bool, _ onStatus: (TrainingStatus) -> Void, make: (Int) throws -> E
  ) throws -> TrainingResult {
    let count = plan.options.environments
    try memoryNeed(like: make(0)).check()
    switch algorithm {
    case .ddpg(let options):
      let rows = max(options.replay.batchSize, count)
      let model = try makeDeterministicModel(like: make(0), hasTwin: false, rows: rows)
      let algorithm = DeepDeterministicPolicyGradient(options, model: model)
      return try run(resumes, OffPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .td3(let options):
      let rows = max(options.replay.batchSize, count)
      let model = try makeDeterministicModel(like: make(0), hasTwin: true, rows: rows)
      let algorithm = TwinDelayedDeterministicPolicyGradient(options, model: model)
      return try run(resumes, OffPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .ppo(let options):
      let model = try makeModel(like: make(0))
      let algorithm = ProximalPolicyOptimisation(options, model: model, environments: count)
      return try run(resumes, OnPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .a2c(let options):
      let model = try makeModel(like: make(0))
      let algorithm = AdvantageActorCritic(options, model: model, environments: count)
      return try run(resumes, OnPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .trpo(let options):
      let model = try makeModel(like: make(0))
      let algorithm = TrustRegionPolicyOptimisation(options, model: model, environments: count)
      return try run(resumes, OnPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .reinforce(let options):
      let model = try makeModel(like: make(0))
      let algorithm = Reinforce(options, model: model, environments: count)
      return try run(resumes, OnPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    case .actorCritic(let options):
      let model = try makeModel(like: make(0))
      let algorithm = TemporalDifferenceActorCritic(options, model: model, environments: count)
      return try run(resumes, OnPolicyTraining(plan.options, model: model, algorithm: algorithm, make: make), onStatus)
    }
  }

  private func makeModel<E: Environment & ~Copyable>(like environment: borrowing E) throws -> ActorCritic {
    let shape = try plan.read().networks.gaussian(for: environment)
    guard !shape.isSquashed || (shape.actionRange.lowerBound.isFinite && shape.actionRange.upperBound.isFinite) else {
      throw LearningError(.setting, "squash: the task's action has no box to squash into; give its action a clip")
    }
    return ActorCritic(
      shape, rowCapacity: (algorithm.steps + 1) * plan.options.environments, kernels: try VectorKernels(),
      seed: plan.options.seed)
  }

  private func makeDeterministicModel<E: Environment & ~Copyable>(
    like environment: borrowing E, hasTwin: Bool, rows: Int
  ) throws -> DeterministicActorCritic {
    let shape = try plan.read().networks.deterministic(for: environment)
    guard shape.actionRange.lowerBound.isFinite && shape.actionRange.upperBound.isFinite else {
      throw LearningError(
        .setting, "\(plan.algorithm.rawValue): the task's action has no box to explore in; give its action a clip")
    }
    return DeterministicActorCritic(
      shape, hasTwin: hasTwin, rowCapacity: rows, kernels: try VectorKernels(), seed: plan.options.seed)
  }

  private func memoryNeed<E: Environment & ~Copyable>(like environment: borrowing E) throws -> MemoryNeed {
    let networks = try plan.read().networks
    let count = plan.options.environments
    switch algorithm {
    case .ddpg(let options):
      return MemoryNeed(
        networks.deterministic(for: environment), replay: options.replay, hasTwin: false, environments: count)
    case .td3(let options):
      return MemoryNeed(
        networks.deterministic(for: environment), replay: options.replay, hasTwin: true, environments: count)
    case .ppo, .a2c, .trpo, .reinforce, .actorCritic:
      return MemoryNeed(networks.gaussian(for: environment), steps: algorithm.steps, environments: count)
    }
  }

  // MARK: The run

  private func run<Loop: BundledTraining & ~Copyable>(
    _ resumes: Bool, _ fresh: consuming Loop, _ onStatus: (TrainingStatus) -> Void
  ) throws -> TrainingResult {
    var training = fresh
    var curve = LearningCurve()
    if let files {
      try RunFiles.makeFolder(files.folder)
      if resumes {
        curve = try resume(&training, files)
      } else {
        try RunFiles.write(Array(plan.text.utf8), to: files.settings)
        try store(training, curve, files)
      }
    }
    var result = TrainingResult()
    result.stepCount = training.stepCount
    result.meanReturn = curve.last("mean_return").map { Double($0) } ?? .nan
    if let files, resumes, training.stepCount >= plan.totalSteps,
      (try? PolicyLoader.load(path: files.policy)) != nil
    {
      result.wasFinished = true
      result.policy = files.policy
      result.evaluation = try training.evaluate(episodes: plan.evaluationEpisodes)
      return result
    }
    var isExamined = false
    while training.stepCount < plan.totalSteps {
      guard sinew_stop_requests() == 0 else {
        result.signal = sinew_last_stop_signal()
        if let files {
          try store(training, curve, files)
          try RunFiles.write(curve.drawing(title: title).png(), to: files.pixels)
        }
        return result
      }
      let before = training.stepCount
      let report: IterationReport
      do {
        report = try training.iterate(budget: plan.totalSteps)
      } catch {
        throw LearningError(error.code, "after \(training.stepCount) steps: \(error.description)\(rescue)")
      }
      var evaluation: EvaluationFigures?
      let interval = plan.evaluationInterval
      if interval > 0, report.steps / interval > before / interval, report.steps < plan.totalSteps {
        evaluation = try training.evaluate(episodes: plan.evaluationEpisodes)
      }
      curve.add(report, evaluation: evaluation)
      result.report = report
      (result.stepCount, result.meanReturn) = (report.steps, report.meanReturn)
      result.steps += report.iterationSteps
      result.collectSeconds += report.collectSeconds
      result.updateSeconds += report.updateSeconds
      var status = TrainingStatus(report: report, evaluation: evaluation, totalSteps: plan.totalSteps)
      // Some episodes show what varies between them, too; a short run is examined at its end.
      if !isExamined, report.episodes >= 10 || report.steps >= plan.totalSteps {
        isExamined = true
        status.warnings = warnings(unvarying: training.unvaryingObservations)
      }
      onStatus(status)
      if let files, report.iteration % plan.checkpointInterval == 0 { try store(training, curve, files) }
    }
    let final = try training.evaluate(episodes: plan.evaluationEpisodes)
    result.evaluation = final
    curve.note(final)
    if let files {
      try store(training, curve, files)
      try RunFiles.write(curve.drawing(title: title).png(), to: files.pixels)
      result.policy = try writePolicy(training, evaluation: final, curve, files)
    }
    return result
  }

  /// What is left of a run that failed.
  private var rescue: String {
    guard let files else { return "" }
    return "; the last good checkpoint is \(files.checkpoint)"
  }

  /// An observation that never varies says nothing to the policy, and what it is normalised with is no measure: any other
  /// value would reach the network a thousandfold.
  private func warnings(unvarying: [Int]) -> [String] {
    guard !unvarying.isEmpty else { return [] }
    let names = unvarying.map { index in
      observationNames.indices.contains(index) ? "'\(observationNames[index])'" : "number \(index)"
    }
    return [
      "the \(names.count == 1 ? "observation" : "observations") \(names.joined(separator: ", ")) never varied: nothing "
        + "can be learned from them, and another value would upset the policy; leave them out of the task"
    ]
  }

  /// A name per number of the observation.
  var observationNames: [String] { environmentTask?.observationNames ?? ["cos_angle", "sin_angle", "velocity"] }
}
