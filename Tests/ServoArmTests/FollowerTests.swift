import ArmModel
import CSystem
import ServoBus
import Testing
import VirtualServos

/// Joints with two servos on one shaft, as large arms have them: the second follows by its secondary id.
@Suite struct FollowerTests {
  private func rig() throws -> Rig {
    var rig = try Rig(.xm430)
    var follower = rig.bus.servos[1]
    follower.id = 12
    follower.registers[12] = 2
    rig.bus.servos.append(follower)
    rig.starts.append(rig.starts[1])
    // It faces the first one.
    rig.bus.servos[3].isReversed = true
    rig.bus.servos[3].registers[10] = 1
    rig.configuration.profile.bus?.servos[1].followers = [12]
    rig.configuration.calibration.joints[1].followers = [FollowerCalibration(servo: 12, homingOffset: 0)]
    return rig
  }

  @Test func `A follower is energised and watched with its joint, and moves with it`() throws {
    try rig().run { server, arm in
      #expect(arm.jointCount == 3 && arm.report.servos.map(\.id) == [1, 2, 3, 12])
      #expect(arm.report.servos[3].isFollower && arm.report.servos[3].joint == "joint2")
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      #expect(server.state.servos.allSatisfy { $0.isTorqueOn })
      for _ in 0..<400 where abs(state.position[1] - 0.8) > 0.02 {
        try arm.command([0.1, 0.8, 0.3])
        try arm.readSurely(&state)
        _ = sinew_sleep_until_ns(sinew_now_ns() + 3_000_000)
      }
      let shafts = server.state.servos.map { $0.shaft.position }
      #expect(abs(shafts[1] - 0.8) < 0.03 && abs(shafts[3] - shafts[1]) < 0.02)
      server.restart(3)
      for _ in 0..<50 where arm.power == .on { try arm.readSurely(&state) }
      #expect(arm.power == .mixed && arm.health.faults(of: 1) == .torqueLost)
      try arm.releaseFully(&state)
      #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
    }
  }

  @Test func `A follower that does not follow is refused`() throws {
    var rig = try rig()
    rig.bus.servos[3].registers[12] = 255
    let error = try #require(try rig.refusal())
    #expect(error.kind == .servoSetting(12) && error.description.contains("secondary_id 2"))
  }
}
