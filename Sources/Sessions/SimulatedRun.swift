import ArmModel
import CSystem
import Control
import RealTime
import Safety
import Simulation

/// One tick of the loop over a simulated arm: the concrete, checked instance of the generic tick.
@_noLocks
func tick(_ loop: inout ControlLoop, _ arm: inout SimulatedArm) {
  loop.tick(&arm)
}

/// A loop with its simulated arm, and the run of both from the first tick to the last.
///
/// Between ticks the run resets the simulator for the next episode; nothing there allocates either.
struct SimulatedRun: ~Copyable, SessionRun {
  var core: RunCore
  var arm: SimulatedArm
  private var ticksSinceEndAsked = 0

  init(loop: consuming ControlLoop, arm: consuming SimulatedArm, bounds: RunBounds) {
    core = RunCore(loop: loop, bounds: bounds)
    self.arm = arm
  }

  @_noLocks
  mutating func run(_ publish: borrowing TripleBuffer<LoopStatus>, rights: RunRights = RunRights()) {
    core.begin(rights)
    prepareEpisode()
    while true {
      core.loop.sleepUntilNextTick(spinning: core.spin)
      sinew_rt_enter()
      tick(&core.loop, &arm)
      let isOver = afterTick()
      sinew_rt_leave()
      core.publishStatus(publish, isLast: isOver)
      if isOver { return }
      if core.bounds.awaitsRecorder { core.loop.awaitRecorder() }
    }
  }

  mutating func warmUp() {
    core.loop.warmUp()
  }

  mutating func leave() -> RunEnding {
    core.loop.recordRunEnd()
    return core.ending
  }

  func complete(_ report: inout RunReport) {
    core.complete(&report)
  }

  /// What happens between two ticks: episodes end and begin, the run ends. True when it is over.
  @_noLocks
  private mutating func afterTick() -> Bool {
    _ = core.countEpisode()
    // A held fault has come to rest; the other kinds may not be written to at all.
    if core.loop.decision.state.isFault {
      core.ending = .fault
      return true
    }
    if !core.isEnding {
      if sinew_stop_requests() > 0 {
        core.ending = .stopped
        core.isEnding = true
        core.loop.request(.stop)
        return false
      }
      if core.isDurationOver {
        core.isEnding = true
        if core.loop.episode.isRunning { core.loop.request(.yield) }
      }
    }
    if core.isEnding {
      ticksSinceEndAsked &+= 1
      // A stop obeys the limits, so it takes its time; but a run that should end does end.
      return (!core.loop.episode.isRunning && core.loop.isAtRest) || ticksSinceEndAsked > 10_000
    }
    if !core.loop.episode.isRunning && core.loop.isAtRest {
      // Where nobody's fingers are, one late moment may be forgiven; a loop that cannot run must not try for ever.
      if core.interruptions >= RunCore.mostInterruptions {
        core.ending = .interrupted
        return true
      }
      if core.areEpisodesDone { return true }
      prepareEpisode()
    }
    return false
  }

  /// Samples an episode, resets the simulator to its start, and begins it.
  @_noLocks
  private mutating func prepareEpisode() {
    let start = core.loop.sampleEpisode()
    arm.beginEpisode(from: start.noise)
    for index in 0..<core.bounds.variableCount {
      arm.setVariable(index, core.loop.taskVariable(index))
      core.loop.setTwinVariable(index, core.loop.taskVariable(index))
    }
    do throws(ArmError) {
      try arm.reset(position: start.position, velocity: start.velocity, settling: start.settling)
    } catch {
      // The next read fails with the same error, and the safety core sees it there.
      return
    }
    _ = core.loop.beginEpisode(at: start.position)
  }
}
