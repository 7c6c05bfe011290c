import ArmModel
import Numerics
import Safety
import Testing

/// What is acted on only when it lasts: to the tick, whatever comes in between.
@Suite struct LastingTests {
  /// The rule: a tick in which it is there counts one; a single one in which it is not counts nothing, every further one in
  /// a row takes a quarter back.
  private struct Lasting {
    var quarters = 0
    var misses = 0

    mutating func note(_ isThere: Bool) -> Int {
      misses = isThere ? 0 : misses + 1
      if isThere { quarters += 4 } else if misses > 1 { quarters = max(quarters - 1, 0) }
      return quarters
    }
  }

  /// A joint at rest that hangs back a little; it pushes hard in the ticks that the pattern names. The tick in which that
  /// is an obstruction, and the one in which the rule says so.
  private func obstruction(_ pattern: [Bool]) -> [Int?] {
    let rig = HardwareRig()
    rig.arm()
    rig.isHeld = true
    rig.position[0] = -0.02
    rig.ticks(3)
    var rule = Lasting()
    for (tick, isPushing) in pattern.enumerated() {
      rig.tick { $0.joints.effort[0] = isPushing ? 2.9 : 0 }
      // 150 ms are 30 ticks.
      let isExpected = rule.note(isPushing) >= 4 * 30
      let isFound = rig.last.active.has(.obstructed)
      if isFound || isExpected { return [isFound ? tick : nil, isExpected ? tick : nil] }
    }
    return [nil, nil]
  }

  @Test func `An obstruction is one when it has lasted, to the tick, in any pattern of pushing and not`() {
    #expect(obstruction([Bool](repeating: true, count: 40)) == [29, 29])
    #expect(obstruction((0..<100).map { $0.isMultiple(of: 2) }) == [58, 58])
    // A long rest brings it down to nothing, and no further.
    let rested = [true] + [Bool](repeating: false, count: 60)
    #expect(obstruction(rested + [Bool](repeating: true, count: 40)) == [90, 90])
    let broken = [Bool](repeating: true, count: 10) + [false, false] + [Bool](repeating: true, count: 40)
    #expect(obstruction(rested + broken) == [93, 93])
    for seed in 0..<24 {
      var random = RandomStream(seed: UInt64(seed), name: "lasting")
      var pattern: [Bool] = []
      while pattern.count < 300 {
        pattern += [Bool](repeating: true, count: 1 + Int(random.uniform() * 9))
        pattern += [Bool](repeating: false, count: 1 + Int(random.uniform() * random.uniform() * 12))
      }
      let seen = obstruction(pattern)
      #expect(seen[0] == seen[1], "seed \(seed)")
    }
  }

  @Test func `An obstruction that lasted long is over as soon as a short one`() {
    // While a bad supply parks the arm, what it pushes against changes nothing but is told.
    var configuration = HardwareRig.configuration()
    configuration.parkPose = JointVector([-1.4, 1.4])
    let rig = HardwareRig(configuration)
    rig.run(toward: [0.2, 0.2], ticks: 100)
    rig.inputs.health.setFaults(.voltage, of: 0)
    #expect(rig.comesToRest(in: .park))
    rig.isHeld = true
    let ticks = rig.ticks(atMost: 100, { $0.joints.effort[0] = 2.9 }) { $0.active.has(.obstructed) }
    #expect(ticks != nil && rig.last.state == .park)
    #expect(rig.ticks(50) { $0.joints.effort[0] = 2.9 }.active.has(.obstructed))
    #expect(rig.tick().active.has(.obstructed), "a single tick counts nothing")
    #expect(!rig.tick().active.has(.obstructed) && rig.last.state == .park)
  }

  @Test func `What was not read, or not as numbers, does not last on`() {
    for isRead in [true, false] {
      let rig = HardwareRig()
      rig.arm()
      rig.isHeld = true
      rig.position[0] = -0.02
      rig.inputs.joints.effort[0] = 2.9
      rig.ticks(29)
      #expect(rig.last.active == .none)
      rig.tick { if isRead { $0.joints.velocity[1] = .nan } else { $0.readSucceeded = false } }
      #expect(!rig.last.active.has(.obstructed))
      rig.tick()
      #expect(rig.last.active.has(.obstructed))
    }
  }

  // MARK: A policy that says the same

  /// Ticks until a notice says that the policy is frozen.
  private func ticksToNotice(_ rig: HardwareRig, atMost limit: Int = 400) -> Int? {
    rig.ticks(atMost: limit) { $0.notices.has(.policyFrozen) }
  }

  @Test func `The same goal with new stamps for a second is told, to the tick, and a new goal begins it anew`() {
    let rig = HardwareRig()
    rig.arm()
    rig.propose([0.2, 0])
    rig.enable()
    rig.tick([.start])
    // The second proposal is the first that is the same again, and from there it is a second.
    #expect(ticksToNotice(rig) == 201)
    #expect(rig.tick().notices.has(.policyFrozen))
    rig.propose([0.2, 1e-9])
    #expect(ticksToNotice(rig) == 202)
    // Nothing is known of what a source does that gets authority anew.
    rig.tick([.stop])
    #expect(rig.comesToRest(in: .hold))
    rig.enable()
    rig.tick([.start])
    #expect(ticksToNotice(rig).map { $0 >= 200 } == true)
  }

  @Test func `A goal that stands because nothing newer has come is not frozen`() {
    var configuration = HardwareRig.configuration()
    configuration.proposalPeriod = 2_000_000_000
    let rig = HardwareRig(configuration)
    rig.arm()
    rig.policyIsAlive = false
    rig.propose([0.2, 0])
    rig.enable()
    rig.tick([.start])
    #expect(ticksToNotice(rig) == nil && rig.last.state == .policy)
  }

  @Test func `Only a policy is said to be frozen`() {
    let rig = HardwareRig()
    rig.teleoperate()
    #expect(ticksToNotice(rig) == nil && rig.last.state == .teleoperation)
  }

  // MARK: Invalid proposals

  @Test(arguments: 1...3) func `So many invalid proposals within ten seconds make a fault, and older ones do not count`(
    limit: Int
  ) {
    for seed in 0..<60 {
      var random = RandomStream(seed: UInt64(seed), name: "invalid")
      var bench = SafetyBench(judgesTiming: false)
      var configuration = bench.core.configuration
      configuration.monitors.invalidProposals = limit
      bench.core = SafetyCore(configuration)
      let rig = Rig(bench)
      rig.arm()
      rig.propose([.nan, 0])
      var times: [Int64] = []
      for _ in 0..<12 where !rig.core.latched.has(.proposalsInvalid) {
        // Whole seconds, so that they often make ten together, and now and then a nanosecond more.
        rig.now += Int64(1 + random.uniform() * 10) * 1_000_000_000 - rig.period + (random.uniform() < 0.2 ? 1 : 0)
        let decision = rig.tick([.start])
        times.append(rig.now)
        let isFault = times.count >= limit && rig.now - times[times.count - limit] <= 10_000_000_000
        #expect(decision.active.has(.proposalInvalid))
        #expect(decision.latched.has(.proposalsInvalid) == isFault, "\(times)")
      }
    }
  }

  @Test func `What lies outside one and a half times a lopsided range is invalid, on either side of any joint`() {
    // The range from -0.5 to 1.5 rad has its middle at 0.5 rad.
    for (goal, isGood) in [(2.0, true), (-1.0, true), (2.001, false), (-1.001, false)] {
      for joint in 0..<2 {
        var configuration = HardwareRig.configuration()
        configuration.limits.lower[joint] = -0.5
        let rig = HardwareRig(configuration)
        rig.arm()
        rig.propose([joint == 0 ? goal : 0, joint == 1 ? goal : 0])
        rig.enable()
        rig.tick([.start])
        #expect(rig.last.active.has(.proposalInvalid) == !isGood, "joint \(joint), \(goal) rad")
      }
    }
    for (effort, isGood) in [(4.5, true), (-4.5, true), (4.501, false), (-4.501, false)] {
      for joint in 0..<2 {
        let rig = HardwareRig(HardwareRig.configuration(mode: .effort))
        rig.arm()
        rig.propose([joint == 0 ? effort : 0, joint == 1 ? effort : 0])
        rig.enable()
        rig.tick([.start])
        #expect(rig.last.active.has(.proposalInvalid) == !isGood, "joint \(joint), \(effort) N·m")
      }
    }
  }
}
