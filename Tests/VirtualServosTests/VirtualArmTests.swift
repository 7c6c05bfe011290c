import ArmModel
import ArmProfiles
import Foundation
import Testing
import VirtualServos

/// Arms made of virtual servos.
@Suite struct VirtualArmTests {
  private func bus(_ arm: VirtualArm) throws -> VirtualServoBus {
    let servos = try arm.setups(baud: 1_000_000, calibration: arm.calibration)
    return try VirtualServoBus(VirtualBusConfiguration(servos: servos), physics: arm.independentPhysics())
  }

  /// The angle that a servo's position register means by the arm's calibration, rad.
  private func angle(_ arm: VirtualArm, _ mount: VirtualArm.Mount, _ ticks: Int) -> Double {
    let joint = arm.calibration.joints[mount.joint]
    let gear = arm.bus.servos[mount.joint].gear
    return Double(joint.sign) * (Double(ticks) - joint.zero) * 2 * .pi / (mount.model.ticksPerTurn * gear)
  }

  @Test(
    "every servo, also one that follows another, reads its joint's angle by the arm's calibration",
    arguments: ["so101", "so100", "koch", "vx300s"])
  func reads(name: String) throws {
    let arm = try VirtualArm(name)
    let bus = try bus(arm)
    var hand = ShaftHand(arm)
    var now: Int64 = 0
    for degrees in [-1.0, 17, 3] {
      #expect(hand.hear("all \(degrees)", bus) == nil)
      for _ in 0..<400 {
        hand.advance(bus)
        now += 10_000_000
        bus.advance(to: now)
      }
      #expect(hand.isIdle)
      for (mount, servo) in zip(arm.mounts, bus.state.servos) {
        let found = angle(arm, mount, servo.position)
        #expect(abs(found - degrees * .pi / 180) < 0.001, "servo \(servo.id) reads \(found) rad")
      }
    }
  }

  @Test("a profile whose joints count against their servos, through gears, is emulated as it says")
  func signsAndGears() throws {
    let text = try ArmProfile.text(of: "so101")
      .replacing(
        "the degrees so measured are the joint angles of so101_new_calib.urdf\"\n    every_joint: 1",
        with: "the degrees so measured are the joint angles of so101_new_calib.urdf\"\n    every_joint: -1"
      )
      .replacing("links sit on the servos' horns\", every_joint: 1}", with: "a gear\", every_joint: 1.5}")
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).yaml").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let arm = try VirtualArm(path)
    #expect(arm.calibration.joints.allSatisfy { $0.sign == -1 } && arm.bus.servos[0].gear == 1.5)
    let bus = try bus(arm)
    for (mount, servo) in zip(arm.mounts, bus.state.servos) {
      #expect(abs(angle(arm, mount, servo.position) - arm.profile.home[mount.joint]) < 0.001)
    }
    #expect(throws: VirtualServoError.self) { try arm.simulatedPhysics() }
  }

  @Test("a write to a leader's id moves the servo that follows it, and one of the two alone holds the shaft")
  func followers() throws {
    let arm = try VirtualArm("vx300s")
    let host = Host(try bus(arm))
    // Torque of servo 2, and by its secondary id of servo 3.
    #expect(host.write2(2, 64, 1, size: 1) == 0)
    #expect(host.bus.state.servos.map(\.isTorqueOn) == [false, true, true] + Array(repeating: false, count: 6))
    #expect(host.write2(2, 116, 2348, size: 4) == 0)
    host.wait(2)
    #expect(host.read2(2, 132, size: 4) == 2348 && host.read2(3, 132, size: 4) == 2348)
    // Servo 2 loses its supply: the other one holds.
    host.bus.cutPower(1, for: 10_000_000, at: host.now)
    host.wait(1)
    #expect(host.bus.state.servos[1].isTorqueOn == false && host.bus.state.servos[2].isTorqueOn)
    #expect(host.read2(3, 132, size: 4) == 2348)
  }

  @Test("the hand sweeps between the stops, turns by angles, waits, and forgets on request")
  func hand() throws {
    let arm = try VirtualArm("koch")
    let bus = try bus(arm)
    var hand = ShaftHand(arm)
    var now: Int64 = 0
    var seen = 0.0...0.0
    func pass(_ seconds: Double) {
      for _ in 0..<Int(seconds * 100) {
        hand.advance(bus)
        now += 10_000_000
        bus.advance(to: now)
        let position = bus.state.servos[1].shaft.position
        seen = min(seen.lowerBound, position)...max(seen.upperBound, position)
      }
    }
    _ = hand.hear("shoulder_lift sweep", bus)
    pass(6)
    let joint = arm.profile.joints[1]
    #expect(abs(seen.lowerBound - joint.lower) < 1e-6 && abs(seen.upperBound - joint.upper) < 1e-6)
    #expect(hand.isIdle && abs(bus.state.servos[1].shaft.position) < 1e-6)
    _ = hand.hear("wait 1", bus)
    _ = hand.hear("shoulder_lift by 10", bus)
    pass(0.9)
    #expect(abs(bus.state.servos[1].shaft.position) < 1e-6)
    pass(1)
    #expect(abs(bus.state.servos[1].shaft.position - 10 * .pi / 180) < 1e-6)
    _ = hand.hear("shoulder_lift -60", bus)
    pass(0.1)
    _ = hand.hear("stop", bus)
    let there = bus.state.servos[1].shaft.position
    pass(1)
    #expect(hand.isIdle && bus.state.servos[1].shaft.position == there && there > -0.9)
    // An angle beyond a stop ends at the stop; a joint without one has no end to turn to.
    _ = hand.hear("shoulder_lift 300", bus)
    pass(3)
    #expect(hand.isIdle && abs(bus.state.servos[1].shaft.position - joint.upper) < 1e-6)
    #expect(hand.hear("wrist_roll upper", bus)?.contains("has no stops") == true)
  }
}
