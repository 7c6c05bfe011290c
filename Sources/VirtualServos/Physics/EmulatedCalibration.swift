import ArmModel
import ArmProfiles
import Configuration

/// The calibration of an arm that virtual servos stand for.
public enum EmulatedCalibration {
  /// What belongs to servos of one model with these ids on the joints of an arm, as `VirtualServoBus` sets them up: joint
  /// position 0 where the encoder reads the middle of its turn, angles and ticks growing together, no homing offset.
  public static func make(
    profile nameOrPath: String, model: ServoModel, ids: [UInt8]
  ) throws(VirtualServoError) -> ArmCalibration {
    let profile: ArmProfile
    do throws(ConfigurationError) {
      profile = try ArmProfile.named(nameOrPath)
    } catch {
      throw VirtualServoError(error.description)
    }
    guard let bus = profile.bus else {
      throw VirtualServoError("arm '\(profile.name)' has no servos on a bus, so there is nothing to calibrate")
    }
    guard ids == bus.servos.map(\.servo) else {
      throw VirtualServoError(
        "arm '\(profile.name)' has servos \(bus.servos.map { "\($0.servo)" }.joined(separator: ", ")); give --ids these"
      )
    }
    var joints: [JointCalibration] = []
    for (joint, servo) in zip(profile.joints, bus.servos) {
      // A profile writes "sts3215" where it does not matter which of the variants it is.
      guard let name = servo.models.first(where: { model.name == $0 || model.name.hasPrefix($0 + "-") }) else {
        throw VirtualServoError(
          "arm '\(profile.name)' has \(servo.models.joined(separator: " or ")) at \(joint.name), not \(model.name)")
      }
      let zero = ServoSetup(model, id: servo.servo).zeroTicks
      let perRadian = model.ticksPerRadian * servo.gear
      let turn = 0...Double(model.largestPosition)
      func ticks(_ angle: Double, _ end: Double) -> Int {
        let ticks = angle.isFinite ? zero + angle * perRadian : end
        return Int(min(max(ticks, turn.lowerBound), turn.upperBound).rounded())
      }
      joints.append(
        JointCalibration(
          joint: joint.name, servo: servo.servo, model: name, modelNumber: model.number, zero: zero, sign: 1,
          lower: ticks(joint.lower, turn.lowerBound), upper: ticks(joint.upper, turn.upperBound),
          homingOffset: model.hasHomingOffset ? 0 : nil))
    }
    return ArmCalibration(
      name: "\(profile.name)-emulated", profile: profile.name, origin: "sinew emulate, servos with straight horns",
      joints: joints)
  }
}

extension ServoSetup {
  /// This servo with the position limits that calibrating the joint would have left in its EEPROM.
  public func calibrated(as joint: JointCalibration) -> ServoSetup {
    var setup = self
    let (minimum, maximum) =
      switch model.family {
      case .feetechSTS, .feetechSCS: (Sts.minimum, Sts.maximum)
      case .dynamixelX: (X.minPosition, X.maxPosition)
      case .dynamixelAX: (AX.minimum, AX.maximum)
      }
    setup.registers[minimum] = joint.lower
    setup.registers[maximum] = joint.upper
    return setup
  }
}

extension ServoModel {
  /// Whether there is a register that shifts the position.
  fileprivate var hasHomingOffset: Bool {
    switch family {
    case .feetechSTS, .dynamixelX: true
    case .feetechSCS, .dynamixelAX: false
    }
  }
}
