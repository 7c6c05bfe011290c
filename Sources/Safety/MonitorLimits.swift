/// When the core's monitors of a real arm act. An infinite value switches its monitor off.
///
/// The defaults are those of the project's fault table; where the table leaves a number open, this is it.
public struct MonitorLimits: Sendable, BitwiseCopyable {
  /// Whether age, plausibility, standstill, torque and health of the joints are watched at all; not in simulation, whose
  /// perturbations make them on purpose.
  public var watchesArm = false
  /// Missed answers of one joint in a row that stop the arm, and that make it count as lost.
  public var silentTicks = 3
  public var muteTicks = 20
  /// Periods after which a datum is too old to act on, and to go on at all.
  public var oldPeriods = 3.0
  public var stalePeriods = 10.0
  /// A reading is not believed when the joint cannot have moved so far in so many periods at its largest speed.
  public var jumpPeriods = 3.0
  /// Readings in a row that are not believed and make a fault.
  public var jumpTicks = 3
  /// How far outside a limit a joint may be measured, rad.
  public var outsideTolerance = 0.02
  /// Largest distance between goal and measurement for `trackingTime`, rad.
  public var trackingError = 0.5
  /// A joint is obstructed when it is further than this from its goal, rad (or than this share of the reach that goals
  /// are kept within, if that is less), and …
  public var obstructedError = 0.04
  public var obstructedReach = 0.6
  /// … pushes with more than this share of its effort limit, or …
  public var obstructedEffort = 0.7
  /// … where efforts are not measured, moves slower than this although it is not meant to stand still, rad/s, while …
  public var obstructedSpeed = 0.05
  /// … its goal has gone so much further since it last moved, rad (an STS3215 with twice its friction, two thirds of its
  /// gain and 0.01 rad of backlash turns round only after 0.045 rad), or …
  public var obstructedGrowth = 0.06
  /// … is ahead of it by more than this share of the reach, so that it is led no further; …
  public var obstructedLead = 0.9
  /// … all that for this long, ns.
  public var trackingTime: Int64 = 150_000_000
  /// How far a joint at rest may move away from its goal, rad, and for how long, ns.
  public var standstillTolerance = 0.05
  public var standstillTime: Int64 = 100_000_000
  /// How the arm is stopped when it does not stand still: `park` or `release`.
  public var standstillReaction = StopClass.park
  /// How far a joint may move while torque comes on, rad, and how long that may take, ns.
  public var armingDrift = 0.03
  public var armingTime: Int64 = 2_000_000_000
  /// How long an overloaded servo is damped before torque goes off, and how much torque is left meanwhile.
  public var dampTime: Int64 = 500_000_000
  public var dampTorqueShare = 0.3
  /// Lowest supply, V, and highest temperature, °C, that are gone on with.
  public var lowestVoltage = -Double.infinity
  public var highestTemperature = Double.infinity
  /// Share of damaged replies within a second that stops the arm.
  public var busErrorShare = 0.05
  /// Share of a second's ticks in which the proposal may be far beyond the limits; 1 for all.
  public var clampedShare = 1.0
  /// Invalid proposals within ten seconds that make a fault, 1 … 3.
  public var invalidProposals = 1
  /// Silence of a wireless device while enable is held, ns.
  public var operatorSilence: Int64 = 3_000_000_000

  /// The monitors of a simulated arm: what concerns proposals and the loop, nothing that concerns a real arm.
  @_noLocks
  public init() {}

  /// The monitors of a real arm.
  public static var hardware: MonitorLimits {
    @_noLocks get {
      var limits = MonitorLimits()
      limits.watchesArm = true
      limits.clampedShare = 0.5
      limits.invalidProposals = 3
      return limits
    }
  }
}
