import Foundation
import Numerics
import Policies
import TestSupport
import Testing

/// Valid files with random damage: every one must end in a policy that runs or in an error of one line, never in a trap.
@Suite("Damaged files")
struct MutationTests {
  typealias Node = OnnxEncoder.Node

  /// Flips, overwrites, inserts, removes, repeats or cuts bytes in one to four places.
  private static func damage(_ bytes: [UInt8], _ random: inout RandomStream) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int(random.bits() % 4) {
      guard !bytes.isEmpty else { return bytes }
      let place = Int(random.bits() % UInt64(bytes.count))
      switch random.bits() % 8 {
      case 0: bytes[place] ^= 1 << UInt8(random.bits() % 8)
      case 1: bytes[place] = UInt8(truncatingIfNeeded: random.bits())
      case 2: bytes[place] = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe][Int(random.bits() % 6)]
      case 3: bytes.insert(UInt8(truncatingIfNeeded: random.bits()), at: place)
      case 4: bytes.remove(at: place)
      case 5: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.bits() % 16)))
      case 6:
        let end = min(bytes.count, place + Int(random.bits() % 32))
        bytes.insert(contentsOf: bytes[place..<end], at: Int(random.bits() % UInt64(bytes.count)))
      default: if random.bits() % 8 == 0 { bytes.removeLast(bytes.count - place) }
      }
    }
    return bytes
  }

  /// Loads and, when that works, acts twice.
  private static func exercise(_ path: String) -> Bool {
    do throws(PolicyError) {
      let loaded = try PolicyLoader.load(path: path)
      var policy = try loaded.makePolicy()
      var random = RandomStream(seed: 1, name: "mutation")
      let observation = [Double](repeating: 0.5, count: policy.observationCount)
      for _ in 0..<2 { _ = policy.act(observation: observation, sampling: .sample, random: &random) }
      #expect(!loaded.inspection.text.isEmpty)
      return true
    } catch {
      #expect(!error.description.contains("\n"), "\(error)")
      return false
    }
  }

  /// Small graphs that together use most of the parser and of the operators.
  static var graphs: [OnnxEncoder] {
    var shapes = OnnxEncoder(
      observations: 6,
      nodes: [
        Node(operation: "Shape", inputs: ["obs"], outputs: ["s"]),
        Node(operation: "Gather", inputs: ["s", "one"], outputs: ["n"]),
        Node(operation: "Div", inputs: ["n", "two"], outputs: ["h"]),
        Node(operation: "Concat", inputs: ["two", "h"], outputs: ["t"], attributes: [("axis", .integer(0))]),
        Node(operation: "Reshape", inputs: ["obs", "t"], outputs: ["m"]),
        Node(
          operation: "ConstantOfShape", inputs: ["t"], outputs: ["f"],
          attributes: [("value", .tensor(.floats([2], [1])))]),
        Node(operation: "Mul", inputs: ["m", "f"], outputs: ["p"]),
        Node(operation: "Split", inputs: ["p"], outputs: ["a", "b"], attributes: [("axis", .integer(0))]),
        Node(operation: "Slice", inputs: ["a", "zero", "two", "one", "one"], outputs: ["c"]),
        Node(operation: "ReduceSum", inputs: ["b", "one"], outputs: ["r"], attributes: [("keepdims", .integer(1))]),
        Node(operation: "Add", inputs: ["c", "r"], outputs: ["action"]),
      ],
      weights: [("zero", .integers([0])), ("one", .integers([1])), ("two", .integers([2]))])
    shapes.inputs[0].shape = [-1, 6]
    let network = OnnxEncoder(
      observations: 2,
      nodes: [
        Node(
          operation: "Gemm", inputs: ["obs", "w", "b"], outputs: ["y"],
          attributes: [("transB", .integer(1)), ("alpha", .float(0.5))]),
        Node(operation: "Elu", inputs: ["y"], outputs: ["e"], attributes: [("alpha", .float(1))]),
        Node(operation: "LayerNormalization", inputs: ["e", "b", "b"], outputs: ["l"]),
        Node(operation: "Clip", inputs: ["l", "", "c"], outputs: ["k"]),
        Node(operation: "MatMul", inputs: ["k", "w"], outputs: ["q"]),
        Node(operation: "Softmax", inputs: ["q"], outputs: ["action"]),
      ],
      weights: [("w", .floats([1, 2, 3, 4], [2, 2])), ("b", .floats([1, -1], [2])), ("c", .scalar(0.5))])
    var recurrent = OnnxEncoder(
      observations: 1,
      nodes: [
        Node(operation: "Unsqueeze", inputs: ["obs", "zero"], outputs: ["x"]),
        Node(
          operation: "GRU", inputs: ["x", "W", "R", "", "", "h_in"], outputs: ["Y", "h_out"],
          attributes: [("hidden_size", .integer(1)), ("direction", .text("forward"))]),
        Node(operation: "Squeeze", inputs: ["Y"], outputs: ["v"]),
        Node(operation: "Reshape", inputs: ["v", "row"], outputs: ["action"]),
      ],
      weights: [
        ("zero", .integers([0])), ("row", .integers([1, -1])), ("W", .floats([1, 2, 3], [1, 3, 1])),
        ("R", .floats([1, 2, 3], [1, 3, 1])),
      ])
    recurrent.inputs.append(.init(name: "h_in", shape: [1, 1, 1]))
    recurrent.outputs.append(.init(name: "h_out", shape: [1, 1, 1]))
    return [shapes, network, recurrent]
  }

  @Test("damaged models end in a policy or in one line", arguments: 0..<3)
  func models(index: Int) throws {
    let folder = try TemporaryFolder()
    let bytes = Self.graphs[index].bytes
    #expect(Self.exercise(try folder.write("valid.onnx", bytes)))
    var random = RandomStream(seed: UInt64(index), name: "damage")
    var accepted = 0
    for _ in 0..<1500 {
      if Self.exercise(try folder.write("damaged.onnx", Self.damage(bytes, &random))) { accepted += 1 }
    }
    // Damage must reach beyond the parser, and must be noticed.
    #expect(accepted > 15 && accepted < 1400)
  }

  @Test("damaged exports of other frameworks end in a policy or in one line", .enabled(if: Fixtures.areAvailable))
  func exports() throws {
    let folder = try TemporaryFolder()
    for name in ["sb3_ppo_reacher.docs_dynamo.onnx", "rsl_rl_gru_reacher.onnx"] {
      let bytes = Array(try Data(contentsOf: Fixtures.url("policies/" + name)))
      try folder.write(name + ".data", Array(try Data(contentsOf: Fixtures.url("policies/\(name).data"))))
      var random = RandomStream(seed: 7, name: "damage")
      for _ in 0..<150 { _ = Self.exercise(try folder.write(name, Self.damage(bytes, &random))) }
    }
  }

  @Test("damaged bundles end in a policy or in one line")
  func bundles() throws {
    var random = RandomStream(seed: 8, name: "damage")
    for _ in 0..<400 {
      var builder = try BundleBuilder.linear(
        weights: [[1, 2], [3, 4]], bias: [0, 0], distribution: "{kind: gaussian, log_std: [0, 0], squash: none}",
        extra: [("training", "{steps: 5}"), ("robot", "test")],
        expected: { [$0[0] + 2 * $0[1], 3 * $0[0] + 4 * $0[1]] })
      let path = builder.folder.path
      switch random.bits() % 3 {
      case 0:
        let weights = Array(try Data(contentsOf: URL(fileURLWithPath: path + "/weights.safetensors")))
        try builder.add("weights.safetensors", Self.damage(weights, &random))
        try builder.folder.write("policy.yaml", builder.manifest)
      case 1:
        let golden = Array(try Data(contentsOf: URL(fileURLWithPath: path + "/golden.csv")))
        try builder.add("golden.csv", Self.damage(golden, &random))
        try builder.folder.write("policy.yaml", builder.manifest)
      default: try builder.folder.write("policy.yaml", Self.damage(Array(builder.manifest.utf8), &random))
      }
      _ = Self.exercise(path)
    }
  }
}
