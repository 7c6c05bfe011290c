import ArmModel

/// Everything the core looks at in one tick.
public struct SafetyInputs: Sendable, BitwiseCopyable {
  /// What the local operator (gamepad, command line, signal, episode logic) asks for in this tick.
  public var requests: OperatorRequests
  /// What is asked for over a network: only `stop` is heard, everything else is refused.
  public var remoteRequests: OperatorRequests
  /// The operator's device.
  public var person: OperatorState
  /// Whether the external emergency-stop input is open.
  public var externalStop: Bool
  /// The newest state that was read.
  public var joints: JointState
  /// Whether this tick's read gave a state.
  public var readSucceeded: Bool
  /// Whether the arm reported a failure that it cannot go on from.
  public var armFailed: Bool
  /// Whether the last command could not be written.
  public var writeFailed: Bool
  /// Whether the joints are under torque, as last confirmed.
  public var power: ArmPower
  /// What the servos report of themselves.
  public var health: ArmHealth
  /// The goal in the servos' own registers, rad, for an arm that is found under torque; no joints where it is unknown.
  public var servoGoal: JointVector
  /// What the bus counted since the last tick.
  public var bus: BusCounts
  /// The policy's proposal; `source` none if there has been none.
  public var proposal: Proposal
  /// The person's proposal; `source` none if there has been none.
  public var personProposal: Proposal
  /// Where a requested move goes, rad; looked at in the tick that carries the request.
  public var destination: JointVector
  /// How late the tick began, ns.
  public var lateness: Int64
  /// Time since the previous tick began, ns; 0 for the first.
  public var sincePrevious: Int64
  /// How long the machine has been suspended since it was started, ns: the boot clock less the monotonic clock.
  public var suspended: Int64

  /// Inputs in which nothing has happened yet, for an arm of `count` joints.
  @_noLocks
  public init(count: Int, mode: CommandMode) {
    requests = .none
    remoteRequests = .none
    person = OperatorState()
    externalStop = false
    joints = JointState(count: count)
    readSucceeded = false
    armFailed = false
    writeFailed = false
    power = .on
    health = ArmHealth(count: count)
    servoGoal = JointVector(repeating: 0, count: 0)
    bus = BusCounts()
    proposal = Proposal(
      source: .none, mode: mode, goal: JointVector(repeating: 0, count: count), stamp: 0)
    personProposal = proposal
    destination = JointVector(repeating: .nan, count: count)
    lateness = 0
    sincePrevious = 0
    suspended = 0
  }
}
