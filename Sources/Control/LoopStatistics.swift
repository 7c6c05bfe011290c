import ArmModel
import RealTime

/// What a loop measures of itself. Histograms are allocated and touched at start; every `note` is real-time safe.
///
/// With a virtual clock every duration is 0: time does not pass inside a tick.
public struct LoopStatistics: ~Copyable {
  var lateness = LatencyHistogram()
  var interval = LatencyHistogram()
  var execution = LatencyHistogram()
  var reading = LatencyHistogram()
  var proposing = LatencyHistogram()
  var deciding = LatencyHistogram()
  var writing = LatencyHistogram()
  var age = LatencyHistogram()
  var tickCount = 0
  var overrunCount = 0
  var missedCount = 0
  var readFailureCount = 0
  var writeFailureCount = 0
  var alteredTickCount = 0

  init() {}

  /// Notes how a tick began.
  @_noLocks
  mutating func noteWake(_ timing: TickTiming, period: Int64) {
    tickCount &+= 1
    missedCount &+= timing.missed
    lateness.record(timing.lateness)
    if timing.sincePrevious > 0 { interval.record(timing.sincePrevious) }
    if timing.lateness &* 2 > period { overrunCount &+= 1 }
  }

  /// Notes the oldest datum of a state, s.
  @_noLocks
  mutating func noteAge(_ state: JointState) {
    age.record(Int64(state.age.largestMagnitude * 1e9))
  }

  /// Forgets everything: the warm-up does not count.
  @_noLocks
  mutating func reset() {
    lateness.reset()
    interval.reset()
    execution.reset()
    reading.reset()
    proposing.reset()
    deciding.reset()
    writing.reset()
    age.reset()
    tickCount = 0
    overrunCount = 0
    missedCount = 0
    readFailureCount = 0
    writeFailureCount = 0
    alteredTickCount = 0
  }

  /// The figures so far; not for the control thread.
  public func report(period: Int64) -> LoopReport {
    LoopReport(
      period: period, tickCount: tickCount, overrunCount: overrunCount, missedCount: missedCount,
      readFailureCount: readFailureCount, writeFailureCount: writeFailureCount, alteredTickCount: alteredTickCount,
      interval: interval.summary, lateness: lateness.summary, execution: execution.summary, reading: reading.summary,
      proposing: proposing.summary, deciding: deciding.summary, writing: writing.summary, age: age.summary)
  }
}

/// The loop table that ends every run; durations in ns.
public struct LoopReport: Sendable {
  /// The nominal period.
  public let period: Int64
  public let tickCount: Int
  /// Ticks that began later than half a period.
  public let overrunCount: Int
  /// Grid points that were skipped.
  public let missedCount: Int
  public let readFailureCount: Int
  public let writeFailureCount: Int
  /// Ticks in which the safety core changed the proposal.
  public let alteredTickCount: Int
  /// From one tick's beginning to the next.
  public let interval: LatencySummary
  /// From the deadline to the tick's beginning.
  public let lateness: LatencySummary
  /// From the tick's beginning to its end.
  public let execution: LatencySummary
  public let reading: LatencySummary
  public let proposing: LatencySummary
  public let deciding: LatencySummary
  public let writing: LatencySummary
  /// Age of the oldest datum of each reading.
  public let age: LatencySummary
}
