import ArmModel
import Safety

/// Judges a core by what leaves it, and by nothing else: differentiates the goals on the wire again.
///
/// The first finding is kept as a sentence. Tolerances are a billionth of the
/// limit and what rounding can do to a goal.
struct WireAudit {
  let limits: JointLimits
  let seconds: Double
  private(set) var goal: [Double]
  private(set) var speed: [Double]
  private(set) var acceleration: [Double]
  private(set) var finding: String?
  /// Ticks since a stop began, and the most that it may take.
  private var stopTicks = 0
  private var stopBound = 0

  init(limits: JointLimits, seconds: Double) {
    self.limits = limits
    self.seconds = seconds
    goal = limits.lower.array.map { _ in 0 }
    speed = goal
    acceleration = goal
  }

  /// The reference was set anew, at rest.
  mutating func adopt(_ position: JointVector) {
    for index in goal.indices {
      goal[index] = position[index]
      speed[index] = 0
      acceleration[index] = 0
    }
    stopTicks = 0
  }

  /// Whether any joint moves faster than one tick of braking takes away.
  var needsTimeToStop: Bool {
    goal.indices.contains { speed[$0].magnitude > limits.acceleration[$0] * seconds * (1 + 1e-9) }
  }

  /// Looks at the decision of one tick, in position mode.
  mutating func check(_ decision: Decision) {
    guard finding == nil else { return }
    watchStop(decision)
    guard decision.writes else {
      for index in speed.indices {
        speed[index] = 0
        acceleration[index] = 0
      }
      return
    }
    for index in goal.indices {
      let before = goal[index]
      let after = decision.command.goal[index]
      let scale = max(1, after.magnitude, before.magnitude)
      let next = (after - before) / seconds
      if !after.isFinite { finding = "joint \(index): goal \(after)" }
      checkPosition(index, from: before, to: after)
      // What the last digit of a goal does to its differences, in each unit.
      let digit = 4e-16 * scale / seconds
      if next.magnitude > limits.velocity[index] * (1 + 1e-9) + digit {
        finding = "joint \(index): speed \(next) above \(limits.velocity[index])"
      }
      let change = (next - speed[index]) / seconds
      if change.magnitude > limits.acceleration[index] * (1 + 1e-9) + 4 * digit / seconds {
        finding = "joint \(index): acceleration \(change) above \(limits.acceleration[index])"
      }
      let jerk = (change - acceleration[index]) / seconds
      if jerk.magnitude > limits.jerk[index] * (1 + 1e-9) + 16 * digit / seconds / seconds {
        finding = "joint \(index): jerk \(jerk) above \(limits.jerk[index])"
      }
      goal[index] = after
      speed[index] = next
      acceleration[index] = change
    }
  }

  /// Inside its limits a joint stays inside exactly; outside it comes nearer or stays.
  private mutating func checkPosition(_ index: Int, from before: Double, to after: Double) {
    let (lower, upper) = (limits.lower[index], limits.upper[index])
    let isFine: Bool
    if before > upper {
      isFine = after <= before && after >= lower
    } else if before < lower {
      isFine = after >= before && after <= upper
    } else {
      isFine = after >= lower && after <= upper
    }
    if !isFine { finding = "joint \(index): goal \(after) after \(before), limits \(lower) … \(upper)" }
  }

  /// The most ticks that a stop of one joint may take: by its speed and deceleration, and up to two changes of
  /// acceleration between rest and full with a tick of rounding each.
  private func ticksToRest(_ index: Int) -> Int {
    let (most, jerk) = (limits.acceleration[index], limits.jerk[index])
    guard jerk.isFinite else {
      return most.isFinite ? Int((speed[index].magnitude / (most * seconds) - 1e-6).rounded(.up)) + 1 : 1
    }
    // Before it can brake, the joint may have to stop speeding up.
    let a = acceleration[index].magnitude
    let v = speed[index].magnitude + a * a / (2 * jerk)
    let changes = (2 * min(most, (v * jerk).squareRoot()) + a) / (jerk * seconds)
    return Int(((most.isFinite ? v / (most * seconds) : 0) + changes).rounded(.up)) + 6
  }

  private mutating func watchStop(_ decision: Decision) {
    if decision.state != .stopping {
      stopTicks = 0
      return
    }
    if stopTicks == 0 {
      stopBound = 1
      for index in speed.indices {
        stopBound = max(stopBound, ticksToRest(index))
      }
    }
    stopTicks += 1
    // The tick that comes to rest already shows the state after it, so at most bound - 1 show `stopping`.
    if stopTicks >= stopBound + 1 { finding = "still stopping after \(stopTicks) ticks, bound \(stopBound)" }
  }
}

extension Decision {
  /// Every field, as exact text, to compare two runs.
  var fingerprint: [UInt64] {
    [
      writes ? 1 : 0, UInt64(state.rawValue), UInt64(source.rawValue), active.rawValue, latched.rawValue,
      UInt64(stopClass.rawValue), UInt64(alterations.rawValue), UInt64(alteredJoints),
      UInt64(command.mode.rawValue), UInt64(bitPattern: command.stamp), UInt64(power.rawValue),
      torqueShare.bitPattern, UInt64(notices.rawValue), UInt64(refused.rawValue), UInt64(refusal.rawValue),
    ] + command.goal.array.map(\.bitPattern)
  }
}
