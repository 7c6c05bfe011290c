import ArmModel
import Control
import LoopTestSupport
import Numerics
import Recording
import Safety
import Testing

@testable import Sessions

/// A person in charge of an arm that stands in a room: what their buttons lead to, and what they never do.
@Suite struct PersonOnHardwareTests {
  static let period = 0.01

  /// Arms the arm, which takes its time, and lets go of the button.
  static func armed() -> OperatorScript {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    script.wait(0.5)
    return script
  }

  @Test func `Torque comes on by start alone, with enable let go and the sticks at rest`() throws {
    var script = OperatorScript()
    script.wait(0.5)
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.letGo(.enable)
    script.sticks(leftY: 1)
    script.press(.start)
    script.sticks()
    script.wait(0.2)
    let armsAt = Int((Double(script.time) * 1e-9) / Self.period)
    script.press(.start)
    script.wait(1)
    var rig = try HardwareRig(person: script.track(), of: .teleoperation)
    rig.turn(40)
    let state = rig.run.core.loop.decision.state
    #expect(state == .disarmed)
    rig.turn(atMost: armsAt) { $0.device.arm.energiseCount > 0 }
    let (energised, question, turns) = (rig.run.device.arm.energiseCount, rig.run.core.question, rig.turns)
    #expect(energised == 1 && question == .none)
    #expect(abs(turns - armsAt) <= 3, "not before the last press: \(turns), \(armsAt)")
    rig.turn(100)
    let after = rig.run.core.loop.decision.state
    #expect(after == .hold)
    rig.turnToTheEnd()
    let (ending, refusal) = (rig.run.core.ending, rig.run.sequence.person.lastRefusal)
    #expect(ending == .completed && refusal == .sticksNotNeutral)
  }

  @Test func `The tool is shown where the measured joints have it, also without torque, and not where nothing is read`()
    throws
  {
    let pose = [0.3, -0.8, 1, -0.2, 0.4, 0.2]
    var rig = try HardwareRig(start: pose, person: OperatorScript().track(rest: 60), of: .teleoperation)
    rig.turn(5)
    let (power, shown) = (rig.run.device.arm.power, rig.run.core.loop.teleoperation.tool)
    #expect(power == .off)
    let wanted = try OperatorRig.tool([pose.map(Float.init)])[0]
    #expect((try #require(shown) - wanted).norm < 1e-4)
    rig.run.device.arm.readFailures[rig.run.device.arm.readCount] = .timedOut
    rig.turn(1)
    let unread = rig.run.core.loop.teleoperation.tool
    #expect(unread == nil)
    rig.turn(1)
    let readAgain = rig.run.core.loop.teleoperation.tool
    #expect(readAgain != nil)
  }

  @Test func `From rest an episode begins with a slow move to its start; the sticks move the arm; the end parks it`()
    throws
  {
    var script = Self.armed()
    script.press(.start)
    script.wait(4)
    script.hold(.enable)
    script.wait(0.2)
    script.sticks(leftY: -1)
    script.wait(0.5)
    script.sticks()
    script.change { $0.gripper = 1 }
    script.wait(0.3)
    script.change { $0.gripper = 0 }
    script.wait(0.3)
    script.letGo(.enable)
    script.wait(0.5)
    script.press(.success)
    script.wait(0.3)
    let track = script.track()
    var rig = try HardwareRig(
      start: [0.8, -1, 1, 0, 0.5, 0.3], limitSteps: nil, person: track, of: .teleoperation)
    rig.turn { $0.core.loop.episode.isRunning }
    let moved = rig.goals
    for (before, after) in zip(moved, moved.dropFirst()) {
      for (a, b) in zip(before, after) { #expect(abs(b - a) <= 0.5 * Self.period + 1e-9) }
    }
    rig.turn { $0.core.loop.decision.state == .teleoperation }
    let held = try #require(rig.goals.last)
    rig.turnToTheEnd()
    #expect(
      rig.states == [
        .disarmed, .arming, .hold, .moving, .hold, .teleoperation, .stopping, .hold, .park, .disarmed,
      ], "\(rig.states)")
    #expect(rig.goals.contains { abs($0[5] - held[5]) > 0.2 }, "the gripper has moved")
    let (power, count) = (rig.run.device.arm.power, rig.run.core.statistics.count)
    #expect(power == .off && count == 1)
    let last = try #require(rig.goals.last)
    for (goal, park) in zip(last, HardwareRig.park) { #expect(abs(goal - park) < 1e-9) }

    _ = rig.finishLog()
    let steps = try LogContents(path: rig.folder.file("run.mcap")).transitions
    let persons = steps.filter { $0.source == .person }
    #expect(persons.count > 30)
    #expect(steps.allSatisfy { $0.flags.contains(.intervention) == ($0.source == .person) })
    let final = try #require(steps.last)
    #expect(final.isTerminated && final.flags.contains(.success) && final.rewardTerms.last == 1)
    #expect(final.rewardTerms.count == 7 && final.reward != 1, "the task's own terms count too")
    // Nobody asks for anything while the arm is held: nothing was altered.
    let rest = steps.filter { $0.source == .stop }
    #expect(rest.count > 20)
    #expect(rest.allSatisfy { !$0.flags.contains(.altered) && $0.proposal == $0.command })
  }

  @Test func `With enable held an episode begins where the arm is`() throws {
    var script = Self.armed()
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.wait(0.5)
    script.press(.discard)
    script.wait(0.3)
    let start = [0.8, -1, 1, 0, 0.5, 0.3]
    var rig = try HardwareRig(start: start, limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.episode.isRunning }
    #expect(rig.states == [.disarmed, .arming, .hold, .teleoperation])
    for goal in rig.goals { for (a, b) in zip(goal, start) { #expect(abs(a - b) < 1e-9) } }
    rig.turnToTheEnd()
    let (discarded, count) = (rig.run.sequence.person.discarded, rig.run.core.statistics.count)
    #expect(discarded == 1 && count == 0)
  }

  @Test func `Stop ends the move to an episode's start, and it takes another start to go on`() throws {
    var script = Self.armed()
    script.press(.start)
    script.wait(0.3)
    script.press(.stop)
    script.wait(2)
    let again = Int(Double(script.time) * 1e-9 / Self.period)
    script.press(.start)
    script.wait(3)
    var rig = try HardwareRig(
      start: [1.5, -1, 1, 0, 0.5, 0.3], limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn(again)
    #expect(rig.states == [.disarmed, .arming, .hold, .moving, .stopping, .hold])
    let isRunning = rig.run.core.loop.episode.isRunning
    #expect(!isRunning)
    rig.turn { $0.core.loop.episode.isRunning }
    #expect(rig.states.suffix(2) == [.moving, .hold])
  }

  @Test func `Park and release take torque off, and start arms anew`() throws {
    var script = Self.armed()
    script.press(.park)
    script.wait(5.5)
    script.press(.start)
    script.wait(0.5)
    script.press(.release)
    script.press(.reset)
    script.wait(1.2)
    script.press(.reset)
    script.wait(0.2)
    script.press(.start)
    script.wait(0.5)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.operatorIsOver }
    #expect(
      rig.states.prefix(9) == [
        .disarmed, .arming, .hold, .park, .disarmed, .arming, .hold, .emergencyStop, .disarmed,
      ], "\(rig.states)")
    #expect(rig.states.dropFirst(9).prefix(2) == [.arming, .hold], "\(rig.states)")
    rig.turnToTheEnd()
    let power = rig.run.device.arm.power
    #expect(power == .off)
  }

  @Test func `A fault does not end the run: reset takes torque off, and start arms anew`() throws {
    var script = Self.armed()
    script.wait(1)
    script.press(.reset)
    script.wait(0.5)
    script.press(.start)
    script.wait(0.5)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.decision.state == .hold }
    rig.run.device.arm.measuredInstead[rig.run.device.arm.readCount] = [.nan] + HardwareRig.home.dropFirst()
    rig.turn(atMost: 20) { $0.core.loop.decision.state == .faultHold }
    rig.turn(atMost: 200) { $0.core.loop.decision.state == .disarmed }
    let power = rig.run.device.arm.power
    #expect(power == .off, "\(rig.states)")
    rig.turn { $0.core.loop.decision.state == .hold }
    rig.turnToTheEnd()
    let ending = rig.run.core.ending
    #expect(ending == .completed && rig.lastStep == .over)
    #expect(
      rig.states.prefix(7) == [.disarmed, .arming, .hold, .faultHold, .disarmed, .arming, .hold], "\(rig.states)")
  }

  @Test(arguments: [1, 2]) func `Ctrl-C in the person's hands ends the run without torque`(signals: Int32) throws {
    var script = Self.armed()
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.sticks(leftY: -1)
    script.wait(60)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.episode.steps > 20 }
    rig.signals = signals
    let before = rig.turns
    rig.turnToTheEnd(atMost: 600)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .stopped && power == .off && rig.lastStep == .over)
    #expect(rig.states.contains(.park) == (signals == 1))
    #expect(rig.turns - before <= 500)
    _ = rig.finishLog()
    let steps = try LogContents(path: rig.folder.file("run.mcap")).transitions
    #expect(steps.last?.isTruncated == true)
  }

  @Test func `Ctrl-C in a held fault ends the run without torque`() throws {
    var script = Self.armed()
    script.wait(60)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.decision.state == .hold }
    rig.run.device.arm.measuredInstead[rig.run.device.arm.readCount] = [.nan] + HardwareRig.home.dropFirst()
    rig.turn(atMost: 20) { $0.core.loop.decision.state == .faultHold }
    rig.turn(100)
    rig.signals = 1
    rig.turnToTheEnd(atMost: 50)
    let (ending, power) = (rig.run.core.ending, rig.run.device.arm.power)
    #expect(ending == .fault && power == .off && rig.lastStep == .over)
  }

  @Test(arguments: [UnplugPolicy.end, .wait])
  func `A port that goes away ends the run, or leads back to where start arms`(policy: UnplugPolicy) throws {
    var script = Self.armed()
    script.wait(3)
    script.press(.start)
    script.wait(1)
    var rig = try HardwareRig(onUnplug: policy, limitSteps: nil, person: script.track(), of: .teleoperation)
    rig.turn { $0.core.loop.decision.state == .hold }
    for index in 0..<1000 { rig.run.device.arm.readFailures[rig.run.device.arm.readCount + index] = .disconnected }
    rig.run.device.arm.power = .unknown
    rig.turn(atMost: 100) { $0.core.loop.decision.state == .fault }
    rig.turn(20)
    guard policy == .wait else {
      let ending = rig.run.core.ending
      #expect(ending == .fault && rig.lastStep == .over)
      return
    }
    rig.run.device.canReopen = true
    rig.run.device.arm.power = .off
    rig.turn(atMost: 150) { $0.core.loop.decision.state == .disarmed }
    let energised = rig.run.device.arm.energiseCount
    #expect(energised == 1)
    rig.turn { $0.core.loop.decision.state == .hold }
    let again = rig.run.device.arm.energiseCount
    #expect(again == 2)
  }

  @Test func `A policy moves the arm while enable is held; a stick takes over, start gives back`() throws {
    var script = Self.armed()
    script.hold(.enable)
    script.wait(0.2)
    script.press(.start)
    script.wait(1)
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
    script.wait(1)
    script.letGo(.enable)
    script.wait(0.5)
    script.press(.success)
    script.wait(0.3)
    var rig = try HardwareRig(limitSteps: nil, person: script.track())
    rig.turnToTheEnd()
    let (ending, interventions) = (rig.run.core.ending, rig.run.sequence.person.interventions)
    #expect(ending == .completed && interventions == 1)
    #expect(
      rig.states.drop { $0 != .teleoperation }.prefix(11) == [
        .teleoperation, .handover, .policy, .handover, .teleoperation, .stopping, .hold, .teleoperation, .handover,
        .policy, .stopping,
      ], "\(rig.states)")
    _ = rig.finishLog()
    let log = try LogContents(path: rig.folder.file("run.mcap"))
    let taken = try #require(
      log.events(named: "safety_state_changed").last {
        $0.second == Int64(SafetyState.policy.rawValue) && $0.first == Int64(SafetyState.handover.rawValue)
      })
    #expect(taken.stamp - takenAt >= 0 && taken.stamp - takenAt <= 20_000_000 + 1)
    let steps = log.transitions
    #expect(steps.contains { $0.source == .policy } && steps.contains { $0.source == .person })
    // Two ticks a step: the source is the last one's, and the person had a hand in either.
    let isPersons = steps.map { $0.source == .person || $0.source == .blend }
    #expect(zip(steps, isPersons).allSatisfy { $0.flags.contains(.intervention) || !$1 })
    #expect(zip(steps, isPersons).filter { $0.flags.contains(.intervention) != $1 }.count <= 4, "at the edges only")
    #expect(steps.allSatisfy { $0.action.allSatisfy(\.isFinite) }, "the policy is asked all the while")
    #expect(steps.last?.flags.contains(.success) == true)
  }

  @Test func `No goal is further from the measured arm than it may go on by itself`() throws {
    var script = Self.armed()
    script.hold(.enable)
    script.wait(0.2)
    script.press(.faster)
    script.sticks(leftX: 1, rightX: 1)
    script.wait(1)
    script.sticks()
    script.wait(0.5)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation)
    var measured = HardwareRig.home
    let limits = rig.run.core.loop.configuration.limits
    var most = 0.0
    var count = rig.goals.count
    while rig.lastStep != .over {
      rig.turn(1)
      if rig.goals.count > count, let goal = rig.goals.last {
        for joint in 0..<6 { most = max(most, abs(goal[joint] - measured[joint]) / limits.velocity[joint]) }
      }
      count = rig.goals.count
      measured = rig.run.device.arm.position
    }
    #expect(rig.states.contains(.teleoperation))
    #expect(most <= 2 * Self.period + 1e-9)
  }
}
