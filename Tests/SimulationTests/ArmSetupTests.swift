import ArmModel
import Foundation
import Numerics
import Simulation
import Testing

@Suite("Setting up an arm")
struct ArmSetupTests {
  static let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper"]

  static func so101(
    period: Double = 0.02, perturbations: Perturbations = .init(), seed: UInt64 = 0
  ) throws -> SimulatedArm {
    try SimulatedArm(
      model: try PhysicsModel.named("so101"), joints: joints, controlPeriod: period,
      servos: .all(try ServoProfile.named("sts3215-7v4")), perturbations: perturbations, seed: seed)
  }

  @Test("wrong joints are refused with the names there are and the nearest one")
  func joints() throws {
    let model = try PhysicsModel.named("reacher")
    let cases: [([String], String)] = [
      ([], "no joints were named"),
      (
        ["joint1", "jiont2"],
        "no joint named 'jiont2'; did you mean 'joint2'?; the model's driven joints: joint1, joint2"
      ),
      (["joint1", "joint1"], "named twice"),
      (["target_x"], "joint 'target_x' has no actuator"),
      (Array(repeating: "joint1", count: 17), "at most 16"),
    ]
    for (names, expected) in cases {
      let error = try #require(throws: SimulationError.self) {
        _ = try SimulatedArm(model: model, joints: names, controlPeriod: 0.02)
      }
      #expect(error.code == .unknownName && "\(error)".contains(expected), "\(error)")
      #expect("\(error)".contains("reacher.xml"))
    }
  }

  @Test("a control period that is no whole number of physics steps is refused with a step that fits")
  func controlPeriod() throws {
    let model = try PhysicsModel.named("reacher")
    let error = try #require(throws: SimulationError.self) {
      _ = try SimulatedArm(model: model, joints: ["joint1"], controlPeriod: 0.025)
    }
    let advice = "choose another control rate, or a physics step of 0.008333333 s"
    #expect(error.code == .controlPeriod && "\(error)".contains(advice), "\(error)")
    for period in [0, -0.02, .nan, .infinity, 0.005, 100] {
      #expect(throws: SimulationError.self) {
        _ = try SimulatedArm(model: model, joints: ["joint1"], controlPeriod: period)
      }
    }
    let arm = try Self.so101(period: 1.0 / 50)
    #expect(arm.substeps == 10 && arm.timestep == 0.002)
  }

  @Test("drives that cannot be one arm are refused")
  func drives() throws {
    let scratch = try Scratch()
    let body = { (name: String) in "<body><joint name='\(name)'/><geom size='.1'/></body>" }
    let model = try scratch.model(
      """
      <mujoco><worldbody>\(body("a"))\(body("b"))\(body("c"))\(body("d"))</worldbody><actuator>
      <motor joint="a"/><position joint="b" kp="10"/><velocity joint="c"/><motor joint="d"/><motor joint="d" name="d2"/>
      </actuator></mujoco>
      """)
    let servo = try ServoProfile.named("sts3215-7v4")
    func refused(_ joints: [String], _ servos: ServoAssignment, _ expected: String) throws {
      let error = try #require(throws: SimulationError.self) {
        _ = try SimulatedArm(model: model, joints: joints, controlPeriod: 0.01, servos: servos)
      }
      #expect("\(error)".contains(expected), "\(error)")
    }
    try refused(["a", "b"], .none, "cannot be mixed")
    try refused(["c"], .none, "neither a torque motor nor a position servo")
    try refused(["d"], .none, "2 actuators")
    try refused(["b"], .all(servo), "leave the servo profile out")
    try refused(["a"], .perJoint([servo, servo]), "2 servo profiles for 1 joints")
    let effort = try SimulatedArm(model: model, joints: ["a"], controlPeriod: 0.01)
    #expect(effort.mode == .effort)
    let position = try SimulatedArm(model: model, joints: ["b"], controlPeriod: 0.01)
    #expect(position.mode == .position)
  }

  @Test("a servo against too little inertia is refused instead of oscillating")
  func inertia() throws {
    let scratch = try Scratch()
    let model = try scratch.model(Models.pendulum(mass: 0.001, length: 0.02))
    let error = try #require(throws: SimulationError.self) {
      _ = try SimulatedArm(
        model: model, joints: ["hinge"], controlPeriod: 0.01, servos: .all(try ServoProfile.named("xm540-w270")))
    }
    #expect(error.code == .servo && "\(error)".contains("inertia"), "\(error)")
  }

  @Test("foreign position actuators take goals directly")
  func positionActuators() throws {
    let scratch = try Scratch()
    let model = try scratch.model(
      Models.pendulum().replacingOccurrences(
        of: "<motor name=\"hinge\" joint=\"hinge\"/>",
        with: "<position name=\"p\" joint=\"hinge\" kp=\"50\" dampratio=\"1\"/>"))
    var arm = try SimulatedArm(model: model, joints: ["hinge"], controlPeriod: 0.01)
    let trace = try arm.run(goal: [0.4], seconds: 2)
    // 0.4 kg at 0.15 m against 50 N·m/rad.
    #expect((0.4 - trace.last - 0.4 * 9.81 * 0.15 * cos(trace.last) / 50).magnitude < 1e-4)
    #expect((trace.effort.last! - 0.4 * 9.81 * 0.15 * cos(trace.last)).magnitude < 1e-3)
  }

  @Test("wrong variables and points are refused with a suggestion")
  func names() throws {
    var arm = try Self.so101()
    let body = try #require(throws: SimulationError.self) { try arm.bindVariable(.mocapBody("targte")) }
    #expect("\(body)".contains("did you mean 'target'"))
    #expect(throws: SimulationError.self) { try arm.bindVariable(.joints([])) }
    let site = try #require(throws: SimulationError.self) {
      _ = try arm.makeTwin(points: [("gripper_fram", .site)], source: .measured)
    }
    #expect("\(site)".contains("did you mean 'gripper_frame'"))
    let kind = try #require(throws: SimulationError.self) {
      _ = try arm.makeTwin(points: [("gripper_frame", .body)], source: .measured)
    }
    #expect("\(kind)".contains("there is a site of that name"))
  }

  @Test("a mocap target goes where the variable says, for both twins")
  func mocapVariable() throws {
    var arm = try Self.so101()
    try arm.bindVariable(.mocapBody("target"))
    var left = try arm.makeTwin(points: [("target", .body)], source: .lastPhysicsStep)
    var measured = try arm.makeTwin(points: [("target", .body)], source: .measured)
    let place = Vector3(0.21, -0.05, 0.14)
    arm.setVariable(0, place)
    measured.setVariable(0, place)
    let zero = JointVector(repeating: 0, count: 6)
    try arm.reset(position: zero, velocity: zero)
    var state = JointState(count: 6)
    try arm.read(into: &state, now: 0)
    var points = PointSet(count: 1)
    left.update(state, into: &points)
    #expect(points[0] == place)
    measured.update(state, into: &points)
    #expect(points[0] == place)
  }

  @Test("the SO-101's tool is where the published frames put it")
  func kinematics() throws {
    let arm = try Self.so101()
    var twin = try arm.makeTwin(points: [("gripper_frame", .site)], source: .measured)
    var state = JointState(count: 6)
    var points = PointSet(count: 1)
    twin.update(state, into: &points)
    // Composed by hand from the table of frames.
    #expect((points[0] - Vector3(0.3914, -0.001, 0.2463)).norm < 2e-4)
    // The pan axis is vertical at (0.0388353, 0) and turns against +z.
    state.position[0] = 0.5
    let before = points[0] - Vector3(0.0388353, 0, 0)
    twin.update(state, into: &points)
    let expected = Vector3(
      0.0388353 + before.x * cos(-0.5) - before.y * sin(-0.5), before.x * sin(-0.5) + before.y * cos(-0.5), before.z)
    #expect((points[0] - expected).norm < 1e-9)
  }
}
