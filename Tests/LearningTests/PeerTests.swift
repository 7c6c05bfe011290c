import Foundation
import Learning
import Networks
import TestSupport
import Testing

/// One PPO minibatch against PyTorch; the numbers come from tools/peer/ppo-minibatch.py.
@Suite("PyTorch's minibatch") struct PeerTests {
  /// The golden file: numbers by name.
  static func golden() throws -> [String: [Float]] {
    let text = try String(
      contentsOf: Fixtures.packageRoot.appendingPathComponent("Tests/Golden/ppo-minibatch.csv"), encoding: .utf8)
    var result: [String: [Float]] = [:]
    for line in text.split(separator: "\n") {
      let cells = line.split(separator: ",")
      result[String(cells[0])] = cells.dropFirst().compactMap { Float($0) }
    }
    return result
  }

  @Test("losses, figures, gradients and ten steps of Adam agree to 1e-4", arguments: InstructionSet.supported)
  func minibatch(_ set: InstructionSet) throws {
    let golden = try Self.golden()
    func numbers(_ name: String) throws -> [Float] { try #require(golden[name], "\(name)") }
    let rows = 24
    var shape = ActorCriticShape(observationCount: 3, actionCount: 2, actionRange: -1...1)
    shape.actorHidden = [8, 8]
    shape.criticHidden = [8, 8]
    let model = ActorCritic(shape, rowCapacity: rows, kernels: try VectorKernels(set), seed: 1)
    for block in model.layout.blocks { block.write(try numbers("start.\(block.name)"), to: model.parameters.base) }
    let rollout = RolloutBuffer(steps: rows, environments: 1, observationCount: 3, actionCount: 2)
    for (index, value) in try numbers("observations").enumerated() {
      rollout.observations.base[index / 3 * rollout.observationStride + index % 3] = value
    }
    for (target, name) in [
      (rollout.actions, "actions"), (rollout.logProbabilities, "old"), (rollout.advantages, "advantages"),
      (rollout.targets, "returns"),
    ] {
      for (index, value) in try numbers(name).enumerated() { target[index] = value }
    }
    var options = ProximalPolicyOptimisation.Options()
    options.steps = rows
    options.batchSize = rows
    options.learningRate = 3e-3
    options.entropyCoefficient = 0.01
    var algorithm = ProximalPolicyOptimisation(options, model: model, environments: 1)
    let order = (0..<rows).map(Int32.init)

    let figures = algorithm.lossAndGradient(model, rollout, rows: order, count: rows)
    for (name, value) in [
      ("policy_loss", figures.policyLoss), ("value_loss", figures.valueLoss), ("entropy", figures.entropy),
      ("kl", figures.klEstimate), ("clip_fraction", figures.clipFraction),
    ] {
      #expect(abs(value - Double(try numbers(name)[0])) <= 1e-5, "\(name)")
    }
    let norm = try model.gradientNorm(0..<model.layout.count, update: 1)
    #expect(abs(norm - Double(try numbers("norm")[0])) <= 1e-5)
    // Clipped on both sides of the ratio and of the norm, or the test shows less than it says.
    #expect(norm > 0.5 && figures.clipFraction > 0.2)
    for block in model.layout.blocks {
      for (got, expected) in zip(block.values(in: model.gradients.base), try numbers("gradient.\(block.name)")) {
        #expect(abs(got - expected) <= 2e-6, "\(block.name)")
      }
    }
    for step in 1...10 {
      _ = try algorithm.minibatch(model, rollout, rows: order, count: rows)
      guard step == 1 || step == 10 else { continue }
      for block in model.layout.blocks {
        for (got, expected) in zip(block.values(in: model.parameters.base), try numbers("after\(step).\(block.name)")) {
          #expect(abs(got - expected) <= 2e-5, "\(block.name) after \(step)")
        }
      }
    }
  }
}
