/// How a step ended and what was done to it.
public struct TransitionFlags: OptionSet, Sendable, BitwiseCopyable {
  /// The bits.
  public let rawValue: UInt8
  /// Flags from bits.
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The task ended (no value beyond this step).
  public static var terminated: TransitionFlags { @_noLocks get { TransitionFlags(rawValue: 1) } }
  /// The time ended (the value goes on beyond this step).
  public static var truncated: TransitionFlags { @_noLocks get { TransitionFlags(rawValue: 2) } }
  /// The task's goal was met.
  public static var success: TransitionFlags { @_noLocks get { TransitionFlags(rawValue: 4) } }
  /// Safety changed the proposal.
  public static var altered: TransitionFlags { @_noLocks get { TransitionFlags(rawValue: 8) } }
  /// A person had a hand in the command.
  public static var intervention: TransitionFlags { @_noLocks get { TransitionFlags(rawValue: 16) } }
}
