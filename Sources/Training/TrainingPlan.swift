import Configuration
import Learning
import Networks
import Simulation
import Tasks

/// Everything that decides a training run.
public struct TrainingPlan: Sendable {
  /// The task that is not a file: the classic pendulum of Gymnasium.
  public static let pendulum = "pendulum-v1"

  /// A shipped task's name, a YAML file, or `pendulum-v1`.
  public var task: String
  public var algorithm: AlgorithmName
  /// Environment steps of the whole run.
  public var totalSteps = 100_000
  public var options = TrainingOptions()
  /// Environment steps between two evaluations; 0 evaluates at the end only.
  public var evaluationInterval = 25_000
  public var evaluationEpisodes = 50
  /// Iterations between two checkpoints.
  public var checkpointInterval = 10
  /// Departures of the simulator from nominal, as `name=value`.
  public var perturbations: [String] = []
  /// The algorithm's and the networks' settings.
  public var parameters = HyperParameters()
  /// Every setting as YAML, to continue the run from.
  public private(set) var text = ""

  /// Reads a run's settings: `task`, `algorithm`, `total_timesteps`, `n_envs`, `seed`, `normalize_observation`,
  /// `normalize_reward`, `eval_freq`, `n_eval_episodes`, `checkpoint_interval`, `perturbations`, and under `parameters` those
  /// of networks and algorithm. `options` are `NAME=VALUE` texts that go before those in `parameters`.
  public init(yaml: String, file: String, options texts: [String] = [], threads: Int = 1) throws {
    let root = try ConfigurationNode.parse(text: yaml, file: file)
    try root.allowOnly([
      "task", "algorithm", "total_timesteps", "n_envs", "seed", "normalize_observation", "normalize_reward",
      "eval_freq",
      "n_eval_episodes", "checkpoint_interval", "perturbations", "parameters",
    ])
    task = try root.child("task").string()
    algorithm = try root.optional("algorithm")?.choice(AlgorithmName.self) ?? .ppo
    // Short rollouts make many iterations.
    checkpointInterval = algorithm == .a2c || algorithm == .actorCritic ? 1000 : 10
    if algorithm.isOffPolicy {
      // As the field does it; a checkpoint holds all that is remembered.
      options.environments = 1
      options.normalisesObservations = false
      options.normalisesRewards = false
      checkpointInterval = 50
    }
    if let node = try root.optional("total_timesteps") { totalSteps = try node.integer(in: 1...1_000_000_000_000) }
    if let node = try root.optional("n_envs") { options.environments = try node.integer(in: 1...4096) }
    if let node = try root.optional("seed") { options.seed = UInt64(try node.integer(in: 0...Int.max)) }
    if let node = try root.optional("normalize_observation") { options.normalisesObservations = try node.boolean() }
    if let node = try root.optional("normalize_reward") { options.normalisesRewards = try node.boolean() }
    if let node = try root.optional("eval_freq") { evaluationInterval = try node.integer(in: 0...1_000_000_000_000) }
    if let node = try root.optional("n_eval_episodes") { evaluationEpisodes = try node.integer(in: 1...100_000) }
    if let node = try root.optional("checkpoint_interval") { checkpointInterval = try node.integer(in: 1...1_000_000) }
    if let node = try root.optional("perturbations") { perturbations = try node.strings() }
    if let node = try root.optional("parameters") { try parameters.add(node, file: file) }
    for text in texts { try parameters.add(option: text) }
    options.threads = max(1, threads)
    text = yaml
  }

  /// Reads networks and algorithm; refuses what neither has.
  func read() throws -> (algorithm: AlgorithmSettings, networks: NetworkSettings) {
    var x = parameters
    let networks = try NetworkSettings(&x, for: algorithm)
    let settings = try AlgorithmSettings(algorithm, &x)
    try x.finish(algorithm: algorithm.rawValue)
    return (settings, networks)
  }
}

/// A recurrent layer in front of policy and critic, under rsl_rl's names.
private enum MemoryKind: String, CaseIterable {
  case none, gru, lstm

  var cell: RecurrentCell? {
    switch self {
    case .none: nil
    case .gru: .gru
    case .lstm: .lstm
    }
  }
}

/// The networks' settings, under the field's names.
struct NetworkSettings: Sendable {
  private var shape = ActorCriticShape(observationCount: 1, actionCount: 1, actionRange: -1...1)

  init(_ x: inout HyperParameters, for algorithm: AlgorithmName) throws(ConfigurationError) {
    let isDeterministic = algorithm.isOffPolicy
    if isDeterministic {
      let usual = DeterministicShape(observationCount: 1, actionCount: 1, actionRange: -1...1)
      shape.actorHidden = usual.actorHidden
      shape.activation = usual.activation
    }
    try x.widths("net_arch", &shape.actorHidden)
    shape.criticHidden = shape.actorHidden
    try x.widths("net_arch_vf", &shape.criticHidden)
    try x.choice("activation_fn", &shape.activation)
    guard !isDeterministic else { return }
    try x.choice("log_std", &shape.spread)
    try x.double("log_std_init", &shape.initialLogDeviation, in: -20...10)
    try x.boolean("squash", &shape.isSquashed)
    guard algorithm == .ppo else { return }
    var kind = MemoryKind.none
    var size = 256
    try x.choice("rnn_type", &kind)
    try x.integer("rnn_hidden_dim", &size, in: 1...4096)
    shape.memory = kind.cell.map { MemoryShape($0, size: size) }
  }

  /// A Gaussian policy and its critic for an environment.
  func gaussian<E: Environment & ~Copyable>(for environment: borrowing E) -> ActorCriticShape {
    var result = shape
    result.observationCount = environment.observationCount
    result.actionCount = environment.actionCount
    result.actionRange = environment.actionRange
    return result
  }

  /// A deterministic policy and its critics for an environment.
  func deterministic<E: Environment & ~Copyable>(for environment: borrowing E) -> DeterministicShape {
    var result = DeterministicShape(
      observationCount: environment.observationCount, actionCount: environment.actionCount,
      actionRange: environment.actionRange)
    result.actorHidden = shape.actorHidden
    result.criticHidden = shape.criticHidden
    result.activation = shape.activation
    return result
  }
}
