import ArmModel
import Configuration
import Foundation
import Simulation
import Testing

@Suite("Perturbations")
struct PerturbationTests {
  static func pendulum(_ texts: [String], servo: Bool = true, period: Double = 0.01) throws -> SimulatedArm {
    let scratch = try Scratch()
    let model = try scratch.model(Models.pendulum(armature: servo ? 0 : 0.02))
    return try SimulatedArm(
      model: model, joints: ["hinge"], controlPeriod: period,
      servos: servo ? .all(try ServoProfile.named("sts3215-7v4")) : .none,
      perturbations: try Perturbations.parse(texts),
      seed: 3)
  }

  static func trace(_ texts: [String], goal: Double = 0.5, seconds: Double = 1, period: Double = 0.01) throws -> Trace {
    var arm = try pendulum(texts, period: period)
    return try arm.run(goal: [goal], seconds: seconds)
  }

  @Test("texts and YAML are read, and written back as they were")
  func reading() throws {
    let texts = ["payload=0.2@rod", "latency=0.02", "dropped_packets=0.05", "friction=1.0"]
    let parsed = try Perturbations.parse(texts)
    #expect(parsed[.payload] == 0.2...0.2 && parsed.payloadBody == "rod" && parsed[.latency] == 0.02...0.02)
    #expect(parsed.description == "payload=0.2@rod latency=0.02 dropped_packets=0.05")
    let again = try Perturbations.parse(parsed.description.split(separator: " ").map(String.init))
    #expect(again == parsed)
    let node = try ConfigurationNode.parse(
      text: "payload: {mass: 0.2, body: rod}\nlatency: 0.02\ndropped_packets: 0.05\n", file: "p.yaml")
    let read = try Perturbations(node)
    #expect(read == parsed)
    let plain = try Perturbations(try ConfigurationNode.parse(text: "payload: 0.1\n", file: "p.yaml"))
    #expect(plain[.payload] == 0.1...0.1 && plain.payloadBody == nil)
    #expect(Perturbations().description == "none" && Perturbations().isNominal)
  }

  @Test(
    "wrong texts are refused with name, range and unit",
    arguments: [
      ("latenci=0.1", "did you mean 'latency'"), ("latency", "is not NAME=VALUE"), ("latency=", "not a number"),
      ("latency=fast", "not a number (s)"), ("latency=2", "from 0.0 to 1.0 (s)"),
      ("latency=-0.1", "from 0.0 to 1.0 (s)"),
      ("latency=nan", "from 0.0 to 1.0 (s)"), ("friction=inf", "(×)"), ("dropped_packets=1", "(fraction)"),
      ("gain=2@arm", "only a payload"), ("payload=60", "(kg)"), ("=1", "no perturbation named ''"),
      ("", "is not NAME=VALUE"),
    ])
  func refusals(text: String, expected: String) throws {
    let error = try #require(throws: SimulationError.self) { try Perturbations.parse([text]) }
    #expect(error.code == .perturbation && "\(error)".contains(expected), "\(error)")
  }

  @Test("a perturbation given twice, or unknown in YAML, is refused")
  func moreRefusals() throws {
    let twice = try #require(throws: SimulationError.self) { try Perturbations.parse(["gain=2", "gain=3"]) }
    #expect("\(twice)".contains("given twice"))
    for text in ["lateny: 1\n", "latency: 3\n", "latency: fast\n", "payload: {kg: 1}\n"] {
      let node = try ConfigurationNode.parse(text: text, file: "p.yaml")
      let error = try #require(throws: ConfigurationError.self) { try Perturbations(node) }
      #expect("\(error)".contains("p.yaml:1"), "\(error)")
    }
  }

  @Test("what an arm cannot express is refused, not ignored")
  func inapplicable() throws {
    let voltage = try #require(throws: SimulationError.self) { _ = try Self.pendulum(["voltage=6"], servo: false) }
    #expect("\(voltage)".contains("voltage"))
    let limit = try #require(throws: SimulationError.self) { _ = try Self.pendulum(["torque_limit=0.5"], servo: false) }
    #expect("\(limit)".contains("no control range"))
    let scratch = try Scratch()
    let model = try scratch.model(
      Models.pendulum().replacingOccurrences(of: "<motor name=\"hinge\"", with: "<position name=\"hinge\" kp=\"9\""))
    for text in ["backlash=0.01", "torque_limit=0.5", "voltage=6", "payload=1@nowhere", "payload=1@world"] {
      #expect(throws: SimulationError.self, "\(text)") {
        _ = try SimulatedArm(
          model: model, joints: ["hinge"], controlPeriod: 0.01, perturbations: try Perturbations.parse([text]))
      }
    }
  }

  @Test("a payload pulls the arm down by its weight, and changes the dynamics")
  func payload() throws {
    let nominal = try Self.trace([])
    let loaded = try Self.trace(["payload=0.3@load"])
    let stiffness = try ServoProfile.named("sts3215-7v4").parameters.stiffness
    let more = 0.3 * 9.81 * 0.15 * cos(loaded.last) / stiffness
    #expect((nominal.last - loaded.last - more).magnitude < 0.006)
    #expect(loaded.velocity.max()! < nominal.velocity.max()!)
  }

  @Test("a payload at an offset gives the body the right mass, centre and inertia")
  func payloadInertia() throws {
    // Free swing of a bar with a point mass at its end against the same bar modelled with the mass in it.
    func swing(_ tip: String, _ texts: [String]) throws -> Trace {
      let scratch = try Scratch()
      let model = try scratch.model(
        """
        <mujoco><option timestep="0.002"/><worldbody><body name="bar"><joint name="j" axis="0 -1 0"/>
          <inertial pos="0.1 0.02 -0.01" mass="0.2" quat="0.9 0.1 0.3 0.2" diaginertia="0.001 0.0008 0.0005"/>
          <site name="gripper_frame" pos="0.3 0.05 0.02"/>\(tip)</body></worldbody>
          <actuator><motor joint="j"/></actuator></mujoco>
        """)
      var arm = try SimulatedArm(
        model: model, joints: ["j"], controlPeriod: 0.01, perturbations: try Perturbations.parse(texts))
      return try arm.run(goal: [0.05], seconds: 1)
    }
    let inside = try swing(
      "<body pos='0.3 0.05 0.02'><inertial pos='0 0 0' mass='0.15' diaginertia='1e-12 1e-12 1e-12'/></body>", [])
    let added = try swing("", ["payload=0.15"])
    for (a, b) in zip(inside.position, added.position) { #expect((a - b).magnitude < 1e-6) }
    let without = try swing("", [])
    #expect((without.last - added.last).magnitude > 0.01)
  }

  @Test("a torque limit caps a plain motor below its control range")
  func torqueLimit() throws {
    let model = try PhysicsModel.named("reacher")
    var arm = try SimulatedArm(
      model: model, joints: ["joint1", "joint2"], controlPeriod: 0.02,
      perturbations: try Perturbations.parse(["torque_limit=0.25", "gain=0.5"]))
    let small = try arm.run(goal: [20, 0], seconds: 0.02)
    #expect((small.effort[0] - 10).magnitude < 1e-12)
    let large = try arm.run(goal: [-500, 0], seconds: 0.02)
    #expect((large.effort[0] + 50).magnitude < 1e-12)
  }

  @Test("friction slows the swing of a limp arm")
  func friction() throws {
    func swing(_ texts: [String]) throws -> Double {
      let scratch = try Scratch()
      let model = try scratch.model(
        Models.pendulum().replacingOccurrences(of: "armature=\"0.0\"", with: "damping=\"0.02\" frictionloss=\"0.02\""))
      var arm = try SimulatedArm(
        model: model, joints: ["hinge"], controlPeriod: 0.01, perturbations: try Perturbations.parse(texts))
      return try arm.run(goal: [0], seconds: 1).velocity.map(\.magnitude).max()!
    }
    let nominal = try swing([])
    #expect(try swing(["friction=5"]) < 0.9 * nominal)
    #expect(try swing(["friction=0"]) > 1.02 * nominal)
  }

  @Test("command latency delays the motion by itself")
  func latency() throws {
    func firstEffort(_ texts: [String]) throws -> Double {
      var arm = try Self.pendulum(texts, servo: false, period: 0.002)
      let trace = try arm.run(goal: [0.3], seconds: 0.2)
      #expect(trace.age.allSatisfy { $0 == 0 })
      return try #require(zip(trace.time, trace.effort).first { $0.1 == 0.3 }).0
    }
    let nominal = try firstEffort([])
    let late = try firstEffort(["latency=0.03"])
    #expect((late - nominal - 0.03).magnitude < 1e-9)
    // The servo's motion comes later by about as much.
    let prompt = try #require(try Self.trace([], period: 0.002).first { $0 > 0.05 })
    let delayed = try #require(try Self.trace(["latency=0.03"], period: 0.002).first { $0 > 0.05 })
    #expect((delayed - prompt - 0.03).magnitude < 0.01)
  }

  @Test("status latency delays what is seen, and says how old it is")
  func statusLatency() throws {
    let nominal = try Self.trace([], period: 0.002)
    let late = try Self.trace(["status_latency=0.03"], period: 0.002)
    for index in 15..<nominal.position.count { #expect(late.position[index] == nominal.position[index - 15]) }
    #expect(late.age.allSatisfy { ($0 - 0.03).magnitude < 1e-12 })
    #expect(nominal.age.allSatisfy { $0 == 0 })
  }

  @Test("sensor noise has the deviation that was asked for, and leaves the physics alone")
  func noise() throws {
    let nominal = try Self.trace([], seconds: 10)
    let noisy = try Self.trace(["sensor_noise=0.01", "velocity_noise=0.2"], seconds: 10)
    func deviation(_ a: [Double], _ b: [Double]) -> Double {
      let squares = zip(a, b).map { ($0 - $1) * ($0 - $1) }
      return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    }
    #expect((deviation(noisy.position, nominal.position) - 0.01).magnitude < 0.001)
    #expect((deviation(noisy.velocity, nominal.velocity) - 0.2).magnitude < 0.02)
    #expect(noisy.effort == nominal.effort)
  }

  @Test("lost packets leave old data that says its age, at the rate asked for")
  func droppedPackets() throws {
    let trace = try Self.trace(["dropped_packets=0.3"], seconds: 20)
    let stale = trace.age.filter { $0 > 0 }.count
    #expect((Double(stale) / Double(trace.age.count) - 0.3).magnitude < 0.04)
    for index in 1..<trace.age.count where trace.age[index] > 0 {
      #expect(trace.position[index] == trace.position[index - 1])
      #expect((trace.age[index] - trace.age[index - 1] - 0.01).magnitude < 1e-9)
    }
    #expect(trace.age[0] == 0)
  }

  @Test("backlash leaves the joint free by its play, and the load rests on one side of it")
  func backlash() throws {
    let nominal = try Self.trace([], seconds: 3)
    let loose = try Self.trace(["backlash=0.04"], seconds: 3)
    // The encoder sits on the motor's side, so the servo sees nothing wrong while the load hangs on the lower flank.
    #expect((loose.last - nominal.last).magnitude < 0.004)
    var arm = try Self.pendulum(["backlash=0.04"])
    var exact = try arm.makeTwin(points: [("tip", .site)], source: .lastPhysicsStep)
    _ = try arm.run(goal: [0.5], seconds: 3)
    var state = JointState(count: 1)
    var points = PointSet(count: 1)
    try arm.read(into: &state, now: 0)
    exact.update(state, into: &points)
    let joint = atan2(points[0].z, points[0].x)
    #expect((state.position[0] - joint - 0.02).magnitude < 0.002)
  }

  @Test("backlash delays a torque motor's effect by the time it takes to cross the play")
  func backlashOfMotor() throws {
    func firstMove(_ texts: [String]) throws -> Double {
      let scratch = try Scratch()
      let level = Models.pendulum(armature: 0.02).replacingOccurrences(of: "axis=\"0 -1 0\"", with: "axis=\"0 0 1\"")
      let model = try scratch.model(level)
      var arm = try SimulatedArm(
        model: model, joints: ["hinge"], controlPeriod: 0.002, perturbations: try Perturbations.parse(texts))
      var twin = try arm.makeTwin(points: [("tip", .site)], source: .lastPhysicsStep)
      var state = JointState(count: 1)
      var points = PointSet(count: 1)
      for _ in 0..<500 {
        try arm.write(JointCommand(mode: .effort, goal: JointVector([0.1]), stamp: 0))
        try arm.read(into: &state, now: 0)
        twin.update(state, into: &points)
        if points[0].y > 1e-4 { return arm.time }
      }
      return .infinity
    }
    // Half of 0.02 rad at 0.1 N·m / 0.02 kg·m² = 5 rad/s²: √(2·0.01/5) = 63 ms.
    let late = try firstMove(["backlash=0.02"])
    let nominal = try firstMove([])
    #expect((late - nominal - 0.063).magnitude < 0.006)
  }
}
