import ArmModel
import Control
import LoopTestSupport
import Recording
import Safety
import Sessions
import TestSupport
import Testing

/// A policy runs while a person holds enable, takes over, and gives back.
@Suite struct SupervisionTests {
  /// Arms, begins an episode in the person's hands, and lets the policy begin.
  static func started() -> OperatorScript {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.wait(1)
    return script
  }

  @Test func `A person takes over in one tick and gives back, without a jump at either edge`() throws {
    var script = Self.started()
    let takenAt = script.time
    script.sticks(leftX: -1, rightY: 0.7)
    script.wait(0.8)
    script.sticks()
    script.wait(0.3)
    script.letGo(.enable)
    script.wait(0.5)
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.wait(1.5)
    script.press(.success)
    let rig = try OperatorRig(script.track(), policy: .reach())
    #expect(rig.report.operation?.interventions == 1)
    let states = rig.log.events(named: "safety_state_changed").map { SafetyState(rawValue: UInt8($0.first)) }
    #expect(
      states.drop { $0 != .teleoperation } == [
        .teleoperation, .handover, .policy, .handover, .teleoperation, .stopping, .hold, .teleoperation, .handover,
        .policy, .stopping, .hold,
      ])
    // The tick after the stick moved is no more the policy's.
    let taken = try #require(
      rig.log.events(named: "safety_state_changed").last {
        $0.second == Int64(SafetyState.policy.rawValue)
          && $0.first == Int64(SafetyState.handover.rawValue)
      })
    #expect(taken.stamp - takenAt >= 0 && taken.stamp - takenAt <= 20_000_000 + 1)

    let steps = rig.episode(0)
    rig.expectWithinLimits(steps)
    for step in steps {
      #expect(step.flags.contains(.intervention) == (step.source == .person || step.source == .blend))
      // The policy is asked all the while: its action stands beside what was executed.
      #expect(step.action.allSatisfy(\.isFinite) && step.proposal.allSatisfy(\.isFinite))
    }
    let persons = steps.filter { $0.source == .person }
    #expect(persons.count > 20)
    #expect(persons.contains { zip($0.proposal, $0.command).contains { abs($0 - $1) > 0.01 } })
    #expect(steps.contains { $0.source == .policy })
    #expect(rig.log.events(named: "intervention_started").count == 3, "before each start, and the take-over")
    #expect(steps.last?.flags.contains(.success) == true && steps.last?.isTerminated == true)
  }

  @Test func `The policy moves only while enable is held`() throws {
    var script = Self.started()
    script.letGo(.enable)
    script.wait(1)
    let rig = try OperatorRig(script.track(), policy: .reach())
    let steps = rig.episode(0)
    rig.expectWithinLimits(steps)
    #expect(rig.log.events(named: "condition_raised").first?.first == Int64(Condition.enableReleased.rawValue))
    let commands = steps.suffix(20).map(\.command)
    #expect(commands.allSatisfy { $0 == commands[0] })
    #expect(steps.suffix(20).allSatisfy { $0.source == .stop })
  }

  @Test func `Start without enable is refused with its reason`() throws {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    script.press(.start)
    script.press(.start)
    script.wait(1.5)
    let rig = try OperatorRig(script.track(), policy: .reach())
    #expect(rig.report.operation?.lastRefusal == .enableNotHeld)
    #expect(rig.episode(0).allSatisfy { $0.source == .stop })
  }
}
