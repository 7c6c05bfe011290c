import ArmModel
import Numerics
import Safety
import Testing

/// What the filter says of a proposal that it altered, held against what the wire shows: the steps between goals, and the
/// limits as steps of a tick.
@Suite struct FilterReportTests {
  /// What kept one joint from its target, worked out from the goals that left; nil where it is within rounding of a limit.
  private struct Account {
    let limits: JointLimits
    let joint: Int
    let seconds: Double
    private var goal = 0.0
    private var speed = 0.0
    private var acceleration = 0.0

    init(_ limits: JointLimits, joint: Int, seconds: Double) {
      self.limits = limits
      self.joint = joint
      self.seconds = seconds
    }

    /// What must be told of a proposal that led to this goal.
    mutating func expects(_ proposed: Double, after next: Double) -> Alterations? {
      let fastest = limits.velocity[joint] * seconds
      let most = limits.acceleration[joint] * seconds * seconds
      let jerk = limits.jerk[joint] * seconds * seconds * seconds
      var isDoubtful = false
      func exceeds(_ value: Double, _ limit: Double) -> Bool {
        if (value.magnitude - limit).magnitude < 1e-6 * limit { isDoubtful = true }
        return value.magnitude > limit
      }
      func capped(_ value: Double, _ limit: Double) -> Double { min(max(value, -limit), limit) }
      let wanted = capped(proposed, limits.upper[joint])
      var told: Alterations = wanted == proposed ? [] : .position
      let isThere = (next - wanted).magnitude <= 1e-9
      // The speed that would reach the target in this tick, the change of speed for as much of it as there may be, and
      // the change of acceleration for as much of that.
      var causes: Alterations = []
      let step = wanted - goal
      if exceeds(step, fastest) { causes.insert(.velocity) }
      let change = capped(step, fastest) - speed
      if exceeds(change, most) { causes.insert(.acceleration) }
      if jerk.isFinite && exceeds(capped(change, most) - acceleration, jerk) { causes.insert(.jerk) }
      // Where nothing else keeps it, the joint has to brake in time.
      if !isThere { told.formUnion(causes.isEmpty ? .acceleration : causes) }
      acceleration = next - goal - speed
      speed = next - goal
      goal = next
      return isThere || !isDoubtful ? told : nil
    }
  }

  @Test(arguments: [1, 3], [Double.infinity, 400, 3000])
  func `What is told of an alteration is what the steps on the wire show`(count: Int, jerk: Double) {
    var random = RandomStream(seed: 21, name: "alterations")
    var kinds = Set<UInt8>()
    for _ in 0..<40 {
      let bench = Rig(limits: SafetyBench.limits(count: count, jerk: jerk))
      bench.inputs = SafetyInputs(count: count, mode: .position)
      bench.arm()
      var accounts = (0..<count).map {
        Account(bench.core.configuration.limits, joint: $0, seconds: bench.seconds)
      }
      var proposed = [Double](repeating: 0, count: count)
      for tick in 0..<80 {
        for joint in 0..<count where random.uniform() < 0.3 {
          let goal = bench.core.commandedGoal[joint]
          switch Int(random.uniform() * 4) {
          case 0: proposed[joint] = random.uniform(from: -1.9, to: 1.9)
          case 1: proposed[joint] = goal + random.uniform(from: -0.03, to: 0.03)
          case 2: proposed[joint] = goal + random.uniform(from: -0.002, to: 0.002)
          default: proposed[joint] += random.uniform(from: -0.02, to: 0.02)
          }
          proposed[joint] = min(max(proposed[joint], -2), 2)
        }
        bench.propose(proposed)
        let decision = bench.tick(tick == 0 ? [.start] : .none)
        var told: Alterations? = []
        var joints: UInt16 = 0
        for joint in 0..<count {
          let expected = accounts[joint].expects(proposed[joint], after: decision.command.goal[joint])
          if let expected, expected != [] { joints |= 1 << UInt16(joint) }
          told = expected.flatMap { told?.union($0) }
        }
        if let told {
          #expect(decision.alterations == told && decision.alteredJoints == joints)
          kinds.insert(told.rawValue)
        }
      }
    }
    #expect(kinds.count >= 5, "the lives were rich enough")
  }

  @Test(arguments: [1.0, -1.0]) func `A goal exactly as far as full speed or the reach takes it is not too far`(
    side: Double
  ) {
    let fast = Rig()
    fast.arm()
    // 2 rad/s for 5 ms.
    fast.propose([0.01 * side, 0])
    #expect(fast.tick([.start]).alterations == [.acceleration])
    let further = Rig()
    further.arm()
    further.propose([0.010_001 * side, 0])
    #expect(further.tick([.start]).alterations == [.velocity, .acceleration])
    // A tick of 20 rad/s², which the jerk limit does not allow at once.
    let slow = Rig(limits: SafetyBench.limits(jerk: 1000))
    slow.arm()
    slow.propose([0.0005 * side, 0])
    #expect(slow.tick([.start]).alterations == [.jerk])
    // 2 rad/s for two periods.
    for (goal, isBeyond) in [(0.02, false), (0.0201, true)] {
      let rig = HardwareRig()
      rig.arm()
      rig.propose([goal * side, 0])
      rig.enable()
      #expect(rig.tick([.start]).alterations.contains(.reach) == isBeyond)
    }
  }

  @Test(arguments: [1.0, -1.0]) func `A target just beyond the reach of a joint that is held is told as that alone`(
    side: Double
  ) {
    let rig = HardwareRig(HardwareRig.configuration(jerk: .infinity))
    rig.arm()
    rig.isHeld = true
    rig.propose([0.0203 * side, 0])
    rig.enable()
    rig.tick([.start])
    rig.ticks(20)
    #expect(rig.last.alterations == [.reach] && rig.last.alteredJoints == 0b01)
    #expect((rig.last.command.goal[0] * side - 0.02).magnitude < 1e-12)
  }

  @Test(arguments: [Double.infinity, 1000], [0.0002, -0.0002, 0.0005, 0.001, -0.003, 0.01])
  func `A new source is led as if there had been none before it`(jerk: Double, offset: Double) {
    let used = Rig(limits: SafetyBench.limits(jerk: jerk))
    used.arm()
    used.propose([0, 0])
    used.tick([.start])
    for step in 1...60 {
      used.propose([0.004 * Double(step), -0.006 * Double(step)])
      used.tick()
    }
    used.tick([.stop])
    used.ticks(60)
    let rest = used.core.commandedGoal
    #expect(used.core.state == .hold && rest[0] > 0.1 && rest[1] < -0.1)
    let fresh = Rig(limits: SafetyBench.limits(jerk: jerk))
    fresh.inputs.joints.position = rest
    fresh.arm()
    for tick in 0..<30 {
      let target = [rest[0] + offset, rest[1] - offset]
      used.propose(target)
      fresh.propose(target)
      let requests: OperatorRequests = tick == 0 ? [.start] : .none
      let goal = fresh.tick(requests).command.goal
      #expect(used.tick(requests).command.goal == goal, "tick \(tick)")
      // The target stands still, so it is not run past.
      #expect((goal[0] - rest[0]) / offset < 1 + 1e-9 && (rest[1] - goal[1]) / offset < 1 + 1e-9)
    }
  }

  @Test(arguments: [1.0, -1.0]) func `A new source with the target of the last one is a new source, too`(side: Double) {
    let used = Rig(limits: SafetyBench.limits(jerk: 1000))
    used.arm()
    let target = [0.00035 * side, -0.00035 * side]
    used.propose(target)
    used.tick([.start])
    used.tick([.stop])
    used.ticks(10)
    let rest = used.core.commandedGoal
    #expect(used.core.state == .hold && rest[0] * side > 0 && rest[0] * side < 0.00035)
    let fresh = Rig(limits: SafetyBench.limits(jerk: 1000))
    fresh.inputs.joints.position = rest
    fresh.arm()
    for tick in 0..<10 {
      used.propose(target)
      fresh.propose(target)
      let requests: OperatorRequests = tick == 0 ? [.start] : .none
      #expect(used.tick(requests).command.goal == fresh.tick(requests).command.goal, "tick \(tick)")
    }
  }

  @Test func `A move is as fast as the set-up has it, and no faster`() {
    for speed in [0.1, 0.3] {
      var configuration = HardwareRig.configuration()
      configuration.moveSpeed = speed
      let rig = HardwareRig(configuration)
      rig.arm()
      rig.inputs.destination = JointVector([0.3, -0.3])
      rig.tick([.move])
      var fastest = 0.0
      while rig.last.state == .moving {
        let before = rig.core.commandedGoal[0]
        rig.tick()
        fastest = max(fastest, (rig.core.commandedGoal[0] - before) / rig.seconds)
      }
      #expect(fastest <= speed * (1 + 1e-9) && fastest > 0.95 * speed)
      #expect(rig.last.state == .hold && rig.core.commandedGoal == JointVector([0.3, -0.3]))
    }
  }

  @Test func `An arm of as many joints as there may be lives a whole life`() {
    let count = JointVector.capacity
    var configuration = SafetyConfiguration.hardware(
      limits: SafetyBench.limits(count: count, jerk: 1000), mode: .position, period: 5_000_000,
      proposalPeriod: 20_000_000, parkPose: JointVector(repeating: 0.05, count: count))
    configuration.monitors.clampedShare = 1
    var model = CapsuleModel()
    for joint in 0..<count {
      let link = model.addLink(
        parent: joint - 1, position: Vector3(0.1, 0, 0), orientation: .identity, joint: joint)
      #expect(link == joint)
      _ = model.addCapsule(link: joint, from: .zero, to: Vector3(0.1, 0, 0), radius: 0.02)
    }
    model.workspaceUpper = Vector3(.infinity, 3, .infinity)
    configuration.capsules = model
    let rig = HardwareRig(configuration)
    let target = (0..<count).map { $0.isMultiple(of: 2) ? 0.2 : -0.2 }
    rig.run(toward: target, ticks: 400)
    #expect(rig.last.command.goal == JointVector(target) && rig.last.alterations == [])
    rig.propose(target.map { -$0 })
    rig.ticks(20)
    rig.tick([.stop])
    #expect(rig.comesToRest(in: .hold))
    rig.tick { $0.sincePrevious = 20 * rig.period }
    rig.ticks(20)
    #expect(rig.last.state == .hold && rig.last.active == .none)
    rig.tick([.park])
    #expect(rig.comesToRest(in: .disarmed, within: 400))
    #expect(rig.core.commandedGoal == configuration.parkPose && rig.finding == nil)
  }
}
