import ArmModel

/// Proposals of the source in authority: whether they can be executed, whether they come in time, and how often they ask
/// for too much.
struct ProposalMonitor: BitwiseCopyable {
  /// When the last invalid proposals came, ns: the newest first.
  private var invalid: InlineArray<3, Int64> = InlineArray(repeating: .min)
  private var clamped = SlidingShare()
  private var blocked = Persistence()
  private var isBlockedForLong = false
  private var lastGoal: JointVector
  private var lastStamp = Int64.min
  private var sameSince = Int64.max

  /// Invalid proposals within this time are counted together, ns.
  static var invalidWindow: Int64 { @_noLocks get { 10_000_000_000 } }

  @_noLocks
  init(count: Int) { lastGoal = JointVector(repeating: .nan, count: count) }

  /// A source gets authority: nothing is known of it yet.
  @_noLocks
  mutating func begin() {
    clamped = SlidingShare()
    blocked = Persistence()
    isBlockedForLong = false
    sameSince = .max
  }

  /// Whether a proposal could be executed: of this source, of the arm's kind, finite, and not far outside the limits.
  @_noLocks
  static func isWellFormed(
    _ proposal: Proposal, of source: CommandSource, _ configuration: SafetyConfiguration
  ) -> Bool {
    let limits = configuration.limits
    guard proposal.source == source, proposal.mode == configuration.mode, proposal.goal.count == limits.count,
      proposal.goal.isFinite
    else { return false }
    for index in 0..<limits.count {
      let goal = proposal.goal[index]
      if configuration.mode == .effort {
        if goal.magnitude > configuration.envelope * limits.effort[index] { return false }
      } else if limits.lower[index].isFinite && limits.upper[index].isFinite {
        let middle = (limits.lower[index] + limits.upper[index]) / 2
        let half = (limits.upper[index] - limits.lower[index]) / 2
        if (goal - middle).magnitude > configuration.envelope * half { return false }
      }
    }
    return true
  }

  /// Whether a proposal is young enough; one that is a tick ahead of the clock proves no life: it would stay young for ever.
  @_noLocks
  static func isFresh(_ stamp: Int64, _ configuration: SafetyConfiguration, now: Int64) -> Bool {
    stamp >= now &- (2 &* configuration.proposalPeriod &+ configuration.period) && stamp <= now &+ configuration.period
  }

  /// Notes that a proposal was invalid or not; the conditions that come of it.
  @_noLocks
  mutating func noteValidity(isInvalid: Bool, limit: Int, now: Int64) -> ConditionSet {
    guard isInvalid else { return .none }
    invalid[2] = invalid[1]
    invalid[1] = invalid[0]
    invalid[0] = now
    let active = ConditionSet.none.adding(.proposalInvalid)
    let first = invalid[limit &- 1]
    let isOften = first != .min && now &- first <= ProposalMonitor.invalidWindow
    return isOften ? active.adding(.proposalsInvalid) : active
  }

  /// What the last tick's execution has shown.
  @_noLocks
  func conditions(_ configuration: SafetyConfiguration) -> ConditionSet {
    var active = ConditionSet.none
    if isBlockedForLong { active = active.adding(.collisionPredicted) }
    let share = configuration.monitors.clampedShare
    if share < 1 && clamped.isFull && Double(clamped.badTotal) > share * Double(clamped.total) {
      active = active.adding(.clampedTooOften)
    }
    return active
  }

  /// Notes what became of a proposal in a tick.
  @_noLocks
  mutating func noteExecution(
    isExcessive: Bool, isBlocked: Bool, _ configuration: SafetyConfiguration, now: Int64
  ) {
    clamped.note(1, bad: isExcessive ? 1 : 0, now: now)
    isBlockedForLong = blocked.note(isBlocked, for: configuration.ticks(500_000_000))
  }

  /// Whether a source has proposed the very same goal for a second, with new stamps.
  @_noLocks
  mutating func isFrozen(_ proposal: Proposal, now: Int64) -> Bool {
    if proposal.goal == lastGoal {
      if proposal.stamp != lastStamp && sameSince == .max { sameSince = now }
    } else {
      sameSince = .max
    }
    lastGoal = proposal.goal
    lastStamp = proposal.stamp
    return sameSince != .max && now &- sameSince >= 1_000_000_000
  }
}
