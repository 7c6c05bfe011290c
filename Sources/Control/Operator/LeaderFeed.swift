import ArmModel
import RealTime

/// What a leader arm's joints say, as the arm that follows should be: plain bytes, made by whoever reads the leader, taken by
/// the control thread.
///
/// The value does not age by itself: the control thread compares `stamp` with its clock, because a reader that hangs leaves
/// its last value behind.
public struct LeaderReading: Sendable, BitwiseCopyable {
  /// The pose that the leader stands for, rad, in the joint order of the arm that follows.
  public var pose: JointVector
  /// Monotonic time of the oldest joint's datum, ns.
  public var stamp: Int64
  /// Whether the leader's port is open and all of its joints have been read.
  public var isPresent: Bool

  /// Nothing read yet.
  @_noLocks
  public init(count: Int) {
    pose = JointVector(repeating: 0, count: count)
    stamp = 0
    isPresent = false
  }

  /// This reading as it counts at `now` (ns): where a joint has not been heard for `limit` ns, the leader is gone.
  @_noLocks
  public func current(at now: Int64, limit: Int64 = 100_000_000) -> LeaderReading {
    if now &- stamp <= limit { return self }
    var gone = self
    gone.isPresent = false
    return gone
  }
}

/// Where the control thread finds a leader arm. A trivial pointer, so that it counts no references; what it leads to must
/// outlive the loop.
public enum LeaderFeed: @unchecked Sendable, BitwiseCopyable {
  // Unchecked: a triple buffer has one reader, the control thread.
  /// There is none: sticks move the arm.
  case nobody
  /// The newest reading of a leader that another thread reads.
  case live(UnsafeMutablePointer<TripleBuffer<LeaderReading>>)

  /// What the leader says at `now` (ns); nil where there is no leader to follow.
  @_noLocks
  func look(at now: Int64) -> LeaderReading? {
    switch self {
    case .nobody: return nil
    case .live(let buffer): return buffer.pointee.latest().current(at: now)
    }
  }
}
