import CMuJoCo
import Foundation
import Numerics
import Testing

@testable import Simulation

@Suite("Models described as URDF")
struct RobotDescriptionTests {
  /// MuJoCo's poses of all bodies, by name, at joint positions given by name; the others stay at the reference.
  private func poses(_ model: PhysicsModel, _ positions: [String: Double]) throws -> [String: Frame] {
    let data = try #require(sinew_mujoco_make_data(model.pointer))
    defer { sinew_mujoco_delete_data(data) }
    for joint in model.joints {
      guard let position = positions[joint.name] else { continue }
      data.pointee.qpos[Int(model.pointer.pointee.jnt_qposadr[joint.index])] = position
    }
    #expect(sinew_mujoco_kinematics(model.pointer, data) == Int32(SINEW_MUJOCO_OK))
    return Dictionary(
      uniqueKeysWithValues: model.bodies.indices.map { body in
        let frame = Frame(
          position: (0..<3).map { data.pointee.xpos[3 * body + $0] },
          rotation: Frame.rotation(quaternion: (0..<4).map { data.pointee.xquat[4 * body + $0] }))
        return (model.bodies[body], frame)
      })
  }

  private func randomPositions(_ model: PhysicsModel, _ random: inout RandomStream) -> [String: Double] {
    var result: [String: Double] = [:]
    for joint in model.joints where joint.kind == .hinge || joint.kind == .slide {
      result[joint.name] = random.uniform(from: -3, to: 3)
    }
    return result
  }

  // MARK: Kinematics

  @Test("every link is where MuJoCo puts the body", arguments: DescribedModels.all)
  func kinematics(_ name: String) throws {
    let model = try DescribedModels.named(name)
    let robot = try DescribedRobot(model.robotDescription)
    var random = RandomStream(seed: 5, name: "kinematics")
    for round in 0..<50 {
      // The first round is the joints' zero, which is not the reference.
      let zeros = randomPositions(model, &random).mapValues { _ in 0.0 }
      let positions = round == 0 ? zeros : randomPositions(model, &random)
      let described = try robot.poses(positions)
      for (body, pose) in try poses(model, positions) {
        let distance = try #require(described[body]).distance(to: pose)
        #expect(distance < 1e-9, "\(body) in round \(round): \(distance)")
      }
    }
  }

  @Test("MuJoCo reads the text back as the same joints, masses and kinematics", arguments: DescribedModels.all)
  func reloading(_ name: String) throws {
    let model = try DescribedModels.named(name)
    let again = try DescribedModels.load(model.robotDescription, as: "robot.urdf")
    let scalar = model.joints.filter { $0.kind == .hinge || $0.kind == .slide }
    #expect(again.joints.map(\.name) == scalar.map(\.name))
    #expect(again.joints.map(\.kind) == scalar.map(\.kind))
    for (joint, original) in zip(again.joints, scalar) {
      // A slide without limits cannot be said in URDF.
      let expected = original.range ?? (original.kind == .slide ? -1e6...1e6 : nil)
      #expect(joint.range == expected, "\(joint.name)")
    }
    #expect((again.mass - model.mass).magnitude < 1e-10)
    var random = RandomStream(seed: 6, name: "reloading")
    for _ in 0..<10 {
      let positions = randomPositions(model, &random)
      let read = try poses(again, positions)
      for (body, pose) in try poses(model, positions) {
        #expect(try #require(read[body]).distance(to: pose) < 1e-9, "\(body)")
      }
    }
  }

  @Test("masses and inertia tensors are the model's", arguments: DescribedModels.all)
  func inertia(_ name: String) throws {
    let model = try DescribedModels.named(name)
    let robot = try DescribedRobot(model.robotDescription)
    #expect((robot.links.reduce(0) { $0 + $1.mass } - model.mass).magnitude <= 1e-12 * model.mass)
    let m = model.pointer.pointee
    for (body, name) in model.bodies.enumerated() {
      let link = try #require(robot.link(name))
      #expect(link.mass == m.body_mass[body])
      guard link.mass > 0 else { continue }
      #expect(link.inertialOrigin.position == (0..<3).map { m.body_ipos[3 * body + $0] })
      let principal = (0..<3).map { m.body_inertia[3 * body + $0] }
      let quaternion = (0..<4).map { m.body_iquat[4 * body + $0] }
      let expected = Frame.tensor(Frame.rotation(quaternion: quaternion), principal: principal)
      let found = Frame.tensor(link.inertialOrigin.rotation, principal: link.inertia)
      for (found, wanted) in zip(found, expected) {
        #expect((found - wanted).magnitude <= 1e-13 * (principal.max() ?? 0), "\(name)")
      }
    }
  }

  @Test("roll, pitch and yaw keep a rotation to rounding, near and in the gimbal case too")
  func angles() {
    var random = RandomStream(seed: 7, name: "angles")
    var worst = 0.0
    var rotations = (0..<20_000).map { _ in [random.normal(), random.normal(), random.normal(), random.normal()] }
    for exponent in 0...17 {
      for sign in [-1.0, 1] {
        for _ in 0..<200 {
          let half = sign * (.pi / 2 - pow(10, -Double(exponent))) / 2
          let (roll, yaw) = (random.uniform(from: -4, to: 4), random.uniform(from: -4, to: 4))
          let turn =
            Rotation(about: Vector3(0, 0, 1), by: yaw) * Rotation(about: Vector3(0, 1, 0), by: 2 * half)
            * Rotation(about: Vector3(1, 0, 0), by: roll)
          rotations.append([turn.w, turn.x, turn.y, turn.z])
        }
      }
    }
    for part in [-1.0, 0, 1] {
      for other in [-1.0, 0, 1] { rotations += [[part, other, 0, 1], [1, part, other, 0], [0, 1, part, other]] }
    }
    rotations += [[0.5, -0.5, -0.5, -0.5], [0.5, 0.5, 0.5, -0.5], [1, 0, 1, 0], [1, 0, -1, 0], [-1, 0, 0, 0]]
    for rotation in rotations {
      let norm = rotation.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let unit = rotation.map { $0 / norm }
      let angles = Rotation(w: unit[0], x: unit[1], y: unit[2], z: unit[3]).rollPitchYaw
      #expect(angles.x > -.pi && angles.x <= .pi && angles.z > -.pi && angles.z <= .pi)
      #expect(angles.y.magnitude <= .pi / 2)
      let matrix = Frame.rotation(rollPitchYaw: [angles.x, angles.y, angles.z])
      worst = zip(matrix, Frame.rotation(quaternion: unit)).reduce(worst) { max($0, ($1.0 - $1.1).magnitude) }
    }
    #expect(worst < 1e-14)
  }

  // MARK: Joints

  @Test("limits come from the joint and from what its actuators can do")
  func limits() throws {
    func joint(_ attributes: String, _ actuators: String) throws -> DescribedRobot.Joint {
      let text = """
        <mujoco><compiler angle="radian" autolimits="true"/><worldbody><body><joint name="j" \(attributes)/>
        <geom size="0.1"/></body></worldbody><actuator>\(actuators)</actuator></mujoco>
        """
      return try #require(DescribedRobot(DescribedModels.load(text).robotDescription).joint("j"))
    }
    let unlimited = try joint("", "")
    #expect(
      unlimited.type == "continuous" && unlimited.lower == nil && unlimited.effort == 0 && unlimited.velocity == 0)
    let limited = try joint("range='-1.5 0.25'", "<motor joint='j' gear='-30' ctrlrange='-0.5 1'/>")
    #expect(limited.type == "revolute" && limited.lower == -1.5 && limited.upper == 0.25 && limited.effort == 30)
    let slide = try joint("type='slide' range='0 2'", "<position joint='j' kp='50' gear='2' forcerange='-3 4'/>")
    #expect(slide.type == "prismatic" && slide.lower == 0 && slide.upper == 2 && slide.effort == 8)
    let rail = try joint("type='slide'", "<position joint='j' kp='50'/>")
    #expect(rail.lower == -1e6 && rail.upper == 1e6 && rail.effort == 0)
    // The tighter of control and force counts; two actuators add up; the joint's own limit bounds both.
    let motors = "<motor joint='j' ctrlrange='-7 7' forcerange='-5 5'/><motor joint='j' ctrlrange='-2 2'/>"
    #expect(try joint("", motors).effort == 7)
    #expect(try joint("actuatorfrcrange='-6 6'", motors).effort == 6)
    #expect(try joint("actuatorfrcrange='-6 6'", "<motor joint='j'/>").effort == 6)
    #expect(try joint("", motors + "<motor joint='j'/>").effort == 0)
    let servo = try joint("", "<velocity joint='j' kv='3' gear='4' ctrlrange='-10 8' forcerange='-1 1'/>")
    #expect(servo.velocity == 2.5 && servo.effort == 4)
  }

  @Test("an effort that is not known does not keep the joint from moving when the text is loaded again")
  func unknownEffort() throws {
    let again = try DescribedModels.load(try PhysicsModel.named("reacher").robotDescription, as: "r.urdf")
    let data = try #require(sinew_mujoco_make_data(again.pointer))
    defer { sinew_mujoco_delete_data(data) }
    let motor = try #require(again.actuators.first { $0.joint == "target_x" })
    data.pointee.ctrl[motor.controlIndex] = 1e-3
    #expect(sinew_mujoco_step(again.pointer, data) == Int32(SINEW_MUJOCO_OK))
    #expect(data.pointee.qvel[2] > 0)
  }

  @Test("joints that URDF lacks are fixed, and a comment says so")
  func unsupportedJoints() throws {
    let robot = try DescribedRobot(try DescribedModels.load(DescribedModels.slides).robotDescription)
    #expect(robot.joint("loose") == nil && robot.joint("socket") == nil)
    for words in ["joint 'loose' is free", "joint 'socket' is ball", "body 'marker' is moved by a program"] {
      #expect(robot.comments.contains { $0.contains(words) }, "\(words)")
    }
  }
}
