/// Judges by looks at a thread's heartbeat whether that thread still comes round: a pure value with an explicit clock.
///
/// A heartbeat is the time at which the thread last came round; 0 while nobody expects it to. Time in which nobody looked
/// although a look was due does not count against the thread: then the whole process stood still (SIGSTOP, a debugger), or
/// the machine did, and whoever looks was no better. Before the first look nothing has been seen. Real-time safe.
public struct StallDetector: Sendable, BitwiseCopyable {
  /// What a look has shown.
  public struct Finding: Sendable, BitwiseCopyable {
    /// Whether the thread has stood still for the whole limit.
    public let isStalled: Bool
    /// When to look again, ns.
    public let nextLook: Int64
  }

  /// For how long a thread may stand still, ns.
  public let limit: Int64
  /// The most time between two looks, ns. A look that comes later than due by more than this has seen nothing meanwhile.
  public let interval: Int64
  private var lastBeat: Int64 = 0
  private var due: Int64 = .max
  /// Time since the last heartbeat in which nobody looked.
  private var unseen: Int64 = 0

  /// A detector of threads that stand still for `limit` ns (at least 1).
  @_noLocks
  public init(limit: Int64) {
    precondition(limit > 0, "a thread may stand still for some time")
    self.limit = limit
    let eighth = limit / 8
    interval = eighth < 1_000_000 ? 1_000_000 : eighth > 50_000_000 ? 50_000_000 : eighth
  }

  /// Looks at the heartbeat at the time `now`, both in ns.
  @_noLocks
  public mutating func look(at now: Int64, beat: Int64) -> Finding {
    let late = due == .max ? 0 : now &- due
    if beat != lastBeat {
      lastBeat = beat
      unseen = 0
    }
    guard beat != 0 else { return wait(until: now &+ interval, isStalled: false) }
    let age = now > beat ? now &- beat : 0
    if late > interval { unseen &+= late }
    // What was missed before the heartbeat is no matter.
    if unseen > age { unseen = age }
    if age &- unseen >= limit { return wait(until: now &+ interval, isStalled: true) }
    let end = beat &+ unseen &+ limit
    return wait(until: end < now &+ interval ? end : now &+ interval, isStalled: false)
  }

  @_noLocks
  private mutating func wait(until time: Int64, isStalled: Bool) -> Finding {
    due = time
    return Finding(isStalled: isStalled, nextLook: time)
  }
}
