import Foundation
import Learning
import Networks
import Policies
import Testing

@testable import FineTuning

/// What fine-tuning leaves alone when only a part of the policy may move.
@Suite("Fine-tuning: parts of the policy") struct FineTuneParametersTests {
  @Test(
    "whatever may not move keeps its bits, and what may moves",
    arguments: [
      (TunedParameters.bias, ["actor.2.bias", "actor.log_std"]),
      (.last, ["actor.2.weight", "actor.2.bias", "actor.log_std"]),
      (
        .all,
        [
          "actor.0.weight", "actor.0.bias", "actor.1.weight", "actor.1.bias", "actor.2.weight", "actor.2.bias",
          "actor.log_std",
        ]
      ),
    ] as [(TunedParameters, [String])])
  func fixed(_ parameters: TunedParameters, _ moving: [String]) throws {
    let folder = try ScratchFolder()
    let trained = try Command.run(
      [
        "train", "--task", "reacher-v5", "--steps", "512", "--output", "base", "--envs", "4", "--set", "n_steps=64",
        "--set", "net_arch=[16, 16]", "--set", "n_epochs=2",
      ], in: folder, patience: 180)
    #expect(trained.code == 0, "\(trained.errors)")
    let played = try Command.run(
      [
        "evaluate", "--task", "reacher-v5", "--policy", "base/policy", "--sample", "--episodes", "20", "--seed", "7",
        "--log", "log.mcap",
      ], in: folder, patience: 120)
    #expect(played.code == 0, "\(played.errors)")

    let policy = try PolicyLoader.load(path: folder.path("base/policy"))
    var options = FineTuningOptions()
    options.parameters = parameters
    options.epochs = 2
    options.criticEpochs = 2
    options.learningRate = 1e-3
    let start = try LearnerStart(policy)
    let (data, _) = try DatasetReader(policy: policy).read([folder.path("log.mcap")])
    var learner = try OfflineLearner(data, start: start, options: options, heldOut: [], rewardScale: 1)
    let record = try learner.update()
    #expect(record.checks.count > 1, "no part of an epoch was kept: \(record.ending)")

    let before = try start.makeModel(rowCapacity: 1, seed: options.seed)
    func bits(_ model: borrowing ActorCritic, _ block: ParameterBlock) -> [UInt32] {
      // With the padding, which must stay 0, too.
      (0..<block.count).map { model.parameters.base[block.offset + $0].bitPattern }
    }
    let blocks = before.layout.blocks
    for block in blocks where block.name.hasPrefix("actor") {
      let isSame = bits(before, block) == bits(learner.model, block)
      #expect(isSame == !moving.contains(block.name), "\(block.name)")
    }
    // The critic learns in any case.
    let critic = try #require(blocks.first { $0.name == "critic.0.weight" })
    let isSame = bits(before, critic) == bits(learner.model, critic)
    #expect(!isSame)
  }
}
