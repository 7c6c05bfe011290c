import ArmModel
import CSystem
import Numerics
import Policies
import RealTime
import Recording
import Safety
import Simulation
import Tasks

/// How a control loop is set up; fixed for a run.
public struct LoopConfiguration: Sendable {
  /// The control period, ns.
  public var controlPeriod: Int64
  /// Control ticks per policy step, at least 1.
  public var ticksPerStep: Int
  /// Paced by the machine's clock, or as fast as it can.
  public var clock: TickClock.Kind
  /// Whether the policy's mean or a sample is proposed.
  public var selection: ActionSelection
  /// What the goal does between two policy steps.
  public var interpolation: GoalInterpolation
  /// Seed of the action noise and of the episodes' resets.
  public var seed: UInt64
  /// How the safety core is set up.
  public var safety: SafetyConfiguration
  /// Whether episodes are a person's: they begin and end by the person's word, outlive a released enable, and count what the
  /// person does too. The reward then has one more term, last: what the success button earned.
  public var isOperated = false
  /// What the safety core keeps commands within.
  public var limits: JointLimits { safety.limits }
  /// What the arm's commands mean.
  public var mode: CommandMode { @_noLocks get { safety.mode } }
  /// Ticks of standing still before the arm counts as armed.
  public var armingTicks: Int { @_noLocks get { safety.armingTicks } }

  /// A loop over an arm that is simulated, as far as the safety core is concerned; give `safety` another value for a real
  /// one.
  public init(
    controlPeriod: Int64, ticksPerStep: Int, clock: TickClock.Kind, selection: ActionSelection,
    interpolation: GoalInterpolation, seed: UInt64, limits: JointLimits, mode: CommandMode, armingTicks: Int
  ) {
    self.controlPeriod = controlPeriod
    self.ticksPerStep = ticksPerStep
    self.clock = clock
    self.selection = selection
    self.interpolation = interpolation
    self.seed = seed
    safety = SafetyConfiguration(
      limits: limits, mode: mode, period: controlPeriod, proposalPeriod: controlPeriod * Int64(ticksPerStep),
      armingTicks: armingTicks, judgesTiming: clock == .monotonic)
  }
}

/// What the goal does in the control ticks between two policy steps.
public enum GoalInterpolation: String, Sendable, CaseIterable, BitwiseCopyable {
  /// The new goal is proposed at once and stays.
  case hold
  /// The goal moves in a straight line from the last step's goal to the new one, reaching it one step later.
  case linear
}

/// Where the policy runs.
public enum PolicySeat: ~Copyable {
  /// In the tick: for networks that fit in a fraction of the period.
  case inTick(Policy)
  /// On a thread of its own.
  case onThread(PolicyLink)
  /// Nowhere: recorded commands take its place.
  case playback(Playback)
  /// Nowhere: a person alone moves the arm.
  case nobody
  /// Outside the loop: whoever drives the loop answers between the two halves of a tick, as training does.
  case outside
}

/// The control loop: read the arm, ask the policy, let the safety core decide, command the arm, record the transition.
///
/// Before the first episode it reads and records but proposes nothing, and the safety core writes nothing. One thread
/// owns it; after `init` nothing on the tick's path allocates, locks, blocks or counts references, and the compiler
/// checks that. `tick` is generic over the arm so that the call is static; each shipped combination has a concrete,
/// annotated tick of its own.
public struct ControlLoop: ~Copyable {
  public let configuration: LoopConfiguration
  public internal(set) var clock: TickClock
  var schedule: TickSchedule
  public internal(set) var statistics: LoopStatistics
  var task: TaskEvaluator
  /// The policy, when it runs in the tick; nil when `link` leads to it.
  var policy: Policy?
  var link: PolicyLink?
  /// Recorded commands, when they take the policy's place.
  var playback: Playback?
  var twin: KinematicTwin
  var safety: SafetyCore
  /// Whether the goal moves in a straight line between policy steps.
  let isInterpolating: Bool
  /// Whether whoever drives the loop answers in the policy's place.
  let isAnsweredOutside: Bool
  var port: RecorderPort?
  var recordedSteps = 0
  var random: RandomStream
  var resetRandom: RandomStream

  /// What the core will look at in this tick.
  public var inputs: SafetyInputs
  /// What the core decided in the last tick.
  public internal(set) var decision: Decision
  /// Why the arm failed; nil again once it has recovered: it is read, and nothing is latched any more.
  public internal(set) var lastArmError: ArmError?

  var points: PointSet
  var step: StepInProgress
  let buffers: LoopBuffers
  /// The episode that runs, or ran last.
  public internal(set) var episode: EpisodeProgress
  var previousGoal: JointVector
  var stepGoal: JointVector
  var ticksIntoStep = 0
  var ticksSinceGoal = 0
  var requests: OperatorRequests
  var remoteRequests: OperatorRequests
  @usableFromInline var tickStart: Int64 = 0
  var sectionStart: Int64 = 0
  var lastEventState: SafetyState
  var lastSource = CommandSource.none
  var lastLatched: ConditionSet
  var lastActive: ConditionSet
  var intervalStart: Int64 = 0
  var loopRecord: LoopInterval
  /// Where the loop hears its operator, and what it heard in the last tick.
  var feed = OperatorFeed.nobody
  var looks = OperatorLooks()
  /// The leader arm that a person moves the arm with, if there is one.
  var leaderFeed = LeaderFeed.nobody
  var leaderTouch = LeaderTouch()
  /// What a person's hands propose, where a person may move the arm.
  var teleoperator: Teleoperator?
  /// Whether a person had a hand in the last command.
  var isIntervening = false
  /// How a person has asked for the running episode to end.
  var verdict = EpisodeVerdict.none
  /// The last seconds of every tick, for after a fault or a crash.
  var blackBox: BlackBox?

  /// Puts a loop together; everything it will ever need is allocated here.
  public init(
    configuration: LoopConfiguration, task: consuming TaskEvaluator, policy seat: consuming PolicySeat,
    twin: consuming KinematicTwin, port: consuming RecorderPort?, jointCount: Int, pointCount: Int,
    observationCount: Int, actionCount: Int, rewardTermCount: Int
  ) {
    self.configuration = configuration
    clock = TickClock(configuration.clock)
    schedule = TickSchedule(period: configuration.controlPeriod)
    statistics = LoopStatistics()
    self.task = task
    var isOutside = false
    switch consume seat {
    case .inTick(let policy):
      self.policy = .some(policy)
      link = nil
      playback = nil
    case .onThread(let link):
      policy = nil
      self.link = .some(link)
      playback = nil
    case .playback(let recorded):
      policy = nil
      link = nil
      playback = .some(recorded)
    case .nobody:
      policy = nil
      link = nil
      playback = nil
    case .outside:
      policy = nil
      link = nil
      playback = nil
      isOutside = true
    }
    isAnsweredOutside = isOutside
    self.twin = twin
    self.port = port
    isInterpolating = configuration.interpolation == .linear && configuration.mode == .position
    safety = SafetyCore(configuration.safety)
    random = RandomStream(seed: configuration.seed, name: "action")
    resetRandom = RandomStream(seed: configuration.seed, name: "reset")
    inputs = SafetyInputs(count: jointCount, mode: configuration.mode)
    var core = safety
    decision = core.step(inputs, now: 0)
    points = PointSet(count: pointCount)
    step = StepInProgress(jointCount: jointCount)
    buffers = LoopBuffers(
      observationCount: observationCount, actionCount: actionCount, rewardTermCount: rewardTermCount)
    episode = EpisodeProgress()
    previousGoal = JointVector(repeating: 0, count: jointCount)
    stepGoal = JointVector(repeating: 0, count: jointCount)
    requests = .none
    remoteRequests = .none
    lastEventState = .boot
    lastLatched = .none
    lastActive = .none
    loopRecord = LoopInterval()
    teleoperator = nil
    blackBox = nil
  }

  /// From now on every tick is noted in this black box.
  public mutating func attach(_ box: consuming BlackBox) { blackBox = .some(box) }

  deinit { buffers.deallocate() }
}
