/// Why an arm could not be read or commanded. Plain data: made and thrown on the control thread without allocation;
/// the text is composed later, off it.
public struct ArmError: Error, Sendable, BitwiseCopyable {
  /// The kinds of failure.
  public enum Code: UInt8, Sendable, BitwiseCopyable {
    /// The simulator's state left the finite numbers, or its solver or memory gave up.
    case diverged = 1
    /// The reading or the command has another number of joints than the arm.
    case jointCountMismatch = 2
    /// A command held a number that is not finite; it was not applied.
    case commandNotFinite = 3
    /// The command's mode is not one that this arm has.
    case unsupportedMode = 4
    /// The transport to the arm is gone.
    case disconnected = 5
    /// No answer within the time allowed.
    case timedOut = 6
    /// The engine or device reported a failure of its own; see `detail`.
    case internalFailure = 7
    /// A goal is outside what the joint or its servo can be sent to; it was not sent.
    case outOfRange = 8
    /// The joints are not under torque, so that a goal would go nowhere, or would switch torque on by itself.
    case notEnergised = 9
    /// A servo does not have what was written to it.
    case notConfirmed = 10
  }

  public let code: Code
  /// The joint it concerns, or -1.
  public let joint: Int
  /// A fixed explanation.
  public let reason: StaticString
  /// A number that tells more (a warning index, an errno, a time in ms), or 0.
  public let detail: Int

  @_noLocks
  public init(_ code: Code, joint: Int = -1, detail: Int = 0, reason: StaticString) {
    self.code = code
    self.joint = joint
    self.detail = detail
    self.reason = reason
  }
}

extension ArmError: CustomStringConvertible {
  public var description: String {
    var text = "\(reason)"
    if joint >= 0 { text += " (joint \(joint))" }
    if detail != 0 { text += " [\(detail)]" }
    return text
  }
}

/// An arm on the control thread: read it, command it. Simulation and hardware differ only in what stands behind this.
///
/// Conformers are `~Copyable` owners whose `read` and `write` are real-time safe (marked `@_noLocks`) after start-up:
/// no allocation, no lock, no blocking beyond the bus transaction itself.
public protocol Arm: ~Copyable {
  /// Number of joints that are measured and commanded.
  var jointCount: Int { get }
  /// Reads the arm's state at `now` (monotonic ns) into `state`, whose count equals `jointCount`.
  /// A simulated arm first advances its physics by the control period if a command was written since the last read.
  mutating func read(into state: inout JointState, now: Int64) throws(ArmError)
  /// Sends a command. A command that is refused changes nothing.
  mutating func write(_ command: JointCommand) throws(ArmError)

  /// Whether the joints are under torque, as last confirmed.
  var power: ArmPower { get }
  /// What the servos report of themselves.
  var health: ArmHealth { get }
  /// One bounded step of the sequence that switches torque on, in the tick's time: the goal becomes the measured
  /// position, limits and watchdog are set and read back, torque comes last. Called in every tick until `power` is on.
  mutating func energise(now: Int64) throws(ArmError)
  /// Puts torque-off on the wire at once, for all joints. The caller repeats it until `power` is off.
  mutating func release(now: Int64) throws(ArmError)
}
