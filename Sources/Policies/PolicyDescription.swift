/// What a policy is, for people, logs and checks. Metadata: none of it is read by the control thread.
public struct PolicyDescription: Sendable {
  /// How the policy is stored.
  public enum Format: String, Sendable {
    /// One ONNX file, perhaps with external data.
    case onnx
    /// A folder with `policy.yaml`.
    case bundle
  }
  /// What the bundle calls itself, or the file's name.
  public var name: String
  /// The path it was loaded from.
  public var path: String
  /// How it is stored.
  public var format: Format
  /// SHA-256 in lower-case hexadecimal: of a bundle's `policy.yaml`, which holds the hashes of all its files; of a
  /// bare model file; with external data, of the lines `NAME HASH` of model and data.
  public var hash: String
  /// `policy.yaml` as loaded; nil for a bare model.
  public var sourceText: String?
  /// Numbers in an observation.
  public var observationCount: Int
  /// Numbers in an action.
  public var actionCount: Int
  /// The robot it was made for.
  public var robot: String?
  /// The joints in the order of the action; nil when the file does not say.
  public var jointNames: [String]?
  /// Policy steps per second that it was trained at; nil when the file does not say.
  public var rateHz: Double?
  /// The observation's parts in order; empty when the file does not say.
  public var observationTerms: [ObservationTerm] = []
  /// How the network's numbers become the action.
  public var action: ActionTransform
  /// How actions are drawn.
  public var distribution: PolicyDistribution
  /// Noise that is added to a deterministic policy when it is sampled.
  public var exploration: ExplorationNoise?
  /// How observations are normalised.
  public var normaliser: ObservationNormaliser
  /// Recurrent state: outputs fed back to inputs.
  public var recurrentPairs: [RecurrentPair]
  /// Whether there is a critic.
  public var hasValue: Bool
  /// Numbers in weights, biases and constants.
  public var parameterCount: Int
  /// Golden rows that reproduced when the policy was loaded; 0 when there are none.
  public var goldenRows: Int
  /// Where it comes from: algorithm, steps, tools, in the file's order.
  public var provenance: [(key: String, value: String)]

  /// Whether it remembers earlier observations.
  public var isRecurrent: Bool { !recurrentPairs.isEmpty }
}

/// A part of the observation: `clip`, then `scale`·x + `offset`, per number.
public struct ObservationTerm: Sendable, Equatable {
  /// The term's name.
  public var name: String
  /// What it measures, for example `joint_position`; free text.
  public var kind: String?
  /// How many numbers it has.
  public var count: Int
  /// Factors, one per number.
  public var scale: [Double]
  /// Summands, one per number.
  public var offset: [Double]
  /// Limits before scaling.
  public var clip: ClosedRange<Double>?
}

/// How the network's action becomes the action that leaves: `scale`·x + `offset`, then the limits of the action box.
public struct ActionTransform: Sendable, Equatable {
  /// What the numbers command. Their unit is the task's: its action mapping makes SI units of them.
  public enum Kind: String, Sendable, CaseIterable {
    /// Goal position.
    case position
    /// Change of the goal position.
    case delta
    /// Velocity.
    case velocity
    /// Effort.
    case torque
  }
  /// What the action commands; nil when the file does not say.
  public var kind: Kind?
  /// Factors, one per action.
  public var scale: [Double]
  /// Summands, one per action.
  public var offset: [Double]
  /// Lower limits of the action that leaves; −∞ where there is none.
  public var low: [Double]
  /// Upper limits; ∞ where there is none.
  public var high: [Double]
  /// Position gain the policy was trained with, per joint.
  public var positionGain: [Double]?
  /// Damping gain the policy was trained with, per joint.
  public var dampingGain: [Double]?

  /// Whether any limit is finite.
  public var hasLimits: Bool { low.contains { $0.isFinite } || high.contains { $0.isFinite } }

  static func identity(count: Int) -> ActionTransform {
    ActionTransform(
      kind: nil, scale: .init(repeating: 1, count: count), offset: .init(repeating: 0, count: count),
      low: .init(repeating: -.infinity, count: count), high: .init(repeating: .infinity, count: count))
  }
}

/// How a policy draws its actions.
public enum PolicyDistribution: Sendable, Equatable {
  /// The network's output is the action.
  case deterministic
  /// Independent normal distributions around the network's output.
  case gaussian(LogStandardDeviation, isSquashed: Bool)

  /// Where the logarithm of the standard deviation comes from.
  public enum LogStandardDeviation: Sendable, Equatable {
    /// The same for every observation, one number per action.
    case constant([Double])
    /// Computed by the network, limited to a range.
    case stateDependent(ClosedRange<Double>?)
  }

  /// One word and where the spread comes from.
  public var text: String {
    switch self {
    case .deterministic: return "deterministic"
    case .gaussian(let spread, let isSquashed):
      let source =
        switch spread {
        case .constant(let values): "log_std \(values.map { Decimal.text($0) }.joined(separator: " "))"
        case .stateDependent(let clamp):
          "state-dependent log_std"
            + (clamp.map { " in \(Decimal.text($0.lowerBound))…\(Decimal.text($0.upperBound))" } ?? "")
        }
      return "gaussian, \(source)" + (isSquashed ? ", squashed by tanh" : "")
    }
  }
}

/// Noise from outside, for deterministic policies, in units of the network's action (before `ActionTransform`).
public enum ExplorationNoise: Sendable, Equatable {
  /// Independent N(0, σ²) at each step.
  case gaussian(sigma: [Double])
  /// Ornstein-Uhlenbeck process x ← x − θ·x·dt + σ·√dt·N(0, 1), x = 0 at each reset; dt in seconds.
  case ornsteinUhlenbeck(sigma: [Double], theta: Double, timeStep: Double)
}

/// How observations are normalised before the network sees them.
public enum ObservationNormaliser: Sendable, Equatable {
  /// Not at all, or inside the network.
  case inGraph
  /// Explicitly not.
  case none
  /// (x − mean)/√(variance + epsilon), limited to ±clip.
  case statistics(mean: [Double], variance: [Double], epsilon: Double, clip: Double)

  /// The normaliser in one phrase.
  public var text: String {
    switch self {
    case .inGraph: "in the graph or absent"
    case .none: "none"
    case .statistics(_, _, let epsilon, let clip): "mean and variance, epsilon \(epsilon), clip ±\(Decimal.text(clip))"
    }
  }
}

/// Numbers as people write them.
enum Decimal {
  /// At most four decimals, without trailing zeros.
  static func text(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
    let rounded = (value * 10_000).rounded() / 10_000
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }
}
