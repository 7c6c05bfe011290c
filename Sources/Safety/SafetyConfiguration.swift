import ArmModel

/// How one arm's core is set up; fixed for a run.
public struct SafetyConfiguration: Sendable, BitwiseCopyable {
  /// What every command is kept within.
  public var limits: JointLimits
  /// What the arm's commands mean.
  public var mode: CommandMode
  /// The control period, ns.
  public var period: Int64
  /// The period of the source in authority, ns: a proposal older than two of them is late.
  public var proposalPeriod: Int64
  /// Ticks the arm must stand still before it counts as armed; 0 where standing still takes no time (simulation).
  public var armingTicks: Int
  /// Whether the loop's timing is judged; not with a virtual clock.
  public var judgesTiming: Bool
  /// Whether torque is real: disarmed means torque off, torque that is found on is held, and efforts that push a joint
  /// further out of its range are cut (in simulation the model's own stops do that).
  public var isHardware = false
  /// Whether the policy moves only while a person holds enable.
  public var isSupervised = false
  /// How long the arm may go on by itself when nobody writes any more, s: no goal is further from the measured position
  /// than the largest speed reaches in this time. Infinite where nothing goes on by itself.
  public var residualTime = Double.infinity
  /// A proposal further from the middle of a joint's range than this many half ranges, or with this many times the
  /// largest effort, is invalid; infinite where it is only limited (simulation).
  public var envelope = Double.infinity
  /// Time of a hand-over between policy and person, ns.
  public var handoverTime: Int64 = 500_000_000
  /// How far old and new goal of a hand-over may be apart, rad.
  public var handoverDistance = 0.5
  /// Largest joint speed of a move or a parking, rad/s.
  public var moveSpeed = 0.5
  /// Where torque may be switched off, rad; no joints where there is no such pose.
  public var parkPose = JointVector(repeating: 0, count: 0)
  /// The most time for the way there, ns; then torque goes off where the arm stands.
  public var parkTime: Int64 = 5_000_000_000
  /// When the monitors act.
  public var monitors = MonitorLimits()
  /// The arm's shape, for the check of goals against itself and the workspace; without capsules nothing is checked.
  public var capsules = CapsuleModel()

  /// The set-up of a simulated arm: nothing goes on without its host, nobody needs to hold enable.
  @_noLocks
  public init(
    limits: JointLimits, mode: CommandMode, period: Int64, proposalPeriod: Int64, armingTicks: Int,
    judgesTiming: Bool
  ) {
    self.limits = limits
    self.mode = mode
    self.period = period
    self.proposalPeriod = proposalPeriod
    self.armingTicks = armingTicks
    self.judgesTiming = judgesTiming
  }

  /// The set-up of a real arm: torque is real, a person holds enable, the arm is watched, and what it does after its
  /// host's death is bounded to two control periods.
  public static func hardware(
    limits: JointLimits, mode: CommandMode, period: Int64, proposalPeriod: Int64, parkPose: JointVector
  ) -> SafetyConfiguration {
    var configuration = SafetyConfiguration(
      limits: limits, mode: mode, period: period, proposalPeriod: proposalPeriod, armingTicks: 10, judgesTiming: true)
    configuration.isHardware = true
    configuration.isSupervised = true
    configuration.boundResidualMotion()
    configuration.envelope = 1.5
    configuration.parkPose = parkPose
    configuration.monitors = .hardware
    return configuration
  }

  /// Bounds what the arm does after its host's death to two control periods at the largest speed. A simulated arm of
  /// position servos is led like that too, so that what is learned on it meets the limits of the real one.
  @_noLocks
  public mutating func boundResidualMotion() { residualTime = 2e-9 * Double(period) }

  /// The control period, s.
  var seconds: Double { @_noLocks get { Double(period) * 1e-9 } }

  /// How many ticks cover a time, at least 1.
  @_noLocks
  func ticks(_ nanoseconds: Int64) -> Int {
    let count = (nanoseconds &+ period &- 1) / period
    return count < 1 ? 1 : Int(count)
  }
}
