import Learning
import Numerics
import Policies
import Sessions
import Simulation
import Tasks
import Testing

@testable import Training

/// A task as something to learn in, against the same task as `sinew evaluate` plays it.
@Suite("Task environments") struct TaskEnvironmentTests {
  static func plan(_ name: String, perturbations: [String] = []) throws -> TaskEnvironmentPlan {
    let task = try TaskDefinition.named(name)
    let isEffort = task.commandMode == .effort
    return TaskEnvironmentPlan(
      task: task, model: try PhysicsModel.named(task.model),
      servos: isEffort ? .none : .all(try ServoProfile.named("sts3215-7v4")),
      perturbations: try Perturbations.parse(perturbations), ticksPerStep: isEffort ? 1 : 2)
  }

  @Test("the shipped policy earns the same returns as in an evaluation by the control loop")
  func parity() throws {
    let task = try TaskDefinition.named("reacher-v5")
    var session = SessionPlan(task: task, policy: "reacher-sb3", perturbations: Perturbations())
    session.seed = 5
    session.episodes = 20
    let figures = try SimulatedSession(session).runBlocking { _ in }.statistics

    var environment = try TaskEnvironment(Self.plan("reacher-v5"))
    var policy = try PolicyLoader.named("reacher-sb3").makePolicy()
    var (reset, unused) = (RandomStream(seed: 5, name: "reset"), RandomStream(seed: 0))
    var observation = [Double](repeating: 0, count: environment.observationCount)
    var sum = 0.0
    for _ in 0..<20 {
      // The environment draws one more number an episode, for its noise; the loop does not.
      var stream = reset
      environment.begin(random: &stream, observation: &observation)
      _ = reset.skipEpisode(of: task)
      var isOver = false
      while !isOver {
        _ = policy.act(observation: observation, sampling: .mean, random: &unused)
        let result = environment.step(action: policy.action.baseAddress!, observation: &observation)
        sum += result.reward
        isOver = result.terminated || result.truncated
      }
    }
    #expect(abs(sum / 20 - figures.meanReturn) <= 1e-9)
  }

  @Test(
    "an episode repeats itself from its stream and actions, noise and losses included",
    arguments: ["reacher-v5", "reach"])
  func repetition(_ name: String) throws {
    let noisy = ["sensor_noise=0.01", "dropped_packets=0.1", "latency=0.02"]
    func observations(skipping: Int) throws -> [[Double]] {
      var environment = try TaskEnvironment(Self.plan(name, perturbations: noisy))
      var observation = [Double](repeating: 0, count: environment.observationCount)
      var other = RandomStream(seed: 77, name: "other")
      var action = [Float](repeating: 0.3, count: environment.actionCount)
      for _ in 0..<skipping {
        environment.begin(random: &other, observation: &observation)
        for _ in 0..<7 { _ = environment.step(action: &action, observation: &observation) }
      }
      var random = RandomStream(seed: 3, name: "episode")
      environment.begin(random: &random, observation: &observation)
      var result = [observation]
      for step in 0..<30 {
        action[0] = Float(step % 5) / 5 - 0.4
        _ = environment.step(action: &action, observation: &observation)
        result.append(observation)
      }
      return result
    }
    #expect(try observations(skipping: 0) == observations(skipping: 3))
  }

  @Test("a task without a time limit is refused")
  func endless() throws {
    var plan = try Self.plan("reacher-v5")
    plan.task.timeLimitSteps = nil
    #expect(throws: LearningError.self) { _ = try TaskEnvironment(plan) }
  }
}

extension RandomStream {
  /// Draws what the start of an episode draws.
  mutating func skipEpisode(of task: TaskDefinition) -> Bool {
    var evaluator = task.makeEvaluator()
    evaluator.beginEpisode(random: &self)
    return true
  }
}
