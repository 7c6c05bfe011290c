import Learning
import LoopTestSupport
import Numerics
import Policies
import Sessions
import Simulation
import Tasks
import TestSupport
import Testing

@testable import Training

/// A task as something to learn in, against the same task as `sinew evaluate` plays it.
@Suite("Task environments") struct TaskEnvironmentTests {
  static func plan(
    _ name: String, perturbations: [String] = [], _ change: (inout SessionPlan) -> Void = { _ in }
  ) throws -> SessionPlan {
    var plan = SessionPlan(
      task: try TaskDefinition.named(name), policy: "", perturbations: try Perturbations.parse(perturbations))
    change(&plan)
    return plan
  }

  @Test(
    "a policy earns the same return in every episode as in an evaluation by the control loop, limits included",
    arguments: [
      ("reacher-v5", []), ("reach", []), ("reach", ["latency=0.04", "payload=0.1", "sensor_noise=0.01"]),
      ("reach", ["latency=0..0.04", "payload=0..0.1", "gain=0.7..1", "friction=1..2", "sensor_noise=0..0.01"]),
    ])
  func parity(_ name: String, _ perturbations: [String]) throws {
    let folder = try TemporaryFolder()
    // A policy that asks for far more than the limits allow.
    let task = try TaskDefinition.named(name)
    let random = DensePolicy.random(
      observations: task.observationCount, hidden: [16], jointNames: task.actionNames, seed: 3, scale: 3)
    let policy = name == "reach" ? try random.write(to: folder) : "reacher-sb3"
    var session = try Self.plan(name, perturbations: perturbations)
    session.policy = policy
    session.seed = 5
    session.episodes = 8
    session.log = folder.file("run.mcap")
    let report = try SimulatedSession(session).runBlocking { _ in }
    let rows = try LogContents(path: folder.file("run.mcap")).transitions
    let altered = try #require(report.loop).alteredTickCount
    if name == "reach" { #expect(altered > report.statistics.stepCount / 10) }

    var environment = try TaskEnvironment(try TaskSetup(Self.plan(name, perturbations: perturbations)))
    var player = try PolicyLoader.named(policy).makePolicy()
    var (reset, unused) = (RandomStream(seed: 5, name: "reset"), RandomStream(seed: 0))
    var observation = [Double](repeating: 0, count: environment.observationCount)
    var returns: [Double] = []
    var row = 0
    for _ in 0..<8 {
      environment.begin(random: &reset, observation: &observation)
      player.reset()
      var (sum, isOver) = (0.0, false)
      while !isOver {
        #expect(observation.map { Float($0) } == rows[row].observation)
        row += 1
        _ = player.act(observation: observation, sampling: .mean, random: &unused)
        let result = environment.step(action: player.action.baseAddress!, observation: &observation)
        sum += result.reward
        isOver = result.terminated || result.truncated
      }
      returns.append(sum)
    }
    #expect(row == rows.count)
    #expect(abs(returns.reduce(0, +) / 8 - report.statistics.meanReturn) < 1e-9)
    #expect(returns.min() == report.statistics.lowestReturn && returns.max() == report.statistics.highestReturn)
  }

  @Test("training's evaluation is that of the bundle it writes, by the control loop with seed 10000")
  func evaluation() throws {
    let folder = try TemporaryFolder()
    let plan = try TrainingPlan(
      yaml: """
        {task: reach, total_timesteps: 512, n_envs: 4, n_eval_episodes: 6, seed: 2,
         parameters: {n_steps: 128, n_epochs: 1, net_arch: [16]}}
        """, file: "settings")
    let result = try TrainingSession(plan, folder: folder.file("run")).run()
    var session = try Self.plan("reach")
    session.policy = try #require(result.policy)
    session.seed = 10_000
    session.episodes = 6
    let figures = try SimulatedSession(session).runBlocking { _ in }.statistics
    let evaluation = try #require(result.evaluation)
    // Two forward passes in single precision, over 200 steps of an arm with friction.
    #expect(abs(evaluation.mean - figures.meanReturn) < 1e-2 * abs(figures.meanReturn))
    #expect(evaluation.successRate == figures.successRate)
  }

  @Test(
    "nothing allocates in a step, nor when an episode begins", .enabled(if: AllocationCount.isAvailable),
    arguments: [[], ["payload=0..0.1", "friction=0.5..2", "gain=0.7..1", "latency=0..0.04", "backlash=0..0.01"]])
  func allocations(_ perturbations: [String]) throws {
    var environment = try TaskEnvironment(try TaskSetup(Self.plan("reach", perturbations: perturbations)))
    let observation = UnsafeMutablePointer<Double>.allocate(capacity: environment.observationCount)
    let action = UnsafeMutablePointer<Float>.allocate(capacity: environment.actionCount)
    defer {
      observation.deallocate()
      action.deallocate()
    }
    action.initialize(repeating: 0.7, count: environment.actionCount)
    var random = RandomStream(seed: 1, name: "reset")
    func play() {
      environment.begin(random: &random, observation: observation)
      for _ in 0..<20 { _ = environment.step(action: action, observation: observation) }
    }
    play()
    let count = AllocationCount.during { for _ in 0..<3 { play() } }
    #expect(count == AllocationCount(allocations: 0, frees: 0))
  }

  @Test(
    "an episode repeats itself from its stream and actions, noise and losses included",
    arguments: ["reacher-v5", "reach"],
    [
      ["sensor_noise=0.01", "dropped_packets=0.1", "latency=0.02"],
      ["payload=0..0.2", "latency=0..0.04", "gain=0.5..1"],
    ])
  func repetition(_ name: String, _ noisy: [String]) throws {
    func observations(skipping: Int) throws -> [[Double]] {
      var environment = try TaskEnvironment(try TaskSetup(Self.plan(name, perturbations: noisy)))
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
    let setup = try TaskSetup(plan)
    #expect(throws: LearningError.self) { _ = try TaskEnvironment(setup) }
  }
}
