import Numerics

/// What deterministic algorithms with a replay buffer have in common. Names and defaults: Stable-Baselines3.
public struct ReplayOptions: Sendable, Equatable {
  /// Transitions that are remembered.
  public var bufferSize = 1_000_000
  /// Steps with uniform random actions before the first update.
  public var learningStarts = 100
  public var batchSize = 256
  /// How fast the copies follow.
  public var tau = 0.005
  public var gamma = 0.99
  /// `train_freq`: steps of each environment between two rounds of updates.
  public var trainingInterval = 1
  /// Updates of a round; −1 for as many as there were environment steps.
  public var gradientSteps = 1
  public var noise = ActionNoise.Options()
  public init() {}
}

/// A deterministic policy's way to learn from remembered transitions.
public protocol OffPolicyAlgorithm: ~Copyable {
  var replay: ReplayOptions { get }
  /// Whether it needs two critics.
  static var hasTwin: Bool { get }
  /// One update from a drawn batch.
  /// - Throws: a gradient that is not finite, with the layer's name; the parameters are then those before the step.
  mutating func update(
    _ model: borrowing DeterministicActorCritic, _ batch: borrowing ReplayBatch, random: inout RandomStream
  ) throws(LearningError) -> UpdateFigures
  func encode(into encoder: inout StateEncoder)
  mutating func decode(from decoder: inout StateDecoder) throws(LearningError)
}
