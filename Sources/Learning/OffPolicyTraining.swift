import CSystem
import Networks
import Numerics

/// The loop of the algorithms that learn from a replay buffer: act with noise, remember, draw, update.
///
/// Like the on-policy loop it repeats itself bit for bit from its seed and resumes likewise; a stored state holds the
/// buffer, too. An iteration is about a thousand environment steps. Nothing allocates in `iterate` after its first
/// call.
public struct OffPolicyTraining<E: Environment & ~Copyable, A: OffPolicyAlgorithm & ~Copyable>:
  ~Copyable, TrainingLoop
{
  public let options: TrainingOptions
  public let model: DeterministicActorCritic
  public var algorithm: A
  public var observationScaling: ObservationScaling
  private var buffer: ReplayBuffer
  private let batch: ReplayBatch
  private let environments: ParallelEnvironments<E>
  private let evaluation: Evaluation<E>
  private let noise: ActionNoise
  /// The present observations as the environment gave them and as the networks see them, with room for actions.
  private let present: FloatBuffer
  private let rows: FloatBuffer
  private let actions: UnsafeMutablePointer<Float>
  private let actionStreams: UnsafeMutablePointer<RandomStream>
  private var draws: RandomStream
  private let window: EpisodeWindow
  private var hasBegun = false
  private var steps = 0
  private var iterations = 0
  private var figures = UpdateFigures()

  /// Environment steps of an iteration, at least.
  public static var iterationSteps: Int { 1000 }
  /// Rows that a model must have room for.
  public static func rowCapacity(_ replay: ReplayOptions, environments: Int) -> Int {
    max(replay.batchSize, environments)
  }

  /// - Parameter make: makes an environment.
  /// - Throws: `LearningError` for an action without a box, or rewards that shall be scaled.
  public init(
    _ options: TrainingOptions, model: consuming DeterministicActorCritic, algorithm: consuming A,
    make: (Int) throws -> E
  ) throws {
    guard !options.normalisesRewards else {
      throw LearningError(.setting, "normalize_reward: remembered rewards are not scaled; leave it out")
    }
    let (shape, count, replay) = (model.shape, options.environments, algorithm.replay)
    let environments = try ParallelEnvironments<E>(
      count: count, threads: options.threads, seed: options.seed, make: make)
    let evaluation = try Evaluation(options, stride: model.stride, make: make)
    self.options = options
    self.algorithm = algorithm
    self.environments = environments
    self.evaluation = evaluation
    observationScaling = ObservationScaling(size: shape.observationCount, isOn: options.normalisesObservations)
    buffer = ReplayBuffer(
      capacity: replay.bufferSize, observationCount: shape.observationCount, actionCount: shape.actionCount)
    batch = ReplayBatch(
      count: replay.batchSize, observationCount: shape.observationCount, actionCount: shape.actionCount)
    noise = ActionNoise(replay.noise, environments: count, actionCount: shape.actionCount)
    present = FloatBuffer(count: count * shape.observationCount)
    rows = FloatBuffer(count: count * model.stride)
    actions = .allocate(capacity: count * shape.actionCount)
    actions.initialize(repeating: 0, count: count * shape.actionCount)
    actionStreams = .allocate(capacity: count)
    for index in 0..<count {
      (actionStreams + index).initialize(to: RandomStream(seed: options.seed, index: index, name: "action"))
    }
    draws = RandomStream(seed: options.seed, name: "minibatches")
    window = EpisodeWindow()
    self.model = model
  }

  deinit {
    actions.deallocate()
    actionStreams.deallocate()
  }

  public var stepCount: Int { steps }
  public var instructionSet: InstructionSet { model.kernels.instructionSet }

  // MARK: One iteration

  public mutating func iterate(budget: Int) throws(LearningError) -> IterationReport {
    var report = IterationReport()
    let replay = algorithm.replay
    let first = steps
    let last = min(steps + Self.iterationSteps, max(budget, steps + 1))
    if !hasBegun {
      hasBegun = true
      environments.beginAll()
    }
    while steps < last {
      let start = sinew_now_ns()
      for _ in 0..<replay.trainingInterval { try step() }
      let middle = sinew_now_ns()
      report.collectSeconds += Double(middle - start) * 1e-9
      guard steps >= replay.learningStarts else { continue }
      let updates = replay.gradientSteps < 0 ? replay.trainingInterval * options.environments : replay.gradientSteps
      for _ in 0..<updates {
        buffer.sample(into: batch, scaling: observationScaling, random: &draws)
        figures = try algorithm.update(model, batch, random: &draws)
      }
      report.updateSeconds += Double(sinew_now_ns() - middle) * 1e-9
    }
    iterations += 1
    report.figures = figures
    report.steps = steps
    report.iterationSteps = steps - first
    report.iteration = iterations
    report.episodes = window.total
    (report.meanReturn, report.meanLength) = window.means
    return report
  }

  /// One step everywhere, remembered.
  private mutating func step() throws(LearningError) {
    let (count, size, width) = (options.environments, model.shape.observationCount, model.shape.actionCount)
    for index in 0..<(count * size) { present.base[index] = Float(environments.observations[index]) }
    if observationScaling.isOn { observationScaling.moments.update(environments.observations, count: count) }
    act()
    for index in 0..<(count * width) { environments.actions[index] = model.scaled(actions[index]) }
    try environments.step()
    for environment in 0..<count {
      let result = environments.steps[environment]
      let isOver = result.terminated || result.truncated
      buffer.add(
        observation: present.base + environment * size, action: actions + environment * width, reward: result.reward,
        next: (isOver ? environments.finalObservations : environments.observations) + environment * size,
        isTerminated: result.terminated)
      guard isOver else { continue }
      noise.restart(environment)
      window.add(environments.finishedEpisodes[environment])
    }
    steps += count
  }

  /// Chooses the actions: any before learning starts, then the policy's with noise.
  private func act() {
    let (count, width) = (options.environments, model.shape.actionCount)
    let isRandom = steps < algorithm.replay.learningStarts
    if !isRandom {
      observationScaling.apply(environments.observations, count: count, into: rows.base, stride: model.stride)
      model.decide(model.parameters, rows.base, count: count)
    }
    for environment in 0..<count {
      for index in 0..<width {
        let place = environment * width + index
        if isRandom {
          actions[place] = Float(actionStreams[environment].uniform(from: -1, to: 1))
        } else {
          let mean = rows.base[environment * model.stride + model.shape.observationCount + index]
          let noisy = Double(mean) + noise.next(environment, index, random: &actionStreams[environment])
          actions[place] = Float(min(max(noisy, -1), 1))
        }
      }
    }
  }

  // MARK: Evaluation

  public func evaluate(episodes: Int) throws(LearningError) -> EvaluationFigures {
    try evaluation.play(episodes: episodes, scaling: observationScaling) { rows, count, actions in
      model.decide(model.parameters, rows, count: count)
      let width = model.shape.actionCount
      for environment in 0..<count {
        for index in 0..<width {
          actions[environment * width + index] = model.scaled(
            rows[environment * model.stride + model.shape.observationCount + index])
        }
      }
    }
  }

  public func meanActions(_ observations: [[Double]]) -> [[Float]] {
    var actions: [[Float]] = []
    for observation in observations {
      observationScaling.apply(observation, count: 1, into: evaluation.rows.base, stride: model.stride)
      model.decide(model.parameters, evaluation.rows.base, count: 1)
      actions.append(
        (0..<model.shape.actionCount).map { model.scaled(evaluation.rows.base[model.shape.observationCount + $0]) })
    }
    return actions
  }

  public var unvaryingObservations: [Int] { observationScaling.unvarying }

  // MARK: State

  public func encode(into encoder: inout StateEncoder) {
    model.encode(into: &encoder)
    algorithm.encode(into: &encoder)
    encoder.begin("off-policy loop")
    encoder.put(hasBegun)
    encoder.put(Int64(steps))
    encoder.put(Int64(iterations))
    encoder.put(figures)
    observationScaling.moments.encode(into: &encoder)
    encoder.put(UnsafePointer(actionStreams), count: options.environments)
    encoder.put(draws)
    noise.encode(into: &encoder)
    window.encode(into: &encoder)
    encoder.begin("replay buffer")
    buffer.encode(into: &encoder)
    encoder.begin("environments")
    environments.encode(into: &encoder)
  }

  public mutating func decode(from decoder: inout StateDecoder) throws(LearningError) {
    try model.decode(from: &decoder)
    try algorithm.decode(from: &decoder)
    try decoder.begin("off-policy loop")
    hasBegun = try decoder.take(Bool.self)
    steps = Int(try decoder.take(Int64.self))
    iterations = Int(try decoder.take(Int64.self))
    figures = try decoder.take(UpdateFigures.self)
    try observationScaling.moments.decode(from: &decoder)
    try decoder.take(into: actionStreams, count: options.environments)
    draws = try decoder.take(RandomStream.self)
    try noise.decode(from: &decoder)
    try window.decode(from: &decoder)
    try decoder.begin("replay buffer")
    try buffer.decode(from: &decoder)
    try decoder.begin("environments")
    try environments.decode(from: &decoder)
  }
}
