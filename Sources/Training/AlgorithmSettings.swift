import Configuration
import Learning

/// The algorithms that train.
public enum AlgorithmName: String, Sendable, CaseIterable {
  case ppo, a2c, trpo, reinforce, ddpg, td3
  case actorCritic = "actor-critic"

  /// What it is, in a phrase.
  public var title: String {
    switch self {
    case .ppo: "proximal policy optimisation"
    case .a2c: "advantage actor-critic"
    case .trpo: "trust region policy optimisation"
    case .reinforce: "REINFORCE"
    case .ddpg: "deep deterministic policy gradient"
    case .td3: "twin delayed deep deterministic policy gradient"
    case .actorCritic: "temporal-difference actor-critic"
    }
  }

  /// Whether it learns from remembered transitions, with a deterministic policy.
  public var isOffPolicy: Bool { self == .ddpg || self == .td3 }
}

/// An algorithm with its options, read under the field's names.
enum AlgorithmSettings: Sendable {
  case ppo(ProximalPolicyOptimisation.Options)
  case a2c(AdvantageActorCritic.Options)
  case trpo(TrustRegionPolicyOptimisation.Options)
  case reinforce(Reinforce.Options)
  case actorCritic(TemporalDifferenceActorCritic.Options)
  case ddpg(DeepDeterministicPolicyGradient.Options)
  case td3(TwinDelayedDeterministicPolicyGradient.Options)

  /// Steps of each environment per rollout, or between updates.
  var steps: Int {
    switch self {
    case .ppo(let options): options.steps
    case .a2c(let options): options.steps
    case .trpo(let options): options.steps
    case .reinforce(let options): options.steps
    case .actorCritic(let options): options.steps
    case .ddpg(let options): options.replay.trainingInterval
    case .td3(let options): options.replay.trainingInterval
    }
  }

  /// The discount γ.
  var gamma: Double {
    switch self {
    case .ppo(let options): options.gamma
    case .a2c(let options): options.gamma
    case .trpo(let options): options.gamma
    case .reinforce(let options): options.gamma
    case .actorCritic(let options): options.gamma
    case .ddpg(let options): options.replay.gamma
    case .td3(let options): options.replay.gamma
    }
  }

  init(_ name: AlgorithmName, _ x: inout HyperParameters) throws(ConfigurationError) {
    let share = 0.0...1.0
    let positive = 0.0...1e30
    let steps = 1...1_000_000
    switch name {
    case .ppo:
      var o = ProximalPolicyOptimisation.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try x.choice("learning_rate_schedule", &o.schedule)
      try x.integer("n_steps", &o.steps, in: steps)
      try x.integer("batch_size", &o.batchSize, in: steps)
      try x.integer("n_epochs", &o.epochs, in: 1...10_000)
      try x.double("gamma", &o.gamma, in: share)
      try x.double("gae_lambda", &o.lambda, in: share)
      try x.double("clip_range", &o.clipRange, in: positive)
      try x.optionalDouble("clip_range_vf", &o.valueClipRange, in: positive)
      try x.double("ent_coef", &o.entropyCoefficient, in: -1e6...1e6)
      try x.double("vf_coef", &o.valueCoefficient, in: positive)
      try x.double("max_grad_norm", &o.maximumGradientNorm, in: positive)
      try x.boolean("normalize_advantage", &o.normalisesAdvantages)
      try x.optionalDouble("target_kl", &o.targetKL, in: positive)
      try x.boolean("recompute_advantage", &o.recomputesAdvantages)
      try x.boolean("bootstrap_truncation", &o.bootstrapsTruncation)
      try x.integer("rnn_sequence_length", &o.sequenceLength, in: steps)
      self = .ppo(o)
    case .a2c:
      var o = AdvantageActorCritic.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try x.choice("learning_rate_schedule", &o.schedule)
      try x.integer("n_steps", &o.steps, in: steps)
      try x.double("gamma", &o.gamma, in: share)
      try x.double("gae_lambda", &o.lambda, in: share)
      try x.double("ent_coef", &o.entropyCoefficient, in: -1e6...1e6)
      try x.double("vf_coef", &o.valueCoefficient, in: positive)
      try x.double("max_grad_norm", &o.maximumGradientNorm, in: positive)
      try x.boolean("normalize_advantage", &o.normalisesAdvantages)
      try x.boolean("use_rms_prop", &o.usesRMSprop)
      try x.boolean("bootstrap_truncation", &o.bootstrapsTruncation)
      self = .a2c(o)
    case .trpo:
      var o = TrustRegionPolicyOptimisation.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try x.integer("n_steps", &o.steps, in: steps)
      try x.integer("batch_size", &o.batchSize, in: steps)
      try x.double("gamma", &o.gamma, in: share)
      try x.double("gae_lambda", &o.lambda, in: share)
      try x.double("target_kl", &o.targetKL, in: 1e-12...1e6)
      try x.integer("cg_max_steps", &o.conjugateGradientSteps, in: 1...1000)
      try x.double("cg_damping", &o.damping, in: positive)
      try x.double("line_search_shrinking_factor", &o.lineSearchShrink, in: 0.01...0.99)
      try x.integer("line_search_max_iter", &o.lineSearchSteps, in: 1...1000)
      try x.integer("n_critic_updates", &o.criticPasses, in: 0...10_000)
      try x.boolean("normalize_advantage", &o.normalisesAdvantages)
      try x.boolean("bootstrap_truncation", &o.bootstrapsTruncation)
      self = .trpo(o)
    case .reinforce:
      var o = Reinforce.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try x.choice("learning_rate_schedule", &o.schedule)
      try x.integer("n_steps", &o.steps, in: steps)
      try x.double("gamma", &o.gamma, in: share)
      try x.boolean("reward_to_go", &o.usesRewardToGo)
      try x.choice("baseline", &o.baseline)
      try x.double("ent_coef", &o.entropyCoefficient, in: -1e6...1e6)
      try x.double("max_grad_norm", &o.maximumGradientNorm, in: positive)
      try x.boolean("normalize_advantage", &o.normalisesAdvantages)
      try x.double("vf_learning_rate", &o.criticLearningRate, in: positive)
      try x.integer("n_critic_updates", &o.criticPasses, in: 0...10_000)
      self = .reinforce(o)
    case .actorCritic:
      var o = TemporalDifferenceActorCritic.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try x.choice("learning_rate_schedule", &o.schedule)
      try x.integer("n_steps", &o.steps, in: steps)
      try x.double("gamma", &o.gamma, in: share)
      try x.double("ent_coef", &o.entropyCoefficient, in: -1e6...1e6)
      try x.double("vf_coef", &o.valueCoefficient, in: positive)
      try x.double("max_grad_norm", &o.maximumGradientNorm, in: positive)
      try x.boolean("bootstrap_truncation", &o.bootstrapsTruncation)
      self = .actorCritic(o)
    case .ddpg:
      var o = DeepDeterministicPolicyGradient.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try Self.read(&o.replay, &x)
      self = .ddpg(o)
    case .td3:
      var o = TwinDelayedDeterministicPolicyGradient.Options()
      try x.double("learning_rate", &o.learningRate, in: positive)
      try Self.read(&o.replay, &x)
      try x.integer("policy_delay", &o.policyDelay, in: 1...1000)
      try x.double("target_policy_noise", &o.targetNoise, in: positive)
      try x.double("target_noise_clip", &o.targetNoiseClip, in: positive)
      self = .td3(o)
    }
  }

  private static func read(_ o: inout ReplayOptions, _ x: inout HyperParameters) throws(ConfigurationError) {
    try x.integer("buffer_size", &o.bufferSize, in: 1...100_000_000)
    try x.integer("learning_starts", &o.learningStarts, in: 0...100_000_000)
    try x.integer("batch_size", &o.batchSize, in: 1...1_000_000)
    try x.double("tau", &o.tau, in: 0...1)
    try x.double("gamma", &o.gamma, in: 0...1)
    try x.integer("train_freq", &o.trainingInterval, in: 1...1_000_000)
    try x.integer("gradient_steps", &o.gradientSteps, in: -1...1_000_000)
    try x.choice("action_noise", &o.noise.kind)
    try x.double("action_noise_sigma", &o.noise.sigma, in: 0...10)
    try x.double("action_noise_theta", &o.noise.theta, in: 0...1000)
    try x.double("action_noise_dt", &o.noise.timestep, in: 0...1000)
  }
}
