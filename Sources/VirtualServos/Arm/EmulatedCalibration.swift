import ArmModel

/// The calibration of an arm that virtual servos stand for.
public enum EmulatedCalibration {
  /// What belongs to servos of one model with these ids on the joints of an arm, as `VirtualServoBus` sets them up: joint
  /// position 0 where the encoder reads the middle of its turn, no homing offset.
  public static func make(
    profile nameOrPath: String, model: ServoModel, ids: [UInt8]
  ) throws(VirtualServoError) -> ArmCalibration {
    let arm = try VirtualArm(nameOrPath, choices: [ServoChoice(model)])
    guard ids == arm.ids else {
      throw VirtualServoError(
        "arm '\(arm.profile.name)' has servos \(arm.ids.map { "\($0)" }.joined(separator: ", ")); give --ids these")
    }
    return arm.calibration
  }
}

extension VirtualArm {
  /// What calibrating this arm gives.
  public var calibration: ArmCalibration {
    var joints: [JointCalibration] = []
    for (index, joint) in profile.joints.enumerated() {
      let servo = bus.servos[index]
      guard let model = mounts.first(where: { $0.joint == index && $0.leader == nil })?.model else { continue }
      let zero = ServoSetup(model, id: servo.servo).zeroTicks
      let perRadian = model.ticksPerRadian * servo.gear * (servo.sign < 0 ? -1 : 1)
      let turn = 0...Double(model.largestPosition)
      func ticks(_ angle: Double, _ end: Double) -> Int {
        let ticks = angle.isFinite && !servo.isContinuous ? zero + angle * perRadian : end
        return Int((servo.mode == .position ? min(max(ticks, turn.lowerBound), turn.upperBound) : ticks).rounded())
      }
      let ends = [
        ticks(servo.sign < 0 ? joint.upper : joint.lower, turn.lowerBound),
        ticks(servo.sign < 0 ? joint.lower : joint.upper, turn.upperBound),
      ]
      joints.append(
        JointCalibration(
          joint: joint.name, servo: servo.servo, model: profileName(of: model, at: index), modelNumber: model.number,
          zero: zero, sign: servo.sign < 0 ? -1 : 1, lower: ends[0], upper: ends[1],
          isContinuous: servo.isContinuous, homingOffset: model.hasHomingOffset ? 0 : nil, mode: servo.mode,
          followers: servo.followers.map { FollowerCalibration(servo: $0, homingOffset: 0) }))
    }
    return ArmCalibration(
      name: "\(profile.name)-emulated", profile: profile.name, origin: "sinew emulate, servos with straight horns",
      joints: joints)
  }
}

extension ServoSetup {
  /// This servo with the mode and the position limits that calibrating the joint would have left in its EEPROM.
  public func calibrated(as joint: JointCalibration) -> ServoSetup {
    var setup = self
    let (minimum, maximum) =
      switch model.family {
      case .feetechSTS, .feetechSCS: (Sts.minimum, Sts.maximum)
      case .dynamixelX: (X.minPosition, X.maxPosition)
      case .dynamixelAX: (AX.minimum, AX.maximum)
      }
    if case .dynamixelX = model.family {
      switch joint.mode {
      case .position: break
      case .extended: setup.registers[X.operatingMode] = 4
      case .currentBased: setup.registers[X.operatingMode] = 5
      }
    }
    // Beyond one turn a DYNAMIXEL has no limits of its own.
    guard joint.mode == .position else { return setup }
    setup.registers[minimum] = joint.isContinuous ? 0 : joint.lower
    setup.registers[maximum] = joint.isContinuous ? model.largestPosition : joint.upper
    return setup
  }

  /// What `sinew calibrate` writes before anything is measured: drive mode and secondary id, where a servo has them.
  mutating func settle(countsInReverse: Bool, leader: UInt8?) {
    guard case .dynamixelX = model.family else { return }
    registers[X.driveMode] = countsInReverse ? 1 : 0
    if let leader { registers[X.secondaryID] = Int(leader) }
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
