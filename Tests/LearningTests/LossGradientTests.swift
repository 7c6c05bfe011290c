import Glibc
import Learning
import Networks
import Numerics
import Testing

/// PPO's loss, written again in double precision, and its central differences.
@Suite("Gradients of losses") struct LossGradientTests {
  /// A perceptron of the model in double precision.
  static func perceptron(_ blocks: [ParameterBlock], _ p: [Double], _ x: [Double]) -> [Double] {
    var y = x
    for layer in 0..<(blocks.count / 2) {
      let (weight, bias) = (blocks[2 * layer], blocks[2 * layer + 1])
      y = (0..<weight.columns).map { column in
        let z = (0..<weight.rows).reduce(p[bias.offset + column]) {
          $0 + y[$1] * p[weight.offset + $1 * weight.stride + column]
        }
        return layer == blocks.count / 2 - 1 ? z : tanh(z)
      }
    }
    return y
  }

  /// Mean and log σ of a row.
  static func distribution(_ model: borrowing ActorCritic, _ p: [Double], _ x: [Double]) -> [(Double, Double)] {
    let y = perceptron(model.actor.blocks, p, x)
    let count = model.shape.actionCount
    return (0..<count).map { (y[$0], model.logDeviation.map { p[$0.offset] } ?? y[count + $0]) }
  }

  static func randomise(_ model: borrowing ActorCritic, seed: UInt64) {
    var random = RandomStream(seed: seed, name: "loss")
    for block in model.layout.blocks {
      block.write((0..<block.parameterCount).map { _ in Float(0.4 * random.normal()) }, to: model.parameters.base)
    }
  }

  static func rollout(_ model: borrowing ActorCritic, rows: Int, seed: UInt64) -> RolloutBuffer {
    let rollout = RolloutBuffer(
      steps: rows, environments: 1, observationCount: model.shape.observationCount, actionCount: 1)
    var random = RandomStream(seed: seed, name: "rollout")
    for row in 0..<rows {
      for column in 0..<model.shape.observationCount {
        rollout.observations.base[row * 16 + column] = Float(random.normal())
      }
      rollout.actions[row] = Float(random.normal())
      // Far enough from the present policy that ratios lie on both sides of the clip.
      rollout.logProbabilities[row] = Float(-1.3 + 0.5 * random.normal())
      rollout.advantages[row] = Float(random.normal())
      rollout.targets[row] = Float(random.normal())
      rollout.values[row] = Float(random.normal())
    }
    return rollout
  }

  @Test(
    "PPO's gradient agrees with central differences: surrogate, value, clipped value, entropy",
    arguments: [(0.0, 0.0, nil), (1.0, 0.0, nil), (0.0, 0.3, nil), (0.5, 0.02, 0.4)] as [(Double, Double, Double?)],
    GaussianHead.Spread.allCases)
  func ppo(_ coefficients: (value: Double, entropy: Double, valueClip: Double?), _ spread: GaussianHead.Spread) throws {
    let count = 24
    let model = try lineModel(rows: count) { $0.spread = spread }
    Self.randomise(model, seed: 4)
    let rollout = Self.rollout(model, rows: count, seed: 5)
    var options = ProximalPolicyOptimisation.Options()
    options.steps = count
    options.batchSize = count
    options.valueCoefficient = coefficients.value
    options.entropyCoefficient = coefficients.entropy
    options.valueClipRange = coefficients.valueClip
    var algorithm = ProximalPolicyOptimisation(options, model: model, environments: 1)
    let rows = (0..<count).map(Int32.init)
    let figures = algorithm.lossAndGradient(model, rollout, rows: rows, count: count)

    let a = (0..<count).map { Double(rollout.advantages[$0]) }
    let mean = a.reduce(0, +) / Double(count)
    let deviation = (a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot() + 1e-8
    func loss(_ p: [Double]) -> (total: Double, policy: Double, value: Double, entropy: Double, clipped: Double) {
      var (policy, value, entropy, clipped) = (0.0, 0.0, 0.0, 0.0)
      for row in 0..<count {
        let x = (0..<2).map { Double(rollout.observations.base[row * 16 + $0]) }
        let (m, logSigma) = Self.distribution(model, p, x)[0]
        let ratio = exp(
          HeadTests.density(Double(rollout.actions[row]), m, logSigma) - Double(rollout.logProbabilities[row]))
        let advantage = (a[row] - mean) / deviation
        policy -= min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage) / Double(count)
        clipped += (abs(ratio - 1) > 0.2 ? 1 : 0) / Double(count)
        entropy += (logSigma + 0.5 * log(2 * Double.pi * M_E)) / Double(count)
        let v = Self.perceptron(model.critic.blocks, p, x)[0]
        let (target, old) = (Double(rollout.targets[row]), Double(rollout.values[row]))
        var square = (v - target) * (v - target)
        if let clip = coefficients.valueClip {
          let near = min(max(v, old - clip), old + clip)
          square = max(square, (near - target) * (near - target))
        }
        value += square / Double(count)
      }
      return (policy + coefficients.value * value - coefficients.entropy * entropy, policy, value, entropy, clipped)
    }
    let p = (0..<model.layout.count).map { Double(model.parameters.base[$0]) }
    let expected = loss(p)
    #expect(abs(figures.policyLoss - expected.policy) <= 1e-5)
    #expect(abs(figures.valueLoss - expected.value) <= 1e-5)
    #expect(abs(figures.entropy - expected.entropy) <= 1e-5)
    #expect(abs(figures.clipFraction - expected.clipped) <= 1e-9)
    // Ratios on both sides, or the test shows nothing.
    #expect((0.2...0.9).contains(expected.clipped))
    var (worst, largest) = (0.0, 0.0)
    for block in model.layout.blocks {
      for index in 0..<block.parameterCount {
        let place = block.offset + index / block.columns * block.stride + index % block.columns
        var (up, down) = (p, p)
        up[place] += 1e-6
        down[place] -= 1e-6
        let slope = (loss(up).total - loss(down).total) / 2e-6
        worst = max(worst, abs(Double(model.gradients.base[place]) - slope))
        largest = max(largest, abs(slope))
      }
    }
    #expect(worst <= 2e-5 * largest)
  }

  @Test("TRPO's Fisher product is the curvature of the mean divergence", arguments: GaussianHead.Spread.allCases)
  func fisher(_ spread: GaussianHead.Spread) throws {
    let count = 16
    let model = try lineModel(rows: count) { $0.spread = spread }
    Self.randomise(model, seed: 6)
    let rollout = Self.rollout(model, rows: count, seed: 7)
    var options = TrustRegionPolicyOptimisation.Options()
    options.steps = count
    options.damping = 0
    var algorithm = TrustRegionPolicyOptimisation(options, model: model, environments: 1)
    let vector = FloatBuffer(count: model.layout.count)
    var random = RandomStream(seed: 8, name: "vector")
    for block in model.layout.blocks where block.offset < model.criticOffset {
      block.write((0..<block.parameterCount).map { _ in Float(random.normal()) }, to: vector.base)
    }
    algorithm.fisherProduct(model, rollout, vector: vector.base)

    let p = (0..<model.layout.count).map { Double(model.parameters.base[$0]) }
    let v = (0..<model.layout.count).map { Double(vector.base[$0]) }
    func divergence(_ q: [Double]) -> Double {
      (0..<count).reduce(0.0) { sum, row in
        let x = (0..<2).map { Double(rollout.observations.base[row * 16 + $0]) }
        let (m, s) = Self.distribution(model, p, x)[0]
        let (n, t) = Self.distribution(model, q, x)[0]
        return sum + (t - s + (exp(2 * s) + (m - n) * (m - n)) / (2 * exp(2 * t)) - 0.5) / Double(count)
      }
    }
    // At the old policy the divergence's gradient is 0, so D(θ + εv) = ½ε²·vᵀFv; off the diagonal by polarisation.
    func form(_ u: [Double]) -> Double {
      let h = 1e-4
      return (divergence(zip(p, u).map { $0 + h * $1 }) + divergence(zip(p, u).map { $0 - h * $1 })) / (h * h)
    }
    for place in [
      0, 17, model.actor.blocks[2].offset + 16 * 3, (model.logDeviation?.offset ?? model.actor.blocks[3].offset + 1),
    ] {
      var plus = v
      var minus = v
      plus[place] += 1
      minus[place] -= 1
      let expected = (form(plus) - form(minus)) / 4
      #expect(abs(Double(model.gradients.base[place]) - expected) <= 2e-4 * max(1, abs(expected)))
    }
  }
}
