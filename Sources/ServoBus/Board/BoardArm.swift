import ArmModel
import ServoWire

/// An arm of hobby servos behind a controller board that speaks our firmware protocol.
///
/// `connect` says HELLO, refuses a board of another version, pushes the joints' limits and reads them back, and compares
/// the clocks; it switches nothing on. `energise`, called once a tick, brings the arm to on by the board's own sequence
/// (CLEAR where something is latched, ARM, a first SETPOINT where the outputs come on); `release` disarms.
///
/// **What the state says, and what it does not.** Hobby servos answer nothing. `JointState` has the pulses that the board
/// puts out, behind its limiter, as positions, and their change as velocities; the flag `commanded` says so. While no
/// pulses are put out it has the pulses with which they would begin: the park pose. Where the joints are, nobody knows:
/// - Tracking error and obstruction compare the goal with the board's limiter: they show a board that lags or stands, not
///   a joint that is held up. A stall is not seen at all, there is no effort and no temperature.
/// - A board that measures positions (`Capabilities.feedback`) says them in its converter's units, for which a calibration
///   has no place: they are not read.
/// - When torque comes on, each servo goes to the park pose at its own full speed: the arm must stand there before.
/// - Standstill and drift while arming cannot be violated by gravity, only by the board.
/// - A supply outside its limits, the emergency stop, a fault of the board and its watchdog are seen, for all joints at
///   once (`health`).
///
/// One tick is one exchange: `write` sends a SETPOINT, and `read` takes the STATE that answered it, waiting for it at most
/// as long as its bytes need. Without a SETPOINT before, `read` asks. Each datum's age comes from the board's own stamp,
/// by clocks that are compared all the time.
///
/// When the host falls silent the board holds after `ttl_max_ms` and switches off after `off_ms`, by itself.
/// Real-time safe: `read`, `write`, `power`, `health`, `energise` and `release`.
public struct BoardArm: ~Copyable, Arm {
  public let jointCount: Int
  /// What it was connected as.
  public let configuration: ServoArmConfiguration
  /// What was found at the last connection.
  public internal(set) var report: BoardReport

  let description: BoardDescription
  /// Where it was opened; nil when a transport was handed over.
  let path: String?
  var port: BoardPort
  let period: Int64
  let usedChannels: UInt16
  let channelCount: Int
  /// Joints in joint order, and joint indices in the order of their channels.
  var joints = InlineArray<16, BoardJoint>(repeating: BoardJoint())
  var order = InlineArray<16, Int>(repeating: 0)

  var isGone = false
  /// Whether this arm's sequence has brought the outputs on, and neither `release` nor the board has ended it in a way
  /// that was noticed and answered.
  var isEnergised = false
  var sequence = ArmingSequence.none
  var sequenceBegin: Int64 = 0
  var requestSent: Int64 = 0
  var requestAttempts = 0
  var setpointAttempts = 0
  var refusalsSeen = 0
  var failure: BoardFailure?
  /// DISARM was sent, and torque has not been asked for since.
  var isReleasing = false
  /// A SETPOINT was sent and its STATE has not come.
  var setpointSent = Int64.min
  var clockAsked = Int64.min
  /// The newest STATE as positions, and the one before for the speed.
  var position: JointVector
  var velocity: JointVector
  var stamp = Int64.min
  var previousBoardTime: UInt32 = 0
  var hasReading = false
  /// The pulses that the joints were sent to last.
  var goals = InlineArray<16, Int>(repeating: 0)
  var storedPower = ArmPower.unknown
  var storedHealth: ArmHealth
  let crash: BoardCrashFrame

  init(
    _ port: consuming BoardPort, _ description: BoardDescription, _ report: BoardReport, path: String?
  ) {
    jointCount = description.joints.count
    configuration = description.configuration
    self.description = description
    self.report = report
    self.path = path
    self.port = port
    period = description.configuration.controlPeriod
    usedChannels = description.usedChannels
    channelCount = report.channels
    for (index, joint) in description.joints.enumerated() { joints[index] = joint }
    let sorted = description.joints.indices.sorted { description.joints[$0].channel < description.joints[$1].channel }
    for (place, index) in sorted.enumerated() { order[place] = index }
    position = JointVector(repeating: 0, count: description.joints.count)
    velocity = position
    storedHealth = ArmHealth(count: description.joints.count)
    crash = BoardCrashFrame()
    adoptReading()
  }

  deinit { crash.deallocate() }

  /// The open file of the port: for a crash handler, which writes `crashFrame` to it.
  public var descriptor: Int32 { @_noLocks get { port.transport.descriptor } }

  /// What a crash handler writes to `descriptor` if the program dies now: while the arm is held STOP, so that the board
  /// holds until its second watchdog stage switches off, or DISARMED by the crash policy `release`; nothing else. Without
  /// it the board does the same by its watchdog. Valid until the arm's next call.
  public var crashFrame: UnsafeBufferPointer<UInt8> { @_noLocks get { crash.content } }

  /// What has passed on the line.
  public var counters: LinkCounters { @_noLocks get { port.counters } }
  /// The board's clock against the host's.
  public var clock: BoardClock { @_noLocks get { port.clock } }
  /// The newest STATE of the board.
  public var reading: BoardReading { @_noLocks get { port.reading } }
  /// System calls on the port so far.
  public var systemCalls: UInt64 { @_noLocks get { port.transport.systemCalls } }

  public var power: ArmPower { @_noLocks get { storedPower } }
  public var health: ArmHealth { @_noLocks get { storedHealth } }

  /// Whether the board puts pulses out, for all joints at once; nothing once the line is gone.
  public var torque: JointTorque {
    @_noLocks get {
      guard hasReading, !isGone else { return JointTorque() }
      return JointTorque(isHeld(port.reading.message.state), count: jointCount)
    }
  }

  /// Where the arm is held: the goals of the last SETPOINT, or of an arm that was found holding the pulses put out.
  public var heldGoal: JointVector {
    @_noLocks get {
      var goal = position
      guard isEnergised else { return goal }
      for joint in 0..<jointCount { goal[joint] = joints[joint].position(Double(goals[joint])) }
      return goal
    }
  }

  /// The port is gone, or the board does not know us any more.
  @_noLocks
  mutating func lose(_ error: TransportError) -> ArmError {
    if error.code == .writeBlocked {
      return ArmError(.timedOut, detail: Int(error.errorNumber), reason: "the line to the board takes no more bytes")
    }
    forget()
    return gone(Int(error.errorNumber))
  }

  @_noLocks
  mutating func forget() {
    isGone = true
    isEnergised = false
    sequence = ArmingSequence.none
    storedPower = .unknown
    crash.leave()
  }

  @_noLocks
  func gone(_ detail: Int = 0) -> ArmError {
    ArmError(
      .disconnected, detail: detail, reason: "the line to the board is gone; check cable and power, then connect again")
  }

  /// Ends the use of a board that has started again, or belongs to another host.
  @_noLocks
  mutating func checkSession() throws(ArmError) {
    guard port.link.isSessionLost else { return }
    forget()
    throw ArmError(
      .disconnected,
      reason: "the board has started again, or another program has taken it; it is safe by itself; connect again")
  }
}

/// The steps of switching torque on.
enum ArmingSequence {
  static var none: UInt8 { @_noLocks get { 0 } }
  /// What is to be done follows from the board's state.
  static var look: UInt8 { @_noLocks get { 1 } }
  /// CLEAR is under way.
  static var clearing: UInt8 { @_noLocks get { 2 } }
  /// ARM is under way.
  static var arming: UInt8 { @_noLocks get { 3 } }
  /// ARMED, or HOLD and cleared: the first SETPOINTs.
  static var beginning: UInt8 { @_noLocks get { 4 } }
}

/// The bytes for a crash handler: two zeros that end whatever was on the wire, and one frame.
struct BoardCrashFrame: BitwiseCopyable {
  private let bytes: UnsafeMutablePointer<UInt8>
  private let count: UnsafeMutablePointer<Int>

  init() {
    bytes = .allocate(capacity: 100)
    bytes.initialize(repeating: 0, count: 100)
    count = .allocate(capacity: 1)
    count.initialize(to: 0)
  }

  var content: UnsafeBufferPointer<UInt8> {
    @_noLocks get { UnsafeBufferPointer(start: UnsafePointer(bytes), count: count.pointee) }
  }

  @_noLocks
  func set(_ frame: WireFrame) {
    frame.copy(to: bytes + 1)
    count.pointee = frame.count &+ 1
  }

  @_noLocks
  func leave() { count.pointee = 0 }

  func deallocate() {
    bytes.deallocate()
    count.deallocate()
  }
}
