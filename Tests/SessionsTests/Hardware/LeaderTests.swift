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
}
