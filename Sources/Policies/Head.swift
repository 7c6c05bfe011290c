import CSystem
import Numerics

/// Sums over the actions while one is drawn.
struct Density: BitwiseCopyable {
  var logProbability: Double
  var entropy: Double

  @_noLocks
  init() {
    logProbability = 0
    entropy = 0
  }
}

/// What stands behind a network: the distribution, the noise, the squash and the action's limits.
///
/// All numbers are copied into memory of its own; nothing allocates after `init`.
struct Head: ~Copyable {
  let isGaussian: Bool
  let isSquashed: Bool
  let usesSpreadOutput: Bool
  private let count: Int
  private let isLinearSpread: Bool
  private let clampLow: Double
  private let clampHigh: Double
  private enum Noise { case none, gaussian, ornsteinUhlenbeck }
  private let noise: Noise
  private let theta: Double
  private let timeStep: Double
  // 7 × count doubles: log-std, noise sigma, noise state, scale, offset, low, high.
  private let numbers: UnsafeMutablePointer<Double>

  init(_ design: HeadDesign, count: Int) {
    self.count = count
    numbers = .allocate(capacity: 7 * count)
    numbers.initialize(repeating: 0, count: 7 * count)
    var isGaussian = false
    var isSquashed = false
    var usesOutput = false
    var clamp = -Double.infinity...Double.infinity
    var logDeviation = [Double](repeating: 0, count: count)
    if case .gaussian(let spread, let squashed) = design.distribution {
      isGaussian = true
      isSquashed = squashed
      switch spread {
      case .constant(let values): logDeviation = values
      case .stateDependent(let range):
        usesOutput = true
        clamp = range ?? clamp
      }
    }
    self.isGaussian = isGaussian
    self.isSquashed = isSquashed
    usesSpreadOutput = usesOutput
    isLinearSpread = design.isLinearSpread
    clampLow = clamp.lowerBound
    clampHigh = clamp.upperBound
    var sigma = [Double](repeating: 0, count: count)
    switch design.exploration {
    case nil:
      noise = .none
      theta = 0
      timeStep = 0
    case .gaussian(let deviations)?:
      noise = .gaussian
      sigma = deviations
      theta = 0
      timeStep = 0
    case .ornsteinUhlenbeck(let deviations, let rate, let step)?:
      noise = .ornsteinUhlenbeck
      sigma = deviations
      theta = rate
      timeStep = step
    }
    for index in 0..<count {
      numbers[index] = logDeviation[index]
      numbers[count + index] = sigma[index]
      numbers[3 * count + index] = design.action.scale[index]
      numbers[4 * count + index] = design.action.offset[index]
      numbers[5 * count + index] = design.action.low[index]
      numbers[6 * count + index] = design.action.high[index]
    }
  }

  deinit { numbers.deallocate() }

  /// The noise process back to zero.
  @_noLocks
  func resetNoise() {
    for index in 0..<count { numbers[2 * count + index] = 0 }
  }

  /// raw = mean + exp(log σ)·N(0, 1), with
  /// log N(raw; mean, σ) = Σ −½·((raw − mean)/σ)² − log σ − ½·log 2π and entropy Σ log σ + ½·log 2πe.
  ///
  /// The density is that of the number stored, not of the one before rounding to single precision.
  /// - Returns: false when a standard deviation or a sample is not usable.
  @_noLocks
  func drawGaussian(
    _ mean: UnsafeMutablePointer<Float>, spread: UnsafePointer<Float>?, _ sampling: ActionSelection,
    _ random: inout RandomStream, logDeviation: UnsafeMutablePointer<Float>, raw: UnsafeMutablePointer<Float>,
    density: inout Density
  ) -> Bool {
    let halfLogTwoPi = 0.918938533204672741780329736406
    for index in 0..<count {
      var logSigma = numbers[index]
      if let spread {
        logSigma = isLinearSpread ? sinew_log(Double(spread[index])) : Double(spread[index])
        // Comparisons with NaN are false, so that NaN passes through to the check below.
        if logSigma < clampLow { logSigma = clampLow }
        if logSigma > clampHigh { logSigma = clampHigh }
      }
      let sigma = sinew_exp(logSigma)
      guard sigma > 0, sigma.isFinite else { return false }
      logDeviation[index] = Float(logSigma)
      let center = Double(mean[index])
      switch sampling {
      case .mean: raw[index] = mean[index]
      case .sample: raw[index] = Float(center + sigma * random.normal())
      }
      guard raw[index].isFinite else { return false }
      let z = (Double(raw[index]) - center) / sigma
      density.logProbability -= 0.5 * z * z + logSigma + halfLogTwoPi
      density.entropy += logSigma + halfLogTwoPi + 0.5
    }
    return true
  }

  /// raw = mean, plus exploration noise when sampled.
  @_noLocks
  func drawDeterministic(
    _ mean: UnsafeMutablePointer<Float>, _ sampling: ActionSelection, _ random: inout RandomStream,
    raw: UnsafeMutablePointer<Float>
  ) -> Bool {
    for index in 0..<count {
      raw[index] = mean[index]
      switch sampling {
      case .mean: continue
      case .sample: break
      }
      let sigma = numbers[count + index]
      switch noise {
      case .none: continue
      case .gaussian: raw[index] = Float(Double(mean[index]) + sigma * random.normal())
      case .ornsteinUhlenbeck:
        // Uhlenbeck and Ornstein, Phys. Rev. 36, 823 (1930), as discretised in DDPG (arXiv:1509.02971).
        let x = numbers[2 * count + index]
        let next = x - theta * x * timeStep + sigma * sinew_sqrt(timeStep) * random.normal()
        numbers[2 * count + index] = next
        raw[index] = Float(Double(mean[index]) + next)
      }
      guard raw[index].isFinite else { return false }
    }
    return true
  }

  /// The action from the raw one: squash, scale and offset, limits; the density is changed with the variables:
  /// a = offset + scale·tanh u gives log π(a) = log N(u) − Σ log(1 − tanh² u) − Σ log|scale|.
  ///
  /// 1 − tanh² u cancels for large |u|; log(1 − tanh² u) = 2·(log 2 − u − softplus(−2u)) does not.
  /// Sources: Haarnoja et al., "Soft Actor-Critic", arXiv:1801.01290, appendix C (change of variables); TensorFlow
  /// Probability, `tfp.bijectors.Tanh` (the stable form).
  @_noLocks
  func finish(
    _ raw: UnsafeMutablePointer<Float>, into action: UnsafeMutablePointer<Float>, density: inout Density
  ) -> Bool {
    let logTwo = 0.693147180559945309417232121458
    for index in 0..<count {
      var x = Double(raw[index])
      let scale = numbers[3 * count + index]
      if isSquashed {
        let u = x
        x = sinew_tanh(u)
        // softplus(y) = max(y, 0) + log(1 + exp(−|y|)) neither overflows nor cancels.
        let y = -2 * u
        let softplus = (y > 0 ? y : 0) + sinew_log(1 + sinew_exp(y > 0 ? -y : y))
        density.logProbability -= 2 * (logTwo - u - softplus) + sinew_log(scale < 0 ? -scale : scale)
      }
      x = numbers[4 * count + index] + scale * x
      let low = numbers[5 * count + index]
      let high = numbers[6 * count + index]
      if x < low { x = low }
      if x > high { x = high }
      action[index] = Float(x)
      guard action[index].isFinite else { return false }
    }
    return true
  }
}

/// The numbers a head is made of.
struct HeadDesign: Sendable {
  var distribution: PolicyDistribution
  /// Whether the network gives σ and not log σ.
  var isLinearSpread = false
  var exploration: ExplorationNoise?
  var action: ActionTransform
}
