import ArmModel

/// What the joints measure and report, judged: answers, ages, plausibility.
///
/// Before the first reading nothing is believed.
struct JointMonitor: BitwiseCopyable {
  /// The last position of each joint that could be believed, rad.
  private(set) var measured: JointVector
  /// Whether there is one.
  private(set) var hasMeasured = false
  /// What a person may want to know of this tick.
  private(set) var notices = Notices(rawValue: 0)
  /// When each joint's datum was taken, ns, and how many ticks there has been no newer one.
  private var arrivals: InlineArray<16, Int64> = InlineArray(repeating: .min)
  private var silentTicks: InlineArray<16, Int32> = InlineArray(repeating: 0)
  /// Readings in a row that were not believed, and ticks without any since the last one that was.
  private var jumps: InlineArray<16, Int32> = InlineArray(repeating: 0)
  private var missedTicks: InlineArray<16, Int32> = InlineArray(repeating: 0)
  private var ticksWithoutRead = 0

  @_noLocks
  init(count: Int) { measured = JointVector(repeating: 0, count: count) }

  /// The arm was put elsewhere by other means: what was measured before says nothing.
  @_noLocks
  mutating func adopt(_ position: JointVector) {
    measured = position
    hasMeasured = true
    for index in 0..<measured.count {
      jumps[index] = 0
      missedTicks[index] = 0
    }
  }

  /// Looks at the reading of one tick. An arm without torque may be moved by hand as fast as a hand can.
  @_noLocks
  mutating func judge(
    _ inputs: SafetyInputs, isEnergised: Bool, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    notices = Notices(rawValue: 0)
    var active = countSilence(inputs, configuration, &found)
    guard inputs.readSucceeded else { return active }
    let joints = inputs.joints
    guard isComplete(joints), isFinite(joints, &found) else { return active.adding(.measurementInvalid) }
    if configuration.monitors.watchesArm {
      guard joints.present.rawValue & JointQuantities.position.rawValue != 0 else {
        return active.adding(.measurementInvalid)
      }
      active = active.adding(judgeAges(joints.age, configuration, &found))
      if !isEnergised || !hasMeasured {
        adopt(joints.position)
      } else if !believe(joints.position, configuration, &found) {
        active = active.adding(.measurementJumped)
      }
    } else {
      measured = joints.position
    }
    hasMeasured = true
    return active
  }

  /// Whether every part of a reading has as many joints as the arm.
  @_noLocks
  private func isComplete(_ joints: JointState) -> Bool {
    let count = measured.count
    return joints.position.count == count && joints.velocity.count == count && joints.effort.count == count
      && joints.age.count == count
  }

  /// Whether all that was measured is a number.
  @_noLocks
  private func isFinite(_ joints: JointState, _ found: inout ConditionJoints) -> Bool {
    var isFinite = true
    for index in 0..<measured.count {
      let isMeasured =
        joints.position[index].isFinite && joints.velocity[index].isFinite && joints.effort[index].isFinite
        && joints.age[index].isFinite
      if !isMeasured {
        isFinite = false
        found.note(.measurementInvalid, joint: index)
      }
    }
    return isFinite
  }

  /// Counts joints that did not answer.
  @_noLocks
  private mutating func countSilence(
    _ inputs: SafetyInputs, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    ticksWithoutRead = inputs.readSucceeded ? 0 : saturated(ticksWithoutRead)
    var longest = ticksWithoutRead
    if configuration.monitors.watchesArm {
      for index in 0..<measured.count {
        let isNew = inputs.readSucceeded && isComplete(inputs.joints) && hasArrived(index, inputs.joints, configuration)
        silentTicks[index] = isNew ? 0 : Int32(truncatingIfNeeded: saturated(Int(silentTicks[index])))
        if silentTicks[index] > 0 && missedTicks[index] < 1000 { missedTicks[index] &+= 1 }
        let silent = Int(silentTicks[index])
        if silent > longest { longest = silent }
        if silent >= configuration.monitors.muteTicks { found.note(.armMute, joint: index) }
        if silent >= configuration.monitors.silentTicks { found.note(.jointSilent, joint: index) }
      }
    }
    if longest >= configuration.monitors.muteTicks { return ConditionSet.none.adding(.armMute) }
    guard longest >= configuration.monitors.silentTicks else { return .none }
    // A fault of one servo is one to look into; a read that fails where nothing is watched is only old.
    return ConditionSet.none.adding(configuration.monitors.watchesArm ? .jointSilent : .observationStale)
  }

  /// Whether a joint's datum is newer than the last one, by more than the rounding of its age.
  @_noLocks
  private mutating func hasArrived(
    _ index: Int, _ joints: JointState, _ configuration: SafetyConfiguration
  ) -> Bool {
    let age = joints.age[index]
    guard age >= 0 && age < 1e9 else { return false }
    let taken = joints.stamp &- Int64(age * 1e9)
    guard arrivals[index] == .min || taken &- arrivals[index] > configuration.period / 8 else { return false }
    arrivals[index] = taken
    return true
  }

  @_noLocks
  private mutating func judgeAges(
    _ ages: JointVector, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> ConditionSet {
    var active = ConditionSet.none
    for index in 0..<ages.count {
      let periods = ages[index].magnitude / configuration.seconds
      if periods > configuration.monitors.oldPeriods { notices = notices.adding(.observationOld) }
      if periods > configuration.monitors.stalePeriods {
        active = active.adding(.observationStale)
        found.note(.observationStale, joint: index)
      }
    }
    return active
  }

  /// Takes over what a joint can have moved to; false when one has leapt too often. What it says then is not believed until
  /// torque is off: nobody may act on a sensor that lies.
  @_noLocks
  private mutating func believe(
    _ position: JointVector, _ configuration: SafetyConfiguration, _ found: inout ConditionJoints
  ) -> Bool {
    var isCredible = true
    // What a silent joint said last is no news: it has had one tick more to move.
    for index in 0..<measured.count where silentTicks[index] == 0 {
      let reach =
        configuration.limits.velocity[index] * configuration.seconds * configuration.monitors.jumpPeriods
        * Double(missedTicks[index] &+ 1)
      if (position[index] - measured[index]).magnitude <= reach {
        measured[index] = position[index]
        jumps[index] = 0
        missedTicks[index] = 0
      } else {
        notices = notices.adding(.measurementRejected)
        if jumps[index] < 1000 { jumps[index] &+= 1 }
        if Int(jumps[index]) >= configuration.monitors.jumpTicks {
          isCredible = false
          found.note(.measurementJumped, joint: index)
        }
      }
    }
    return isCredible
  }

  @_noLocks
  private func saturated(_ count: Int) -> Int { count < 1000 ? count &+ 1 : count }
}
