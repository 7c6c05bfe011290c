import Learning
import Networks
import Numerics
import TestSupport
import Testing

/// The loop that all on-policy algorithms share.
@Suite("Training loop") struct TrainingLoopTests {
  @Test("the same seed gives the same bits, whatever the number of threads")
  func threads() throws {
    var one = try linePPO(threads: 1)
    var three = try linePPO(threads: 3)
    var other = try linePPO(threads: 1, seed: 2)
    for _ in 0..<3 {
      let first = try one.iterate(budget: 10_000)
      let second = try three.iterate(budget: 10_000)
      _ = try other.iterate(budget: 10_000)
      #expect(first.meanReturn == second.meanReturn)
    }
    #expect(bits(one.model.parameters) == bits(three.model.parameters))
    #expect(bits(one.model.parameters) != bits(other.model.parameters))
    #expect(try one.evaluate(episodes: 7) == three.evaluate(episodes: 7))
  }

  @Test(
    "a run that was stored and read back continues bit for bit, also from before its first step", arguments: [0, 2])
  func resume(_ before: Int) throws {
    // 32 steps of 10-step episodes: the state is stored in the middle of one.
    var whole = try linePPO()
    for _ in 0..<before { _ = try whole.iterate(budget: 10_000) }
    var encoder = StateEncoder()
    whole.encode(into: &encoder)
    for _ in 0..<3 { _ = try whole.iterate(budget: 10_000) }

    var decoder = StateDecoder(encoder.bytes)
    var resumed = try linePPO(threads: 2, seed: 99)
    try resumed.decode(from: &decoder)
    #expect(decoder.isAtEnd)
    var last: IterationReport?
    for _ in 0..<3 { last = try resumed.iterate(budget: 10_000) }
    #expect(bits(resumed.model.parameters) == bits(whole.model.parameters))
    #expect(last?.steps == whole.stepCount)
    #expect(last?.episodes == 4 * ((before + 3) * 32 / 10))
  }

  @Test("a stored state of another run is refused, wherever it is cut")
  func foreignState() throws {
    var encoder = StateEncoder()
    try linePPO().encode(into: &encoder)
    for length in [0, 3, 40, encoder.bytes.count / 2, encoder.bytes.count - 1] {
      var decoder = StateDecoder(Array(encoder.bytes.prefix(length)))
      var training = try linePPO()
      #expect(throws: LearningError.self) { try training.decode(from: &decoder) }
    }
    var decoder = StateDecoder(encoder.bytes)
    var options = TrainingOptions()
    options.environments = 4
    let model = try lineModel(rows: 33 * 4)
    let algorithm = AdvantageActorCritic(AdvantageActorCritic.Options(), model: model, environments: 4)
    var other = try OnPolicyTraining(options, model: model, algorithm: algorithm) { _ in Line() }
    #expect(throws: LearningError.self) { try other.decode(from: &decoder) }
  }

  @Test("a rollout stores what the policy saw, and its replay gives a probability ratio of exactly 1")
  func replay() throws {
    // Of a fresh run, before any update: the first rollout's log-probabilities come from the initial parameters.
    var options = ProximalPolicyOptimisation.Options()
    options.steps = 32
    options.epochs = 0
    let model = try lineModel(rows: 33 * 4)
    let algorithm = ProximalPolicyOptimisation(options, model: model, environments: 4)
    var settings = TrainingOptions()
    settings.environments = 4
    var frozen = try OnPolicyTraining(settings, model: model, algorithm: algorithm) { _ in Line() }
    _ = try frozen.iterate(budget: 1)
    var batch = PolicyBatch(capacity: 128, observationStride: 16, actionCount: 1)
    let rows = (0..<128).map { Int32(127 - $0) }
    batch.load(frozen.rollout, rows: rows, count: 128)
    batch.evaluatePolicy(frozen.model)
    for row in 0..<128 { #expect(batch.logProbabilities[row] == batch.oldLogProbabilities[row]) }
    // Every tenth step ends an episode by its limit, never by termination.
    for row in 0..<128 {
      #expect(frozen.rollout.truncated[row] == ((row / 4 + 1) % 10 == 0 ? 1 : 0))
      #expect(frozen.rollout.terminated[row] == 0)
      #expect((frozen.rollout.finalSlots[row] >= 0) == (frozen.rollout.truncated[row] == 1))
    }
    // V(s′) of an episode's end is that of its last observation: not that of the next episode's first.
    let last = 9 * 4
    #expect(frozen.rollout.nextValues[last] != frozen.rollout.values[last + 4])
    #expect(frozen.rollout.nextValues[last + 4] == frozen.rollout.values[last + 8])
  }

  @Test("training stops at a gradient that is not finite, names the layer and keeps the parameters")
  func notFinite() throws {
    var training = try linePPO(brokenStep: 5)
    let before = bits(training.model.parameters)
    let error = #expect(throws: LearningError.self) { try training.iterate(budget: 10_000) }
    #expect(error?.code == .notFinite)
    #expect(error?.description.contains("actor.0.weight") == true)
    #expect(error?.description.contains("update 1") == true)
    #expect(bits(training.model.parameters) == before)
  }

  @Test("a rollout and an update allocate nothing", .enabled(if: AllocationCount.isAvailable))
  func allocations() throws {
    var training = try linePPO()
    _ = try training.iterate(budget: 10_000)
    let count = try AllocationCount.during { _ = try training.iterate(budget: 10_000) }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
  }

  @Test("a failed environment stops training and says which one")
  func failure() throws {
    struct Broken: ~Copyable, Environment {
      var observationCount: Int { 1 }
      var actionCount: Int { 1 }
      var actionRange: ClosedRange<Double> { -1...1 }
      var stepLimit: Int { 5 }
      var isBroken: Bool
      mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) { observation[0] = 0 }
      mutating func step(
        action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
      ) -> EnvironmentStep {
        EnvironmentStep(reward: 0, terminated: false, truncated: true, failure: isBroken ? 7 : 0)
      }
    }
    let environments = try ParallelEnvironments(count: 3, threads: 2, seed: 1) { Broken(isBroken: $0 == 2) }
    environments.beginAll()
    let error = #expect(throws: LearningError.self) { try environments.step() }
    #expect(error?.description.contains("environment 2") == true)
  }
}
