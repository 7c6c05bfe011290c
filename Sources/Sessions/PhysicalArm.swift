import ArmModel
import Recording

/// What a run asks of an arm that stands in a room, besides reading and commanding it. Nothing here but `busRecord` is for
/// the tick.
protocol PhysicalArm: Arm, ~Copyable {
  /// How the bus and the servos are now; the stamp is the caller's.
  var busRecord: BusRecord { get }
  /// The bytes that switch every servo's torque off, and where they go, for the handler of crashes; -1 for nowhere.
  var crashStop: (descriptor: Int32, frame: [UInt8]) { get }
  /// Opens the port again after it was lost; the arm is then as after connecting: read, not commanded.
  mutating func reopen() throws(SessionError)
  /// Ends as the exit policy says, and confirms it by reading back: torque off, or holding. At most until `deadline`
  /// (monotonic ns).
  mutating func conclude(deadline: Int64) throws(SessionError)
}
