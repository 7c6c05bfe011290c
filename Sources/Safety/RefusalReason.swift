/// Why a request was not granted. The raw value is the number in logs: never reuse one.
public enum RefusalReason: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Nothing was refused.
  case none = 0
  /// It came over a network.
  case notLocal = 1
  /// The arm's state was not read in this tick.
  case notRead = 2
  /// A condition is active.
  case conditionActive = 3
  /// A fault is latched.
  case faultLatched = 4
  /// The arm is not armed.
  case notArmed = 5
  /// The arm is being stopped.
  case stopping = 6
  /// The arm is in motion, or somebody has authority over it.
  case inMotion = 7
  /// The policy has proposed nothing yet.
  case noProposal = 8
  /// The proposal cannot be executed.
  case proposalUnusable = 9
  /// Enable is not held, or was not pressed anew.
  case enableNotHeld = 10
  /// Enable is held although it must not be.
  case enableHeld = 11
  /// Enable has not been released for a second yet.
  case enableJustReleased = 12
  /// A stick is not at rest.
  case sticksNotNeutral = 13
  /// The operator's device is not there.
  case operatorAbsent = 14
  /// The person who took over has to release enable first.
  case releaseFirst = 15
  /// A joint stands outside its limits.
  case outsideLimits = 16
  /// The pose is not finite or has another number of joints.
  case poseUnusable = 17
  /// Only an arm that takes positions can do that.
  case needsPositions = 18
  /// There is nothing to reset.
  case nothingLatched = 19
  /// The cause of the fault is still there.
  case causeActive = 20
  /// Nobody has authority that could be taken over.
  case nobodyInAuthority = 21

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: RefusalReason, b: RefusalReason) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: RefusalReason, b: RefusalReason) -> Bool { a.rawValue != b.rawValue }

  /// What is wrong and what to do about it, for a person.
  public var text: String {
    switch self {
    case .none: "nothing was refused"
    case .notLocal: "over a network an arm can be stopped and nothing else; ask at the arm itself"
    case .notRead: "the arm's state could not be read; check cable and power"
    case .conditionActive: "something is wrong with the arm or its operator; see the conditions beside this"
    case .faultLatched: "a fault is latched; see to its cause, then reset"
    case .notArmed: "the arm is not armed; arm it first"
    case .stopping: "the arm is being stopped; ask again once it holds"
    case .inMotion: "the arm is in motion; stop it first"
    case .noProposal: "the policy has not proposed anything yet; wait for its first answer"
    case .proposalUnusable:
      "the proposal is not finite, not complete, too old or far outside the arm's limits; check the policy with "
        + "'sinew policy eval'"
    case .enableNotHeld: "enable is not held; release it, let the sticks go, and press it anew"
    case .enableHeld: "enable is held or stuck; release it first"
    case .enableJustReleased: "enable must have been released for a second; wait a moment"
    case .sticksNotNeutral: "a stick is not at rest; let the sticks go, or calibrate their dead zone"
    case .operatorAbsent: "the operator's device is not there; plug it in or switch it on"
    case .releaseFirst: "a person has taken over; release enable, press it anew, then start"
    case .outsideLimits: "a joint stands outside its limits; jog it inward first"
    case .poseUnusable: "the pose is not finite or has another number of joints than the arm"
    case .needsPositions: "an arm of torque motors cannot be sent to a pose"
    case .nothingLatched: "there is no fault to reset"
    case .causeActive: "the cause of the fault is still there; see to it, then reset"
    case .nobodyInAuthority: "no policy moves the arm, so there is nothing to take over"
    }
  }
}
