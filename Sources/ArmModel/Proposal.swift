/// Who a motion comes from.
public enum CommandSource: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Nobody: the arm is not commanded, or holds.
  case none = 0
  /// A policy.
  case policy = 1
  /// A person (gamepad, keyboard, leader arm).
  case person = 2
  /// A blend of an old and a new source during a hand-over.
  case blend = 3
  /// The safety core itself: a stop, a hold, a park.
  case stop = 4

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: CommandSource, b: CommandSource) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: CommandSource, b: CommandSource) -> Bool { a.rawValue != b.rawValue }

  /// The name used in logs and on the terminal.
  public var name: String {
    switch self {
    case .none: "none"
    case .policy: "policy"
    case .person: "person"
    case .blend: "blend"
    case .stop: "stop"
    }
  }
}

/// What a policy or a person would like the arm to do. It moves nothing: the safety core decides.
///
/// The stamp is the proposal's heartbeat: a source that hangs shows by its age.
public struct Proposal: Sendable, BitwiseCopyable {
  public var source: CommandSource
  public var mode: CommandMode
  /// One goal per joint, in the unit of `mode`; may hold anything, finite or not, until the core has looked at it.
  public var goal: JointVector
  /// Monotonic time at which the source made it, ns.
  public var stamp: Int64

  @_noLocks
  public init(source: CommandSource, mode: CommandMode, goal: JointVector, stamp: Int64) {
    self.source = source
    self.mode = mode
    self.goal = goal
    self.stamp = stamp
  }
}
