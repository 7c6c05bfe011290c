import CSystem
import Networks
import Numerics

/// What one iteration (rollout and update) did.
public struct IterationReport: Sendable, BitwiseCopyable {
  /// Environment steps so far.
  public var steps = 0
  /// Environment steps of this iteration.
  public var iterationSteps = 0
  public var iteration = 0
  /// Episodes that ended so far.
  public var episodes = 0
  /// Mean return (no discount, no scale) and length of the last 100 episodes; NaN before the first.
  public var meanReturn = Double.nan
  public var meanLength = Double.nan
  public var figures = UpdateFigures()
  /// 1 − Var(R − V)/Var(R) of the rollout; NaN without a critic.
  public var explainedVariance = Double.nan
  /// Time for the rollout and for the update, s.
  public var collectSeconds = 0.0
  public var updateSeconds = 0.0

  init() {}
}

/// Settings of a training run that do not belong to an algorithm.
public struct TrainingOptions: Sendable, Equatable {
  /// `n_envs`.
  public var environments = 8
  public var threads = 1
  public var seed: UInt64 = 0
  public var normalisesObservations = true
  public var normalisesRewards = true
  public init() {}
}

/// The one loop of the family: roll out, judge, update, discard.
///
/// Every random number comes from streams of the seed, so a run is repeated bit for bit, whatever the number of threads,
/// and `encode` and `decode` resume one likewise. Nothing allocates in `iterate` and `evaluate` after the first call.
public struct OnPolicyTraining<E: Environment & ~Copyable, A: OnPolicyAlgorithm & ~Copyable>: ~Copyable, TrainingLoop {
  public let options: TrainingOptions
  public let model: ActorCritic
  public var algorithm: A
  public var observationScaling: ObservationScaling
  private var rewardScaling: RewardScaling
  public private(set) var rollout: RolloutBuffer
  private let environments: ParallelEnvironments<E>
  private let evaluation: Evaluation<E>
  /// What the policy remembers of evaluation's episodes.
  private let evaluationStates: FloatBuffer
  private let actionStreams: UnsafeMutablePointer<RandomStream>
  private var shuffle: RandomStream
  private let window: EpisodeWindow
  private var hasBegun = false
  private var steps = 0
  private var iterations = 0

  /// - Parameters:
  ///   - model: must hold `max(rollout rows + environments, …)` rows; see `rowCapacity`.
  ///   - make: makes an environment.
  public init(
    _ options: TrainingOptions, model: consuming ActorCritic, algorithm: consuming A, make: (Int) throws -> E
  ) throws {
    let count = options.environments
    let plan = algorithm.plan
    guard model.memoryWidth == 0 || (plan.sequenceLength > 0 && plan.steps % plan.sequenceLength == 0) else {
      throw LearningError(
        .setting,
        plan.sequenceLength == 0
          ? "the algorithm has no use for recurrent networks; take ppo"
          : "rnn_sequence_length \(plan.sequenceLength) does not divide n_steps \(plan.steps); change one of the two")
    }
    let memoryWidth = model.memoryWidth
    let environments = try ParallelEnvironments<E>(
      count: count, threads: options.threads, seed: options.seed, make: make)
    let evaluation = try Evaluation(options, stride: model.observationStride, make: make)
    self.options = options
    let shape = model.shape
    self.model = model
    self.algorithm = algorithm
    self.environments = environments
    self.evaluation = evaluation
    observationScaling = ObservationScaling(size: shape.observationCount, isOn: options.normalisesObservations)
    rewardScaling = RewardScaling(
      environments: count, gamma: plan.estimator.gamma, isOn: options.normalisesRewards)
    rollout = RolloutBuffer(
      steps: plan.steps, environments: count, observationCount: shape.observationCount, actionCount: shape.actionCount,
      memoryWidth: memoryWidth, sequenceLength: max(1, plan.sequenceLength))
    evaluationStates = FloatBuffer(count: count * memoryWidth)
    actionStreams = .allocate(capacity: count)
    for index in 0..<count {
      (actionStreams + index).initialize(to: RandomStream(seed: options.seed, index: index, name: "action"))
    }
    shuffle = RandomStream(seed: options.seed, name: "minibatches")
    window = EpisodeWindow()
  }

  deinit { actionStreams.deallocate() }

  /// Rows that a model must have room for.
  public static func rowCapacity(steps: Int, environments: Int) -> Int { (steps + 1) * environments }

  public var stepCount: Int { steps }
  public var instructionSet: InstructionSet { model.kernels.instructionSet }

  // MARK: One iteration

  /// One rollout and one update.
  public mutating func iterate(budget: Int) throws(LearningError) -> IterationReport {
    var report = IterationReport()
    let start = sinew_now_ns()
    try collect()
    model.judge(rollout, algorithm.plan.estimator)
    let middle = sinew_now_ns()
    if algorithm.plan.estimator.rule.usesValues { report.explainedVariance = explainedVariance() }
    let progress = Double(steps - rollout.rows) / Double(max(1, budget))
    report.figures = try algorithm.update(model, rollout, progress: progress, random: &shuffle)
    iterations += 1
    report.steps = steps
    report.iterationSteps = rollout.rows
    report.iteration = iterations
    report.episodes = window.total
    (report.meanReturn, report.meanLength) = window.means
    report.collectSeconds = Double(middle - start) * 1e-9
    report.updateSeconds = Double(sinew_now_ns() - middle) * 1e-9
    return report
  }

  private mutating func collect() throws(LearningError) {
    let count = rollout.environments
    let stride = rollout.observationStride
    if !hasBegun || algorithm.plan.beginsEpisodes {
      hasBegun = true
      environments.beginAll()
      rewardScaling.restart()
      rollout.memory.clear()
      takeObservations(into: rollout.observations.base)
    } else {
      // The rows that followed the last rollout begin this one, scaled as they were.
      rollout.observations.base.update(
        from: rollout.observations.base + rollout.rows * stride, count: count * stride)
    }
    rollout.finalCount = 0
    rollout.memory.begin()
    for step in 0..<rollout.steps {
      let first = step * count
      rollout.memory.noteActor(step: step)
      act(first: first)
      try environments.step()
      steps += count
      rewardScaling.apply(environments.steps, into: rollout.rewards + first)
      takeObservations(into: rollout.observations.base + (first + count) * stride)
      finish(first: first)
    }
  }

  /// Chooses the actions of one step.
  private func act(first: Int) {
    let (count, width) = (rollout.environments, rollout.actionCount)
    model.forwardActor(
      rollout.observations.base + first * rollout.observationStride,
      RowSequence(rows: count, states: rollout.memory.actorCarried.base))
    model.actorMemory.copyStates(rows: count, to: rollout.memory.actorCarried.base)
    let rows = model.rows
    for environment in 0..<count {
      let place = (first + environment) * width
      model.head.sample(
        rows, row: environment, random: &actionStreams[environment], action: rollout.actions + place,
        mean: rollout.means + place, logDeviation: rollout.logDeviations + place)
      for index in 0..<width {
        environments.actions[environment * width + index] = model.head.bounded(rollout.actions[place + index])
      }
    }
    model.head.logProbabilities(
      rows, actions: rollout.actions + first * width, count: count, into: rollout.logProbabilities + first)
  }

  /// Learns the present observations' moments, and writes them as the network sees them.
  private mutating func takeObservations(into rows: UnsafeMutablePointer<Float>) {
    let count = rollout.environments
    if observationScaling.isOn { observationScaling.moments.update(environments.observations, count: count) }
    observationScaling.apply(environments.observations, count: count, into: rows, stride: rollout.observationStride)
  }

  /// Notes how a step ended in each environment.
  private mutating func finish(first: Int) {
    for environment in 0..<rollout.environments {
      let result = environments.steps[environment]
      let row = first + environment
      rollout.terminated[row] = result.terminated ? 1 : 0
      rollout.truncated[row] = result.truncated ? 1 : 0
      rollout.finalSlots[row] = -1
      rollout.memory.note(
        step: first / rollout.environments, environment: environment, ended: result.terminated || result.truncated)
      guard result.terminated || result.truncated else { continue }
      rollout.finalSlots[row] = Int32(rollout.finalCount)
      observationScaling.apply(
        environments.finalObservations + environment * environments.observationCount, count: 1,
        into: rollout.finalObservations.base + rollout.finalCount * rollout.observationStride,
        stride: rollout.observationStride)
      rollout.finalCount += 1
      window.add(environments.finishedEpisodes[environment])
    }
  }

  private func explainedVariance() -> Double {
    var (sum, squares, errors, errorSquares) = (0.0, 0.0, 0.0, 0.0)
    for row in 0..<rollout.rows {
      let target = Double(rollout.targets[row])
      let error = target - Double(rollout.values[row])
      sum += target
      squares += target * target
      errors += error
      errorSquares += error * error
    }
    let n = Double(rollout.rows)
    let variance = squares / n - sum / n * sum / n
    return variance > 0 ? 1 - (errorSquares / n - errors / n * errors / n) / variance : .nan
  }

  // MARK: Evaluation

  public func evaluate(episodes: Int) throws(LearningError) -> EvaluationFigures {
    let memory = model.memoryWidth
    evaluationStates.clear()
    return try evaluation.play(
      episodes: episodes, scaling: observationScaling,
      ended: { (evaluationStates.base + $0 * memory).update(repeating: 0, count: memory) }
    ) { rows, count, actions in
      forwardEvaluation(rows, count: count)
      let width = model.shape.actionCount
      for environment in 0..<count {
        for index in 0..<width {
          let mean = model.actor.output[environment * model.actor.outputStride + index]
          actions[environment * width + index] = model.head.bounded(mean)
        }
      }
    }
  }

  /// The policy's pass for rows that stand in `evaluationStates`' order.
  private func forwardEvaluation(_ rows: UnsafePointer<Float>, count: Int) {
    model.forwardActor(rows, RowSequence(rows: count, states: evaluationStates.base))
    model.actorMemory.copyStates(rows: count, to: evaluationStates.base)
  }

  public func meanActions(_ observations: [[Double]]) -> [[Float]] {
    evaluationStates.clear()
    var actions: [[Float]] = []
    for observation in observations {
      observationScaling.apply(observation, count: 1, into: evaluation.rows.base, stride: model.observationStride)
      forwardEvaluation(evaluation.rows.base, count: 1)
      actions.append((0..<model.shape.actionCount).map { model.head.bounded(model.actor.output[$0]) })
    }
    return actions
  }

  public var unvaryingObservations: [Int] { observationScaling.unvarying }

  // MARK: State

  public func encode(into encoder: inout StateEncoder) {
    model.encode(into: &encoder)
    algorithm.encode(into: &encoder)
    encoder.begin("loop")
    encoder.put(hasBegun)
    encoder.put(Int64(steps))
    encoder.put(Int64(iterations))
    observationScaling.moments.encode(into: &encoder)
    rewardScaling.encode(into: &encoder)
    encoder.put(UnsafePointer(actionStreams), count: options.environments)
    encoder.put(shuffle)
    window.encode(into: &encoder)
    encoder.put(
      UnsafePointer(rollout.observations.base + rollout.rows * rollout.observationStride),
      count: rollout.environments * rollout.observationStride)
    rollout.memory.encode(into: &encoder)
    encoder.begin("environments")
    environments.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try model.decode(from: &decoder)
    try algorithm.decode(from: &decoder)
    try decoder.begin("loop")
    hasBegun = try decoder.take(Bool.self)
    steps = Int(try decoder.take(Int64.self))
    iterations = Int(try decoder.take(Int64.self))
    try observationScaling.moments.decode(from: &decoder)
    try rewardScaling.decode(from: &decoder)
    try decoder.take(into: actionStreams, count: options.environments)
    shuffle = try decoder.take(RandomStream.self)
    try window.decode(from: &decoder)
    try decoder.take(
      into: rollout.observations.base + rollout.rows * rollout.observationStride,
      count: rollout.environments * rollout.observationStride)
    try rollout.memory.decode(from: &decoder)
    try decoder.begin("environments")
    try environments.decode(from: &decoder)
  }
}

/// Returns and lengths of the latest 100 episodes.
final class EpisodeWindow {
  private static let size = 100
  private let episodes: UnsafeMutablePointer<FinishedEpisode>
  private(set) var total = 0

  init() {
    episodes = .allocate(capacity: Self.size)
    episodes.initialize(repeating: FinishedEpisode(), count: Self.size)
  }

  deinit { episodes.deallocate() }

  func add(_ episode: FinishedEpisode) {
    episodes[total % Self.size] = episode
    total += 1
  }

  var means: (total: Double, steps: Double) {
    let count = min(total, Self.size)
    guard count > 0 else { return (.nan, .nan) }
    var (sum, steps) = (0.0, 0)
    for index in 0..<count {
      sum += episodes[index].total
      steps += episodes[index].steps
    }
    return (sum / Double(count), Double(steps) / Double(count))
  }

  func encode(into encoder: inout StateEncoder) {
    encoder.put(Int64(total))
    encoder.put(UnsafePointer(episodes), count: Self.size)
  }

  func decode(from decoder: inout StateDecoder) throws(LearningError) {
    total = Int(try decoder.take(Int64.self))
    try decoder.take(into: episodes, count: Self.size)
  }
}

extension ParallelEnvironments where E: ~Copyable {
  func encode(into encoder: inout StateEncoder) {
    encoder.put(work.hasBegun)
    encoder.put(UnsafePointer(work.streams), count: count)
    encoder.put(UnsafePointer(work.startStreams), count: count)
    encoder.put(UnsafePointer(work.running), count: count)
    for index in 0..<count {
      encoder.put(
        UnsafePointer(work.playedActions + index * stepLimit * actionCount),
        count: work.running[index].steps * actionCount)
    }
  }

  func decode(from decoder: inout StateDecoder) throws(LearningError) {
    work.hasBegun = try decoder.take(Bool.self)
    try decoder.take(into: work.streams, count: count)
    try decoder.take(into: work.startStreams, count: count)
    try decoder.take(into: work.running, count: count)
    for index in 0..<count {
      let steps = work.running[index].steps
      guard steps >= 0, steps < stepLimit else {
        throw LearningError(.state, "the stored state has an episode of \(steps) steps, above the task's limit")
      }
      try decoder.take(into: work.playedActions + index * stepLimit * actionCount, count: steps * actionCount)
      if work.hasBegun { work.replay(index, steps: steps) }
    }
  }
}
