import ArmModel
import Control
import Glibc
import LoopTestSupport
import Recording
import Safety
import Testing

@testable import Sessions

/// An arm that follows a leader arm in a person's hand.
@Suite struct LeaderTests {
  static let period = 0.01
  static let near = [0.3, -0.2, 0.2, 0.3, 0.2, 0.1]

  /// Arms, and holds enable for a minute.
  static func enabled() -> OperatorTrack {
    var script = PersonOnHardwareTests.armed()
    script.hold(.enable)
    script.wait(60)
    return script.track()
  }

  @Test func `The arm goes to a near leader slowly, then follows it, and never leaps`() throws {
    var rig = try HardwareRig(limitSteps: nil, person: Self.enabled(), of: .teleoperation, leader: Self.near)
    rig.turn { $0.core.loop.decision.state == .teleoperation }
    rig.turn(atMost: 300) { $0.core.loop.teleoperation.leader?.hasCaughtUp == true }
    let caughtUp = rig.goals
    for (before, after) in zip(caughtUp, caughtUp.dropFirst()) {
      for (a, b) in zip(before, after) { #expect(abs(b - a) <= 0.5 * Self.period + 2e-3) }
    }
    rig.turn(50)
    let reached = try #require(rig.goals.last)
    for (goal, pose) in zip(reached, Self.near) { #expect(abs(goal - pose) < 1e-3) }
    // A swing of the leader, 1 rad/s at most.
    for tick in 0..<300 {
      rig.leader?[0] = Self.near[0] + 0.5 * (1 - cos(2 * Double(tick) * Self.period))
      rig.turn(1)
    }
    let (followed, leader) = (try #require(rig.goals.last), rig.leader ?? [])
    #expect(abs(followed[0] - leader[0]) < 0.1, "\(followed[0]) \(leader[0])")
    let limits = rig.run.core.loop.configuration.limits
    let all = rig.goals
    for (before, after) in zip(all, all.dropFirst()) {
      for joint in 0..<6 { #expect(abs(after[joint] - before[joint]) <= limits.velocity[joint] * Self.period + 1e-9) }
    }
    rig.signals = 1
    rig.turnToTheEnd(atMost: 600)
    let power = rig.run.device.arm.power
    #expect(power == .off && rig.states.last == .disarmed)
  }

  @Test func `A leader that is far is not followed, and how far it is can be seen`() throws {
    var far = HardwareRig.home
    far[2] += 0.8
    var rig = try HardwareRig(limitSteps: nil, person: Self.enabled(), of: .teleoperation, leader: far)
    rig.turn(300)
    #expect(!rig.states.contains(.teleoperation))
    for goal in rig.goals { #expect(goal == HardwareRig.home) }
    let status = try #require(rig.run.core.loop.teleoperation.leader)
    #expect(status.isPresent && !status.isNear && status.joint == 2 && abs(status.distance - 0.8) < 1e-9)
    let causes = rig.run.core.causes
    #expect(causes.has(.handoverRefused))
  }

  @Test func `Without enable a leader moves nothing, whatever it does`() throws {
    var script = PersonOnHardwareTests.armed()
    script.wait(60)
    var rig = try HardwareRig(
      limitSteps: nil, person: script.track(), of: .teleoperation, leader: HardwareRig.home)
    for tick in 0..<300 {
      rig.leader?[1] = -0.5 + 0.3 * cos(Double(tick) * 0.05)
      rig.turn(1)
    }
    for goal in rig.goals { #expect(goal == HardwareRig.home) }
    #expect(rig.states == [.disarmed, .arming, .hold])
  }

  @Test("A leader that goes silent or is unplugged stops the arm, which stays stopped", arguments: [false, true])
  func loss(isUnplugged: Bool) throws {
    var rig = try HardwareRig(limitSteps: nil, person: Self.enabled(), of: .teleoperation, leader: Self.near)
    rig.turn { $0.core.loop.decision.state == .teleoperation }
    rig.turn(20)
    if isUnplugged { rig.unplugLeader() } else { rig.leader = nil }
    let before = rig.turns
    rig.turn(atMost: 100) { $0.core.loop.decision.state == .stopping }
    #expect(rig.turns - before <= (isUnplugged ? 2 : 12), "\(rig.turns - before) ticks")
    rig.turn(atMost: 100) { $0.core.loop.decision.state == .hold }
    let held = try #require(rig.goals.last)
    let causes = rig.run.core.causes
    // Silence shows first as a proposal that grows old: after two steps of the task.
    #expect(causes.has(isUnplugged ? .operatorLost : .proposalLate), "\(causes.conditions)")
    // Back again with enable held all along: it must be pressed anew.
    rig.leader = Self.near
    rig.turn(200)
    #expect(rig.goals.last == held)
    #expect(rig.states.last == .hold)
  }

  @Test func `With the leader gone the buttons that stop are heard`() throws {
    var script = PersonOnHardwareTests.armed()
    script.hold(.enable)
    script.wait(0.5)
    script.press(.release)
    script.wait(1)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), of: .teleoperation, leader: Self.near)
    rig.turn { $0.core.loop.decision.state == .teleoperation }
    rig.unplugLeader()
    rig.turn(atMost: 200) { $0.core.loop.decision.state == .emergencyStop }
    let power = rig.run.device.arm.power
    #expect(rig.states.last == .emergencyStop)
    rig.turn(5)
    let after = rig.run.device.arm.power
    #expect(power == .off || after == .off)
  }

  @Test func `A leader's joint that is no number moves nothing`() throws {
    var rig = try HardwareRig(limitSteps: nil, person: Self.enabled(), of: .teleoperation, leader: Self.near)
    rig.turn { $0.core.loop.decision.state == .teleoperation }
    rig.turn(10)
    rig.leader?[3] = .nan
    rig.turn(atMost: 3) { $0.core.loop.decision.state == .stopping }
    #expect(rig.states.last == .stopping)
    let areFinite = rig.goals.allSatisfy { $0.allSatisfy(\.isFinite) }
    #expect(areFinite)
  }

  // MARK: Over a policy

  /// Arms, gives the policy authority with enable held; lets go after `seconds`, takes enable anew and gives it back.
  static func supervising(_ seconds: Double) -> OperatorTrack {
    var script = PersonOnHardwareTests.armed()
    for wait in [seconds, 60] {
      script.hold(.enable)
      script.wait(0.3)
      script.press(.start)
      script.wait(wait)
      script.letGo(.enable)
      script.wait(1)
    }
    return script.track()
  }

  static func farLeader() -> [Double] {
    var pose = HardwareRig.home
    pose[2] += 1
    return pose
  }

  /// Whether every goal that was sent keeps the limits, by differentiating what was sent.
  func expectWithinLimits(_ rig: borrowing HardwareRig, sourceLocation: SourceLocation = #_sourceLocation) {
    let limits = rig.run.core.loop.configuration.limits
    let goals = rig.goals
    func differences(_ values: [Double]) -> [Double] { zip(values.dropFirst(), values).map { ($0 - $1) / Self.period } }
    func most(_ values: [Double]) -> Double { values.map(\.magnitude).max() ?? 0 }
    for joint in 0..<6 {
      let velocities = differences(goals.map { $0[joint] })
      let accelerations = differences(velocities)
      let (velocity, acceleration, jerk) = (most(velocities), most(accelerations), most(differences(accelerations)))
      #expect(velocity <= limits.velocity[joint] + 1e-6, sourceLocation: sourceLocation)
      #expect(acceleration <= limits.acceleration[joint] + 1e-3, sourceLocation: sourceLocation)
      #expect(jerk <= limits.jerk[joint] + 0.1, sourceLocation: sourceLocation)
    }
  }

  @Test func `A hand on the leader takes over from a policy in one tick; the arm waits, joins, follows, is given back`()
    throws
  {
    var rig = try HardwareRig(limitSteps: nil, person: Self.supervising(8), leader: Self.farLeader())
    // The leader is far, and the policy moves all the same.
    rig.turn { $0.core.loop.decision.state == .policy }
    rig.turn(100)
    let moving = rig.run.core.loop.decision.state
    #expect(moving == .policy)
    rig.leader?[0] += 0.2
    rig.turn(1)
    let (taken, source) = (rig.run.core.loop.decision.state, rig.run.core.loop.decision.source)
    #expect(taken == .handover && source == .blend)
    rig.turn(100)
    let (waited, status) = (rig.run.core.loop.decision.state, rig.run.core.loop.teleoperation.leader)
    #expect(waited == .teleoperation && status?.isFollowed == false && status?.mayBeFar == true)
    let held = try #require(rig.goals.last)
    rig.turn(50)
    #expect(rig.goals.last == held, "it waits where it was taken over")

    // The leader comes near, and the arm goes to it.
    var near = held
    near[1] += 0.3
    near[4] -= 0.2
    rig.leader = near
    let before = rig.goals.count
    rig.turn(150)
    let following = rig.run.core.loop.teleoperation.leader
    #expect(following?.isFollowed == true && following?.hasCaughtUp == true)
    let joined = rig.goals[(before - 1)...]
    for (a, b) in zip(joined, joined.dropFirst()) {
      for joint in 0..<6 { #expect(abs(b[joint] - a[joint]) <= 0.5 * Self.period + 2e-3) }
    }
    let reached = try #require(rig.goals.last)
    for joint in 0..<6 { #expect(abs(reached[joint] - near[joint]) < 0.03) }

    // Enable let go and pressed anew, then start.
    rig.turn { $0.core.loop.decision.state == .policy }
    rig.turn(100)
    let after = rig.run.core.loop.decision.state
    #expect(after == .policy)
    expectWithinLimits(rig)
    let taking = rig.states.drop { $0 != .policy }
    #expect(
      taking == [
        .policy, .handover, .teleoperation, .hold, .teleoperation, .handover, .policy,
      ], "an arm at rest needs no stop: \(taking)")
    rig.signals = 1
    rig.turnToTheEnd(atMost: 600)
    let interventions = rig.run.sequence.person.interventions
    #expect(interventions == 1)

    _ = rig.finishLog()
    let steps = try LogContents(path: rig.folder.file("run.mcap")).transitions
    // A step whose first ticks only were a person's is flagged, too, though its last command was another's.
    let flagged = steps.map { $0.flags.contains(.intervention) }
    let persons = steps.map { $0.source == .person || $0.source == .blend }
    #expect(zip(flagged, persons).allSatisfy { $0 || !$1 })
    #expect(steps.indices.dropFirst().allSatisfy { flagged[$0] == persons[$0] || persons[$0 - 1] })
    for step in steps {
      let isFinite = step.action.allSatisfy { $0.isFinite }
      #expect(isFinite)
    }
    #expect(steps.contains { $0.source == .policy } && steps.count { $0.source == .person } > 50)
  }

  @Test func `A stick takes over from a policy, too, and moves nothing where a leader does`() throws {
    var script = PersonOnHardwareTests.armed()
    script.hold(.enable)
    script.wait(0.3)
    script.press(.start)
    script.wait(1)
    script.sticks(leftX: 1, rightY: 1)
    script.wait(3)
    var rig = try HardwareRig(limitSteps: nil, person: script.track(), leader: Self.farLeader())
    rig.turn { $0.core.loop.decision.state == .policy }
    rig.turn(atMost: 200) { $0.core.loop.decision.state == .teleoperation }
    rig.turn(100)
    let held = try #require(rig.goals.last)
    rig.turn(50)
    #expect(rig.goals.last == held && rig.states.last == .teleoperation)
    expectWithinLimits(rig)
  }

  @Test func `A leader that trembles leaves the policy alone, and one that is lost stops it`() throws {
    var rig = try HardwareRig(limitSteps: nil, person: Self.supervising(60), leader: Self.farLeader())
    rig.turn { $0.core.loop.decision.state == .policy }
    for tick in 0..<100 {
      rig.leader?[0] = 0.05 * sin(Double(tick))
      rig.turn(1)
    }
    #expect(rig.states.last == .policy)
    rig.unplugLeader()
    rig.turn(atMost: 5) { $0.core.loop.decision.state == .stopping }
    let causes = rig.run.core.causes
    #expect(rig.states.last == .stopping && causes.has(.operatorLost))
  }
}
