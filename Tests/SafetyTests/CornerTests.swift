import ArmModel
import Testing

@testable import Safety

/// What lies off the beaten track: the rarer ways in and out of a stop, the rarer monitors, the rarer refusals.
@Suite struct CornerTests {
  // MARK: Boot

  @Test func `Nothing is known of torque, so boot is not left`() {
    let rig = HardwareRig()
    rig.inputs.power = .unknown
    #expect(rig.tick([.arm]).state == .boot)
    #expect(rig.last.refusal == .notRead)
    rig.inputs.power = .energising
    #expect(rig.tick().state == .boot)
    rig.inputs.power = .off
    #expect(rig.tick().state == .disarmed)
  }

  @Test func `Servos whose goals are unknown are held where they are`() {
    let rig = HardwareRig()
    rig.inputs.power = .on
    rig.position = [0.2, 0.1]
    #expect(rig.tick().command.goal == JointVector([0.2, 0.1]))
    #expect(rig.last.state == .hold)
  }

  // MARK: Refusals

  @Test func `A move needs a pose, positions and rest`() {
    let rig = HardwareRig()
    rig.arm()
    #expect(rig.tick([.move]).refusal == .poseUnusable)
    rig.inputs.destination = JointVector([0.3, 0])
    #expect(rig.tick([.move]).state == .moving)
    #expect(rig.tick([.move]).refusal == .inMotion)
    #expect(rig.tick([.start]).refusal == .inMotion)
    #expect(rig.tick([.takeOver]).refusal == .nobodyInAuthority)
    #expect(rig.ticks(atMost: 400) { $0.state == .hold } != nil)
    #expect(rig.core.commandedGoal == JointVector([0.3, 0]) && rig.finding == nil)
    let torque = HardwareRig(HardwareRig.configuration(mode: .effort))
    torque.arm()
    #expect(torque.tick([.move]).refusal == .needsPositions)
  }

  @Test func `A move ends in the park pose when that is asked for on the way`() {
    let rig = HardwareRig()
    rig.arm()
    rig.inputs.destination = JointVector([0.5, 0])
    rig.tick([.move])
    rig.ticks(50)
    #expect(rig.tick([.park]).state == .stopping)
    #expect(rig.ticks(atMost: 1500) { $0.state == .disarmed } != nil)
    #expect(rig.core.commandedGoal == JointVector([-0.5, 0.5]))
  }

  @Test func `A start says why it is refused`() {
    let rig = HardwareRig()
    #expect(rig.tick([.start]).refusal == .notArmed)
    rig.arm()
    rig.enable()
    #expect(rig.tick([.start]).refusal == .noProposal)
    rig.propose([0.1, 0])
    #expect(rig.tick([.start]) { $0.readSucceeded = false }.refusal == .notRead)
    #expect(rig.tick([.start]) { $0.person.sticksAreNeutral = false }.refusal == .sticksNotNeutral)
    rig.inputs.person.enableIsHeld = false
    #expect(rig.tick([.start]).refusal == .enableNotHeld)
    rig.inputs.person.isPresent = false
    #expect(rig.tick([.start]).refusal == .operatorAbsent)
  }

  @Test func `Arming needs an operator, and an emergency stop is left with one only`() {
    let rig = HardwareRig()
    rig.inputs.person.isPresent = false
    rig.tick()
    #expect(rig.tick([.arm]).refusal == .operatorAbsent)
    rig.tick([.release])
    #expect(rig.tick([.reset]).refusal == .operatorAbsent)
    var alone = HardwareRig.configuration()
    alone.isSupervised = false
    let lonely = HardwareRig(alone)
    lonely.inputs.person.isPresent = false
    lonely.tick([.release])
    #expect(lonely.tick([.reset]).state == .disarmed)
  }

  // MARK: Between person and policy

  @Test func `The person gives back after a release of enable and with an explicit start`() {
    let rig = HardwareRig()
    rig.run(toward: [0.2, 0], ticks: 300)
    rig.propose([0.2, 0], source: .person)
    rig.tick { $0.person.sticksAreNeutral = false }
    #expect(rig.ticks(120).state == .teleoperation)
    #expect(rig.tick([.start]).refusal == .releaseFirst)
    rig.enable()
    #expect(rig.last.state == .teleoperation)
    #expect(rig.tick([.start]) { $0.person.sticksAreNeutral = false }.refusal == .sticksNotNeutral)
    rig.propose([1, 0])
    #expect(rig.tick([.start]).refusal == .proposalUnusable)
    rig.propose([0.3, 0])
    #expect(rig.tick([.start]).source == .blend)
    #expect(rig.ticks(120).state == .policy && rig.finding == nil)
  }

  @Test func `A person takes over by request, without a stick, and only with enable`() {
    var configuration = HardwareRig.configuration()
    configuration.isSupervised = false
    let rig = HardwareRig(configuration)
    rig.run(toward: [0.2, 0], ticks: 200)
    rig.inputs.person.enableIsHeld = false
    rig.tick()
    #expect(rig.tick([.takeOver]).refusal == .enableNotHeld)
    rig.inputs.person.enableIsHeld = true
    #expect(rig.tick([.takeOver, .start]).state == .handover)
    #expect(rig.last.refusal == .releaseFirst)
    #expect(rig.tick([.takeOver]).refused == .none, "it is under way")
    // Nothing is proposed yet: the arm comes to rest where it was taken over, and then the person is late.
    #expect(rig.ticks(atMost: 20) { $0.active.has(.proposalLate) } != nil)
  }

  @Test func `What a device said before the person had authority is not late yet`() {
    let rig = HardwareRig()
    rig.arm()
    rig.propose([0.1, 0], source: .person)
    rig.personIsAlive = false
    rig.ticks(100)
    rig.enable()
    #expect(rig.ticks(8).state == .teleoperation)
    #expect(rig.ticks(atMost: 5) { $0.active.has(.proposalLate) } != nil)
  }

  // MARK: Ways out of a stop

  @Test func `A stop on the way to parking keeps the arm where it stops`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick([.park])
    #expect(rig.tick([.stop]).state == .stopping)
    #expect(rig.comesToRest(in: .hold))
    rig.tick([.park])
    rig.ticks(50)
    #expect(rig.last.state == .park)
    rig.tick([.stop])
    #expect(rig.comesToRest(in: .hold))
  }

  @Test func `A person who presses stop while a bad supply parks the arm gets torque off`() {
    let rig = HardwareRig()
    rig.run()
    rig.inputs.health.setFaults(.voltage, of: 0)
    #expect(rig.comesToRest(in: .park))
    rig.inputs.person.stopIsPressed = true
    #expect(rig.ticks(atMost: 40) { $0.power == .release } != nil)
    #expect(rig.last.state == .fault)
  }

  @Test(arguments: [true, false]) func `A supply that fails during a stop turns it into a parking or a release`(
    canPark: Bool
  ) {
    var configuration = HardwareRig.configuration()
    if !canPark { configuration.parkPose = JointVector([]) }
    let rig = HardwareRig(configuration)
    rig.run()
    rig.tick([.stop])
    rig.inputs.health.setFaults(.voltage, of: 0)
    #expect(rig.ticks(atMost: 60) { $0.state == (canPark ? .park : .fault) } != nil)
    #expect(rig.ticks(atMost: 1200) { $0.state == .fault && $0.power == .release } != nil || !canPark)
  }

  @Test func `Torque off is granted while a stop is under way and in a held fault`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick([.stop, .disarm])
    #expect(rig.ticks(atMost: 60) { $0.state == .disarmed && $0.power == .release } != nil)
    let other = HardwareRig()
    other.run()
    other.tick { $0.joints.velocity[0] = .nan }
    #expect(other.comesToRest(in: .faultHold))
    #expect(other.tick([.park]).refusal == .faultLatched)
    #expect(other.tick([.disarm]).state == .fault && other.last.power == .release)
  }

  @Test func `A parking that takes too long ends where the arm is`() {
    var configuration = HardwareRig.configuration()
    configuration.parkTime = 300_000_000
    configuration.limits.velocity = JointVector([0.2, 0.2])
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.tick([.park])
    #expect(rig.ticks(atMost: 59) { $0.state != .park } == nil)
    #expect(rig.ticks(atMost: 30) { $0.state == .disarmed } != nil)
    #expect(rig.core.commandedGoal[0] > -0.2 && rig.finding == nil)
  }

  @Test func `A far park pose is gone to faster than an ordinary move, to be there in time`() {
    var configuration = HardwareRig.configuration()
    configuration.parkPose = JointVector([-1.4, 0])
    configuration.parkTime = 3_000_000_000
    configuration.residualTime = 0.1
    let rig = HardwareRig(configuration)
    rig.position = [1.4, 0]
    rig.arm()
    rig.tick([.park])
    #expect(rig.ticks(atMost: 600) { $0.state == .disarmed } != nil)
    #expect(rig.core.commandedGoal == JointVector([-1.4, 0]))
  }

  // MARK: Arming

  @Test func `An arm that moves while torque comes on is let go`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    rig.ticks(3)
    #expect(rig.last.state == .arming && rig.last.writes)
    for _ in 0..<5 where rig.last.state == .arming {
      rig.position[0] += 0.012
      rig.isHeld = true
      rig.tick()
    }
    #expect(rig.last.state == .fault && rig.last.power == .release)
    #expect(rig.last.latched.conditions == [.armingDrifted])
  }

  @Test func `Torque that never comes is given up`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    #expect(rig.ticks(atMost: 500, { $0.power = .energising }) { $0.state == .fault } == 401)
    #expect(rig.last.latched.conditions == [.armingTimedOut])
  }

  @Test func `A fault while torque comes on takes it off again`() {
    for condition in [Condition.measurementInvalid, .servoOverload, .servoVoltage] {
      let rig = HardwareRig()
      rig.tick()
      rig.tick([.arm])
      rig.tick {
        $0.power = .energising
        switch condition {
        case .measurementInvalid: $0.joints.velocity[0] = .nan
        case .servoOverload: $0.health.setFaults(.overload, of: 1)
        default: $0.health.setFaults(.voltage, of: 1)
        }
      }
      #expect(rig.last.state == .fault && rig.last.power == .release, "\(condition)")
    }
  }

  @Test func `Arming can be called off`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    #expect(rig.tick([.disarm]).state == .disarmed && rig.last.power == .release)
  }

  // MARK: Monitors

  @Test func `A joint that does not follow is damped, whatever its effort`() {
    var configuration = HardwareRig.configuration()
    configuration.residualTime = .infinity
    configuration.monitors.clampedShare = 1
    let rig = HardwareRig(configuration)
    rig.run(toward: [1.4, 0], ticks: 1)
    rig.isHeld = true
    #expect(rig.ticks(atMost: 200) { $0.active.has(.trackingError) } != nil)
    #expect(rig.last.torqueShare == 0.3)
  }

  @Test func `Without a measured effort a joint that stands still on its way is obstructed`() {
    let rig = HardwareRig(HardwareRig.configuration(period: 10_000_000))
    rig.inputs.joints.present = [.position, .velocity]
    rig.run(toward: [0.5, -0.5], ticks: 5)
    rig.isHeld = true
    #expect(rig.ticks(atMost: 60) { $0.latched.has(.obstructed) } != nil)
  }

  @Test func `Temperature and supply are judged by number, too`() {
    var configuration = HardwareRig.configuration()
    configuration.monitors.highestTemperature = 70
    configuration.monitors.lowestVoltage = 6
    let hot = HardwareRig(configuration)
    hot.run()
    hot.inputs.health.temperature[1] = 70
    #expect(hot.tick().active == .none)
    hot.inputs.health.temperature[1] = 70.5
    #expect(hot.tick().active.conditions == [.servoOverload])
    let low = HardwareRig(configuration)
    low.run()
    low.inputs.health.voltage[0] = 5.9
    #expect(low.tick().active.conditions == [.servoVoltage])
  }

  @Test func `A servo's own watchdog latches, and a standstill that is lost in a held fault ends in torque off`() {
    var configuration = HardwareRig.configuration()
    configuration.monitors.standstillReaction = .release
    let rig = HardwareRig(configuration)
    rig.run()
    rig.tick { $0.health.setFaults(.watchdog, of: 0) }
    #expect(rig.comesToRest(in: .faultHold) && rig.last.latched.conditions == [.servoWatchdog])
    rig.isHeld = true
    for _ in 0..<10 {
      rig.position[0] -= 0.009
      rig.tick()
    }
    #expect(rig.ticks(atMost: 40) { $0.power == .release } != nil)
    #expect(rig.last.state == .fault)
  }

  @Test func `A held fault gets worse: parked for a bad supply, damped for a load, silent for a lost port`() {
    for (faults, state) in [(JointFaults.voltage, SafetyState.stopping), (.overload, .faultHold)] {
      let rig = HardwareRig()
      rig.run()
      rig.tick { $0.joints.velocity[0] = .nan }
      #expect(rig.comesToRest(in: .faultHold))
      rig.inputs.health.setFaults(faults, of: 0)
      rig.tick()
      #expect(rig.last.state == state || rig.last.state == .park)
      #expect(rig.last.torqueShare == (faults.rawValue == JointFaults.overload.rawValue ? 0.3 : 1))
    }
    let rig = HardwareRig()
    rig.run()
    rig.tick { $0.joints.velocity[0] = .nan }
    #expect(rig.comesToRest(in: .faultHold))
    #expect(rig.tick { $0.armFailed = true }.state == .fault)
    #expect(rig.tick { $0.externalStop = true }.state == .emergencyStop)
  }

  @Test func `An age that is no age is no answer`() {
    for age in [-1.0, 1e10] {
      let rig = HardwareRig()
      rig.arm()
      rig.inputs.joints.age[0] = age
      rig.ticks(3)
      #expect(rig.last.active.has(.jointSilent))
    }
  }

  @Test func `Silence for a long time changes nothing more`() {
    let rig = HardwareRig()
    rig.arm()
    rig.ticks(1100) { $0.readSucceeded = false }
    #expect(rig.last.state == .fault && rig.last.active.has(.armMute))
    rig.ticks(3)
    #expect(rig.tick([.reset]).state == .disarmed)
  }

  // MARK: Torque motors

  @Test func `Efforts that push a joint further out of its range are cut, the others are not`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.position = [1.5, -1.5]
    rig.arm()
    rig.propose([2, -2])
    rig.enable()
    #expect(rig.tick([.start]).command.goal == JointVector([0, 0]))
    #expect(rig.last.alterations == .effort && rig.last.alteredJoints == 0b11)
    rig.propose([-2, 2])
    #expect(rig.tick().command.goal == JointVector([-2, 2]))
  }

  @Test func `A hand-over between efforts is a ramp`() {
    let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
    rig.run(toward: [2, 0], ticks: 5)
    rig.propose([-2, 0], source: .person)
    rig.inputs.person.sticksAreNeutral = false
    var last = 2.0
    for _ in 0..<100 {
      let effort = rig.tick().command.goal[0]
      #expect(last - effort < 0.0401 && effort <= last)
      last = effort
    }
    #expect(last == -2)
  }

  // MARK: Numbers

  @Test func `Alterations are counted by kind`() {
    let rig = HardwareRig()
    #expect(rig.core.alterationCounts.ticks(with: .velocity) == 0)
    rig.run(ticks: 30)
    #expect(rig.core.alterationCounts.ticks(with: .velocity) == 30)
    #expect(rig.core.alterationCounts.ticks(with: []) == 0)
  }

  @Test func `A time of nothing is one tick`() {
    #expect(HardwareRig.configuration().ticks(0) == 1)
    #expect(HardwareRig.configuration().ticks(5_000_001) == 2)
  }

  @Test func `Limits that no core takes are seen before it is made`() {
    var limits = SafetyBench.limits()
    #expect(limits.areUsable)
    limits.jerk[1] = .nan
    #expect(!limits.areUsable)
    limits.jerk = JointVector([1])
    #expect(!limits.areUsable)
  }
}
