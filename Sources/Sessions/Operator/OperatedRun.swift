import ArmModel
import CSystem
import Control
import RealTime
import Safety
import Simulation

/// A run of a simulated arm in a person's hands, from the first tick to the last: teleoperation, and policies under
/// supervision.
struct OperatedRun: ~Copyable, SessionRun {
  var core: RunCore
  var arm: SimulatedArm
  private var sequence: OperatedSequence

  init(loop: consuming ControlLoop, arm: consuming SimulatedArm, bounds: RunBounds, hasPolicy: Bool) {
    core = RunCore(loop: loop, bounds: bounds)
    self.arm = arm
    sequence = OperatedSequence(hasPolicy: hasPolicy)
  }

  mutating func warmUp() { core.loop.warmUp() }

  @_noLocks
  mutating func run(_ publish: borrowing TripleBuffer<LoopStatus>, rights: RunRights = RunRights()) {
    core.begin(rights)
    place()
    while true {
      core.loop.sleepUntilNextTick(spinning: core.spin)
      sinew_rt_enter()
      tick(&core.loop, &arm)
      let step = sequence.afterTick(&core, signals: sinew_stop_requests())
      if step == .prepareEpisode { prepareEpisode() }
      sinew_rt_leave()
      core.publishStatus(publish, isLast: step == .over)
      if step == .over { return }
      if core.bounds.awaitsRecorder { core.loop.awaitRecorder() }
    }
  }

  mutating func leave() -> RunEnding {
    core.loop.recordRunEnd()
    return core.ending
  }

  func complete(_ report: inout RunReport) {
    core.complete(&report)
    report.operation = sequence.report(core.loop)
  }

  /// Samples an episode, and puts the simulator at its start; nil where that fails: the next read fails with the same
  /// error, and the safety core sees it there.
  @_noLocks @discardableResult
  private mutating func place() -> EpisodeStart? {
    let start = core.loop.sampleEpisode()
    arm.beginEpisode(from: start.noise)
    setVariables()
    do throws(ArmError) {
      try arm.reset(position: start.position, velocity: start.velocity, settling: start.settling)
      return start
    } catch { return nil }
  }

  @_noLocks
  private mutating func setVariables() {
    for index in 0..<core.bounds.variableCount {
      arm.setVariable(index, core.loop.taskVariable(index))
      core.loop.setTwinVariable(index, core.loop.taskVariable(index))
    }
  }

  /// A new episode: from rest the simulator is reset to its start; in the person's hands it begins where the arm is.
  @_noLocks
  private mutating func prepareEpisode() {
    guard core.loop.decision.state == .hold else {
      _ = core.loop.sampleEpisode()
      setVariables()
      _ = core.loop.beginOperatedEpisode()
      return
    }
    guard let start = place() else { return }
    _ = core.loop.beginEpisode(at: start.position)
  }
}
