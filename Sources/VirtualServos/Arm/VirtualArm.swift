import ArmModel
import ArmProfiles
import Configuration

/// An arm that virtual servos stand for: which servo is where, how it is mounted, what it is calibrated as.
///
/// Horns sit straight: joint position 0 is where an encoder reads the middle of its turn. Two servos on one shaft face each
/// other, as the profile says.
public struct VirtualArm: Sendable {
  /// One servo of the arm.
  public struct Mount: Sendable {
    /// The joint that its shaft turns, by its place in the profile.
    public var joint: Int
    /// Its id on the bus.
    public var id: UInt8
    public var model: ServoModel
    /// The servo on the same shaft whose commands it obeys; nil for the joint's first one.
    public var leader: UInt8?
  }

  /// The model of arm.
  public let profile: ArmProfile
  /// Its bus.
  public let bus: ArmBus
  /// Joint by joint, those that follow a servo behind it: the order on the virtual bus.
  public let mounts: [Mount]

  /// The arm of a profile: a shipped one by name, or a file by path. Each servo is of the first model that the profile
  /// names for it, or of the one chosen, which must be one of the profile's.
  public init(_ nameOrPath: String, choices: [ServoChoice] = []) throws(VirtualServoError) {
    do throws(ConfigurationError) {
      profile = try ArmProfile.named(nameOrPath)
    } catch {
      throw VirtualServoError(error.description)
    }
    guard let bus = profile.bus else {
      throw VirtualServoError(
        "arm '\(profile.name)' has no servos on a bus, so there is nothing to emulate; choose another arm")
    }
    self.bus = bus
    var mounts: [Mount] = []
    for (index, servo) in bus.servos.enumerated() {
      for id in [servo.servo] + servo.followers {
        let model = try Self.model(of: id, servo, arm: profile.name, choices)
        mounts.append(Mount(joint: index, id: id, model: model, leader: id == servo.servo ? nil : servo.servo))
      }
    }
    self.mounts = mounts
    let known = ids
    for choice in choices {
      if let id = choice.ids?.first(where: { !known.contains($0) }) {
        throw VirtualServoError("arm '\(profile.name)' has servos \(text(known)); there is no \(id)")
      }
    }
    if let other = mounts.first(where: { $0.model.servoProtocol.rawValue != bus.wire }) {
      throw VirtualServoError(
        "arm '\(profile.name)' has a bus of \(bus.wire), and a \(other.model.name) speaks \(other.model.servoProtocol.rawValue); "
          + "choose a model that speaks it")
    }
  }

  /// Ids of all servos, in the order on the bus.
  public var ids: [UInt8] { mounts.map(\.id) }

  /// Which models are at which ids, for people.
  public var description: String {
    var groups: [(model: String, ids: [UInt8])] = []
    for mount in mounts {
      if let index = groups.firstIndex(where: { $0.model == mount.model.name }) {
        groups[index].ids.append(mount.id)
      } else {
        groups.append((mount.model.name, [mount.id]))
      }
    }
    return groups.map { "\($0.model) at \(text($0.ids))" }.joined(separator: "; ")
  }

  /// The name by which the profile knows the model of joint `joint`'s servos.
  func profileName(of model: ServoModel, at joint: Int) -> String {
    bus.servos[joint].models.first { Self.matches(model, $0) } ?? model.name
  }

  /// The servos for a virtual bus: mounted as the profile says, with the settings of the factory, or with `calibration` as
  /// those that a calibration of this arm leaves in them.
  ///
  /// - Parameters:
  ///   - baud: what their baud registers say, bit/s; nil for each model's default.
  ///   - returnDelay: µs, as in `ServoSetup.servos`.
  public func setups(
    baud: Int?, returnDelay: Int? = nil, calibration: ArmCalibration? = nil
  ) throws(VirtualServoError) -> [ServoSetup] {
    var setups: [ServoSetup] = []
    for mount in mounts {
      let servo = bus.servos[mount.joint]
      guard var setup = try ServoSetup.servos(mount.model, ids: [mount.id], baud: baud, returnDelay: returnDelay).first
      else { continue }
      // A servo set to count in reverse is mounted so that it has to.
      setup.isReversed = countsInReverse(mount) != (servo.sign < 0)
      if let calibration {
        setup = setup.calibrated(as: calibration.joints[mount.joint])
        setup.settle(countsInReverse: countsInReverse(mount), leader: mount.leader)
      }
      setups.append(setup)
    }
    return setups
  }

  /// Whether the servo's own drive mode says reverse; those that follow face the first one.
  private func countsInReverse(_ mount: Mount) -> Bool {
    bus.servos[mount.joint].isReversed != (mount.leader != nil)
  }

  private static func matches(_ model: ServoModel, _ name: String) -> Bool {
    // A profile writes "sts3215" where it does not matter which of the variants it is.
    model.name == name || model.name.hasPrefix(name + "-")
  }

  private static func model(
    of id: UInt8, _ servo: JointServo, arm: String, _ choices: [ServoChoice]
  ) throws(VirtualServoError) -> ServoModel {
    let own = choices.last { $0.ids?.contains(id) ?? false } ?? choices.last { $0.ids == nil }
    guard let chosen = own?.model else {
      for name in servo.models {
        if let model = ServoModel.all.first(where: { matches($0, name) }) { return model }
      }
      throw VirtualServoError(
        "arm '\(arm)' has \(servo.models.joined(separator: " or ")) at \(servo.joint), which cannot be emulated; choose "
          + "another model for servo \(id)")
    }
    guard servo.models.contains(where: { matches(chosen, $0) }) else {
      throw VirtualServoError(
        "arm '\(arm)' has \(servo.models.joined(separator: " or ")) at \(servo.joint), not \(chosen.name)")
    }
    return chosen
  }

  private func text(_ ids: [UInt8]) -> String { ids.map { "\($0)" }.joined(separator: ", ") }
}
