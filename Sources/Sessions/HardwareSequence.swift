import ArmModel
import Control
import Safety

/// What a run on a physical arm does with it in the end.
public enum ArmExit: String, Sendable, CaseIterable, BitwiseCopyable {
  /// Torque off where it has come to rest; it may fall.
  case release
  /// Torque stays on, and the servos hold the last goal.
  case hold
  /// To the profile's park pose, then torque off. Where a fault has stopped the arm nobody may move it: it is held there
  /// until a person lets go of it.
  case park
}

/// What becomes of a physical arm when the program dies: of a mistake of its own, or of the third stop signal. Of a kill, or
/// of the computer's death, no program can tell its arm.
public enum CrashPolicy: String, Sendable, CaseIterable, BitwiseCopyable {
  /// The servos are told the last goal once more and hold it; they carry what they carried.
  case hold
  /// Torque off where it stands; it may fall.
  case release

  /// What is said on standard error then.
  var words: StaticString {
    switch self {
    case .hold:
      """

      sinew: ended at once. The arm was told to hold its last goal: TORQUE MAY BE ON, and nobody watches it. \
      Support it and cut its power.

      """
    case .release:
      """

      sinew: ended at once. The arm was told to switch torque off, and nobody has read it back. \
      Cut its power before you touch it.

      """
    }
  }
}

/// What a run does when the arm's port goes away.
public enum UnplugPolicy: String, Sendable, CaseIterable, BitwiseCopyable {
  /// It ends.
  case end
  /// It waits for the port to come back, and then for its operator.
  case wait
}

/// What a run on a physical arm does between two ticks: who is asked for what, when an episode may begin, how it all ends.
///
/// It only ever asks: the safety core decides. Nobody resets such an arm, so each episode begins with a slow move to its
/// start, made by the core. Torque is switched on by the operator's consent alone, also after the port was lost.
///
/// Where a person with a device is in charge, their buttons take the place of the questions at the terminal, and of the
/// sequence's own haste: the arm is armed, an episode begun and a fault left when they say so.
struct HardwareSequence: BitwiseCopyable {
  /// What the run does after a tick.
  enum Step: UInt8, BitwiseCopyable {
    /// The next tick.
    case goOn = 0
    /// Nothing more.
    case over = 1
    /// An attempt to open the port again; there is nothing to keep time for meanwhile.
    case reopen = 2

    @_noLocks
    static func == (a: Step, b: Step) -> Bool { a.rawValue == b.rawValue }
    @_noLocks
    static func != (a: Step, b: Step) -> Bool { a.rawValue != b.rawValue }
  }

  /// Slower than this a joint counts as standing, rad/s.
  static var standingSpeed: Double { @_noLocks get { 0.05 } }
  /// Ns that the arm has to stand before an episode, and the most that is waited for it.
  static var standingTime: Int64 { @_noLocks get { 100_000_000 } }
  static var standingPatience: Int64 { @_noLocks get { 2_000_000_000 } }
  /// Ns that the way to the park pose may take, and all of the way to the end: rest, park, torque off.
  static var parkBudget: Int64 { @_noLocks get { 4_000_000_000 } }
  static var endBudget: Int64 { @_noLocks get { 5_000_000_000 } }
  /// Ns that torque is asked for again when the core refuses it: one lost answer is no reason to ask the operator again.
  static var armingPatience: Int64 { @_noLocks get { 1_000_000_000 } }
  /// Ns between two attempts to open a lost port.
  static var reopenInterval: Int64 { @_noLocks get { 500_000_000 } }

  /// Whether the arm is brought to its park pose before torque goes off.
  let parks: Bool
  let holds: Bool
  let waitsForPort: Bool
  let asksAfterInterruption: Bool
  /// Whether the arm was found under torque: it may be holding itself up.
  var wasFoundHolding: Bool

  /// Whether torque was asked for in this run.
  var hasArmed = false
  /// Whether the port was lost and the run waits for it.
  var isLost = false
  private(set) var reopenCount = 0
  var isReopened = false
  var nextAttempt: Int64 = 0
  /// What the operator had answered when the question was put.
  var answersSeen = OperatorAnswers()
  /// What becomes of torque that was found, once the operator has agreed, and until when.
  var takeover = Takeover.none
  var takeoverUntil = Int64.min
  /// Until when torque is asked for, since the operator let it be switched on; `min` when it is not.
  var armingUntil = Int64.min
  var signalsSeen: Int32 = 0
  var durationCounts: Bool
  var isDestined = false
  private var needsConsent = false
  private var standingSince: Int64 = .max
  private var waitingSince: Int64 = 0
  var endSince: Int64 = 0
  var skipsPark = false
  var isHeldInFault = false
  var letsGo = false
  var wasStopped = false
  var lastState = SafetyState.boot

  /// Whether a person with a device is in charge, and what their buttons ask for.
  let isOperated: Bool
  var person: OperatedSequence

  /// `person` is what the buttons of a person's device lead to; nil where the operator is asked at the terminal.
  init(_ settings: HardwareSettings, wasFoundHolding: Bool, person: OperatedSequence? = nil) {
    parks = settings.exit == .park
    holds = settings.exit == .hold
    waitsForPort = settings.onUnplug == .wait
    isOperated = person != nil
    asksAfterInterruption = settings.asksAfterInterruption && !isOperated
    // The person's time begins at once: nobody is waited for.
    durationCounts = isOperated
    self.person = person ?? OperatedSequence(hasPolicy: false)
    self.wasFoundHolding = wasFoundHolding
  }

  /// Whether the arm is to be left under torque: as its operator wants it, or because a fault stopped it and nobody has
  /// let go of it. To be asked at the end, with what was latched then.
  func leavesHolding(state: SafetyState, latched: ConditionSet) -> Bool {
    if holds { return true }
    return parks && state.isFault && !letsGo && latched.worst != .release
  }

  /// Looks at the tick that was, and says what follows. `signals` is how often a stop was asked for, and `arePressed` whether
  /// a person at the keys did.
  @_noLocks
  mutating func afterTick(
    _ core: inout RunCore, answers: OperatorAnswers, signals: Int32, arePressed: Bool
  ) -> Step {
    let wasCut = core.countEpisode()
    core.noteCauses()
    let state = core.loop.decision.state
    defer { lastState = state }
    if isOperated { notePerson(&core) }
    if state != .boot && !(state == .disarmed && takeover == .releasing) { takeover = .none }
    if state.isFault { return afterFault(&core, state, answers, signals) }
    isLost = false
    isHeldInFault = false
    isReopened = false
    // An arm that could not be held in its fault is being parked: there is nothing to let go of any more.
    if core.question == .letGo { core.question = .none }
    hearStops(&core, signals, arePressed: arePressed)
    watchTakeover(&core)
    if !core.isEnding && isOver(core) {
      end(&core)
      if core.loop.episode.isRunning && !isOperated { core.loop.request(.yield) }
    }
    if core.isEnding { return towardsEnd(&core, state) }
    if isOperated { return attendPerson(&core, state) }
    if wasCut { needsConsent = asksAfterInterruption }
    switch state {
    case .boot: return awaitTakeover(&core, answers)
    case .disarmed: return awaitConsent(&core, answers)
    case .hold: if !core.loop.episode.isRunning { fromRest(&core, answers) }
    default: break
    }
    return .goOn
  }

  /// Puts a question; false until it stands. Answers from before are none.
  @_noLocks
  mutating func ask(_ question: OperatorQuestion, _ core: inout RunCore, _ answers: OperatorAnswers) -> Bool {
    if core.question == question { return true }
    core.question = question
    core.questionNumber &+= 1
    answersSeen = answers
    return false
  }

  /// The port is open again, or not; then whether the arm was found under torque. One that was is as at the beginning of a
  /// run: whatever this run had switched on, the operator says what becomes of it.
  mutating func noteReopened(_ succeeded: Bool, isHolding: Bool) {
    isReopened = succeeded
    guard succeeded else { return }
    reopenCount += 1
    wasFoundHolding = isHolding
    guard isHolding else { return }
    hasArmed = false
    takeover = .none
    armingUntil = .min
  }

  // MARK: On the way

  @_noLocks
  private mutating func awaitConsent(_ core: inout RunCore, _ answers: OperatorAnswers) -> Step {
    isDestined = false
    let now = core.loop.clock.now()
    if armingUntil != .min {
      if core.loop.decision.refusal != .none { core.refusal = core.loop.decision.refusal }
      if (lastState == .disarmed || lastState == .boot) && now < armingUntil {
        if core.loop.inputs.readSucceeded && hasLetGo(core) { core.loop.request(.arm) }
        return .goOn
      }
      // Refused, or begun and given up.
      armingUntil = .min
      takeover = .none
      guard asksAfterInterruption else {
        core.ending = .interrupted
        end(&core)
        return .goOn
      }
    }
    guard ask(.switchOn, &core, answers) else { return .goOn }
    if answers.refusals != answersSeen.refusals { return refuse(&core) }
    guard answers.consents != answersSeen.consents, core.loop.inputs.readSucceeded else { return .goOn }
    core.question = .none
    core.refusal = .none
    hasArmed = true
    armingUntil = now &+ HardwareSequence.armingPatience
    core.loop.request(.arm)
    return .goOn
  }

  /// The arm holds and no episode runs: what is next?
  @_noLocks
  private mutating func fromRest(_ core: inout RunCore, _ answers: OperatorAnswers) {
    let now = core.loop.clock.now()
    armingUntil = .min
    if !durationCounts {
      // Waiting for a person is no part of the run.
      durationCounts = true
      core.durationStart = now
    }
    // A move that a condition has stopped did not arrive.
    if isDestined && lastState == .stopping {
      isDestined = false
      core.interruptions &+= 1
      needsConsent = asksAfterInterruption
    }
    if core.interruptions >= RunCore.mostInterruptions {
      core.ending = .interrupted
      end(&core)
      return
    }
    if core.areEpisodesDone {
      end(&core)
      return
    }
    if needsConsent {
      guard ask(.goOn, &core, answers), answers.consents != answersSeen.consents else { return }
      core.question = .none
      needsConsent = false
    }
    if isDestined {
      beginWhenStanding(&core, now)
    } else {
      setOut(&core)
    }
  }

  /// Samples an episode, and tells the twin where what follows its variables is.
  @_noLocks
  mutating func sampleEpisode(_ core: inout RunCore) -> EpisodeStart {
    let start = core.loop.sampleEpisode()
    for index in 0..<core.bounds.variableCount {
      core.loop.setTwinVariable(index, core.loop.taskVariable(index))
    }
    return start
  }

  /// Samples an episode and moves to its start.
  @_noLocks
  mutating func setOut(_ core: inout RunCore) {
    let start = sampleEpisode(&core)
    core.loop.requestMove(to: start.position)
    isDestined = true
    standingSince = .max
    waitingSince = .max
  }

  @_noLocks
  mutating func beginWhenStanding(_ core: inout RunCore, _ now: Int64) {
    if waitingSince == .max { waitingSince = now }
    let stands =
      core.loop.inputs.readSucceeded
      && core.loop.inputs.joints.velocity.largestMagnitude < HardwareSequence.standingSpeed
    if !stands {
      standingSince = .max
    } else if standingSince == .max {
      standingSince = now
    }
    let hasStood = standingSince != .max && now &- standingSince >= HardwareSequence.standingTime
    guard hasStood || now &- waitingSince >= HardwareSequence.standingPatience else { return }
    if core.loop.beginEpisodeInPlace() { isDestined = false }
  }
}
