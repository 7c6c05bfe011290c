import ArmModel
import Safety
import Testing

// Rows 11 … 22: the policy, and hand-overs.
extension Injection {
  /// Spoils one proposal in POLICY at full speed, thrice.
  private static func spoiled(_ spoil: @escaping (inout Proposal) -> Void) -> Int? {
    let rig = HardwareRig()
    rig.run()
    let ticks = rig.ticksToStop(atMost: 3) { spoil(&$0.proposal) }
    #expect(rig.last.active.conditions == [.proposalInvalid] && rig.last.alterations == .overruled)
    #expect(rig.last.command.goal.isFinite && rig.last.command.goal.count == 2)
    #expect(rig.comesToRest(in: .hold), "the first two are forgiven")
    for attempt in 2...3 {
      rig.enable()
      rig.tick([.start]) { spoil(&$0.proposal) }
      #expect(rig.last.state == (attempt < 3 ? .hold : .faultHold))
    }
    #expect(rig.last.latched.conditions == [.proposalsInvalid])
    return ticks
  }

  static var proposalRows: [Injection] {
    [
      Injection(11, "policy returns NaN", reaction: "never sent, S2; the third within 10 s latches", bound: 1) {
        spoiled { $0.goal[1] = .nan }
      },
      Injection(12, "policy returns +Inf", reaction: "as 11", bound: 1) { spoiled { $0.goal[0] = .infinity } },
      Injection(12, "policy returns 1e308", reaction: "as 11", bound: 1) { spoiled { $0.goal[0] = 1e308 } },
      Injection(12, "policy returns a denormal", reaction: "executed: it is a number near 0", bound: nil) {
        let rig = HardwareRig()
        rig.run(toward: [.leastNonzeroMagnitude, -.leastNonzeroMagnitude])
        #expect(rig.ticks(20).state == .policy && rig.last.command.goal.isFinite)
        return nil
      },
      Injection(13, "short action vector", reaction: "as 11, no padding", bound: 1) {
        spoiled { $0.goal = JointVector([0]) }
      },
      Injection(13, "long action vector", reaction: "as 11, no truncation", bound: 1) {
        spoiled { $0.goal = JointVector([0, 0, 0]) }
      },
      Injection(14, "policy hangs", reaction: "the last goal stands for two periods and a tick, then S2", bound: 10) {
        let rig = HardwareRig()
        rig.run()
        rig.policyIsAlive = false
        rig.inputs.proposal.stamp = rig.now
        let ticks = rig.ticksToStop(atMost: 100)
        #expect(rig.last.active.conditions == [.proposalLate])
        rig.policyIsAlive = true
        #expect(rig.comesToRest(in: .hold))
        #expect(rig.ticks(100).state == .hold, "a policy that is back needs a new start")
        return ticks
      },
      Injection(15, "policy thread dies and nothing is proposed any more", reaction: "S2", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        rig.inputs.proposal.source = .none
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.proposalLate])
        return ticks
      },
      Injection(
        16, "policy emits bang-bang ± max", reaction: "limits hold on the wire; S2 by the clamped share", bound: 201
      ) {
        let rig = HardwareRig()
        rig.run(ticks: 1)
        var flips = 0
        let ticks = rig.ticksToStop(atMost: 1000) {
          flips += 1
          let side = (flips / 8).isMultiple(of: 2) ? 2.0 : -2.0
          $0.proposal.goal = JointVector([side, -side])
        }
        #expect(rig.last.active.conditions == [.clampedTooOften])
        #expect(rig.comesToRest(in: .hold))
        return ticks.map { $0 + 1 }
      },
      Injection(17, "policy output frozen", reaction: "a notice, nothing else", bound: nil) {
        let rig = HardwareRig()
        rig.run(toward: [0.2, 0.2], ticks: 150)
        #expect(!rig.last.notices.has(.policyFrozen))
        rig.ticks(100)
        #expect(rig.last.notices.has(.policyFrozen) && rig.last.state == .policy)
        return nil
      },
      Injection(18, "action chunk stamped in the future", reaction: "S2", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.proposal.stamp += 2 * rig.period }
        #expect(rig.last.active.conditions == [.proposalLate])
        return ticks
      },
      Injection(18, "action chunk stamped in the past", reaction: "S2", bound: 1) {
        let rig = HardwareRig()
        rig.run()
        let ticks = rig.ticksToStop { $0.proposal.stamp -= 9 * rig.period + 1 }
        #expect(rig.last.active.conditions == [.proposalLate])
        return ticks
      },
      Injection(
        21, "hand-over with the stick at the opposite end",
        reaction: "source switched at once, a ramp within the limits",
        bound: 1
      ) {
        let rig = HardwareRig()
        rig.run(toward: [0.2, -0.2], ticks: 400)
        rig.propose([-0.25, 0.25], source: .person)
        rig.inputs.person.sticksAreNeutral = false
        let ticks = rig.ticks(atMost: 5) { $0.source == .blend }
        #expect(rig.last.state == .handover)
        #expect(rig.ticks(atMost: 100) { $0.state == .teleoperation } == 99)
        #expect(rig.last.source == .person || rig.last.source == .blend)
        rig.ticks(200)
        #expect(rig.last.source == .person && rig.last.command.goal == JointVector([-0.25, 0.25]))
        #expect(rig.finding == nil)
        return ticks
      },
      Injection(21, "hand-over to a goal too far away", reaction: "S2, hold", bound: 1) {
        let rig = HardwareRig()
        rig.run(toward: [0.2, -0.2], ticks: 400)
        rig.propose([1, -1], source: .person)
        rig.inputs.person.sticksAreNeutral = false
        let ticks = rig.ticksToStop()
        #expect(rig.last.active.conditions == [.handoverRefused])
        #expect(rig.comesToRest(in: .hold))
        return ticks
      },
      Injection(22, "hand-over requested while stopping", reaction: "refused", bound: nil) {
        let rig = HardwareRig()
        rig.run()
        rig.tick([.stop])
        #expect(rig.last.state == .stopping)
        rig.propose(rig.core.commandedGoal.array, source: .person)
        rig.inputs.person.sticksAreNeutral = false
        let decision = rig.tick([.takeOver, .start])
        #expect(decision.state == .stopping && decision.refused == [.takeOver, .start])
        #expect(decision.refusal == .stopping)
        return nil
      },
    ]
  }
}
