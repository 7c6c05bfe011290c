import ArmModel
import Control
import RealTime
import Recording
import Safety

/// What a live display shows of a running loop; published a few times a second.
public struct LoopStatus: Sendable, BitwiseCopyable {
  /// Time since the first tick, s.
  public var elapsed = 0.0
  public var tickCount = 0
  public var state = SafetyState.boot
  public var source = CommandSource.none
  public var active = ConditionSet(rawValue: 0)
  public var latched = ConditionSet(rawValue: 0)
  public var episode = EpisodeProgress()
  public var statistics = EpisodeStatistics()
  public var overrunCount = 0
  public var droppedRecords = 0
  /// Wake-up lateness of the last tick, ns.
  public var lateness: Int64 = 0
  /// Whether the joints are under torque.
  public var power = ArmPower.unknown
  /// What a person is asked to do.
  public var question = OperatorQuestion.none
  /// How many questions were put so far. The same question with another number is put anew, and wants a new answer.
  public var questionNumber = 0
  /// What was wrong most recently, also when it is over.
  public var causes = ConditionSet(rawValue: 0)
  /// The joints that `causes`, and `active` and `latched`, are about.
  public var causeJoints = ConditionJoints()
  public var joints = ConditionJoints()
  /// What the person's device says, and what their sticks do; in runs with a person.
  public var input = OperatorInput()
  public var teleoperation = TeleoperationStatus()
  /// The newest request that was not granted; in runs with a person's device for two seconds.
  public var refusal = RefusalReason.none
  /// Of a physical arm: what its servos say of their torque, and where their goals are, rad.
  public var torque = JointTorque()
  public var heldGoal = JointVector(repeating: 0, count: 0)

  /// Nothing has happened yet.
  @_noLocks
  init() {}
}

/// Why a run ended.
public enum RunEnding: String, Sendable {
  /// The duration or the number of episodes asked for was reached.
  case completed
  /// A signal or a person asked for a stop, or a person refused what they were asked for.
  case stopped
  /// A fault was latched.
  case fault
  /// One episode after another was cut short by a condition that does not latch, torque was refused, or an arm that was
  /// found under torque could not be taken over.
  case interrupted
}

/// What a run was and how it went.
public struct RunReport: Sendable {
  public var ending = RunEnding.completed
  /// Latched conditions at the end, and the arm's own words if it failed and has not recovered since.
  public var latched = ConditionSet(rawValue: 0)
  /// The joints that they are about.
  public var latchedJoints = ConditionJoints()
  public var armError: ArmError?
  /// The joints in the task's order; of a physical arm with their servos: "elbow_flex (servo 3)".
  public var jointLabels: [String] = []
  /// The conditions that cut the last episode short.
  public var causes = ConditionSet(rawValue: 0)
  /// The joints that they are about.
  public var causeJoints = ConditionJoints()
  /// Why torque was not switched on, if that ended the run.
  public var refusal = RefusalReason.none
  /// Why an arm that was found under torque could not be taken over, if that ended the run.
  public var takeoverFailure: ArmError?
  /// The signal that asked for the stop, 0 if none.
  public var signal: Int32 = 0
  public var statistics = EpisodeStatistics()
  public var loop: LoopReport?
  public var grant: RealTimeGrant?
  /// Duration by the loop's clock and by the wall, s.
  public var loopSeconds = 0.0
  public var wallSeconds = 0.0
  public var recording: RecordingSummary?
  /// The black boxes of the faults that were latched, in the order of time.
  public var blackBoxes: [String] = []
  /// Allocation calls of the control thread from the first tick to the last; nil where they are not counted.
  public var allocationCount: UInt64?
  /// Page faults of the control thread in the same span: without and with disk access.
  public var minorFaults: Int64 = 0
  public var majorFaults: Int64 = 0
  /// How a replayed arm compares with its recording; nil when a policy drove.
  public var playback: PlaybackErrors?
  /// How the person's run went; nil without a person.
  public var operation: OperationReport?
  /// What a run on a physical arm has to tell besides; nil for simulated ones.
  public var hardware: HardwareReport?
}
