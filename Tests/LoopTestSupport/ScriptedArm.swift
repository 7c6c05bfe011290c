import ArmModel

/// An arm without physics: its joints are where the last command sent them, at once, and its failures are written in a
/// script. It keeps what was asked of it.
public struct ScriptedArm: ~Copyable, Arm {
  /// What came over the wire.
  public struct Write: Sendable {
    /// The number of the read before it, from 0.
    public var tick: Int
    public var mode: CommandMode
    public var goal: [Double]
    public var stamp: Int64
  }

  public let jointCount: Int
  /// Failures by the number of the read, from 0.
  public var readFailures: [Int: ArmError.Code] = [:]
  /// Failures by the number of the read before the write.
  public var writeFailures: [Int: ArmError.Code] = [:]
  /// Positions that a read gives instead of the true ones.
  public var measuredInstead: [Int: [Double]] = [:]
  /// Where the joints are, rad, and how fast they report to be, rad/s.
  public var position: [Double]
  public var velocity: [Double]
  /// What the arm says of its torque and of its servos.
  public var power = ArmPower.on
  public var health: ArmHealth
  /// How often torque was asked for, and how often it was to go.
  public private(set) var energiseCount = 0
  public private(set) var releaseCount = 0
  /// The steps after which torque is on.
  public var energiseSteps = 1
  /// Reads so far, failed ones included.
  public private(set) var readCount = 0
  /// Commands that arrived, and all that were tried.
  public private(set) var writes: [Write] = []
  public private(set) var attemptCount = 0

  public init(position: [Double]) {
    jointCount = position.count
    self.position = position
    velocity = position.map { _ in 0 }
    health = ArmHealth(count: position.count)
  }

  /// The goals that arrived.
  public var goals: [[Double]] { writes.map(\.goal) }

  public mutating func read(into state: inout JointState, now: Int64) throws(ArmError) {
    defer { readCount += 1 }
    if let code = readFailures[readCount] { throw ArmError(code, reason: "the script says so") }
    state.position = JointVector(measuredInstead[readCount] ?? position)
    state.velocity = JointVector(velocity)
    state.present = [.position, .velocity]
    state.stamp = now
  }

  public mutating func energise(now: Int64) throws(ArmError) {
    energiseCount += 1
    power = energiseCount < energiseSteps ? .energising : .on
  }

  public mutating func release(now: Int64) throws(ArmError) {
    releaseCount += 1
    power = .off
  }

  public mutating func write(_ command: JointCommand) throws(ArmError) {
    attemptCount += 1
    if let code = writeFailures[readCount - 1] { throw ArmError(code, reason: "the script says so") }
    writes.append(
      Write(tick: readCount - 1, mode: command.mode, goal: command.goal.array, stamp: command.stamp))
    if command.mode == .position { position = command.goal.array }
  }
}
