import ArmModel
import Control
import LoopTestSupport
import Safety
import Testing

@testable import Sessions

/// Arms that are found under torque: what is asked, what is switched, and when.
@Suite struct FoundTorqueTests {
  private static let all = JointTorque(true, count: 6)

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `Nothing is switched or written until the operator agrees`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit, found: Self.all)
    rig.turn(500)
    let (state, question, energised, released, written) = (
      rig.run.core.loop.decision.state, rig.run.core.question, rig.run.device.arm.energiseCount,
      rig.run.device.arm.releaseCount, rig.run.device.arm.attemptCount
    )
    #expect(state == .boot && question == .takeOver)
    #expect(energised == 0 && released == 0 && written == 0)
  }

  @Test func `The question says where the servos' goals are`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.turn(20)
    let status = rig.run.core.status(at: 0)
    #expect(status.torque == Self.all && status.heldGoal.array == HardwareRig.foundGoal)
  }

  @Test func `With the operator's consent the arm is held at the servos' own goals, and the run goes on`() throws {
    var rig = try HardwareRig(episodes: 1, found: Self.all)
    rig.run.device.arm.energiseSteps = 6
    rig.turn { $0.core.question == .takeOver }
    rig.consents += 1
    rig.turn { $0.core.loop.episode.isRunning }
    #expect(rig.goals.first == HardwareRig.foundGoal)
    let released = rig.run.device.arm.releaseCount
    #expect(released == 0)
    let period = 1e-9 * Double(rig.run.core.loop.configuration.controlPeriod)
    let goals = rig.goals
    for (before, after) in zip(goals, goals.dropFirst()) {
      for (a, b) in zip(before, after) { #expect(abs(b - a) <= 0.5 * period + 1e-9) }
    }
    rig.turnToTheEnd()
    #expect(rig.states.prefix(4) == [.boot, .hold, .moving, .hold], "\(rig.states)")
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .completed && power == .off && rig.lastStep == .over)
  }

  @Test func `A consent from before the question is none`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.consents = 2
    rig.turn(200)
    let energised = rig.run.device.arm.energiseCount
    #expect(energised == 0)
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `A stop or a refusal at the question leaves the arm as it was found`(exit: ArmExit) throws {
    for refuses in [false, true] {
      var rig = try HardwareRig(exit: exit, found: Self.all)
      rig.turn { $0.core.question == .takeOver }
      if refuses { rig.refusals += 1 } else { rig.signals = 1 }
      rig.turnToTheEnd(atMost: 5)
      rig.finishRun()
      let (ending, energised, released, written) = (
        rig.run.core.ending, rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount,
        rig.run.device.arm.attemptCount
      )
      #expect(ending == .stopped && rig.lastStep == .over)
      #expect(energised == 0 && released == 0 && written == 0)
      let (concluded, report) = (rig.run.device.concludeCount, rig.report)
      #expect(concluded == 0 && report.hardware?.end == .foundOn(Self.all))
    }
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `A stop while the arm is being taken over ends as the exit policy says`(exit: ArmExit) throws {
    var rig = try HardwareRig(exit: exit, found: Self.all)
    rig.run.device.arm.energiseSteps = 20
    rig.turn { $0.core.question == .takeOver }
    rig.consents += 1
    rig.turn { $0.device.arm.energiseCount == 3 }
    rig.signals = 1
    rig.turnToTheEnd(atMost: 700)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .stopped && rig.lastStep == .over)
    #expect(power == (exit == .hold ? .on : .off))
    #expect(rig.states.contains(.hold) && rig.states.contains(.park) == (exit == .park), "\(rig.states)")
  }

  @Test func `The time of a run begins when the arm has been taken over`() throws {
    var rig = try HardwareRig(duration: 3, limitSteps: nil, found: Self.all)
    rig.turn(1000)
    let waiting = rig.run.core.question
    #expect(waiting == .takeOver)
    rig.consents += 1
    rig.turnToTheEnd()
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .completed && power == .off)
    #expect(rig.turns > 1300 && rig.states.contains(.policy))
  }

  @Test func `An arm that cannot be taken over is left as it was found, and the run says why`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.run.device.energiseFailure = ArmError(.notConfirmed, joint: 2, reason: "far from its goal")
    rig.turn { $0.core.question == .takeOver }
    rig.consents += 1
    rig.turnToTheEnd(atMost: 10)
    rig.finishRun()
    let (ending, failure, released, concluded) = (
      rig.run.core.ending, rig.run.core.takeoverFailure, rig.run.device.arm.releaseCount,
      rig.run.device.concludeCount
    )
    #expect(ending == .interrupted && rig.lastStep == .over)
    #expect(failure?.joint == 2 && released == 0 && concluded == 0)
    let report = rig.report
    #expect(report.hardware?.end == .foundOn(Self.all) && report.takeoverFailure?.code == .notConfirmed)
  }

  @Test func `An arm that takes too long to be taken over is left as it was found`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.run.device.arm.energiseSteps = 10_000
    rig.turn { $0.core.question == .takeOver }
    rig.consents += 1
    rig.turnToTheEnd(atMost: 400)
    let (failure, turns) = (rig.run.core.takeoverFailure, rig.turns)
    #expect(failure?.code == .timedOut && turns < 250 && rig.lastStep == .over)
  }

  @Test func `A fault before the operator agrees leaves the arm as it was found`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.turn { $0.core.question == .takeOver }
    rig.run.device.arm.health.setFaults(.sensor, of: 3)
    rig.run.device.arm.readFailures[rig.run.device.arm.readCount] = .disconnected
    rig.turnToTheEnd(atMost: 10)
    rig.finishRun()
    let (ending, written, concluded) = (
      rig.run.core.ending, rig.run.device.arm.attemptCount, rig.run.device.concludeCount
    )
    #expect(ending == .fault && written == 0 && concluded == 0)
  }

  @Test func `Torque that goes off at the question leads to the usual one`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.turn { $0.core.question == .takeOver }
    rig.run.device.arm.power = .off
    rig.turn(20)
    let (question, state) = (rig.run.core.question, rig.run.core.loop.decision.state)
    #expect(question == .switchOn && state == .disarmed)
  }

  @Test func `A person in charge takes the arm over by start, with enable let go and the sticks at rest`() throws {
    var script = OperatorScript()
    script.wait(0.5)
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.letGo(.enable)
    script.sticks(leftY: 1)
    script.press(.start)
    script.sticks()
    script.wait(0.3)
    let takesOverAt = Int((Double(script.time) * 1e-9) / 0.01)
    script.press(.start)
    script.wait(1)
    script.press(.start)
    script.wait(3)
    var rig = try HardwareRig(
      limitSteps: nil, person: script.track(), of: .teleoperation, found: Self.all)
    rig.turn(40)
    let (state, question) = (rig.run.core.loop.decision.state, rig.run.core.question)
    #expect(state == .boot && question == .none)
    rig.turn(atMost: takesOverAt) { $0.device.arm.energiseCount > 0 }
    let (turns, refusal) = (rig.turns, rig.run.sequence.person.lastRefusal)
    #expect(abs(turns - takesOverAt) <= 3, "not before the last press: \(turns), \(takesOverAt)")
    #expect(refusal == .sticksNotNeutral)
    rig.turn { $0.core.loop.episode.isRunning }
    #expect(rig.goals.first == HardwareRig.foundGoal)
    rig.turnToTheEnd()
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .completed && power == .off)
    #expect(rig.states.prefix(4) == [.boot, .hold, .moving, .hold], "\(rig.states)")
  }

  @Test func `A person's run comes to its end at the question, and Ctrl-C ends it there`() throws {
    for isSignalled in [false, true] {
      var script = OperatorScript()
      script.wait(1)
      var rig = try HardwareRig(person: script.track(), of: .teleoperation, found: Self.all)
      rig.turn(20)
      if isSignalled { rig.signals = 1 }
      rig.turnToTheEnd(atMost: 300)
      rig.finishRun()
      let (ending, released, written) = (
        rig.run.core.ending, rig.run.device.arm.releaseCount, rig.run.device.arm.attemptCount
      )
      #expect(ending == (isSignalled ? .stopped : .completed) && rig.lastStep == .over)
      #expect(released == 0 && written == 0)
      let report = rig.report
      #expect(report.hardware?.end == .foundOn(Self.all))
    }
  }

  // MARK: Behind a port that came back

  /// A run whose port goes away while the arm moves, and comes back with `torque` still on.
  private func replugged(
    _ torque: JointTorque, exit: ArmExit = .park, person: OperatorTrack? = nil
  ) throws -> HardwareRig {
    var rig = try HardwareRig(
      exit: exit, onUnplug: .wait, limitSteps: nil, person: person, of: .teleoperation)
    if person == nil { rig.switchOn() }
    rig.turn { person == nil ? $0.core.loop.episode.steps > 5 : $0.core.loop.decision.state == .hold }
    let next = rig.run.device.arm.readCount
    for index in 0..<1_000 { rig.run.device.arm.readFailures[next + index] = .disconnected }
    rig.turn(100)
    rig.run.device.arm.position = HardwareRig.foundPlace
    rig.run.device.beFoundHolding(at: HardwareRig.foundGoal, joints: torque)
    rig.run.device.canReopen = true
    rig.turn { $0.sequence.reopenCount == 1 }
    return rig
  }

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `An arm that still holds when its port is back is asked about, and neither drops nor moves`(
    exit: ArmExit
  ) throws {
    for (torque, expected) in [(Self.all, OperatorQuestion.takeOver), (Self.some, .releaseFirst)] {
      var rig = try replugged(torque, exit: exit)
      let (energised, released, written) = (
        rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount, rig.run.device.arm.attemptCount
      )
      rig.turn(500)
      let (state, question) = (rig.run.core.loop.decision.state, rig.run.core.question)
      #expect(state == .boot && question == expected)
      rig.signals = 1
      rig.turnToTheEnd(atMost: 5)
      rig.finishRun()
      let (energisedAfter, releasedAfter, writtenAfter, concluded) = (
        rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount, rig.run.device.arm.attemptCount,
        rig.run.device.concludeCount
      )
      #expect(energisedAfter == energised && releasedAfter == released && writtenAfter == written && concluded == 0)
      let report = rig.report
      #expect(rig.lastStep == .over && report.hardware?.end == .foundOn(torque))
    }
  }

  @Test func `It is taken over at the servos' own goals, and the run goes on`() throws {
    var rig = try replugged(Self.all)
    rig.turn { $0.core.question == .takeOver }
    let (goals, released) = (rig.goals.count, rig.run.device.arm.releaseCount)
    rig.consents += 1
    rig.turn { $0.core.loop.episode.isRunning }
    #expect(rig.goals.count > goals && rig.goals[goals] == HardwareRig.foundGoal)
    let (episode, releasedAfter) = (rig.run.core.loop.episode.index, rig.run.device.arm.releaseCount)
    #expect(episode == 1 && releasedAfter == released)
    rig.signals = 1
    rig.turnToTheEnd(atMost: 700)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .stopped && power == .off)
  }

  @Test func `A person's arm that still holds when its port is back waits for start`() throws {
    var script = PersonOnHardwareTests.armed()
    script.wait(8)
    script.press(.start)
    script.wait(2)
    var rig = try replugged(Self.all, person: script.track())
    let released = rig.run.device.arm.releaseCount
    rig.turn(100)
    let state = rig.run.core.loop.decision.state
    #expect(state == .boot)
    let goals = rig.goals.count
    rig.turn { $0.core.loop.decision.state == .hold }
    let releasedAfter = rig.run.device.arm.releaseCount
    #expect(releasedAfter == released && rig.goals[goals] == HardwareRig.foundGoal)
  }

  // MARK: Some joints limp

  private static let some = JointTorque(on: 0b011011, off: 0b100100)

  @Test(arguments: [ArmExit.park, .release, .hold])
  func `Where only some joints hold, nothing is switched until the operator agrees`(exit: ArmExit) throws {
    for ends in [false, true] {
      var rig = try HardwareRig(exit: exit, found: Self.some)
      rig.turn(500)
      let (state, question) = (rig.run.core.loop.decision.state, rig.run.core.question)
      #expect(state == .boot && question == .releaseFirst)
      if ends { rig.signals = 1 } else { rig.refusals += 1 }
      rig.turnToTheEnd(atMost: 5)
      rig.finishRun()
      let (energised, released, written, report) = (
        rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount, rig.run.device.arm.attemptCount, rig.report
      )
      #expect(energised == 0 && released == 0 && written == 0 && rig.lastStep == .over)
      #expect(report.hardware?.end == .foundOn(Self.some))
    }
  }

  @Test func `On the operator's word the joints that hold let go, and then all are armed where they stand`() throws {
    var rig = try HardwareRig(episodes: 1, found: Self.some)
    rig.run.device.arm.energiseSteps = 1
    rig.turn { $0.core.question == .releaseFirst }
    rig.consents += 1
    rig.turn { $0.device.arm.energiseCount > 0 }
    let released = rig.run.device.arm.releaseCount
    #expect(released > 0)
    rig.turnToTheEnd()
    #expect(rig.states.prefix(5) == [.boot, .disarmed, .arming, .hold, .moving], "\(rig.states)")
    #expect(rig.goals.first == HardwareRig.foundPlace, "where it stands once it is let go, not where it was held")
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .completed && power == .off)
  }

  @Test func `Torque does not come on before it has been seen to be off`() throws {
    var rig = try HardwareRig(found: Self.some)
    rig.run.device.ignoresRelease = true
    rig.turn { $0.core.question == .releaseFirst }
    rig.consents += 1
    rig.turn(90)
    let (energised, released, question) = (
      rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount, rig.run.core.question
    )
    #expect(energised == 0 && released > 3 && question == .none)
    rig.turn(50)
    let after = rig.run.core.question
    #expect(after == .switchOn, "the operator is asked again")
  }

  @Test func `A person's start releases an arm of which some joints are limp, and arms it`() throws {
    var script = OperatorScript()
    script.wait(0.5)
    script.press(.start)
    script.wait(1)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation, found: Self.some)
    rig.turn(40)
    let (before, state) = (rig.run.device.arm.releaseCount, rig.run.core.loop.decision.state)
    #expect(before == 0 && state == .boot)
    rig.turn { $0.core.loop.decision.state == .hold }
    #expect(rig.states == [.boot, .disarmed, .arming, .hold], "\(rig.states)")
    #expect(rig.goals.first == HardwareRig.foundPlace)
  }

  @Test func `A joint that lets go while the operator thinks about it changes the question`() throws {
    var rig = try HardwareRig(found: Self.all)
    rig.turn { $0.core.question == .takeOver }
    rig.run.device.beFoundHolding(at: HardwareRig.foundGoal, joints: Self.some)
    rig.consents += 1
    rig.turn(10)
    let (question, energised, released) = (
      rig.run.core.question, rig.run.device.arm.energiseCount, rig.run.device.arm.releaseCount
    )
    #expect(question == .releaseFirst && energised == 0 && released == 0)
  }
}
