import Configuration
import Networks

/// `policy.yaml` as written: read with types and positions, not yet compared with the files it names.
struct PolicyManifest: Sendable {
  /// The version of the schema that is read.
  static let schema = 1

  struct File: Sendable {
    var path: String
    var hash: String
  }
  /// A layer of a network whose weights are tensors of a safetensors file.
  struct Layer: Sendable {
    var weight: String
    var bias: String?
    var activation: Activation
  }
  /// A recurrent layer in front of the others.
  struct Memory: Sendable {
    var cell: RecurrentCell
    var weight: String
    var recurrentWeight: String
    var bias: String
    var recurrentBias: String
  }
  /// Layers from the observation on.
  struct Layers: Sendable {
    var memory: Memory?
    var dense: [Layer]
  }
  enum Network: Sendable {
    case onnx(path: String, OnnxChoices)
    case safetensors(path: String, layers: Layers, valueLayers: Layers?)
  }
  /// Where the logarithm of the standard deviation stands.
  enum Spread: Sendable {
    case constant([Double])
    /// A tensor of the safetensors file.
    case tensor(String)
    /// An output of the ONNX graph; `isLinear` when it is the standard deviation itself.
    case output(String, isLinear: Bool, clamp: ClosedRange<Double>?)
    /// The second half of the network's last layer.
    case secondHalf(clamp: ClosedRange<Double>?)
  }
  enum Distribution: Sendable {
    case deterministic
    case gaussian(Spread, isSquashed: Bool)
  }
  /// A value for all numbers, or one each.
  enum Numbers: Sendable {
    case all(Double)
    case each([Double])

    /// The values, or nil when there are not `count`.
    func expanded(to count: Int) -> [Double]? {
      switch self {
      case .all(let value): [Double](repeating: value, count: count)
      case .each(let values): values.count == count ? values : nil
      }
    }
  }
  struct Action: Sendable {
    var kind: ActionTransform.Kind
    var scale: Numbers
    var offset: Numbers
    /// One range for all, or one each; nil when there is no limit.
    var clip: [ClosedRange<Double>]?
    var positionGain: Numbers?
    var dampingGain: Numbers?
  }
  enum Noise: Sendable {
    case gaussian(Numbers)
    case ornsteinUhlenbeck(Numbers, theta: Double, timeStep: Double)
  }

  var file: String
  var text: String
  var name: String
  var robot: String?
  var jointNames: [String]
  var rateHz: Double
  var network: Network
  var terms: [ObservationTerm]
  var action: Action
  var distribution: Distribution
  var exploration: Noise?
  var normaliser: ObservationNormaliser
  var files: [File]
  var training: [(key: String, value: String)]
  var testVectors: String
}
