import CSystem
import Numerics

/// Pendulum-v1: a torque-limited pendulum is swung up and balanced.
///
/// State (θ, ω): angle from upright, counter-clockwise, never wrapped, rad; rad/s. With g = 10, m = 1, l = 1, dt = 0.05:
/// reward −(wrap(θ)² + 0.1·ω² + 0.001·u²) of the state before the step, u = clip(a, ±2) N·m;
/// ω ← clip(ω + (3g/(2l)·sin θ + 3u/(ml²))·dt, ±8), θ ← θ + ω·dt with the new ω. Observation (cos θ, sin θ, ω).
/// θ₀ ~ U(−π, π), ω₀ ~ U(−1, 1); truncated after 200 steps, never terminated.
/// Source: Gymnasium 1.4.0, `gymnasium/envs/classic_control/pendulum.py`.
public struct Pendulum: ~Copyable, Environment {
  public var observationCount: Int { 3 }
  public var actionCount: Int { 1 }
  public var actionRange: ClosedRange<Double> { -2...2 }
  public var stepLimit: Int { 200 }

  /// Angle from upright, rad.
  public var angle = 0.0
  /// Angular velocity, rad/s.
  public var velocity = 0.0
  private var steps = 0

  public init() {}

  public mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) {
    angle = random.uniform(from: -.pi, to: .pi)
    velocity = random.uniform(from: -1, to: 1)
    steps = 0
    observe(observation)
  }

  public mutating func step(
    action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
  ) -> EnvironmentStep {
    let torque = min(max(Double(action[0]), -2), 2)
    let reward = advance(torque: torque)
    steps += 1
    observe(observation)
    return EnvironmentStep(reward: reward, terminated: false, truncated: steps >= stepLimit)
  }

  /// One step with a torque in N·m, cut to ±2; the reward.
  public mutating func advance(torque: Double) -> Double {
    let u = min(max(torque, -2), 2)
    let turn = 2 * Double.pi
    let shifted = angle + Double.pi
    let wrapped = shifted - turn * sinew_floor(shifted / turn) - Double.pi
    let cost = wrapped * wrapped + 0.1 * velocity * velocity + 0.001 * u * u
    velocity = min(max(velocity + (15 * sinew_sin(angle) + 3 * u) * 0.05, -8), 8)
    angle += velocity * 0.05
    return -cost
  }

  private func observe(_ observation: UnsafeMutablePointer<Double>) {
    observation[0] = sinew_cos(angle)
    observation[1] = sinew_sin(angle)
    observation[2] = velocity
  }
}
