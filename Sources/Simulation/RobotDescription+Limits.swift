import CMuJoCo

/// What a joint's actuators can do, as far as the model tells.
enum JointLimits {
  /// The largest effort on a joint, N·m or N: the sum over the actuators that drive it directly, at most what the joint
  /// itself lets through. Nil when nothing drives it or when an actuator has no limit.
  static func effort(of joint: PhysicsModel.Joint, in model: PhysicsModel) -> Double? {
    let m = model.pointer.pointee
    let driving = actuators(of: joint, in: model)
    let limits = driving.map { effort(of: $0, m) }
    var total = driving.isEmpty || limits.contains(nil) ? nil : limits.reduce(0) { $0 + ($1 ?? 0) }
    if m.jnt_actfrclimited[joint.index] {
      let passed = magnitude(m.jnt_actfrcrange, joint.index)
      total = min(total ?? passed, passed)
    }
    return total.flatMap { $0.isFinite ? $0 : nil }
  }

  /// The largest velocity that a velocity servo of this joint can be asked for, rad/s or m/s; nil when there is none.
  static func velocity(of joint: PhysicsModel.Joint, in model: PhysicsModel) -> Double? {
    let m = model.pointer.pointee
    let goals = actuators(of: joint, in: model).compactMap { actuator -> Double? in
      guard isVelocityServo(actuator, m), let range = actuator.controlRange else { return nil }
      return max(range.lowerBound.magnitude, range.upperBound.magnitude) / gear(actuator, m)
    }
    return goals.max().flatMap { $0.isFinite ? $0 : nil }
  }

  /// By index, not by name: joints may lack one.
  private static func actuators(of joint: PhysicsModel.Joint, in model: PhysicsModel) -> [PhysicsModel.Actuator] {
    let m = model.pointer.pointee
    return model.actuators.filter { $0.joint != nil && Int(m.actuator_trnid[2 * $0.index]) == joint.index }
  }

  private static func effort(of actuator: PhysicsModel.Actuator, _ m: mjModel) -> Double? {
    var limits: [Double] = []
    if m.actuator_forcelimited[actuator.index] {
      limits.append(magnitude(m.actuator_forcerange, actuator.index) * gear(actuator, m))
    }
    if case .torqueMotor(let gain) = actuator.kind, let range = actuator.controlRange {
      limits.append(max(range.lowerBound.magnitude, range.upperBound.magnitude) * gain.magnitude)
    }
    return limits.min()
  }

  /// Whether the force is gain × (control - velocity), as MuJoCo's own `velocity` shortcut sets it.
  private static func isVelocityServo(_ actuator: PhysicsModel.Actuator, _ m: mjModel) -> Bool {
    let index = actuator.index
    guard mjtGain(UInt32(m.actuator_gaintype[index])) == mjGAIN_FIXED,
      mjtBias(UInt32(m.actuator_biastype[index])) == mjBIAS_AFFINE,
      mjtDyn(UInt32(m.actuator_dyntype[index])) == mjDYN_NONE
    else { return false }
    let gain = m.actuator_gainprm[Int(mjNGAIN) * index]
    let bias = m.actuator_biasprm + Int(mjNBIAS) * index
    return gain > 0 && bias[0] == 0 && bias[1] == 0 && bias[2] == -gain
  }

  private static func gear(_ actuator: PhysicsModel.Actuator, _ m: mjModel) -> Double {
    m.actuator_gear[6 * Int(m.actuator_outadr[actuator.index])].magnitude
  }

  private static func magnitude(_ ranges: UnsafeMutablePointer<Double>, _ index: Int) -> Double {
    max(ranges[2 * index].magnitude, ranges[2 * index + 1].magnitude)
  }
}
