import Numerics

/// How one step of an environment ended.
public struct EnvironmentStep: Sendable, BitwiseCopyable {
  public var reward: Double
  /// The task says that there is no future reward.
  public var terminated: Bool
  /// A limit cut the episode; its future was merely not played.
  public var truncated: Bool
  /// Whether an episode that ended here counts as a success.
  public var success: Bool
  /// 0, or a code that says why the environment cannot go on (a simulation diverged).
  public var failure: Int

  public init(reward: Double, terminated: Bool, truncated: Bool, success: Bool = false, failure: Int = 0) {
    self.reward = reward
    self.terminated = terminated
    self.truncated = truncated
    self.success = success
    self.failure = failure
  }
}

/// What an agent learns in: a Markov decision process that is begun and stepped.
///
/// `begin` comes before the first `step` and after every step that ended an episode. The same stream and the same actions
/// give the same observations and rewards, bit for bit, whatever happened in episodes before: a run is resumed by
/// beginning its episode anew and repeating its actions. Neither function allocates. One thread at a time.
public protocol Environment: ~Copyable {
  /// Numbers in an observation.
  var observationCount: Int { get }
  /// Numbers in an action.
  var actionCount: Int { get }
  /// The box that every number of an action is cut to before the environment sees it.
  var actionRange: ClosedRange<Double> { get }
  /// The most steps of an episode.
  var stepLimit: Int { get }

  /// Begins an episode, drawn from `random`, and writes its first observation.
  mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>)
  /// One step with an action inside the box; writes the observation after it, also the last of an episode.
  mutating func step(action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>) -> EnvironmentStep
}
