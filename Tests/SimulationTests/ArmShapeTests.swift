import ArmModel
import CMuJoCo
import Foundation
import Numerics
import Testing

@testable import Simulation

/// Capsules that stand for a model's shapes: nothing sticks out of them, and they are where the model is.
@Suite("The arm's shape in capsules")
struct ArmShapeTests {
  static let joints = ["shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper"]

  /// Where the capsules' ends are at joint positions: the links' frames, one after the other.
  private static func place(_ shape: ArmShape, _ angles: [Double]) -> [(from: Vector3, to: Vector3)] {
    var frames: [(Vector3, Quaternion)] = []
    for link in shape.links {
      var (origin, turn) = (link.position, link.orientation)
      if link.parent >= 0 {
        let parent = frames[link.parent]
        (origin, turn) = (parent.0 + parent.1.rotate(origin), parent.1 * turn)
      }
      if link.joint >= 0 {
        let anchor = origin + turn.rotate(link.anchor)
        turn = turn * Quaternion(axis: link.axis, angle: angles[link.joint])
        origin = anchor - turn.rotate(link.anchor)
      }
      frames.append((origin, turn))
    }
    return shape.capsules.map { capsule in
      let (origin, turn) = frames[capsule.link]
      return (origin + turn.rotate(capsule.from), origin + turn.rotate(capsule.to))
    }
  }

  /// From a point to a segment.
  private static func distance(_ point: Vector3, _ ends: (from: Vector3, to: Vector3)) -> Double {
    let way = ends.to - ends.from
    let square = way.x * way.x + way.y * way.y + way.z * way.z
    let between = point - ends.from
    let part = square > 0 ? (between.x * way.x + between.y * way.y + between.z * way.z) / square : 0
    return (between - way * min(1, max(0, part))).norm
  }

  /// Points on a geom's surface, in its own frame: corners of a box, rims of a cylinder, poles and rims of a capsule.
  private static func surface(_ m: mjModel, _ geom: Int) -> [Vector3] {
    let size = Vector3(m.geom_size, geom)
    let signs = [-1.0, 1.0]
    if mjtGeom(UInt32(m.geom_type[geom])) == mjGEOM_BOX {
      return signs.flatMap { x in
        signs.flatMap { y in signs.map { z in Vector3(x * size.x, y * size.y, z * size.z) } }
      }
    }
    let rims = (0..<16).flatMap { step in
      let angle = Double(step) * .pi / 8
      return signs.map { Vector3(size.x * cos(angle), size.x * sin(angle), $0 * size.y) }
    }
    let isCapsule = mjtGeom(UInt32(m.geom_type[geom])) == mjGEOM_CAPSULE
    return rims + (isCapsule ? signs.map { Vector3(0, 0, $0 * (size.y + size.x)) } : [])
  }

  @Test("no geom of the SO-101 sticks out of its capsule in any pose, and no capsule out of its geom by more than 3 cm")
  func so101() throws {
    let model = try PhysicsModel.named("so101")
    let shape = try model.armShape(joints: Self.joints)
    let m = model.pointer.pointee
    let data = try #require(sinew_mujoco_make_data(model.pointer))
    defer { sinew_mujoco_delete_data(data) }
    // The arm's geoms in the order of the bodies, as the capsules are.
    let root = try #require(model.bodies.firstIndex(of: "base"))
    let geoms = (0..<Int(m.ngeom)).filter { m.body_rootid[Int(m.geom_bodyid[$0])] == Int32(root) }
    #expect(geoms.count == shape.capsules.count && geoms.count == 12)
    var random = RandomStream(seed: 1, name: "poses")
    for trial in 0..<200 {
      let angles = model.joints.prefix(6).map { joint -> Double in
        guard trial > 0, let range = joint.range else { return 0 }
        return range.lowerBound + random.uniform() * (range.upperBound - range.lowerBound)
      }
      for (joint, angle) in zip(model.joints, angles) { data.pointee.qpos[Int(m.jnt_qposadr[joint.index])] = angle }
      _ = sinew_mujoco_kinematics(model.pointer, data)
      let ends = Self.place(shape, angles)
      for (number, geom) in geoms.enumerated() {
        let origin = Vector3(data.pointee.geom_xpos, geom)
        for point in Self.surface(m, geom) {
          let turned = Self.rotated(point, data.pointee.geom_xmat + 9 * geom)
          let outside = Self.distance(origin + turned, ends[number]) - shape.capsules[number].radius
          #expect(outside < 1e-9, "\(shape.capsules[number].body): \(outside) m out of its capsule")
        }
      }
    }
    #expect(shape.capsules.allSatisfy { $0.overhang < 0.03 })
    #expect(shape.links.map(\.joint) == [-1, 0, 1, 2, 3, 4, 5])
    #expect(shape.floor == 0)
  }

  private static func rotated(_ v: Vector3, _ matrix: UnsafeMutablePointer<Double>) -> Vector3 {
    Vector3(
      matrix[0] * v.x + matrix[1] * v.y + matrix[2] * v.z, matrix[3] * v.x + matrix[4] * v.y + matrix[5] * v.z,
      matrix[6] * v.x + matrix[7] * v.y + matrix[8] * v.z)
  }

  @Test("reference angles, slides, fixed bodies and bodies without a shape are where the model has them")
  func otherModels() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("odd-\(UUID().uuidString).xml")
    defer { try? FileManager.default.removeItem(at: file) }
    try """
    <mujoco model="odd">
      <compiler angle="radian"/>
      <worldbody>
        <body name="stand" pos="0 0 1" quat="0.7071067811865476 0 0 0.7071067811865476">
          <geom type="sphere" size="0.05"/>
          <body name="arm" pos="0.1 0 0">
            <joint name="turn" type="hinge" axis="0 0 1" pos="0.05 0 0" ref="0.5"/>
            <body name="fixed" pos="0 0 0.1"><geom type="ellipsoid" size="0.03 0.02 0.01"/></body>
            <body name="sledge"><joint name="slide" type="slide" axis="1 0 0" ref="0.2"/>
              <geom type="cylinder" size="0.01 0.05"/><geom type="box" size="1 1 1" contype="0" conaffinity="0"/>
            </body>
          </body>
        </body>
      </worldbody>
    </mujoco>
    """.write(to: file, atomically: true, encoding: .utf8)
    let model = try PhysicsModel.load(path: file.path)
    let shape = try model.armShape(joints: ["slide", "turn"])
    #expect(shape.capsules.map(\.body) == ["stand", "fixed", "sledge"] && shape.floor == nil)
    #expect(shape.links.map(\.joint).contains(0) && shape.links.map(\.slides) == [false, false, true])
    let data = try #require(sinew_mujoco_make_data(model.pointer))
    defer { sinew_mujoco_delete_data(data) }
    (data.pointee.qpos[0], data.pointee.qpos[1]) = (1.1, 0.33)
    _ = sinew_mujoco_kinematics(model.pointer, data)
    let turn = shape.links[1]
    // By hand: the stand is turned by 90° and stands at 1 m.
    let stand = Quaternion(axis: Vector3(0, 0, 1), angle: .pi / 2)
    var orientation = turn.orientation
    var origin = turn.position
    let anchor = origin + orientation.rotate(turn.anchor)
    orientation = orientation * Quaternion(axis: turn.axis, angle: 1.1)
    origin = anchor - orientation.rotate(turn.anchor)
    #expect((origin - Vector3(data.pointee.xpos, 2)).norm < 1e-12)
    let slide = shape.links[2]
    let sledge = origin + orientation.rotate(slide.position + slide.axis * 0.33)
    #expect((sledge - Vector3(data.pointee.xpos, 4)).norm < 1e-12)
    #expect((stand.rotate(Vector3(1, 0, 0)) - Vector3(0, 1, 0)).norm < 1e-12)
  }

  @Test("joints that the model does not have are refused")
  func refusals() throws {
    #expect(throws: SimulationError.self) { try PhysicsModel.named("so101").armShape(joints: ["elbow"]) }
  }
}
