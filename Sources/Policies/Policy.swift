import CSystem
import Networks
import Numerics

/// Which action a policy gives.
public enum ActionSelection: UInt8, Sendable, BitwiseCopyable {
  /// The distribution's mean, or a deterministic policy without noise.
  case mean
  /// A sample, or a deterministic policy with its exploration noise.
  case sample
}

/// How one step of a policy ended. Raw codes, so that the control thread can store and compare them.
public enum PolicyStatus: UInt8, Sendable, BitwiseCopyable {
  /// The action is usable.
  case ok
  /// An observation is NaN or infinite, or too large for single precision. The network did not run.
  case nonFiniteObservation
  /// The network, the standard deviation or the action is NaN or infinite.
  case nonFiniteAction
}

/// A policy that is ready to act: its network, its head and all memory, owned by one thread at a time.
///
/// Before the first `act` every result is NaN and recurrent state is zero. After a status other than `ok` every result
/// is NaN again; after `nonFiniteAction` recurrent state may hold NaN until `reset`. Made by `LoadedPolicy.makePolicy`.
/// Real time: `act`, `reset` and the results neither allocate nor lock.
public struct Policy: ~Copyable {
  /// Numbers in an observation.
  public let observationCount: Int
  /// Numbers in an action.
  public let actionCount: Int
  var program: Program
  let head: Head
  let transform: ObservationTransform

  // Results, one block of 4 × actionCount floats: mean, log-std, raw, action.
  private let results: UnsafeMutablePointer<Float>
  private var latestLogProbability = Float.nan
  private var latestEntropy = Float.nan
  private var latestValue = Float.nan
  private let input: UnsafeMutablePointer<Float>
  private let output: UnsafePointer<Float>
  /// The log-std (or std) output; nil when it is constant or absent.
  private let spread: UnsafePointer<Float>?
  private let valueOutput: UnsafePointer<Float>?

  init(
    network: consuming PolicyNetwork, head: consuming Head, transform: consuming ObservationTransform
  ) throws(PolicyError) {
    observationCount = network.observationCount
    actionCount = network.actionCount
    guard let input = network.program.input(0).baseAddress, let output = network.program.output(0).baseAddress else {
      throw PolicyError(.shape, file: "network", "has an empty input or output")
    }
    self.input = input
    self.output = output
    if head.usesSpreadOutput, case .output(let index, _) = network.spread {
      spread = network.program.output(index).baseAddress
    } else {
      spread = nil
    }
    valueOutput = network.valueOutput.flatMap { network.program.output($0).baseAddress }
    program = network.program
    self.head = head
    self.transform = transform
    results = .allocate(capacity: 4 * actionCount)
    results.initialize(repeating: .nan, count: 4 * actionCount)
  }

  deinit { results.deallocate() }

  // MARK: Results of the latest act, valid until the next one

  /// The action that leaves: after squash, scale, offset and limits.
  public var action: UnsafeBufferPointer<Float> { @_noLocks get { part(3) } }
  /// The action as sampled, before squash, scale, offset and limits; importance ratios need this one.
  public var rawAction: UnsafeBufferPointer<Float> { @_noLocks get { part(2) } }
  /// The mean of the distribution, or the deterministic action, before squash, scale, offset and limits.
  public var mean: UnsafeBufferPointer<Float> { @_noLocks get { part(0) } }
  /// The logarithm of the standard deviation; NaN for a deterministic policy.
  public var logStandardDeviation: UnsafeBufferPointer<Float> { @_noLocks get { part(1) } }
  /// The natural logarithm of the density of what was chosen, summed over the actions; NaN for a deterministic policy,
  /// whose noise from outside is no part of it. Without squash it is the density of `rawAction`; with squash that of
  /// the action before its limits.
  public var logProbability: Float { @_noLocks get { latestLogProbability } }
  /// The entropy in nats; NaN for a deterministic policy. With squash it has no closed form and this is the one-sample
  /// estimate −`logProbability`.
  public var entropy: Float { @_noLocks get { latestEntropy } }
  /// The critic's value; NaN without a critic.
  public var value: Float { @_noLocks get { latestValue } }

  @_noLocks
  private func part(_ index: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: results + index * actionCount, count: actionCount)
  }

  // MARK: Acting

  /// Starts an episode: recurrent state to its initial value, noise process to zero.
  @_noLocks
  public mutating func reset() {
    program.resetState()
    head.resetNoise()
    invalidate()
  }

  /// One policy step.
  /// - Parameters:
  ///   - observation: `observationCount` numbers as the task produced them.
  ///   - sampling: mean or sample; for a deterministic policy, without or with its exploration noise.
  ///   - random: the stream that samples are drawn from; untouched for `.mean`.
  @_noLocks
  public mutating func act(
    observation: UnsafePointer<Double>, sampling: ActionSelection, random: inout RandomStream
  ) -> PolicyStatus {
    guard transform.apply(observation, into: input, count: observationCount) else {
      invalidate()
      return .nonFiniteObservation
    }
    program.run()
    let mean = results
    let logDeviation = results + actionCount
    let raw = results + 2 * actionCount
    let action = results + 3 * actionCount
    for index in 0..<actionCount {
      guard output[index].isFinite else {
        invalidate()
        return .nonFiniteAction
      }
      mean[index] = output[index]
    }
    var density = Density()
    let isUsable =
      head.isGaussian
      ? head.drawGaussian(
        mean, spread: spread, sampling, &random, logDeviation: logDeviation, raw: raw, density: &density)
      : head.drawDeterministic(mean, sampling, &random, raw: raw)
    guard isUsable, head.finish(raw, into: action, density: &density) else {
      invalidate()
      return .nonFiniteAction
    }
    latestLogProbability = head.isGaussian ? Float(density.logProbability) : .nan
    latestEntropy =
      head.isGaussian ? Float(head.isSquashed ? -density.logProbability : density.entropy) : .nan
    if let valueOutput { latestValue = valueOutput[0] }
    return .ok
  }

  /// Nobody may use a stale action by mistake.
  @_noLocks
  private mutating func invalidate() {
    for index in 0..<(4 * actionCount) { results[index] = .nan }
    latestLogProbability = .nan
    latestEntropy = .nan
    latestValue = .nan
  }
}

/// All pointers lead to memory that the policy alone owns and frees, so it may move to another thread as a whole.
extension Policy: @unchecked Sendable {}
