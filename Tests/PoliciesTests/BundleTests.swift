import Foundation
import Policies
import TestSupport
import Testing

@Suite("Bundles")
struct BundleTests {
  /// The weights that another framework saved, with its statistics: a bundle made as a converter would.
  @Test("raw Stable-Baselines3 weights with VecNormalize statistics agree", .enabled(if: Fixtures.areAvailable))
  func stableBaselinesWeights() throws {
    let golden = try GoldenTable("policies/sb3_ppo_reacher.golden.csv")
    let json = try JSONSerialization.jsonObject(
      with: Data(contentsOf: Fixtures.url("policies/sb3_ppo_reacher.vecnormalize.json")))
    let statistics = try #require(json as? [String: Any])
    let mean = try #require(statistics["mean"] as? [Double])
    let variance = try #require(statistics["var"] as? [Double])
    let epsilon = try #require(statistics["epsilon"] as? Double)
    let logDeviation = try #require(statistics["log_std"] as? [Double])

    var builder = try BundleBuilder()
    try builder.add(
      "policy.safetensors", Array(Data(contentsOf: Fixtures.url("policies/sb3_ppo_reacher.policy.safetensors"))))
    try builder.add(
      "golden.csv",
      Array(BundleBuilder.csv(observations: golden.rows("obs"), actions: golden.rows("mean_action")).utf8))
    func layers(_ net: String, _ head: String) -> String {
      let hidden = [0, 2].map {
        "{weight: mlp_extractor.\(net).\($0).weight, bias: mlp_extractor.\(net).\($0).bias, activation: tanh}"
      }
      return "[\(hidden.joined(separator: ", ")), {weight: \(head).weight, bias: \(head).bias}]"
    }
    builder.keys = [
      ("schema", "1"), ("name", "sb3"), ("joint_names", "[joint1, joint2]"), ("rate_hz", "50"),
      (
        "network",
        "{safetensors: policy.safetensors, layers: \(layers("policy_net", "action_net")), value_layers: \(layers("value_net", "value_net"))}"
      ), ("action", "{kind: torque}"), ("distribution", "{kind: gaussian, log_std: {tensor: log_std}}"),
      ("normaliser", "{mean: \(mean), var: \(variance), epsilon: \(epsilon), clip: 10}"),
      ("test_vectors", "golden.csv"), ("training", "{algorithm: PPO, steps: 300000}"),
    ]
    let policy = try builder.load()
    #expect(policy.description.goldenRows == 256)
    #expect(policy.description.provenance.map(\.key) == ["algorithm", "steps"])
    guard case .gaussian(.constant(let values), false) = policy.description.distribution else {
      Issue.record("not gaussian")
      return
    }
    #expect(zip(values, logDeviation).allSatisfy { abs($0 - $1) < 1e-6 })
    let results = try policy.run(golden.rows("obs"))
    #expect(largestDifference(results.map(\.action), golden.rows("mean_action")) <= 1e-5)
    #expect(largestDifference(results.map { [$0.value] }, golden.rows("value")) <= 1e-5)
    #expect(largestDifference(results.map { [$0.log] }, golden.rows("log_prob")) <= 1e-5)
  }

  @Test(
    "a recurrent bundle checks its vectors as one sequence, external data included", .enabled(if: Fixtures.areAvailable)
  )
  func recurrentBundle() throws {
    let golden = try GoldenTable("policies/rsl_rl_gru_reacher.golden.csv")
    func builder(actions: [[Double]]) throws -> BundleBuilder {
      var builder = try BundleBuilder()
      for name in ["rsl_rl_gru_reacher.onnx", "rsl_rl_gru_reacher.onnx.data"] {
        try builder.add(name, Array(Data(contentsOf: Fixtures.url("policies/" + name))))
      }
      try builder.add(
        "golden.csv", Array(BundleBuilder.csv(observations: golden.rows("obs"), actions: actions).utf8))
      builder.keys = [
        ("schema", "1"), ("name", "gru"), ("joint_names", "[joint1, joint2]"), ("rate_hz", "50"),
        ("network", "{onnx: rsl_rl_gru_reacher.onnx}"), ("recurrent", "[{input: h_in, output: h_out}]"),
        ("action", "{kind: torque}"), ("distribution", "{kind: deterministic}"), ("normaliser", "in_graph"),
        ("test_vectors", "golden.csv"),
      ]
      return builder
    }
    let right = try builder(actions: golden.rows("action_onnx")).load()
    #expect(right.description.goldenRows == 256)
    #expect(right.inspection.recurrent == ["h_in <- h_out"])
    // Rows out of order are another sequence.
    var swapped = golden.rows("action_onnx")
    swapped.swapAt(100, 101)
    let error = #expect(throws: PolicyError.self) { try builder(actions: swapped).load() }
    #expect(error?.code == .golden)
    #expect(error?.place == "row 101, action[0]")
  }

  @Test(
    "a squashed head over a graph's inner tensor gives the graph's own squashed mean",
    .enabled(if: Fixtures.areAvailable))
  func innerTensorAsMean() throws {
    let name = "onnx/sac_squashed_ts.onnx"
    let observations = (0..<6).map { row in (0..<24).map { sin(Double(row * 24 + $0)) } }
    let squashed = try PolicyLoader.load(path: Fixtures.url(name).path).run(observations)
    var builder = try BundleBuilder()
    try builder.add("sac.onnx", Array(Data(contentsOf: Fixtures.url(name))))
    try builder.add(
      "golden.csv",
      Array(BundleBuilder.csv(observations: observations, actions: squashed.map { $0.action.map { Double($0) } }).utf8))
    builder.keys = [
      ("schema", "1"), ("name", "sac"), ("joint_names", "[a, b, c, d, e, f]"), ("rate_hz", "50"),
      ("network", "{onnx: sac.onnx, action: /mu/Gemm_output_0}"), ("action", "{kind: position}"),
      ("distribution", "{kind: gaussian, log_std: {output: log_std, clamp: [-20, 2]}, squash: tanh}"),
      ("normaliser", "none"), ("test_vectors", "golden.csv"),
    ]
    let policy = try builder.load()
    #expect(policy.description.distribution == .gaussian(.stateDependent(-20...2), isSquashed: true))
    #expect(try policy.run(observations)[0].log.isFinite)
  }

  @Test("a graph's constant std output becomes the log standard deviation", .enabled(if: Fixtures.areAvailable))
  func constantOutput() throws {
    let name = "onnx/cleanrl_ppo_ts.onnx"
    let observations = (0..<6).map { row in (0..<24).map { cos(Double(row * 24 + $0)) } }
    let means = try PolicyLoader.load(path: Fixtures.url(name).path).run(observations)
    var builder = try BundleBuilder()
    try builder.add("cleanrl.onnx", Array(Data(contentsOf: Fixtures.url(name))))
    try builder.add(
      "golden.csv",
      Array(BundleBuilder.csv(observations: observations, actions: means.map { $0.action.map { Double($0) } }).utf8))
    builder.keys = [
      ("schema", "1"), ("name", "cleanrl"), ("joint_names", "[a, b, c, d, e, f]"), ("rate_hz", "50"),
      ("network", "{onnx: cleanrl.onnx}"), ("action", "{kind: position}"),
      ("distribution", "{kind: gaussian, std: {output: std}}"), ("normaliser", "none"), ("test_vectors", "golden.csv"),
    ]
    let policy = try builder.load()
    #expect(policy.description.distribution == .gaussian(.constant([0, 0, 0, 0, 0, 0]), isSquashed: false))
    // Six independent unit normals at their means.
    #expect(abs(Double(try policy.run(observations)[0].log) + 3 * log(2 * Double.pi)) < 1e-5)
  }

  @Test("16-bit and 64-bit weights read as their values")
  func otherElementTypes() throws {
    // 1.5 and −0.25 in binary16, bfloat16 and binary64.
    let double = withUnsafeBytes(of: (1.5.bitPattern.littleEndian, (-0.25).bitPattern.littleEndian)) { Array($0) }
    for (type, data) in [
      ("F16", [0x00, 0x3e, 0x00, 0xb4]), ("BF16", [0xc0, 0x3f, 0x80, 0xbe]), ("F64", double),
    ] as [(String, [UInt8])] {
      var builder = try BundleBuilder.linear(
        weights: [[1.5, -0.25]], bias: [0], distribution: "{kind: deterministic}",
        expected: { [1.5 * $0[0] - 0.25 * $0[1]] })
      try builder.add(
        "weights.safetensors",
        Safetensors.encode(
          header:
            "{\"__metadata__\":{\"format\":\"pt\"},\"w\":{\"dtype\":\"\(type)\",\"shape\":[1,2],\"data_offsets\":[0,\(data.count)]}}  ",
          data: data))
      builder.set("network", "{safetensors: weights.safetensors, layers: [{weight: w}]}")
      #expect(try builder.load().description.goldenRows == 6)
    }
  }

  @Test("policy.yaml itself may be named instead of its folder")
  func manifestPath() throws {
    let builder = try BundleBuilder.linear(
      weights: [[1]], bias: [0], distribution: "{kind: deterministic}", expected: { $0 })
    let loaded = try builder.load()
    let again = try PolicyLoader.load(path: builder.folder.path + "/policy.yaml")
    #expect(again.description.hash == loaded.description.hash)
    #expect(again.description.sourceText == builder.manifest)
  }

  @Test("one loaded policy makes independent policies")
  func independentPolicies() throws {
    let loaded = try BundleBuilder.linear(
      weights: [[1]], bias: [0], distribution: "{kind: deterministic}", expected: { $0 }
    ).load()
    #expect(try loaded.run([[0.25]])[0].action == loaded.run([[0.25]])[0].action)
  }
}
