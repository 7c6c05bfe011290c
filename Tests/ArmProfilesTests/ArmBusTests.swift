import ArmModel
import ArmProfiles
import Configuration
import Testing

@Suite("the bus of an arm profile")
struct ArmBusTests {
  static let bus = """
    bus:
      protocol: {name: dynamixel2, source: s}
      baud: {rate: 1000000, source: s}
      supply: {lower: 10.8, upper: 13.2, source: s}
      ids: {source: s, joints: {a: 2}}
      followers: {source: s, joints: {a: [3]}}
      models: {source: s, every_joint: [xm540-w270]}
      gears: {source: s, every_joint: 1.5}
      signs: {source: s, every_joint: 1, joints: {a: -1}}
      zeros: {source: s, every_joint: middle}
      sweeps: {source: s, every_joint: {least: 0.8, most: 1.3}}
      modes: {source: s, joints: {a: extended}}
      reversed: {source: s, joints: {a: true}}
      torque_shares: {source: s, joints: {a: 0.5}}
    """

  static var text: String { ProfileFileTests.text + "\n" + bus }

  @Test("a joint's own value goes before everybody's")
  func columns() throws {
    let servo = JointServo(
      joint: "a", servo: 2, models: ["xm540-w270"], gear: 1.5, sign: -1, followers: [3], isReversed: true,
      torqueShare: 0.5, mode: .extended, zero: .middle, sweep: 0.8...1.3)
    #expect(
      try ArmProfile(node(Self.text)).bus
        == ArmBus(wire: "dynamixel2", baud: 1_000_000, supply: 10.8...13.2, servos: [servo]))
    #expect(try ArmProfile(node(ProfileFileTests.text)).bus == nil)
  }

  @Test(
    "mistakes are named where they stand",
    arguments: [
      ("dynamixel2", "dynamixel", "bus.protocol.name: unknown protocol 'dynamixel'; did you mean 'dynamixel2'?"),
      ("rate: 1000000", "rate: 1000", "bus.baud.rate: 1000 is outside 9600 … 10000000"),
      ("lower: 10.8", "lower: 14", "bus.supply: lower 14.0 is not below upper 13.2"),
      ("{a: 2}", "{b: 2}", "bus.ids.joints: unknown key 'b'; known: a"),
      ("{a: 2}", "{}", "bus.ids: a has no value here; name it under joints, or give every_joint"),
      ("{a: 2}", "{a: 3}", "bus.ids: id 3 stands for a and for a; every servo of a bus has an id of its own"),
      ("{a: 2}", "{a: 254}", "bus.ids.joints.a: 254 is outside 0 … 253"),
      ("ids: {source: s, ", "ids: {", "bus.ids: the key 'source' is missing"),
      ("{a: -1}", "{a: 2}", "bus.signs.joints.a: 2 is no sign; write 1 or -1"),
      (
        "every_joint: middle", "every_joint: midle",
        "bus.zeros.every_joint: unknown value 'midle'; did you mean 'middle'?"
      ),
      ("[xm540-w270]", "[]", "bus.models.every_joint: names no servo model"),
      ("least: 0.8", "least: 2", "bus.sweeps.every_joint: least 2.0 is not below most 1.3"),
      (
        "torque_shares: {", "continuous: {source: s, every_joint: true}\n  torque_shares: {",
        "bus.zeros: a turns without an end, so nothing about a sweep can be its zero; write pose or servo"
      ),
      ("modes:", "mode:", "bus: unknown key 'mode'; did you mean 'modes'?"),
    ])
  func mistakes(find: String, replace: String, message: String) {
    let error = errorText { _ = try ArmProfile(node(Self.text.replacing(find, with: replace))) }
    // Behind file, line and column.
    #expect(error.split(separator: ":", maxSplits: 3).last.map(String.init) == " " + message, "\(error)")
  }
}

@Suite("shipped arms with servos")
struct ShippedArmBusTests {
  @Test("the SO-101 has six STS3215 at the ids of a factory-assembled arm")
  func so101() throws {
    let bus = try #require(try ArmProfile.named("so101").bus)
    #expect(bus.wire == "feetech" && bus.baud == 1_000_000)
    #expect(bus.servos.map(\.servo) == [1, 2, 3, 4, 5, 6] && bus.servos.allSatisfy { $0.models == ["sts3215"] })
    #expect(bus.servos.map(\.zero) == [.middle, .middle, .middle, .middle, .middle, .lower])
    #expect(bus.servos.map(\.torqueShare) == [nil, nil, nil, nil, nil, 0.5])
  }

  @Test("the ViperX-300 S has nine servos, two at the shoulder and two at the elbow")
  func viperX() throws {
    let profile = try ArmProfile.named("vx300s")
    let bus = try #require(profile.bus)
    #expect(profile.model == nil && profile.joints.count == 7)
    #expect(bus.servos.flatMap { [$0.servo] + $0.followers }.sorted() == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(bus.servos[1].followers == [3] && bus.servos[2].followers == [5])
    #expect(bus.servos.filter(\.isReversed).map(\.joint) == ["shoulder", "elbow", "wrist_angle"])
    #expect(bus.servos.filter(\.isContinuous).map(\.joint) == ["waist", "forearm_roll", "wrist_rotate"])
  }

  @Test("every shipped arm with servos is complete", arguments: ["so100", "so101", "koch", "vx300s"])
  func complete(name: String) throws {
    let profile = try ArmProfile.named(name)
    let bus = try #require(profile.bus)
    #expect(bus.servos.map(\.joint) == profile.jointNames && profile.commandMode == .position)
    for joint in profile.joints {
      let limits = [joint.lower, joint.upper, joint.velocity, joint.acceleration, joint.jerk, joint.effort]
      let isLimited = limits.allSatisfy { $0.isFinite }
      #expect(isLimited, "\(joint.name)")
    }
    #expect((profile.model == nil) == (name != "so101"))
  }
}
