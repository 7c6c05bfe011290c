import ArmModel
import Control
import Gamepads
import LoopTestSupport
import Numerics
import Recording
import Safety
import Sessions
import TestSupport
import Testing

/// A person moves a simulated arm.
@Suite struct TeleoperationTests {
  @Test func `A recorded pad draws a square with the tool, within every limit`() throws {
    let recording = try PadRecording(path: PadRecording.path(of: "square"))
    let moments = try recording.moments(PadMapper(userFolder: nil))
    let rig = try OperatorRig(
      OperatorTrack(moments.map { OperatorTrack.Sample(time: $0.time, input: $0.input) }))
    #expect(rig.report.ending == .completed)
    #expect(rig.report.statistics.count == 1)
    let steps = rig.episode(0)
    rig.expectWithinLimits(steps)
    let path = try #require(rig.report.operation?.path)
    #expect(path.length > 0.29 && path.length < 0.35)
    #expect(path.cuts == 0)
    #expect(path.commanded.most < 0.0015, "commands leave the path by the limits' rounding of corners only")
    #expect(path.measured.most < 0.02, "servos give way under the arm's weight")

    // By other code: the commanded corners are those of a square, and it closes.
    let tool = try OperatorRig.tool(steps.map(\.command))
    let (start, end) = (try #require(tool.first), try #require(tool.last))
    #expect((end - start).norm < 0.001)
    let side = path.length / 4
    let (ys, zs) = (tool.map { $0.y - start.y }, tool.map { $0.z - start.z })
    #expect(abs((ys.max() ?? 0) - side) < 0.001 && abs(ys.min() ?? 1) < 0.001)
    #expect(abs((zs.max() ?? 0) - side) < 0.001 && abs(zs.min() ?? 1) < 0.001)
    #expect(tool.allSatisfy { abs($0.x - start.x) < 0.001 })
    let corners = [(0.0, 0.0), (side, 0), (side, side), (0, side)]
    for (y, z) in corners {
      let nearest = zip(ys, zs).map { (($0 - y) * ($0 - y) + ($1 - z) * ($1 - z)).squareRoot() }.min() ?? 1
      #expect(nearest < 0.0015)
    }
  }

  @Test func `Steps say who moved the arm, and what action would have done the same`() throws {
    var script = OperatorScript.ready()
    script.sticks(leftY: 1)
    script.wait(0.5)
    script.sticks()
    script.wait(0.5)
    script.letGo(.enable)
    script.wait(0.3)
    script.press(.success)
    let rig = try OperatorRig(script.track())
    let steps = rig.episode(0)
    #expect(steps.first?.source == .stop && steps.first?.flags.contains(.intervention) == false)
    #expect(steps.last?.source == .stop)
    let moved = steps.filter { $0.source == .person }
    #expect(moved.count > 40)
    #expect(moved.allSatisfy { $0.flags.contains(.intervention) && $0.logProbability.isNaN && $0.actionMean[0].isNaN })
    for (before, step) in zip(steps, steps.dropFirst()) {
      for joint in 0..<5 {
        // The task: 0.06 rad an action of 1, from the last goal.
        #expect(abs(step.action[joint] * 0.06 - (step.command[joint] - before.command[joint])) < 2e-5)
      }
    }
    rig.expectWithinLimits(steps)
    let last = try #require(steps.last)
    #expect(last.isTerminated && last.flags.contains(.success))
    #expect(last.rewardTerms.count == 7 && last.rewardTerms.last == 1)
    #expect(steps.dropLast().allSatisfy { $0.rewardTerms.last == 0 })
    #expect(abs(last.rewardTerms.reduce(0, +) - last.reward) < 1e-5)
  }

  @Test func `Nothing moves without enable, and a stick deflected at its edge gives nothing`() throws {
    var script = OperatorScript()
    script.wait(0.2)
    script.press(.start)
    script.press(.start)
    script.sticks(leftY: 1)
    script.wait(0.5)
    script.hold(.enable)
    script.wait(0.5)
    script.sticks()
    script.wait(0.3)
    let rig = try OperatorRig(script.track())
    let commands = rig.episode(0).map(\.command)
    #expect(commands.count > 50)
    #expect(commands.allSatisfy { $0 == commands[0] })
    #expect(
      !rig.log.events(named: "safety_state_changed").contains { $0.first == Int64(SafetyState.teleoperation.rawValue) })
  }

  @Test(
    "Whatever takes the person's hand away stops the arm within its limits, and names the cause",
    arguments: [
      ("enable", Condition.enableReleased), ("stop", .stopRequested), ("tap on stop", .stopRequested),
      ("unplugged", .operatorLost), ("events lost", .operatorEventsLost), ("silent", .operatorSilent),
    ])
  func stops(_ what: String, _ condition: Condition) throws {
    var script = OperatorScript.ready()
    script.sticks(leftX: 1, rightY: 0.5)
    script.wait(0.5)
    switch what {
    case "enable": script.letGo(.enable)
    case "stop": script.hold(.stop)
    case "tap on stop": script.tap(.stop)
    case "unplugged": script.change { $0 = $0.current(at: .max) }
    case "events lost":
      script.change {
        $0.losses += 1
        $0.status.insert(.eventsLost)
        $0.held.remove(OperatorButtons(.enable))
      }
    default:
      script.change {
        $0.status.formUnion([.wireless, .silent])
        $0.held.remove(OperatorButtons(.enable))
      }
    }
    script.wait(1)
    let rig = try OperatorRig(script.track())
    let raised = rig.log.events(named: "condition_raised")
    #expect(raised.first?.first == Int64(condition.rawValue))
    let steps = rig.episode(0)
    rig.expectWithinLimits(steps)
    let commands = steps.map(\.command)
    #expect(commands.last == commands.dropLast(20).last, "it stands")
    #expect(commands.last != commands.first, "it had moved")
  }

  @Test func `After a stop the stick counts again only from a new press of enable at rest`() throws {
    var script = OperatorScript.ready()
    script.sticks(leftY: 1)
    script.wait(0.3)
    script.press(.stop)
    script.wait(0.5)
    script.sticks()
    script.wait(0.2)
    script.letGo(.enable)
    script.wait(0.1)
    script.hold(.enable)
    script.wait(0.2)
    script.sticks(leftY: -1)
    script.wait(0.3)
    let rig = try OperatorRig(script.track())
    let states = rig.log.events(named: "safety_state_changed").map { SafetyState(rawValue: UInt8($0.first)) }
    #expect(
      states.dropFirst(2) == [.teleoperation, .stopping, .hold, .teleoperation, .stopping, .hold])
  }

  @Test func `Release takes the torque off at once; reset and start lead back`() throws {
    var script = OperatorScript.ready()
    script.sticks(leftY: 1)
    script.wait(0.3)
    script.sticks()
    script.press(.release)
    script.letGo(.enable)
    script.wait(0.2)
    script.press(.reset)
    script.wait(1.2)
    script.press(.reset)
    script.press(.start)
    script.wait(0.3)
    let rig = try OperatorRig(script.track())
    let states = rig.log.events(named: "safety_state_changed").map { SafetyState(rawValue: UInt8($0.first)) }
    #expect(states.suffix(4) == [.teleoperation, .emergencyStop, .disarmed, .hold])
    #expect(rig.episode(0).last?.isTruncated == true, "a release ends the episode")
  }

  @Test func `Episodes are judged, thrown away and recorded again by buttons`() throws {
    var script = OperatorScript.ready()
    script.wait(0.2)
    script.letGo(.enable)
    script.press(.discard)
    script.wait(0.5)
    script.press(.start)
    script.wait(0.2)
    script.press(.failure)
    script.press(.start)
    script.wait(0.2)
    script.press(.success)
    let rig = try OperatorRig(script.track())
    #expect(rig.report.statistics.count == 2)
    #expect(rig.report.statistics.successRate == 0.5)
    #expect(rig.report.operation?.discarded == 1)
    #expect(rig.log.events(named: "rerecord_episode").map(\.first) == [0])
    #expect(rig.log.events(named: "failure").map(\.first) == [1])
    #expect(rig.log.events(named: "success").map(\.first) == [2])
    #expect(rig.episode(0).last?.isTruncated == true)
    #expect(rig.episode(1).last?.isTerminated == true && rig.episode(2).last?.isTerminated == true)
    // Between two episodes nothing is recorded.
    let gap = try #require(rig.episode(1).first).stamp - (try #require(rig.episode(0).last)).stamp
    #expect(gap > 500_000_000)
  }

  @Test func `Tiers and modes change what the sticks do`() throws {
    var script = OperatorScript.ready()
    script.press(.slower)
    script.sticks(leftY: 1)
    script.wait(0.5)
    script.sticks()
    script.wait(0.5)
    script.press(.mode)
    let changedAt = script.time
    script.sticks(leftX: -1)
    script.wait(0.5)
    script.sticks()
    script.wait(0.5)
    let rig = try OperatorRig(script.track())
    let path = try #require(rig.report.operation?.path)
    #expect(abs(path.length - 0.25 * 0.25 * 0.5) < 0.003, "a quarter of 0.25 m/s for half a second")
    let jogged = rig.episode(0).filter { $0.stamp >= changedAt }
    let (first, last) = (try #require(jogged.first), try #require(jogged.last))
    #expect(
      abs(Double(last.command[0] - first.command[0]) - 0.25 * 1.5 * 0.5) < 0.02, "joint 1 at a quarter of 1.5 rad/s")
  }

  @Test func `A task of torques is refused with what to choose`() throws {
    let error = #expect(throws: SessionError.self) {
      var refused = try plan(duration: 1)
      refused.operation = OperationPlan(.teleoperation, device: "script")
      _ = try OperatedSession(refused, feed: .nobody, keeping: nil)
    }
    #expect(error?.description.contains("sticks give positions") == true)
  }
}
