import Networks

/// A training run under way, as whoever drives it sees it: on-policy or off-policy.
public protocol TrainingLoop: ~Copyable {
  /// Environment steps so far.
  var stepCount: Int { get }
  /// The arithmetic in use; results are the same bits with the same set only.
  var instructionSet: InstructionSet { get }
  /// Some environment steps and what is learned from them.
  /// - Parameter budget: environment steps of the whole run, for schedules.
  mutating func iterate(budget: Int) throws(LearningError) -> IterationReport
  /// Plays episodes with the mean action and frozen scaling, always the same ones: those that `sinew evaluate` plays with
  /// the seed 10000 and as many episodes.
  func evaluate(episodes: Int) throws(LearningError) -> EvaluationFigures
  /// The policy's mean actions for observations as the environment gives them, by the trainer's own forward pass. Where
  /// there is memory they are one episode from its beginning.
  func meanActions(_ observations: [[Double]]) -> [[Float]]
  /// Numbers of the observation that never varied, by their places; empty where observations are not normalised.
  var unvaryingObservations: [Int] { get }
  /// The whole state between two iterations.
  func encode(into encoder: inout StateEncoder)
  /// Continues from a stored state; running episodes are played again up to where they stood.
  mutating func decode(from decoder: inout StateDecoder) throws(LearningError)
}

/// Environments apart from those that are learned in, to see what a policy's mean action earns.
struct Evaluation<E: Environment & ~Copyable>: ~Copyable {
  private let environments: ParallelEnvironments<E>
  /// One observation per environment as the networks see it.
  let rows: FloatBuffer
  let stride: Int
  /// Evaluation episodes are the same in every run.
  private static var seed: UInt64 { 10_000 }

  init(_ options: TrainingOptions, stride: Int, make: (Int) throws -> E) throws {
    environments = try ParallelEnvironments<E>(
      count: options.environments, threads: options.threads, seed: Self.seed, make: make)
    rows = FloatBuffer(count: options.environments * stride)
    self.stride = stride
  }

  /// - Parameters:
  ///   - ended: is told each environment whose episode ended.
  ///   - act: from rows, `stride` floats apart, and their number to actions inside the box.
  func play(
    episodes: Int, scaling: borrowing ObservationScaling, ended: (Int) -> Void = { _ in },
    act: (UnsafeMutablePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void
  ) throws(LearningError) -> EvaluationFigures {
    let count = environments.count
    var figures = EvaluationFigures(episodes: episodes)
    environments.schedule(seed: Self.seed, episodes: episodes)
    environments.beginAll()
    var isDone = false
    // Each environment plays its share one after the other; what it plays beyond is not counted.
    var played = [Int](repeating: 0, count: count)
    while !isDone {
      scaling.apply(environments.observations, count: count, into: rows.base, stride: stride)
      act(rows.base, count, environments.actions)
      try environments.step()
      isDone = true
      for environment in 0..<count {
        let share = episodes / count + (environment < episodes % count ? 1 : 0)
        let result = environments.steps[environment]
        if result.terminated || result.truncated { ended(environment) }
        if result.terminated || result.truncated, played[environment] < share {
          figures.note(environments.finishedEpisodes[environment], episode: environment + played[environment] * count)
          played[environment] += 1
        }
        if played[environment] < share { isDone = false }
      }
    }
    return figures
  }
}

/// Returns of evaluation episodes, in the order in which one environment would play them.
public struct EvaluationFigures: Sendable, Equatable {
  public private(set) var returns: [Double]
  public private(set) var successes = 0

  init(episodes: Int) { returns = [Double](repeating: .nan, count: episodes) }

  mutating func note(_ finished: FinishedEpisode, episode: Int) {
    returns[episode] = finished.total
    successes += finished.success ? 1 : 0
  }

  public var mean: Double { returns.reduce(0, +) / Double(max(1, returns.count)) }
  /// Sample standard deviation.
  public var standardDeviation: Double {
    guard returns.count > 1 else { return 0 }
    return (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(returns.count - 1)).squareRoot()
  }
  public var successRate: Double { Double(successes) / Double(max(1, returns.count)) }
}
