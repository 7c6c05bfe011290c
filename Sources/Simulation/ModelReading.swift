import CMuJoCo

/// Reads names, joints and actuators out of a compiled model.
enum ModelReading {
  typealias Model = UnsafeMutablePointer<mjModel>

  static func name(_ model: Model, _ type: mjtObj, _ index: Int) -> String {
    mj_id2name(model, Int32(type.rawValue), Int32(index)).map { String(cString: $0) } ?? ""
  }

  static func joint(_ model: Model, _ index: Int) -> PhysicsModel.Joint {
    let kind: PhysicsModel.Joint.Kind =
      switch mjtJoint(UInt32(model.pointee.jnt_type[index])) {
      case mjJNT_HINGE: .hinge
      case mjJNT_SLIDE: .slide
      case mjJNT_BALL: .ball
      default: .free
      }
    let limited = model.pointee.jnt_limited[index] && kind != .ball && kind != .free
    return PhysicsModel.Joint(
      name: name(model, mjOBJ_JOINT, index), kind: kind,
      range: limited ? range(model.pointee.jnt_range, index) : nil, index: index)
  }

  static func actuator(_ model: Model, _ index: Int) -> PhysicsModel.Actuator {
    let m = model.pointee
    let control = Int(m.actuator_ctrladr[index])
    var joint: String?
    let transmission = mjtTrn(UInt32(m.actuator_trntype[index]))
    if transmission == mjTRN_JOINT || transmission == mjTRN_JOINTINPARENT {
      joint = name(model, mjOBJ_JOINT, Int(m.actuator_trnid[2 * index]))
    }
    let limited = m.actuator_ctrlnum[index] == 1 && m.actuator_ctrllimited[control]
    return PhysicsModel.Actuator(
      name: name(model, mjOBJ_ACTUATOR, index), joint: joint, kind: kind(m, index, drivesJoint: joint != nil),
      controlRange: limited ? range(m.actuator_ctrlrange, control) : nil, index: index, controlIndex: control)
  }

  /// What an actuator does, told from its gain and bias as MuJoCo's own `motor` and `position` shortcuts set them.
  private static func kind(_ m: mjModel, _ index: Int, drivesJoint: Bool) -> PhysicsModel.Actuator.Kind {
    guard drivesJoint else { return .other("drives no joint directly (tendon, site or body)") }
    guard m.actuator_ctrlnum[index] == 1 else { return .other("has \(m.actuator_ctrlnum[index]) controls") }
    guard mjtGain(UInt32(m.actuator_gaintype[index])) == mjGAIN_FIXED else { return .other("has no fixed gain") }
    let gear = m.actuator_gear[6 * Int(m.actuator_outadr[index])]
    let gain = m.actuator_gainprm[Int(mjNGAIN) * index]
    let bias = mjtBias(UInt32(m.actuator_biastype[index]))
    if bias == mjBIAS_NONE {
      guard mjtDyn(UInt32(m.actuator_dyntype[index])) == mjDYN_NONE else { return .other("has dynamics of its own") }
      return gear * gain == 0 ? .other("has no gain") : .torqueMotor(gain: gear * gain)
    }
    guard bias == mjBIAS_AFFINE else { return .other("has a bias that is neither none nor affine") }
    let stiffness = m.actuator_biasprm[Int(mjNBIAS) * index + 1]
    guard gain != 0, (gain + stiffness).magnitude <= 1e-9 * gain.magnitude else {
      return .other("is neither a torque motor nor a position servo (a velocity servo, perhaps)")
    }
    return .position(gear: gear)
  }

  private static func range(_ values: UnsafeMutablePointer<Double>, _ index: Int) -> ClosedRange<Double>? {
    let low = values[2 * index]
    let high = values[2 * index + 1]
    return low <= high ? low...high : nil
  }
}
