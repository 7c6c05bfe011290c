/// Which estimate Ψ of an action's worth multiplies ∇log π in a policy gradient.
public enum AdvantageRule: Sendable, Equatable {
  /// G₀ = Σ γᵏ·rₖ, the same for every step of the episode. Williams, Machine Learning 8, 1992.
  case episodeReturn
  /// Gₜ = Σₖ₌ₜ γᵏ⁻ᵗ·rₖ: rewards before t have no expected effect, only noise. Sutton et al., NIPS 1999.
  case rewardToGo
  /// Σₖ₌₀ⁿ⁻¹ γᵏ·δₜ₊ₖ, cut at an episode's end: n rewards + γⁿ·V(sₜ₊ₙ) − V(sₜ). Mnih et al., arXiv:1602.01783.
  case nStep(Int)
  /// Aₜ = δₜ + γλ·Aₜ₊₁; λ = 0 is the one-step temporal difference, λ = 1 Monte Carlo minus V. Schulman et al.,
  /// arXiv:1506.02438.
  case generalised(lambda: Double)

  /// Whether it uses a critic.
  public var usesValues: Bool {
    switch self {
    case .episodeReturn, .rewardToGo: false
    case .nStep, .generalised: true
    }
  }
}

/// The one place where rewards and values become advantages.
///
/// With δₜ = rₜ + γ·(1 − terminatedₜ)·V(s′ₜ) − V(sₜ), where s′ₜ is the true next observation: at an episode's end the last
/// one, never the first of the next episode. Termination says that the future is worth 0; truncation (a time limit, the
/// end of the rollout) merely stops looking, so V(s′) stands for the rest and only the recursion is cut.
/// All arrays are time-major: element t·environments + e.
public struct AdvantageEstimator: Sendable, Equatable {
  /// Discount γ.
  public var gamma: Double
  public var rule: AdvantageRule
  /// Whether V stands for the rest after a truncation. Off, a time limit counts as termination (arXiv:1712.00378 says what
  /// that costs).
  public var bootstrapsTruncation: Bool

  public init(gamma: Double, rule: AdvantageRule, bootstrapsTruncation: Bool = true) {
    self.gamma = gamma
    self.rule = rule
    self.bootstrapsTruncation = bootstrapsTruncation
  }

  /// What an estimate reads: rewards, values, and how steps ended.
  public struct Trajectories {
    public var steps: Int
    public var environments: Int
    public var rewards: UnsafePointer<Float>
    /// V(sₜ).
    public var values: UnsafePointer<Float>
    /// V(s′ₜ).
    public var nextValues: UnsafePointer<Float>
    public var terminated: UnsafePointer<UInt8>
    public var truncated: UnsafePointer<UInt8>

    public init(
      steps: Int, environments: Int, rewards: UnsafePointer<Float>, values: UnsafePointer<Float>,
      nextValues: UnsafePointer<Float>, terminated: UnsafePointer<UInt8>, truncated: UnsafePointer<UInt8>
    ) {
      self.steps = steps
      self.environments = environments
      self.rewards = rewards
      self.values = values
      self.nextValues = nextValues
      self.terminated = terminated
      self.truncated = truncated
    }
  }

  /// Writes the advantage of every step, and the target that a critic is fitted to: advantage + V(sₜ) with a critic, the
  /// return itself without.
  public func estimate(
    _ x: Trajectories, advantages: UnsafeMutablePointer<Float>, targets: UnsafeMutablePointer<Float>
  ) {
    for environment in 0..<x.environments {
      switch rule {
      case .generalised(let lambda):
        generalised(x, environment, lambda: lambda, advantages: advantages, targets: targets)
      case .nStep(let count): nStep(x, environment, count: count, advantages: advantages, targets: targets)
      case .rewardToGo: returns(x, environment, advantages: advantages, targets: targets)
      case .episodeReturn:
        returns(x, environment, advantages: advantages, targets: targets)
        spreadFirst(x, environment, over: advantages)
      }
    }
  }

  private func isEnd(_ x: Trajectories, _ row: Int) -> Bool { x.terminated[row] != 0 || x.truncated[row] != 0 }

  /// δₜ.
  private func difference(_ x: Trajectories, _ row: Int) -> Double {
    let isFinal = x.terminated[row] != 0 || (x.truncated[row] != 0 && !bootstrapsTruncation)
    let next = isFinal ? 0 : gamma * Double(x.nextValues[row])
    return Double(x.rewards[row]) + next - Double(x.values[row])
  }

  private func generalised(
    _ x: Trajectories, _ environment: Int, lambda: Double, advantages: UnsafeMutablePointer<Float>,
    targets: UnsafeMutablePointer<Float>
  ) {
    var advantage = 0.0
    for step in stride(from: x.steps - 1, through: 0, by: -1) {
      let row = step * x.environments + environment
      advantage = difference(x, row) + (isEnd(x, row) ? 0 : gamma * lambda * advantage)
      advantages[row] = Float(advantage)
      targets[row] = Float(advantage + Double(x.values[row]))
    }
  }

  private func nStep(
    _ x: Trajectories, _ environment: Int, count: Int, advantages: UnsafeMutablePointer<Float>,
    targets: UnsafeMutablePointer<Float>
  ) {
    for step in 0..<x.steps {
      var (advantage, factor) = (0.0, 1.0)
      var later = step
      while later < min(step + count, x.steps) {
        let row = later * x.environments + environment
        advantage += factor * difference(x, row)
        if isEnd(x, row) { break }
        factor *= gamma
        later += 1
      }
      let row = step * x.environments + environment
      advantages[row] = Float(advantage)
      targets[row] = Float(advantage + Double(x.values[row]))
    }
  }

  private func returns(
    _ x: Trajectories, _ environment: Int, advantages: UnsafeMutablePointer<Float>,
    targets: UnsafeMutablePointer<Float>
  ) {
    var total = 0.0
    for step in stride(from: x.steps - 1, through: 0, by: -1) {
      let row = step * x.environments + environment
      total = Double(x.rewards[row]) + (isEnd(x, row) ? 0 : gamma * total)
      advantages[row] = Float(total)
      targets[row] = Float(total)
    }
  }

  private func spreadFirst(_ x: Trajectories, _ environment: Int, over advantages: UnsafeMutablePointer<Float>) {
    var isFirst = true
    var total: Float = 0
    for step in 0..<x.steps {
      let row = step * x.environments + environment
      if isFirst { total = advantages[row] }
      advantages[row] = total
      isFirst = isEnd(x, row)
    }
  }
}
