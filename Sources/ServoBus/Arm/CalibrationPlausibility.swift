import ArmModel

/// Whether what a calibration says of a joint can be true of its arm: the arm's servos and limits tell.
///
/// A wrong zero, sign or range is found here, by numbers alone, before a bus is opened; found later it would be an arm under
/// torque that refuses its goals, or goes where nobody meant it to.
public enum CalibrationPlausibility {
  /// The first joint that cannot be right: one line with the joint, the numbers in rad and ticks, and the next step. Nil
  /// where all can be. `profile` is the arm's own, before any limits were tightened; joints are matched by name, and hobby
  /// servos, whose pulses the file itself bounds, are left out.
  public static func problem(_ calibration: ArmCalibration, of profile: ArmProfile) -> String? {
    guard let bus = profile.bus else { return nil }
    for joint in calibration.joints where joint.ticksPerRadian == nil {
      guard let limits = profile.joints.first(where: { $0.name == joint.joint }),
        let mounting = bus.servos.first(where: { $0.joint == joint.joint }),
        let model = ArmDescription.model(named: joint.model)
      else { continue }
      if let problem = problem(joint, limits, mounting, model, arm: profile.name) {
        return "joint \(joint.joint): \(problem); calibrate it again with 'sinew calibrate', and check it with --verify"
      }
    }
    return nil
  }

  /// The positions between which a calibrated joint can be sent, rad: its calibrated range, by its servo's steps and its
  /// gear. Nil for a joint without an end, for one that `profile` does not have, and for a hobby servo.
  public static func reach(_ joint: JointCalibration, of profile: ArmProfile) -> ClosedRange<Double>? {
    guard joint.ticksPerRadian == nil, !joint.isContinuous,
      let mounting = profile.bus?.servos.first(where: { $0.joint == joint.joint }),
      let model = ArmDescription.model(named: joint.model)
    else { return nil }
    return reach(joint, mounting, model)
  }

  private static func reach(
    _ joint: JointCalibration, _ mounting: JointServo, _ model: ServoModel
  ) -> ClosedRange<Double> {
    let radiansPerTick = Double(joint.sign) * 2 * .pi / (Double(model.stepsPerTurn) * mounting.gear)
    let ends = [joint.lower, joint.upper].map { (Double($0) - joint.zero) * radiansPerTick }
    return min(ends[0], ends[1])...max(ends[0], ends[1])
  }

  private static func problem(
    _ joint: JointCalibration, _ limits: JointProfile, _ mounting: JointServo, _ model: ServoModel, arm: String
  ) -> String? {
    // A joint without an end reaches everything, wherever its zero is.
    guard !joint.isContinuous else { return nil }
    let range = "\(joint.lower) to \(joint.upper) ticks"
    let last = model.positionSteps - 1
    if joint.mode == .position, joint.lower < 0 || joint.upper > last {
      return "its range of \(range) leaves what a \(model.name) can be sent to, 0 to \(last) ticks"
    }
    let reach = reach(joint, mounting, model)
    let (low, high) = (reach.lowerBound, reach.upperBound)
    guard limits.lower.isFinite, limits.upper.isFinite, limits.upper > limits.lower else { return nil }
    let whole = limits.upper - limits.lower
    let said = "arm '\(arm)' has \(text(limits.lower)) to \(text(limits.upper)) rad"
    if high - low > mounting.sweep.upperBound * whole * (1 + 1e-6) {
      return
        "its range of \(range) covers \(text(high - low)) rad, \(said): the sweep crossed the end of the encoder's "
        + "turn, or this is another arm's calibration"
    }
    let common = min(high, limits.upper) - max(low, limits.lower)
    if common < mounting.sweep.lowerBound * whole * (1 - 1e-6) {
      let zero = joint.zero == joint.zero.rounded() ? "\(Int(joint.zero))" : "\(joint.zero)"
      return "by its zero at \(zero) ticks and its sign \(joint.sign > 0 ? "+" : "-"), its range of \(range) is "
        + "\(text(low)) to \(text(high)) rad, \(said): zero, sign or range is wrong, or it is another arm's"
    }
    return nil
  }

  /// An angle to a thousandth of a radian.
  private static func text(_ angle: Double) -> String { "\((angle * 1000).rounded() / 1000)" }
}
