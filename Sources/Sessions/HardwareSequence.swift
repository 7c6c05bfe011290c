import ArmModel
import Control
import Safety

/// What a run on a physical arm does with it in the end.
public enum ArmExit: String, Sendable, CaseIterable, BitwiseCopyable {
  /// Torque off where it has come to rest; it may fall.
  case release
  /// Torque stays on, and the servos hold the last goal.
  case hold
  /// To the profile's park pose, then torque off.
  case park
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
  /// Ns that the way to the end may take: rest, park, torque off.
  static var endBudget: Int64 { @_noLocks get { 20_000_000_000 } }
  /// Ns between two attempts to open a lost port.
  static var reopenInterval: Int64 { @_noLocks get { 500_000_000 } }

  private let parks: Bool
  private let holds: Bool
  private let waitsForPort: Bool
  private let asksAfterInterruption: Bool
  private let parkPose: JointVector

  /// Whether torque was asked for in this run.
  private(set) var hasArmed = false
  /// Whether the port was lost and the run waits for it.
  private(set) var isLost = false
  private(set) var reopenCount = 0
  private var isReopened = false
  private var nextAttempt: Int64 = 0
  private var consentsSeen: UInt32 = 0
  private var signalsSeen: Int32 = 0
  private var durationCounts = false
  private var isDestined = false
  private var needsConsent = false
  private var standingSince: Int64 = .max
  private var waitingSince: Int64 = 0
  private var endSince: Int64 = 0
  private var isParking = false
  private var hasParked = false
  private var skipsPark = false
  private var wasStopped = false
  private var lastState = SafetyState.boot

  init(exit: ArmExit, unplug: UnplugPolicy, asksAfterInterruption: Bool, parkPose: JointVector) {
    parks = exit == .park
    holds = exit == .hold
    waitsForPort = unplug == .wait
    self.asksAfterInterruption = asksAfterInterruption
    self.parkPose = parkPose
  }

  /// Looks at the tick that was, and says what follows. `consents` is the operator's count, `signals` that of the stop
  /// signals.
  @_noLocks
  mutating func afterTick(_ core: inout RunCore, consents: UInt32, signals: Int32) -> Step {
    let wasCut = core.countEpisode()
    if core.loop.decision.active.rawValue != 0 { core.causes = core.loop.decision.active }
    let state = core.loop.decision.state
    defer { lastState = state }
    if state.isFault { return afterFault(&core, state, signals) }
    isLost = false
    isReopened = false
    hearStops(&core, signals)
    if !core.isEnding && durationCounts && core.isDurationOver {
      end(&core)
      if core.loop.episode.isRunning { core.loop.request(.yield) }
    }
    if core.isEnding { return towardsEnd(&core, state) }
    if wasCut { needsConsent = asksAfterInterruption }
    switch state {
    case .disarmed: awaitConsent(&core, consents)
    case .hold: if !core.loop.episode.isRunning { fromRest(&core, consents) }
    default: break
    }
    return .goOn
  }

  /// The port is open again, or not.
  mutating func noteReopened(_ succeeded: Bool) {
    isReopened = succeeded
    if succeeded { reopenCount += 1 }
  }

  // MARK: On the way

  @_noLocks
  private mutating func awaitConsent(_ core: inout RunCore, _ consents: UInt32) {
    isDestined = false
    guard core.question == .switchOn else {
      core.question = .switchOn
      consentsSeen = consents
      return
    }
    guard consents != consentsSeen, core.loop.inputs.readSucceeded else { return }
    core.question = .none
    hasArmed = true
    core.loop.request(.arm)
  }

  /// The arm holds and no episode runs: what is next?
  @_noLocks
  private mutating func fromRest(_ core: inout RunCore, _ consents: UInt32) {
    let now = core.loop.clock.now()
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
      guard core.question == .goOn else {
        core.question = .goOn
        consentsSeen = consents
        return
      }
      guard consents != consentsSeen else { return }
      core.question = .none
      needsConsent = false
    }
    if isDestined {
      beginWhenStanding(&core, now)
    } else {
      setOut(&core, now)
    }
  }

  /// Samples an episode and moves to its start.
  @_noLocks
  private mutating func setOut(_ core: inout RunCore, _ now: Int64) {
    let start = core.loop.sampleEpisode()
    for index in 0..<core.bounds.variableCount {
      core.loop.setTwinVariable(index, core.loop.taskVariable(index))
    }
    core.loop.requestMove(to: start.position)
    isDestined = true
    standingSince = .max
    waitingSince = .max
  }

  @_noLocks
  private mutating func beginWhenStanding(_ core: inout RunCore, _ now: Int64) {
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

  // MARK: Stops and the end

  @_noLocks
  private mutating func hearStops(_ core: inout RunCore, _ signals: Int32) {
    guard signals > signalsSeen else { return }
    signalsSeen = signals
    if core.isEnding {
      // Whoever insists while the arm moves to its park pose wants it to stop: torque goes off where it is.
      skipsPark = true
    } else {
      core.ending = .stopped
      wasStopped = true
      end(&core)
      skipsPark = signals > 1
    }
    core.loop.request(.stop)
  }

  @_noLocks
  private mutating func end(_ core: inout RunCore) {
    core.isEnding = true
    core.question = .none
    endSince = core.loop.clock.now()
  }

  @_noLocks
  private mutating func towardsEnd(_ core: inout RunCore, _ state: SafetyState) -> Step {
    if core.loop.clock.now() &- endSince > HardwareSequence.endBudget { return .over }
    switch state {
    case .boot: return .over
    case .disarmed:
      // What was never switched on is left as it was found.
      return !hasArmed || core.loop.inputs.power == .off ? .over : .goOn
    case .hold:
      if core.loop.episode.isRunning { return .goOn }
      if holds { return .over }
      if parks && !skipsPark && !hasParked {
        if isParking {
          hasParked = true
        } else {
          isParking = true
          core.loop.requestMove(to: parkPose)
          return .goOn
        }
      }
      core.loop.request(.disarm)
      return .goOn
    default: return .goOn
    }
  }

  /// A fault ends the run, unless it is a port that may come back.
  @_noLocks
  private mutating func afterFault(_ core: inout RunCore, _ state: SafetyState, _ signals: Int32) -> Step {
    let now = core.loop.clock.now()
    guard waitsForPort, !core.isEnding, state == .fault, isDisconnected(core.loop.lastArmError) else {
      // A stop that was on its way stays what it was called.
      if !wasStopped { core.ending = .fault }
      return .over
    }
    if signals > 0 {
      core.ending = .stopped
      return .over
    }
    if !isLost {
      isLost = true
      isDestined = false
      isReopened = false
      core.question = .none
      nextAttempt = now &+ HardwareSequence.reopenInterval
    }
    if isReopened {
      // Leads to `disarmed`, where the operator is asked again.
      core.loop.request(.reset)
      return .goOn
    }
    guard now >= nextAttempt else { return .goOn }
    nextAttempt = now &+ HardwareSequence.reopenInterval
    return .reopen
  }

  @_noLocks
  private func isDisconnected(_ error: ArmError?) -> Bool {
    guard let error else { return false }
    return error.code.rawValue == ArmError.Code.disconnected.rawValue
  }
}
