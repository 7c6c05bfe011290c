import ArmModel
import ArmProfiles
import Control
import Safety
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
    let profile = try ArmProfile.named(name).tightened(by: plan.limitOverrides)
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
    return selected.limits
  }

  /// The model that stands for a physical arm: its profile's.
  static func twinModel(_ plan: SessionPlan) throws -> String? {
    guard plan.hardware != nil, let name = plan.profile else { return nil }
    guard let model = try ArmProfile.named(name).model else {
      throw SessionError(
        "there is no model of arm '\(name)' to tell from its joints where its points are; name an MJCF or URDF file of it "
          + "with --model")
    }
    return model
  }

  /// The arm profile in force: the one asked for, else the shipped one of the model's name.
  static func profileName(_ plan: SessionPlan, model: PhysicsModel) -> String? {
    plan.profile ?? (ArmProfile.shipped.contains(model.name) ? model.name : nil)
  }

  /// Refuses to put another arm's model in the place of an arm that has none.
  func requireSimulationModel() throws {
    guard plan.model == nil, let name = plan.profile else { return }
    let profile = try ArmProfile.named(name)
    if profile.model == nil {
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
