import ArmModel
import ArmProfiles
import Control
import Simulation
import Tasks

extension SessionParts {
  /// The names of the reward's terms: the task's, and in a person's run what the success button earned.
  var rewardTermNames: [String] {
    plan.task.rewardTermNames + (plan.operation == nil ? [] : ["success_button"])
  }

  /// What a person's run asks of loop and safety core.
  func configureOperation(_ configuration: inout LoopConfiguration) throws {
    configuration.isOperated = true
    configuration.safety.isSupervised = true
    guard let name = TaskSetup.profileName(plan, model: model),
      let profile = try ArmProfile.named(name).selecting(plan.task.joints)
    else { return }
    configuration.safety.parkPose = JointVector(profile.park)
  }

  /// What turns a person's sticks into goals of this arm.
  func makeTeleoperator() throws -> Teleoperator {
    guard let operation = plan.operation else { throw SessionError("the plan names no operator") }
    let task = plan.task
    guard task.commandMode == .position else {
      throw SessionError(
        "task '\(task.name)' commands efforts, and sticks give positions; choose a task whose arm takes positions "
          + "(reach), or another --model")
    }
    let joints = task.joints
    var tool: ToolMotion?
    var twin: KinematicTwin?
    // The task's first site is what it moves; a body has no frame of a tool's.
    if let site = task.points.first(where: { $0.kind == .site }) {
      do throws(SimulationError) {
        tool = try ToolMotion(model: model, joints: joints, tool: site.modelName, limits: limits)
        twin = try model.makeTwin(joints: joints, points: [(name: site.modelName, kind: .site)])
      } catch {
        throw SessionError("\(task.file): \(error)")
      }
    }
    var settings = operation.settings
    settings.slowsWireless = plan.hardware != nil
    return Teleoperator(settings: settings, limits: limits, gripper: gripperJoint, tool: tool, twin: twin)
  }

  /// The place of the gripper among the task's joints, if there is one.
  var gripperJoint: Int? { plan.task.joints.firstIndex { $0.contains("gripper") } }
}
