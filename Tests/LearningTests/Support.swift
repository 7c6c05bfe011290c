import Learning
import Networks
import Numerics

/// Ten steps of a line: the action moves a point, and the reward is minus its squared distance from 0.7 and a toll on the
/// action. Small enough that every algorithm learns it in a debug build.
struct Line: ~Copyable, Environment {
  var observationCount: Int { 2 }
  var actionCount: Int { 1 }
  var actionRange: ClosedRange<Double> { -1...1 }
  var stepLimit: Int { 10 }
  /// Rewards in this step of the first episode are not a number; nil never.
  var brokenStep: Int?
  private var position = 0.0
  private var steps = 0

  init(brokenStep: Int? = nil) { self.brokenStep = brokenStep }

  mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) {
    position = random.uniform(from: -0.5, to: 0.5)
    steps = 0
    observe(observation)
  }

  mutating func step(
    action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
  ) -> EnvironmentStep {
    position += 0.3 * Double(action[0])
    steps += 1
    observe(observation)
    let distance = position - 0.7
    let reward = steps == brokenStep ? .nan : -distance * distance - 0.01 * Double(action[0] * action[0])
    return EnvironmentStep(
      reward: reward, terminated: position > 3, truncated: steps >= stepLimit, success: abs(distance) < 0.1)
  }

  private func observe(_ observation: UnsafeMutablePointer<Double>) {
    observation[0] = position
    observation[1] = Double(steps) / 10
  }
}

/// A small policy for `Line`.
func lineModel(rows: Int, seed: UInt64 = 1, change: (inout ActorCriticShape) -> Void = { _ in }) throws -> ActorCritic {
  var shape = ActorCriticShape(observationCount: 2, actionCount: 1, actionRange: -1...1)
  shape.actorHidden = [16]
  shape.criticHidden = [16]
  change(&shape)
  return ActorCritic(shape, rowCapacity: rows, kernels: try VectorKernels(), seed: seed)
}

/// PPO on `Line` with short rollouts.
func linePPO(
  threads: Int = 1, seed: UInt64 = 1, brokenStep: Int? = nil,
  options change: (inout ProximalPolicyOptimisation.Options) -> Void = { _ in }
) throws -> OnPolicyTraining<Line, ProximalPolicyOptimisation> {
  var options = ProximalPolicyOptimisation.Options()
  options.steps = 32
  options.batchSize = 32
  options.epochs = 4
  options.learningRate = 3e-3
  change(&options)
  var training = TrainingOptions()
  training.environments = 4
  training.threads = threads
  training.seed = seed
  let model = try lineModel(rows: 33 * 4, seed: seed)
  let algorithm = ProximalPolicyOptimisation(options, model: model, environments: 4)
  return try OnPolicyTraining(training, model: model, algorithm: algorithm) { _ in Line(brokenStep: brokenStep) }
}

/// The bits of all parameters.
func bits(_ parameters: borrowing FloatBuffer) -> [UInt32] {
  (0..<parameters.count).map { parameters.base[$0].bitPattern }
}
