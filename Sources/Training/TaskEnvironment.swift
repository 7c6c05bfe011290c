import Learning
import Numerics
import Sessions
import Tasks

/// A task on a simulated arm as something to learn in: `Rehearsal`, with the control loop's own ticks and its safety core.
///
/// What is learned from is the action as it was proposed; the limits that the core keeps are part of the environment. So
/// an evaluation in training and one by `sinew evaluate` give the same returns for the same episodes.
///
/// The simulator's and the observation's noise begin anew with every episode, from the episode's stream, so an episode can
/// be repeated. An episode that the core cuts short is truncated. One thread at a time; nothing allocates after `init`.
public struct TaskEnvironment: ~Copyable, Environment {
  public let observationCount: Int
  public let actionCount: Int
  public let actionRange: ClosedRange<Double>
  public let stepLimit: Int
  private var rehearsal: Rehearsal

  /// Sets up arm and task.
  /// - Throws: what does not fit; `LearningError` for a task without a time limit.
  public init(_ setup: TaskSetup) throws {
    let task = setup.task
    guard let limit = task.timeLimitSteps else {
      throw LearningError(
        .setting, "task '\(task.name)' never ends: give it a time_limit, so that episodes are truncated")
    }
    let made = try Rehearsal(setup)
    observationCount = task.observationCount
    actionCount = task.actionCount
    actionRange = task.actionRange
    stepLimit = limit
    rehearsal = made
  }

  public mutating func begin(random: inout RandomStream, observation: UnsafeMutablePointer<Double>) {
    rehearsal.begin(random: &random)
    observation.update(from: rehearsal.observation, count: observationCount)
  }

  public mutating func step(
    action: UnsafePointer<Float>, observation: UnsafeMutablePointer<Double>
  ) -> EnvironmentStep {
    rehearsal.step(action)
    observation.update(from: rehearsal.observation, count: observationCount)
    let episode = rehearsal.episode
    if episode.interrupted, let error = rehearsal.armError {
      return EnvironmentStep(reward: 0, terminated: true, truncated: false, failure: max(1, error.detail))
    }
    return EnvironmentStep(
      reward: episode.lastReward, terminated: episode.terminated, truncated: episode.truncated,
      success: episode.succeeded)
  }
}
