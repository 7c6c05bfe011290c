/// What a person, a signal handler or the episode logic asks of the core in one tick.
///
/// Requests act once, in the tick that carries them. Which of them count depends on where they come from:
/// `SafetyInputs.requests` are those of the local operator, `remoteRequests` those that came over a network.
public struct OperatorRequests: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt16
  @_noLocks
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// Nothing.
  public static var none: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 0) } }
  /// Leave `disarmed`: torque on at the measured pose, and hold it.
  public static var arm: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 1) } }
  /// Give the policy authority.
  public static var start: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 2) } }
  /// Stop and hold. Accepted from anybody in any state.
  public static var stop: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 4) } }
  /// Leave a latched fault or an emergency stop, if its cause is gone.
  public static var reset: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 8) } }
  /// The source gives its authority back (the end of an episode): come to rest and hold.
  public static var yield: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 16) } }
  /// Come to rest, go to the park pose, then switch torque off.
  public static var park: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 32) } }
  /// Come to rest, then switch torque off where the arm stands; also cuts a parking short.
  public static var disarm: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 64) } }
  /// Torque off at once, whatever the arm does; latched as an emergency stop. The arm may fall.
  public static var release: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 128) } }
  /// From rest go to `SafetyInputs.destination`, slowly and within every limit, and hold there.
  public static var move: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 256) } }
  /// A person takes the policy's authority without moving a stick (a leader arm, a keyboard); enable must be held.
  public static var takeOver: OperatorRequests { @_noLocks get { OperatorRequests(rawValue: 512) } }

  /// This set with more requests.
  @_noLocks
  public func adding(_ other: OperatorRequests) -> OperatorRequests {
    OperatorRequests(rawValue: rawValue | other.rawValue)
  }
  @_noLocks
  func has(_ other: OperatorRequests) -> Bool { rawValue & other.rawValue != 0 }
}
