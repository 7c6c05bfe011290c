import ArmModel
import Safety
import Testing

/// Who may move the arm, and how authority is granted and taken.
@Suite struct Authority {
  @Test func aNewCoreIsInBootAndHasNothingLatched() {
    let bench = SafetyBench()
    #expect(bench.core.state == .boot)
    #expect(bench.core.latched == .none)
  }

  @Test func bootAndDisarmedWriteNothing() {
    let bench = Rig()
    let unread = bench.tick { $0.readSucceeded = false }
    #expect(unread.state == .boot)
    #expect(!unread.writes)
    let read = bench.tick()
    #expect(read.state == .disarmed)
    #expect(!read.writes)
    #expect(read.source == .none)
  }

  @Test func withoutAReadingBootIsNotLeftAndArmingDoesNotBegin() {
    let bench = Rig()
    #expect(bench.tick([.arm, .start]) { $0.readSucceeded = false }.state == .boot)
    bench.tick()
    #expect(bench.tick([.arm]) { $0.readSucceeded = false }.state == .disarmed)
    #expect(bench.tick().state == .disarmed, "a request acts once, in the tick that carries it")
  }

  @Test func whereStandingStillTakesNoTimeOneStepLeadsFromBootToThePolicy() {
    let bench = Rig(armingTicks: 0)
    bench.inputs.joints.position = JointVector([0.2, -0.3])
    bench.propose([0.2, -0.3])
    #expect(!bench.core.isMovedByPolicy && !bench.core.isMovedByPerson)
    let decision = bench.tick([.arm, .start])
    #expect(decision.state == .policy)
    #expect(bench.core.isMovedByPolicy && !bench.core.isMovedByPerson)
    #expect(decision.writes)
    #expect(decision.source == .policy)
    #expect(decision.command.goal == JointVector([0.2, -0.3]))
  }

  @Test(
    "On the one-step path a proposal is judged as strictly as anywhere",
    arguments: [Condition.proposalInvalid, .proposalLate])
  func oneStepPathJudgesProposals(condition: Condition) {
    let bench = Rig(armingTicks: 0)
    bench.propose([1, condition == .proposalInvalid ? .nan : 1])
    let decision = bench.tick([.arm, .start]) {
      if condition == .proposalLate { $0.proposal.stamp = -1_000_000_000 }
    }
    #expect(decision.active.conditions == [condition])
    #expect(!decision.writes)
    #expect(decision.state == .boot)
    #expect(decision.refused.contains(.start) && decision.refusal == .conditionActive)
  }

  @Test func tenArmingTicksHoldTheMeasuredPoseBeforeTheArmCountsAsArmed() {
    let bench = Rig(armingTicks: 10)
    bench.propose([1, 1])
    bench.inputs.joints.position = JointVector([0.4, 0.5])
    bench.tick()
    var decision = bench.tick([.arm, .start])
    for _ in 0..<10 {
      #expect(decision.state == .arming)
      #expect(decision.writes)
      #expect(decision.source == .stop)
      #expect(decision.command.goal == JointVector([0.4, 0.5]))
      bench.inputs.joints.position = JointVector([9, 9])
      decision = bench.tick([.start])
    }
    #expect(decision.state == .policy, "start counts in the very tick in which arming ends")
  }

  @Test func aStopWhileArmingDoesNotShortenArming() {
    let bench = Rig(armingTicks: 10)
    bench.tick([.arm])
    for _ in 0..<5 { #expect(bench.tick().state == .arming) }
    #expect(bench.tick([.stop]).state == .arming)
    for _ in 0..<10 { #expect(bench.tick([.start]).state == .arming) }
    #expect(bench.tick().state == .hold)
  }

  @Test func startWhileDisarmedIsForgotten() {
    let bench = Rig()
    bench.propose([0, 0])
    #expect(bench.tick([.start]).state == .disarmed)
    #expect(bench.tick([.arm]).state == .hold)
    #expect(bench.tick().state == .hold)
  }

  @Test func armActsOnlyWhileDisarmed() {
    let bench = Rig()
    bench.move(toward: [1, 1], ticks: 20)
    let moving = bench.core.commandedGoal
    bench.inputs.joints.position = JointVector([-1, -1])
    let decision = bench.tick([.arm])
    #expect(decision.state == .policy)
    #expect(decision.command.goal[0] > moving[0], "the reference stays the commanded goal")
  }

  @Test func startNeedsAReadingAndAProposal() {
    let bench = Rig()
    bench.arm()
    #expect(bench.tick([.start]).state == .hold, "nothing was proposed")
    bench.propose([0, 0])
    #expect(bench.tick([.start]) { $0.readSucceeded = false }.state == .hold)
    #expect(bench.tick([.start]).state == .policy)
  }

  @Test("Only a policy's proposal moves the arm", arguments: [CommandSource.person, .blend, .stop])
  func otherSourcesHaveNoAuthority(source: CommandSource) {
    let bench = Rig()
    bench.move(ticks: 20)
    bench.propose([0, 0], source: source)
    let decision = bench.tick()
    #expect(decision.active.conditions == [.proposalInvalid])
    #expect(decision.state == .stopping)
    #expect(bench.ticks(100).state == .hold)
  }

  @Test func aSourceThatYieldsComesToRestAndNeedsANewStart() {
    let bench = Rig()
    bench.move(ticks: 20)
    bench.inputs.proposal.source = .none
    let decision = bench.tick([.yield])
    #expect(decision.state == .stopping)
    #expect(decision.active == .none, "the end of an episode is no fault of the policy")
    #expect(bench.ticks(100).state == .hold)
    bench.propose([0, 0])
    #expect(bench.tick().state == .hold)
    #expect(bench.tick([.start]).state == .policy)
  }

  @Test func yieldMeansNothingWhenTheCoreHasTheArm() {
    let bench = Rig()
    bench.arm()
    let decision = bench.tick([.yield])
    #expect(decision.state == .hold)
    #expect(decision.active == .none)
  }

  @Test func whileTheCoreHoldsAProposalIsOverruled() {
    let bench = Rig()
    let still = bench.arm()
    #expect(still.alterations == [])
    bench.propose([1, 1])
    let decision = bench.tick()
    #expect(decision.alterations == .overruled)
    #expect(decision.command.goal == still.command.goal)
  }

  @Test func aStopThatBeginsDuringAnotherChangesNothing() {
    let once = Rig()
    once.move(ticks: 40)
    let often = Rig(once.bench)
    once.tick([.stop])
    often.tick([.stop])
    for _ in 0..<60 {
      let a = once.tick()
      let b = often.tick([.stop, .start, .arm])
      #expect(a.command.goal == b.command.goal)
      #expect(a.state == b.state)
    }
    #expect(once.core.state == .hold)
  }

  @Test func adoptIsRefusedWhileTheArmMayBeInMotionOrAFaultIsLatched() {
    let bench = Rig()
    let elsewhere = JointVector([0.5, 0.5])
    #expect(bench.adopt(elsewhere))
    bench.move(ticks: 30)
    let goal = bench.core.commandedGoal
    #expect(!bench.adopt(elsewhere))
    bench.tick([.stop])
    #expect(bench.core.state == .stopping)
    #expect(!bench.adopt(elsewhere))
    bench.tick { $0.joints.position[0] = .nan }
    bench.ticks(100)
    #expect(bench.core.state == .faultHold)
    #expect(!bench.adopt(elsewhere))
    bench.tick { $0.armFailed = true }
    #expect(bench.core.state == .fault)
    #expect(!bench.adopt(elsewhere))
    #expect(bench.core.commandedGoal[0] >= goal[0])
  }

  @Test("A position that cannot be a pose is not adopted", arguments: [[0.1], [0, 0, 0], [0, .nan], [.infinity, 0]])
  func adoptRefusesNonsense(position: [Double]) {
    let bench = Rig()
    bench.arm()
    let before = bench.core.commandedGoal
    #expect(!bench.adopt(JointVector(position)))
    #expect(bench.core.commandedGoal == before)
  }

  @Test func whatASimulatorIsPutIntoIsHeldThoughItsJointsGiveWay() {
    let bench = Rig()
    #expect(bench.adopt(JointVector([0.3, -0.3])))
    let first = bench.tick([.arm]) { $0.joints.position = JointVector([0.28, -0.32]) }
    let last = bench.ticks(5) { $0.joints.position = JointVector([0.28, -0.32]) }
    #expect(first.state != .disarmed && last.state == .hold)
    #expect(last.command.goal == JointVector([0.3, -0.3]))
    // The next arming begins from what is measured again.
    bench.tick([.disarm])
    bench.ticks(50)
    bench.tick([.arm])
    #expect(bench.core.commandedGoal != JointVector([0.3, -0.3]))
  }

  @Test func whatIsAdoptedInHoldIsHeld() {
    let bench = Rig()
    bench.arm()
    #expect(bench.adopt(JointVector([0.7, -0.7])))
    let decision = bench.tick()
    #expect(decision.state == .hold)
    #expect(decision.command.goal == JointVector([0.7, -0.7]))
  }
}
