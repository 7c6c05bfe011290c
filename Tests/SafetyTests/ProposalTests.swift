import ArmModel
import Safety
import Testing

/// What becomes of proposals that are no good.
@Suite struct Proposals {
  /// A proposal that must never reach the wire.
  enum Bad: CaseIterable {
    case nan, signallingNaN, infinite, minusInfinite, allNaN, empty, short, long, longest, otherMode

    func spoil(_ proposal: inout Proposal) {
      switch self {
      case .nan: proposal.goal[1] = .nan
      case .signallingNaN: proposal.goal[1] = .signalingNaN
      case .infinite: proposal.goal[0] = .infinity
      case .minusInfinite: proposal.goal[1] = -.infinity
      case .allNaN: proposal.goal = JointVector(repeating: .nan, count: proposal.goal.count)
      case .empty: proposal.goal = JointVector([])
      case .short: proposal.goal = JointVector([0.1])
      case .long: proposal.goal = JointVector([0.1, 0.1, 0.1])
      case .longest: proposal.goal = JointVector(repeating: 0, count: JointVector.capacity)
      case .otherMode: proposal.mode = proposal.mode == .position ? .effort : .position
      }
    }
  }

  @Test("A bad proposal stops the arm in its own tick and is never on the wire", arguments: Bad.allCases)
  func neverOnTheWire(bad: Bad) {
    let bench = Rig()
    bench.move(ticks: 40)
    var audit = WireAudit(limits: bench.core.configuration.limits, seconds: bench.seconds)
    audit.adopt(bench.core.commandedGoal)
    let before = bench.core.commandedGoal
    // The audit's reference is at rest, so it takes the speed from one more good tick.
    let good = bench.tick()
    let speed = (good.command.goal[0] - before[0]) / bench.seconds
    let decision = bench.tick { bad.spoil(&$0.proposal) }
    #expect(decision.active.conditions == [.proposalInvalid])
    #expect(decision.latched == .none)
    #expect(decision.state == .stopping)
    #expect(decision.source == .stop)
    #expect(decision.alterations == .overruled)
    #expect(decision.command.goal.isFinite)
    let slower = (decision.command.goal[0] - good.command.goal[0]) / bench.seconds
    #expect((slower - (speed - 20 * bench.seconds)).magnitude < 1e-9, "it brakes at the limit, at once")
    let end = bench.ticks(100) { bad.spoil(&$0.proposal) }
    #expect(end.state == .hold)
    #expect(end.command.goal.isFinite && end.command.goal.count == 2)
    #expect(bench.tick().state == .hold, "a policy that is well again needs a new start")
  }

  @Test("A start with a bad proposal is refused", arguments: Bad.allCases)
  func refusedAtTheStart(bad: Bad) {
    let bench = Rig()
    let still = bench.arm()
    bench.propose([1, 1])
    let decision = bench.tick([.start]) { bad.spoil(&$0.proposal) }
    #expect(decision.state == .hold)
    #expect(decision.refused == .start && decision.refusal == .conditionActive)
    #expect(decision.active.conditions == [.proposalInvalid])
    #expect(decision.command.goal == still.command.goal)
  }

  @Test(
    "Numbers that are near enough are limited, not refused",
    arguments: [2.25, -2.25, Double.leastNonzeroMagnitude, -0.0])
  func extremesAreLimited(value: Double) {
    let bench = Rig()
    bench.move(toward: [value, 0], ticks: 1)
    var audit = WireAudit(limits: bench.core.configuration.limits, seconds: bench.seconds)
    let decision = bench.tick()
    #expect(decision.state == .policy)
    #expect(decision.command.goal.isFinite)
    for _ in 0..<400 { audit.check(bench.tick()) }
    #expect(bench.core.commandedGoal[0].magnitude <= 1.5)
    #expect(bench.core.commandedGoal[0].magnitude == (value.magnitude > 1 ? 1.5 : value.magnitude))
  }

  @Test("A proposal further out than one and a half times the range is refused", arguments: [2.2501, -2.2501, 1e308])
  func outsideTheEnvelope(value: Double) {
    let bench = Rig()
    bench.move(ticks: 10)
    bench.propose([value, 0])
    #expect(bench.tick().active.conditions == [.proposalInvalid])
  }

  @Test func theThirdInvalidProposalWithinTenSecondsLatches() {
    let bench = Rig(period: 5_000_000)
    bench.arm()
    bench.propose([.nan, 0])
    #expect(bench.tick([.start]).latched == .none)
    bench.ticks(999)
    #expect(bench.tick([.start]).latched == .none)
    bench.ticks(1000)
    // 10 s and a tick after the first.
    #expect(bench.tick([.start]).latched == .none)
    bench.ticks(998)
    let decision = bench.tick([.start])
    #expect(decision.latched.conditions == [.proposalsInvalid])
    #expect(decision.state == .faultHold)
  }

  @Test func aProposalMayBeTwoOfItsPeriodsAndATickOldAndNotANanosecondMore() {
    let bench = Rig(period: 5_000_000, proposalPeriod: 20_000_000)
    bench.move(ticks: 3)
    #expect(bench.tick { $0.proposal.stamp -= 45_000_000 }.active == .none)
    let late = bench.tick { $0.proposal.stamp -= 45_000_001 }
    #expect(late.active.conditions == [.proposalLate])
    #expect(late.source == .stop)
    #expect(late.latched == .none)
  }

  @Test func aPolicyThatHangsIsHeldForTwoPeriodsThenStopped() {
    let bench = Rig(period: 5_000_000, proposalPeriod: 20_000_000)
    bench.move(ticks: 40)
    bench.keepsProposalFresh = false
    bench.inputs.proposal.stamp = bench.now
    var ticks = 0
    while bench.tick().state == .policy { ticks += 1 }
    #expect(ticks == 9)
    #expect(bench.ticks(100).state == .hold)
    bench.keepsProposalFresh = true
    #expect(bench.tick().state == .hold, "a policy that is back needs a new start")
    #expect(bench.tick([.start]).state == .policy)
  }

  @Test("A stamp ahead of the clock is no sign of life", arguments: [5_000_001, Int64.max / 2])
  func stampsFromTheFuture(ahead: Int64) {
    let bench = Rig(period: 5_000_000)
    bench.move(ticks: 10)
    #expect(bench.tick { $0.proposal.stamp += ahead }.active.conditions == [.proposalLate])
  }

  @Test("Stamps at the ends of the number range are late", arguments: [Int64.min, .max, .min + 1])
  func extremeStamps(stamp: Int64) {
    let bench = Rig()
    bench.move(ticks: 10)
    #expect(bench.tick { $0.proposal.stamp = stamp }.active.conditions == [.proposalLate])
    bench.ticks(100)
    #expect(bench.tick([.start]) { $0.proposal.stamp = stamp }.state == .hold)
  }

  @Test func aProposalMadeInTheTickItselfMayBeATickAheadOfTheTicksBeginning() {
    let bench = Rig(period: 5_000_000)
    bench.move(ticks: 10)
    #expect(bench.tick { $0.proposal.stamp += 5_000_000 }.active == .none)
  }

  @Test func anAuthorityThatProposesNothingIsLate() {
    let bench = Rig()
    bench.move(ticks: 10)
    let decision = bench.tick { $0.proposal.source = .none }
    #expect(decision.active.conditions == [.proposalLate])
    #expect(decision.state == .stopping)
  }

  @Test func badProposalsOfASourceWithoutAuthorityDoNotMatter() {
    let bench = Rig()
    bench.arm()
    bench.propose([.nan, .infinity])
    let decision = bench.ticks(10)
    #expect(decision.active == .none)
    #expect(decision.state == .hold)
  }
}
