import Networks

/// One rollout: `steps` steps of `environments` environments as the policy saw, chose and earned them, then the values and
/// advantages computed from it. Rows are time-major: row t·environments + e. Nothing allocates after `init`.
public struct RolloutBuffer: ~Copyable {
  public let steps: Int
  public let environments: Int
  public let actionCount: Int
  /// Floats between observations.
  public let observationStride: Int
  /// Observations as the network saw them; after the last row, those that the next rollout begins with.
  public let observations: FloatBuffer
  /// Last observations of episodes that ended, in the order of `finalSlots`.
  public let finalObservations: FloatBuffer
  /// For each row the place in `finalObservations`, −1 where no episode ended.
  public let finalSlots: UnsafeMutablePointer<Int32>
  public internal(set) var finalCount = 0
  /// Actions as sampled, before the squash and the box; [rows][actionCount].
  public let actions: UnsafeMutablePointer<Float>
  /// Mean and log σ that they were sampled with.
  public let means: UnsafeMutablePointer<Float>
  public let logDeviations: UnsafeMutablePointer<Float>
  /// log π of the action, per row.
  public let logProbabilities: UnsafeMutablePointer<Float>
  /// Rewards as the learner sees them (scaled).
  public let rewards: UnsafeMutablePointer<Float>
  public let terminated: UnsafeMutablePointer<UInt8>
  public let truncated: UnsafeMutablePointer<UInt8>
  public let values: UnsafeMutablePointer<Float>
  public let nextValues: UnsafeMutablePointer<Float>
  public let advantages: UnsafeMutablePointer<Float>
  /// What the critic is fitted to.
  public let targets: UnsafeMutablePointer<Float>
  /// What recurrent networks remembered.
  public let memory: RolloutMemory
  /// All floats and slots in one block.
  private let floats: FloatBuffer
  private let flags: UnsafeMutablePointer<UInt8>

  /// - Parameters:
  ///   - memoryWidth: floats of a recurrent network's state; 0 without one.
  ///   - sequenceLength: steps of the sequences that a rollout is then cut into; divides `steps`.
  public init(
    steps: Int, environments: Int, observationCount: Int, actionCount: Int, memoryWidth: Int = 0,
    sequenceLength: Int = 1
  ) {
    let rows = steps * environments
    self.steps = steps
    self.environments = environments
    self.actionCount = actionCount
    observationStride = paddedCount(observationCount)
    memory = RolloutMemory(width: memoryWidth, length: sequenceLength, steps: steps, environments: environments)
    observations = FloatBuffer(count: (rows + environments) * observationStride)
    finalObservations = FloatBuffer(count: rows * observationStride)
    floats = FloatBuffer(count: rows * (3 * actionCount + 6))
    var next = floats.base
    func part(_ count: Int) -> UnsafeMutablePointer<Float> {
      defer { next += count }
      return next
    }
    actions = part(rows * actionCount)
    means = part(rows * actionCount)
    logDeviations = part(rows * actionCount)
    logProbabilities = part(rows)
    rewards = part(rows)
    values = part(rows)
    nextValues = part(rows)
    advantages = part(rows)
    targets = part(rows)
    flags = .allocate(capacity: 2 * rows)
    flags.initialize(repeating: 0, count: 2 * rows)
    terminated = flags
    truncated = flags + rows
    finalSlots = .allocate(capacity: rows)
    finalSlots.initialize(repeating: -1, count: rows)
  }

  deinit {
    flags.deallocate()
    finalSlots.deallocate()
  }

  /// Number of transitions.
  public var rows: Int { steps * environments }

  /// Rewards, values and endings for the estimator.
  public var trajectories: AdvantageEstimator.Trajectories {
    AdvantageEstimator.Trajectories(
      steps: steps, environments: environments, rewards: rewards, values: values, nextValues: nextValues,
      terminated: terminated, truncated: truncated)
  }

  /// Whether the row belongs to an episode that ended within the rollout: without a critic only those have a return.
  /// Writes 1 or 0 for each row and returns how many are 1.
  public func markComplete(_ mask: UnsafeMutablePointer<Float>) -> Int {
    var complete = 0
    for environment in 0..<environments {
      var isComplete = false
      for step in stride(from: steps - 1, through: 0, by: -1) {
        let row = step * environments + environment
        if terminated[row] != 0 || truncated[row] != 0 { isComplete = true }
        mask[row] = isComplete ? 1 : 0
        complete += isComplete ? 1 : 0
      }
    }
    return complete
  }
}
