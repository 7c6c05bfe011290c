import CSystem
import Numerics

/// What is added to a deterministic policy's action so that it explores; in units of the action scaled to [−1, 1].
public struct ActionNoise: ~Copyable {
  public enum Kind: String, Sendable, CaseIterable {
    case none
    /// N(0, σ²), independent from step to step.
    case normal
    /// x ← x − θ·x·dt + σ·√dt·N(0, 1): correlated over about 1/(θ·dt) steps; starts at 0 in every episode
    /// (Uhlenbeck and Ornstein, Physical Review 36, 1930; for exploration Lillicrap et al., arXiv:1509.02971).
    case ornsteinUhlenbeck = "ornstein_uhlenbeck"
  }
  /// Names and defaults: Stable-Baselines3 (θ, dt), Fujimoto et al. (σ).
  public struct Options: Sendable, Equatable {
    public var kind = Kind.normal
    public var sigma = 0.1
    public var theta = 0.15
    public var timestep = 0.01
    public init() {}
  }

  public let options: Options
  private let width: Int
  private let count: Int
  private let state: UnsafeMutablePointer<Double>

  public init(_ options: Options, environments: Int, actionCount: Int) {
    self.options = options
    width = actionCount
    count = environments * actionCount
    state = .allocate(capacity: count)
    state.initialize(repeating: 0, count: count)
  }

  deinit { state.deallocate() }

  /// An episode begins.
  public func restart(_ environment: Int) { (state + environment * width).update(repeating: 0, count: width) }

  /// The next noise of one action of an environment.
  public func next(_ environment: Int, _ index: Int, random: inout RandomStream) -> Double {
    switch options.kind {
    case .none: return 0
    case .normal: return options.sigma * random.normal()
    case .ornsteinUhlenbeck:
      let place = environment * width + index
      state[place] +=
        -options.theta * state[place] * options.timestep
        + options.sigma * sinew_sqrt(options.timestep) * random.normal()
      return state[place]
    }
  }

  func encode(into encoder: inout StateEncoder) { encoder.put(UnsafePointer(state), count: count) }
  func decode(from decoder: inout StateDecoder) throws(LearningError) { try decoder.take(into: state, count: count) }
}
