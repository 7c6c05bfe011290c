import ArmModel
import Control
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

  /// What is wrong with the black box of a life that goes on: it has to be readable, to end with the tick that latched what
  /// is latched, and to hold the ticks before, as they were.
  static func blackBoxFinding(_ arm: LiveArm) throws -> String? {
    let looks = arm.all()
    let records = try BlackBoxFile(path: arm.blackBox).records
    guard let last = looks.last, let end = records.last else { return "the black box is empty" }
    var cause: LiveArm.Look?
    for (index, look) in looks.enumerated() where look.decision.latched != .none {
      if index == 0 || looks[index - 1].decision.latched == .none { cause = look }
    }
    if last.decision.latched != .none, let cause {
      guard end.now == cause.began, end.latched == cause.decision.latched else {
        return "the black box ends with \(end.latched.conditions), not with \(cause.decision.latched.conditions)"
      }
    } else if last.decision.latched == .none && end.latched == .none && end.now < last.began {
      return "the black box ends before the last tick"
    }
    let known = Dictionary(uniqueKeysWithValues: looks.map { ($0.began, $0) })
    for record in records where record.now <= last.began {
      guard let look = known[record.now], record.state == look.decision.state, record.active == look.decision.active,
        record.writes == look.decision.writes,
        record.command.starts(with: look.decision.command.goal.array)
      else { return "the black box tells tick \(record.number) otherwise" }
    }
    // What came after a fault is not in it.
    let noted = looks.prefix { $0.decision.latched == .none }.count
    let expected = min(noted, Int(2 / LiveArm.seconds)) - 1
    return records.count < expected ? "the black box has \(records.count) ticks only" : nil
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
