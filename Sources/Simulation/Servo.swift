import CSystem

/// The figures of a position servo, SI units, as the model below uses them. Plain data.
public struct ServoParameters: Sendable, Equatable, BitwiseCopyable {
  /// Supply voltage, V.
  public var supplyVoltage: Double
  /// Torque at the output per ampere, N·m/A; also the back-EMF, V·s/rad.
  public var torqueConstant: Double
  /// Winding and driver resistance, Ω.
  public var resistance: Double
  /// Largest duty cycle of the bridge, 0 … 1.
  public var maxDuty = 1.0
  /// Largest torque, N·m; infinite when only the duty cycle limits it.
  public var torqueLimit = Double.infinity
  /// Encoder steps per turn, which goals and positions are rounded to; 0 = not quantised.
  public var ticksPerTurn = 0.0
  /// Position error within which the bridge stays off, rad.
  public var deadBand = 0.0
  /// Duty cycle per radian of position error.
  public var proportional: Double
  /// Duty cycle per rad·s of accumulated error.
  public var integral = 0.0
  /// Duty cycle per rad/s of the position's change.
  public var derivative = 0.0
  /// How fast the inner goal may move, rad/s; infinite = at once.
  public var goalSpeed = Double.infinity
  /// How fast its speed may change, rad/s²; infinite = at once.
  public var goalAcceleration = Double.infinity
  /// Resolution of the reported velocity, rad/s; 0 = not quantised.
  public var velocityResolution = 0.0
  /// From the command to the servo's inner goal, s.
  public var commandLatency = 0.0
  /// From the measurement to its arrival, s.
  public var statusLatency = 0.0
  /// Reflected rotor inertia, kg·m²; nil leaves the model's own.
  public var armature: Double?
  /// Coulomb friction, N·m; nil leaves the model's own.
  public var friction: Double?
  /// Viscous friction without back-EMF, N·m·s/rad; nil leaves the model's own.
  public var viscous: Double?

  public init(supplyVoltage: Double, torqueConstant: Double, resistance: Double, proportional: Double) {
    self.supplyVoltage = supplyVoltage
    self.torqueConstant = torqueConstant
    self.resistance = resistance
    self.proportional = proportional
  }

  /// Torque at standstill with the largest duty cycle, N·m.
  public var stallTorque: Double {
    min(torqueLimit, torqueConstant / resistance * supplyVoltage * maxDuty)
  }
  /// Position stiffness around the goal, N·m/rad.
  public var stiffness: Double { proportional * supplyVoltage * torqueConstant / resistance }
  /// Speed at which the back-EMF eats the whole supply, rad/s; friction makes the real one lower.
  public var freeSpeed: Double { supplyVoltage * maxDuty / torqueConstant }
  /// Damping by the back-EMF, N·m·s/rad.
  public var electricDamping: Double { torqueConstant * torqueConstant / resistance }
}

/// A firmware-like position servo: from a goal and the shaft's position and speed to the torque of its motor.
///
/// Each physics step: the inner goal moves towards the commanded one within its speed and acceleration; goal and
/// position are rounded to encoder steps; their difference (nothing inside the dead band) makes a duty cycle by
/// P, I and D gains, clamped to the largest duty; the motor turns it into torque against its back-EMF,
/// τ = kt/R · (V·duty − kt·ω), clamped to the torque limit. Gear friction and rotor inertia belong to the joint, not here.
/// Before the first goal it holds the position given to `reset`.
///
/// Source of the motor equation: M. Duclusaud et al., "Extended Friction Models for the Physics Simulation of Servo
/// Actuators" (BAM), 2025, model m1; of the firmware's part: the manufacturers' register tables.
struct Servo: BitwiseCopyable {
  let parameters: ServoParameters
  /// Commanded goal, rad.
  var goal = 0.0
  private var reference = 0.0
  private var referenceSpeed = 0.0
  private var accumulated = 0.0
  private var encoderStep: Double

  @_noLocks
  init(_ parameters: ServoParameters) {
    self.parameters = parameters
    encoderStep = parameters.ticksPerTurn > 0 ? 2 * Double.pi / parameters.ticksPerTurn : 0
  }

  /// Torque on, standing at `position`, which is also the goal.
  @_noLocks
  mutating func reset(position: Double) {
    goal = position
    reference = position
    referenceSpeed = 0
    accumulated = 0
  }

  /// The motor's torque, N·m, for the coming physics step of `timestep` seconds.
  @_noLocks
  mutating func torque(position: Double, velocity: Double, timestep: Double) -> Double {
    moveReference(timestep)
    var error = quantised(reference) - quantised(position)
    // Half an encoder step of slack: a dead band of one step means differences of 1 and less.
    if error.magnitude <= parameters.deadBand + 0.25 * encoderStep && parameters.deadBand > 0 { error = 0 }
    let limit = parameters.maxDuty
    accumulated = clamp(accumulated + parameters.integral * error * timestep, limit)
    let duty = clamp(parameters.proportional * error + accumulated - parameters.derivative * velocity, limit)
    let voltage = parameters.supplyVoltage * duty - parameters.torqueConstant * velocity
    return clamp(parameters.torqueConstant / parameters.resistance * voltage, parameters.torqueLimit)
  }

  /// What the encoder makes of a position, rad.
  @_noLocks
  func quantised(_ position: Double) -> Double {
    encoderStep > 0 ? sinew_round(position / encoderStep) * encoderStep : position
  }

  /// What the status reports of a velocity, rad/s.
  @_noLocks
  func quantisedVelocity(_ velocity: Double) -> Double {
    let step = parameters.velocityResolution
    return step > 0 ? sinew_round(velocity / step) * step : velocity
  }

  /// A trapezoid in speed: as fast as allowed, slow enough to stop at the goal.
  @_noLocks
  private mutating func moveReference(_ timestep: Double) {
    let distance = goal - reference
    guard parameters.goalSpeed < .infinity || parameters.goalAcceleration < .infinity else {
      reference = goal
      return
    }
    var wanted = min(parameters.goalSpeed, distance.magnitude / timestep)
    if parameters.goalAcceleration < .infinity {
      wanted = min(wanted, sinew_sqrt(2 * parameters.goalAcceleration * distance.magnitude))
      let change = parameters.goalAcceleration * timestep
      let signed = distance < 0 ? -wanted : wanted
      referenceSpeed += clamp(signed - referenceSpeed, change)
    } else {
      referenceSpeed = distance < 0 ? -wanted : wanted
    }
    let next = reference + referenceSpeed * timestep
    // Arrived, or about to step over the goal slowly enough to stop there.
    if (goal - next) * distance <= 0 && referenceSpeed.magnitude <= 2 * wanted {
      reference = goal
      referenceSpeed = 0
    } else {
      reference = next
    }
  }

  @_noLocks
  private func clamp(_ value: Double, _ limit: Double) -> Double { max(-limit, min(limit, value)) }
}
