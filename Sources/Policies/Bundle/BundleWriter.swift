import Configuration
import Glibc
import Networks

/// What a trained policy of dense layers is made of, ready to become a bundle.
public struct BundleContents: Sendable {
  /// A dense layer, weights as [outputs][inputs].
  public struct Layer: Sendable {
    public var weights: [Float]
    public var bias: [Float]
    /// The activation's name as `policy.yaml` writes it.
    public var activation: String

    public init(weights: [Float], bias: [Float], activation: String) {
      self.weights = weights
      self.bias = bias
      self.activation = activation
    }
  }
  /// A recurrent layer in front of the dense ones; gates in ONNX's order (z, r, h or i, o, f, c).
  public struct Memory: Sendable {
    public var cell: RecurrentCell
    /// [gates·size][inputs].
    public var weights: [Float]
    /// [gates·size][size].
    public var recurrentWeights: [Float]
    /// Of the input, gates·size numbers.
    public var bias: [Float]
    /// Of the recurrent part; the GRU's reset gate stands behind it.
    public var recurrentBias: [Float]

    public init(
      cell: RecurrentCell, weights: [Float], recurrentWeights: [Float], bias: [Float], recurrentBias: [Float]
    ) {
      self.cell = cell
      self.weights = weights
      self.recurrentWeights = recurrentWeights
      self.bias = bias
      self.recurrentBias = recurrentBias
    }
  }
  /// Where log σ comes from.
  public enum Spread: Sendable {
    /// One number per action.
    case constant([Float])
    /// The second half of the last layer's outputs, limited to a range.
    case secondHalf(ClosedRange<Double>)
    /// There is none: the policy is deterministic, and its last layer's activation squashes the action.
    case deterministic

    var isDeterministic: Bool {
      if case .deterministic = self { true } else { false }
    }
  }

  public var name: String
  public var robot: String?
  public var jointNames: [String]
  public var rateHz: Double
  /// A name per number of the observation.
  public var observationNames: [String]
  public var layers: [Layer]
  public var valueLayers: [Layer]
  /// In front of `layers`, if the policy is recurrent.
  public var memory: Memory?
  /// In front of `valueLayers`.
  public var valueMemory: Memory?
  public var spread: Spread
  public var isSquashed: Bool
  public var actionKind: ActionTransform.Kind
  /// The box of every action; infinite where there is none.
  public var actionRange: ClosedRange<Double>
  public var normaliser: ObservationNormaliser
  /// Observations and the actions that the trainer's own forward pass gave for them, at least five; for a recurrent policy
  /// one episode from its beginning.
  public var golden: [(observation: [Double], action: [Float])]
  /// Algorithm, steps and so on, in this order.
  public var training: [(key: String, value: String)]

  public init(
    name: String, robot: String?, jointNames: [String], rateHz: Double, observationNames: [String], layers: [Layer],
    valueLayers: [Layer], spread: Spread, isSquashed: Bool, actionKind: ActionTransform.Kind,
    actionRange: ClosedRange<Double>, normaliser: ObservationNormaliser,
    golden: [(observation: [Double], action: [Float])], training: [(key: String, value: String)]
  ) {
    self.name = name
    self.robot = robot
    self.jointNames = jointNames
    self.rateHz = rateHz
    self.observationNames = observationNames
    self.layers = layers
    self.valueLayers = valueLayers
    self.spread = spread
    self.isSquashed = isSquashed
    self.actionKind = actionKind
    self.actionRange = actionRange
    self.normaliser = normaliser
    self.golden = golden
    self.training = training
  }
}

/// Makes the files of a bundle: `policy.yaml`, the weights in safetensors, golden vectors as CSV.
public enum BundleWriter {
  /// The files by name; the manifest comes last, because it holds the hashes of the others.
  public static func files(_ x: BundleContents) -> [(name: String, bytes: [UInt8])] {
    var tensors: [(name: String, shape: [Int], values: [Float])] = []
    func add(_ layers: [BundleContents.Layer], _ prefix: String) -> [String] {
      layers.enumerated().map { index, layer in
        let (weight, bias) = ("\(prefix).\(index).weight", "\(prefix).\(index).bias")
        let outputs = layer.bias.count
        tensors.append((weight, [outputs, layer.weights.count / max(1, outputs)], layer.weights))
        tensors.append((bias, [outputs], layer.bias))
        return "    - {weight: \(weight), bias: \(bias), activation: \(layer.activation)}"
      }
    }
    func add(_ memory: BundleContents.Memory?, _ prefix: String) -> [String] {
      guard let memory else { return [] }
      let rows = memory.bias.count
      let parts = [
        ("weight", [rows, memory.weights.count / max(1, rows)], memory.weights),
        ("recurrent_weight", [rows, memory.recurrentWeights.count / max(1, rows)], memory.recurrentWeights),
        ("bias", [rows], memory.bias), ("recurrent_bias", [rows], memory.recurrentBias),
      ]
      let keys = parts.map { part in
        tensors.append(("\(prefix).memory.\(part.0)", part.1, part.2))
        return "\(part.0): \(prefix).memory.\(part.0)"
      }
      return ["    - {cell: \(memory.cell.rawValue), \(keys.joined(separator: ", "))}"]
    }
    var lines = ["schema: 1", "name: \(quoted(x.name))"]
    if let robot = x.robot { lines.append("robot: \(quoted(robot))") }
    lines += ["joint_names: [\(x.jointNames.map(quoted).joined(separator: ", "))]", "rate_hz: \(x.rateHz)", ""]
    lines += ["network:", "  safetensors: weights.safetensors", "  layers:"]
    lines += add(x.memory, "actor") + add(x.layers, "actor")
    if !x.valueLayers.isEmpty {
      lines += ["  value_layers:"] + add(x.valueMemory, "critic") + add(x.valueLayers, "critic")
    }
    lines += ["", "observation:"] + x.observationNames.map { "  - {name: \(quoted($0)), dim: 1}" }
    lines += ["", "action:", "  kind: \(x.actionKind.rawValue)"]
    let (low, high) = (x.actionRange.lowerBound, x.actionRange.upperBound)
    if x.isSquashed {
      lines += ["  scale: \((high - low) / 2)", "  offset: \((high + low) / 2)"]
    }
    if low.isFinite, high.isFinite { lines.append("  clip: [\(low), \(high)]") }
    lines += ["", "distribution:"]
    switch x.spread {
    case .constant(let values):
      tensors.append(("log_std", [values.count], values))
      lines += ["  kind: gaussian", "  log_std: {tensor: log_std}"]
    case .secondHalf(let range):
      lines += [
        "  kind: gaussian", "  log_std: {second_half: true, clamp: [\(range.lowerBound), \(range.upperBound)]}",
      ]
    case .deterministic: lines.append("  kind: deterministic")
    }
    if x.isSquashed && !x.spread.isDeterministic { lines.append("  squash: tanh") }
    switch x.normaliser {
    case .statistics(let mean, let variance, let epsilon, let clip):
      lines += [
        "", "normaliser:", "  mean: \(mean)", "  var: \(variance)", "  epsilon: \(epsilon)", "  clip: \(clip)",
      ]
    case .none, .inGraph: lines += ["", "normaliser: none"]
    }
    let weights = safetensors(tensors)
    let golden = Array(table(x.golden).utf8)
    lines += ["", "files:"]
    for (name, bytes) in [("weights.safetensors", weights), ("golden.csv", golden)] {
      lines += ["  - path: \(name)", "    sha256: \(PolicyLoader.digest(bytes))"]
    }
    lines += ["", "test_vectors: golden.csv"]
    if !x.training.isEmpty {
      lines += ["", "training:"] + x.training.map { "  \($0.key): \(quoted($0.value))" }
    }
    return [
      ("weights.safetensors", weights), ("golden.csv", golden),
      (BundleLoader.manifestName, Array((lines.joined(separator: "\n") + "\n").utf8)),
    ]
  }

  /// A YAML text that is one line whatever it holds.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0x7f: result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func table(_ rows: [(observation: [Double], action: [Float])]) -> String {
    guard let first = rows.first else { return "" }
    let header = first.observation.indices.map { "obs[\($0)]" } + first.action.indices.map { "action[\($0)]" }
    let lines = rows.map { row in
      (row.observation.map { "\($0)" } + row.action.map { "\($0)" }).joined(separator: ",")
    }
    return ([header.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }

  /// The format's three parts: length of the header, header, elements, all little-endian.
  static func safetensors(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
      let start = data.count
      for value in tensor.values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
      entries.append(
        "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":[\(tensor.shape.map(String.init).joined(separator: ","))],"
          + "\"data_offsets\":[\(start),\(data.count)]}")
    }
    var header = Array("{\(entries.joined(separator: ","))}".utf8)
    // Elements begin at a multiple of eight bytes.
    while header.count % 8 != 0 { header.append(0x20) }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }
}
