import ArmModel

/// What the core wants of the arm's torque in a tick.
public enum PowerRequest: UInt8, Sendable, BitwiseCopyable {
  /// Nothing: leave it as it is.
  case keep = 0
  /// Take the next step towards torque on.
  case energise = 1
  /// Torque off, now.
  case release = 2

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: PowerRequest, b: PowerRequest) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: PowerRequest, b: PowerRequest) -> Bool { a.rawValue != b.rawValue }
}

/// What a person may want to know and nothing has to be done about.
public struct Notices: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The policy has proposed the very same goal for a second.
  public static var policyFrozen: Notices { @_noLocks get { Notices(rawValue: 1) } }
  /// A joint's datum is older than three periods: the policy's input is frozen and the core brakes.
  public static var observationOld: Notices { @_noLocks get { Notices(rawValue: 2) } }
  /// A measured value leapt further than the joint can move; it was not believed.
  public static var measurementRejected: Notices { @_noLocks get { Notices(rawValue: 4) } }
  /// A joint stands outside its limits and is moved inward only.
  public static var outsideLimits: Notices { @_noLocks get { Notices(rawValue: 8) } }

  @_noLocks
  func adding(_ other: Notices) -> Notices { Notices(rawValue: rawValue | other.rawValue) }
  /// Whether a notice is in the set.
  @_noLocks
  public func has(_ other: Notices) -> Bool { rawValue & other.rawValue != 0 }
}

/// What the core decided: the command, or silence, and why.
public struct Decision: Sendable, BitwiseCopyable {
  /// Whether `command` is to be written; otherwise nothing may be written in this tick.
  public var writes: Bool
  /// The only command that may reach the arm.
  public var command: JointCommand
  /// What is to be done with the arm's torque, before the command.
  public var power: PowerRequest
  /// The share of the arm's torque that the servos may use, 0 … 1; less than 1 while a collision is damped.
  public var torqueShare: Double
  /// The state the core is in now.
  public var state: SafetyState
  /// Who moves the arm now.
  public var source: CommandSource
  /// Conditions that are active in this tick.
  public var active: ConditionSet
  /// Conditions that are latched until a reset.
  public var latched: ConditionSet
  /// Which joints the active and latched conditions are about.
  public var joints = ConditionJoints()
  /// The worst stop class in force.
  public var stopClass: StopClass
  /// What was done to the proposal.
  public var alterations: Alterations
  /// One bit per joint that was altered.
  public var alteredJoints: UInt16
  /// What a person may want to know.
  public var notices: Notices
  /// Requests of this tick that were not granted.
  public var refused: OperatorRequests
  /// Why the first of them was not granted.
  public var refusal: RefusalReason

  /// Nothing written, nothing refused.
  @_noLocks
  init(
    command: JointCommand, state: SafetyState, active: ConditionSet, latched: ConditionSet, stopClass: StopClass,
    notices: Notices
  ) {
    writes = false
    self.command = command
    power = .keep
    torqueShare = 1
    self.state = state
    source = .none
    self.active = active
    self.latched = latched
    self.stopClass = stopClass
    alterations = Alterations(rawValue: 0)
    alteredJoints = 0
    self.notices = notices
    refused = OperatorRequests(rawValue: 0)
    refusal = .none
  }
}
