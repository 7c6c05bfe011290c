import ArmModel
import Foundation
import Numerics
import Safety

/// One joint with random limits; everything that it is told is audited.
struct JointDrive {
  var random: RandomStream
  let limits: JointLimits
  var bench: SafetyBench
  var audit: WireAudit
  let soonest: SoonestArrival

  init(seed: Int, position: Double = 50, isJerkLimited: Bool = true, period: Int64 = 5_000_000) {
    var draw = RandomStream(seed: UInt64(seed), name: "braking plan")
    func magnitude(_ low: Double, _ high: Double) -> Double { low * pow(high / low, draw.uniform()) }
    let acceleration = magnitude(1, 300)
    let jerk = isJerkLimited ? acceleration * magnitude(5, 150) : .infinity
    let velocity = acceleration * magnitude(0.03, 0.3)
    limits = SafetyBench.limits(
      count: 1, position: position * velocity, velocity: velocity, acceleration: acceleration, jerk: jerk)
    bench = SafetyBench(limits: limits, judgesTiming: false, period: period)
    audit = WireAudit(limits: limits, seconds: bench.seconds)
    soonest = SoonestArrival(speed: velocity, acceleration: acceleration, jerk: jerk)
    random = draw
    audit.check(bench.arm())
  }

  mutating func tick(to target: Double, _ requests: OperatorRequests = .none) -> Decision {
    bench.propose([target])
    let decision = bench.tick(requests)
    audit.check(decision)
    return decision
  }
}
