import Foundation
import Numerics
import Policies
import TestSupport
import Testing

/// Distributions, noise, squash and limits, through bundles of one linear layer.
@Suite("Heads")
struct HeadTests {
  /// Two actions of two observations: mean = W·x + b.
  private static let weights: [[Float]] = [[1, 0.5], [-0.25, 2]]
  private static let bias: [Float] = [0.1, -0.2]

  private static func mean(_ x: [Double]) -> [Double] {
    zip(weights, bias).map { row, b in Double(row[0]) * x[0] + Double(row[1]) * x[1] + Double(b) }
  }

  /// log N(x; mean, sigma), written independently of the module.
  private static func logNormal(_ x: Double, _ mean: Double, _ sigma: Double) -> Double {
    log(exp(-(x - mean) * (x - mean) / (2 * sigma * sigma)) / (sigma * (2 * Double.pi).squareRoot()))
  }

  private static func gaussian(_ logDeviation: [Double]) throws -> LoadedPolicy {
    try BundleBuilder.linear(
      weights: weights, bias: bias, distribution: "{kind: gaussian, log_std: \(logDeviation)}", expected: mean
    ).load()
  }

  @Test("Gaussian: log-probability of samples against the density's formula, entropy against −log π of samples")
  func gaussian() throws {
    let logDeviation = [-1.0, 0.3]
    let sigma = logDeviation.map { exp($0) }
    var policy = try Self.gaussian(logDeviation).makePolicy()
    var random = RandomStream(seed: 5, name: "test")
    let observation = [0.4, -0.7]
    let center = Self.mean(observation)
    var surprise = 0.0
    var sums = [0.0, 0.0]
    var squares = [0.0, 0.0]
    let count = 20_000
    for _ in 0..<count {
      #expect(policy.act(observation: observation, sampling: .sample, random: &random) == .ok)
      let expected = (0..<2).reduce(0) { $0 + Self.logNormal(Double(policy.rawAction[$1]), center[$1], sigma[$1]) }
      #expect(abs(Double(policy.logProbability) - expected) < 1e-4)
      surprise -= Double(policy.logProbability)
      for index in 0..<2 {
        sums[index] += Double(policy.action[index])
        squares[index] += pow(Double(policy.action[index]) - center[index], 2)
      }
    }
    let entropy = sigma.reduce(0) { $0 + log($1 * (2 * Double.pi * M_E).squareRoot()) }
    #expect(abs(Double(policy.entropy) - entropy) < 1e-5)
    // The standard deviation of −log π is √(2/2) per action; five standard errors.
    #expect(abs(surprise / Double(count) - entropy) < 5 / Double(count).squareRoot())
    for index in 0..<2 {
      #expect(abs(sums[index] / Double(count) - center[index]) < 5 * sigma[index] / Double(count).squareRoot())
      #expect(abs((squares[index] / Double(count)).squareRoot() / sigma[index] - 1) < 0.03)
      #expect(abs(Double(policy.mean[index]) - center[index]) < 1e-6)
      #expect(abs(Double(policy.logStandardDeviation[index]) - logDeviation[index]) < 1e-6)
    }
  }

  @Test("the mean leaves the random stream untouched, and its log-probability is the peak of the density")
  func meanSelection() throws {
    var policy = try Self.gaussian([-1, 0.3]).makePolicy()
    var random = RandomStream(seed: 5, name: "test")
    let before = random
    #expect(policy.act(observation: [1, 2], sampling: .mean, random: &random) == .ok)
    #expect(random == before)
    #expect(Array(policy.rawAction) == Array(policy.mean))
    let peak = -(-1 + 0.3) - log(2 * Double.pi)
    #expect(abs(Double(policy.logProbability) - peak) < 1e-5)
  }

  @Test("state-dependent spread comes from the second half of the last layer and is clamped")
  func stateDependent() throws {
    let builder = try BundleBuilder.linear(
      weights: [[1, 0], [0, 1], [2, 0], [0, 2]], bias: [0, 0, 0, 0],
      distribution: "{kind: gaussian, log_std: {second_half: true, clamp: [-1, 0.5]}}",
      expected: { $0 })
    let loaded = try builder.load()
    #expect(loaded.description.actionCount == 2)
    var policy = try loaded.makePolicy()
    var random = RandomStream(seed: 5, name: "test")
    for (x, expected) in [(0.1, 0.2), (-0.3, -0.6), (9.0, 0.5), (-9.0, -1.0)] {
      #expect(policy.act(observation: [x, 0], sampling: .sample, random: &random) == .ok)
      #expect(abs(Double(policy.logStandardDeviation[0]) - expected) < 1e-6)
      let density =
        Self.logNormal(Double(policy.rawAction[0]), x, exp(expected))
        + Self.logNormal(Double(policy.rawAction[1]), 0, 1)
      #expect(abs(Double(policy.logProbability) - density) < 1e-4)
    }
  }

  @Test("squash: log-probability against a numerical change of variables, entropy is its negative")
  func squash() throws {
    // a = 0.5 + 3·tanh u for the first action, −1 + 0.25·tanh u for the second.
    let scale = [3, 0.25]
    let offset = [0.5, -1]
    let logDeviation = [-0.5, 0.2]
    let builder = try BundleBuilder.linear(
      weights: Self.weights, bias: Self.bias,
      distribution: "{kind: gaussian, log_std: \(logDeviation), squash: tanh}",
      action: "{kind: position, scale: \(scale), offset: \(offset)}",
      expected: { x in Self.mean(x).enumerated().map { offset[$0] + scale[$0] * tanh($1) } })
    var policy = try builder.load().makePolicy()
    var random = RandomStream(seed: 9, name: "test")
    for step in 0..<500 {
      let observation = [sin(Double(step)), cos(Double(step) * 0.7)]
      #expect(policy.act(observation: observation, sampling: .sample, random: &random) == .ok)
      let center = Self.mean(observation)
      var expected = 0.0
      for index in 0..<2 {
        let u = Double(policy.rawAction[index])
        func action(_ u: Double) -> Double { offset[index] + scale[index] * tanh(u) }
        #expect(abs(Double(policy.action[index]) - action(u)) < 1e-6)
        let slope = (action(u + 1e-5) - action(u - 1e-5)) / 2e-5
        expected += Self.logNormal(u, center[index], exp(logDeviation[index])) - log(abs(slope))
      }
      #expect(abs(Double(policy.logProbability) - expected) < 1e-3 * max(1, abs(expected)))
      #expect(policy.entropy == -policy.logProbability)
    }
  }

  @Test("squash stays exact where tanh saturates", arguments: [-400.0, -40, 40, 400])
  func saturatedSquash(center: Double) throws {
    let builder = try BundleBuilder.linear(
      weights: [[1]], bias: [0], distribution: "{kind: gaussian, log_std: [-2], squash: tanh}",
      expected: { [tanh($0[0])] })
    var policy = try builder.load().makePolicy()
    var random = RandomStream(seed: 2, name: "test")
    #expect(policy.act(observation: [center], sampling: .mean, random: &random) == .ok)
    #expect(Double(policy.action[0]) == (center > 0 ? 1 : -1))
    // log(1 − tanh² u) → 2·log 2 − 2·|u|
    let expected = 2 - 0.5 * log(2 * Double.pi) - (2 * log(2) - 2 * abs(center))
    #expect(abs(Double(policy.logProbability) - expected) < 1e-4 * abs(expected))
  }

  @Test("limits cut the action that leaves and not the raw one")
  func limits() throws {
    let builder = try BundleBuilder.linear(
      weights: [[1]], bias: [0], distribution: "{kind: gaussian, log_std: [0]}",
      action: "{kind: torque, scale: 2, offset: 1, clip: [-0.5, 1.5]}",
      expected: { [min(1.5, max(-0.5, 1 + 2 * $0[0]))] })
    var policy = try builder.load().makePolicy()
    var random = RandomStream(seed: 2, name: "test")
    var cut = 0
    for _ in 0..<200 {
      #expect(policy.act(observation: [0.3], sampling: .sample, random: &random) == .ok)
      let free = 1 + 2 * policy.rawAction[0]
      #expect(abs(policy.action[0] - min(1.5, max(-0.5, free))) < 1e-6)
      if free > 1.5 || free < -0.5 { cut += 1 }
      #expect(abs(Double(policy.logProbability) - Self.logNormal(Double(policy.rawAction[0]), 0.3, 1)) < 1e-4)
    }
    #expect(cut > 50)
  }

  @Test("Gaussian exploration noise has its standard deviation; mean actions have none")
  func gaussianNoise() throws {
    let builder = try BundleBuilder.linear(
      weights: [[1], [1]], bias: [0, 0], distribution: "{kind: deterministic}",
      extra: [("exploration", "{kind: gaussian, sigma: [0.1, 0.4]}")], expected: { [$0[0], $0[0]] })
    let loaded = try builder.load()
    #expect(loaded.description.exploration == .gaussian(sigma: [0.1, 0.4]))
    var policy = try loaded.makePolicy()
    var random = RandomStream(seed: 2, name: "test")
    var squares = [0.0, 0.0]
    for _ in 0..<20_000 {
      #expect(policy.act(observation: [0.5], sampling: .sample, random: &random) == .ok)
      for index in 0..<2 { squares[index] += pow(Double(policy.action[index]) - 0.5, 2) }
    }
    #expect(abs((squares[0] / 20_000).squareRoot() / 0.1 - 1) < 0.03)
    #expect(abs((squares[1] / 20_000).squareRoot() / 0.4 - 1) < 0.03)
    #expect(policy.logProbability.isNaN && policy.entropy.isNaN && policy.logStandardDeviation[0].isNaN)
    #expect(policy.act(observation: [0.5], sampling: .mean, random: &random) == .ok)
    #expect(policy.action[0] == 0.5)
  }

  @Test("Ornstein-Uhlenbeck noise has the process's variance and correlation, and starts at zero after a reset")
  func ornsteinUhlenbeck() throws {
    let (sigma, theta, dt) = (0.2, 0.15, 1.0)
    let builder = try BundleBuilder.linear(
      weights: [[1]], bias: [0], distribution: "{kind: deterministic}",
      extra: [("exploration", "{kind: ornstein_uhlenbeck, sigma: \(sigma), theta: \(theta), dt: \(dt)}")],
      expected: { $0 })
    var policy = try builder.load().makePolicy()
    var random = RandomStream(seed: 4, name: "test")
    policy.reset()
    var previous = 0.0
    var (variance, covariance) = (0.0, 0.0)
    let count = 200_000
    for _ in 0..<count {
      _ = policy.act(observation: [0], sampling: .sample, random: &random)
      let x = Double(policy.action[0])
      variance += x * x
      covariance += x * previous
      previous = x
    }
    // x ← (1 − θ·dt)·x + σ·√dt·N has the variance σ²·dt / (1 − (1 − θ·dt)²): a standard deviation of 0.380.
    let decay = 1 - theta * dt
    let expected = sigma * sigma * dt / (1 - decay * decay)
    #expect(abs(variance / Double(count) / expected - 1) < 0.05)
    #expect(abs(covariance / variance - decay) < 0.02)

    var starts = 0.0
    for _ in 0..<5_000 {
      policy.reset()
      _ = policy.act(observation: [0], sampling: .sample, random: &random)
      starts += pow(Double(policy.action[0]), 2)
    }
    #expect(abs((starts / 5_000).squareRoot() / (sigma * dt.squareRoot()) - 1) < 0.05)
  }

  @Test("observation terms limit and scale, then the normaliser divides and limits")
  func observationTransform() throws {
    func transform(_ x: [Double]) -> [Double] {
      let a = min(0.5, max(-0.5, x[0])) * 2 + 1
      let b = x[1]
      return [
        min(1.2, max(-1.2, (a - 0.5) / (4.0 + 1e-3).squareRoot())),
        min(1.2, max(-1.2, (b + 1) / (0.25 + 1e-3).squareRoot())),
      ]
    }
    let builder = try BundleBuilder.linear(
      weights: [[1, 0], [0, 1]], bias: [0, 0], distribution: "{kind: deterministic}",
      extra: [
        ("observation", "[{name: a, dim: 1, clip: [-0.5, 0.5], scale: 2, offset: 1}, {name: b, kind: angle, dim: 1}]"),
        ("normaliser", "{mean: [0.5, -1], var: [4, 0.25], epsilon: 0.001, clip: 1.2}"),
      ], expected: transform)
    let results = try builder.load().run([[0.2, -0.9], [3, -5], [-3, 0]])
    #expect(largestDifference(results.map(\.action), [[0.2, -0.9], [3, -5], [-3, 0]].map(transform)) < 1e-6)
  }

  @Test("a non-finite observation never reaches the network", arguments: [Double.nan, .infinity, -.infinity, 1e300])
  func nonFiniteObservation(bad: Double) throws {
    var policy = try Self.gaussian([-1, 0.3]).makePolicy()
    var random = RandomStream(seed: 5, name: "test")
    #expect(policy.act(observation: [0.1, 0.2], sampling: .sample, random: &random) == .ok)
    #expect(policy.action.allSatisfy { $0.isFinite })
    #expect(policy.act(observation: [0.1, bad], sampling: .sample, random: &random) == .nonFiniteObservation)
    #expect(policy.action.allSatisfy { $0.isNaN } && policy.rawAction.allSatisfy { $0.isNaN })
    #expect(policy.logProbability.isNaN && policy.value.isNaN)
    #expect(policy.act(observation: [0.1, 0.2], sampling: .sample, random: &random) == .ok)
  }

  @Test("a network that overflows gives a status and no action")
  func overflow() throws {
    let builder = try BundleBuilder.linear(
      weights: [[3e38, 3e38]], bias: [0], distribution: "{kind: deterministic}",
      observationScale: 1e-38, expected: { [Double(Float(3e38)) * ($0[0] + $0[1])] })
    var policy = try builder.load().makePolicy()
    var random = RandomStream(seed: 5, name: "test")
    #expect(policy.act(observation: [2, 2], sampling: .mean, random: &random) == .nonFiniteAction)
    #expect(policy.action.allSatisfy { $0.isNaN })
    #expect(policy.act(observation: [2e-38, 0], sampling: .mean, random: &random) == .ok)
  }

  @Test("before the first step and after a reset every result is NaN")
  func freshPolicy() throws {
    var policy = try Self.gaussian([-1, 0.3]).makePolicy()
    #expect(policy.action.allSatisfy { $0.isNaN } && policy.logProbability.isNaN)
    var random = RandomStream(seed: 5, name: "test")
    _ = policy.act(observation: [1, 1], sampling: .mean, random: &random)
    policy.reset()
    #expect(policy.action.allSatisfy { $0.isNaN } && policy.entropy.isNaN)
  }

  @Test("acting and resetting never allocate", .enabled(if: AllocationCount.isAvailable))
  func noAllocation() throws {
    for squash in ["none", "tanh"] {
      var policy = try BundleBuilder.linear(
        weights: Self.weights, bias: Self.bias, distribution: "{kind: gaussian, log_std: [0, 0], squash: \(squash)}",
        expected: squash == "tanh" ? { Self.mean($0).map { tanh($0) } } : Self.mean
      ).load().makePolicy()
      var random = RandomStream(seed: 5, name: "test")
      let observation = UnsafeMutablePointer<Double>.allocate(capacity: 2)
      defer { observation.deallocate() }
      observation.initialize(repeating: 0.5, count: 2)
      _ = policy.act(observation: observation, sampling: .sample, random: &random)
      let count = AllocationCount.during {
        for _ in 0..<1000 {
          _ = policy.act(observation: observation, sampling: .sample, random: &random)
          policy.reset()
        }
      }
      #expect(count == AllocationCount(allocations: 0, frees: 0))
    }
  }
}
