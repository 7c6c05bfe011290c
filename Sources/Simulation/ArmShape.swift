import Numerics

/// An arm's shape as a model has it, in capsules (a segment with a radius): what checks of goals against the arm itself,
/// its table and a workspace work on. In the model's world frame, m and rad.
///
/// Each capsule holds its geom whole; `ArmShape.Capsule.overhang` says by how much it is larger. Bodies without a joint
/// belong to the link that carries them.
public struct ArmShape: Sendable, Equatable {
  /// A rigid part behind at most one joint.
  public struct Link: Sendable, Equatable {
    /// The body's name.
    public var name: String
    /// The number of the link that carries it; -1 for the world.
    public var parent: Int
    /// Its frame in its parent's, with its joint at 0.
    public var position: Vector3
    public var orientation: Quaternion
    /// The place of its joint in the arm's joints; -1 for a link that does not move against its parent.
    public var joint: Int
    /// A point of the joint's axis and its direction, in the link's frame.
    public var anchor: Vector3
    public var axis: Vector3
    /// Whether the joint slides along its axis.
    public var slides: Bool
  }

  /// What holds a geom.
  public struct Capsule: Sendable, Equatable {
    /// The link it is on, and the name of the geom's body.
    public var link: Int
    public var body: String
    /// The ends of its segment in the link's frame, and its radius.
    public var from: Vector3
    public var to: Vector3
    public var radius: Double
    /// The most by which it reaches beyond the geom, m.
    public var overhang: Double
  }

  /// Parents before children; the first is what does not move.
  public private(set) var links: [Link] = []
  public private(set) var capsules: [Capsule] = []
  /// The height of the model's floor where it has a level one.
  public private(set) var floor: Double?
}

extension ArmShape {
  /// Reads the shape of an arm from its model: the bodies that hang together with its joints.
  init(_ model: PhysicsModel, joints selection: [PhysicsModel.Joint]) {
    let m = model.pointer.pointee
    let roots = Set(selection.map { Int(m.body_rootid[Int(m.jnt_bodyid[$0.index])]) })
    links = [
      Link(
        name: "base", parent: -1, position: .zero, orientation: .identity, joint: -1, anchor: .zero,
        axis: Vector3(0, 0, 1), slides: false)
    ]
    // For each body: its link, and its frame in the link's.
    var places = [(link: Int, position: Vector3, orientation: Quaternion)](
      repeating: (0, .zero, .identity), count: Int(m.nbody))
    for body in 1..<max(1, Int(m.nbody)) {
      guard roots.contains(Int(m.body_rootid[body])) else { continue }
      let above = places[Int(m.body_parentid[body])]
      let position = above.position + above.orientation.rotate(Vector3(m.body_pos, body))
      let orientation = above.orientation * Quaternion(m.body_quat, body)
      places[body] = (above.link, position, orientation)
      for number in 0..<Int(m.body_jntnum[body]) {
        let joint = Int(m.body_jntadr[body]) + number
        guard let place = selection.firstIndex(where: { $0.index == joint }) else { continue }
        append(model, joint: joint, place: place, body: body, to: &places[body])
      }
      let name = model.bodies[body]
      for geom in 0..<Int(m.body_geomnum[body]) {
        guard let fit = GeomFit(model, Int(m.body_geomadr[body]) + geom) else { continue }
        let place = places[body]
        capsules.append(
          Capsule(
            link: place.link, body: name, from: place.position + place.orientation.rotate(fit.from),
            to: place.position + place.orientation.rotate(fit.to), radius: fit.radius, overhang: fit.overhang))
      }
    }
    floor = Self.floor(model)
  }

  /// A joint makes a new link; the model's reference angle is turned back in its frame.
  private mutating func append(
    _ model: PhysicsModel, joint: Int, place: Int, body: Int,
    to frame: inout (link: Int, position: Vector3, orientation: Quaternion)
  ) {
    let m = model.pointer.pointee
    let anchor = Vector3(m.jnt_pos, joint)
    let axis = Vector3(m.jnt_axis, joint)
    let slides = model.joints[joint].kind == .slide
    let reference = m.qpos0[Int(m.jnt_qposadr[joint])]
    var position = frame.position
    var orientation = frame.orientation
    if slides {
      position = position + orientation.rotate(axis * -reference)
    } else if reference != 0 {
      let turn = Quaternion(axis: axis, angle: -reference)
      position = position + orientation.rotate(anchor - turn.rotate(anchor))
      orientation = orientation * turn
    }
    links.append(
      Link(
        name: model.bodies[body], parent: frame.link, position: position, orientation: orientation, joint: place,
        anchor: anchor, axis: axis, slides: slides))
    frame = (links.count - 1, .zero, .identity)
  }

  /// The highest level plane of the world that things collide with.
  private static func floor(_ model: PhysicsModel) -> Double? {
    let m = model.pointer.pointee
    var highest: Double?
    for geom in 0..<Int(m.body_geomnum[0]) {
      let index = Int(m.body_geomadr[0]) + geom
      guard m.geom_type[index] == 0, m.geom_contype[index] | m.geom_conaffinity[index] != 0 else { continue }
      let up = Quaternion(m.geom_quat, index).rotate(Vector3(0, 0, 1))
      if up.z > 0.999 { highest = max(highest ?? -.infinity, m.geom_pos[3 * index + 2]) }
    }
    return highest
  }
}

extension PhysicsModel {
  /// The shape of the arm that these joints make, as far as the model has shapes that collide.
  public func armShape(joints: [String]) throws(SimulationError) -> ArmShape {
    ArmShape(self, joints: try JointSelection.joints(joints, of: self, driven: false))
  }
}

extension Quaternion {
  /// Row `index` of a table of four columns, w first.
  init(_ table: UnsafeMutablePointer<Double>, _ index: Int) {
    self.init(table[4 * index], table[4 * index + 1], table[4 * index + 2], table[4 * index + 3])
  }
}
