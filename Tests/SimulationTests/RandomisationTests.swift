import ArmModel
import Numerics
import Testing

@testable import Simulation

/// Perturbations given as ranges: every episode plays another arm.
@Suite struct RandomisationTests {
  private static let everything = [
    "payload=0..0.3@load", "friction=0.5..2", "gain=0.7..1.2", "latency=0..0.03", "status_latency=0..0.02",
    "backlash=0..0.02", "sensor_noise=0..0.01", "velocity_noise=0..0.1", "dropped_packets=0..0.2",
    "torque_limit=0.5..1", "voltage=6..8",
  ]

  private static func arm(
    _ perturbations: Perturbations, servo: Bool = true, timestep: Double = 0.002
  ) throws -> SimulatedArm {
    let scratch = try Scratch()
    let text = Models.pendulum(armature: servo ? 0 : 0.02, timestep: timestep)
      .replacingOccurrences(of: "<motor ", with: "<motor ctrlrange=\"-1 1\" ")
      .replacingOccurrences(
        of: "name=\"hinge\" axis", with: "name=\"hinge\" damping=\"0.01\" frictionloss=\"0.01\" axis")
    return try SimulatedArm(
      model: try scratch.model(text), joints: ["hinge"], controlPeriod: 0.01,
      servos: servo ? .all(try ServoProfile.named("sts3215-7v4")) : .none, perturbations: perturbations, seed: 3)
  }

  private static func episode(_ arm: inout SimulatedArm, _ stream: RandomStream) throws -> Trace {
    arm.beginEpisode(from: stream)
    try arm.reset(position: JointVector([0.1]), velocity: JointVector([0]), settling: 0.05)
    return try arm.run(goal: [0.5], seconds: 0.5)
  }

  private static func stream(_ number: Int) -> RandomStream { RandomStream(seed: UInt64(number), name: "test") }

  @Test(arguments: [true, false])
  func `Every episode plays the arm that its values would make, whatever was played before`(servo: Bool) throws {
    let texts = servo ? Self.everything : Self.everything.filter { !$0.hasPrefix("voltage") }
    let ranges = try Perturbations.parse(texts)
    #expect(ranges.varies)
    var varied = try Self.arm(ranges, servo: servo)
    var different: Set<[Double]> = []
    for number in 0..<12 {
      let found = try Self.episode(&varied, Self.stream(number))
      var draws = Self.stream(number).branch()
      let values = ranges.bounds.draw(from: &draws)
      var fixed = Perturbations()
      for name in Perturbations.Name.allCases where ranges.isSet(name) {
        try fixed.set(name, to: values[name], body: name == .payload ? "load" : nil)
      }
      var made = try Self.arm(fixed, servo: servo)
      let expected = try Self.episode(&made, Self.stream(number))
      #expect(found.position == expected.position && found.velocity == expected.velocity, "episode \(number)")
      #expect(found.effort == expected.effort && found.age == expected.age, "episode \(number)")
      different.insert(found.velocity)
    }
    #expect(different.count == 12)
    // Back to the first one.
    let again = try Self.episode(&varied, Self.stream(0))
    var fresh = try Self.arm(ranges, servo: servo)
    #expect(try again.position == Self.episode(&fresh, Self.stream(0)).position)
  }

  @Test func `Values are uniform over their range, and what is no range stays`() throws {
    let ranges = try Perturbations.parse(["payload=0.1..0.3", "gain=0.7", "latency=0..0.04"])
    var random = RandomStream(seed: 1)
    var (payloads, latencies): ([Double], [Double]) = ([], [])
    for _ in 0..<4000 {
      let values = ranges.bounds.draw(from: &random)
      payloads.append(values[.payload])
      latencies.append(values[.latency])
      #expect(values[.gain] == 0.7 && values[.friction] == 1 && !values.isSet(.friction))
    }
    #expect(payloads.allSatisfy { (0.1..<0.3).contains($0) } && latencies.allSatisfy { (0..<0.04).contains($0) })
    for quarter in 0..<4 {
      let (low, high) = (0.1 + 0.05 * Double(quarter), 0.15 + 0.05 * Double(quarter))
      let share = Double(payloads.count { (low..<high).contains($0) }) / 4000
      #expect((share - 0.25).magnitude < 0.03)
    }
  }

  @Test func `Ranges are read and written back as they were`() throws {
    let parsed = try Perturbations.parse(["payload=0..0.2@rod", "friction=1..1", "gain=0.7..0.7"])
    #expect(parsed[.payload] == 0...0.2 && parsed.payloadBody == "rod" && !parsed.isSet(.friction))
    #expect(parsed.description == "payload=0.0..0.2@rod gain=0.7")
    #expect(try Perturbations.parse(parsed.description.split(separator: " ").map(String.init)) == parsed)
    #expect(parsed.varies)
    #expect(try !Perturbations.parse(["gain=0.7"]).varies)
  }

  @Test(arguments: [
    ("payload=0.2..0.1", "from the lower to the higher"), ("latency=0..2", "from 0.0 to 1.0 (s)"),
    ("gain=1..", "nor a range such as 0..0.2"), ("gain=..2", "nor a range"), ("gain=1..2..3", "nor a range"),
    ("gain=1:2", "nor a range"), ("backlash=0..0.1@rod", "only a payload"),
  ])
  func `A wrong range is refused with what is right`(text: String, expected: String) throws {
    let error = try #require(throws: SimulationError.self) { try Perturbations.parse([text]) }
    #expect("\(error)".contains(expected), "\(error)")
  }

  @Test func `A range of which one end is impossible is refused when the arm is made`() throws {
    _ = try Self.arm(try Perturbations.parse(["gain=1..2"]), timestep: 0.005)
    let error = try #require(throws: SimulationError.self) {
      _ = try Self.arm(try Perturbations.parse(["gain=1..100"]), timestep: 0.005)
    }
    #expect("\(error)".contains("too little for its servo"), "\(error)")
  }
}
