import ArmModel
import Glibc
import Recording

/// The dimensions of Reacher.
public let reacher = TransitionLayout(observationCount: 10, actionCount: 2, jointCount: 2, rewardTermCount: 2)

/// Puts step `index` of a made-up run into the port; the numbers are noise, the worst case for compression.
/// Episodes have 50 steps.
public func record(_ index: Int, stamp: Int64, duration: Double, into port: inout RecorderPort, noise: inout Noise) {
  let isFinal = index % 50 == 49
  var joints = JointState(count: 2)
  joints.position = JointVector([noise.next(), noise.next()])
  joints.velocity = JointVector([noise.next(), noise.next()])
  joints.present = [.position, .velocity]
  joints.stamp = stamp
  port.recordJoints(joints)
  if index % 50 == 0 { port.recordEvent(.episodeStarted, stamp: stamp, first: Int64(index / 50)) }
  if index % 50 == 49 { port.recordEvent(.episodeEnded, stamp: stamp, first: Int64(index / 50), second: 50) }
  guard let writer = port.reserveTransition(isFinal: isFinal) else { return }
  writer.setStep(
    UInt64(index), stamp: stamp, duration: duration, episode: UInt32(index / 50), stepInEpisode: UInt32(index % 50))
  let observation = (0..<10).map { _ in noise.next() }
  let mean = (0..<2).map { _ in Float(noise.next()) }
  let raw = (0..<2).map { _ in Float(noise.next()) }
  writer.setObservation(observation)
  writer.setAction(mean: mean, logStandardDeviation: [-0.5, -0.5], raw: raw, action: raw)
  let goal = JointVector(raw.map { Double($0) * 200 })
  writer.setCommand(JointCommand(mode: .effort, goal: goal, stamp: stamp), proposal: goal, source: .policy)
  writer.setJoints(joints)
  writer.setLogProbability(Float(noise.next()), value: .nan)
  let terms = [noise.next(), noise.next()]
  writer.setReward(terms[0] + terms[1], terms: terms)
  if isFinal {
    writer.setFinalObservation(observation)
    writer.setFlags([.truncated])
  }
  port.commitTransition()
}

/// Numbers in -1 … 1 that do not compress (SplitMix64).
public struct Noise {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }
  public mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) / Double(1 << 52) - 1
  }
}

/// CLOCK_MONOTONIC, ns.
public func monotonicNow() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
