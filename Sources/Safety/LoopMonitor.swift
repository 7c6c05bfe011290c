/// Late ticks, gaps, suspensions of the machine, and damage on the bus.
struct LoopMonitor: BitwiseCopyable {
  /// In tenths: a late tick adds ten, a good one takes one away.
  private var overrunLevel = 0
  private var suspended = Int64.min
  private var lastTick = Int64.min
  private var bus = SlidingShare()
  private var busIsBad = false
  private var lastBusError = Int64.min

  /// Late ticks that spend the budget.
  static var overrunBudget: Int { @_noLocks get { 10 } }

  @_noLocks
  init() {}

  @_noLocks
  mutating func judge(_ inputs: SafetyInputs, _ configuration: SafetyConfiguration, now: Int64)
    -> ConditionSet
  {
    var active = ConditionSet.none
    if configuration.judgesTiming {
      let period = configuration.period
      // A clock that goes back says nothing of how long the loop stood still.
      if inputs.sincePrevious > 10 &* period || inputs.sincePrevious < 0 || now < lastTick {
        active = active.adding(.timeGap)
      }
      lastTick = now
      if inputs.lateness > period / 2 {
        overrunLevel &+= 10
      } else if overrunLevel > 0 {
        overrunLevel &-= 1
      }
      if overrunLevel >= 10 &* LoopMonitor.overrunBudget {
        active = active.adding(.overrunBudgetSpent)
        overrunLevel = 0
      }
      if suspended != .min && inputs.suspended &- suspended > period { active = active.adding(.suspended) }
      suspended = inputs.suspended
    }
    return judgeBus(inputs.bus, share: configuration.monitors.busErrorShare, now: now)
      ? active.adding(.busErrors) : active
  }

  /// Whether too many replies of the last second were damaged; it stays so until a second without damage has passed.
  @_noLocks
  private mutating func judgeBus(_ counts: BusCounts, share: Double, now: Int64) -> Bool {
    if counts.replies > 0 || counts.errors > 0 { bus.note(counts.replies, bad: counts.errors, now: now) }
    if counts.errors > 0 { lastBusError = now }
    // A handful of replies says nothing of a rate.
    let total = bus.total
    let bad = bus.badTotal
    if counts.errors > 0 && total >= 20 && bad >= 3 && Double(bad) > share * Double(total) { busIsBad = true }
    if busIsBad && now &- lastBusError >= 1_000_000_000 { busIsBad = false }
    return busIsBad
  }
}
