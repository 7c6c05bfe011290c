import ArmModel
import CSystem
import Foundation
import ServoBus
import Testing
import VirtualServos

/// Unplugging, connecting again, finding an arm under torque, and the two ways to end.
@Suite struct EndingTests {
  private func socketPath() -> String { "/tmp/servo-arm-\(UUID().uuidString.prefix(8)).sock" }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `After an unplug it says so at once, and connects again without torque`(
    kind: Rig.Kind
  ) throws {
    let rig = try Rig(kind)
    let path = socketPath()
    let first = try ServoBusServer.listening(rig.makeBus(), at: "unix:\(path)")
    var arm = try ServoArm.connect(path: path, baud: nil, configuration: rig.configuration)
    var state = JointState(count: 3)
    try arm.energiseFully(&state)
    first.stop()
    var code: ArmError.Code?
    for _ in 0..<3 where code != .disconnected {
      do throws(ArmError) { try arm.read(into: &state, now: sinew_now_ns()) } catch { code = error.code }
    }
    #expect(code == .disconnected && arm.power == .unknown)
    // For ever, until it is connected again.
    #expect(throws: ArmError.self) { try arm.energise(now: sinew_now_ns()) }
    #expect(throws: ArmError.self) { try arm.release(now: sinew_now_ns()) }
    #expect(throws: ArmError.self) { try arm.command([0, 0, 0]) }
    #expect(throws: ServoArmError.self) { try arm.reconnect() }
    #expect(arm.power == .unknown)

    let second = try ServoBusServer.listening(rig.makeBus(), at: "unix:\(path)")
    defer { second.stop() }
    try arm.reconnect()
    #expect(arm.power == .off)
    try arm.readSurely(&state)
    #expect(second.state.servos.allSatisfy { !$0.isTorqueOn })
    #expect(throws: ArmError.self) { try arm.command([0, 0, 0]) }
    try arm.energiseFully(&state)
    #expect(second.state.servos.allSatisfy { $0.isTorqueOn })
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `An arm that holds is adopted with its own goal and does not move`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.configuration.exitPolicy = .hold
    let path = socketPath()
    let server = try ServoBusServer.listening(rig.makeBus(), at: "unix:\(path)")
    defer { server.stop() }
    var state = JointState(count: 3)
    // An obstacle keeps the first joint from its goal.
    server.withBus { ($0.physics as? IndependentJoints)?.block(0) }
    do {
      var arm = try ServoArm.connect(path: path, baud: nil, configuration: rig.configuration)
      try arm.energiseFully(&state)
      try arm.command([0.2, 0.2, 0.3])
      try arm.finish(deadline: sinew_now_ns() + 3_000_000_000)
    }
    // Longer than any watchdog: it holds all the same.
    _ = sinew_sleep_until_ns(sinew_now_ns() + 400_000_000)
    let goals = server.state.servos.map { $0.goal }
    let places = server.state.servos.map { $0.shaft.position }
    #expect(server.state.servos.allSatisfy { $0.isTorqueOn && !$0.isWatchdogTripped })

    var arm = try ServoArm.connect(path: path, baud: nil, configuration: rig.configuration)
    #expect(arm.power == .unknown && arm.report.servos.allSatisfy { $0.isTorqueOn })
    #expect(arm.report.notes.contains { $0.contains("found under torque") })
    #expect(abs(arm.heldGoal[0] - 0.2) <= rig.step)
    try arm.energiseFully(&state)
    #expect(server.state.servos.map { $0.goal } == goals)
    for (servo, place) in zip(server.state.servos, places) {
      #expect(servo.isTorqueOn && abs(servo.shaft.position - place) <= rig.step)
    }
    #expect(abs(arm.heldGoal[0] - 0.2) <= rig.step && abs(state.position[0] - 0.1) <= rig.step)
  }

  @Test(arguments: [Rig.Kind.sts, .xl330])
  func `A joint that stands far from the goal that it holds is not taken over, and nothing is switched`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.configuration.exitPolicy = .hold
    let path = socketPath()
    let server = try ServoBusServer.listening(rig.makeBus(), at: "unix:\(path)")
    defer { server.stop() }
    var state = JointState(count: 3)
    server.withBus { ($0.physics as? IndependentJoints)?.block(1) }
    do {
      var arm = try ServoArm.connect(path: path, baud: nil, configuration: rig.configuration)
      try arm.energiseFully(&state)
      try arm.command([0.1, 0.5, 0.3])
      try arm.finish(deadline: sinew_now_ns() + 3_000_000_000)
    }
    let goals = server.state.servos.map { $0.goal }
    var arm = try ServoArm.connect(path: path, baud: nil, configuration: rig.configuration)
    #expect(arm.torque == JointTorque(true, count: 3))
    var error: ArmError?
    for _ in 0..<200 where error == nil {
      try arm.readSurely(&state)
      do throws(ArmError) { try arm.energise(now: sinew_now_ns()) } catch let failure { error = failure }
    }
    #expect(error?.code == .notConfirmed && error?.joint == 1)
    try arm.readSurely(&state)
    #expect(server.state.servos.map { $0.goal } == goals && server.state.servos.allSatisfy { $0.isTorqueOn })
    #expect(arm.power == .unknown && arm.crashFrame.isEmpty)
  }

  @Test(arguments: [Rig.Kind.sts, .xl330])
  func `An arm that is to hold is asked anew in the end: a servo that has let go is told from those that hold`(
    kind: Rig.Kind
  ) throws {
    var rig = try Rig(kind)
    rig.configuration.exitPolicy = .hold
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      #expect(arm.torque == JointTorque(on: 0b111, off: 0))
      server.restart(1)
      var error: ServoArmError?
      do throws(ServoArmError) {
        try arm.finish(deadline: sinew_now_ns() + 5_000_000_000)
      } catch let failure { error = failure }
      #expect(error?.kind == .notConfirmed && error?.description.contains("servo 2") == true)
      #expect(arm.torque == JointTorque(on: 0b101, off: 0b010), "\(arm.torque)")
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `Ending with torque off is read back, or said not to be`(
    kind: Rig.Kind
  ) throws {
    let rig = try Rig(kind)
    try rig.run { server, arm in
      var state = JointState(count: 3)
      try arm.energiseFully(&state)
      try arm.finish(deadline: sinew_now_ns() + 5_000_000_000)
      #expect(arm.power == .off && server.state.servos.allSatisfy { !$0.isTorqueOn })
      try arm.energiseFully(&state)
      server.restart(2, silence: 600_000_000_000)
      var error: ServoArmError?
      do throws(ServoArmError) {
        try arm.finish(deadline: sinew_now_ns() + 500_000_000)
      } catch let failure { error = failure }
      #expect(error?.kind == .notConfirmed && error?.description.contains("servo 3") == true)
    }
  }

  @Test(arguments: [Rig.Kind.sts, .xl330]) func `The same over a pseudo-terminal`(kind: Rig.Kind) throws {
    let rig = try Rig(kind)
    let server = try ServoBusServer.pseudoTerminal(rig.makeBus())
    defer { server.stop() }
    var state = JointState(count: 3)
    for _ in 0..<2 {
      var arm = try ServoArm.connect(path: server.portName, baud: 1_000_000, configuration: rig.configuration)
      try arm.energiseFully(&state)
      for _ in 0..<20 {
        try arm.readSurely(&state)
        try arm.command([0, 0.1, 0.2])
      }
      try arm.finish(deadline: sinew_now_ns() + 5_000_000_000)
      #expect(server.state.servos.allSatisfy { !$0.isTorqueOn })
    }
  }

  @Test func `A port where nobody answers is listened to at every speed`() throws {
    var rig = try Rig(.sts)
    rig.bus.faults.mute = [1, 2, 3]
    let server = try ServoBusServer.pseudoTerminal(rig.makeBus())
    defer { server.stop() }
    var error: ServoArmError?
    do throws(ServoArmError) {
      _ = try ServoArm.connect(path: server.portName, baud: nil, configuration: rig.configuration)
    } catch let failure { error = failure }
    #expect(error?.kind == .noAnswer)
    #expect(error?.description.contains("1000000, 500000, 250000") == true, "\(error.map { "\($0)" } ?? "")")
    do throws(ServoArmError) {
      _ = try ServoArm.connect(path: "/dev/no-such-port", baud: nil, configuration: rig.configuration)
      Issue.record("connected")
    } catch { #expect(error.kind == .port && error.description.contains("sinew port list")) }
  }

  @Test func `An arm whose transport was handed over cannot be connected again`() throws {
    let rig = try Rig(.sts)
    try rig.run { _, arm in
      #expect(throws: ServoArmError.self) { try arm.reconnect() }
    }
  }
}
