import ArmModel
import Safety

/// Judges what left the core, tick by tick: position, speed, acceleration and jerk by differentiating again, the distance
/// from what was measured, and that nothing leaves a core that must be silent.
struct LiveAudit {
  let configuration: SafetyConfiguration
  private var goal: [Double]?
  private var speed: [Double]
  private var acceleration: [Double]

  init(_ configuration: SafetyConfiguration) {
    self.configuration = configuration
    speed = configuration.limits.lower.array.map { _ in 0 }
    acceleration = speed
  }

  /// What is wrong with a life, as a sentence; nil when nothing is.
  static func finding(_ looks: [LiveArm.Look], _ configuration: SafetyConfiguration) -> String? {
    var audit = LiveAudit(configuration)
    for (number, look) in looks.enumerated() {
      if let finding = audit.check(look, isDamped: number > 0 && looks[number - 1].decision.torqueShare < 1) {
        return "tick \(number): \(finding)"
      }
    }
    return nil
  }

  private mutating func check(_ look: LiveArm.Look, isDamped: Bool) -> String? {
    let decision = look.decision
    switch decision.state {
    case .boot, .disarmed, .fault, .emergencyStop:
      if decision.writes { return "it writes in \(decision.state)" }
    default: break
    }
    guard decision.writes else {
      rest(nil)
      return nil
    }
    let next = decision.command.goal.array
    // A reference that was set anew, and an arm that gives way, are no motion.
    let isAdopted =
      decision.active.has(.timeGap) || decision.active.has(.suspended) || decision.torqueShare < 1 || isDamped
      || decision.state == .arming
    guard let before = goal, !isAdopted else {
      rest(next)
      return nil
    }
    let (seconds, limits) = (LiveArm.seconds, configuration.limits)
    goal = next
    for joint in next.indices {
      let outside = max(limits.lower[joint] - next[joint], next[joint] - limits.upper[joint], 0)
      let was = max(limits.lower[joint] - before[joint], before[joint] - limits.upper[joint], 0)
      if outside > was { return "joint \(joint): goal \(next[joint])" }
      let (oldSpeed, oldAcceleration) = (speed[joint], acceleration[joint])
      speed[joint] = (next[joint] - before[joint]) / seconds
      acceleration[joint] = (speed[joint] - oldSpeed) / seconds
      let jerk = (acceleration[joint] - oldAcceleration) / seconds
      if speed[joint].magnitude > limits.velocity[joint] * (1 + 1e-9) { return "joint \(joint): speed \(speed[joint])" }
      if acceleration[joint].magnitude > limits.acceleration[joint] * (1 + 1e-6) {
        return "joint \(joint): acceleration \(acceleration[joint])"
      }
      if jerk.magnitude > limits.jerk[joint] * (1 + 1e-6) { return "joint \(joint): jerk \(jerk)" }
    }
    return nil
  }

  private mutating func rest(_ goal: [Double]?) {
    self.goal = goal
    for joint in speed.indices {
      speed[joint] = 0
      acceleration[joint] = 0
    }
  }
}
