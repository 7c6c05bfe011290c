import Foundation
import Policies
import TestSupport
import Testing

/// Models that other frameworks exported, against the outputs that those frameworks computed.
@Suite("Models of other frameworks", .enabled(if: Fixtures.areAvailable))
struct FixtureModelTests {
  private func load(_ name: String, options: PolicyOptions = PolicyOptions()) throws -> LoadedPolicy {
    try PolicyLoader.load(path: Fixtures.url(name).path, options: options)
  }

  @Test("Stable-Baselines3's own export agrees: unclipped mean and value of normalised observations")
  func docsExports() throws {
    let models = [
      ("sb3_ppo_reacher.docs_legacy.onnx", "sb3_ppo_reacher.golden.csv", "24", 2),
      ("sb3_ppo_pendulum.docs_legacy.onnx", "sb3_ppo_pendulum.golden.csv", "24", 1),
      ("sb3_ppo_reacher.docs_dynamo.onnx", "sb3_ppo_reacher.golden.csv", "linear_4", 2),
    ]
    for (model, table, valueName, actions) in models {
      let golden = try GoldenTable("policies/" + table)
      let policy = try load("policies/" + model, options: PolicyOptions(valueOutput: valueName))
      #expect(policy.description.actionCount == actions)
      #expect(policy.description.hasValue)
      let results = try policy.run(golden.rows("obs_normalized"))
      #expect(results.count == 256)
      #expect(largestDifference(results.map(\.action), golden.rows("mean_action")) <= 1e-5)
      #expect(largestDifference(results.map { [$0.value] }, golden.rows("value")) <= 1e-5)
    }
  }

  @Test("exports with normaliser and clip agree on raw observations, 30-sigma rows included")
  func normalisedExports() throws {
    for name in ["reacher", "pendulum"] {
      let golden = try GoldenTable("policies/sb3_ppo_\(name).golden.csv")
      let results = try load("policies/sb3_ppo_\(name).with_norm_clip.onnx").run(golden.rows("obs"))
      #expect(largestDifference(results.map(\.action), golden.rows("with_norm_clip_action")) <= 1e-5)
      #expect(largestDifference(results.map(\.action), golden.rows("sb3_predict_action")) <= 1e-5)
    }
  }

  @Test("a deterministic squashed actor agrees")
  func deterministicActor() throws {
    let golden = try GoldenTable("policies/sb3_td3_pendulum.golden.csv")
    let results = try load("policies/sb3_td3_pendulum.onnx").run(golden.rows("obs"))
    #expect(largestDifference(results.map(\.action), golden.rows("scaled_action_onnx")) <= 1e-5)
  }

  @Test("a recurrent policy agrees over the whole sequence, hidden state included")
  func recurrentPolicy() throws {
    let golden = try GoldenTable("policies/rsl_rl_gru_reacher.golden.csv")
    let observations = golden.rows("obs")
    let policy = try load("policies/rsl_rl_gru_reacher.onnx")
    #expect(policy.description.recurrentPairs == [RecurrentPair(input: "h_in", output: "h_out")])
    let results = try policy.run(observations, sequence: true)
    #expect(largestDifference(results.map(\.action), golden.rows("action_onnx")) <= 1e-5)

    // The state itself is seen by naming it as the action.
    let state = try load(
      "policies/rsl_rl_gru_reacher.onnx",
      options: PolicyOptions(actionOutput: "h_out", recurrentPairs: [RecurrentPair(input: "h_in", output: "h_out")]))
    let hidden = try state.run(observations, sequence: true)
    #expect(largestDifference(hidden.map(\.action), golden.rows("hidden_out")) <= 1e-5)
  }

  @Test("without --sequence every row of a recurrent policy starts from the initial state")
  func recurrentRowsAlone() throws {
    let golden = try GoldenTable("policies/rsl_rl_gru_reacher.golden.csv")
    let policy = try load("policies/rsl_rl_gru_reacher.onnx")
    let rows = golden.rows("obs")
    let alone = try policy.run([rows[7]])
    let reset = try policy.run(Array(rows[0...7]))
    let carried = try policy.run(Array(rows[0...7]), sequence: true)
    #expect(reset[7].action == alone[0].action)
    #expect(carried[7].action != alone[0].action)
  }

  @Test(
    "every graph seen in the wild loads and gives finite actions of the right size",
    arguments: [
      ("onnx/cleanrl_ppo_ts.onnx", 24, 6, 17), ("onnx/mjp_leap_reorient.onnx", 57, 16, 11),
      ("onnx/rslrl_mlp_elu_norm_dynamo.onnx", 24, 6, 18), ("onnx/rslrl_mlp_elu_norm_ts.onnx", 24, 6, 18),
      ("onnx/sac_squashed_ts.onnx", 24, 6, 17), ("onnx/sb3_TD3_False.onnx", 3, 1, 17),
      ("onnx/unitree_g1_policy.onnx", 480, 29, 11),
    ])
  func wildGraph(name: String, observations: Int, actions: Int, opset: Int) throws {
    let policy = try load(name)
    #expect(policy.description.observationCount == observations)
    #expect(policy.description.actionCount == actions)
    #expect(policy.inspection.opset == opset)
    #expect(policy.inspection.text.contains("no golden vectors"))
    let zero = [Double](repeating: 0, count: observations)
    let wave = (0..<observations).map { sin(Double($0)) }
    let results = try policy.run([zero, wave])
    #expect(results[0].action.count == actions)
    #expect(results.allSatisfy { $0.action.allSatisfy(\.isFinite) })
    #expect(results[0].action != results[1].action)
  }

  @Test("two exporters of one kind of network name the same layers")
  func exportersAgreeOnStructure() throws {
    let legacy = try load("onnx/rslrl_mlp_elu_norm_ts.onnx").inspection
    let dynamo = try load("onnx/rslrl_mlp_elu_norm_dynamo.onnx").inspection
    #expect(legacy.layers == dynamo.layers)
    #expect(legacy.parameterCount == dynamo.parameterCount)
  }

  @Test("the sampling leftovers of the documented export are pruned")
  func deadNodesArePruned() throws {
    let policy = try load("policies/sb3_ppo_reacher.docs_legacy.onnx")
    #expect(policy.inspection.prunedNodes >= 20)
    #expect(policy.inspection.layers.count == 3)
    #expect(policy.inspection.warnings.contains { $0.contains("by position") })
  }

  @Test("known outputs get their roles: a constant standard deviation and a critic")
  func roles() throws {
    let policy = try load("onnx/cleanrl_ppo_ts.onnx")
    #expect(policy.inspection.outputs.map(\.role) == ["action", "std", "value"])
    #expect(policy.description.hasValue)
    #expect(try policy.run([[Double](repeating: 0.1, count: 24)])[0].value.isFinite)
    #expect(policy.description.distribution == .deterministic)
    #expect(policy.inspection.warnings.contains { $0.contains("'std'") })
  }
}
