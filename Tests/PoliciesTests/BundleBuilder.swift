import Configuration
import Foundation
import Policies

/// Writes policy bundles for tests: files, hashes and a manifest whose keys a test may replace or drop.
struct BundleBuilder {
  let folder: TemporaryFolder
  /// Top-level keys of the manifest in order; the value is the YAML text after the colon.
  var keys: [(key: String, text: String)] = []
  private var hashes: [(path: String, hash: String)] = []

  init() throws { folder = try TemporaryFolder() }

  /// Adds a file that the manifest lists with its hash.
  mutating func add(_ name: String, _ bytes: [UInt8]) throws {
    try folder.write(name, bytes)
    hashes.removeAll { $0.path == name }
    hashes.append((name, bytes.withUnsafeBytes { ContentHash.sha256($0) }))
  }

  mutating func set(_ key: String, _ text: String?) {
    let position = keys.firstIndex { $0.key == key }
    if let text, let position {
      keys[position].text = text
    } else if let text {
      keys.append((key, text))
    } else if let position {
      keys.remove(at: position)
    }
  }

  var manifest: String {
    var text = keys.map { "\($0.key): \($0.text)" }
    if !keys.contains(where: { $0.key == "files" }) {
      text.append("files: [" + hashes.map { "{path: \($0.path), sha256: \($0.hash)}" }.joined(separator: ", ") + "]")
    }
    return text.joined(separator: "\n") + "\n"
  }

  /// Writes the manifest and loads the bundle.
  func load() throws -> LoadedPolicy {
    try folder.write("policy.yaml", manifest)
    return try PolicyLoader.load(path: folder.path)
  }

  /// A linear layer y = W·x + b under a head: the smallest network whose output a test knows exactly.
  /// - Parameter expected: the golden action for an observation.
  static func linear(
    weights: [[Float]], bias: [Float], distribution: String, action: String = "{kind: position}",
    extra: [(String, String)] = [], observationScale: Double = 1, expected: ([Double]) -> [Double]
  ) throws -> BundleBuilder {
    var builder = try BundleBuilder()
    let inputs = weights[0].count
    let outputs = weights.count
    try builder.add(
      "weights.safetensors",
      Safetensors.encode([
        ("w", [outputs, inputs], weights.flatMap { $0 }), ("b", [outputs], bias),
      ]))
    let observations = (0..<6).map { row in (0..<inputs).map { observationScale * sin(Double(row * inputs + $0)) } }
    let actions = observations.map(expected)
    try builder.add("golden.csv", Array(csv(observations: observations, actions: actions).utf8))
    builder.keys = [
      ("schema", "1"), ("name", "linear"),
      ("joint_names", "[" + (0..<actions[0].count).map { "j\($0)" }.joined(separator: ", ") + "]"), ("rate_hz", "50"),
      ("network", "{safetensors: weights.safetensors, layers: [{weight: w, bias: b}]}"), ("action", action),
      ("distribution", distribution), ("normaliser", "none"), ("test_vectors", "golden.csv"),
    ]
    for (key, text) in extra { builder.set(key, text) }
    return builder
  }

  static func csv(observations: [[Double]], actions: [[Double]]) -> String {
    let header =
      observations[0].indices.map { "obs[\($0)]" } + actions[0].indices.map { "action[\($0)]" }
    let rows = zip(observations, actions).map { ($0 + $1).map { "\($0)" }.joined(separator: ",") }
    return ([header.joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
  }
}

/// Writes safetensors files for tests.
enum Safetensors {
  static func encode(_ tensors: [(name: String, shape: [Int], values: [Float])]) -> [UInt8] {
    var data: [UInt8] = []
    var entries: [String] = []
    for (name, shape, values) in tensors {
      let start = data.count
      for value in values { data += withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
      entries.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(data.count)]}")
    }
    return encode(header: "{" + entries.joined(separator: ",") + "}", data: data)
  }

  static func encode(header: String, data: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
  }
}
