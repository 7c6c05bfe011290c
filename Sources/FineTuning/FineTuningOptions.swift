/// Which of a policy's parameters fine-tuning moves; log σ, too, where it is free. The fewer there are, the less of the rows' noise they can
/// follow, and the further a step may go that is still the data's.
public enum TunedParameters: String, Sendable, CaseIterable {
  case all
  /// The last layer.
  case last
  /// The last layer's bias: one number an action, the same in every state.
  case bias
}

/// Which estimates of the improvement must have their intervals above 0 before a new policy is written.
public enum GateRule: String, Sendable, CaseIterable {
  /// The first-order estimate. It has one ratio for each row, whose variance is bounded, and advantages that look as far ahead
  /// as the log does; what it cannot see is how the states change when every step is the new policy's.
  case firstOrder = "first_order"
  /// The doubly robust estimate, too. It knows of the states, but needs ratios to look ahead by, or else Q̂, which is wrong
  /// by more than the improvement where a step is large.
  case both
}

/// How a policy is fine-tuned. The names in the comments are those of the command's --set.
public struct FineTuningOptions: Sendable, Equatable {
  /// `gamma`, `gae_lambda`: discount γ and λ of the advantage. A γ that was not set is that of the policy's training,
  /// which its critic was fitted with, where its bundle says it.
  public var gamma = 0.99 { didSet { isGammaSet = true } }
  public private(set) var isGammaSet = false
  public var lambda = 0.95
  /// `clip_range`: ε of PPO.
  public var clipRange = 0.1
  /// `n_epochs`: at most so many passes of the policy over the rows.
  public var epochs = 20
  public var batchSize = 256
  public var learningRate = 1e-4
  /// `parameters`: what of the policy moves.
  public var parameters = TunedParameters.all
  /// `critic_batch_size`: rows of a minibatch of the critic and of the gate's Q, which need many small steps where the
  /// policy needs few with little noise.
  public var criticBatchSize = 256
  /// `critic_learning_rate`, `critic_epochs`: the critic's passes before the first of the policy.
  public var criticLearningRate = 1e-3
  public var criticEpochs = 40
  /// `critic_folds`: advantages of an episode come from a critic that was fitted on the other folds; below 2, from one critic
  /// of all rows.
  public var criticFolds = 5
  /// `log_std`: whether log σ moves, free or fixed. A policy that stays as wide shows as much in the next round's log.
  public var movesLogDeviation = true
  /// `pessimism`: the update climbs the surrogate less so many of its standard errors over the episodes.
  public var pessimism = 0.0
  public var maximumGradientNorm = 0.5
  public var entropyCoefficient = 0.0
  /// `kl_penalty`: β of the penalty β·KL(π_b‖π) that holds the policy at the one that made the data.
  public var klPenalty = 0.0
  /// `imitation`: weight of −log π of what a person executed.
  public var imitation = 0.0
  /// `target_kl`: the update ends where the mean KL(π_b‖π) over the rows, nats, would pass it.
  public var klLimit = 0.02
  /// `min_ess`: it also ends where the rows' effective sample size, as a share, would fall below it.
  public var sampleSizeLimit = 0.5
  /// `folds`: parts of the data for the gate; each is judged by a policy that never saw it.
  public var folds = 5
  /// `gate`: which estimates decide.
  public var gateRule = GateRule.firstOrder
  /// `gate_lambda`: how far the doubly robust correction looks ahead: 1 all the way, 0 one step.
  public var gateLambda = 0.95
  /// `gate_iterations`: rounds of fitting Q to its own targets.
  public var gateIterations = 20
  /// `confidence`: of the interval whose lower end must be above 0.
  public var confidence = 0.95
  /// `min_episodes`, `min_rows`: fewer say too little.
  public var minimumEpisodes = 10
  public var minimumRows = 1000
  public var seed: UInt64 = 0

  public init() {}

  /// All by name, in the order of the help.
  public static let names: [(name: String, meaning: String)] = [
    ("gamma", "discount; default: the policy's own, else 0.99"), ("gae_lambda", "λ of the advantage"),
    ("clip_range", "ε of PPO"),
    ("n_epochs", "most passes of the policy over the rows"), ("batch_size", "rows of the policy's minibatch"),
    ("parameters", "what of the policy moves: all, last (layer) or bias (of it)"),
    ("critic_batch_size", "the same of the critic and of the gate's Q"), ("learning_rate", "of the policy"),
    ("critic_learning_rate", "of the critic and of the gate's Q"),
    ("critic_epochs", "most passes of the critics before the policy's first"),
    ("critic_folds", "advantages by critics of the other folds; 0: one critic"),
    ("log_std", "whether log σ moves: free or fixed"),
    ("pessimism", "standard errors by which the surrogate is lowered"),
    ("max_grad_norm", "gradients are cut to this"), ("ent_coef", "weight of the entropy"),
    ("kl_penalty", "weight of KL(behaviour, new)"), ("imitation", "weight of imitating a person's steps"),
    ("target_kl", "limit of KL(behaviour, new), nats"), ("min_ess", "least effective sample size, share of the rows"),
    ("folds", "parts of the data for the gate"), ("gate", "estimates that must be above 0: first_order or both"),
    ("gate_lambda", "reach of the gate's correction"),
    ("gate_iterations", "rounds of fitted Q evaluation"), ("confidence", "of the gate's interval"),
    ("min_episodes", "fewest episodes"), ("min_rows", "fewest rows with a ratio"),
  ]

  /// Sets one by its name.
  /// - Throws: an unknown name, or a value out of its range.
  public mutating func set(_ name: String, _ text: String) throws(FineTuningError) {
    func number(_ range: ClosedRange<Double>) throws(FineTuningError) -> Double {
      guard let value = Double(text), range.contains(value) else {
        throw FineTuningError(
          .input, "\(name)=\(text): must be a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    func whole(_ range: ClosedRange<Int>) throws(FineTuningError) -> Int {
      guard let value = Int(text), range.contains(value) else {
        throw FineTuningError(
          .input, "\(name)=\(text): must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    switch name {
    case "gamma": gamma = try number(0...1)
    case "gae_lambda": lambda = try number(0...1)
    case "clip_range": clipRange = try number(1e-3...10)
    case "n_epochs": epochs = try whole(1...10_000)
    case "batch_size": batchSize = try whole(1...1_000_000)
    case "parameters":
      guard let choice = TunedParameters(rawValue: text) else {
        throw FineTuningError(.input, "parameters=\(text): must be all, last or bias")
      }
      parameters = choice
    case "critic_batch_size": criticBatchSize = try whole(1...1_000_000)
    case "learning_rate": learningRate = try number(1e-9...1e30)
    case "critic_learning_rate": criticLearningRate = try number(1e-9...1e30)
    case "critic_epochs": criticEpochs = try whole(1...100_000)
    case "critic_folds": criticFolds = try whole(0...100)
    case "log_std":
      guard ["free", "fixed"].contains(text) else {
        throw FineTuningError(.input, "log_std=\(text): must be free or fixed")
      }
      movesLogDeviation = text == "free"
    case "pessimism": pessimism = try number(0...100)
    case "max_grad_norm": maximumGradientNorm = try number(1e-6...1e9)
    case "ent_coef": entropyCoefficient = try number(0...10)
    case "kl_penalty": klPenalty = try number(0...1e6)
    case "imitation": imitation = try number(0...1e3)
    case "target_kl": klLimit = try number(1e-6...10)
    case "min_ess": sampleSizeLimit = try number(0...1)
    case "folds": folds = try whole(2...100)
    case "gate":
      guard let choice = GateRule(rawValue: text) else {
        throw FineTuningError(.input, "gate=\(text): must be first_order or both")
      }
      gateRule = choice
    case "gate_lambda": gateLambda = try number(0...1)
    case "gate_iterations": gateIterations = try whole(1...10_000)
    case "confidence": confidence = try number(0.5...0.9999)
    case "min_episodes": minimumEpisodes = try whole(4...1_000_000)
    case "min_rows": minimumRows = try whole(16...1_000_000_000)
    default:
      throw FineTuningError(
        .input, "no setting '\(name)'; there are: \(Self.names.map(\.name).joined(separator: ", "))")
    }
  }
}
