import Foundation
import Numerics
import Testing

@testable import Policies

/// Bundles that a trainer writes, read back.
@Suite("Writing bundles") struct BundleWriterTests {
  /// A small network worked out by hand: mean = tanh(x·w) summed, two actions.
  static func contents(spread: BundleContents.Spread, squashed: Bool) -> BundleContents {
    let outputs = if case .secondHalf = spread { 4 } else { 2 }
    let layers = [
      BundleContents.Layer(weights: [0.5, -0.25, 1, 0.125, 0.75, -1], bias: [0.1, -0.2], activation: "tanh"),
      BundleContents.Layer(
        weights: (0..<(2 * outputs)).map { Float($0) * 0.3 - 0.7 }, bias: (0..<outputs).map { Float($0) * 0.1 },
        activation: "identity"),
    ]
    var random = RandomStream(seed: 1, name: "bundle")
    func dense(_ layer: BundleContents.Layer, _ x: [Double]) -> [Double] {
      layer.bias.indices.map { row in
        var sum = Double(layer.bias[row])
        for column in x.indices { sum += Double(layer.weights[row * x.count + column]) * x[column] }
        return sum
      }
    }
    var golden: [(observation: [Double], action: [Float])] = []
    for _ in 0..<8 {
      let x = (0..<3).map { _ in 2 * random.normal() }
      let seen = x.map { min(max(($0 - 1) / 2, -10), 10) }
      let means = dense(layers[1], dense(layers[0], seen).map { tanh($0) }).prefix(2)
      golden.append((x, means.map { Float(squashed ? 0.5 + 1.5 * tanh($0) : min(max($0, -1), 2)) }))
    }
    return BundleContents(
      name: "with \"quotes\": and\nlines", robot: "reacher", jointNames: ["joint1", "joint2"], rateHz: 50,
      observationNames: ["a", "b: c", "d"], layers: layers,
      valueLayers: [BundleContents.Layer(weights: [1, 2, 3], bias: [0.5], activation: "identity")], spread: spread,
      isSquashed: squashed, actionKind: .torque, actionRange: -1...2,
      normaliser: .statistics(mean: [1, 1, 1], variance: [4, 4, 4], epsilon: 1e-8, clip: 10), golden: golden,
      training: [("algorithm", "ppo")])
  }

  static func write(_ contents: BundleContents) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bundle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for file in BundleWriter.files(contents) {
      try Data(file.bytes).write(to: folder.appendingPathComponent(file.name))
    }
    return folder
  }

  @Test("a written bundle loads and reproduces its golden vectors", arguments: [false, true], [false, true])
  func loads(_ isStateDependent: Bool, _ squashed: Bool) throws {
    let spread: BundleContents.Spread = isStateDependent ? .secondHalf(-20...2) : .constant([-0.5, 0.25])
    let folder = try Self.write(Self.contents(spread: spread, squashed: squashed))
    defer { try? FileManager.default.removeItem(at: folder) }
    let policy = try PolicyLoader.load(path: folder.path)
    #expect(policy.description.goldenRows == 8)
    #expect(policy.description.hasValue)
    #expect(policy.description.jointNames == ["joint1", "joint2"])
    #expect(policy.description.observationTerms.map(\.name) == ["a", "b: c", "d"])
    #expect(policy.description.name == "with \"quotes\": and lines")
    if isStateDependent {
      #expect(policy.description.distribution == .gaussian(.stateDependent(-20...2), isSquashed: squashed))
    } else {
      #expect(policy.description.distribution == .gaussian(.constant([-0.5, 0.25]), isSquashed: squashed))
    }
  }

  @Test("a bundle whose golden actions are not its own is refused")
  func wrongGolden() throws {
    var contents = Self.contents(spread: .constant([0, 0]), squashed: false)
    contents.golden[3].action[1] += 1e-3
    let folder = try Self.write(contents)
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(throws: PolicyError.self) { _ = try PolicyLoader.load(path: folder.path) }
  }
}
