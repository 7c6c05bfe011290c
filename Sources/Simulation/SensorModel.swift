import ArmModel
import Numerics

/// What becomes of measurements on their way: noise, rounding, and packets that are lost, so that the last one still
/// counts and grows old.
struct SensorModel: ~Copyable {
  /// position, velocity, effort, age per joint.
  private let held: UnsafeMutablePointer<Double>
  private let lastJoint: Int
  private var positionNoise = 0.0
  private var velocityNoise = 0.0
  private var loss = 0.0
  private var noise: RandomStream
  private var statusLoss: RandomStream
  private var commandLoss: RandomStream
  /// No status is lost until the first since the reset has arrived.
  private var arrived: Bool

  /// Starts the streams of noise and losses anew.
  @_noLocks
  mutating func restart(from stream: RandomStream) {
    var source = stream
    noise = source.fork()
    statusLoss = source.fork()
    commandLoss = source.fork()
  }

  init(joints: Int, values: PerturbationValues, seed: UInt64) {
    lastJoint = joints - 1
    held = .allocate(capacity: 4 * joints)
    held.initialize(repeating: 0, count: 4 * joints)
    noise = RandomStream(seed: seed, name: "simulation.sensor-noise")
    statusLoss = RandomStream(seed: seed, name: "simulation.lost-status")
    commandLoss = RandomStream(seed: seed, name: "simulation.lost-command")
    arrived = false
    set(values)
  }

  /// How much noise there is and how much is lost.
  @_noLocks
  mutating func set(_ values: PerturbationValues) {
    positionNoise = values[.sensorNoise]
    velocityNoise = values[.velocityNoise]
    loss = values[.droppedPackets]
  }

  deinit { held.deallocate() }

  @_noLocks
  mutating func reset() { arrived = false }

  /// Whether the command just given never reaches the arm.
  @_noLocks
  mutating func commandIsLost() -> Bool { loss > 0 && commandLoss.uniform() < loss }

  /// One joint's new status, or the old one if it is lost.
  @_noLocks
  mutating func measure(
    _ joint: Int, history: borrowing StatusHistory, drive: JointDrive, period: Double
  ) {
    let base = 4 * joint
    // Drawn in any case, so that a loss does not shift the noise of later readings.
    let positionError = positionNoise > 0 ? positionNoise * noise.normal() : 0
    let velocityError = velocityNoise > 0 ? velocityNoise * noise.normal() : 0
    let lost = loss > 0 && statusLoss.uniform() < loss && arrived
    if joint == lastJoint { arrived = true }
    guard !lost else {
      held[base + 3] += period
      return
    }
    let position = history.arriving(joint, 0) + positionError
    let velocity = history.arriving(joint, 1) + velocityError
    held[base] = drive.isServo ? drive.servo.quantised(position) : position
    held[base + 1] = drive.isServo ? drive.servo.quantisedVelocity(velocity) : velocity
    held[base + 2] = history.arriving(joint, 2)
    held[base + 3] = 0
  }

  @_noLocks
  func position(_ joint: Int) -> Double { held[4 * joint] }
  @_noLocks
  func velocity(_ joint: Int) -> Double { held[4 * joint + 1] }
  @_noLocks
  func effort(_ joint: Int) -> Double { held[4 * joint + 2] }
  /// Since the last status that arrived, s.
  @_noLocks
  func age(_ joint: Int) -> Double { held[4 * joint + 3] }
}
