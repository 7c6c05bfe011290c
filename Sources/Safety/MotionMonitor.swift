import ArmModel

/// Whether the joints do what they are commanded: follow, stand still, stay inside their limits. For arms that take
/// positions.
///
/// Before `settle` every joint counts as standing where its goal is.
struct MotionMonitor: BitwiseCopyable {
  private var lagging: InlineArray<16, Persistence> = InlineArray(repeating: Persistence())
  private var obstructed: InlineArray<16, Persistence> = InlineArray(repeating: Persistence())
  private var moving: InlineArray<16, Persistence> = InlineArray(repeating: Persistence())
  /// How far each joint was behind its goal, with its sign, when it last moved or was meant to stand still, rad.
  private var carried: InlineArray<16, Double> = InlineArray(repeating: 0)
  /// The smallest distance of each joint from its goal since it came to rest, rad.
  private var nearest: InlineArray<16, Double> = InlineArray(repeating: 0)
  /// How far outside its limits each joint may be without a new alarm, rad: as far as it has been since the last one.
  private var excused: InlineArray<16, Double> = InlineArray(repeating: 0)
  /// Whether a joint is outside its limits.
  private(set) var isOutside = false

  @_noLocks
  init() {}

  /// The arm comes to rest here, or is under way: standing still is judged from here on.
  @_noLocks
  mutating func settle(_ measured: JointVector, goal: JointVector) {
    for index in 0..<goal.count {
      nearest[index] = (goal[index] - measured[index]).magnitude
      moving[index] = Persistence()
    }
  }

  /// The arm is taken up anew: what lagged or pushed before says nothing of it.
  @_noLocks
  mutating func beginAnew() {
    lagging = InlineArray(repeating: Persistence())
    obstructed = InlineArray(repeating: Persistence())
  }

  /// Whether joints lag behind their goals or push against something.
  @_noLocks
  mutating func judgeFollowing(
    _ measured: JointVector, joints: JointState, goal: JointVector, standsStill: Bool,
    _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    var active = ConditionSet.none
    let monitors = configuration.monitors
    let ticks = configuration.ticks(monitors.trackingTime)
    for index in 0..<goal.count {
      let lag = goal[index] - measured[index]
      let error = lag.magnitude
      if lagging[index].note(error > monitors.trackingError, for: ticks) {
        active = active.adding(.trackingError)
        found.note(.trackingError, joint: index)
      }
      let limit = configuration.limits.effort[index]
      let reach = configuration.limits.velocity[index] * configuration.residualTime
      let isPushing: Bool
      if joints.present.rawValue & JointQuantities.effort.rawValue != 0 && limit.isFinite {
        isPushing = joints.effort[index].magnitude > monitors.obstructedEffort * limit
      } else {
        let isStill = joints.velocity[index].magnitude < monitors.obstructedSpeed
        if standsStill || !isStill { carried[index] = lag }
        // A load lets a joint sag for good. It pushes where its goal goes on without it, or can be led no further.
        let growth = lag > 0 ? lag - carried[index] : carried[index] - lag
        isPushing =
          !standsStill && isStill
          && (growth > monitors.obstructedGrowth || error > monitors.obstructedLead * reach)
      }
      var allowed = reach * monitors.obstructedReach
      if allowed > monitors.obstructedError { allowed = monitors.obstructedError }
      if obstructed[index].note(isPushing && error > allowed, for: ticks) {
        active = active.adding(.obstructed)
        found.note(.obstructed, joint: index)
      }
    }
    return active
  }

  /// Whether a joint that should stand still moves away from its goal.
  @_noLocks
  mutating func judgeStandstill(
    _ measured: JointVector, goal: JointVector, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    var isLost = false
    let ticks = configuration.ticks(configuration.monitors.standstillTime)
    for index in 0..<goal.count {
      let error = (goal[index] - measured[index]).magnitude
      if error < nearest[index] { nearest[index] = error }
      if moving[index].note(error > nearest[index] + configuration.monitors.standstillTolerance, for: ticks) {
        isLost = true
        found.note(.standstillLost, joint: index)
      }
    }
    return isLost ? ConditionSet.none.adding(.standstillLost) : .none
  }

  /// Whether a joint is outside its limits and further out than it was; where nothing moves the arm (`isExcused`) it is
  /// only noted where it is.
  @_noLocks
  mutating func judgeRange(
    _ measured: JointVector, isExcused: Bool, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    var isFurther = false
    isOutside = false
    let tolerance = configuration.monitors.outsideTolerance
    for index in 0..<measured.count {
      let above = measured[index] - configuration.limits.upper[index]
      let below = configuration.limits.lower[index] - measured[index]
      let excess = above > below ? above : below
      if excess > tolerance { isOutside = true }
      if excess > excused[index] + tolerance {
        isFurther = true
        found.note(.outsideLimits, joint: index)
        excused[index] = excess
      } else if excess < excused[index] {
        excused[index] = excess > 0 ? excess : 0
      }
    }
    return isFurther && !isExcused ? ConditionSet.none.adding(.outsideLimits) : .none
  }
}

extension SafetyConfiguration {
  /// What the servos report of themselves, as conditions. `isEnergised` says whether every joint should be under torque;
  /// anything but the confirmation that it is counts as lost.
  @_noLocks
  func judgeHealth(
    _ health: ArmHealth, power: ArmPower, isEnergised: Bool, _ found: inout ConditionJoints
  ) -> ConditionSet {
    var active = ConditionSet.none
    for joint in 0..<health.count {
      let faults = health.faults(of: joint)
      if faults.has(.overload) || faults.has(.overheating) || faults.has(.electrical) {
        active = active.adding(.servoOverload)
        found.note(.servoOverload, joint: joint)
      }
      if faults.has(.voltage) {
        active = active.adding(.servoVoltage)
        found.note(.servoVoltage, joint: joint)
      }
      if faults.has(.sensor) {
        active = active.adding(.servoSensor)
        found.note(.servoSensor, joint: joint)
      }
      guard isEnergised else { continue }
      if faults.has(.torqueLost) {
        active = active.adding(.torqueLost)
        found.note(.torqueLost, joint: joint)
      }
      if faults.has(.watchdog) {
        active = active.adding(.servoWatchdog)
        found.note(.servoWatchdog, joint: joint)
      }
    }
    if isEnergised && power != .on { active = active.adding(.torqueLost) }
    // Comparisons with what is not known are false. Each list is as long as it is.
    for joint in 0..<health.temperature.count where health.temperature[joint] > monitors.highestTemperature {
      active = active.adding(.servoOverload)
      found.note(.servoOverload, joint: joint)
    }
    for joint in 0..<health.voltage.count where health.voltage[joint] < monitors.lowestVoltage {
      active = active.adding(.servoVoltage)
      found.note(.servoVoltage, joint: joint)
    }
    return active
  }
}
