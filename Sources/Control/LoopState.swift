import ArmModel
import Safety

/// The buffers a loop works in: allocated and touched at start, freed with the loop.
struct LoopBuffers {
  /// What the policy sees, as the task produced it.
  let observation: UnsafeMutablePointer<Double>
  let observationCount: Int
  /// The action of the step in progress, after squash and clip, with what produced it.
  let action: UnsafeMutablePointer<Float>
  let rawAction: UnsafeMutablePointer<Float>
  let mean: UnsafeMutablePointer<Float>
  let logStandardDeviation: UnsafeMutablePointer<Float>
  let actionCount: Int
  /// The observation that the step in progress was decided on.
  let stepObservation: UnsafeMutablePointer<Float>
  let rewardTerms: UnsafeMutablePointer<Double>
  let rewardTermCount: Int

  init(observationCount: Int, actionCount: Int, rewardTermCount: Int) {
    func zeros<T: ExpressibleByIntegerLiteral>(_ count: Int) -> UnsafeMutablePointer<T> {
      let pointer = UnsafeMutablePointer<T>.allocate(capacity: max(count, 1))
      pointer.initialize(repeating: 0, count: max(count, 1))
      return pointer
    }
    observation = zeros(observationCount)
    stepObservation = zeros(observationCount)
    action = zeros(actionCount)
    rawAction = zeros(actionCount)
    mean = zeros(actionCount)
    logStandardDeviation = zeros(actionCount)
    rewardTerms = zeros(rewardTermCount)
    self.observationCount = observationCount
    self.actionCount = actionCount
    self.rewardTermCount = rewardTermCount
  }

  func deallocate() {
    observation.deallocate()
    stepObservation.deallocate()
    action.deallocate()
    rawAction.deallocate()
    mean.deallocate()
    logStandardDeviation.deallocate()
    rewardTerms.deallocate()
  }
}

/// The policy step that has been decided and not yet rewarded; it becomes a transition at the next one.
struct StepInProgress: BitwiseCopyable {
  var isOpen = false
  /// Whether the policy has answered.
  var isDecided = false
  /// Whether its answer was executed in a tick at least; before that there is nothing to reward.
  var isPlayed = false
  /// When its observation was taken, monotonic ns.
  var stamp: Int64 = 0
  var logProbability: Float = 0
  var value: Float = .nan
  /// The state its observation was taken from.
  var joints: JointState
  /// What the policy proposed.
  var proposal: JointVector
  /// What was executed in its last control tick.
  var command: JointVector
  var source: CommandSource = .none
  /// Whether the core changed the proposal in any of its ticks.
  var altered = false
  /// Whether a person had a hand in the command in any of its ticks.
  var intervention = false

  @_noLocks
  init(jointCount: Int) {
    joints = JointState(count: jointCount)
    proposal = JointVector(repeating: 0, count: jointCount)
    command = JointVector(repeating: 0, count: jointCount)
  }
}

/// How an episode stands.
public struct EpisodeProgress: Sendable, BitwiseCopyable {
  /// Number of the episode in this run, from 0; -1 before the first.
  public internal(set) var index = -1
  /// Policy steps completed.
  public internal(set) var steps = 0
  /// Sum of the rewards so far.
  public internal(set) var rewardSum = 0.0
  /// The reward of the last completed step.
  public internal(set) var lastReward = 0.0
  /// Whether it is under way.
  public internal(set) var isRunning = false
  /// Whether the policy has made its first proposal and authority was asked for.
  public internal(set) var hasStarted = false
  /// How it ended, once it has.
  public internal(set) var terminated = false
  public internal(set) var truncated = false
  public internal(set) var succeeded = false
  /// Whether a person has thrown it away.
  public internal(set) var discarded = false
  /// Whether a stop or a fault ended it.
  public internal(set) var interrupted = false
  /// The conditions that were active when it was interrupted.
  public internal(set) var causes = ConditionSet(rawValue: 0)

  /// No episode yet.
  @_noLocks
  public init() {}
}

/// Minimum, mean and maximum of the loop's figures since the last record of them.
struct LoopInterval: BitwiseCopyable {
  var ticks: Int64 = 0
  var latenessSum: Int64 = 0
  var latenessMinimum: Int64 = .max
  var latenessMaximum: Int64 = 0
  var executionSum: Int64 = 0
  var executionMinimum: Int64 = .max
  var executionMaximum: Int64 = 0

  @_noLocks
  init() {}

  @_noLocks
  mutating func note(lateness: Int64, execution: Int64) {
    ticks &+= 1
    latenessSum &+= lateness
    if lateness < latenessMinimum { latenessMinimum = lateness }
    if lateness > latenessMaximum { latenessMaximum = lateness }
    executionSum &+= execution
    if execution < executionMinimum { executionMinimum = execution }
    if execution > executionMaximum { executionMaximum = execution }
  }
}
