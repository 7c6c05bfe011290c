import ArmModel
import Control
import Numerics
import Simulation
import Tasks

/// A task on a simulated arm, played by whoever gives the actions: the loop's own ticks with its safety core, on virtual
/// time and without a log, as `sinew evaluate` plays it with a policy.
///
/// So what learns here meets the same limits as what runs: an action is a proposal, and what the core makes of it is part
/// of the world. Nothing allocates after `init`. One thread at a time.
public struct Rehearsal: ~Copyable {
  private var loop: ControlLoop
  private var arm: SimulatedArm
  private let variableCount: Int

  /// Allocates everything. The plan's clock, policy, log and end do not matter.
  public init(_ setup: TaskSetup) throws {
    let task = setup.task
    let arm = try setup.makeArm()
    var configuration = setup.loopConfiguration(armingTicks: 0)
    configuration.clock = .virtual
    configuration.safety.judgesTiming = false
    loop = ControlLoop(
      configuration: configuration, task: task.makeEvaluator(noiseSeed: setup.plan.seed), policy: .outside,
      twin: try setup.makeTwin(of: arm), port: nil, jointCount: task.joints.count, pointCount: task.points.count,
      observationCount: task.observationCount, actionCount: task.actionCount,
      rewardTermCount: task.rewardTermNames.count)
    loop.startSchedule()
    self.arm = arm
    variableCount = setup.boundVariableCount
  }

  /// What the task shows: what the next action is for, or the last of an episode that has ended.
  public var observation: UnsafePointer<Double> { loop.observation }

  /// The running episode, or the last one.
  public var episode: EpisodeProgress { loop.episode }

  /// Why the simulated arm failed, if it did.
  public var armError: ArmError? { loop.lastArmError }

  /// Begins an episode that is drawn from `random`. The noise of observation and sensors begins anew with it.
  public mutating func begin(random: inout RandomStream) {
    loop.restart()
    let start = loop.sampleEpisode(from: &random)
    arm.beginEpisode(from: start.noise)
    for index in 0..<variableCount {
      arm.setVariable(index, loop.taskVariable(index))
      loop.setTwinVariable(index, loop.taskVariable(index))
    }
    do throws(ArmError) {
      try arm.reset(position: start.position, velocity: start.velocity, settling: start.settling)
    } catch {
      // The arm remembers its failure, and the next read gives it to the loop.
    }
    _ = loop.beginEpisode(at: start.position)
    loop.sleepUntilNextTick()
    look(&loop, &arm)
  }

  /// One step with an action (after squash and clip): from the tick that asked for it to the one that asks for the next.
  public mutating func step(_ action: UnsafePointer<Float>) {
    loop.answer(action)
    while loop.episode.isRunning {
      act(&loop, &arm)
      loop.sleepUntilNextTick()
      guard loop.episode.isRunning else { return }
      look(&loop, &arm)
      if loop.isAwaitingAnswer { return }
    }
  }
}

/// The halves of a tick over a simulated arm: concrete, checked instances of the generic ones.
@_noLocks
private func look(_ loop: inout ControlLoop, _ arm: inout SimulatedArm) { loop.look(&arm) }

@_noLocks
private func act(_ loop: inout ControlLoop, _ arm: inout SimulatedArm) { loop.act(&arm) }
