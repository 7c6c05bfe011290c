import ArmModel
import Safety

// Rows 11 … 22: a policy on a thread of its own, and hand-overs.
extension LiveInjection {
  /// Lets the policy misbehave in the midst of its motion. The reaction is counted from the tick that sees the proposal.
  private static func spoil(_ manner: LivePolicy.Manner, _ cause: Condition) -> @Sendable (LiveArm) throws -> Int? {
    { arm in
      try arm.run()
      let before = arm.last?.inputs.proposal.stamp ?? 0
      let start = arm.count
      arm.setPolicy(manner)
      guard let seen = try arm.find(from: start, within: 60, { $0.inputs.proposal.stamp != before && isOdd($0) }),
        let found = try arm.find(from: seen, within: 10, { isStopped($0) && $0.decision.active.has(cause) })
      else { return nil }
      arm.setPolicy(.swing)
      try stays(arm, in: .hold)
      return found - seen + 1
    }
  }

  private static func isOdd(_ look: LiveArm.Look) -> Bool {
    let (goal, stamp) = (look.inputs.proposal.goal, look.inputs.proposal.stamp)
    return goal.count != 3 || goal.array.contains { !($0.magnitude < 10) } || stamp > look.began
      || look.began - stamp > 2 * LiveArm.policyPeriod
  }

  private static func invalid(_ number: Int, _ name: String, _ manner: LivePolicy.Manner) -> LiveInjection {
    LiveInjection(
      number, name, reaction: "never sent, S2", bound: 1, causes: [.proposalInvalid],
      run: spoil(manner, .proposalInvalid))
  }

  static var policyRows: [LiveInjection] {
    [
      invalid(11, "policy returns NaN in 1 of 3", .number(.nan)),
      invalid(12, "policy returns +Inf", .number(.infinity)),
      invalid(12, "policy returns 1e308", .number(1e308)),
      LiveInjection(12, "policy returns a denormal", reaction: "executed: it is a number near 0", bound: nil) { arm in
        try arm.run()
        arm.setPolicy(.goal([.leastNonzeroMagnitude, -.leastNonzeroMagnitude, 0]))
        try demand(arm.rest(40).decision.state == .policy)
        try demand((arm.last?.decision.command.goal.largestMagnitude ?? 1) < 1e-6, "not there")
        return nil
      },
      invalid(13, "short action vector", .short), invalid(13, "long action vector", .long),
      LiveInjection(
        14, "policy hangs", reaction: "the last goal stands for two of its periods and a tick, then S2", bound: 9,
        causes: [.proposalLate]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.setPolicy(.hangs)
        } until: {
          isStopped($0)
        }
        arm.setPolicy(.swing)
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        15, "policy thread dies", reaction: "as 14", bound: 9, causes: [.proposalLate]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.setPolicy(.dies)
        } until: {
          isStopped($0)
        }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(
        16, "policy emits bang-bang ± max", reaction: "limits hold on the wire; S2 by the clamped share", bound: 55,
        causes: [.clampedTooOften], setUp: { $0.monitors.clampedShare = 0.5 }
      ) { arm in
        try arm.run()
        let ticks = try arm.inject(within: 200) {
          arm.setPolicy(.bangBang)
        } until: {
          isStopped($0)
        }
        try stays(arm, in: .hold)
        return ticks
      },
      LiveInjection(17, "policy output frozen", reaction: "a notice, nothing else", bound: nil) { arm in
        try arm.run()
        arm.setPolicy(.goal([0.1, 0.1, 0.1]))
        guard try arm.find(from: arm.count, within: 200, { $0.decision.notices.has(.policyFrozen) }) != nil else {
          throw Unmet(description: "no notice")
        }
        try demand(arm.last?.decision.state == .policy)
        return nil
      },
      LiveInjection(
        18, "action chunk stamped in the future", reaction: "S2", bound: 1, causes: [.proposalLate],
        run: spoil(.stamped(200_000_000), .proposalLate)),
      LiveInjection(
        18, "action chunk stamped in the past", reaction: "S2", bound: 1, causes: [.proposalLate],
        run: spoil(.stamped(-200_000_000), .proposalLate)),
      LiveInjection(
        21, "hand-over with the stick at the opposite end", reaction: "source switched at once, within the limits",
        bound: 1
      ) { arm in
        try arm.run()
        arm.setPolicy(.goal([0.2, 0.2, 0.2]))
        try arm.rest(45)
        let ticks = try arm.inject {
          arm.order {
            $0.personGoal = [-0.2, -0.2, -0.2]
            $0.person.sticksAreNeutral = false
          }
        } until: {
          $0.decision.source == .blend && $0.decision.state == .handover
        }
        try arm.reach(.teleoperation, within: 40)
        guard
          try arm.find(
            from: arm.count, within: 100,
            { ($0.inputs.joints.position[0] + 0.2).magnitude < 0.02 && $0.decision.source == .person }) != nil
        else { throw Unmet(description: "never arrived") }
        return ticks
      },
      LiveInjection(
        21, "hand-over to a goal too far away", reaction: "S2, hold", bound: 1, causes: [.handoverRefused]
      ) { arm in
        try arm.run()
        let ticks = try arm.inject {
          arm.order {
            $0.personGoal = [1.2, -1.2, 1.2]
            $0.person.sticksAreNeutral = false
          }
        } until: {
          isStopped($0)
        }
        arm.order { $0.personGoal = nil }
        try arm.reach(.hold)
        return ticks
      },
      LiveInjection(
        22, "hand-over requested while stopping", reaction: "refused", bound: nil, causes: [.stopRequested]
      ) { arm in
        try arm.run()
        let start = arm.count
        _ = try arm.injectByTick { tick in
          arm.order { $0.requests = tick == 0 ? .stop : [.takeOver, .start] }
        } until: {
          $0.decision.refused.contains(.takeOver)
        }
        try arm.reach(.hold)
        let looks = arm.all(from: start).filter {
          $0.decision.state == .stopping && $0.inputs.requests.contains(.takeOver)
        }
        try demand(
          !looks.isEmpty
            && looks.allSatisfy { $0.decision.refused == [.takeOver, .start] && $0.decision.refusal == .stopping })
        return nil
      },
    ]
  }
}
