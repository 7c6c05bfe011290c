import Networks

/// What happened in a step, and so what it may teach.
public enum RowKind: UInt8, Sendable, CaseIterable {
  /// The policy's own sample, executed as proposed: the only rows with an importance ratio.
  case ratio
  /// Sampled by the policy, changed by the safety core: the critic's only, unless safety counts as part of the arm.
  case altered
  /// The step lasted much longer or shorter than the task's: the critic's only.
  case offGrid
  /// A person had a hand in it: the critic's, and imitation's.
  case person
  /// A stop, a hold, or nobody.
  case stop

  /// The words for people.
  public var text: String {
    switch self {
    case .ratio: "sampled and executed"
    case .altered: "altered by safety"
    case .offGrid: "off the grid"
    case .person: "by a person"
    case .stop: "stopped or held"
    }
  }
  /// Whether the policy drove: between such steps an advantage may look ahead.
  var isPolicys: Bool { self == .ratio || self == .altered || self == .offGrid }
}

/// Transitions of one behaviour policy, examined and ready to learn from. Rows lie in the order of time; those of an
/// episode follow each other.
public struct TransitionDataset: Sendable {
  /// A stretch of rows that began with a reset.
  public struct Episode: Sendable {
    public var rows: Range<Int>
    /// The log, by its place among those read.
    public var log: Int
    /// Its number in the log.
    public var number: UInt32
    /// Sum of the recorded rewards.
    public var rewardSum: Double
  }

  public let observationCount: Int
  public let actionCount: Int
  /// Floats between the rows of `inputs` and `finals`.
  public let stride: Int
  /// Observations as the network sees them.
  var inputs: [Float] = []
  /// The last observations of episodes, as the network sees them.
  var finals: [Float] = []
  /// The row of the next observation; below 0, −1 − k stands for the k-th of `finals`.
  var next: [Int32] = []
  /// Actions as sampled; [rows][actionCount].
  var actions: [Float] = []
  /// What was executed where a person commanded, as an action; NaN elsewhere.
  var executed: [Float] = []
  /// The behaviour policy's mean and log σ, replayed.
  var means: [Float] = []
  var logDeviations: [Float] = []
  /// log π of `actions` as recorded; NaN where there was no sample.
  var logProbabilities: [Float] = []
  var rewards: [Float] = []
  var kinds: [RowKind] = []
  var terminated: [Bool] = []
  /// Whether the advantage's recursion ends here: the episode's end, or another's hand.
  var ends: [Bool] = []
  public internal(set) var episodes: [Episode] = []
  /// Bytes that the rows may take.
  let limit: Int

  init(observationCount: Int, actionCount: Int, limit: Int) {
    self.observationCount = observationCount
    self.actionCount = actionCount
    self.limit = limit
    stride = paddedCount(observationCount)
  }

  /// Number of transitions.
  public var count: Int { rewards.count }
  /// Bytes of a row.
  var rowBytes: Int { 4 * (stride + 4 * actionCount + 3) + 3 }
  var isFull: Bool { count * rowBytes >= limit }
  var finalCount: Int { finals.count / stride }

  /// Rows of a kind.
  public func count(of kind: RowKind) -> Int { kinds.count { $0 == kind } }

  /// Forgets the rows from `start` on.
  mutating func truncate(to start: Int) {
    let extra = count - start
    guard extra > 0 else { return }
    inputs.removeLast(extra * stride)
    for path in [\TransitionDataset.actions, \.executed, \.means, \.logDeviations] {
      self[keyPath: path].removeLast(extra * actionCount)
    }
    logProbabilities.removeLast(extra)
    rewards.removeLast(extra)
    kinds.removeLast(extra)
    terminated.removeLast(extra)
  }

  /// Closes the episode whose rows began at `start` with its last observation.
  mutating func closeEpisode(from start: Int, final: [Float], log: Int, number: UInt32, rewardSum: Double) {
    guard start < count else { return }
    for row in start..<count {
      let isLast = row == count - 1
      next.append(isLast ? Int32(-1 - finalCount) : Int32(row + 1))
      ends.append(isLast || kinds[row].isPolicys != kinds[row + 1].isPolicys)
    }
    finals += final
    episodes.append(Episode(rows: start..<count, log: log, number: number, rewardSum: rewardSum))
  }
}
