import ArmModel
import Control
import Safety

/// What a person's buttons ask for between two ticks of a run, and when such a run ends. It only ever asks: the safety core
/// decides.
///
/// `start` does what comes next: it arms the arm, begins an episode, gives the policy authority. Between two episodes there
/// is no hurry: the next one begins when the person says so.
struct OperatedSequence: BitwiseCopyable {
  /// What the run does after a tick.
  enum Step: UInt8, BitwiseCopyable {
    case goOn = 0
    case over = 1
    /// A new episode: sample it, put the arm at its start if that can be done, and begin it.
    case prepareEpisode = 2

    @_noLocks
    static func == (a: Step, b: Step) -> Bool { a.rawValue == b.rawValue }
  }

  private let hasPolicy: Bool
  private var refusedAt = Int64.min
  private var discardedEpisode = -1
  /// The policy gets authority once it has proposed something in the episode that has just begun.
  private var startsPolicy = false
  private var wasPolicys = false
  private var ticksSinceEnd = 0
  private(set) var discarded = 0
  private(set) var interventions = 0
  private(set) var lastRefusal = RefusalReason.none

  init(hasPolicy: Bool) { self.hasPolicy = hasPolicy }

  /// Ns that a refusal is shown.
  private static var refusalTime: Int64 { @_noLocks get { 2_000_000_000 } }
  /// Ticks that the way to the end may take; a run that should end does end.
  private static var mostEndTicks: Int { @_noLocks get { 10_000 } }

  /// What follows from a tick on a simulated arm. One that stands in a room has an end of its own, see `HardwareSequence`.
  @_noLocks
  mutating func afterTick(_ core: inout RunCore, signals: Int32) -> Step {
    _ = core.countEpisode()
    note(&core)
    let state = core.loop.decision.state
    if !core.isEnding {
      if signals > 0 {
        core.noteStop()
        end(&core)
      } else if OperatedSequence.isOver(core) {
        end(&core)
      }
    }
    if core.isEnding { return towardsEnd(&core, state) }
    return heed(&core, state)
  }

  /// Whether the time, the recording or the episodes asked for have come to their end.
  @_noLocks
  static func isOver(_ core: borrowing RunCore) -> Bool {
    core.isDurationOver || core.loop.operatorIsOver || (core.areEpisodesDone && !core.loop.episode.isRunning)
  }

  /// Counts what has happened in a tick, and keeps a refusal in sight for a while, and a cause until the next.
  @_noLocks
  mutating func note(_ core: inout RunCore) {
    core.noteCauses()
    count(core)
    showRefusal(&core)
  }

  /// How the person's part went.
  func report(_ loop: borrowing ControlLoop) -> OperationReport {
    var operation = OperationReport()
    operation.path = loop.teleoperation.path
    operation.discarded = discarded
    operation.interventions = interventions
    operation.lastRefusal = lastRefusal
    return operation
  }

  @_noLocks
  private mutating func count(_ core: borrowing RunCore) {
    if core.loop.episode.discarded && core.loop.episode.index != discardedEpisode {
      discardedEpisode = core.loop.episode.index
      discarded &+= 1
    }
    if core.loop.decision.state == .policy {
      wasPolicys = true
    } else if wasPolicys {
      wasPolicys = false
      if core.loop.decision.state == .handover { interventions &+= 1 }
    }
  }

  @_noLocks
  private mutating func showRefusal(_ core: inout RunCore) {
    let now = core.loop.clock.now()
    if core.loop.decision.refusal != .none {
      refuse(&core, core.loop.decision.refusal)
    } else if core.refusal != .none && now &- refusedAt > OperatedSequence.refusalTime {
      core.refusal = .none
    }
  }

  /// Keeps a refusal in sight.
  @_noLocks
  mutating func refuse(_ core: inout RunCore, _ reason: RefusalReason) {
    core.refusal = reason
    lastRefusal = reason
    refusedAt = core.loop.clock.now()
  }

  // MARK: Buttons

  /// Does what the buttons ask for in `state`.
  @_noLocks
  mutating func heed(_ core: inout RunCore, _ state: SafetyState) -> Step {
    let pressed = core.loop.pressed
    if pressed.has(.reset) { core.loop.request(.reset) }
    if pressed.has(.park) {
      core.loop.concludeEpisode(.end)
      core.loop.request(.park)
    }
    if pressed.has(.success) { core.loop.concludeEpisode(.success) }
    if pressed.has(.failure) { core.loop.concludeEpisode(.failure) }
    if pressed.has(.discard) { core.loop.concludeEpisode(.discard) }
    if startsPolicy && core.loop.episode.isRunning && core.loop.episode.hasStarted {
      startsPolicy = false
      core.loop.request(.start)
    }
    return pressed.has(.start) ? start(&core, state) : .goOn
  }

  @_noLocks
  private mutating func start(_ core: inout RunCore, _ state: SafetyState) -> Step {
    switch state {
    case .disarmed:
      core.loop.request(.arm)
      return .goOn
    case .hold, .teleoperation:
      if !core.loop.episode.isRunning {
        startsPolicy = hasPolicy && state == .teleoperation
        return .prepareEpisode
      }
      if hasPolicy { core.loop.request(.start) }
      return .goOn
    default:
      // Refused, with the reason.
      core.loop.request(.start)
      return .goOn
    }
  }

  // MARK: The end

  @_noLocks
  private func end(_ core: inout RunCore) {
    core.isEnding = true
    core.loop.concludeEpisode(.end)
  }

  @_noLocks
  private mutating func towardsEnd(_ core: inout RunCore, _ state: SafetyState) -> Step {
    ticksSinceEnd &+= 1
    if state.isFault {
      core.ending = core.ending.isStopped ? core.ending : .fault
      return .over
    }
    if ticksSinceEnd > OperatedSequence.mostEndTicks { return .over }
    core.loop.request(.stop)
    return !core.loop.episode.isRunning && core.loop.isAtRest ? .over : .goOn
  }
}

extension RunEnding {
  var isStopped: Bool {
    @_noLocks get {
      switch self {
      case .stopped: return true
      default: return false
      }
    }
  }
}
