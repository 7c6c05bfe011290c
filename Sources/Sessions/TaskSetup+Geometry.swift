import ArmModel
import ArmProfiles
import Configuration
import Numerics
import Safety
import Simulation

extension TaskSetup {
  /// What the safety core keeps goals clear of: the arm's own links, the model's floor, the walls of the workspace. From
  /// the model's shapes, for simulated arms and physical ones alike.
  static func capsules(
    _ plan: SessionPlan, model: PhysicsModel, notes: inout [String]
  ) throws -> CapsuleModel {
    func refuseWorkspace(_ why: String, _ next: String) -> ConfigurationError? {
      plan.workspace.map {
        var error = $0.origin
        (error.message, error.suggestion) = ("the workspace cannot be watched: \(why)", next)
        return error
      }
    }
    guard plan.task.commandMode == .position else {
      if let error = refuseWorkspace("task '\(plan.task.name)' commands efforts", "leave 'workspace' out") {
        throw error
      }
      return CapsuleModel()
    }
    let checksSelfCollision = plan.checksSelfCollision ?? (plan.hardware != nil)
    guard checksSelfCollision || plan.workspace != nil else { return CapsuleModel() }
    let shape = try model.armShape(joints: plan.task.joints)
    guard var capsules = CapsuleModel(shape) else {
      let why =
        shape.capsules.isEmpty
        ? "model '\(model.name)' has no shapes that collide"
        : "model '\(model.name)' has \(shape.capsules.count) shapes, more than the \(CapsuleModel.capsuleCapacity) that a "
          + "tick has time for"
      if let error = refuseWorkspace(why, "name another --model") { throw error }
      notes.append(why + ": goals are checked neither against the arm itself nor against a table or workspace")
      return CapsuleModel()
    }
    let poses = try poses(plan, model: model)
    if checksSelfCollision, let floor = shape.floor {
      capsules.workspaceLower.z = floor
      if poses.contains(where: { capsules.clearance(at: $0.pose) < capsules.margin }) {
        capsules.workspaceLower.z = -.infinity
        notes.append("the arm's own poses reach the floor of model '\(model.name)': goals are not checked against it")
      }
    }
    if let box = plan.workspace {
      let floor = capsules.workspaceLower.z
      capsules.workspaceLower = Vector3(box.lower[0], box.lower[1], max(box.lower[2], floor))
      capsules.workspaceUpper = Vector3(box.upper[0], box.upper[1], box.upper[2])
      for (name, pose) in poses {
        let distance = capsules.clearance(at: pose)
        guard distance < capsules.margin else { continue }
        var error = box.origin
        error.message =
          "in its \(name) pose the arm is \(Int(((capsules.margin - distance) * 1000).rounded(.up))) mm too near to a wall "
          + "of the workspace, or outside"
        error.suggestion = "widen the workspace, or give the arm's profile another \(name) pose"
        throw error
      }
    }
    if checksSelfCollision {
      for pair in CapsuleModel.pairs(of: shape, clearAt: poses.map(\.pose)) {
        _ = capsules.keepApart(pair.first, pair.second)
      }
    }
    return capsules
  }

  /// The poses that an arm must be able to be in: its profile's.
  private static func poses(
    _ plan: SessionPlan, model: PhysicsModel
  ) throws -> [(name: String, pose: JointVector)] {
    guard let name = profileName(plan, model: model),
      let profile = try ArmProfile.named(name).tightened(by: plan.limitOverrides).selecting(plan.task.joints)
    else { return [("zero", JointVector(repeating: 0, count: plan.task.joints.count))] }
    return [("home", JointVector(profile.home)), ("park", JointVector(profile.park))]
  }
}

extension CapsuleModel {
  /// Nil when there are no shapes, or more of them than the core has room for.
  init?(_ shape: ArmShape) {
    self.init()
    guard !shape.capsules.isEmpty else { return nil }
    for link in shape.links {
      guard
        addLink(
          parent: link.parent, position: link.position, orientation: link.orientation, joint: link.joint,
          anchor: link.anchor, axis: link.axis, slides: link.slides) != nil
      else { return nil }
    }
    for capsule in shape.capsules {
      // What does not move can leave no workspace.
      guard
        addCapsule(
          link: capsule.link, from: capsule.from, to: capsule.to, radius: capsule.radius,
          staysInWorkspace: capsule.link > 0) != nil
      else { return nil }
    }
  }

  /// The capsules that are kept apart: every two whose links are not joined, but for those that touch in a pose the arm
  /// must be able to be in. There capsules are too large to judge by.
  static func pairs(of shape: ArmShape, clearAt poses: [JointVector]) -> [(first: Int, second: Int)] {
    guard let alone = CapsuleModel(shape) else { return [] }
    var pairs: [(first: Int, second: Int)] = []
    for first in shape.capsules.indices {
      for second in shape.capsules.indices where second > first {
        let (a, b) = (shape.capsules[first].link, shape.capsules[second].link)
        guard a != b, shape.links[a].parent != b, shape.links[b].parent != a else { continue }
        var pair = alone
        guard pair.keepApart(first, second), poses.allSatisfy({ pair.clearance(at: $0) >= pair.margin }) else {
          continue
        }
        pairs.append((first, second))
      }
    }
    return pairs
  }
}
