import CMuJoCo

/// What belongs to a simulated arm but not to the control thread.
final class ArmMetadata {
  let model: PhysicsModel
  let joints: [PhysicsModel.Joint]
  let perturbations: Perturbations
  /// In the order of binding.
  var bindings: [VariableBinding] = []

  init(model: PhysicsModel, joints: [PhysicsModel.Joint], perturbations: Perturbations) {
    self.model = model
    self.joints = joints
    self.perturbations = perturbations
  }
}

/// Fresh engine data and the arrays of it that are used every tick; their places never change. The taker deletes it.
struct EngineData {
  let data: UnsafeMutablePointer<mjData>
  let positions: UnsafeMutablePointer<Double>
  let velocities: UnsafeMutablePointer<Double>
  let controls: UnsafeMutablePointer<Double>
  let actuatorForces: UnsafeMutablePointer<Double>

  init(_ model: UnsafeMutablePointer<mjModel>, path: String) throws(SimulationError) {
    guard let data = sinew_mujoco_make_data(model), let positions = data.pointee.qpos,
      let velocities = data.pointee.qvel, let controls = data.pointee.ctrl, let forces = data.pointee.qfrc_actuator
    else { throw SimulationError(.engine, file: path, "no memory for a simulation") }
    self.data = data
    self.positions = positions
    self.velocities = velocities
    self.controls = controls
    actuatorForces = forces
  }
}

extension SimulatedArm {
  /// The model as loaded (a perturbed arm simulates its own edited copy).
  public var physicsModel: PhysicsModel { metadata.takeUnretainedValue().model }
  /// The arm's joints with their kinds and ranges, in its order.
  public var joints: [PhysicsModel.Joint] { metadata.takeUnretainedValue().joints }
  /// What was perturbed.
  public var perturbations: Perturbations { metadata.takeUnretainedValue().perturbations }

  /// Binds a task's next variable; its index is its place in the order of binding, from 0. Until it is set the model's
  /// reference counts. For set-up, before twins are made.
  @discardableResult
  public mutating func bindVariable(_ binding: VariableBinding) throws(SimulationError) -> Int {
    let index = try variables.bind(binding, in: physicsModel)
    metadata.takeUnretainedValue().bindings.append(binding)
    return index
  }

  /// A twin for this arm's joints and bound variables. One from `.lastPhysicsStep` must not outlive the arm.
  public func makeTwin(
    points: [(name: String, kind: KinematicTwin.PointKind)], source: KinematicTwin.Source
  ) throws(SimulationError) -> KinematicTwin {
    let metadata = metadata.takeUnretainedValue()
    return try KinematicTwin(
      model: metadata.model, joints: metadata.joints, points: points, variables: metadata.bindings,
      borrowing: source == .lastPhysicsStep ? data : nil)
  }
}
