/// What has gone wrong on a bus since it was opened, by kind. All counts only grow.
public struct BusCounters: Sendable, BitwiseCopyable, Equatable {
  /// Requests sent (retries included).
  public var requests: UInt64 = 0
  /// Answers accepted.
  public var answers: UInt64 = 0
  /// Answers that did not come in time.
  public var timeouts: UInt64 = 0
  /// Frames with a wrong check value.
  public var checksum: UInt64 = 0
  /// Frames that ended too early.
  public var short: UInt64 = 0
  /// Frames of the right form and another length than was asked for.
  public var length: UInt64 = 0
  /// Frames from a servo that was not asked.
  public var foreign: UInt64 = 0
  /// Our own requests, come back from the adaptor.
  public var echoes: UInt64 = 0
  /// Answers to an earlier request, and answers that could be such.
  public var stale: UInt64 = 0
  /// Answers that came after their time-out and are believed all the same: within their cycle, or, with their age, after it.
  public var late: UInt64 = 0
  /// Answers that came twice, byte for byte the same.
  public var duplicates: UInt64 = 0
  /// Bytes that belonged to no frame.
  public var garbageBytes: UInt64 = 0
  /// Requests sent again.
  public var retries: UInt64 = 0
  /// Requests that a servo refused with an error.
  public var refusals: UInt64 = 0

  @_noLocks
  public init() {}

  /// Everything that went wrong, in the order of a table: kind and count.
  public var table: [(kind: String, count: UInt64)] {
    [
      ("timeout", timeouts), ("checksum", checksum), ("short", short), ("length", length), ("foreign id", foreign),
      ("echo", echoes), ("stale", stale), ("late", late), ("duplicate", duplicates),
      ("garbage bytes", garbageBytes),
      ("retry", retries), ("refused", refusals),
    ]
  }
}
