import ArmModel
import CSystem
import Control
import RealTime
import Safety

/// When a run ends, and how it reports.
struct RunBounds: BitwiseCopyable {
  /// Loop time, ns; nil for no limit.
  var duration: Int64?
  /// Finished episodes; nil for no limit.
  var episodes: Int?
  /// Number of the task's bound variables.
  var variableCount: Int
  /// Ns between two published states.
  var statusInterval: Int64
  /// Ns of each wait that a real-time thread spends awake.
  var spin: Int64
  /// Whether the run waits for the log thread: on the virtual clock, where nothing else slows it down.
  var awaitsRecorder: Bool
}

/// What the control thread was granted, as far as the run cares.
struct RunRights: BitwiseCopyable {
  /// SCHED_FIFO priority; 0 for an ordinary thread.
  var priority = 0
  var memoryIsLocked = false
  /// Whether the run would not have begun without them.
  var isStrict = false
  /// The processor that it is bound to.
  var processor: Int?

  @_noLocks
  init() {}

  init(_ grant: RealTimeGrant?, isStrict: Bool) {
    self.isStrict = isStrict
    priority = grant?.priority ?? 0
    memoryIsLocked = grant?.memoryIsLocked ?? false
    processor = grant?.processor
  }
}

/// A run from the first tick to the last, as a session sees it.
protocol SessionRun: ~Copyable, SendableMetatype {
  /// Runs every path of the tick once with nothing commanded, so that no first call happens in the run.
  mutating func warmUp()
  /// What the run needs besides and may allocate for, before its first tick.
  mutating func prepare(_ rights: RunRights)
  /// All ticks; nothing is allocated. `publish` gets a status now and then.
  mutating func run(_ publish: borrowing TripleBuffer<LoopStatus>, rights: RunRights)
  /// What is left to do after the last tick, and how the run ended.
  mutating func leave() -> RunEnding
  /// Adds what the run knows to its report.
  func complete(_ report: inout RunReport)
}

extension SessionRun where Self: ~Copyable {
  mutating func prepare(_ rights: RunRights) {}
}

/// What runs on a simulated arm and on a physical one have in common: the loop, when it ends, the statistics, the status.
struct RunCore: ~Copyable {
  var loop: ControlLoop
  let bounds: RunBounds
  var statistics = EpisodeStatistics()
  var ending = RunEnding.completed
  /// Whether the run is on its way to its end.
  var isEnding = false
  private(set) var startTime: Int64 = 0
  /// The time from which the duration counts, ns.
  var durationStart: Int64 = 0
  /// What the run waits for a person to do.
  var question = OperatorQuestion.none
  /// How many questions were put so far: one that is put again is another.
  var questionNumber = 0
  /// The newest request that was not granted, while it is worth saying.
  var refusal = RefusalReason.none
  /// What the servos of a physical arm say of their torque, and where their goals are, rad.
  var torque = JointTorque()
  var heldGoal = JointVector(repeating: 0, count: 0)
  /// Why an arm that was found under torque could not be taken over, if that ended the run.
  var takeoverFailure: ArmError?
  /// The conditions that stopped the arm last.
  var causes = ConditionSet(rawValue: 0)
  /// The joints that they are about.
  var causeJoints = ConditionJoints()
  private var lastStatus: Int64 = .min
  /// Ns of each wait that are spent awake in this run.
  private(set) var spin: Int64 = 0
  /// Episodes in a row that a condition cut short.
  var interruptions = 0
  static var mostInterruptions: Int { @_noLocks get { 3 } }
  /// The last episode that was judged for the statistics.
  private var judgedEpisode = -1

  init(loop: consuming ControlLoop, bounds: RunBounds) {
    self.loop = loop
    self.bounds = bounds
  }

  /// Lays the grid of deadlines and notes the beginning.
  @_noLocks
  mutating func begin(_ rights: RunRights) {
    loop.startSchedule()
    startTime = loop.clock.now()
    durationStart = startTime
    loop.recordRunStart(priority: rights.priority, memoryIsLocked: rights.memoryIsLocked)
    // Only a thread that nothing ordinary can push aside gains by waiting awake.
    spin = rights.priority > 0 ? bounds.spin : 0
  }

  /// Keeps what is wrong in this tick, until something else is.
  @_noLocks
  mutating func noteCauses() {
    guard loop.decision.active.rawValue != 0 else { return }
    causes = loop.decision.active
    causeJoints = loop.decision.joints
  }

  /// A person has the run end. What a fault has stopped before ends by that fault.
  @_noLocks
  mutating func noteStop() { ending = loop.decision.latched.rawValue == 0 ? .stopped : .fault }

  /// Takes an episode that has ended into the statistics, unless it was cut short. True when one has just been cut short.
  @_noLocks
  mutating func countEpisode() -> Bool {
    guard !loop.episode.isRunning, loop.episode.index > judgedEpisode else { return false }
    judgedEpisode = loop.episode.index
    // What a person has thrown away never was.
    if loop.episode.discarded { return false }
    guard !loop.episode.interrupted else {
      interruptions &+= 1
      return true
    }
    interruptions = 0
    statistics.add(episodeReturn: loop.episode.rewardSum, success: loop.episode.succeeded, steps: loop.episode.steps)
    return false
  }

  /// Whether the loop time asked for is over.
  var isDurationOver: Bool {
    @_noLocks get {
      if let duration = bounds.duration { return loop.clock.now() &- durationStart >= duration }
      return false
    }
  }

  /// Whether the episodes asked for are done.
  var areEpisodesDone: Bool {
    @_noLocks get {
      if let episodes = bounds.episodes { return statistics.count >= episodes }
      return false
    }
  }

  /// Publishes the status when its time has come, and at the end.
  @_noLocks
  mutating func publishStatus(_ publish: borrowing TripleBuffer<LoopStatus>, isLast: Bool) {
    let now = loop.clock.now()
    guard isLast || lastStatus == .min || now &- lastStatus >= bounds.statusInterval else { return }
    lastStatus = now
    publish.publish(status(at: now))
  }

  @_noLocks
  borrowing func status(at now: Int64) -> LoopStatus {
    var status = LoopStatus()
    status.elapsed = Double(now &- startTime) * 1e-9
    status.tickCount = loop.tickCount
    status.state = loop.decision.state
    status.source = loop.decision.source
    status.active = loop.decision.active
    status.latched = loop.decision.latched
    status.episode = loop.episode
    status.statistics = statistics
    status.overrunCount = loop.overrunCount
    status.droppedRecords = loop.droppedRecords
    status.lateness = loop.inputs.lateness
    status.power = loop.inputs.power
    status.question = question
    status.questionNumber = questionNumber
    status.causes = causes
    status.causeJoints = causeJoints
    status.joints = loop.decision.joints
    status.input = loop.operatorInput
    status.teleoperation = loop.teleoperation
    status.refusal = refusal
    status.torque = torque
    status.heldGoal = heldGoal
    return status
  }

  /// Adds what the run knows to its report.
  func complete(_ report: inout RunReport) {
    report.statistics = statistics
    report.playback = loop.playbackErrors
    report.loop = loop.report
    report.latched = loop.decision.latched
    report.latchedJoints = loop.decision.joints
    report.causeJoints = causeJoints
    report.armError = loop.lastArmError
    report.refusal = refusal
    report.takeoverFailure = takeoverFailure
    report.causes = causes.rawValue == 0 ? loop.episode.causes : causes
    report.loopSeconds = Double(loop.clock.now() - startTime) * 1e-9
  }
}
