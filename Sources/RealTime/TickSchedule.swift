/// What a wake-up found: which grid point it belongs to, and how late it came.
public struct TickTiming: Sendable, BitwiseCopyable {
  /// The grid point this tick stands for, ns.
  public let deadline: Int64
  /// How long after the deadline it was to wake at the tick began, ns: a whole period and more where grid points were
  /// missed, negative where it woke early.
  public let lateness: Int64
  /// Grid points passed over before this tick because the one before took too long.
  public let missed: Int
  /// Time since the previous tick began, ns; 0 for the first.
  public let sincePrevious: Int64
}

/// Absolute deadlines on a fixed grid: a late tick skips to the grid and never catches up with a burst.
///
/// Before `start` there is no deadline. Real-time safe.
public struct TickSchedule: Sendable, BitwiseCopyable {
  /// The grid's spacing, ns.
  public let period: Int64
  /// The next grid point, ns.
  public private(set) var nextDeadline: Int64 = 0
  private var previousStart: Int64 = .min
  /// Ticks begun.
  public private(set) var tickCount: Int = 0
  /// Grid points passed over in all.
  public private(set) var missedCount: Int = 0

  /// A grid of `period` ns (at least 1).
  @_noLocks
  public init(period: Int64) {
    precondition(period > 0, "a period is positive")
    self.period = period
  }

  /// Lays the grid: the first deadline is one period after `now`.
  @_noLocks
  public mutating func start(at now: Int64) {
    nextDeadline = now &+ period
    previousStart = .min
  }

  /// Called when awake at `now`: names the grid point the tick stands for and moves on to the next one.
  @_noLocks
  public mutating func begin(at now: Int64) -> TickTiming {
    var deadline = nextDeadline
    var missed = 0
    if now &- deadline >= period {
      missed = Int((now &- deadline) / period)
      deadline &+= Int64(missed) &* period
      missedCount &+= missed
    }
    let since = previousStart == .min ? 0 : now &- previousStart
    previousStart = now
    nextDeadline = deadline &+ period
    tickCount &+= 1
    let lateness = now &- deadline &+ Int64(missed) &* period
    return TickTiming(deadline: deadline, lateness: lateness, missed: missed, sincePrevious: since)
  }
}
