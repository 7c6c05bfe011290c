import ArmModel

/// Finds an arm's joints and what drives them in a model, and says clearly what does not fit.
enum JointSelection {
  /// `driven`: whether they are to be an arm's joints, which errors then list; else any joint of the scene.
  static func joints(
    _ names: [String], of model: PhysicsModel, driven: Bool = true
  ) throws(SimulationError) -> [PhysicsModel.Joint] {
    let offered =
      driven
      ? "the model's driven joints: \(Naming.list(model.drivenJoints))"
      : "the model's joints: \(Naming.list(model.joints.map(\.name)))"
    func refuse(_ message: String) -> SimulationError { SimulationError(.unknownName, file: model.path, message) }
    guard !names.isEmpty else {
      throw refuse("no joints were named; \(offered)")
    }
    guard names.count <= JointVector.capacity else {
      throw refuse("\(names.count) joints were named; an arm has at most \(JointVector.capacity)")
    }
    var found: [PhysicsModel.Joint] = []
    for name in names {
      guard let joint = model.joints.first(where: { $0.name == name }) else {
        throw refuse(
          "no joint named '\(name)'" + Naming.suggestion(name, in: model.joints.map(\.name))
            + "; \(offered)")
      }
      guard joint.kind == .hinge || joint.kind == .slide else {
        throw refuse("joint '\(name)' is a \(joint.kind.rawValue) joint; only hinges and slides can be used")
      }
      guard !found.contains(joint) else { throw refuse("joint '\(name)' is named twice") }
      found.append(joint)
    }
    return found
  }

  static func actuators(
    for joints: [PhysicsModel.Joint], of model: PhysicsModel
  ) throws(SimulationError) -> [PhysicsModel.Actuator] {
    var found: [PhysicsModel.Actuator] = []
    for joint in joints {
      let candidates = model.actuators.filter { $0.joint == joint.name }
      guard let actuator = candidates.first else {
        throw SimulationError(
          .unknownName, file: model.path,
          "joint '\(joint.name)' has no actuator; driven joints: \(Naming.list(model.drivenJoints))")
      }
      guard candidates.count == 1 else {
        throw SimulationError(
          .unknownName, file: model.path,
          "joint '\(joint.name)' has \(candidates.count) actuators (\(Naming.list(candidates.map(\.name)))); it needs exactly one"
        )
      }
      if case .other(let why) = actuator.kind {
        throw SimulationError(
          .unknownName, file: model.path,
          "actuator '\(actuator.name)' of joint '\(joint.name)' \(why); use a <motor> or a <position> actuator")
      }
      found.append(actuator)
    }
    return found
  }

  /// How the arm is commanded: position through servos or position actuators, effort through torque motors.
  static func mode(
    _ joints: [PhysicsModel.Joint], _ actuators: [PhysicsModel.Actuator], servos: Bool, of model: PhysicsModel
  ) throws(SimulationError) -> CommandMode {
    var motors: [String] = []
    var positions: [String] = []
    for (joint, actuator) in zip(joints, actuators) {
      if case .torqueMotor = actuator.kind { motors.append(joint.name) } else { positions.append(joint.name) }
    }
    if servos {
      guard positions.isEmpty else {
        throw SimulationError(
          .servo, file: model.path,
          "the model drives \(Naming.list(positions)) by position actuators of its own; leave the servo profile out")
      }
      return .position
    }
    guard motors.isEmpty || positions.isEmpty else {
      throw SimulationError(
        .servo, file: model.path,
        "torque motors (\(Naming.list(motors))) and position actuators (\(Naming.list(positions))) cannot be mixed in one arm; "
          + "choose joints of one kind")
    }
    return positions.isEmpty ? .effort : .position
  }
}
