/// One joint of the arm on the control thread: where its numbers are in the engine's arrays, and what moves it.
struct JointDrive: BitwiseCopyable {
  /// What stands between a command and the joint.
  enum Kind: UInt8, BitwiseCopyable {
    /// Effort commands, N·m, on a plain torque motor.
    case motor
    /// Position commands, handed to the model's own position actuator.
    case actuator
    /// Position commands, to our servo model on a plain torque motor.
    case servo
  }

  private let kind: Kind
  /// Address in qpos, qvel, ctrl.
  let position: Int
  let velocity: Int
  let control: Int
  /// Torque motors: N·m per unit of control. Position actuators: control per rad.
  let scale: Double
  /// Factor on the torque of a plain motor, and its largest torque, N·m.
  let motorGain: Double
  let motorLimit: Double
  var servo: Servo
  var backlash: Backlash
  /// The goal in force, rad or N·m.
  var goal = 0.0

  @_noLocks
  init(
    kind: Kind, position: Int, velocity: Int, control: Int, scale: Double, motorGain: Double, motorLimit: Double,
    servo: Servo, backlash: Backlash
  ) {
    self.kind = kind
    self.position = position
    self.velocity = velocity
    self.control = control
    self.scale = scale
    self.motorGain = motorGain
    self.motorLimit = motorLimit
    self.servo = servo
    self.backlash = backlash
  }

  /// Whether our servo model drives it.
  var isServo: Bool {
    @_noLocks get {
      switch kind {
      case .servo: return true
      default: return false
      }
    }
  }

  /// At rest at `position`: position drives hold it, torque motors give nothing.
  @_noLocks
  mutating func reset(position: Double) {
    servo.reset(position: position)
    backlash.reset()
    switch kind {
    case .motor: goal = 0
    default: goal = position
    }
  }

  /// The control that suits rest at the goal before the first physics step: a position actuator's goal, else none.
  var restingControl: Double {
    @_noLocks get {
      switch kind {
      case .actuator: return goal * scale
      default: return 0
      }
    }
  }

  /// The engine's control for the coming physics step.
  @_noLocks
  mutating func control(position: Double, velocity: Double, timestep: Double) -> Double {
    switch kind {
    case .actuator: return goal * scale
    case .motor:
      let torque = max(-motorLimit, min(motorLimit, goal * motorGain))
      return backlash.transmit(torque, timestep: timestep) / scale
    case .servo:
      servo.goal = goal
      let torque = servo.torque(
        position: position + backlash.gap, velocity: velocity + backlash.speed, timestep: timestep)
      return backlash.transmit(torque, timestep: timestep) / scale
    }
  }
}
