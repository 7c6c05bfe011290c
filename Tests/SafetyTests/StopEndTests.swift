import ArmModel
import Safety
import Testing

/// How a stop ends: when torque goes off, where an arm is parked, and what is left of a fault that is reset.
@Suite struct StopEndTests {
  // MARK: Torque off

  @Test(arguments: [true, false]) func `Torque goes off in the very tick in which the stop that leads there has ended`(
    isFault: Bool
  ) {
    var configuration = HardwareRig.configuration()
    configuration.parkPose = JointVector([])
    let rig = HardwareRig(configuration)
    rig.run()
    if isFault { rig.inputs.health.setFaults(.voltage, of: 0) } else { rig.tick([.disarm]) }
    rig.tick()
    #expect(rig.last.state == .stopping)
    let ticks = rig.ticks(atMost: 60) { $0.state != .stopping }
    #expect(ticks != nil && rig.last.state == (isFault ? .fault : .disarmed))
    #expect(rig.last.power == .release && !rig.last.writes && rig.last.source == .none)
  }

  @Test func `A stop button does not undo that torque was to go off, and a parking is not what was asked for then`() {
    for request in [OperatorRequests.stop, .park] {
      let rig = HardwareRig()
      rig.run()
      rig.tick([.disarm])
      rig.tick(request)
      #expect(rig.ticks(atMost: 60) { $0.state != .stopping } != nil)
      #expect(rig.last.state == .disarmed && rig.last.power == .release)
    }
    for (request, state) in [(OperatorRequests.park, SafetyState.park), (.disarm, .disarmed)] {
      let rig = HardwareRig()
      rig.run()
      rig.tick([.stop])
      #expect(rig.tick(request).state == .stopping && rig.comesToRest(in: state))
    }
  }

  @Test func `An overloaded arm that is let go gets three frames, and an emergency on top of it stays one`() {
    let rig = HardwareRig()
    rig.run()
    rig.inputs.health.setFaults(.overload, of: 1)
    #expect(rig.ticks(atMost: 200) { $0.power == .release } != nil)
    rig.ticks(300)
    #expect(rig.releases == 3 && rig.last.power == .keep && rig.last.state == .fault)
    let other = HardwareRig()
    other.run()
    other.inputs.health.setFaults(.overload, of: 1)
    other.ticks(20)
    #expect(other.last.torqueShare == 0.3)
    #expect(other.tick { $0.externalStop = true }.state == .emergencyStop)
    other.ticks(300)
    #expect(other.last.state == .emergencyStop && other.releases == 3)
  }

  @Test func `A second cause of an emergency stop sends the frames once more`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick([.release])
    rig.ticks(20)
    #expect(rig.releases == 3)
    #expect(rig.tick { $0.externalStop = true }.power == .release)
    rig.ticks(20) { $0.externalStop = true }
    #expect(rig.releases == 6)
    rig.tick { $0.armFailed = true }
    #expect(rig.ticks(10).state == .emergencyStop && rig.releases == 6)
  }

  @Test func `What was left of switching torque off is forgotten with the next arming`() {
    for isConfirmed in [true, false] {
      let rig = HardwareRig()
      rig.arm()
      rig.tick([.disarm])
      if !isConfirmed { #expect(rig.ticks(6) { $0.power = .on }.power == .release) }
      rig.arm()
      #expect(rig.last.state == .hold)
      // A lost port is met with silence.
      #expect(rig.tick { $0.writeFailed = true }.power == .keep)
      #expect(rig.last.state == .fault && rig.ticks(5).power == .keep)
    }
  }

  @Test func `A reset of a held fault switches a real arm's torque off, and a simulated arm has none`() {
    let rig = HardwareRig()
    rig.arm()
    #expect(rig.tick { $0.joints.velocity[0] = .nan }.state == .faultHold)
    #expect(rig.tick([.reset]).state == .disarmed)
    #expect(rig.last.power == .release || rig.tick().power == .release)
    rig.ticks(3)
    #expect(rig.last.power == .keep)
    let off = HardwareRig()
    off.tick()
    off.tick { $0.joints.velocity[0] = .nan }
    #expect(off.tick([.reset]).power == .keep && off.tick().power == .keep)
    let bench = Rig()
    bench.arm()
    bench.tick { $0.joints.velocity[0] = .nan }
    #expect(bench.tick([.reset]).power == .keep && bench.tick().power == .keep)
  }

  @Test func `An arm that was damped has all its torque again after a reset, and holds`() {
    let rig = HardwareRig(HardwareRig.configuration(period: 10_000_000))
    rig.run(toward: [0.5, -0.5], ticks: 8)
    rig.isHeld = true
    #expect(rig.ticks(atMost: 200, { $0.joints.effort[0] = 2.5 }) { $0.torqueShare < 1 } != nil)
    rig.isHeld = false
    rig.inputs.person.enableIsHeld = false
    rig.ticks(5)
    #expect(rig.tick([.reset]).state == .disarmed)
    rig.ticks(3)
    rig.arm()
    #expect(rig.last.state == .hold && rig.last.torqueShare == 1)
    let goal = rig.core.commandedGoal
    rig.isHeld = true
    rig.position[0] += 0.01
    #expect(rig.ticks(10).command.goal == goal)
  }

  // MARK: Parking

  @Test func `The time for a parking ends to the tick`() {
    var configuration = HardwareRig.configuration()
    configuration.parkTime = 300_000_000
    configuration.limits.velocity = JointVector([0.2, 0.2])
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.ticks(100)
    #expect(rig.tick([.park]).state == .park)
    #expect(rig.ticks(59).state == .park)
    #expect(rig.tick().state == .stopping)
    #expect(rig.ticks(atMost: 30) { $0.state == .disarmed && $0.power == .release } != nil)
  }

  @Test func `A park pose that is near is gone to as slowly as any`() {
    var configuration = HardwareRig.configuration()
    configuration.residualTime = 0.1
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.tick([.park])
    var fastest = 0.0
    var goal = rig.core.commandedGoal[0]
    while rig.last.state == .park {
      rig.tick()
      fastest = max(fastest, (rig.core.commandedGoal[0] - goal).magnitude / rig.seconds)
      goal = rig.core.commandedGoal[0]
    }
    #expect(rig.last.state == .disarmed && fastest <= 0.5 + 1e-9 && fastest > 0.49)
  }

  @Test func `An arm that pushes against something is not parked when its supply fails, but let go`() {
    for condition in [Condition.obstructed, .trackingError, .servoOverload] {
      var configuration = HardwareRig.configuration()
      configuration.monitors.clampedShare = 1
      if condition == .trackingError { configuration.residualTime = .infinity }
      let rig = HardwareRig(configuration)
      rig.run(toward: [1.4, 0], ticks: 5)
      rig.isHeld = true
      if condition == .servoOverload { rig.inputs.health.setFaults(.overload, of: 0) }
      if condition == .obstructed { rig.inputs.joints.effort[0] = 2.9 }
      #expect(rig.ticks(atMost: 200) { $0.latched.has(condition) } != nil)
      rig.ticks(3)
      #expect(rig.last.latched.conditions == [condition] && rig.last.state == .faultHold)
      rig.inputs.health.setFaults(.voltage, of: 1)
      rig.tick()
      #expect(rig.last.state == .fault && rig.last.power == .release, "\(condition)")
    }
  }

  // MARK: Standing still

  /// An arm whose joint hangs back on its way to rest and is last read a while before: it, the ticks that it took, and
  /// where the goal was when the joint was last seen.
  private func hanging(isMove: Bool, readTicks: Int) -> (rig: HardwareRig, ticks: Int, seen: Double) {
    var configuration = HardwareRig.configuration(jerk: .infinity)
    configuration.residualTime = 0.1
    let rig = HardwareRig(configuration)
    if isMove { rig.arm() } else { rig.run(toward: [1, 0], ticks: 20) }
    rig.isHeld = true
    rig.inputs.destination = JointVector([0.02, 0])
    rig.tick(isMove ? [.move] : [.stop])
    var ticks = 0
    var seen = rig.core.commandedGoal[0]
    while rig.last.state != .hold && ticks < 200 {
      ticks += 1
      let isRead = ticks <= readTicks
      if isRead { seen = rig.core.commandedGoal[0] }
      rig.tick { $0.readSucceeded = isRead }
    }
    return (rig, ticks, seen)
  }

  @Test(arguments: [true, false]) func `A joint that hangs back when the arm has come to rest may sag from there`(
    isMove: Bool
  ) {
    let ticks = hanging(isMove: isMove, readTicks: .max).ticks
    for share in [0.5, 1.5] {
      let (rig, again, seen) = hanging(isMove: isMove, readTicks: ticks - 2)
      #expect(rig.last.state == .hold && again == ticks)
      let way = rig.core.commandedGoal[0] - seen
      #expect(way > 1e-4)
      // By its tolerance of 0.05 rad from where it hangs at the end, which is further back than where it was last seen.
      let place = rig.position[0] - 0.05 + (1 - share) * way
      rig.tick()
      rig.position[0] -= 0.025
      rig.tick()
      rig.position[0] = place
      let lost = rig.ticks(atMost: 40) { $0.active.has(.standstillLost) }
      #expect((lost == nil) == (share < 1), "\(share) of \(way) rad")
    }
  }
}
