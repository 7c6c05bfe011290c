import ArmModel
import Numerics
import Testing

@testable import Safety

/// What looks well and is not: inputs that contradict themselves, monitors that could be lulled, grants that could outlive
/// their reason.
@Suite struct DoubtTests {
  // MARK: Recovery and monitors

  @Test func `After a collision is reset the arm can be armed and held again`() {
    for heavy in [true, false] {
      var configuration = HardwareRig.configuration()
      if !heavy {
        configuration.residualTime = .infinity
        configuration.monitors.clampedShare = 1
      }
      let rig = HardwareRig(configuration)
      rig.run(toward: [1.4, 0], ticks: 1)
      rig.isHeld = true
      if heavy { rig.inputs.joints.effort[0] = 2.9 }
      #expect(rig.ticks(atMost: 200) { $0.state == .faultHold } != nil)
      rig.inputs.joints.effort[0] = 0
      rig.isHeld = false
      rig.inputs.person.enableIsHeld = false
      rig.ticks(10)
      #expect(rig.tick([.reset]).state == .disarmed)
      rig.ticks(5)
      rig.tick([.arm])
      #expect(rig.ticks(atMost: 50) { $0.state == .hold } != nil)
      #expect(rig.ticks(100).state == .hold)
      #expect(rig.last.latched == .none)
    }
  }

  @Test(arguments: [false, true]) func `A stop that is held down does not lull the watch over standing still`(
    isDisarming: Bool
  ) {
    let rig = HardwareRig()
    rig.arm()
    rig.inputs.person.stopIsPressed = true
    #expect(rig.ticks(20).state == .hold && rig.last.active.conditions == [.stopRequested])
    if isDisarming {
      #expect(rig.tick([.disarm]).state == .disarmed && rig.last.power == .release)
      return
    }
    rig.isHeld = true
    var ticks = 0
    while !rig.last.latched.has(.standstillLost) && ticks < 60 {
      if ticks < 10 { rig.position[0] -= 0.00873 }
      rig.tick()
      ticks += 1
    }
    #expect(ticks <= 40)
  }

  @Test func `A joint below its lower limit is outside as one above its upper is`() {
    let rig = HardwareRig()
    rig.position = [-1.7, 0]
    rig.arm()
    #expect(rig.last.notices.has(.outsideLimits))
    rig.propose([-1.6, 0])
    rig.enable()
    #expect(rig.tick([.start]).refusal == .outsideLimits)
    let other = HardwareRig()
    other.position = [-1.45, 0]
    other.arm()
    #expect(!other.last.notices.has(.outsideLimits))
    other.isHeld = true
    other.position = [-1.475, 0]
    other.tick()
    other.position = [-1.5, 0]
    other.tick()
    other.position = [-1.521, 0]
    #expect(other.tick().active.has(.outsideLimits))
  }

  @Test func `A fault that latches at rest is a held fault in the same tick`() {
    let rig = HardwareRig()
    rig.arm()
    #expect(rig.tick { $0.joints.velocity[0] = .nan }.state == .faultHold)
    #expect(rig.last.writes)
  }

  // MARK: Inputs that contradict themselves

  @Test func `A reading whose parts have different numbers of joints is invalid`() {
    for part in 0..<4 {
      let rig = HardwareRig()
      rig.run()
      rig.tick {
        let short = JointVector(repeating: 0, count: 1)
        switch part {
        case 0: $0.joints.velocity = short
        case 1: $0.joints.effort = short
        case 2: $0.joints.age = short
        default: $0.joints.position = short
        }
      }
      #expect(rig.last.active.has(.measurementInvalid), "part \(part)")
      #expect(rig.last.source == .stop)
    }
  }

  @Test func `A real arm's reading without positions is invalid`() {
    let rig = HardwareRig()
    rig.run()
    #expect(rig.tick { $0.joints.present = [.velocity] }.active.conditions == [.measurementInvalid])
  }

  @Test func `Temperatures without as many supplies are judged as far as they go`() {
    var configuration = HardwareRig.configuration()
    configuration.monitors.highestTemperature = 70
    configuration.monitors.lowestVoltage = 6
    let rig = HardwareRig(configuration)
    rig.run()
    rig.inputs.health.voltage = JointVector([12])
    #expect(rig.tick().active == .none)
    rig.inputs.health.voltage = JointVector([12, 12, 5])
    #expect(rig.tick().active.conditions == [.servoVoltage])
  }

  @Test func `A clock that goes back is a gap`() {
    let rig = HardwareRig()
    rig.run()
    let decision = rig.tick { $0.sincePrevious = -1 }
    #expect(decision.active.has(.timeGap) && decision.source == .stop)
    let other = HardwareRig()
    other.run()
    other.skip(by: -1_000_000)
    #expect(other.tick { $0.sincePrevious = 500_000 }.active.has(.timeGap))
  }

  @Test func `Time that runs over ends no tick in a loop`() {
    var share = SlidingShare()
    share.note(1, bad: 0, now: .max - 10)
    share.note(1, bad: 1, now: .max)
    share.note(1, bad: 0, now: .min)
    share.note(1, bad: 0, now: .min + 1_000)
    #expect(share.total >= 1)
  }

  @Test func `A device whose clock runs ahead is silent like any other`() {
    let rig = HardwareRig()
    rig.teleoperate()
    rig.inputs.person.isWireless = true
    let ticks = rig.ticksToStop(atMost: 1000) { $0.person.lastEvent = 9_000_000_000_000_000_000 }
    #expect(rig.last.active.conditions == [.operatorSilent])
    #expect((ticks ?? .max) <= 602, "three seconds and two ticks")
  }

  // MARK: Grants that could outlive their reason

  @Test func `A pose set by other means is not adopted while a real arm is under torque`() {
    let rig = HardwareRig()
    rig.tick()
    let isAdopted = rig.core.adopt(JointVector([0.1, 0.1]))
    rig.arm()
    let isAdoptedAgain = rig.core.adopt(JointVector([0.5, 0.5]))
    #expect(isAdopted && !isAdoptedAgain)
    #expect(rig.core.commandedGoal == JointVector([0, 0]))
    let arming = HardwareRig()
    arming.tick()
    arming.tick([.arm])
    let isAdoptedMeanwhile = arming.core.adopt(JointVector([0.1, 0.1]))
    #expect(arming.last.state == .arming && !isAdoptedMeanwhile)
  }

  @Test func `What was refused in one tick is not told in the next`() {
    let rig = HardwareRig()
    rig.tick()
    #expect(rig.tick([.start]).refusal == .notArmed)
    #expect(rig.tick().refusal == .none && rig.last.refused == .none)
  }

  @Test func `A stop while torque comes on takes it off again`() {
    let rig = HardwareRig()
    rig.tick()
    rig.tick([.arm])
    rig.tick { $0.power = .energising }
    #expect(rig.last.state == .arming && rig.last.power == .energise)
    rig.tick([.stop]) { $0.power = .energising }
    #expect(rig.last.state == .disarmed && rig.last.power == .release)
    #expect(rig.ticks(20).state == .disarmed && rig.last.power == .keep)
  }

  @Test func `A servo that lets go while the arm is being armed is not switched on again`() {
    for power in [ArmPower.off, .mixed, .unknown] {
      let rig = HardwareRig()
      rig.tick()
      rig.tick([.arm])
      rig.ticks(3)
      #expect(rig.last.state == .arming && rig.last.writes)
      rig.inputs.power = power
      rig.tick()
      #expect(rig.last.latched.conditions == [.torqueLost] && rig.last.power == .release)
      #expect(rig.last.state == .fault)
    }
  }

  @Test func `Torque that is no longer known to be on is lost`() {
    for power in [ArmPower.unknown, .energising, .off, .mixed] {
      let rig = HardwareRig()
      rig.run()
      #expect(rig.tick { $0.power = power }.active.conditions == [.torqueLost])
    }
  }

  @Test func `A gap is no second in which enable was seen released`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick([.release])
    rig.inputs.person.enableIsHeld = false
    rig.tick()
    rig.tick { $0.sincePrevious = 3_000_000_000 }
    #expect(rig.tick([.reset]).refusal == .enableJustReleased)
    rig.ticks(200)
    #expect(rig.tick([.reset]).state == .disarmed)
  }

  @Test func `What a device said long ago moves nothing`() {
    let rig = HardwareRig()
    rig.arm()
    rig.propose([0.1, 0], source: .person)
    rig.personIsAlive = false
    rig.ticks(100)
    let goal = rig.core.commandedGoal
    rig.enable()
    #expect(rig.ticks(8).state == .teleoperation)
    #expect(rig.core.commandedGoal == goal)
    rig.personIsAlive = true
    rig.ticks(3)
    #expect(rig.core.commandedGoal[0] > 0 && rig.last.source == .person)
  }

  @Test func `A person whose goal is far from the arm does not get it from rest`() {
    let rig = HardwareRig()
    rig.arm()
    rig.propose([0.6, 0], source: .person)
    rig.enable()
    #expect(rig.last.active.conditions == [.handoverRefused] && rig.last.state == .hold)
    #expect(rig.ticks(50).state == .hold && rig.core.commandedGoal == JointVector([0, 0]))
    rig.propose([0.5, 0], source: .person)
    rig.enable()
    #expect(rig.last.state == .teleoperation)
  }

  @Test func `A policy that yields does not take the arm from the person who takes over`() {
    let rig = HardwareRig()
    rig.run(toward: [0.2, 0], ticks: 300)
    rig.propose([0.2, 0], source: .person)
    rig.tick { $0.person.sticksAreNeutral = false }
    #expect(rig.last.state == .handover)
    #expect(rig.tick([.yield]).state == .handover)
    #expect(rig.ticks(120).state == .teleoperation)
  }

  @Test func `A device that goes away stops a hand-over to a lone policy, and a move`() {
    var configuration = HardwareRig.configuration()
    configuration.isSupervised = false
    let rig = HardwareRig(configuration)
    rig.teleoperate(toward: [0.2, 0])
    rig.propose([0.2, 0])
    rig.tick([.start])
    #expect(rig.last.state == .handover)
    #expect(rig.tick { $0.person.isPresent = false }.active.conditions == [.operatorLost])
    let other = HardwareRig()
    other.arm()
    other.inputs.destination = JointVector([0.5, 0])
    other.tick([.move])
    other.inputs.person.isPresent = false
    #expect(other.tick().active.conditions == [.operatorLost])
    #expect(other.comesToRest(in: .hold))
  }

  @Test func `A move that something blocks ends in a stop, not in waiting`() {
    let rig = HardwareRig(Injection.walled())
    rig.arm()
    rig.inputs.destination = JointVector([1.2, 0])
    rig.tick([.move])
    #expect(rig.ticks(atMost: 1000) { $0.active.has(.collisionPredicted) } != nil)
    #expect(rig.comesToRest(in: .hold))
    rig.inputs.destination = JointVector([0.1, 0])
    #expect(rig.tick([.move]).state == .moving)
    #expect(rig.ticks(atMost: 1000) { $0.state == .hold } != nil)
    #expect(rig.core.commandedGoal == JointVector([0.1, 0]), "what was blocked before is forgotten")
  }

  @Test func `A person is not stopped for what blocked the policy before, even before the sticks say anything`() {
    let rig = HardwareRig(Injection.walled())
    rig.run(toward: [1.2, 0], ticks: 1)
    #expect(rig.ticks(atMost: 1000) { $0.active.has(.collisionPredicted) } != nil)
    #expect(rig.comesToRest(in: .hold))
    rig.propose([rig.core.commandedGoal[0], 0], source: .person)
    rig.personIsAlive = false
    // Long enough for the proposal to be old, and not for the pad to be silent.
    rig.ticks(10)
    rig.enable()
    #expect(rig.last.state == .teleoperation)
    for _ in 0..<5 { #expect(rig.tick().state == .teleoperation && rig.last.active == .none) }
    #expect(rig.finding == nil)
  }

  @Test func `A stop on the way to a parking for a bad supply spares the arm that motion`() {
    let rig = HardwareRig()
    rig.run()
    rig.inputs.health.setFaults(.voltage, of: 0)
    #expect(rig.ticks(2).state == .stopping)
    rig.tick([.stop])
    #expect(rig.ticks(atMost: 60) { $0.state == .park || $0.power == .release } != nil)
    #expect(rig.last.state == .fault && rig.last.power == .release && rig.finding == nil)
  }

  @Test func `Torque off is tried when it is asked for in a silent fault`() {
    let rig = HardwareRig()
    rig.run()
    rig.tick { $0.armFailed = true }
    #expect(rig.ticks(5).power == .keep)
    #expect(rig.tick([.disarm]).power == .release)
    #expect(rig.last.state == .fault && !rig.last.writes)
  }

  @Test func `A set-up with numbers that switch a limit off is none`() async {
    await #expect(processExitsWith: .failure) {
      var configuration = HardwareRig.configuration()
      configuration.moveSpeed = .nan
      _ = SafetyCore(configuration)
    }
    let good = HardwareRig.configuration()
    #expect(good.areNumbersUsable)
    let changes: [(inout SafetyConfiguration) -> Void] = [
      { $0.moveSpeed = .nan }, { $0.moveSpeed = 0 }, { $0.envelope = .nan }, { $0.envelope = 0.5 },
      { $0.handoverDistance = .nan }, { $0.handoverDistance = -1 }, { $0.residualTime = .nan },
      { $0.residualTime = 0 },
      { $0.handoverTime = -1 }, { $0.parkTime = 0 }, { $0.limits.velocity[1] = .infinity },
      { $0.monitors.trackingError = .nan }, { $0.monitors.busErrorShare = .nan }, { $0.monitors.clampedShare = .nan },
      { $0.monitors.standstillTolerance = .nan }, { $0.monitors.armingDrift = .nan },
      { $0.monitors.jumpPeriods = .nan }, { $0.monitors.outsideTolerance = .nan }, { $0.monitors.oldPeriods = .nan },
      { $0.monitors.stalePeriods = .nan }, { $0.monitors.obstructedError = .nan },
      { $0.monitors.obstructedReach = .nan }, { $0.monitors.obstructedEffort = .nan },
      { $0.monitors.obstructedSpeed = .nan }, { $0.monitors.obstructedGrowth = .nan },
      { $0.monitors.obstructedLead = .nan }, { $0.monitors.dampTorqueShare = .nan },
      { $0.monitors.dampTorqueShare = 1.5 }, { $0.monitors.highestTemperature = .nan },
      { $0.monitors.lowestVoltage = .nan },
    ]
    for (index, change) in changes.enumerated() {
      var bad = good
      change(&bad)
      #expect(!bad.areNumbersUsable, "change \(index)")
    }
    var simulated = SafetyConfiguration(
      limits: JointLimits(unlimited: 2), mode: .position, period: 1_000_000, proposalPeriod: 1_000_000, armingTicks: 0,
      judgesTiming: false)
    #expect(simulated.areNumbersUsable)
    simulated.isHardware = true
    #expect(!simulated.areNumbersUsable, "without a largest speed nothing bounds what a dead host leaves behind")
  }

  // At 0.35 m from the axis the radii and the margin bar 86 mrad of the joint's way, or 11: less than a look ahead.
  @Test(arguments: [0.005, 0.00095])
  func `A fast joint cannot pass through something thin between two looks ahead`(radius: Double) {
    var configuration = HardwareRig.configuration(jerk: 20000)
    configuration.limits.velocity = JointVector([6, 6])
    configuration.limits.acceleration = JointVector([12, 12])
    configuration.limits.upper = JointVector([3, 3])
    configuration.limits.lower = JointVector([-3, -3])
    configuration.monitors.clampedShare = 1
    configuration.residualTime = 10
    var model = CapsuleModel()
    if radius < 0.001 { model.margin = 0.00002 }
    let arm = model.addLink(parent: -1, position: .zero, orientation: .identity, joint: 0) ?? -1
    let post = model.addLink(parent: -1, position: .zero, orientation: .identity) ?? -1
    let rod = model.addCapsule(link: arm, from: Vector3(0.3, 0, 0), to: Vector3(0.4, 0, 0), radius: radius) ?? -1
    // A thin post on the circle that the rod's end runs through.
    let stick =
      model.addCapsule(
        link: post, from: Vector3(0, 0.35, -0.1), to: Vector3(0, 0.35, 0.1), radius: radius) ?? -1
    let isPair = model.keepApart(rod, stick)
    #expect(isPair)
    configuration.capsules = model
    for start in stride(from: -1.5, to: -0.5, by: radius < 0.001 ? 0.005 : 0.037) {
      let rig = HardwareRig(configuration)
      rig.position = [start, 0]
      rig.run(toward: [2.9, 0], ticks: 300)
      #expect(rig.core.configuration.capsules.clearance(at: rig.core.commandedGoal) >= model.margin - 1e-12)
      #expect(rig.core.commandedGoal[0] < 1.57, "from \(start)")
    }
  }
}
