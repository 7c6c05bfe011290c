/// Play between motor and joint: the motor's side may run ahead of the joint by half the play in either direction.
///
/// Torque reaches the joint only through a closed gap: while the motor presses against the side it pushes towards, all
/// of its torque; while it crosses the play, none, and the motor accelerates freely against its own inertia
/// (`armature`). It stops dead at the other side (no bounce, the impact's momentum is lost). The joint keeps the rotor's
/// inertia in the mass matrix throughout, so the joint itself is never lighter than with a closed gap. Motor and encoder
/// sit on the same side: what the servo controls and reports is joint + gap.
struct Backlash: BitwiseCopyable {
  /// Half of the play, rad; 0 = none.
  let half: Double
  /// Rotor inertia as seen at the joint, kg·m²; 0 crosses the play at once.
  let armature: Double
  /// Motor position minus joint position, rad, within ±half.
  private(set) var gap = 0.0
  /// Its speed, rad/s.
  private(set) var speed = 0.0

  @_noLocks
  init(play: Double, armature: Double) {
    half = play / 2
    self.armature = armature
  }

  /// The motor in the middle of the play, at rest.
  @_noLocks
  mutating func reset() {
    gap = 0
    speed = 0
  }

  /// Takes the motor's torque for one step; returns what reaches the joint.
  @_noLocks
  mutating func transmit(_ torque: Double, timestep: Double) -> Double {
    guard half > 0 else { return torque }
    if (torque > 0 && gap >= half) || (torque < 0 && gap <= -half) {
      speed = 0
      return torque
    }
    if armature > 0 {
      speed += torque / armature * timestep
      gap += speed * timestep
    } else if torque != 0 {
      gap = torque > 0 ? half : -half
    }
    if gap >= half || gap <= -half {
      gap = gap > 0 ? half : -half
      speed = 0
    }
    return 0
  }
}
