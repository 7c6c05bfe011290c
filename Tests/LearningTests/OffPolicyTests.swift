import Glibc
import Learning
import Networks
import Numerics
import TestSupport
import Testing

/// Deterministic policies with a replay buffer.
@Suite("Off-policy learning") struct OffPolicyTests {
  /// A small policy for `Line`.
  static func model(
    hasTwin: Bool, rows: Int = 64, seed: UInt64 = 3, activation: HiddenActivation = .relu
  ) throws -> DeterministicActorCritic {
    var shape = DeterministicShape(observationCount: 2, actionCount: 1, actionRange: -1...1)
    shape.actorHidden = [32]
    shape.criticHidden = [32]
    shape.activation = activation
    return DeterministicActorCritic(
      shape, hasTwin: hasTwin, rowCapacity: rows, kernels: try VectorKernels(), seed: seed)
  }

  static func settings(threads: Int = 1, environments: Int = 1, seed: UInt64 = 3) -> TrainingOptions {
    var options = TrainingOptions()
    options.environments = environments
    options.threads = threads
    options.seed = seed
    options.normalisesObservations = false
    options.normalisesRewards = false
    return options
  }

  static func replay(noise: ActionNoise.Kind = .normal) -> ReplayOptions {
    var replay = ReplayOptions()
    replay.bufferSize = 2500
    replay.batchSize = 32
    replay.noise.kind = noise
    return replay
  }

  static func td3(
    _ settings: TrainingOptions = settings(), brokenStep: Int? = nil, noise: ActionNoise.Kind = .normal,
    change: (inout TwinDelayedDeterministicPolicyGradient.Options) -> Void = { _ in }
  ) throws -> OffPolicyTraining<Line, TwinDelayedDeterministicPolicyGradient> {
    var options = TwinDelayedDeterministicPolicyGradient.Options()
    options.replay = replay(noise: noise)
    change(&options)
    let model = try model(hasTwin: true, seed: settings.seed)
    let algorithm = TwinDelayedDeterministicPolicyGradient(options, model: model)
    return try OffPolicyTraining(settings, model: model, algorithm: algorithm) { _ in Line(brokenStep: brokenStep) }
  }

  @Test("TD3 learns a line in 3000 steps")
  func td3Learns() throws {
    var training = try Self.td3()
    let before = try training.evaluate(episodes: 20).mean
    for _ in 0..<3 { _ = try training.iterate(budget: 3000) }
    #expect(training.stepCount == 3000)
    let after = try training.evaluate(episodes: 20).mean
    #expect(before < AlgorithmTests.learned - 1)
    #expect(after > AlgorithmTests.learned)
  }

  @Test(
    "DDPG learns a line in 3000 steps, with either noise", arguments: [ActionNoise.Kind.normal, .ornsteinUhlenbeck])
  func ddpgLearns(_ noise: ActionNoise.Kind) throws {
    var options = DeepDeterministicPolicyGradient.Options()
    options.replay = Self.replay(noise: noise)
    options.replay.noise.timestep = 1
    let model = try Self.model(hasTwin: false)
    let algorithm = DeepDeterministicPolicyGradient(options, model: model)
    var training = try OffPolicyTraining(Self.settings(), model: model, algorithm: algorithm) { _ in Line() }
    for _ in 0..<3 { _ = try training.iterate(budget: 3000) }
    #expect(try training.evaluate(episodes: 20).mean > AlgorithmTests.learned)
  }

  // MARK: Gradients

  /// A batch of random rows.
  static func batch(count: Int) -> ReplayBatch {
    let batch = ReplayBatch(count: count, observationCount: 2, actionCount: 1)
    var random = RandomStream(seed: 5, name: "batch")
    for row in 0..<count {
      for column in 0..<3 {
        batch.inputs.base[row * batch.stride + column] = Float(0.7 * random.normal())
        batch.nextInputs.base[row * batch.stride + column] = Float(0.7 * random.normal())
      }
      batch.rewards[row] = Float(random.normal())
      batch.continues[row] = row % 3 == 0 ? 0 : 1
      batch.targets[row] = Float(random.normal())
    }
    return batch
  }

  static func worst(
    _ blocks: [ParameterBlock], _ gradient: UnsafePointer<Float>, _ p: [Double], _ loss: ([Double]) -> Double
  ) -> Double {
    var (worst, largest) = (0.0, 0.0)
    for block in blocks {
      for index in 0..<block.parameterCount {
        let place = block.offset + index / block.columns * block.stride + index % block.columns
        var (up, down) = (p, p)
        up[place] += 1e-6
        down[place] -= 1e-6
        let slope = (loss(up) - loss(down)) / 2e-6
        worst = max(worst, abs(Double(gradient[place]) - slope))
        largest = max(largest, abs(slope))
      }
    }
    return worst / largest
  }

  @Test("the critics' and the policy's gradients agree with central differences")
  func gradients() throws {
    let count = 16
    let model = try Self.model(hasTwin: true, rows: count, activation: .tanh)
    let batch = Self.batch(count: count)
    let p = (0..<model.layout.count).map { Double(model.parameters.base[$0]) }
    let (actor, critic) = (model.actor.blocks, model.critic.blocks)
    let twin = Array(model.layout.blocks.suffix(critic.count))
    let rows = (0..<count).map { row in (0..<3).map { Double(batch.inputs.base[row * batch.stride + $0]) } }
    let targets = (0..<count).map { Double(batch.targets[$0]) }
    func criticLoss(_ p: [Double]) -> Double {
      [critic, twin].reduce(0.0) { sum, blocks in
        sum
          + (0..<count).reduce(0.0) {
            let error = LossGradientTests.perceptron(blocks, p, rows[$1])[0] - targets[$1]
            return $0 + error * error / Double(count)
          }
      }
    }
    func policyLoss(_ p: [Double]) -> Double {
      rows.reduce(0.0) {
        let state = Array($1.prefix(2))
        let action = tanh(LossGradientTests.perceptron(actor, p, state)[0])
        return $0 - LossGradientTests.perceptron(critic, p, state + [action])[0] / Double(count)
      }
    }
    #expect(abs(model.differentiateCritics(batch) - criticLoss(p)) < 1e-5)
    #expect(Self.worst(critic + twin, model.gradients.base, p, criticLoss) < 2e-5)
    #expect(abs(model.differentiatePolicy(batch) - policyLoss(p)) < 1e-5)
    #expect(Self.worst(actor, model.gradients.base, p, policyLoss) < 2e-5)
  }

  @Test("TD3's targets are the smaller twin's, smoothed within the clip, and end where the task ends")
  func targets() throws {
    let count = 16
    for noise in [0.0, 0.2] {
      let model = try Self.model(hasTwin: true, rows: count, activation: .tanh)
      var options = TwinDelayedDeterministicPolicyGradient.Options()
      options.targetNoise = noise
      options.targetNoiseClip = 0.1
      var algorithm = TwinDelayedDeterministicPolicyGradient(options, model: model)
      let batch = Self.batch(count: count)
      let p = (0..<model.layout.count).map { Double(model.targets.base[$0]) }
      let (actor, critic) = (model.actor.blocks, model.critic.blocks)
      let twin = Array(model.layout.blocks.suffix(critic.count))
      var random = RandomStream(seed: 1, name: "update")
      let before = bits(model.targets)
      _ = try algorithm.update(model, batch, random: &random)
      // Half as often as the critics: nothing follows yet.
      #expect(bits(model.targets) == before)
      for row in 0..<count {
        let next = (0..<3).map { Double(batch.nextInputs.base[row * batch.stride + $0]) }
        let clean = tanh(LossGradientTests.perceptron(actor, p, Array(next.prefix(2)))[0])
        #expect(abs(next[2] - clean) <= (noise == 0 ? 1e-6 : 0.1 + 1e-6))
        let value = min(
          LossGradientTests.perceptron(critic, p, next)[0], LossGradientTests.perceptron(twin, p, next)[0])
        let expected = Double(batch.rewards[row]) + 0.99 * Double(batch.continues[row]) * value
        #expect(abs(Double(batch.targets[row]) - expected) < 1e-5)
      }
      _ = try algorithm.update(model, batch, random: &random)
      #expect(bits(model.targets) != before)
      for place in stride(from: 0, to: model.layout.count, by: 37) {
        let mixed = 0.005 * Double(model.parameters.base[place]) + 0.995 * p[place]
        #expect(abs(Double(model.targets.base[place]) - mixed) < 1e-6)
      }
    }
  }

  // MARK: Memory and noise

  @Test("the buffer forgets the oldest and knows a cut from an end")
  func buffer() throws {
    var buffer = ReplayBuffer(capacity: 4, observationCount: 1, actionCount: 1)
    for index in 0..<6 {
      var (observation, action, next) = (Float(index), Float(-index), Double(index) + 0.5)
      buffer.add(
        observation: &observation, action: &action, reward: Double(10 * index), next: &next, isTerminated: index == 5)
    }
    #expect(buffer.count == 4)
    let batch = ReplayBatch(count: 64, observationCount: 1, actionCount: 1)
    let scaling = ObservationScaling(size: 1, isOn: false)
    var random = RandomStream(seed: 1, name: "draw")
    buffer.sample(into: batch, scaling: scaling, random: &random)
    var seen: Set<Float> = []
    for row in 0..<64 {
      let observation = batch.inputs.base[row * batch.stride]
      seen.insert(observation)
      #expect(batch.inputs.base[row * batch.stride + 1] == -observation)
      #expect(batch.nextInputs.base[row * batch.stride] == observation + 0.5)
      #expect(batch.rewards[row] == 10 * observation)
      #expect(batch.continues[row] == (observation == 5 ? 0 : 1))
    }
    #expect(seen == [2, 3, 4, 5])
  }

  @Test(
    "Ornstein-Uhlenbeck noise has the spread that its equation gives, and begins at 0",
    arguments: [(0.01, 0.3653), (1.0, 0.3797)])
  func noise(_ timestep: Double, _ expected: Double) {
    var options = ActionNoise.Options()
    options.kind = .ornsteinUhlenbeck
    options.sigma = 0.2
    options.timestep = timestep
    let noise = ActionNoise(options, environments: 1, actionCount: 1)
    var random = RandomStream(seed: 2, name: "noise")
    var squares = 0.0
    let count = 2_000_000
    for _ in 0..<count {
      let x = noise.next(0, 0, random: &random)
      squares += x * x
    }
    #expect(abs((squares / Double(count)).squareRoot() - expected) < 0.05 * expected)
    noise.restart(0)
    #expect(abs(noise.next(0, 0, random: &random)) < 6 * 0.2 * timestep.squareRoot())
  }

  // MARK: The loop

  @Test("the same seed gives the same bits, whatever the number of threads")
  func threads() throws {
    var one = try Self.td3(Self.settings(environments: 3))
    var three = try Self.td3(Self.settings(threads: 3, environments: 3))
    let first = try one.iterate(budget: 10_000)
    let second = try three.iterate(budget: 10_000)
    #expect(first.meanReturn == second.meanReturn && first.steps == 1002)
    #expect(bits(one.model.parameters) == bits(three.model.parameters))
    #expect(try one.evaluate(episodes: 7) == three.evaluate(episodes: 7))
  }

  @Test(
    "a run that was stored and read back continues bit for bit, also from before its first step", arguments: [0, 1])
  func resume(_ before: Int) throws {
    // 1002 steps of 10-step episodes: the state is stored in the middle of one.
    var whole = try Self.td3(Self.settings(environments: 3), noise: .ornsteinUhlenbeck)
    for _ in 0..<before { _ = try whole.iterate(budget: 10_000) }
    var encoder = StateEncoder()
    whole.encode(into: &encoder)
    for _ in 0..<2 { _ = try whole.iterate(budget: 10_000) }
    var decoder = StateDecoder(encoder.bytes)
    var resumed = try Self.td3(Self.settings(threads: 2, environments: 3, seed: 99), noise: .ornsteinUhlenbeck)
    try resumed.decode(from: &decoder)
    #expect(decoder.isAtEnd)
    for _ in 0..<2 { _ = try resumed.iterate(budget: 10_000) }
    #expect(bits(resumed.model.parameters) == bits(whole.model.parameters))
    #expect(bits(resumed.model.targets) == bits(whole.model.targets))
    #expect(resumed.stepCount == whole.stepCount)
  }

  @Test("training stops at a gradient that is not finite, and names the layer")
  func notFinite() throws {
    var training = try Self.td3(brokenStep: 5)
    let error = #expect(throws: LearningError.self) { _ = try training.iterate(budget: 10_000) }
    #expect(error?.code == .notFinite)
    #expect(error?.description.contains("critic.0.0.weight") == true)
    #expect(error?.description.contains("update 1") == true)
  }

  @Test("an iteration allocates nothing", .enabled(if: AllocationCount.isAvailable))
  func allocations() throws {
    var training = try Self.td3()
    _ = try training.iterate(budget: 10_000)
    let count = try AllocationCount.during { _ = try training.iterate(budget: 10_000) }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
  }

  @Test("scaled rewards are refused: what is remembered is raw")
  func scaledRewards() throws {
    var settings = Self.settings()
    settings.normalisesRewards = true
    #expect(throws: LearningError.self) { _ = try Self.td3(settings) }
  }
}
