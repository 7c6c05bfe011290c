/// What a trial found.
public struct TrialResult: Sendable, Equatable {
  /// The protocol and the way of reading: "feetech sync".
  public var bus: String
  public var fault: TrialFault
  public var cycles = 0
  /// Cycles in which every servo answered.
  public var complete = 0
  /// Answers given up, retries and counts of the bus master.
  public var lost: UInt64 = 0
  public var retries: UInt64 = 0
  /// Frames seen with a wrong check value, or cut short.
  public var damaged: UInt64 = 0
  /// Answers thrown away because they are to an earlier request, or could be.
  public var stale: UInt64 = 0
  /// Answers after their time-out, within their cycle.
  public var late: UInt64 = 0
  public var duplicates: UInt64 = 0
  /// Values accepted that no servo said although their frame checks out: the 8-bit sum lets such through.
  public var collisions = 0
  /// Those among them that a plausibility filter on the values lets pass although they are off by more than its bound.
  public var implausible = 0
  /// Values accepted that the servo had said before the time they are stamped with.
  public var older = 0
  /// The latest end of a cycle behind its deadline, ns; 0: none was late.
  public var overrun: Int64 = 0
  /// The longest time from a fault's end to a whole cycle, in cycles; 1: the first cycle was whole.
  public var recovery = 0
  /// Calls to the system per cycle.
  public var systemCalls = 0.0

  /// Part of the cycles that were complete.
  public var completeness: Double { cycles == 0 ? 0 : Double(complete) / Double(cycles) }

  /// What must hold on every bus: no wrong value (but those that an 8-bit sum lets through, which the filter rejects),
  /// no datum older than its stamp, no cycle beyond its deadline by more than a few calls, recovery within two cycles.
  /// On a line beyond use only a CRC and the deadline still have to hold.
  public var holds: Bool {
    let isCRCBelieved = collisions == 0 || bus.hasPrefix("feetech")
    guard isCRCBelieved, overrun <= 50_000 else { return false }
    return fault.isBeyondUse || implausible == 0 && older == 0 && recovery <= 2
  }
}
