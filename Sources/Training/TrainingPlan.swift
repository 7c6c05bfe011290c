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
    try self.init(root: ConfigurationNode.parse(text: yaml, file: file), options: texts, task: nil, algorithm: nil)
    options.threads = max(1, threads)
    text = yaml
  }

  /// Refuses what one part of a run's settings says wrong by itself: a file, or an option. So errors have the places of
  /// that part's own text, whatever it is merged with.
  /// - Parameters:
  ///   - task: the run's task, which the part need not name.
  ///   - algorithm: the run's algorithm, which decides what settings there are; nil where the part says it.
  public static func check(
    _ part: ConfigurationNode, options texts: [String] = [], task: String, algorithm: AlgorithmName?
  ) throws {
    _ = try TrainingPlan(root: part, options: texts, task: task, algorithm: algorithm).read()
  }

  /// The settings of a run, beside those of algorithm and networks, that have no option of their own.
  public static let settingsOfRun = [
    "eval_freq", "n_eval_episodes", "checkpoint_interval", "normalize_observation", "normalize_reward",
  ]

  private init(
    root: ConfigurationNode, options texts: [String], task given: String?, algorithm chosen: AlgorithmName?
  ) throws {
    try root.allowOnly([
      "task", "algorithm", "total_timesteps", "n_envs", "seed", "normalize_observation", "normalize_reward",
      "eval_freq",
      "n_eval_episodes", "checkpoint_interval", "perturbations", "parameters",
    ])
    task = try given ?? root.child("task").string()
    let named = try root.optional("algorithm")?.choice(AlgorithmName.self)
    algorithm = chosen ?? named ?? .ppo
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
    if let node = try root.optional("parameters") { try parameters.add(node, file: root.file) }
    for text in texts { try parameters.add(option: text) }
  }

  /// Refuses settings that would be without effect.
  public func refuseIdleSettings() throws(ConfigurationError) {
    guard algorithm == .ppo, !parameters.isGiven("rnn_type") else { return }
    for key in ["rnn_hidden_dim", "rnn_sequence_length"] where parameters.isGiven(key) {
      throw ConfigurationError(
        file: key, message: "is without effect, there is no recurrent layer",
        suggestion: "set rnn_type to gru or lstm, too, or leave \(key) out")
    }
  }

  /// Refuses the name of a task that does not ship, with those that do and what else can be trained.
  public func refuseUnknownTask() throws(ConfigurationError) {
    let shipped = TaskDefinition.shipped
    // Without shipped files, and for files, whoever reads the task knows more.
    guard !shipped.isEmpty, !task.contains("/"), !task.hasSuffix(".yaml") else { return }
    let known = ([Self.pendulum] + shipped).sorted()
    guard !known.contains(task) else { return }
    let near = Suggestion.nearest(to: task, in: known).map { "did you mean '\($0)'? " } ?? ""
    throw ConfigurationError(
      file: task, message: "there is no task of this name",
      suggestion: near + "there are \(known.joined(separator: ", ")); else give the path of a .yaml file")
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
