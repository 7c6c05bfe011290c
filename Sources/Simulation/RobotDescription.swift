import CMuJoCo
import Numerics

extension PhysicsModel {
  /// This model as URDF text, for viewers that draw a robot and move it by joint names (the log channel
  /// /robot_description). The same model always gives the same text.
  ///
  /// - One link per body, under the body's name, below the link `world`. At the same joint positions (`ref` included)
  ///   the forward kinematics of the text put every link where MuJoCo puts the body.
  /// - Hinges are revolute, or continuous when unlimited; slides are prismatic. They keep their names. A body with
  ///   several joints, or with a joint beside its origin, hangs on further links without mass (`JOINT_link`).
  /// - Free and ball joints stay at the reference pose, bodies that a program moves at the place the file gives them;
  ///   comments say so.
  /// - Spheres, capsules, cylinders and boxes are drawn in their colours, ellipsoids as spheres of the same volume.
  ///   Other shapes are left out, each with a comment. There are no collision shapes.
  /// - `effort` (N·m or N) is what the actuators can give, `velocity` (rad/s or m/s) what a velocity servo can be asked
  ///   for; 0 means that the model does not tell.
  /// - Numbers are the shortest that read back as the model's. Names that XML cannot hold, or that are missing, are
  ///   replaced; all are unique.
  ///
  /// MuJoCo loads it again: the element `<mujoco>`, which other readers pass over, lets the links without mass move.
  public var robotDescription: String {
    var description = RobotDescription(of: self)
    return description.write()
  }
}

/// Writes a model as URDF: the tree of links and joints.
struct RobotDescription {
  let model: PhysicsModel
  var xml = MarkupWriter()
  /// Material names by colour, so that one name never means two colours.
  var materials: [String: String] = [:]
  private var links: [String]
  private var joints: [String]
  private var linkNames = UniqueNames()
  private var jointNames = UniqueNames()

  init(of model: PhysicsModel) {
    self.model = model
    // The model's own names first: generated ones give way to them.
    links = linkNames.claim(model.bodies) { "body_\($0)" }
    joints = jointNames.claim(model.joints.map(\.name)) { "joint_\($0)" }
  }

  var compiled: mjModel { model.pointer.pointee }

  mutating func write() -> String {
    xml.text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
    xml.open("robot", [("name", model.name.isEmpty ? "robot" : model.name)])
    writeCompilerOptions()
    writeLink(0)
    for body in 1..<max(1, links.count) { writeBody(body) }
    xml.close("robot")
    return xml.text
  }

  /// MuJoCo refuses moving bodies without mass; these bounds are far below any real one, far above what it refuses.
  private mutating func writeCompilerOptions() {
    xml.open("mujoco")
    xml.empty(
      "compiler",
      [
        ("strippath", "false"), ("fusestatic", "false"), ("discardvisual", "true"), ("boundmass", "1e-12"),
        ("boundinertia", "1e-14"),
      ])
    xml.close("mujoco")
  }

  // MARK: Bodies

  private mutating func writeBody(_ body: Int) {
    let m = compiled
    if m.body_mocapid[body] >= 0 { xml.comment("body '\(links[body])' is moved by a program (mocap); fixed here") }
    var parent = links[Int(m.body_parentid[body])]
    var frame = Placement(Vector3(m.body_pos, body), Rotation(m.body_quat, body))
    let first = max(0, Int(m.body_jntadr[body]))
    let all = model.joints[first..<first + Int(m.body_jntnum[body])]
    for joint in all where joint.kind == .free || joint.kind == .ball {
      xml.comment("joint '\(joints[joint.index])' is \(joint.kind.rawValue), which URDF lacks; fixed here")
    }
    let moving = all.filter { $0.kind == .hinge || $0.kind == .slide }
    for joint in moving {
      let axis = Vector3(m.jnt_axis, joint.index)
      let reference = m.qpos0[Int(m.jnt_qposadr[joint.index])]
      // MuJoCo moves the body by q - reference, about the anchor; URDF moves the child's frame by q, about its origin.
      var rest = Placement.identity
      if joint.kind == .slide {
        frame = frame * Placement(axis * -reference, .identity)
      } else {
        let anchor = Vector3(m.jnt_pos, joint.index)
        frame = frame * Placement(anchor, Rotation(about: axis, by: -reference))
        rest = Placement(anchor * -1, .identity)
      }
      let arrived = joint.index == moving.last?.index && rest.isIdentity
      let child = arrived ? links[body] : linkNames.claim("\(joints[joint.index])_link")
      if !arrived { xml.empty("link", [("name", child)]) }
      writeJoint(joint, at: frame, axis: axis, from: parent, to: child)
      parent = child
      frame = rest
    }
    if parent != links[body] { writeFixedJoint(at: frame, from: parent, to: links[body]) }
    writeLink(body)
  }

  private mutating func writeLink(_ body: Int) {
    let m = compiled
    let shapes = Int(m.body_geomadr[body])..<Int(m.body_geomadr[body] + m.body_geomnum[body])
    guard m.body_mass[body] > 0 || !shapes.isEmpty else {
      return xml.empty("link", [("name", links[body])])
    }
    xml.open("link", [("name", links[body])])
    if m.body_mass[body] > 0 { writeInertial(body) }
    for shape in shapes { writeShape(shape) }
    xml.close("link")
  }

  private mutating func writeInertial(_ body: Int) {
    let m = compiled
    let inertia = Vector3(m.body_inertia, body)
    xml.open("inertial")
    writeOrigin(Placement(Vector3(m.body_ipos, body), Rotation(m.body_iquat, body)))
    xml.empty("mass", [("value", MarkupWriter.number(m.body_mass[body]))])
    // The origin's axes are the principal ones.
    xml.empty(
      "inertia",
      [
        ("ixx", MarkupWriter.number(inertia.x)), ("ixy", "0"), ("ixz", "0"), ("iyy", MarkupWriter.number(inertia.y)),
        ("iyz", "0"), ("izz", MarkupWriter.number(inertia.z)),
      ])
    xml.close("inertial")
  }

  func originAttributes(_ placement: Placement) -> [(String, String)] {
    [("xyz", MarkupWriter.numbers(placement.position)), ("rpy", MarkupWriter.numbers(placement.rotation.rollPitchYaw))]
  }

  mutating func writeOrigin(_ placement: Placement) { xml.empty("origin", originAttributes(placement)) }

  // MARK: Joints

  private mutating func writeJoint(
    _ joint: PhysicsModel.Joint, at frame: Placement, axis: Vector3, from parent: String, to child: String
  ) {
    let type = joint.kind == .slide ? "prismatic" : joint.range == nil ? "continuous" : "revolute"
    xml.open("joint", [("name", joints[joint.index]), ("type", type)])
    writeOrigin(frame)
    xml.empty("parent", [("link", parent)])
    xml.empty("child", [("link", child)])
    xml.empty("axis", [("xyz", MarkupWriter.numbers(axis))])
    var limits: [(String, String)] = []
    if let range = RobotDescription.range(of: joint) {
      limits = [
        ("lower", MarkupWriter.number(range.lowerBound)), ("upper", MarkupWriter.number(range.upperBound)),
      ]
    }
    limits.append(("effort", MarkupWriter.number(JointLimits.effort(of: joint, in: model) ?? 0)))
    limits.append(("velocity", MarkupWriter.number(JointLimits.velocity(of: joint, in: model) ?? 0)))
    xml.empty("limit", limits)
    xml.close("joint")
  }

  private mutating func writeFixedJoint(at frame: Placement, from parent: String, to child: String) {
    xml.open("joint", [("name", jointNames.claim("\(child)_fixed")), ("type", "fixed")])
    writeOrigin(frame)
    xml.empty("parent", [("link", parent)])
    xml.empty("child", [("link", child)])
    xml.close("joint")
  }

  /// Readers take a prismatic joint without limits as one that cannot move, and none takes infinity.
  private static func range(of joint: PhysicsModel.Joint) -> ClosedRange<Double>? {
    let unlimited = 1e6
    let widest = -unlimited...unlimited
    return joint.range?.clamped(to: widest) ?? (joint.kind == .slide ? widest : nil)
  }
}
