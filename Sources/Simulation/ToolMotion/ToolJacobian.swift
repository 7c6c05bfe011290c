import ArmModel
import CMuJoCo
import Numerics

/// Where a tool is and how it moves with the joints: a site of the model, evaluated on given joint positions.
struct ToolJacobian: ~Copyable {
  let columns: Int
  /// 3 × n: metres per rad of each joint (m/m for a slide), base frame, row by row.
  let linear: UnsafeMutablePointer<Double>
  /// 3 × n: rad per rad of each joint, base frame.
  let angular: UnsafeMutablePointer<Double>
  /// The tool's axes in the base frame, row by row as MuJoCo has them: column k is axis k.
  let rotation: UnsafeMutablePointer<Double>
  private(set) var position = Vector3.zero

  private let model: Unmanaged<PhysicsModel>
  private let compiled: UnsafeMutablePointer<mjModel>
  private let data: UnsafeMutablePointer<mjData>
  private let site: Int
  private let joints: UnsafeMutablePointer<Column>

  private struct Column {
    var joint: Int
    var address: Int
    var isSlide: Bool
    /// Whether the tool hangs on this joint at all.
    var movesTool: Bool
  }

  init(model source: PhysicsModel, joints names: [String], tool: String) throws(SimulationError) {
    let selection = try JointSelection.joints(names, of: source)
    guard let site = source.sites.firstIndex(of: tool) else {
      throw SimulationError(
        .unknownName, file: source.path,
        "no site named '\(tool)'\(Naming.suggestion(tool, in: source.sites)); there are: \(Naming.list(source.sites))")
    }
    guard let data = sinew_mujoco_make_data(source.pointer) else {
      throw SimulationError(.engine, file: source.path, "no memory for the tool's kinematics")
    }
    let compiled = source.pointer
    var ancestors: Set<Int32> = []
    var body = compiled.pointee.site_bodyid[site]
    while body != 0 {
      ancestors.insert(body)
      body = compiled.pointee.body_parentid[Int(body)]
    }
    model = Unmanaged.passRetained(source)
    self.compiled = compiled
    self.data = data
    self.site = site
    columns = selection.count
    joints = .allocate(capacity: columns)
    for (place, joint) in selection.enumerated() {
      (joints + place).initialize(
        to: Column(
          joint: joint.index, address: Int(compiled.pointee.jnt_qposadr[joint.index]), isSlide: joint.kind == .slide,
          movesTool: ancestors.contains(compiled.pointee.jnt_bodyid[joint.index])))
    }
    linear = .allocate(capacity: 3 * columns)
    angular = .allocate(capacity: 3 * columns)
    linear.initialize(repeating: 0, count: 3 * columns)
    angular.initialize(repeating: 0, count: 3 * columns)
    rotation = .allocate(capacity: 9)
    rotation.initialize(repeating: 0, count: 9)
  }

  deinit {
    sinew_mujoco_delete_data(data)
    joints.deallocate()
    linear.deallocate()
    angular.deallocate()
    rotation.deallocate()
    model.release()
  }

  /// Evaluates everything at joint positions `q`.
  @_noLocks
  mutating func evaluate(_ q: JointVector) {
    precondition(q.count == columns, "the position has another number of joints than the tool's arm")
    for column in 0..<columns { data.pointee.qpos[joints[column].address] = q[column] }
    // Fails only on an internal error of the engine; everything then stays as it was.
    _ = sinew_mujoco_kinematics(compiled, data)
    let point = data.pointee.site_xpos + 3 * site
    position = Vector3(point[0], point[1], point[2])
    let axes = data.pointee.site_xmat + 9 * site
    for index in 0..<9 { rotation[index] = axes[index] }
    for column in 0..<columns {
      let entry = joints[column]
      let a = data.pointee.xaxis + 3 * entry.joint
      let anchor = data.pointee.xanchor + 3 * entry.joint
      let rx = point[0] - anchor[0]
      let ry = point[1] - anchor[1]
      let rz = point[2] - anchor[2]
      let turns = entry.movesTool && !entry.isSlide
      let slides = entry.movesTool && entry.isSlide
      // A hinge moves the tool along axis × arm and turns it about the axis; a slide moves it along the axis.
      linear[column] = turns ? a[1] * rz - a[2] * ry : (slides ? a[0] : 0)
      linear[columns &+ column] = turns ? a[2] * rx - a[0] * rz : (slides ? a[1] : 0)
      linear[2 &* columns &+ column] = turns ? a[0] * ry - a[1] * rx : (slides ? a[2] : 0)
      for axis in 0..<3 { angular[axis &* columns &+ column] = turns ? a[axis] : 0 }
    }
  }
}
