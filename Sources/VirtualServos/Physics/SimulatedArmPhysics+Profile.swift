import ArmModel
import ArmProfiles
import Configuration
import Simulation

extension SimulatedArmPhysics {
  /// The arm of a profile, driven by servos of one model: a shipped profile by name, or a file by path.
  public convenience init(
    profile nameOrPath: String, servo: ServoModel, start: [Double]? = nil
  ) throws(VirtualServoError) {
    let profile = try Self.profile(nameOrPath)
    try self.init(profile: profile, servos: profile.joints.map { _ in servo }, start: start)
  }

  /// The same with a servo for each joint, in the profile's order.
  public convenience init(
    profile nameOrPath: String, servos: [ServoModel], start: [Double]? = nil,
    perturbations: Perturbations = Perturbations()
  ) throws(VirtualServoError) {
    try self.init(
      profile: try Self.profile(nameOrPath), servos: servos, start: start, perturbations: perturbations)
  }

  private static func profile(_ nameOrPath: String) throws(VirtualServoError) -> ArmProfile {
    do throws(ConfigurationError) { return try ArmProfile.named(nameOrPath) } catch {
      throw VirtualServoError(error.description)
    }
  }

  /// The arm of a profile with a servo for each joint, from its home pose unless told otherwise.
  public convenience init(
    profile: ArmProfile, servos: [ServoModel], start: [Double]? = nil, perturbations: Perturbations = Perturbations()
  ) throws(VirtualServoError) {
    guard profile.commandMode == .position else {
      throw VirtualServoError(
        "arm '\(profile.name)' has torque motors, not servos; choose an arm with position commands")
    }
    guard servos.count == profile.joints.count else {
      throw VirtualServoError(
        "\(servos.count) servos for the \(profile.joints.count) shafts of arm '\(profile.name)'; the physics needs one servo per shaft"
      )
    }
    guard let modelName = profile.model else {
      throw VirtualServoError(
        "there is no simulation model of arm '\(profile.name)'; use --physics independent, or a profile of your own that "
          + "names an MJCF or URDF file")
    }
    let model: PhysicsModel
    var profiles: [ServoProfile] = []
    for servo in servos {
      guard let name = servo.simulationProfile else {
        throw VirtualServoError("there is no motor model of \(servo.name); use --physics independent")
      }
      do throws(SimulationError) { profiles.append(try ServoProfile.named(name)) } catch {
        throw VirtualServoError(error.description)
      }
    }
    do throws(SimulationError) { model = try PhysicsModel.named(modelName) } catch {
      throw VirtualServoError(error.description)
    }
    try self.init(
      model: model, joints: profile.jointNames, servos: profiles, start: start ?? profile.home,
      perturbations: perturbations)
  }
}
