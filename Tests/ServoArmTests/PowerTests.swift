import ArmModel
import CSystem
import ServoBus
import TestSupport
import Testing
import VirtualServos

/// Torque: what is switched, what is confirmed, and what a servo that lets go looks like.
@Suite struct PowerTests {
  @Test(arguments: [Rig.Kind.sts, .scs, .xl330, .xl430])
  func `A servo that starts again shows within 50 ms and is never switched on again in silence`(kind: Rig.Kind) throws {
    let rig = try Rig(kind, period: 10_000_000)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      for _ in 0..<7 { try arm.readSurely(&state) }
      #expect(arm.power == .on)
      server.restart(1)
      // Ticks in time only: a busy machine may cut some short, which then do not look at torque.
      var ticks = 0
      for _ in 0..<400 where arm.power == .on {
        let began = sinew_now_ns()
        try arm.readSurely(&state)
        try arm.command([0.1, 0.2, 0.3])
        if sinew_now_ns() - began < 5_000_000 { ticks += 1 }
      }
      #expect(arm.power == .mixed && ticks <= 5)
      #expect(arm.health.faults(of: 1).has(.torqueLost) && !arm.health.faults(of: 0).has(.torqueLost))
      for _ in 0..<20 {
        try arm.readSurely(&state)
        try arm.command([0.15, 0.25, 0.3])
        #expect(server.state.servos.map(\.isTorqueOn) == [true, false, true])
      }
      // On purpose it comes back, where it stands.
      let place = server.state.servos[1].shaft.position
      try arm.energiseFully(&state)
      #expect(server.state.servos.allSatisfy { $0.isTorqueOn } && arm.health.faults == .none)
      #expect(abs(server.state.servos[1].shaft.position - place) <= rig.step)
    }
  }

  @Test(arguments: Rig.Kind.all) func `Limits are set before torque comes`(kind: Rig.Kind) throws {
    var rig = try Rig(kind)
    if kind.model == "scs0009" {
      for slot in 0..<3 { rig.bus.servos[slot].registers[16] = 300 }
    }
    for joint in 0..<3 { rig.configuration.profile.bus?.servos[joint].torqueShare = 0.3 }
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      switch kind.wire {
      case "feetech":
        #expect(server.register(0, 48) == 300 && server.register(0, 41) == 0)
        // 7.5 rad/s in steps of 2π / 4096.
        #expect(server.register(0, 46) == 4890)
      case "feetech-scs": #expect(server.register(0, 46) == 1467)
      case "dynamixel1": #expect(server.register(0, 34) == 306 && server.register(0, 32) == 646)
      default:
        #expect(server.register(0, 100) == 265 && server.register(0, 98) == 8)
        #expect(server.register(0, 112) == 313 && server.register(0, 108) == 0)
      }
      #expect(server.state.servos.allSatisfy { $0.flashWrites == 0 })
    }
  }

  @Test(arguments: [Rig.Kind.xl330, .xl430]) func `Servos stop by themselves when the host falls silent`(
    kind: Rig.Kind
  ) throws {
    let rig = try Rig(kind, period: 20_000_000)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      try arm.command([1.2, 1.2, 1.2])
      let end = sinew_now_ns() + 3_000_000_000
      while sinew_now_ns() < end, server.state.servos.contains(where: { !$0.isWatchdogTripped }) {
        _ = sinew_sleep_until_ns(sinew_now_ns() + 20_000_000)
      }
      #expect(server.state.servos.allSatisfy { $0.isWatchdogTripped })
      let places = server.state.servos.map(\.shaft.position)
      for _ in 0..<30 { try arm.readSurely(&state) }
      #expect(arm.power == .mixed && arm.health.faults(of: 2).has(.watchdog))
      // Torque again, and no jump to the old goal.
      try arm.energiseFully(&state)
      for _ in 0..<10 { try arm.readSurely(&state) }
      for (servo, place) in zip(server.state.servos, places) {
        #expect(!servo.isWatchdogTripped && abs(servo.shaft.position - place) <= 2 * rig.step)
      }
    }
  }

  @Test func `A servo that has shut down refuses torque, and all are off again`() throws {
    var rig = try Rig(.xl330)
    rig.bus.faults.overload = [FaultSettings.Strike(id: 2, request: 2000)]
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      for _ in 0..<4000 where arm.health.faults(of: 1) == .none { try arm.readSurely(&state) }
      #expect(arm.health.faults(of: 1).has(JointFaults.overload.adding(.torqueLost)) && arm.power == .mixed)
      try arm.releaseFully(&state)
      var error: ArmError?
      for _ in 0..<200 where error == nil {
        try arm.readSurely(&state)
        do throws(ArmError) { try arm.energise(now: sinew_now_ns()) } catch let failure { error = failure }
      }
      #expect(error?.code == .notConfirmed && error?.joint == 1)
      for _ in 0..<50 where arm.power != .off { try arm.readSurely(&state) }
      #expect(arm.power == .off && server.state.servos.allSatisfy { !$0.isTorqueOn })
    }
  }

  @Test func `An STS overload shows in the joint's faults while everything can still be read`() throws {
    var rig = try Rig(.sts)
    rig.bus.faults.overload = [FaultSettings.Strike(id: 3, request: 2000)]
    try rig.run { _, arm in
      var state = JointState(count: 3)
      for _ in 0..<4000 where arm.health.faults == .none { try arm.readSurely(&state) }
      #expect(arm.health.faults(of: 2) == .overload && arm.health.faults(of: 0) == .none)
      try arm.readSurely(&state)
      #expect(state.age[2] < 1)
    }
  }

  @Test func `Torque is off only when it was read back`() throws {
    let rig = try Rig(.sts)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      server.restart(2, silence: 600_000_000_000)
      for _ in 0..<40 {
        try arm.release(now: sinew_now_ns())
        try arm.readSurely(&state)
        #expect(arm.power != .off)
      }
      #expect(server.state.servos[0].isTorqueOn == false)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `The crash handler's bytes switch torque off by themselves`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.configuration.crashPolicy = .release
    try rig.run { server, arm in
      var state = JointState(count: 3)
      #expect(arm.crashFrame.isEmpty)
      try arm.energiseFully(&state)
      // In the middle of a frame that was cut short.
      let cut: [UInt8] =
        kind.wire == "feetech" ? [0xFF, 0xFF, 0xFE, 13, 0x83] : [0xFF, 0xFF, 0xFD, 0, 0xFE, 20, 0, 0x83]
      let bytes = cut + Array(arm.crashFrame)
      #expect(sinew_write_some(arm.descriptor, true, bytes, bytes.count) == Int64(bytes.count))
      let end = sinew_now_ns() + 3_000_000_000
      while sinew_now_ns() < end, server.state.servos.contains(where: \.isTorqueOn) {
        _ = sinew_sleep_until_ns(sinew_now_ns() + 1_000_000)
      }
      #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `Or they hold: the last goals, and an end of the watchdogs`(
    kind: Rig.Kind
  ) throws {
    try Rig(kind).run { server, arm in
      var state = JointState(count: 3)
      #expect(arm.crashFrame.isEmpty)
      try arm.energise(now: sinew_now_ns())
      // Torque is not on yet: all off is what all servos can be brought to.
      var bytes = Array(arm.crashFrame)
      #expect(!bytes.isEmpty)
      try arm.energiseFully(&state)
      let first = Array(arm.crashFrame)
      try arm.command([0.15, 0.25, 0.35])
      bytes = Array(arm.crashFrame)
      #expect(first != bytes && first.count == bytes.count)
      // Once other goals have come, these bytes bring theirs back.
      try arm.readSurely(&state)
      let goals = server.state.servos.map(\.goal)
      try arm.command([0.2, 0.3, 0.4])
      try arm.readSurely(&state)
      #expect(server.state.servos.map(\.goal) != goals)
      let cut: [UInt8] =
        kind.wire == "feetech" ? [0xFF, 0xFF, 0xFE, 13, 0x83] : [0xFF, 0xFF, 0xFD, 0, 0xFE, 20, 0, 0x83]
      bytes = cut + bytes
      #expect(sinew_write_some(arm.descriptor, true, bytes, bytes.count) == Int64(bytes.count))
      // Longer than the watchdogs' time, three control periods.
      _ = sinew_sleep_until_ns(sinew_now_ns() + 600_000_000)
      #expect(server.state.servos.map(\.goal) == goals)
      #expect(server.state.servos.allSatisfy { $0.isTorqueOn && !$0.isWatchdogTripped })
      try arm.release(now: sinew_now_ns())
      #expect(Array(arm.crashFrame) != bytes)
    }
  }
}
