import ArmModel
import Simulation

extension VirtualArm {
  /// Whether there is a simulation model of the arm, and a motor model of every servo on it.
  public var canBeSimulated: Bool {
    profile.model != nil && profile.commandMode == .position && mounts.allSatisfy { $0.model.simulationProfile != nil }
  }

  /// The arm's joints, from its home pose, each between its limits as between stops, moving as fast as its servos do:
  /// without weight, without reach, and without knowing of each other.
  public func independentPhysics() -> any ServoPhysics {
    let joints = profile.joints.enumerated().map { index, joint in
      let servo = bus.servos[index]
      let speed = mounts.filter { $0.joint == index }.map(\.model.noLoadSpeed).min() ?? 5
      return IndependentJoints.Joint(
        start: profile.home[index] * servo.gear, speed: speed,
        range: servo.isContinuous
          ? -.infinity ... .infinity : joint.lower * servo.gear...joint.upper * servo.gear)
    }
    return shared(IndependentJoints(joints))
  }

  /// The simulated arm, from its home pose.
  /// - Parameter perturbations: how it departs from nominal, as a real arm does.
  public func simulatedPhysics(
    perturbations: Perturbations = Perturbations()
  ) throws(VirtualServoError) -> any ServoPhysics {
    if let geared = bus.servos.first(where: { $0.gear != 1 }) {
      throw VirtualServoError(
        "joint \(geared.joint) of arm '\(profile.name)' has a gear of \(geared.gear), which the simulated arm has not; use "
          + "--physics independent")
    }
    let servos = bus.servos.indices.compactMap { index in mounts.first { $0.joint == index && $0.leader == nil }?.model
    }
    return shared(try SimulatedArmPhysics(profile: profile, servos: servos, perturbations: perturbations))
  }

  private func shared(_ world: any ServoPhysics) -> any ServoPhysics {
    let shafts = mounts.map(\.joint)
    return shafts == Array(0..<world.count) ? world : SharedShafts(world, shafts: shafts)
  }
}
