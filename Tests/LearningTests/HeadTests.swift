import Glibc
import Learning
import Networks
import Numerics
import Testing

/// The distribution's formulas against numbers worked out apart and central differences.
@Suite("Gaussian head") struct HeadTests {
  /// Rows of a head with two actions, in arrays.
  struct Rows {
    var means: [Float]
    var logDeviations: [Float]
    var actions: [Float]

    static func random(_ count: Int, seed: UInt64) -> Rows {
      var random = RandomStream(seed: seed, name: "head")
      func numbers(_ scale: Double) -> [Float] { (0..<(2 * count)).map { _ in Float(scale * random.normal()) } }
      return Rows(means: numbers(1), logDeviations: numbers(0.5), actions: numbers(1.5))
    }
  }

  static func density(_ x: Double, _ mean: Double, _ logSigma: Double) -> Double {
    let z = (x - mean) / exp(logSigma)
    return -0.5 * z * z - logSigma - 0.5 * log(2 * Double.pi)
  }

  static func withRows<Result>(
    _ rows: Rows, stateDependent: Bool, _ body: (GaussianHead.Rows, UnsafePointer<Float>) -> Result
  ) -> Result {
    rows.means.withUnsafeBufferPointer { means in
      rows.logDeviations.withUnsafeBufferPointer { deviations in
        rows.actions.withUnsafeBufferPointer { actions in
          guard let mean = means.baseAddress, let deviation = deviations.baseAddress, let action = actions.baseAddress
          else { preconditionFailure("no rows") }
          return body(
            GaussianHead.Rows(
              means: mean, meanStride: 2, logDeviations: deviation, logDeviationStride: stateDependent ? 2 : 0), action)
        }
      }
    }
  }

  static func head(_ spread: GaussianHead.Spread, squashed: Bool = false) -> GaussianHead {
    GaussianHead(actionCount: 2, spread: spread, isSquashed: squashed, actionRange: -2...6)
  }

  static func logProbabilities(_ head: GaussianHead, _ rows: Rows) -> [Float] {
    let count = rows.means.count / 2
    var result = [Float](repeating: .nan, count: count)
    withRows(rows, stateDependent: head.spread == .stateDependent) {
      head.logProbabilities($0, actions: $1, count: count, into: &result)
    }
    return result
  }

  /// log π summed over two actions, in double precision.
  static func expected(_ head: GaussianHead, _ rows: Rows, _ row: Int) -> Double {
    (0..<2).reduce(0.0) { sum, index in
      let logSigma = Double(rows.logDeviations[head.spread == .stateDependent ? 2 * row + index : index])
      let u = Double(rows.actions[2 * row + index])
      let limited = head.spread == .stateDependent ? min(max(logSigma, -20), 2) : logSigma
      var value = density(u, Double(rows.means[2 * row + index]), limited)
      if head.isSquashed { value -= log(1 - tanh(u) * tanh(u)) + log(4) }
      return sum + value
    }
  }

  @Test("log-probabilities are those of the density", arguments: GaussianHead.Spread.allCases, [false, true])
  func density(_ spread: GaussianHead.Spread, _ squashed: Bool) {
    let head = Self.head(spread, squashed: squashed)
    let rows = Rows.random(9, seed: 1)
    for (row, value) in Self.logProbabilities(head, rows).enumerated() {
      #expect(abs(Double(value) - Self.expected(head, rows, row)) <= 1e-5)
    }
  }

  @Test("the squash's log-determinant is exact where tanh has long become 1", arguments: [7.0, 9, 10, 15, -10])
  func saturation(_ u: Double) {
    let head = GaussianHead(actionCount: 1, spread: .stateIndependent, isSquashed: true, actionRange: -1...1)
    var (mean, spread, action): ([Float], [Float], [Float]) = ([Float(u)], [0], [Float(u)])
    var result: [Float] = [.nan]
    head.logProbabilities(
      GaussianHead.Rows(means: &mean, meanStride: 1, logDeviations: &spread, logDeviationStride: 0), actions: &action,
      count: 1, into: &result)
    // log(1 − tanh²u) = log 4 − 2|u| − 2·log(1 + e^(−2|u|)).
    let determinant = log(4.0) - 2 * abs(u) - 2 * log1p(exp(-2 * abs(u)))
    #expect(abs(Double(result[0]) - (-0.5 * log(2 * Double.pi) - determinant)) <= 2e-6 * abs(determinant))
  }

  @Test(
    "gradients of log-probability and entropy agree with central differences", arguments: GaussianHead.Spread.allCases,
    [false, true])
  func gradients(_ spread: GaussianHead.Spread, _ squashed: Bool) {
    let head = Self.head(spread, squashed: squashed)
    let count = 5
    var rows = Rows.random(count, seed: 2)
    // One row beyond the limit of a state-dependent spread: its derivative is 0.
    rows.logDeviations[2 * 3] = 2.5
    let weights: [Float] = [0.3, -1.2, 0.7, 0.4, 2]
    let ofEntropy = 0.35
    var means = [Float](repeating: .nan, count: 2 * count)
    var deviations = [Float](repeating: 0, count: 2 * count)
    let isDependent = spread == .stateDependent
    Self.withRows(rows, stateDependent: isDependent) {
      head.differentiate(
        $0, actions: $1, count: count, logProbabilityGradients: weights, entropyGradient: ofEntropy, means: &means,
        logDeviations: &deviations)
    }
    func loss(_ means: [Double], _ deviations: [Double]) -> Double {
      (0..<count).reduce(0.0) { sum, row in
        var (logProbability, entropy) = (0.0, 0.0)
        for index in 0..<2 {
          var logSigma = deviations[isDependent ? 2 * row + index : index]
          if isDependent { logSigma = min(max(logSigma, -20), 2) }
          let u = Double(rows.actions[2 * row + index])
          logProbability += Self.density(u, means[2 * row + index], logSigma)
          entropy += logSigma + 0.5 * log(2 * Double.pi * M_E)
        }
        if squashed { entropy = -logProbability }
        return sum + Double(weights[row]) * logProbability + ofEntropy * entropy
      }
    }
    let m = rows.means.map(Double.init)
    let s = rows.logDeviations.map(Double.init)
    for index in 0..<(2 * count) {
      var (up, down) = (m, m)
      up[index] += 1e-6
      down[index] -= 1e-6
      let expected = (loss(up, s) - loss(down, s)) / 2e-6
      #expect(abs(Double(means[index]) - expected) <= 2e-5 * max(1, abs(expected)))
      guard isDependent || index < 2 else { continue }
      (up, down) = (s, s)
      up[index] += 1e-6
      down[index] -= 1e-6
      let ofSpread = (loss(m, up) - loss(m, down)) / 2e-6
      #expect(abs(Double(deviations[index]) - ofSpread) <= 2e-5 * max(1, abs(ofSpread)))
    }
    if isDependent { #expect(deviations[2 * 3] == 0) }
  }

  @Test("entropy and divergence are those of samples")
  func bySampling() {
    let head = Self.head(.stateIndependent)
    let spread: [Float] = [-0.3, 0.4]
    let old = Rows(means: [0.2, -0.5], logDeviations: spread, actions: [0, 0])
    let new = Rows(means: [0.5, -0.1], logDeviations: [0.1, 0.2], actions: [0, 0])
    var random = RandomStream(seed: 3, name: "head")
    var (entropy, divergence) = (0.0, 0.0)
    let draws = 100_000
    for _ in 0..<draws {
      var (p, q) = (0.0, 0.0)
      for index in 0..<2 {
        let x = Double(old.means[index]) + exp(Double(spread[index])) * random.normal()
        p += Self.density(x, Double(old.means[index]), Double(spread[index]))
        q += Self.density(x, Double(new.means[index]), Double(new.logDeviations[index]))
      }
      entropy -= p / Double(draws)
      divergence += (p - q) / Double(draws)
    }
    let got = Self.withRows(old, stateDependent: false) { head.entropy($0, logProbabilities: $1, count: 1) }
    // Standard error about 1/√100,000.
    #expect(abs(got - entropy) <= 0.02)
    let kl = Self.withRows(new, stateDependent: false) { rows, _ in
      head.divergence(from: old.means, old.logDeviations, to: rows, count: 1)
    }
    #expect(abs(kl - divergence) <= 0.02)
    let none = Self.withRows(old, stateDependent: false) { rows, _ in
      head.divergence(from: old.means, old.logDeviations, to: rows, count: 1)
    }
    #expect(abs(none) <= 1e-12)
  }

  @Test("a sample stays inside the box when it reaches the environment, and is kept as it was drawn")
  func bounds() {
    #expect(Self.head(.stateIndependent).bounded(9) == 6)
    #expect(Self.head(.stateIndependent).bounded(-2.5) == -2)
    #expect(Self.head(.stateIndependent).bounded(1.25) == 1.25)
    let squashed = Self.head(.stateDependent, squashed: true)
    #expect(abs(Double(squashed.bounded(0.5)) - (2 + 4 * tanh(0.5))) <= 1e-6)
    #expect(squashed.bounded(50) == 6)
  }
}
