import ArmModel
import Recording

/// What a run asks of an arm that stands in a room, besides reading and commanding it. `busRecord`, `crashFrame`, `torque`
/// and `heldGoal` are for the tick, the rest is not.
protocol PhysicalArm: Arm, ~Copyable {
  /// How the bus and the servos are now; the stamp is the caller's.
  var busRecord: BusRecord { get }
  /// Where a handler of crashes writes; -1 for nowhere.
  var descriptor: Int32 { get }
  /// What it writes there if the program dies now; valid until the arm's next call.
  var crashFrame: UnsafeBufferPointer<UInt8> { get }
  /// Opens the port again after it was lost; the arm is then as after connecting: read, not commanded.
  mutating func reopen() throws(SessionError)
  /// What the servos have said of their torque, whoever switched it on.
  var torque: JointTorque { get }
  /// Where the servos' goals are, rad: the last ones written, or those that were found in them.
  var heldGoal: JointVector { get }
  /// Whether a servo was found under torque at the last connection.
  var wasFoundHolding: Bool { get }
  /// Whether the servos themselves answer; else only their controller board does, and tells what it puts out.
  static var servosAnswer: Bool { get }
  /// Ends under torque or without, and confirms it by reading back. At most until `deadline` (monotonic ns).
  mutating func conclude(holding: Bool, deadline: Int64) throws(SessionError)
}

extension PhysicalArm where Self: ~Copyable {
  static var servosAnswer: Bool { true }
}
