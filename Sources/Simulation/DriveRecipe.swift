/// What a joint's drive is made of, before anything is perturbed.
struct DriveRecipe: BitwiseCopyable {
  var kind = JointDrive.Kind.motor
  var position = 0
  var velocity = 0
  var control = 0
  var scale = 1.0
  /// Largest torque of a plain motor by its control range, N·m. It counts only where a torque limit is perturbed.
  var motorRange = Double.infinity
  /// The servo's; of a joint without one they do not matter.
  var parameters = ServoParameters(supplyVoltage: 1, torqueConstant: 1, resistance: 1, proportional: 0)
  /// Rotor inertia, kg·m².
  var armature = 0.0

  /// Whether our servo model drives the joint.
  var isServo: Bool { kind == .servo }

  /// The servo's figures with these values.
  @_noLocks
  func servo(_ values: PerturbationValues) -> ServoParameters {
    var servo = parameters
    servo.proportional *= values[.gain]
    servo.maxDuty *= min(1, values[.torqueLimit])
    servo.torqueLimit *= values[.torqueLimit]
    if values.isSet(.voltage) { servo.supplyVoltage = values[.voltage] }
    return servo
  }

  /// The drive with these values.
  @_noLocks
  func drive(_ values: PerturbationValues) -> JointDrive {
    JointDrive(
      kind: kind, position: position, velocity: velocity, control: control, scale: scale, motorGain: values[.gain],
      motorLimit: values.isSet(.torqueLimit) ? motorRange * values[.torqueLimit] : .infinity,
      servo: Servo(servo(values)), backlash: Backlash(play: values[.backlash], armature: armature))
  }
}
