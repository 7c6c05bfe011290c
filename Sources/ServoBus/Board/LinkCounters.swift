/// What has passed on the line to a board and what has gone wrong there since it was opened, by kind. All counts only grow.
public struct LinkCounters: Sendable, BitwiseCopyable, Equatable {
  /// Frames sent (repetitions included).
  public var sent: UInt64 = 0
  /// Good frames of a board.
  public var received: UInt64 = 0
  /// Setpoints sent.
  public var setpoints: UInt64 = 0
  /// STATE frames believed.
  public var states: UInt64 = 0
  /// Answers that did not come in time.
  public var timeouts: UInt64 = 0
  /// Frames with a wrong CRC: damaged, or of a board with another version of the protocol.
  public var checksum: UInt64 = 0
  /// Frames broken off, or shorter than any message.
  public var framing: UInt64 = 0
  /// Frames longer than any message.
  public var oversize: UInt64 = 0
  /// Frames of the right form whose payload is none of the message.
  public var malformed: UInt64 = 0
  /// Frames of a host: our own, come back.
  public var echoes: UInt64 = 0
  /// Answers that nobody waits for any more.
  public var stale: UInt64 = 0
  /// STATE frames that are missing by their sequence.
  public var gaps: UInt64 = 0
  /// Requests sent again.
  public var retries: UInt64 = 0
  /// What the board refused.
  public var refusals: UInt64 = 0

  @_noLocks
  public init() {}

  /// Adds what was counted before the line was opened again: counts only grow.
  @_noLocks
  mutating func add(_ earlier: LinkCounters) {
    sent &+= earlier.sent
    received &+= earlier.received
    setpoints &+= earlier.setpoints
    states &+= earlier.states
    timeouts &+= earlier.timeouts
    checksum &+= earlier.checksum
    framing &+= earlier.framing
    oversize &+= earlier.oversize
    malformed &+= earlier.malformed
    echoes &+= earlier.echoes
    stale &+= earlier.stale
    gaps &+= earlier.gaps
    retries &+= earlier.retries
    refusals &+= earlier.refusals
  }

  /// Frames that came damaged, of whatever kind.
  public var damaged: UInt64 { @_noLocks get { checksum &+ framing &+ oversize &+ malformed } }

  /// Everything, in the order of a table: kind and count.
  public var table: [(kind: String, count: UInt64)] {
    [
      ("sent", sent), ("received", received), ("setpoint", setpoints), ("state", states), ("timeout", timeouts),
      ("checksum", checksum), ("framing", framing), ("oversize", oversize), ("malformed", malformed),
      ("echo", echoes), ("stale", stale), ("missing state", gaps), ("retry", retries), ("refused", refusals),
    ]
  }
}
