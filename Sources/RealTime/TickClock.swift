import CSystem

/// The time a control loop lives in: the machine's monotonic clock, or a virtual one that moves only when told.
///
/// With the virtual clock a run is deterministic and as fast as the machine; with the monotonic clock it is paced.
/// The loop is one code path for both. A virtual clock starts at 0. Real-time safe.
public struct TickClock: Sendable, BitwiseCopyable {
  /// Whether time moves by itself.
  public enum Kind: UInt8, Sendable, BitwiseCopyable {
    /// CLOCK_MONOTONIC.
    case monotonic
    /// Moves to the deadline of each sleep, at once.
    case virtual
  }

  public let kind: Kind
  private var virtualNow: Int64 = 0

  @_noLocks
  public init(_ kind: Kind) { self.kind = kind }

  /// Nanoseconds.
  @_noLocks
  public func now() -> Int64 {
    kind == .monotonic ? sinew_now_ns() : virtualNow
  }

  /// Returns at `deadline` (ns), at once if it has passed. `spin` ns of the wait are spent awake, so that the kernel's
  /// wake-up latency does not show; 0 sleeps to the end.
  @_noLocks
  public mutating func sleep(until deadline: Int64, spinning spin: Int64 = 0) {
    if kind == .monotonic {
      // The only failures are an invalid clock or argument, which cannot happen here.
      _ = spin > 0 ? sinew_sleep_until_spinning_ns(deadline, spin) : sinew_sleep_until_ns(deadline)
    } else if deadline > virtualNow {
      virtualNow = deadline
    }
  }

  /// Moves a virtual clock on by `nanoseconds`, as a test or a simulated delay wants; no effect on the monotonic clock.
  @_noLocks
  public mutating func advance(by nanoseconds: Int64) {
    virtualNow &+= nanoseconds
  }
}
