import ArmModel
import ArmProfiles
import Configuration
import Simulation

extension SimulatedArmPhysics {
  /// The arm of a profile, driven by servos of one model: a shipped profile by name, or a file by path.
  public convenience init(
    profile nameOrPath: String, servo: ServoModel, start: [Double]? = nil
  ) throws(VirtualServoError) {
    let profile: ArmProfile
    do throws(ConfigurationError) {
      profile = try ArmProfile.named(nameOrPath)
    } catch {
      throw VirtualServoError(error.description)
    }
    guard profile.commandMode == .position else {
      throw VirtualServoError(
        "arm '\(profile.name)' has torque motors, not servos; choose an arm with position commands")
    }
    guard let modelName = profile.model else {
      throw VirtualServoError(
        "there is no simulation model of arm '\(profile.name)'; use --physics independent, or a profile of your own that "
          + "names an MJCF or URDF file")
    }
    guard let name = servo.simulationProfile else {
      throw VirtualServoError("there is no motor model of \(servo.name); use --physics independent")
    }
    let model: PhysicsModel
    let servoProfile: ServoProfile
    do throws(SimulationError) {
      model = try PhysicsModel.named(modelName)
      servoProfile = try ServoProfile.named(name)
    } catch {
      throw VirtualServoError(error.description)
    }
    try self.init(model: model, joints: profile.jointNames, servo: servoProfile, start: start ?? profile.home)
  }
}
