import ArmModel
import CMuJoCo

/// Set-up of a simulated arm: which joints, what drives each, and the model as the servos and perturbations make it.
final class ArmAssembly {
  let source: PhysicsModel
  let joints: [PhysicsModel.Joint]
  let mode: CommandMode
  private(set) var drives: [JointDrive] = []
  /// The model to simulate: the shared one, or `copy` where something had to be edited.
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
    try edit(actuators, profiles, perturbations)
    for index in joints.indices {
      drives.append(try drive(joints[index], actuators[index], profiles?[index], perturbations))
    }
  }

  deinit { if let copy { sinew_mujoco_delete_model(copy) } }

  /// The edited copy, now the caller's to delete; nil when the shared model is simulated as it is.
  func takeCopy() -> UnsafeMutablePointer<mjModel>? {
    let taken = copy
    copy = nil
    return taken
  }

  // MARK: Drives

  private func drive(
    _ joint: PhysicsModel.Joint, _ actuator: PhysicsModel.Actuator, _ profile: ServoProfile?,
    _ perturbations: Perturbations
  ) throws(SimulationError) -> JointDrive {
    let m = model.pointee
    let dof = Int(m.jnt_dofadr[joint.index])
    var parameters =
      profile?.parameters
      ?? ServoParameters(supplyVoltage: 1, torqueConstant: 1, resistance: 1, proportional: 0)
    parameters.proportional *= perturbations[.gain]
    parameters.maxDuty *= min(1, perturbations[.torqueLimit])
    parameters.torqueLimit *= perturbations[.torqueLimit]
    if perturbations.isSet(.voltage) { parameters.supplyVoltage = perturbations[.voltage] }
    var kind = JointDrive.Kind.servo
    var scale = 1.0
    var limit = Double.infinity
    switch actuator.kind {
    case .torqueMotor(let gain):
      scale = gain
      if profile == nil {
        kind = .motor
        if let range = actuator.controlRange {
          limit = max(range.lowerBound.magnitude, range.upperBound.magnitude) * gain.magnitude
        }
        if perturbations.isSet(.torqueLimit) { limit *= perturbations[.torqueLimit] } else { limit = .infinity }
      } else {
        try checkStability(joint, dof: dof, parameters)
      }
    case .position(let gear):
      kind = .actuator
      scale = gear
    case .other: break
    }
    return JointDrive(
      kind: kind, position: Int(m.jnt_qposadr[joint.index]), velocity: dof, control: actuator.controlIndex,
      scale: scale,
      motorGain: perturbations[.gain], motorLimit: limit, servo: Servo(parameters),
      backlash: Backlash(play: perturbations[.backlash], armature: m.dof_armature[dof]))
  }

  /// The servo acts once per physics step; against too little inertia that is an oscillator, not a servo.
  private func checkStability(
    _ joint: PhysicsModel.Joint, dof: Int, _ servo: ServoParameters
  ) throws(SimulationError) {
    let inertia = model.pointee.dof_M0[dof]
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

  /// Puts servos and perturbations into a copy of the model; leaves the shared one when there is nothing to edit.
  private func edit(
    _ actuators: [PhysicsModel.Actuator], _ profiles: [ServoProfile]?, _ perturbations: Perturbations
  ) throws(SimulationError) {
    try checkApplicable(perturbations, actuators, servos: profiles != nil)
    let positionGain = perturbations.isSet(.gain) && mode == .position && profiles == nil
    let forceLimit = perturbations.isSet(.torqueLimit) && mode == .position && profiles == nil
    guard
      profiles != nil || perturbations.isSet(.payload) || perturbations.isSet(.friction) || positionGain || forceLimit
    else { return }
    guard let copy = sinew_mujoco_copy_model(source.pointer), let data = sinew_mujoco_make_data(copy) else {
      throw SimulationError(.engine, file: source.path, "no memory for a copy of the model")
    }
    defer { sinew_mujoco_delete_data(data) }
    self.copy = copy
    model = copy
    for index in joints.indices {
      let dof = Int(copy.pointee.jnt_dofadr[joints[index].index])
      let actuator = actuators[index]
      if let servo = profiles?[index].parameters {
        if let armature = servo.armature { copy.pointee.dof_armature[dof] = armature }
        if let friction = servo.friction { copy.pointee.dof_frictionloss[dof] = friction }
        if let viscous = servo.viscous { copy.pointee.dof_damping[dof] = viscous }
        // The servo limits itself; the motor's range in the file is that of whatever servo its author had in mind.
        copy.pointee.actuator_ctrllimited[actuator.controlIndex] = false
      }
      copy.pointee.dof_frictionloss[dof] *= perturbations[.friction]
      copy.pointee.dof_damping[dof] *= perturbations[.friction]
      if positionGain {
        copy.pointee.actuator_gainprm[Int(mjNGAIN) * actuator.index] *= perturbations[.gain]
        copy.pointee.actuator_biasprm[Int(mjNBIAS) * actuator.index + 1] *= perturbations[.gain]
      }
      if forceLimit {
        copy.pointee.actuator_forcerange[2 * actuator.index] *= perturbations[.torqueLimit]
        copy.pointee.actuator_forcerange[2 * actuator.index + 1] *= perturbations[.torqueLimit]
      }
    }
    if perturbations.isSet(.payload) {
      let place = try Payload.place(perturbations.payloadBody, joints: joints, in: source)
      let status = place.point.withUnsafeBufferPointer {
        sinew_mujoco_add_point_mass(copy, Int32(place.body), $0.baseAddress, perturbations[.payload])
      }
      try require(status)
    }
    try require(sinew_mujoco_set_constants(copy, data))
  }

  private func require(_ status: Int32) throws(SimulationError) {
    guard status == Int32(SINEW_MUJOCO_OK) else {
      throw SimulationError(.engine, file: source.path, EngineStatus.explain(Int(status)))
    }
  }

  /// Perturbations that this arm's drives cannot express are refused, never ignored.
  private func checkApplicable(
    _ perturbations: Perturbations, _ actuators: [PhysicsModel.Actuator], servos: Bool
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
