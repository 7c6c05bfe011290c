import ArmModel
import CSystem

/// What the filter did to a proposal.
public struct Alterations: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  @_noLocks
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The goal lay beyond a joint limit.
  public static var position: Alterations { @_noLocks get { Alterations(rawValue: 1) } }
  /// The goal was too far for the velocity limit.
  public static var velocity: Alterations { @_noLocks get { Alterations(rawValue: 2) } }
  /// The change of speed was too large for the acceleration limit.
  public static var acceleration: Alterations { @_noLocks get { Alterations(rawValue: 4) } }
  /// The effort was larger than its limit.
  public static var effort: Alterations { @_noLocks get { Alterations(rawValue: 8) } }
  /// The proposal was not executed at all: the core held or stopped.
  public static var overruled: Alterations { @_noLocks get { Alterations(rawValue: 16) } }
}

/// Joint, velocity and acceleration limits on the last *commanded* goal, for position commands.
///
/// The reference is what was commanded last, never what was measured: a loaded joint lags its goal, and limits against
/// the measured position would let it sag. Speed is kept so low that a stop by whole ticks of the allowed deceleration
/// ends before the goal, and so before every joint limit. In units of u = v/(a·Δt), D = d/(a·Δt²), with d the distance
/// to the goal, Δt the tick and a the acceleration limit, a stop from u covers (k+1)·u − k(k+1)/2 with k = ⌊u⌋, so that
///
///     k = ⌊(√(1 + 8D) − 1)/2⌋,  u ≤ D/(k+1) + k/2
///
/// Before `adopt` the reference is the origin. Real-time safe.
struct CommandFilter: BitwiseCopyable {
  let limits: SafetyLimits
  /// Seconds per tick.
  let period: Double
  /// The last commanded goal, rad, and its speed, rad/s.
  private(set) var goal: JointVector
  private(set) var speed: JointVector

  @_noLocks
  init(limits: SafetyLimits, period: Double) {
    self.limits = limits
    self.period = period
    goal = JointVector(repeating: 0, count: limits.lower.count)
    speed = JointVector(repeating: 0, count: limits.lower.count)
  }

  /// Makes `position` the reference, at rest.
  @_noLocks
  mutating func adopt(_ position: JointVector) {
    goal = position
    speed = JointVector(repeating: 0, count: position.count)
  }

  /// The next goal on the way to `target`, within every limit. `joints` gets a bit for each joint that was altered.
  /// An arm adopted outside its joint limits only moves inward.
  @_noLocks
  mutating func advance(to target: JointVector, alterations: inout Alterations, joints: inout UInt16) -> JointVector {
    advance(to: target, atMost: limits.velocity, alterations: &alterations, joints: &joints)
  }

  /// The same, with speeds up to `fastest` (rad/s, at most the limits).
  @_noLocks
  mutating func advance(
    to target: JointVector, atMost fastest: JointVector, alterations: inout Alterations, joints: inout UInt16
  ) -> JointVector {
    for index in 0..<goal.count {
      var altered = Alterations(rawValue: 0)
      var wanted = target[index]
      if wanted < limits.lower[index] {
        wanted = limits.lower[index]
        altered = .position
      } else if wanted > limits.upper[index] {
        wanted = limits.upper[index]
        altered = .position
      }
      let exact = (wanted - goal[index]) / period
      let v = allowedSpeed(joint: index, exact: exact, fastest: fastest[index], altered: &altered)
      if v == exact {
        // The target itself, free of the rounding of a speed times a time.
        speed[index] = v
        goal[index] = wanted
      } else {
        move(joint: index, speed: v)
      }
      if altered.rawValue != 0 {
        alterations = Alterations(rawValue: alterations.rawValue | altered.rawValue)
        joints |= 1 << UInt16(truncatingIfNeeded: index)
      }
    }
    return goal
  }

  /// Moves on towards rest; true once every joint's commanded speed is 0.
  @_noLocks
  mutating func decelerate() -> Bool {
    var atRest = true
    for index in 0..<goal.count {
      let change = limits.acceleration[index] * period
      let v = speed[index]
      let next = v.magnitude <= change ? 0 : (v > 0 ? v - change : v + change)
      move(joint: index, speed: next)
      if next != 0 { atRest = false }
    }
    return atRest
  }

  @_noLocks
  private mutating func move(joint index: Int, speed v: Double) {
    let before = goal[index]
    var after = before + v * period
    // Only rounding can carry the goal over a limit it was inside of.
    if after > limits.upper[index] && before <= limits.upper[index] { after = limits.upper[index] }
    if after < limits.lower[index] && before >= limits.lower[index] { after = limits.lower[index] }
    speed[index] = v
    goal[index] = after
  }

  /// The speed for this tick, rad/s, as near to `exact` as the limits allow.
  @_noLocks
  private func allowedSpeed(
    joint index: Int, exact: Double, fastest: Double, altered: inout Alterations
  ) -> Double {
    var v = exact
    if v.magnitude > fastest {
      v = v > 0 ? fastest : -fastest
      altered = Alterations(rawValue: altered.rawValue | Alterations.velocity.rawValue)
    }
    guard limits.acceleration[index].isFinite else { return v }
    let permitted = v
    let change = limits.acceleration[index] * period
    let distance = exact.magnitude / change
    let ticks = sinew_floor((sinew_sqrt(1 + 8 * distance) - 1) / 2)
    let braking = change * (distance / (ticks + 1) + ticks / 2)
    // A distance within one tick's reach is covered exactly: its braking speed is the exact one but for rounding.
    if ticks > 0 && v.magnitude > braking { v = v > 0 ? braking : -braking }
    if v > speed[index] + change { v = speed[index] + change }
    if v < speed[index] - change { v = speed[index] - change }
    if (v - permitted).magnitude * period > 1e-9 {
      altered = Alterations(rawValue: altered.rawValue | Alterations.acceleration.rawValue)
    }
    return v
  }
}
