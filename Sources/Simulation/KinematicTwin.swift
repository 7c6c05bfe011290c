import ArmModel
import CMuJoCo
import Numerics

/// Where an arm's named points are.
///
/// `.measured` evaluates the model's kinematics on measured joint positions, with data of its own: it serves simulation
/// and hardware alike. `.lastPhysicsStep` reads what the last physics step of a `SimulatedArm` left behind (MuJoCo
/// evaluates positions at the start of a step, so these are one physics step old): exact parity with environments that
/// observe so, such as Gymnasium's. It holds pointers into that arm and must not outlive it.
///
/// Before the first `update` it knows nothing; every update fills the whole set.
public struct KinematicTwin: ~Copyable {
  /// Where the points come from.
  public enum Source: String, CaseIterable, Sendable {
    case measured
    case lastPhysicsStep
  }
  /// What a point's name means in the model.
  public enum PointKind: String, CaseIterable, Sendable {
    case site
    case body
  }

  /// Number of points.
  public let pointCount: Int
  /// Number of joints that `update` expects.
  public let jointCount: Int

  private let model: Unmanaged<PhysicsModel>
  private let compiled: UnsafeMutablePointer<mjModel>
  /// Own data in `.measured`, nil in `.lastPhysicsStep`.
  private let data: UnsafeMutablePointer<mjData>?
  private let points: UnsafeMutablePointer<UnsafeMutablePointer<Double>>
  private let joints: UnsafeMutablePointer<Int>
  private var variables: VariableTable

  init(
    model source: PhysicsModel, joints selection: [PhysicsModel.Joint], points named: [(name: String, kind: PointKind)],
    variables bindings: [VariableBinding], borrowing arm: UnsafeMutablePointer<mjData>?
  ) throws(SimulationError) {
    guard named.count <= PointSet.capacity else {
      throw SimulationError(.unknownName, "\(named.count) points; a task names at most \(PointSet.capacity)")
    }
    var indices: [Int] = []
    for point in named { indices.append(try KinematicTwin.index(point, in: source)) }
    var table = VariableTable()
    for binding in bindings { _ = try table.bind(binding, in: source) }
    let own = arm == nil ? sinew_mujoco_make_data(source.pointer) : nil
    guard let used = arm ?? own, let bodies = used.pointee.xpos else {
      throw SimulationError(.engine, file: source.path, "no memory for a kinematic twin")
    }
    pointCount = named.count
    jointCount = selection.count
    model = Unmanaged.passRetained(source)
    compiled = source.pointer
    data = own
    points = .allocate(capacity: max(1, named.count))
    for (place, index) in indices.enumerated() {
      let base: UnsafeMutablePointer<Double> = named[place].kind == .body ? bodies : used.pointee.site_xpos
      (points + place).initialize(to: base + 3 * index)
    }
    joints = .allocate(capacity: max(1, selection.count))
    for (place, joint) in selection.enumerated() {
      (joints + place).initialize(to: Int(source.pointer.pointee.jnt_qposadr[joint.index]))
    }
    variables = table
  }

  deinit {
    if let data { sinew_mujoco_delete_data(data) }
    points.deallocate()
    joints.deallocate()
    model.release()
  }

  /// Fills `set` with the points' positions, metres, base frame, in the order given at set-up. `.measured`: for the joint
  /// positions in `state`. `.lastPhysicsStep`: as the physics left them; `state` is not looked at.
  @_noLocks
  public mutating func update(_ state: JointState, into set: inout PointSet) {
    precondition(set.count == pointCount, "the point set has another number of points than the twin")
    if let data {
      precondition(state.count == jointCount, "the state has another number of joints than the twin")
      for joint in 0..<jointCount { data.pointee.qpos[joints[joint]] = state.position[joint] }
      variables.apply(to: data)
      // Fails only on an internal error of the engine; the points then stay as they were.
      _ = sinew_mujoco_kinematics(compiled, data)
    }
    for index in 0..<pointCount {
      let point = points[index]
      set[index] = Vector3(point[0], point[1], point[2])
    }
  }

  /// Tells a `.measured` twin a variable's value (metres), by the index it was bound under. In `.lastPhysicsStep` the
  /// arm's own variable counts.
  @_noLocks
  public mutating func setVariable(_ index: Int, _ value: Vector3) { variables.set(index, value) }

  private static func index(
    _ point: (name: String, kind: PointKind), in model: PhysicsModel
  ) throws(SimulationError) -> Int {
    let names = point.kind == .site ? model.sites : model.bodies
    guard let index = names.firstIndex(of: point.name) else {
      let other = point.kind == .site ? model.bodies : model.sites
      let hint =
        other.contains(point.name)
        ? "; there is a \(point.kind == .site ? "body" : "site") of that name"
        : Naming.suggestion(point.name, in: names)
      throw SimulationError(
        .unknownName, file: model.path,
        "no \(point.kind.rawValue) named '\(point.name)'\(hint); there are: \(Naming.list(names))")
    }
    return index
  }
}

extension PhysicsModel {
  /// A twin that evaluates this model on measured joint positions.
  public func makeTwin(
    joints: [String], points: [(name: String, kind: KinematicTwin.PointKind)], variables: [VariableBinding] = []
  ) throws(SimulationError) -> KinematicTwin {
    try KinematicTwin(
      model: self, joints: try JointSelection.joints(joints, of: self), points: points, variables: variables,
      borrowing: nil)
  }
}
