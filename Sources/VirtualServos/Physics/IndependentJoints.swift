import Glibc

/// Shafts that know nothing of each other: each follows its goal with a first-order lag up to a largest speed.
///
/// A hand may turn a released shaft, and an obstacle may block one; a blocked motor pulls with all it has. Before the
/// first step every shaft stands at its start position.
public final class IndependentJoints: ServoPhysics {
  /// One shaft.
  public struct Joint: Sendable {
    /// Where it stands at first, rad.
    public var start: Double
    /// Largest speed, rad/s.
    public var speed: Double
    /// Time constant of the lag, s.
    public var timeConstant: Double
    /// Mechanical stops, rad.
    public var range: ClosedRange<Double>

    /// A shaft without stops, unless told otherwise.
    public init(
      start: Double = 0, speed: Double = 5, timeConstant: Double = 0.02,
      range: ClosedRange<Double> = -.infinity ... .infinity
    ) {
      self.start = start
      self.speed = speed
      self.timeConstant = timeConstant
      self.range = range
    }
  }

  /// Where a hand wants a shaft, rad, and how fast it turns it, rad/s.
  private struct Hand {
    var position: Double
    var speed: Double
  }

  public let stepNanoseconds: Int64
  /// The shafts, as they were made.
  public let joints: [Joint]
  private let gains: [Double]
  private var hands: [Hand?]
  private var blocked: [Bool]

  /// Joints that move in steps of `stepNanoseconds`.
  public init(_ joints: [Joint], stepNanoseconds: Int64 = 1_000_000) {
    precondition(stepNanoseconds > 0, "a step takes time")
    self.joints = joints
    self.stepNanoseconds = stepNanoseconds
    let step = Double(stepNanoseconds) * 1e-9
    gains = joints.map { 1 - exp(-step / max($0.timeConstant, 1e-6)) }
    hands = Array(repeating: nil, count: joints.count)
    blocked = Array(repeating: false, count: joints.count)
  }

  public var count: Int { joints.count }
  public var initialStates: [ShaftState] { joints.map { ShaftState(position: $0.start) } }

  /// A hand turns shaft `index` to `position` (rad) as soon as its motor is released, as fast as `speed` (rad/s; nil: as
  /// the shaft may); a position of nil lets go.
  public func hold(_ index: Int, at position: Double?, speed: Double? = nil) {
    hands[index] = position.map { Hand(position: $0, speed: speed ?? joints[index].speed) }
  }

  /// An obstacle stops shaft `index`, or goes away.
  public func block(_ index: Int, _ isBlocked: Bool = true) { blocked[index] = isBlocked }

  public func step(_ drives: [ServoDrive], states: inout [ShaftState]) {
    let time = Double(stepNanoseconds) * 1e-9
    for index in joints.indices {
      let joint = joints[index]
      let drive = drives[index]
      let old = states[index].position
      guard drive.isEnergised, drive.torqueFraction > 0 else {
        var next = old
        if let hand = hands[index] {
          let limit = hand.speed * time
          next = clamped(old + max(-limit, min(limit, hand.position - old)), joint.range)
        }
        states[index] = ShaftState(position: next, velocity: (next - old) / time)
        continue
      }
      let wanted = drive.goal - old
      var move = wanted * gains[index]
      // With a tenth of its torque a motor is slower, yet gets there: nothing pulls at these shafts.
      let limit = joint.speed * time * max(0.05, min(1, drive.torqueFraction))
      move = max(-limit, min(limit, move))
      let next = blocked[index] ? old : clamped(old + move, joint.range)
      let velocity = (next - old) / time
      let isStopped = blocked[index] || (next - (old + move)).magnitude > 1e-12
      // Stopped short of its goal the motor pulls with all it may; moving freely it only overcomes friction.
      let pull = isStopped ? max(-1, min(1, wanted * 10)) : 0.2 * velocity / joint.speed
      let load = max(-drive.torqueFraction, min(drive.torqueFraction, pull))
      states[index] = ShaftState(position: next, velocity: velocity, load: load)
    }
  }

  private func clamped(_ value: Double, _ range: ClosedRange<Double>) -> Double {
    max(range.lowerBound, min(range.upperBound, value))
  }
}
