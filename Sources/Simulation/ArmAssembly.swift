import ArmModel
import CMuJoCo

/// Set-up of a simulated arm: which joints, what drives each, and the model as the servos make it, ready to be perturbed.
final class ArmAssembly {
  let source: PhysicsModel
  let joints: [PhysicsModel.Joint]
  let mode: CommandMode
  private(set) var recipes: [DriveRecipe] = []
  /// The model's own numbers; nil when the shared model is simulated as it is.
  private(set) var baseline: ModelBaseline?
  /// The model to simulate: the shared one, or `copy` where something has to be edited.
  private(set) var model: UnsafeMutablePointer<mjModel>
  /// Owned by the assembly until `takeCopy`.
  private var copy: UnsafeMutablePointer<mjModel>?

  init(
    model source: PhysicsModel, joints names: [String], servos: ServoAssignment, perturbations: Perturbations
  ) throws(SimulationError) {
    self.source = source
    model = source.pointer
    joints = try JointSelection.joints(names, of: source)
    let actuators = try JointSelection.actuators(for: joints, of: source)
    let profiles = try servos.profiles(for: names)
    mode = try JointSelection.mode(joints, actuators, servos: profiles != nil, of: source)
    let corners = perturbations.bounds.corners
    for values in corners { try checkApplicable(values, actuators, servos: profiles != nil) }
    try copyModel(actuators, profiles, perturbations)
    for index in joints.indices { recipes.append(recipe(joints[index], actuators[index], profiles?[index])) }
    for values in corners {
      try put(values)
      guard profiles != nil else { continue }
      for index in joints.indices where recipes[index].isServo {
        try checkStability(joints[index], recipes[index].servo(values))
      }
    }
  }

  deinit { if let copy { sinew_mujoco_delete_model(copy) } }

  /// The edited copy, now the caller's to delete; nil when the shared model is simulated as it is.
  func takeCopy() -> UnsafeMutablePointer<mjModel>? {
    let taken = copy
    copy = nil
    return taken
  }

  /// Puts values into the copy, if there is one.
  func put(_ values: PerturbationValues) throws(SimulationError) {
    guard let copy, let baseline else { return }
    guard let data = sinew_mujoco_make_data(copy) else { throw noMemory }
    defer { sinew_mujoco_delete_data(data) }
    let status = baseline.apply(values, to: copy, data: data)
    guard status == Int32(SINEW_MUJOCO_OK) else {
      throw SimulationError(.engine, file: source.path, EngineStatus.explain(Int(status)))
    }
  }

  private var noMemory: SimulationError {
    SimulationError(.engine, file: source.path, "no memory for a copy of the model")
  }

  // MARK: Drives

  private func recipe(
    _ joint: PhysicsModel.Joint, _ actuator: PhysicsModel.Actuator, _ profile: ServoProfile?
  ) -> DriveRecipe {
    let m = model.pointee
    let dof = Int(m.jnt_dofadr[joint.index])
    var recipe = DriveRecipe()
    recipe.kind = .servo
    recipe.position = Int(m.jnt_qposadr[joint.index])
    recipe.velocity = dof
    recipe.control = actuator.controlIndex
    recipe.armature = m.dof_armature[dof]
    if let profile { recipe.parameters = profile.parameters }
    switch actuator.kind {
    case .torqueMotor(let gain):
      recipe.scale = gain
      guard profile == nil else { break }
      recipe.kind = .motor
      if let range = actuator.controlRange {
        recipe.motorRange = max(range.lowerBound.magnitude, range.upperBound.magnitude) * gain.magnitude
      }
    case .position(let gear):
      recipe.kind = .actuator
      recipe.scale = gear
    case .other: break
    }
    return recipe
  }

  /// The servo acts once per physics step; against too little inertia that is an oscillator, not a servo.
  private func checkStability(
    _ joint: PhysicsModel.Joint, _ servo: ServoParameters
  ) throws(SimulationError) {
    let inertia = model.pointee.dof_M0[Int(model.pointee.jnt_dofadr[joint.index])]
    let step = source.timestep
    let ratio = max(servo.electricDamping * step, servo.stiffness * step * step) / inertia
    guard ratio < 0.5 else {
      throw SimulationError(
        .servo, file: source.path,
        "joint '\(joint.name)' has an inertia of \(inertia) kg·m², too little for its servo at a physics step of \(step) s; "
          + "give the servo profile an armature, or the model a smaller time step")
    }
  }

  // MARK: Model edits

  /// Makes a copy of the model where servos or perturbations edit it, and puts the servos in; else the shared one stays.
  private func copyModel(
    _ actuators: [PhysicsModel.Actuator], _ profiles: [ServoProfile]?, _ perturbations: Perturbations
  ) throws(SimulationError) {
    let scalesActuators = mode == .position && profiles == nil
    let editing: [Perturbations.Name] =
      scalesActuators ? [.payload, .friction, .gain, .torqueLimit] : [.payload, .friction]
    guard profiles != nil || editing.contains(where: { perturbations.isSet($0) }) else { return }
    guard let copy = sinew_mujoco_copy_model(source.pointer) else { throw noMemory }
    self.copy = copy
    model = copy
    for index in joints.indices {
      guard let servo = profiles?[index].parameters else { continue }
      let dof = Int(copy.pointee.jnt_dofadr[joints[index].index])
      if let armature = servo.armature { copy.pointee.dof_armature[dof] = armature }
      if let friction = servo.friction { copy.pointee.dof_frictionloss[dof] = friction }
      if let viscous = servo.viscous { copy.pointee.dof_damping[dof] = viscous }
      // The servo limits itself; the motor's range in the file is that of whatever servo its author had in mind.
      copy.pointee.actuator_ctrllimited[actuators[index].controlIndex] = false
    }
    let carrier =
      perturbations.isSet(.payload)
      ? try Payload.place(perturbations.payloadBody, joints: joints, in: source) : nil
    baseline = ModelBaseline(
      copy, joints: joints, actuators: actuators, carrier: carrier, scalesActuators: scalesActuators)
  }

  /// Perturbations that this arm's drives cannot express are refused, never ignored.
  private func checkApplicable(
    _ perturbations: PerturbationValues, _ actuators: [PhysicsModel.Actuator], servos: Bool
  ) throws(SimulationError) {
    if perturbations.isSet(.voltage) && !servos {
      throw SimulationError(
        .perturbation, "voltage: this arm has no servos, only the model's own actuators; give a servo profile")
    }
    if perturbations.isSet(.torqueLimit) && mode == .effort {
      for actuator in actuators where actuator.controlRange == nil {
        throw SimulationError(
          .perturbation, "torque_limit: the model's motor '\(actuator.name)' has no control range to scale")
      }
    }
    guard mode == .position && !servos else { return }
    if perturbations.isSet(.backlash) {
      throw SimulationError(
        .perturbation,
        "backlash: not possible with the model's own position actuators, only with servos or torque motors")
    }
    if perturbations.isSet(.torqueLimit) {
      for actuator in actuators where !source.pointer.pointee.actuator_forcelimited[actuator.index] {
        throw SimulationError(
          .perturbation, "torque_limit: the model's actuator '\(actuator.name)' has no force range to scale")
      }
    }
  }
}

/// Where a payload goes.
enum Payload {
  /// The body and the point in its frame: the tool site where there is one, else the body's centre of mass.
  static func place(
    _ name: String?, joints: [PhysicsModel.Joint], in model: PhysicsModel
  ) throws(SimulationError) -> (body: Int, point: [Double]) {
    let m = model.pointer.pointee
    let tool = model.sites.firstIndex(of: "gripper_frame")
    let body: Int
    if let name {
      guard let found = model.bodies.firstIndex(of: name) else {
        throw SimulationError(
          .perturbation, file: model.path,
          "payload: no body named '\(name)'" + Naming.suggestion(name, in: model.bodies)
            + "; there are: \(Naming.list(model.bodies))")
      }
      body = found
    } else if let tool {
      body = Int(m.site_bodyid[tool])
    } else {
      // The last joint's body is the arm's end.
      body = Int(m.jnt_bodyid[joints[joints.count - 1].index])
    }
    guard body > 0, m.body_dofnum[body] > 0 || m.body_weldid[body] != 0, m.body_mocapid[body] < 0 else {
      throw SimulationError(
        .perturbation, file: model.path, "payload: body '\(model.bodies[body])' does not move with the arm")
    }
    guard m.body_simple[body] == 0 else {
      throw SimulationError(
        .perturbation, file: model.path, "payload: body '\(model.bodies[body])' moves on its own, apart from the arm")
    }
    if let tool, Int(m.site_bodyid[tool]) == body { return (body, (0..<3).map { m.site_pos[3 * tool + $0] }) }
    return (body, (0..<3).map { m.body_ipos[3 * body + $0] })
  }
}
