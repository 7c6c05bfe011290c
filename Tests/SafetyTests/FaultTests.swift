import ArmModel
import Safety
import Testing

/// Conditions, latches and resets.
@Suite struct Faults {
  /// The conditions that one tick's inputs can make; the others need a history.
  static let immediate: [Condition] = [
    .stopRequested, .proposalInvalid, .proposalLate, .armFailed, .measurementInvalid, .timeGap, .writeFailed,
  ]

  static func make(_ condition: Condition, in inputs: inout SafetyInputs) {
    switch condition {
    case .stopRequested: inputs.requests = inputs.requests.union(.stop)
    case .proposalInvalid: inputs.proposal.goal[0] = .nan
    case .proposalLate: inputs.proposal.stamp -= 10_000_000_000
    case .armFailed: inputs.armFailed = true
    case .measurementInvalid: inputs.joints.velocity[0] = .nan
    case .timeGap: inputs.sincePrevious = 1_000_000_000
    case .writeFailed: inputs.writeFailed = true
    default: Issue.record("\(condition) needs a history")
    }
  }

  @Test("A latched condition outlives its cause, also under a spam of other requests", arguments: immediate)
  func latches(condition: Condition) {
    let bench = Rig()
    bench.move(ticks: 30)
    let decision = bench.tick { Self.make(condition, in: &$0) }
    #expect(decision.active.conditions == [condition])
    let latched = ConditionSet.none.adding(condition).latching
    #expect(latched == (condition.latches ? ConditionSet.none.adding(condition) : .none))
    for _ in 0..<100 { _ = bench.tick([.arm, .start, .yield]) }
    #expect(bench.core.latched == latched)
    #expect(bench.core.state.isFault == condition.latches)
  }

  @Test func aResetWhileTheCauseIsActiveIsRefusedHoweverOften() {
    let bench = Rig()
    bench.arm()
    for _ in 0..<50 { #expect(bench.tick([.reset]) { $0.armFailed = true }.state == .fault) }
    #expect(bench.core.latched.conditions == [.armFailed])
    #expect(bench.tick([.reset, .stop]).state == .fault, "a stop is a condition too")
    #expect(bench.tick([.reset]).state == .disarmed)
    #expect(bench.core.latched == .none)
  }

  @Test func aResetWithoutAReadingIsRefusedBecauseNothingShowsThatTheCauseIsGone() {
    let bench = Rig()
    bench.arm()
    #expect(bench.tick { $0.joints.effort[1] = .infinity }.state == .faultHold)
    #expect(bench.tick([.reset]) { $0.readSucceeded = false }.state == .faultHold)
    #expect(bench.tick([.reset]).state == .disarmed)
  }

  @Test func aResetLeadsToDisarmedAndNoFurtherInItsTick() {
    let bench = Rig()
    bench.move(ticks: 5)
    bench.tick { $0.armFailed = true }
    let decision = bench.tick([.reset, .arm, .start])
    #expect(decision.state == .disarmed)
    #expect(!decision.writes)
    #expect(bench.tick().state == .disarmed)
  }

  @Test func aResetThatFindsNoFaultChangesNothing() {
    let bench = Rig()
    bench.move(ticks: 10)
    #expect(bench.tick([.reset]).state == .policy)
    bench.tick { $0.joints.velocity[1] = .infinity }
    #expect(bench.tick([.reset]).state == .stopping, "the fault is still on its way")
    #expect(bench.core.latched.conditions == [.measurementInvalid])
  }

  @Test func afterAResetTheArmIsTakenUpWhereItIs() {
    let bench = Rig()
    bench.move(ticks: 60)
    bench.tick { $0.writeFailed = true }
    bench.tick([.reset])
    bench.inputs.joints.position = JointVector([-0.9, 0.9])
    bench.propose([1, 1])
    let decision = bench.tick([.arm])
    #expect(decision.command.goal == JointVector([-0.9, 0.9]))
    let first = bench.tick([.start])
    #expect((first.command.goal[0] + 0.9) / bench.seconds <= 20 * bench.seconds + 1e-9, "at rest, not at the old speed")
  }

  @Test("The bus is silent from the very tick of the cause", arguments: [Condition.armFailed, .writeFailed])
  func muteIsImmediate(condition: Condition) {
    let bench = Rig()
    bench.move(ticks: 30)
    let decision = bench.tick { Self.make(condition, in: &$0) }
    #expect(decision.state == .fault)
    #expect(decision.stopClass == .mute)
    #expect(!decision.writes)
    for _ in 0..<100 { #expect(!bench.tick([.arm, .start]).writes) }
  }

  @Test func theWorstConditionWins() {
    let bench = Rig()
    bench.move(ticks: 30)
    let decision = bench.tick([.stop]) {
      $0.writeFailed = true
      $0.proposal.goal[0] = .nan
    }
    #expect(decision.active.conditions == [.stopRequested, .proposalInvalid, .writeFailed])
    #expect(decision.stopClass == .mute)
    #expect(decision.state == .fault)
    #expect(decision.latched.conditions == [.writeFailed])
  }

  @Test func aWorseConditionTurnsAHeldFaultSilentAndItStaysSilent() {
    let bench = Rig()
    bench.arm()
    #expect(bench.tick { $0.joints.position[0] = .nan }.writes)
    #expect(!bench.tick { $0.armFailed = true }.writes)
    let later = bench.ticks(10)
    #expect(later.state == .fault)
    #expect(later.stopClass == .mute)
  }

  @Test func beforeArmingAnInvalidMeasurementIsAFaultWithoutAWrite() {
    let bench = Rig()
    let decision = bench.tick { $0.joints.position[1] = .nan }
    #expect(decision.state == .fault)
    #expect(!decision.writes)
  }

  @Test func aMeasurementOfAnotherNumberOfJointsIsInvalidAndNeverAdopted() {
    let bench = Rig()
    bench.tick()
    let decision = bench.tick([.arm]) { $0.joints = JointState(count: 3) }
    #expect(decision.active.conditions == [.measurementInvalid])
    #expect(!decision.writes)
    #expect(bench.core.commandedGoal.count == 2)
  }

  @Test("A number that is not finite counts in each measured quantity", arguments: [0, 1, 2])
  func measuresAreChecked(quantity: Int) {
    for bad in [Double.nan, .infinity, -.infinity] {
      let bench = Rig()
      bench.arm()
      let decision = bench.tick {
        switch quantity {
        case 0: $0.joints.position[1] = bad
        case 1: $0.joints.velocity[1] = bad
        default: $0.joints.effort[1] = bad
        }
      }
      #expect(decision.active.conditions == [.measurementInvalid])
      #expect(decision.state == .faultHold)
      #expect(decision.command.goal == JointVector([0, 0]))
    }
  }

  @Test func aReadThatFailedIsNotJudgedByWhatItLeftBehind() {
    let bench = Rig()
    bench.arm()
    let decision = bench.tick {
      $0.readSucceeded = false
      $0.joints.position[0] = .nan
    }
    #expect(decision.active == .none)
  }

  @Test func threeMissedReadsStopAndTwentySilence() {
    let bench = Rig()
    bench.move(ticks: 30)
    for missed in 1...25 {
      let decision = bench.tick { $0.readSucceeded = false }
      switch missed {
      case ..<3:
        #expect(decision.state == .policy)
        #expect(decision.active == .none)
      case ..<20:
        #expect(decision.active.conditions == [.observationStale])
        #expect(decision.state == .stopping || decision.state == .hold)
      default:
        #expect(decision.active.conditions == [.armMute])
        #expect(decision.state == .fault)
      }
    }
    #expect(bench.tick([.reset]).state == .disarmed)
  }

  @Test func oneGoodReadForgetsTheMissedOnes() {
    let bench = Rig()
    bench.arm()
    for _ in 0..<50 {
      bench.ticks(2) { $0.readSucceeded = false }
      #expect(bench.tick().active == .none)
    }
    #expect(bench.core.state == .hold)
  }

  @Test func aStopThatTogglesEveryTickNeitherPostponesItselfNorGivesAuthorityBack() {
    let bench = Rig()
    bench.move(ticks: 40)
    for tick in 0..<60 {
      let decision = bench.tick(tick.isMultiple(of: 2) ? [.stop] : .none)
      #expect(decision.source == .stop)
    }
    #expect(bench.core.state == .hold)
  }
}
