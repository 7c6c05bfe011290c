import CSystem
import Networks
import Numerics

/// The distribution of actions on top of a network: independent normal distributions, perhaps squashed by tanh.
///
/// log π(u) = Σ [−½z² − log σ − ½ log 2π], z = (u − m)/σ; ∂/∂m = z/σ, ∂/∂log σ = z² − 1;
/// H = Σ (log σ + ½ log 2πe); KL(p‖q) = Σ [log σ_q/σ_p + (σ_p² + (m_p − m_q)²)/(2σ_q²) − ½].
/// Squashed, a = mid + half·tanh(u): log π(a) = log N(u) − Σ log(1 − tanh²u) − Σ log half, with the stable
/// log(1 − tanh²u) = 2(log 2 − u − softplus(−2u)) (Haarnoja et al., arXiv:1801.01290, appendix C). The entropy then has no
/// closed form: −log π of the sample stands for it. The KL is unchanged by the squash.
public struct GaussianHead: Sendable, Equatable {
  /// Where log σ comes from.
  public enum Spread: String, Sendable, CaseIterable {
    /// One free parameter per action.
    case stateIndependent = "state_independent"
    /// The second half of the network's output, cut to [−20, 2].
    case stateDependent = "state_dependent"
  }
  public let actionCount: Int
  public let spread: Spread
  public let isSquashed: Bool
  /// The box of every action.
  public let actionRange: ClosedRange<Double>

  public init(actionCount: Int, spread: Spread, isSquashed: Bool, actionRange: ClosedRange<Double>) {
    self.actionCount = actionCount
    self.spread = spread
    self.isSquashed = isSquashed
    self.actionRange = actionRange
  }

  /// Limits of a state-dependent log σ, as in Stable-Baselines3's SAC.
  public static var logDeviationRange: ClosedRange<Float> { -20...2 }
  private static var halfLogTwoPi: Double { 0.918938533204672741780329736406 }
  /// Outputs that the network needs.
  public var networkOutputs: Int { spread == .stateDependent ? 2 * actionCount : actionCount }

  /// Means and log σ of some rows. A stride of 0 repeats one row.
  public struct Rows {
    public var means: UnsafePointer<Float>
    public var meanStride: Int
    public var logDeviations: UnsafePointer<Float>
    public var logDeviationStride: Int

    public init(
      means: UnsafePointer<Float>, meanStride: Int, logDeviations: UnsafePointer<Float>, logDeviationStride: Int
    ) {
      self.means = means
      self.meanStride = meanStride
      self.logDeviations = logDeviations
      self.logDeviationStride = logDeviationStride
    }
  }

  /// log σ in force.
  private func logDeviation(_ rows: Rows, _ row: Int, _ index: Int) -> Double {
    let value = rows.logDeviations[row * rows.logDeviationStride + index]
    guard spread == .stateDependent else { return Double(value) }
    let range = Self.logDeviationRange
    return Double(value < range.lowerBound ? range.lowerBound : (value > range.upperBound ? range.upperBound : value))
  }

  private func isCut(_ rows: Rows, _ row: Int, _ index: Int) -> Bool {
    guard spread == .stateDependent else { return false }
    return !Self.logDeviationRange.contains(rows.logDeviations[row * rows.logDeviationStride + index])
  }

  /// log(1 − tanh²u) + log half: what the squash takes from log π.
  private func squashLogDeterminant(_ u: Double) -> Double {
    let y = -2 * u
    let softplus = (y > 0 ? y : 0) + sinew_log(1 + sinew_exp(y > 0 ? -y : y))
    let half = (actionRange.upperBound - actionRange.lowerBound) / 2
    return 2 * (0.693147180559945309417232121458 - u - softplus) + sinew_log(half)
  }

  /// Draws an action of one row; also writes the mean and log σ it was drawn with.
  public func sample(
    _ rows: Rows, row: Int, random: inout RandomStream, action: UnsafeMutablePointer<Float>,
    mean: UnsafeMutablePointer<Float>, logDeviation: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<actionCount {
      let logSigma = self.logDeviation(rows, row, index)
      mean[index] = rows.means[row * rows.meanStride + index]
      logDeviation[index] = Float(logSigma)
      action[index] = Float(Double(mean[index]) + sinew_exp(logSigma) * random.normal())
    }
  }

  /// What the environment gets for a sampled action: squashed or as it is, and always inside the box. The learner keeps the
  /// sampled one.
  public func bounded(_ action: Float) -> Float {
    let (low, high) = (actionRange.lowerBound, actionRange.upperBound)
    let x = isSquashed ? (low + high) / 2 + (high - low) / 2 * sinew_tanh(Double(action)) : Double(action)
    return Float(x < low ? low : (x > high ? high : x))
  }

  /// log π of each row's action.
  public func logProbabilities(
    _ rows: Rows, actions: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<count {
      var sum = 0.0
      for index in 0..<actionCount {
        let logSigma = logDeviation(rows, row, index)
        let action = Double(actions[row * actionCount + index])
        let z = (action - Double(rows.means[row * rows.meanStride + index])) * sinew_exp(-logSigma)
        sum -= 0.5 * z * z + logSigma + Self.halfLogTwoPi
        if isSquashed { sum -= squashLogDeterminant(action) }
      }
      result[row] = Float(sum)
    }
  }

  /// The mean entropy, nats; `logProbabilities` are those of the rows' actions.
  public func entropy(_ rows: Rows, logProbabilities: UnsafePointer<Float>, count: Int) -> Double {
    var sum = 0.0
    for row in 0..<count {
      if isSquashed {
        sum -= Double(logProbabilities[row])
      } else {
        for index in 0..<actionCount { sum += logDeviation(rows, row, index) + Self.halfLogTwoPi + 0.5 }
      }
    }
    return sum / Double(count)
  }

  /// Turns ∂L/∂log π of each row and ∂L/∂H (one number, of each row's entropy) into ∂L/∂mean and ∂L/∂log σ.
  /// - Parameters:
  ///   - means: rows `rows.meanStride` floats apart; overwritten.
  ///   - logDeviations: rows `rows.logDeviationStride` floats apart; added to, because one row may stand for all.
  public func differentiate(
    _ rows: Rows, actions: UnsafePointer<Float>, count: Int, logProbabilityGradients: UnsafePointer<Float>,
    entropyGradient: Double, means: UnsafeMutablePointer<Float>, logDeviations: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<actionCount {
      for row in 0..<count {
        let logSigma = logDeviation(rows, row, index)
        let inverse = sinew_exp(-logSigma)
        let mean = Double(rows.means[row * rows.meanStride + index])
        let z = (Double(actions[row * actionCount + index]) - mean) * inverse
        let gradient = Double(logProbabilityGradients[row]) - (isSquashed ? entropyGradient : 0)
        means[row * rows.meanStride + index] = Float(gradient * z * inverse)
        guard !isCut(rows, row, index) else { continue }
        let ofSpread = gradient * (z * z - 1) + (isSquashed ? 0 : entropyGradient)
        logDeviations[row * rows.logDeviationStride + index] += Float(ofSpread)
      }
    }
  }

  /// Mean KL(old‖new) over rows, nats; the old distribution as [rows][actionCount].
  public func divergence(
    from oldMeans: UnsafePointer<Float>, _ oldLogDeviations: UnsafePointer<Float>, to rows: Rows, count: Int
  ) -> Double {
    var sum = 0.0
    for row in 0..<count {
      for index in 0..<actionCount {
        let old = Double(oldLogDeviations[row * actionCount + index])
        let new = logDeviation(rows, row, index)
        let shift = Double(oldMeans[row * actionCount + index]) - Double(rows.means[row * rows.meanStride + index])
        sum += new - old + (sinew_exp(2 * old) + shift * shift) / (2 * sinew_exp(2 * new)) - 0.5
      }
    }
    return sum / Double(count)
  }

  /// Multiplies a tangent (dm, d log σ) by the distribution's Fisher information diag(1/σ², 2), times `scale`.
  public func multiplyByFisher(
    _ rows: Rows, tangentMeans: UnsafePointer<Float>, tangentLogDeviations: UnsafePointer<Float>, count: Int,
    scale: Double, means: UnsafeMutablePointer<Float>, logDeviations: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<actionCount {
      for row in 0..<count {
        let precision = sinew_exp(-2 * logDeviation(rows, row, index))
        let tangent = Double(tangentMeans[row * rows.meanStride + index])
        means[row * rows.meanStride + index] = Float(scale * precision * tangent)
        guard !isCut(rows, row, index) else { continue }
        let spreadTangent = Double(tangentLogDeviations[row * rows.logDeviationStride + index])
        logDeviations[row * rows.logDeviationStride + index] += Float(scale * 2 * spreadTangent)
      }
    }
  }
}
