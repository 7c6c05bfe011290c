import ArmModel
import Safety
import Testing

/// When a joint counts as not following, as obstructed, as moving where it should stand, as outside its range: each bound
/// from both sides, for either joint and direction.
@Suite struct MotionMonitorTests {
  /// What a joint is carried by in a tick, rad: slower than the speed limit, and exact.
  private static let step = 0.015625

  /// An armed core with its joints at 0.5 rad. `change` is made to a set-up in which only what it names is judged.
  private static func resting(
    at place: Double = 0.5, _ change: (inout SafetyConfiguration) -> Void = { _ in }
  ) -> HardwareRig {
    var configuration = HardwareRig.configuration()
    configuration.monitors.clampedShare = 1
    configuration.monitors.standstillTolerance = .infinity
    configuration.monitors.trackingError = .infinity
    configuration.monitors.obstructedError = .infinity
    configuration.monitors.obstructedReach = .infinity
    change(&configuration)
    let rig = HardwareRig(configuration)
    rig.position = [place, place]
    rig.arm()
    #expect(rig.last.state == .hold)
    rig.isHeld = true
    return rig
  }

  /// Carries a joint by so many steps, one a tick.
  private static func carry(_ rig: HardwareRig, _ joint: Int, by steps: Int) {
    for _ in 0..<steps.magnitude {
      rig.position[joint] += steps < 0 ? -step : step
      rig.tick()
    }
  }

  /// Ticks until a condition is active; nil if it is not within `limit` ticks.
  private static func ticks(
    _ rig: HardwareRig, until condition: Condition, atMost limit: Int = 80,
    _ edit: (inout SafetyInputs) -> Void = { _ in }
  ) -> Int? {
    rig.ticks(atMost: limit, edit) { $0.active.has(condition) }
  }

  // MARK: Following

  @Test(arguments: [0, 1], [1, -1]) func `A joint is too far from its goal beyond the bound, for 150 ms`(
    joint: Int, side: Int
  ) {
    let rig = Self.resting { $0.monitors.trackingError = 16 * Self.step }
    Self.carry(rig, joint, by: 16 * side)
    #expect(Self.ticks(rig, until: .trackingError) == nil)
    Self.carry(rig, joint, by: side)
    // The tick that carried it there was the first of thirty.
    #expect(Self.ticks(rig, until: .trackingError) == 29)
    #expect(rig.last.joints.mask(of: .trackingError) == 1 << UInt16(joint) && rig.last.state == .faultHold)
  }

  @Test(arguments: [0, 1], [1.0, -1.0]) func `A joint is obstructed when it is too far off and pushes too much`(
    joint: Int, side: Double
  ) {
    // 3 N·m are its limit; half of it is allowed, and two steps.
    for (steps, effort, isObstructed) in [
      (3, 1.5, false), (3, 1.5.nextUp, true), (2, 3.0, false), (3, 3.0, true), (3, 0.0, false),
    ] {
      let rig = Self.resting {
        $0.residualTime = .infinity
        $0.monitors.obstructedError = 2 * Self.step
        $0.monitors.obstructedEffort = 0.5
      }
      Self.carry(rig, joint, by: Int(side) * steps)
      let ticks = Self.ticks(rig, until: .obstructed) { $0.joints.effort[joint] = -side * effort }
      #expect(ticks == (isObstructed ? 30 : nil), "\(steps) steps, \(effort) N·m")
      if isObstructed { #expect(rig.last.joints.mask(of: .obstructed) == 1 << UInt16(joint)) }
    }
  }

  @Test func `What counts as far off is a share of the reach where that is less`() {
    // Goals are kept within 2 rad/s times two periods, 20 mrad; 60 % of it are 12 mrad.
    for (distance, limit, isObstructed) in [
      (0.0119, 0.04, false), (0.0121, 0.04, true), (0.0121, 0.0125, true), (0.0099, 0.01, false),
      (0.0101, 0.01, true),
    ] {
      let rig = Self.resting {
        $0.monitors.obstructedError = limit
        $0.monitors.obstructedReach = 0.6
      }
      rig.position[1] -= distance
      let ticks = Self.ticks(rig, until: .obstructed) { $0.joints.effort[1] = 2.9 }
      #expect((ticks != nil) == isObstructed, "\(distance) rad where \(limit) are allowed")
    }
  }

  @Test(arguments: [true, false]) func `Where no effort is known, a joint is obstructed that stands still on its way`(
    isMeasured: Bool
  ) {
    for (speed, isObstructed) in [(0.0625, false), (0.0625.nextDown, true), (-0.0625, false), (-0.01, true)] {
      let rig = Self.resting {
        $0.residualTime = .infinity
        $0.monitors.obstructedError = 2 * Self.step
        $0.monitors.obstructedSpeed = 0.0625
        // An effort without a limit says nothing.
        if isMeasured { $0.limits.effort = JointVector([.infinity, .infinity]) }
      }
      if !isMeasured { rig.inputs.joints.present = [.position, .velocity] }
      rig.inputs.joints.effort = JointVector([2.9, 2.9])
      Self.carry(rig, 1, by: 3)
      // At rest it may stand where it is.
      #expect(Self.ticks(rig, until: .obstructed) == nil)
      Self.carry(rig, 1, by: -3)
      rig.propose([0.5, 1.4])
      rig.enable()
      rig.inputs.joints.velocity[1] = speed
      rig.tick([.start])
      let ticks = Self.ticks(rig, until: .obstructed)
      #expect((ticks != nil) == isObstructed, "at \(speed) rad/s")
    }
  }

  // MARK: Standing still

  @Test(arguments: [0, 1], [1, -1]) func `A joint that stands still may move away as far as the bound`(
    joint: Int, side: Int
  ) {
    let rig = Self.resting { $0.monitors.standstillTolerance = 4 * Self.step }
    Self.carry(rig, joint, by: 4 * side)
    #expect(Self.ticks(rig, until: .standstillLost) == nil)
    Self.carry(rig, joint, by: side)
    // 100 ms, of which the tick that carried it there was the first.
    #expect(Self.ticks(rig, until: .standstillLost) == 19)
    #expect(rig.last.joints.mask(of: .standstillLost) == 1 << UInt16(joint))
  }

  @Test(arguments: [0, 1]) func `A joint that came to rest off its goal stands there, and nearer once it came nearer`(
    joint: Int
  ) {
    let rig = Self.resting { $0.monitors.standstillTolerance = 4 * Self.step }
    rig.propose([0.5, 0.5])
    rig.enable()
    rig.tick([.start])
    // A load pulls it while it is led; nobody demands that it stands still.
    Self.carry(rig, joint, by: -8)
    rig.tick([.stop])
    #expect(rig.last.state == .hold && rig.core.commandedGoal == JointVector([0.5, 0.5]))
    #expect(Self.ticks(rig, until: .standstillLost) == nil)
    Self.carry(rig, joint, by: -4)
    #expect(Self.ticks(rig, until: .standstillLost) == nil)
    // It rises to two steps from its goal. From there on it may give way by four again: to six, not to seven.
    Self.carry(rig, joint, by: 10)
    Self.carry(rig, joint, by: -4)
    #expect(Self.ticks(rig, until: .standstillLost) == nil)
    Self.carry(rig, joint, by: -1)
    #expect(Self.ticks(rig, until: .standstillLost) == 19)
  }

  @Test(arguments: [0, 1]) func `Standing still is judged from where the arm came to rest, not from a tick later`(
    joint: Int
  ) {
    let rig = Self.resting { $0.monitors.standstillTolerance = 4 * Self.step }
    rig.propose([0.5, 0.5])
    rig.enable()
    rig.tick([.start])
    rig.ticks(5)
    rig.tick([.stop])
    #expect(rig.last.state == .hold)
    Self.carry(rig, joint, by: -5)
    #expect(Self.ticks(rig, until: .standstillLost) == 19)
  }

  @Test(arguments: [0, 1]) func `Between two rests a joint begins to stand still anew`(joint: Int) {
    let rig = Self.resting { $0.monitors.standstillTolerance = 4 * Self.step }
    rig.propose([0.5, 0.5])
    Self.carry(rig, joint, by: 5)
    rig.ticks(14)
    Self.carry(rig, joint, by: -5)
    rig.enable()
    rig.tick([.start])
    rig.ticks(5)
    #expect(rig.last.state == .policy)
    rig.tick([.stop])
    #expect(rig.last.state == .hold)
    Self.carry(rig, joint, by: 5)
    #expect(Self.ticks(rig, until: .standstillLost) == 19)
  }

  // MARK: Range

  @Test(arguments: [0, 1], [1, -1]) func `A joint leaves its range beyond the tolerance, and anew when it goes further`(
    joint: Int, side: Int
  ) {
    let rig = Self.resting(at: 1.25 * Double(side)) { $0.monitors.outsideTolerance = 4 * Self.step }
    func carry(_ steps: Int) -> [Bool] {
      Self.carry(rig, joint, by: side * steps)
      return [rig.last.notices.has(.outsideLimits), rig.last.active.has(.outsideLimits)]
    }
    // Sixteen steps to the limit of 1.5 rad, and four beyond it.
    #expect(carry(20) == [false, false])
    #expect(carry(1) == [true, true])
    #expect(rig.last.joints.mask(of: .outsideLimits) == 1 << UInt16(joint))
    // It is told once, and again when it is as much further out as it was allowed to be.
    #expect(carry(4) == [true, false])
    #expect(carry(1) == [true, true])
    // Coming back is no harm; how far it came is where it counts from.
    #expect(carry(-6) == [false, false])
    #expect(carry(4) == [true, false])
    #expect(carry(1) == [true, true])
    #expect(carry(-11) == [false, false])
    #expect(carry(6) == [false, false])
    #expect(carry(1) == [true, true])
    #expect(rig.last.state == .hold)
  }

  // MARK: Health

  @Test(arguments: [0, 1]) func `Each joint's temperature and supply may be at its bound, not beyond it`(joint: Int) {
    for (temperature, voltage, expected) in [
      (70.0, 6.0, nil), (70.0.nextUp, 6, Condition.servoOverload), (70, 6.0.nextDown, .servoVoltage),
    ] {
      let rig = Self.resting {
        $0.monitors.highestTemperature = 70
        $0.monitors.lowestVoltage = 6
      }
      rig.tick {
        $0.health.temperature[joint] = temperature
        $0.health.voltage[joint] = voltage
      }
      #expect(rig.last.active.conditions == (expected.map { [$0] } ?? []))
      if let expected { #expect(rig.last.joints.mask(of: expected) == 1 << UInt16(joint)) }
    }
  }
}
