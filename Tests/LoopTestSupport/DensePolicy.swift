import Configuration
import Foundation

/// A network of dense layers that a test makes up, written as a policy folder.
public struct DensePolicy {
  /// y = activation(W·x + b).
  public struct Layer {
    /// One row per output.
    public var weights: [[Float]]
    public var bias: [Float]
    /// `identity`, `relu` or `tanh`.
    public var activation: String

    public init(weights: [[Float]], bias: [Float], activation: String = "identity") {
      self.weights = weights
      self.bias = bias
      self.activation = activation
    }

    func callAsFunction(_ x: [Float]) -> [Float] {
      zip(weights, bias).map { row, bias in
        let sum = zip(row, x).reduce(Double(bias)) { $0 + Double($1.0) * Double($1.1) }
        return switch activation {
        case "relu": Float(max(0, sum))
        case "tanh": Float(tanh(sum))
        default: Float(sum)
        }
      }
    }
  }

  public var layers: [Layer]
  public var jointNames: [String]
  public var rate: Double
  /// The manifest's distribution.
  public var distribution = "{kind: deterministic}"
  /// Observations whose actions are the golden vectors; at least five.
  public var goldenObservations: [[Float]]

  /// A policy whose golden vectors are the network's own answers to small observations.
  public init(layers: [Layer], jointNames: [String], rate: Double = 50) {
    self.layers = layers
    self.jointNames = jointNames
    self.rate = rate
    let count = layers.first?.weights.first?.count ?? 0
    goldenObservations = (0..<5).map { row in (0..<count).map { Float((row * 3 + $0 * 7) % 11) / 64 } }
  }

  /// A network with weights drawn from a generator of its own.
  public static func random(
    observations: Int, hidden: [Int], jointNames: [String], seed: UInt64, scale: Double = 1, rate: Double = 50
  ) -> DensePolicy {
    var state = seed
    func next() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Double(state >> 33) / Double(1 << 30) - 1)
    }
    var layers: [Layer] = []
    let sizes = [observations] + hidden + [jointNames.count]
    for index in 1..<sizes.count {
      let spread = Float(scale / Double(sizes[index - 1]).squareRoot())
      layers.append(
        Layer(
          weights: (0..<sizes[index]).map { _ in (0..<sizes[index - 1]).map { _ in next() * spread } },
          bias: (0..<sizes[index]).map { _ in next() * 0.1 }, activation: index == sizes.count - 1 ? "identity" : "tanh"
        ))
    }
    return DensePolicy(layers: layers, jointNames: jointNames, rate: rate)
  }

  /// What the network answers, computed plainly.
  public func action(_ observation: [Float]) -> [Float] { layers.reduce(observation) { $1($0) } }

  /// Writes the policy into `folder` and gives the path to load.
  @discardableResult
  public func write(to folder: TemporaryFolder, name: String = "policy") throws -> String {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let weights = safetensors
    let golden = goldenText
    try folder.write("\(name)/weights.safetensors", weights)
    try folder.write("\(name)/golden.csv", golden)
    func hash(_ data: Data) -> String { data.withUnsafeBytes { ContentHash.sha256($0) } }
    let list = layers.indices.map {
      "    - {weight: w\($0), bias: b\($0), activation: \(layers[$0].activation)}"
    }
    try folder.write(
      "\(name)/policy.yaml",
      """
      schema: 1
      name: \(name)
      joint_names: [\(jointNames.joined(separator: ", "))]
      rate_hz: \(rate)
      network:
        safetensors: weights.safetensors
        layers:
      \(list.joined(separator: "\n"))
      action: {kind: position}
      distribution: \(distribution)
      normaliser: none
      files:
        - {path: weights.safetensors, sha256: \(hash(weights))}
        - {path: golden.csv, sha256: \(hash(Data(golden.utf8)))}
      test_vectors: golden.csv

      """)
    return path
  }

  private var goldenText: String {
    let inputs = layers.first?.weights.first?.count ?? 0
    let outputs = jointNames.count
    var lines = [
      ((0..<inputs).map { "obs[\($0)]" } + (0..<outputs).map { "action[\($0)]" }).joined(separator: ",")
    ]
    for row in goldenObservations { lines.append((row + action(row)).map { "\($0)" }.joined(separator: ",")) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The weights in the safetensors format: length of the header, header, numbers.
  private var safetensors: Data {
    var entries: [String] = []
    var body = Data()
    func add(_ name: String, _ values: [Float], _ shape: String) {
      let start = body.count
      for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { body.append(contentsOf: $0) } }
      entries.append(#""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(body.count)]}"#)
    }
    for (index, layer) in layers.enumerated() {
      add("w\(index)", layer.weights.flatMap { $0 }, "[\(layer.weights.count),\(layer.weights.first?.count ?? 0)]")
      add("b\(index)", layer.bias, "[\(layer.bias.count)]")
    }
    let header = Data("{\(entries.joined(separator: ","))}".utf8)
    var data = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
    data.append(header)
    data.append(body)
    return data
  }
}
