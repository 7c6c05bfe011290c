import ArmModel
import ArmProfiles
import Control
import Foundation
import Safety
import ServoBus
import Simulation

extension TaskSetup {
  /// The arm's limits in the task's joint order.
  static func limits(_ plan: SessionPlan, model: PhysicsModel, notes: inout [String]) throws -> JointLimits {
    guard let name = profileName(plan, model: model) else {
      if let limit = plan.limitOverrides.first {
        throw SessionError(
          "\(limit.origin.file): limits are given, but there is no arm profile for '\(model.name)' to tighten; name one with --profile"
        )
      }
      notes.append(
        "no arm profile for '\(model.name)': only the model's own joint ranges limit the commands (--profile)")
      return modelLimits(plan, model: model)
    }
    let named = try ArmProfile.named(name)
    let profile = try named.tightened(by: plan.limitOverrides)
    guard let selected = profile.selecting(plan.task.joints) else {
      let missing = plan.task.joints.filter { !profile.jointNames.contains($0) }
      throw SessionError(
        "arm profile '\(profile.name)' has no joint \(missing.map { "'\($0)'" }.joined(separator: ", ")) of task "
          + "'\(plan.task.name)'; it has \(profile.jointNames.joined(separator: ", ")); choose another --profile")
    }
    guard selected.commandMode == plan.task.commandMode else {
      throw SessionError(
        "task '\(plan.task.name)' commands \(plan.task.commandMode == .effort ? "efforts" : "positions"), arm profile "
          + "'\(profile.name)' takes \(selected.commandMode == .effort ? "efforts" : "positions"); choose another --profile or task"
      )
    }
    var limits = selected.limits
    try keep(&limits, within: plan.hardware, named, joints: plan.task.joints, notes: &notes)
    return limits
  }

  /// Narrows position limits to what the joints of the arm at hand reach by its calibration: a printed arm's stops may lie
  /// inside its model's, and goals beyond them would be refused under torque.
  private static func keep(
    _ limits: inout JointLimits, within hardware: HardwareSettings?, _ profile: ArmProfile, joints: [String],
    notes: inout [String]
  ) throws {
    // A file that isn't there is reported by whoever connects to the arm.
    guard let hardware, let bus = profile.bus, bus.wire != ArmBus.firmwareWire,
      FileManager.default.fileExists(atPath: ArmCalibration.path(of: hardware.calibration)),
      let identity = try CalibratedArm(profile, calibration: hardware.calibration, joints: joints)
    else { return }
    var narrowed: [String] = []
    for (index, joint) in identity.calibration.joints.enumerated() {
      guard let reach = CalibrationPlausibility.reach(joint, of: profile) else { continue }
      let (lower, upper) = (max(limits.lower[index], reach.lowerBound), min(limits.upper[index], reach.upperBound))
      guard lower < upper else {
        throw SessionError(
          "\(identity.calibrationPath): joint \(joint.joint) reaches \(rounded(reach.lowerBound)) to "
            + "\(rounded(reach.upperBound)) rad, nothing of the \(rounded(limits.lower[index])) to "
            + "\(rounded(limits.upper[index])) rad that it may use; widen its limits, or calibrate it again")
      }
      let (below, above) = (lower - limits.lower[index], limits.upper[index] - upper)
      // Less than this is a tick's rounding, and not worth a word.
      if max(below, above) > 0.01 { narrowed.append("\(joint.joint) \(rounded(lower)) to \(rounded(upper)) rad") }
      limits.lower[index] = lower
      limits.upper[index] = upper
    }
    if !narrowed.isEmpty {
      notes.append("by its calibration this arm reaches less than its model: \(narrowed.joined(separator: ", "))")
    }
  }

  private static func rounded(_ angle: Double) -> Double { (angle * 1000).rounded() / 1000 }

  /// The model that stands for a physical arm: its profile's, or that of a task that was made for the arm.
  static func twinModel(_ plan: SessionPlan) throws -> String? {
    guard plan.hardware != nil, let name = plan.profile else { return nil }
    let profile = try ArmProfile.named(name)
    guard let model = profile.model ?? (profile.name == plan.task.profile ? plan.task.model : nil) else {
      throw SessionError(
        "there is no model of arm '\(name)' to tell from its joints where its points are; name an MJCF or URDF file of it "
          + "with --model")
    }
    return model
  }

  /// The arm profile in force: the one asked for, else the task's, else the shipped one of the model's name.
  static func profileName(_ plan: SessionPlan, model: PhysicsModel) -> String? {
    plan.profile ?? plan.task.profile ?? (ArmProfile.shipped.contains(model.name) ? model.name : nil)
  }

  /// Refuses to put another arm's model in the place of an arm that has none.
  func requireSimulationModel() throws {
    guard plan.model == nil, let name = plan.profile else { return }
    let profile = try ArmProfile.named(name)
    if profile.model == nil && profile.name != plan.task.profile {
      throw SessionError(
        "there is no simulation model of arm '\(profile.name)'; name an MJCF or URDF file of it with --model")
    }
  }

  /// What a model says of its joints: their ranges.
  private static func modelLimits(_ plan: SessionPlan, model: PhysicsModel) -> JointLimits {
    var limits = JointLimits(unlimited: plan.task.joints.count)
    for (index, name) in plan.task.joints.enumerated() {
      guard let range = model.joints.first(where: { $0.name == name })?.range else { continue }
      limits.lower[index] = range.lowerBound
      limits.upper[index] = range.upperBound
    }
    return limits
  }

  /// The servos that stand between position commands and the model's torque motors.
  func servos() throws -> ServoAssignment {
    guard plan.task.commandMode == .position else {
      if let servo = plan.servo, servo != "none" {
        throw SessionError(
          "servo '\(servo)': task '\(plan.task.name)' commands efforts, which servos do not take; leave the servo out")
      }
      return .none
    }
    // The shipped SO-101 is an arm of these servos; any other model says itself what drives it.
    guard let name = plan.servo ?? (model.name == "so101" ? "sts3215-7v4" : nil), name != "none" else { return .none }
    return .all(try ServoProfile.named(name))
  }
}

extension JointLimits {
  /// The pose nearest to `pose` within the position limits.
  func containing(_ pose: JointVector) -> JointVector {
    var result = pose
    for index in 0..<min(pose.count, count) { result[index] = min(max(pose[index], lower[index]), upper[index]) }
    return result
  }
}
