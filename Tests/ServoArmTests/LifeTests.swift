import ArmModel
import CSystem
import Control
import ServoBus
import Testing
import VirtualServos

/// The tick of an arm on a bus: that this compiles is the proof that nothing in it allocates or locks.
@_noLocks
func tick(_ loop: inout ControlLoop, _ arm: inout ServoArm) {
  loop.tick(&arm)
}

/// From connect to release, on every series of servos.
@Suite struct LifeTests {
  @Test(arguments: Rig.Kind.all) func `Connecting looks and moves nothing`(kind: Rig.Kind) throws {
    let rig = try Rig(kind)
    try rig.run { server, arm in
      #expect(arm.power == .off && arm.jointCount == 3)
      #expect(arm.report.servos.map(\.id) == [1, 2, 3])
      #expect(arm.report.servos.allSatisfy { $0.model == kind.model && !$0.isTorqueOn })
      #expect(arm.report.achievableRate > 20 && arm.report.latency >= 0)
      for (servo, start) in zip(server.state.servos, rig.starts) {
        #expect(!servo.isTorqueOn && servo.flashWrites == 0)
        #expect(abs(servo.shaft.position - start) < 1e-9)
      }
      var state = JointState(count: 3)
      try arm.readSurely(&state)
      for joint in 0..<3 {
        #expect(abs(state.position[joint] - rig.starts[joint]) <= rig.step)
        #expect(state.age[joint] >= 0 && state.age[joint] < 1)
      }
      #expect(arm.health.voltage[0] > 4 && arm.health.temperature[0] > 20 && arm.health.faults == .none)
    }
  }

  @Test(arguments: Rig.Kind.all) func `Torque comes on where the arm stands, follows goals, goes off`(kind: Rig.Kind)
    throws
  {
    let rig = try Rig(kind)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      #expect(throws: ArmError.self) { try arm.command([0, 0, 0]) }
      try arm.energiseFully(&state)
      for (servo, start) in zip(server.state.servos, rig.starts) {
        #expect(servo.isTorqueOn)
        #expect(abs(servo.shaft.position - start) <= rig.step)
      }
      let goals = [0.3, -0.2, 0.4]
      let end = sinew_now_ns() + 5_000_000_000
      while sinew_now_ns() < end {
        try arm.readSurely(&state)
        try arm.command(goals)
        if (0..<3).allSatisfy({ abs(state.position[$0] - goals[$0]) < 0.02 }) { break }
        _ = sinew_sleep_until_ns(sinew_now_ns() + 5_000_000)
      }
      for joint in 0..<3 { #expect(abs(state.position[joint] - goals[joint]) < 0.02) }
      #expect(arm.power == .on && arm.health.faults == .none)
      try arm.releaseFully(&state)
      #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
      #expect(arm.health.faults == .none)
    }
  }
}
