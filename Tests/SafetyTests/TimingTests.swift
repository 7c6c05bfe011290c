import ArmModel
import Safety
import Testing

/// Late ticks, gaps, and what the core makes of them.
@Suite struct Timing {
  @Test func tenLateTicksSpendTheBudgetAndNineDoNot() {
    let bench = Rig(period: 5_000_000)
    bench.move(ticks: 20)
    for _ in 0..<9 { #expect(bench.tick { $0.lateness = 2_500_001 }.active == .none) }
    let decision = bench.tick { $0.lateness = 2_500_001 }
    #expect(decision.active.conditions == [.overrunBudgetSpent])
    #expect(decision.state == .stopping)
    #expect(decision.latched == .none)
    #expect(bench.ticks(100).state == .hold)
  }

  @Test func halfAPeriodLateIsNotLate() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    for _ in 0..<100 { #expect(bench.tick { $0.lateness = 2_500_000 }.active == .none) }
  }

  @Test func aGoodTickPaysBackATenth() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    // Nine late ones, then nine good ones pay back 0.9: one more late one is allowed, the next is not.
    bench.ticks(9) { $0.lateness = 5_000_000 }
    bench.ticks(9)
    #expect(bench.tick { $0.lateness = 5_000_000 }.active == .none)
    #expect(bench.tick { $0.lateness = 5_000_000 }.active.conditions == [.overrunBudgetSpent])
  }

  @Test func oneLateTickInElevenGoesOnForEver() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    for tick in 0..<2200 {
      #expect(bench.tick { $0.lateness = tick.isMultiple(of: 11) ? 5_000_000 : 0 }.active == .none)
    }
  }

  @Test func theBudgetIsNewOnceSpent() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    bench.ticks(10) { $0.lateness = 5_000_000 }
    for _ in 0..<9 { #expect(bench.tick { $0.lateness = 5_000_000 }.active == .none) }
    #expect(bench.tick { $0.lateness = 5_000_000 }.active.conditions == [.overrunBudgetSpent])
  }

  @Test func tenPeriodsAreNoGapAndANanosecondMoreIs() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    #expect(bench.tick { $0.sincePrevious = 50_000_000 }.active == .none)
    #expect(bench.tick { $0.sincePrevious = 50_000_001 }.active.conditions == [.timeGap])
  }

  @Test func withAVirtualClockTimingIsNotJudged() {
    let bench = Rig(judgesTiming: false)
    bench.move(ticks: 5)
    let decision = bench.ticks(50) {
      $0.lateness = .max / 4
      $0.sincePrevious = .max
    }
    #expect(decision.active == .none)
    #expect(decision.state == .policy)
  }

  @Test func afterAGapTheArmHoldsWhereItIsMeasuredWithoutGoingOnAtTheOldSpeed() {
    let bench = Rig()
    bench.move(ticks: 60)
    bench.inputs.joints.position = JointVector([-0.3, 0.2])
    let decision = bench.tick { $0.sincePrevious = 3_000_000_000 }
    #expect(decision.state == .hold)
    #expect(decision.command.goal == JointVector([-0.3, 0.2]))
    #expect(bench.tick().command.goal == JointVector([-0.3, 0.2]))
    #expect(bench.tick().state == .hold, "a new start is needed")
  }

  @Test("After a gap without a usable reading the last goal is held at rest", arguments: [true, false])
  func gapWithoutReading(readFails: Bool) {
    let bench = Rig()
    let last = bench.move(ticks: 60)
    let decision = bench.tick {
      $0.sincePrevious = 3_000_000_000
      $0.readSucceeded = !readFails
      $0.joints.position = JointVector([.nan, 0])
    }
    #expect(decision.command.goal == last.command.goal)
    #expect(decision.state == (readFails ? .hold : .faultHold))
  }

  @Test func aGapInAHeldFaultMakesTheMeasuredPoseTheOneThatIsHeld() {
    let bench = Rig()
    bench.arm()
    bench.tick { $0.joints.velocity[0] = .nan }
    bench.inputs.joints.position = JointVector([0.3, 0.3])
    let decision = bench.tick { $0.sincePrevious = 3_000_000_000 }
    #expect(decision.state == .faultHold)
    #expect(decision.command.goal == JointVector([0.3, 0.3]))
  }

  @Test func aTorqueArmGetsNoEffortAfterAGap() {
    let bench = Rig(mode: .effort)
    bench.move(toward: [2, -2], ticks: 5)
    let decision = bench.tick { $0.sincePrevious = 3_000_000_000 }
    #expect(decision.command.goal == JointVector([0, 0]))
    #expect(decision.state == .hold)
  }
}

/// Arms of torque motors.
@Suite struct EffortMode {
  @Test func effortsAreClampedEachAndTold() {
    let bench = Rig(mode: .effort)
    bench.arm()
    bench.propose([3.0001, -1])
    let decision = bench.tick([.start])
    #expect(decision.command.mode == .effort)
    #expect(decision.command.goal == JointVector([3, -1]))
    #expect(decision.alterations == [.effort])
    #expect(decision.alteredJoints == 0b01)
    bench.propose([2, -4.5])
    let other = bench.tick()
    #expect(other.command.goal == JointVector([2, -3]))
    #expect(other.alteredJoints == 0b10)
    bench.propose([3, -3])
    let exact = bench.tick()
    #expect(exact.command.goal == JointVector([3, -3]))
    #expect(exact.alterations == [])
    #expect(exact.alteredJoints == 0)
  }

  @Test func anInfiniteLimitLetsEveryFiniteEffortPass() {
    let bench = Rig(limits: JointLimits(unlimited: 1), mode: .effort)
    bench.arm()
    bench.propose([1e300])
    #expect(bench.tick([.start]).command.goal == JointVector([1e300]))
  }

  @Test func holdingArmingAndStoppingMeanZeroEffort() {
    let bench = Rig(mode: .effort, armingTicks: 3)
    bench.inputs.joints.position = JointVector([0.5, 0.5])
    #expect(bench.tick([.arm]).command.goal == JointVector([0, 0]))
    #expect(bench.arm().command.goal == JointVector([0, 0]))
    bench.propose([2, 2])
    #expect(bench.tick([.start]).command.goal == JointVector([2, 2]))
    let stop = bench.tick([.stop])
    #expect(stop.state == .hold)
    #expect(stop.writes)
    #expect(stop.command.goal == JointVector([0, 0]))
  }

  @Test func aBadProposalBecomesZeroEffort() {
    let bench = Rig(mode: .effort)
    bench.move(toward: [2, 2], ticks: 3)
    let decision = bench.tick { $0.proposal.goal[0] = .nan }
    #expect(decision.state == .hold)
    #expect(decision.writes)
    #expect(decision.command.goal == JointVector([0, 0]))
  }

  @Test func positionsProposedToATorqueArmAreRefused() {
    let bench = Rig(mode: .effort)
    bench.move(toward: [2, 2], ticks: 3)
    bench.propose([0, 0], mode: .position)
    #expect(bench.tick().active.conditions == [.proposalInvalid])
  }
}
