import ArmModel
import ArmProfiles
import CSystem
import RealTime
import Safety
import ServoBus

/// A servo arm that a person who never tires moves to and fro at full speed, through the safety core as it is set up for a
/// real arm: read, decide, torque or goal, in real time.
///
/// Before `raise` the arm is without torque.
public struct DrivenArm: ~Copyable {
  /// Speed, acceleration and jerk of the motion: rad/s, rad/s², rad/s³.
  public static var speed: Double { 1 }
  public static var acceleration: Double { 50 }
  public static var jerk: Double { 10_000 }
  /// How far the joints go to either side of where they were found, rad.
  static var swing: Double { 0.4 }

  private var arm: ServoArm
  private var core: SafetyCore
  private var schedule: TickSchedule
  private let clock = TickClock(.monotonic)
  private var inputs: SafetyInputs
  private var middle: JointVector
  private var direction = 1.0
  private var isEnabled = false
  /// The decision of the last tick.
  public private(set) var decision: Decision
  /// When the last tick's bytes were on their way, ns.
  public private(set) var written: Int64 = 0
  /// The largest speed of the last run, rad/s.
  public private(set) var topSpeed = 0.0
  /// When the last tick began, ns.
  public private(set) var tickStart: Int64 = 0

  /// The core's limits: the profile's, with the motion's.
  static func limits(_ profile: ArmProfile) -> JointLimits {
    var limits = profile.limits
    for joint in 0..<limits.count {
      limits.velocity[joint] = min(limits.velocity[joint], speed)
      limits.acceleration[joint] = acceleration
      limits.jerk[joint] = jerk
    }
    return limits
  }

  /// An arm that is connected, with its core in `boot`.
  public init(_ arm: consuming ServoArm, profile: ArmProfile, period: Int64) {
    let count = arm.jointCount
    let configuration = SafetyConfiguration.hardware(
      limits: Self.limits(profile), mode: .position, period: period, proposalPeriod: 2 * period,
      parkPose: JointVector(repeating: 0, count: 0))
    core = SafetyCore(configuration)
    inputs = SafetyInputs(count: count, mode: .position)
    inputs.person.isPresent = true
    middle = JointVector(repeating: 0, count: count)
    schedule = TickSchedule(period: period)
    var copy = core
    decision = copy.step(inputs, now: 0)
    self.arm = arm
    schedule.start(at: clock.now())
  }

  /// How far a goal may be from what is measured, rad: what may be left when nobody writes any more.
  public var reach: Double { DrivenArm.speed * core.configuration.residualTime }
  /// The control period, ns.
  public var period: Int64 { schedule.period }

  /// The file descriptor of the arm's port.
  public var descriptor: Int32 { arm.descriptor }

  /// Waits for the tick's time, and runs it. The button is asked at the beginning of the tick, and so is nothing else.
  public mutating func tick(_ requests: OperatorRequests = .none, stopIsPressed: () -> Bool = { false }) {
    var clock = clock
    clock.sleep(until: schedule.nextDeadline)
    let now = clock.now()
    tickStart = now
    let timing = schedule.begin(at: now)
    inputs.lateness = timing.lateness
    inputs.sincePrevious = timing.sincePrevious
    inputs.requests = requests
    inputs.suspended = sinew_suspended_ns()
    do throws(ArmError) {
      try arm.read(into: &inputs.joints, now: now)
      inputs.readSucceeded = true
    } catch { inputs.readSucceeded = false }
    inputs.power = arm.power
    inputs.health = arm.health
    inputs.person.enableIsHeld = isEnabled
    inputs.person.lastEvent = now
    inputs.person.stopIsPressed = stopIsPressed()
    propose(now)
    decision = core.step(inputs, now: now)
    inputs.writeFailed = false
    do throws(ArmError) {
      switch decision.power {
      case .energise: try arm.energise(now: now)
      case .release: try arm.release(now: now)
      case .keep: break
      }
      if decision.writes { try arm.write(decision.command) }
    } catch { inputs.writeFailed = decision.writes }
    written = clock.now()
  }

  /// To and fro, a fifth of a second of full speed ahead of the arm.
  private mutating func propose(_ now: Int64) {
    let goal = core.commandedGoal
    if direction * (goal[0] - middle[0]) > Self.swing { direction = -direction }
    var proposed = goal
    let limits = core.configuration.limits
    for joint in 0..<goal.count {
      let wanted = goal[joint] + direction * 0.2 * Self.speed
      proposed[joint] = min(max(wanted, limits.lower[joint]), limits.upper[joint])
    }
    inputs.personProposal = Proposal(source: .person, mode: .position, goal: proposed, stamp: now)
  }

  /// From wherever it is to rest under torque; false when that has not happened within `seconds`.
  public mutating func raise(within seconds: Double = 20) -> Bool {
    let end = clock.now() + Int64(seconds * 1e9)
    isEnabled = false
    while clock.now() < end {
      switch decision.state {
      case .hold:
        middle = core.commandedGoal
        return true
      case .disarmed: tick(.arm)
      case .faultHold, .fault, .emergencyStop: tick(.reset)
      default: tick()
      }
    }
    return false
  }

  /// Presses enable and lets the arm move until it is as fast as the core lets it be: the way to rest has to end within
  /// the reach of what is measured, so that this may be less than the largest speed. False when something has stopped it.
  public mutating func run() -> Bool {
    isEnabled = false
    for _ in 0..<3 { tick() }
    isEnabled = true
    var before = core.commandedGoal[0]
    topSpeed = 0
    for count in 0..<400 {
      tick()
      guard decision.state == .teleoperation else { return false }
      let speed = (decision.command.goal[0] - before).magnitude * 1e9 / Double(period)
      before = decision.command.goal[0]
      if speed > topSpeed { topSpeed = speed }
      if count >= 40 && speed >= 0.95 * topSpeed { return true }
    }
    return false
  }

  /// Lets the arm come to rest.
  public mutating func rest() {
    isEnabled = false
    for _ in 0..<200 where decision.state == .stopping || decision.state == .teleoperation { tick() }
  }

  /// Torque off, and made sure of.
  public mutating func lower() {
    rest()
    for _ in 0..<200 where arm.power != .off { tick(.disarm) }
  }
}
