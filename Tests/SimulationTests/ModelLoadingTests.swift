import ArmModel
import Foundation
import Numerics
import Simulation
import Testing
import TestSupport

@Suite("Loading models")
struct ModelLoadingTests {
  /// What is wrong, the file's text, what the error must say.
  static let malformed: [(String, String, String)] = [
    ("empty", "", "is empty"),
    ("blank", "   \n\n", "no XML element"),
    ("not XML", "hello", "no XML element"),
    ("only a comment", "<!-- nothing -->", "no XML element"),
    ("another root", "<html></html>", "<html>"),
    ("unclosed", "<mujoco><worldbody><body></mujoco>", "XML_ERROR_MISMATCHED_ELEMENT"),
    ("truncated", "<mujoco><worldbody><body name=\"a", "XML"),
    (
      "unknown attribute", "<mujoco>\n<worldbody>\n<body foo='1'/></worldbody></mujoco>",
      "'foo', Element 'body', line 3"
    ),
    ("unknown element", "<mujoco>\n<colour/></mujoco>", "colour"),
    ("massless body", "<mujoco><worldbody>\n<body><joint/></body></worldbody></mujoco>", "mass and inertia"),
    (
      "missing mesh",
      "<mujoco><asset><mesh name='m' file='no.stl'/></asset><worldbody><geom type='mesh' mesh='m'/></worldbody></mujoco>",
      "no.stl"
    ),
    (
      "duplicate name",
      "<mujoco><worldbody><body><joint name='j'/><joint name='j'/><geom size='1'/></body></worldbody></mujoco>",
      "repeated name 'j'"
    ),
    ("a NaN", "<mujoco><worldbody><body pos='nan 0 0'><joint/><geom size='1'/></body></worldbody></mujoco>", "NaN"),
    (
      "an actuator without its joint", "<mujoco><worldbody/><actuator><motor joint='gone'/></actuator></mujoco>", "gone"
    ),
    ("a missing include", "<mujoco><include file='gone.xml'/></mujoco>", "gone.xml"),
    ("a negative size", "<mujoco><worldbody><geom size='-1'/></worldbody></mujoco>", "size"),
    ("zero bytes", "<mujoco>\u{0}</mujoco>", "not UTF-8 text"),
    (
      "a memory too small for one step",
      "<mujoco><size memory='1K'/><worldbody><geom type='plane' size='1 1 1'/><body pos='0 0 .05'><freejoint/><geom type='box' size='.1 .1 .1'/></body></worldbody></mujoco>",
      "ran out of memory"
    ),
    ("a xacro file", "<robot xmlns:xacro='x'><xacro:arm/></robot>", "xacro"),
    (
      "a robot whose joint leads nowhere",
      "<robot name='r'><link name='a'/><joint name='j' type='revolute'><parent link='a'/><child link='gone'/></joint></robot>",
      "parent or child missing"
    ),
    (
      "a package that is nowhere",
      "<robot name='r'><link name='a'><inertial><mass value='1'/><inertia ixx='1' iyy='1' izz='1' ixy='0' ixz='0' iyz='0'/></inertial><collision><geometry><mesh filename='package://nowhere/a.stl'/></geometry></collision></link></robot>",
      "package://nowhere/a.stl was not found"
    ),
  ]

  @Test("bad files are refused in one line that names file and cause", arguments: malformed)
  func refusesMalformed(what: String, text: String, expected: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file("bad.xml", text)
    let error = try #require(throws: SimulationError.self, "\(what)") { try PhysicsModel.load(path: path) }
    #expect("\(error)".contains("bad.xml"), "\(error)")
    #expect("\(error)".contains(expected), "\(error)")
    #expect(!"\(error)".contains("\n"), "\(error)")
    #expect(error.code == .invalidModel || error.code == .unreadableFile)
    #expect(!FileManager.default.fileExists(atPath: "MUJOCO_LOG.TXT"))
  }

  @Test("six hundred damaged copies of a model are loaded or refused, never more than that")
  func damaged() throws {
    let scratch = try Scratch()
    let good = Array(try PhysicsModel.named("so101").sourceText.utf8)
    var random = RandomStream(seed: 11, name: "test.damage")
    func below(_ limit: Int) -> Int { Int(random.uniform() * Double(limit)) }
    var loaded = 0
    var refused = 0
    for _ in 0..<600 {
      var bytes = good
      for _ in 0...below(4) {
        let place = below(bytes.count)
        switch below(3) {
        case 0: bytes[place] = UInt8(32 + below(95))
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + below(200)))
        default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + below(60))], at: below(bytes.count))
        }
      }
      let path = try scratch.file("damaged.xml", String(decoding: bytes, as: UTF8.self))
      do throws(SimulationError) {
        let model = try PhysicsModel.load(path: path)
        loaded += 1
        #expect(model.mass.isFinite)
      } catch {
        refused += 1
        #expect(!"\(error)".contains("\n") && "\(error)".contains("damaged.xml"), "\(error)")
      }
    }
    #expect(loaded > 20 && refused > 200)
  }

  @Test("missing files, folders, huge files and wrong names are refused")
  func refusesUnreadable() throws {
    let scratch = try Scratch()
    let missing = try #require(throws: SimulationError.self) { try PhysicsModel.load(path: "/nowhere/arm.xml") }
    #expect(missing.code == .unreadableFile && "\(missing)".contains("/nowhere/arm.xml: no such file"))
    let empty = try #require(throws: SimulationError.self) { try PhysicsModel.load(path: "") }
    #expect(empty.code == .unreadableFile)
    let folder = try #require(throws: SimulationError.self) { try PhysicsModel.load(path: scratch.folder.path) }
    #expect("\(folder)".contains("is a folder"))
    let huge = scratch.folder.appendingPathComponent("huge.xml")
    #expect(FileManager.default.createFile(atPath: huge.path, contents: nil))
    let handle = try FileHandle(forWritingTo: huge)
    try handle.truncate(atOffset: 3 << 30)
    try handle.close()
    let large = try #require(throws: SimulationError.self) { try PhysicsModel.load(path: huge.path) }
    #expect("\(large)".contains("larger than 32 MiB"))
    let binary = scratch.folder.appendingPathComponent("binary.xml")
    try Data([0xff, 0xfe, 0x12, 0x80]).write(to: binary)
    #expect(throws: SimulationError.self) { try PhysicsModel.load(path: binary.path) }
    let name = try #require(throws: SimulationError.self) { try PhysicsModel.named("so100") }
    #expect("\(name)".contains("did you mean 'so101'"))
  }

  @Test("a library of another version is refused, naming both and the cure")
  func versions() throws {
    try PhysicsModel.checkLibraryVersion()
    #expect(PhysicsModel.libraryVersion.split(separator: ".").count == 3)
  }

  @Test("the shipped Reacher has the published masses and ranges")
  func reacher() throws {
    let model = try PhysicsModel.named("reacher")
    #expect(model.name == "reacher" && model.timestep == 0.01)
    #expect(model.joints.map(\.name) == ["joint1", "joint2", "target_x", "target_y"])
    #expect(model.drivenJoints == ["joint1", "joint2"])
    #expect(model.joints[0].range == nil && model.joints[1].range == -3...3)
    for (body, mass) in [
      ("link1", 0.0356047167), ("link2", 0.0356047167), ("fingertip", 0.0041887902), ("target", 0.0030536281),
    ] {
      #expect((try #require(model.mass(ofBody: body)) - mass).magnitude < 1e-10)
    }
    #expect(model.actuators.allSatisfy { $0.kind == .torqueMotor(gain: 200) && $0.controlRange == -1...1 })
    #expect(model.sha256.count == 64 && model.sourceText.contains("<mujoco"))
  }

  @Test("the shipped SO-101 has the published masses and ranges")
  func so101() throws {
    let model = try PhysicsModel.named("so101")
    let names = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper"]
    #expect(model.joints.map(\.name) == names && model.drivenJoints == names)
    let ranges = [
      -1.91986...1.91986, -1.74533...1.74533, -1.69...1.69, -1.65806...1.65806, -2.74385...2.74385, -0.174533...1.74533,
    ]
    #expect(model.joints.map(\.range) == ranges)
    for (body, mass) in [
      ("base", 0.147), ("shoulder", 0.100006), ("upper_arm", 0.103), ("lower_arm", 0.104), ("wrist", 0.079),
      ("gripper", 0.087), ("camera_mount", 0.012), ("moving_jaw", 0.012),
    ] {
      #expect(model.mass(ofBody: body) == mass)
    }
    #expect((model.mass - 0.644006).magnitude < 1e-9)
    #expect(model.sites.contains("gripper_frame") && model.bodies.contains("target"))
  }

  @Test("an MJCF file finds its includes and meshes beside it")
  func includes() throws {
    let scratch = try Scratch()
    _ = try scratch.file(
      "parts/arm.xml",
      "<mujoco><worldbody><body name='b'><joint name='j'/><geom size='.1'/></body></worldbody></mujoco>")
    let path = try scratch.file("scene.xml", "<mujoco><include file='parts/arm.xml'/></mujoco>")
    let model = try PhysicsModel.load(path: path)
    #expect(model.joints.map(\.name) == ["j"] && model.drivenJoints.isEmpty)
  }
}

@Suite("Loading URDF")
struct UniversalRobotDescriptionTests {
  static func robot(mesh: String, extra: String = "") -> String {
    """
    <?xml version="1.0"?>
    <!-- package://in/a.comment <visual> -->
    <robot name="two">
      <link name="base"><collision><geometry><box size="0.1 0.1 0.1"/></geometry></collision></link>
      <link name="arm">
        <inertial><origin xyz="0.1 0 0"/><mass value="0.5"/>
          <inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial>
        <visual><geometry><mesh filename="package://nowhere/pretty.dae"/></geometry></visual>
        \(mesh)
      </link>
      <link name="tool"/>
      <joint name="turn" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>
        <limit lower="-1" upper="1.5" effort="5" velocity="3"/></joint>
      <joint name="fix" type="fixed"><parent link="arm"/><child link="tool"/><origin xyz="0.2 0 0"/></joint>
      \(extra)
    </robot>
    """
  }

  /// A tetrahedron as binary STL.
  static var mesh: Data {
    let corners: [[Float]] = [[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]]
    let faces = [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]
    var data = Data(count: 80)
    withUnsafeBytes(of: UInt32(faces.count)) { data.append(contentsOf: $0) }
    for face in faces {
      for number in [Float](repeating: 0, count: 3) + face.flatMap({ corners[$0] }) {
        withUnsafeBytes(of: number) { data.append(contentsOf: $0) }
      }
      data.append(contentsOf: [0, 0])
    }
    return data
  }

  @Test("joints get motors, names of fixed links survive, visuals may be missing, and the notes say so")
  func imports() throws {
    let scratch = try Scratch()
    let path = try scratch.file("two.urdf", Self.robot(mesh: ""))
    let servo = try ServoProfile.named("sts3215-7v4")
    let model = try PhysicsModel.load(path: path, servo: servo)
    #expect(model.drivenJoints == ["turn"] && model.joints[0].range == -1...1.5)
    #expect(model.bodies.contains("tool"))
    #expect(model.actuators.map(\.kind) == [.torqueMotor(gain: 1)])
    #expect(model.notes.contains { $0.contains("left out 1 visual shapes") })
    #expect(model.notes.contains { $0.contains("added 1 torque motors") && $0.contains("sts3215-7v4") })
    #expect(model.notes.contains { $0.contains("velocity limits") })
    var arm = try SimulatedArm(model: model, joints: ["turn"], controlPeriod: 0.01, servos: .all(servo))
    var twin = try arm.makeTwin(points: [("tool", .body)], source: .measured)
    let trace = try arm.run(goal: [0.5], seconds: 2)
    #expect((trace.last - 0.5).magnitude < 0.05)
    var state = JointState(count: 1)
    var points = PointSet(count: 1)
    try arm.read(into: &state, now: 0)
    twin.update(state, into: &points)
    // Turning about +y takes the tool from +x downwards.
    #expect((points[0].x - 0.2 * cos(trace.last)).magnitude < 1e-3)
    #expect((points[0].z + 0.2 * sin(trace.last)).magnitude < 1e-3)
  }

  @Test("package:// is found beside the file, in a search directory, and by name above the file")
  func packages() throws {
    let scratch = try Scratch()
    let collision = "<collision><geometry><mesh filename=\"package://my_arm/meshes/part.stl\"/></geometry></collision>"
    let inside = try scratch.file("my_arm/urdf/two.urdf", Self.robot(mesh: collision))
    let outside = try scratch.file("elsewhere/two.urdf", Self.robot(mesh: collision))
    let folder = scratch.folder.appendingPathComponent("my_arm/meshes")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Self.mesh.write(to: folder.appendingPathComponent("part.stl"))
    let beside = try PhysicsModel.load(path: inside)
    #expect(beside.notes.contains { $0.contains("resolved 1 package://") })
    let above = try PhysicsModel.load(path: outside)
    #expect(above.drivenJoints == ["turn"])
    let far = try Scratch()
    let alone = try far.file("two.urdf", Self.robot(mesh: collision))
    #expect(throws: SimulationError.self) { try PhysicsModel.load(path: alone) }
    for directory in [scratch.folder.path, scratch.folder.path + "/my_arm"] {
      let found = try PhysicsModel.load(path: alone, searchDirectories: [directory])
      #expect(found.drivenJoints == ["turn"])
    }
  }

  @Test("neighbouring links may overlap at their joint, also at the fixed base")
  func neighbours() throws {
    let scratch = try Scratch()
    // A box on the arm that reaches through the base's box: they would push each other apart.
    let inside = "<collision><geometry><box size=\"0.3 0.05 0.05\"/></geometry></collision>"
    let path = try scratch.file("two.urdf", Self.robot(mesh: inside))
    let servo = try ServoProfile.named("sts3215-7v4")
    let model = try PhysicsModel.load(path: path, servo: servo)
    #expect(model.notes.contains { $0.contains("1 pairs of links") })
    var arm = try SimulatedArm(model: model, joints: ["turn"], controlPeriod: 0.01, servos: .all(servo))
    let trace = try arm.run(goal: [0.5], seconds: 2)
    #expect((trace.last - 0.5).magnitude < 0.05)
  }

  @Test("a mimic joint follows and gets no motor")
  func mimic() throws {
    let scratch = try Scratch()
    let follower = """
      <link name="finger"><inertial><mass value="0.1"/>
        <inertia ixx="0.001" iyy="0.001" izz="0.001" ixy="0" ixz="0" iyz="0"/></inertial></link>
      <joint name="follow" type="revolute"><parent link="tool"/><child link="finger"/><axis xyz="0 1 0"/>
        <limit lower="-2" upper="2" effort="5" velocity="3"/><mimic joint="turn" multiplier="1"/></joint>
      """
    let model = try PhysicsModel.load(path: try scratch.file("two.urdf", Self.robot(mesh: "", extra: follower)))
    #expect(model.drivenJoints == ["turn"])
    #expect(model.notes.contains { $0.contains("1 mimic joints") })
  }
}
