import Foundation
import Networks
import Numerics
import TestSupport
import Testing

@testable import Learning

/// Recurrent policies in PPO: gradients through time, states kept with the rollout, and what memory is good for.
@Suite("Recurrent policies") struct RecurrentPolicyTests {
  /// The golden file of a cell: numbers by name.
  static func golden(_ cell: RecurrentCell) throws -> [String: [Float]] {
    let text = try String(
      contentsOf: Fixtures.packageRoot.appendingPathComponent("Tests/Golden/ppo-\(cell.rawValue).csv"), encoding: .utf8)
    var result: [String: [Float]] = [:]
    for line in text.split(separator: "\n") {
      let cells = line.split(separator: ",")
      result[String(cells[0])] = cells.dropFirst().compactMap { Float($0) }
    }
    return result
  }

  @Test(
    "losses, gradients through time and ten steps of Adam agree with PyTorch's",
    arguments: RecurrentCell.allCases, InstructionSet.supported)
  func peer(_ cell: RecurrentCell, _ set: InstructionSet) throws {
    let golden = try Self.golden(cell)
    func numbers(_ name: String) throws -> [Float] { try #require(golden[name], "\(name)") }
    var batch = try RecurrentMinibatch(cell, set, golden)
    let order = (0..<RecurrentMinibatch.sequences).map(Int32.init)
    let figures = batch.algorithm.lossAndGradient(batch.model, batch.rollout, rows: order, count: order.count)
    for (name, value) in [
      ("policy_loss", figures.policyLoss), ("value_loss", figures.valueLoss), ("entropy", figures.entropy),
      ("clip_fraction", figures.clipFraction),
    ] {
      #expect(abs(value - Double(try numbers(name)[0])) <= 1e-5, "\(name)")
    }
    let norm = try batch.model.gradientNorm(0..<batch.model.layout.count, update: 1)
    #expect(abs(norm - Double(try numbers("norm")[0])) <= 2e-5)
    let blocks = batch.model.layout.blocks
    #expect(blocks.count == 17)
    for block in blocks {
      let places = RecurrentMinibatch.places(block, of: batch.model)
      let expected = try numbers("gradient.\(block.name)")
      #expect(places.count == expected.count, "\(block.name)")
      let gradients = batch.model.gradients.base
      for (place, value) in zip(places, expected) {
        #expect(abs(gradients[place] - value) <= 4e-6, "\(block.name)")
      }
    }
    for _ in 0..<10 {
      _ = try batch.algorithm.minibatch(batch.model, batch.rollout, rows: order, count: order.count)
    }
    for block in batch.model.layout.blocks {
      let places = RecurrentMinibatch.places(block, of: batch.model)
      let parameters = batch.model.parameters.base
      for (place, value) in zip(places, try numbers("after10.\(block.name)")) {
        #expect(abs(parameters[place] - value) <= 2e-5, "\(block.name)")
      }
    }
  }

  @Test("a minibatch's gradient agrees with central differences", arguments: RecurrentCell.allCases)
  func differences(_ cell: RecurrentCell) throws {
    let golden = try Self.golden(cell)
    var batch = try RecurrentMinibatch(cell, try VectorKernels().instructionSet, golden)
    let order = (0..<RecurrentMinibatch.sequences).map(Int32.init)
    _ = batch.algorithm.lossAndGradient(batch.model, batch.rollout, rows: order, count: order.count)
    let rows = RecurrentMinibatch.rows
    let advantages = try #require(golden["advantages"]).map(Double.init)
    let mean = advantages.reduce(0, +) / Double(rows)
    let deviation =
      (advantages.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rows - 1)).squareRoot() + 1e-8
    let blocks = batch.model.layout.blocks
    let freeSpread = batch.model.logDeviation
    let spread = try #require(freeSpread)
    let (old, targets) = (try #require(golden["old"]), try #require(golden["returns"]))
    let actions = try #require(golden["actions"]).map(Double.init)
    func loss(_ p: [Double]) -> Double {
      let means = RecurrentMinibatch.outputs(cell, Array(blocks[..<8]), p, golden, states: "actor_states")
      let values = RecurrentMinibatch.outputs(cell, Array(blocks[9...]), p, golden, states: "critic_states")
      var total = 0.0
      for row in 0..<rows {
        var (logProbability, entropy) = (0.0, 0.0)
        for index in 0..<2 {
          let logSigma = p[spread.offset + index]
          logProbability += HeadTests.density(actions[2 * row + index], means[row][index], logSigma)
          entropy += logSigma + 0.5 * log(2 * Double.pi * M_E)
        }
        let ratio = exp(logProbability - Double(old[row]))
        let advantage = (advantages[row] - mean) / deviation
        let error = values[row][0] - Double(targets[row])
        total -= min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
        total += 0.5 * error * error - 0.01 * entropy
      }
      return total / Double(rows)
    }
    let p = (0..<batch.model.layout.count).map { Double(batch.model.parameters.base[$0]) }
    var (worst, largest) = (0.0, 0.0)
    for block in blocks {
      for place in RecurrentMinibatch.places(block, of: batch.model) {
        var (up, down) = (p, p)
        up[place] += 1e-6
        down[place] -= 1e-6
        let slope = (loss(up) - loss(down)) / 2e-6
        worst = max(worst, abs(Double(batch.model.gradients.base[place]) - slope))
        largest = max(largest, abs(slope))
      }
    }
    #expect(worst <= 2e-5 * largest)
  }

  @Test(
    "a rollout keeps the states that its sequences begin with: their replay gives a probability ratio of 1",
    arguments: RecurrentCell.allCases)
  func replay(_ cell: RecurrentCell) throws {
    var training = try recallPPO(cell) { $0.epochs = 0 }
    // The second rollout begins within episodes, with what the first one left.
    _ = try training.iterate(budget: 1)
    _ = try training.iterate(budget: 1)
    let count = 32 / 8 * 8
    var batch = PolicyBatch(
      capacity: 256, observationStride: 16, actionCount: 1, memoryWidth: training.model.memoryWidth, sequenceLength: 8)
    let order = (0..<count).map { Int32(count - 1 - $0) }
    batch.load(training.rollout, rows: order, count: count)
    batch.evaluatePolicy(training.model)
    batch.evaluateCritic(training.model)
    for row in 0..<256 {
      let ratio = batch.logProbabilities[row] - batch.oldLogProbabilities[row]
      let value = batch.values[row] - batch.oldValues[row]
      #expect(abs(ratio) <= 1e-6 && abs(value) <= 1e-6)
    }
    // States do matter, and not all are zero.
    let floats = training.rollout.memory.actorStates.count
    let states = training.rollout.memory.actorStates.base
    #expect((0..<floats).contains { states[$0] != 0 })
    for index in 0..<floats { states[index] = 0 }
    batch.load(training.rollout, rows: order, count: count)
    batch.evaluatePolicy(training.model)
    let (new, old) = (batch.logProbabilities, batch.oldLogProbabilities)
    #expect((0..<256).contains { abs(new[$0] - old[$0]) > 1e-4 })
  }

  @Test("nothing is remembered from one episode to the next", arguments: RecurrentCell.allCases)
  func episodes(_ cell: RecurrentCell) throws {
    var training = try recallPPO(cell, normalises: false) { $0.epochs = 0 }
    for _ in 0..<2 { _ = try training.iterate(budget: 1) }
    // Policy and critic say the same wherever an episode begins with the same cue: an episode has 7 steps, and 32 are over.
    var means: [Float: Set<Float>] = [:]
    var values: [Float: Set<Float>] = [:]
    for row in 0..<256 where training.rollout.observations.base[row * 16 + 1] == 1 {
      let cue = training.rollout.observations.base[row * 16]
      means[cue, default: []].insert(training.rollout.means[row])
      values[cue, default: []].insert(training.rollout.values[row])
    }
    #expect(means.count == 2)
    #expect(means.values.allSatisfy { $0.count == 1 } && values.values.allSatisfy { $0.count == 1 })
    // Later in an episode they say something else.
    let all = training.rollout.values
    #expect(Set((0..<256).map { all[$0] }).count > 8)
  }

  @Test(
    "a task of memory is solved with memory, and not without",
    arguments: [(RecurrentCell.gru, -1.0), (.lstm, -1.0), (nil, -10)] as [(RecurrentCell?, Double)])
  func recall(_ cell: RecurrentCell?, _ bound: Double) throws {
    var training = try recallPPO(cell)
    while training.stepCount < 40_000 { _ = try training.iterate(budget: 40_000) }
    let mean = try training.evaluate(episodes: 40).mean
    // Six of seven steps without the cue cost 1 each, whatever a policy without memory does.
    if cell == nil { #expect(mean < -5.5 && mean > bound) } else { #expect(mean > bound) }
  }

  @Test("the same seed gives the same bits, whatever the number of threads", arguments: RecurrentCell.allCases)
  func threads(_ cell: RecurrentCell) throws {
    var one = try recallPPO(cell)
    var three = try recallPPO(cell, threads: 3)
    for _ in 0..<3 {
      _ = try one.iterate(budget: 10_000)
      _ = try three.iterate(budget: 10_000)
    }
    #expect(bits(one.model.parameters) == bits(three.model.parameters))
    #expect(try one.evaluate(episodes: 9) == three.evaluate(episodes: 9))
  }

  @Test("a stored run continues bit for bit, in the middle of episodes", arguments: RecurrentCell.allCases)
  func resume(_ cell: RecurrentCell) throws {
    var whole = try recallPPO(cell)
    for _ in 0..<2 { _ = try whole.iterate(budget: 10_000) }
    var encoder = StateEncoder()
    whole.encode(into: &encoder)
    for _ in 0..<2 { _ = try whole.iterate(budget: 10_000) }
    var decoder = StateDecoder(encoder.bytes)
    var resumed = try recallPPO(cell, threads: 2, seed: 99)
    // An evaluation in between leaves no trace.
    try resumed.decode(from: &decoder)
    #expect(decoder.isAtEnd)
    _ = try resumed.evaluate(episodes: 3)
    for _ in 0..<2 { _ = try resumed.iterate(budget: 10_000) }
    #expect(bits(resumed.model.parameters) == bits(whole.model.parameters))
    // Without the memory's part the state is another run's.
    var other = try recallPPO(nil)
    var again = StateDecoder(encoder.bytes)
    #expect(throws: LearningError.self) { try other.decode(from: &again) }
  }

  @Test("a rollout and an update allocate nothing", .enabled(if: AllocationCount.isAvailable))
  func allocations() throws {
    var training = try recallPPO(.lstm)
    _ = try training.iterate(budget: 10_000)
    let count = try AllocationCount.during { _ = try training.iterate(budget: 10_000) }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
  }

  /// Advantage actor-critic with memory, which it has no use for.
  static func recurrentActorCritic() throws -> OnPolicyTraining<Line, AdvantageActorCritic> {
    let model = try lineModel(rows: 6 * 4) { $0.memory = MemoryShape(.gru, size: 4) }
    var options = AdvantageActorCritic.Options()
    options.steps = 5
    var settings = TrainingOptions()
    settings.environments = 4
    let algorithm = AdvantageActorCritic(options, model: model, environments: 4)
    return try OnPolicyTraining(settings, model: model, algorithm: algorithm) { _ in Line() }
  }

  @Test("what cannot learn from sequences is refused")
  func refused() throws {
    let error = #expect(throws: LearningError.self) { _ = try Self.recurrentActorCritic() }
    #expect(error?.description.contains("take ppo") == true)
    let uneven = #expect(throws: LearningError.self) { _ = try recallPPO(.gru) { $0.sequenceLength = 5 } }
    #expect(uneven?.description.contains("rnn_sequence_length 5 does not divide n_steps 32") == true)
  }
}
