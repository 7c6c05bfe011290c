import ArmModel
import CMuJoCo

/// The numbers of an arm's own model before anything is perturbed, so that they can be perturbed again and again.
struct ModelBaseline: BitwiseCopyable {
  /// Of one joint and its actuator.
  struct Joint: BitwiseCopyable {
    var dof = 0
    var friction = 0.0
    var damping = 0.0
    var actuator = 0
    var gain = 0.0
    var bias = 0.0
    var lowestForce = 0.0
    var highestForce = 0.0
  }

  /// Of the body that carries the payload, and where on it.
  struct Carrier: BitwiseCopyable {
    var body = 0
    var point = InlineArray<3, Double>(repeating: 0)
    var mass = 0.0
    var centre = InlineArray<3, Double>(repeating: 0)
    var orientation = InlineArray<4, Double>(repeating: 0)
    var inertia = InlineArray<3, Double>(repeating: 0)
    var sameFrame: mjtByte = 0
  }

  private var joints = InlineArray<16, Joint>(repeating: Joint())
  private let count: Int
  private var carrier = Carrier()
  private let hasCarrier: Bool
  /// Whether gain and torque limit are the model's own actuators' (no servos): position actuators.
  private let scalesActuators: Bool

  /// Of nothing.
  init() {
    count = 0
    hasCarrier = false
    scalesActuators = false
  }

  /// Reads the numbers from the copy that will be edited.
  init(
    _ model: UnsafeMutablePointer<mjModel>, joints list: [PhysicsModel.Joint], actuators: [PhysicsModel.Actuator],
    carrier place: (body: Int, point: [Double])?, scalesActuators: Bool
  ) {
    let m = model.pointee
    count = list.count
    self.scalesActuators = scalesActuators
    hasCarrier = place != nil
    for index in list.indices {
      let dof = Int(m.jnt_dofadr[list[index].index])
      let actuator = actuators[index].index
      joints[index] = Joint(
        dof: dof, friction: m.dof_frictionloss[dof], damping: m.dof_damping[dof], actuator: actuator,
        gain: m.actuator_gainprm[Int(mjNGAIN) * actuator], bias: m.actuator_biasprm[Int(mjNBIAS) * actuator + 1],
        lowestForce: m.actuator_forcerange[2 * actuator], highestForce: m.actuator_forcerange[2 * actuator + 1])
    }
    guard let place else { return }
    carrier.body = place.body
    carrier.mass = m.body_mass[place.body]
    carrier.sameFrame = m.body_sameframe[place.body]
    for axis in 0..<3 {
      carrier.point[axis] = place.point[axis]
      carrier.centre[axis] = m.body_ipos[3 * place.body + axis]
      carrier.inertia[axis] = m.body_inertia[3 * place.body + axis]
    }
    for part in 0..<4 { carrier.orientation[part] = m.body_iquat[4 * place.body + part] }
  }

  /// Puts values into the model and derives what follows from them; the engine's status. `data` is overwritten.
  @_noLocks
  func apply(
    _ values: PerturbationValues, to model: UnsafeMutablePointer<mjModel>, data: UnsafeMutablePointer<mjData>
  ) -> Int32 {
    for index in 0..<count {
      let joint = joints[index]
      model.pointee.dof_frictionloss[joint.dof] = joint.friction * values[.friction]
      model.pointee.dof_damping[joint.dof] = joint.damping * values[.friction]
      guard scalesActuators else { continue }
      model.pointee.actuator_gainprm[Int(mjNGAIN) * joint.actuator] = joint.gain * values[.gain]
      model.pointee.actuator_biasprm[Int(mjNBIAS) * joint.actuator + 1] = joint.bias * values[.gain]
      model.pointee.actuator_forcerange[2 * joint.actuator] = joint.lowestForce * values[.torqueLimit]
      model.pointee.actuator_forcerange[2 * joint.actuator + 1] = joint.highestForce * values[.torqueLimit]
    }
    if hasCarrier {
      let status = load(values[.payload], on: model)
      guard status == Int32(SINEW_MUJOCO_OK) else { return status }
    }
    return sinew_mujoco_set_constants(model, data)
  }

  @_noLocks
  private func load(_ mass: Double, on model: UnsafeMutablePointer<mjModel>) -> Int32 {
    let body = carrier.body
    model.pointee.body_mass[body] = carrier.mass
    model.pointee.body_sameframe[body] = carrier.sameFrame
    for axis in 0..<3 {
      model.pointee.body_ipos[3 * body + axis] = carrier.centre[axis]
      model.pointee.body_inertia[3 * body + axis] = carrier.inertia[axis]
    }
    for part in 0..<4 { model.pointee.body_iquat[4 * body + part] = carrier.orientation[part] }
    guard mass > 0 else { return Int32(SINEW_MUJOCO_OK) }
    return sinew_mujoco_add_point_mass(
      model, Int32(truncatingIfNeeded: body), carrier.point[0], carrier.point[1], carrier.point[2], mass)
  }
}
