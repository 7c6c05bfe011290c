/// The inner goal of a servo: moves towards the commanded one within a speed and an acceleration. Encoder ticks.
struct MotionReference {
  private(set) var position = 0.0
  private(set) var velocity = 0.0

  /// Stands at `position`.
  mutating func reset(to position: Double) {
    self.position = position
    velocity = 0
  }

  /// A step of `time` seconds towards `goal`, able to stop there. Infinite limits mean at once.
  mutating func move(to goal: Double, speed: Double, acceleration: Double, time: Double) {
    let distance = goal - position
    guard distance != 0 else {
      velocity = 0
      return
    }
    var wanted = min(speed, distance.magnitude / time)
    if acceleration < .infinity { wanted = min(wanted, (2 * acceleration * distance.magnitude).squareRoot()) }
    run(at: distance < 0 ? -wanted : wanted, acceleration: acceleration, time: time)
    // Over the goal, or so near that the next step could only overshoot.
    if (goal - position) * distance <= 0, velocity.magnitude <= 2 * wanted { reset(to: goal) }
  }

  /// A step of `time` seconds at a wanted speed.
  mutating func run(at wanted: Double, acceleration: Double, time: Double) {
    let change = acceleration * time
    velocity += max(-change, min(change, wanted - velocity))
    position += velocity * time
  }
}
