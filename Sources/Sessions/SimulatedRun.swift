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

/// When a run ends, and how it reports.
struct RunBounds: BitwiseCopyable {
  /// Loop time, ns; nil for no limit.
  var duration: Int64?
  /// Finished episodes; nil for no limit.
  var episodes: Int?
  /// Number of the task's variables.
  var variableCount: Int
  /// Ns between two published states.
  var statusInterval: Int64
  /// Ns of each wait that a real-time thread spends awake.
  var spin: Int64
  /// Whether the run waits for the log thread: on the virtual clock, where nothing else slows it down.
  var awaitsRecorder: Bool
}

/// What the control thread was granted, as far as the run cares.
struct RunRights: BitwiseCopyable {
  /// SCHED_FIFO priority; 0 for an ordinary thread.
  var priority = 0
  var memoryIsLocked = false

  @_noLocks
  init() {}

  init(_ grant: RealTimeGrant?) {
    priority = grant?.priority ?? 0
    memoryIsLocked = grant?.memoryIsLocked ?? false
  }
}

/// A loop with its simulated arm, and the run of both from the first tick to the last.
///
/// Between ticks the run resets the simulator for the next episode; nothing there allocates either.
struct SimulatedRun: ~Copyable {
  var loop: ControlLoop
  var arm: SimulatedArm
  let bounds: RunBounds
  var statistics = EpisodeStatistics()
  private var ending = RunEnding.completed
  private var isEnding = false
  private var startTime: Int64 = 0
  private var lastStatus: Int64 = .min
  private var ticksSinceEndAsked = 0
  /// Episodes in a row that a condition cut short.
  private var interruptions = 0
  private static var mostInterruptions: Int { @_noLocks get { 3 } }
  /// The last episode that was judged for the statistics.
  private var judgedEpisode = -1

  init(loop: consuming ControlLoop, arm: consuming SimulatedArm, bounds: RunBounds) {
    self.loop = loop
    self.arm = arm
    self.bounds = bounds
  }

  /// Runs to the end. `publish` gets a status now and then.
  @_noLocks
  mutating func run(_ publish: borrowing TripleBuffer<LoopStatus>, rights: RunRights = RunRights()) -> RunEnding {
    loop.startSchedule()
    startTime = loop.clock.now()
    loop.recordRunStart(priority: rights.priority, memoryIsLocked: rights.memoryIsLocked)
    // Only a thread that nothing ordinary can push aside gains by waiting awake.
    let spin = rights.priority > 0 ? bounds.spin : 0
    prepareEpisode()
    while true {
      loop.sleepUntilNextTick(spinning: spin)
      sinew_rt_enter()
      tick(&loop, &arm)
      let isOver = afterTick()
      sinew_rt_leave()
      let now = loop.clock.now()
      if isOver || now &- lastStatus >= bounds.statusInterval || lastStatus == .min {
        lastStatus = now
        publish.publish(status(at: now))
      }
      if isOver {
        loop.recordRunEnd()
        return ending
      }
      if bounds.awaitsRecorder { loop.awaitRecorder() }
    }
  }

  /// Runs every path of the tick once with nothing commanded, so that no first call happens in the run.
  mutating func warmUp() {
    loop.warmUp()
  }

  /// Adds what the run knows to its report.
  func complete(_ report: inout RunReport) {
    report.statistics = statistics
    report.loop = loop.report
    report.latched = loop.decision.latched
    report.armError = loop.lastArmError
    report.causes = loop.episode.causes
    report.loopSeconds = Double(loop.clock.now() - startTime) * 1e-9
  }

  /// What happens between two ticks: episodes end and begin, the run ends. True when it is over.
  @_noLocks
  private mutating func afterTick() -> Bool {
    countEpisode()
    // A held fault has come to rest; the other kinds may not be written to at all.
    if loop.decision.state.isFault {
      ending = .fault
      return true
    }
    if !isEnding {
      if sinew_stop_requests() > 0 {
        ending = .stopped
        isEnding = true
        loop.request(.stop)
        return false
      }
      if let duration = bounds.duration, loop.clock.now() &- startTime >= duration {
        isEnding = true
        if loop.episode.isRunning { loop.request(.yield) }
      }
    }
    if isEnding {
      ticksSinceEndAsked &+= 1
      // A stop obeys the limits, so it takes its time; but a run that should end does end.
      return (!loop.episode.isRunning && loop.isAtRest) || ticksSinceEndAsked > 10_000
    }
    if !loop.episode.isRunning && loop.isAtRest {
      // Where nobody's fingers are, one late moment may be forgiven; a loop that cannot run must not try for ever.
      if interruptions >= SimulatedRun.mostInterruptions {
        ending = .interrupted
        return true
      }
      if let episodes = bounds.episodes, statistics.count >= episodes { return true }
      prepareEpisode()
    }
    return false
  }

  /// Takes an episode that has ended into the statistics, unless it was cut short.
  @_noLocks
  private mutating func countEpisode() {
    guard !loop.episode.isRunning, loop.episode.index > judgedEpisode else { return }
    judgedEpisode = loop.episode.index
    guard !loop.episode.interrupted else {
      interruptions &+= 1
      return
    }
    interruptions = 0
    statistics.add(episodeReturn: loop.episode.rewardSum, success: loop.episode.succeeded, steps: loop.episode.steps)
  }

  /// Samples an episode, resets the simulator to its start, and begins it.
  @_noLocks
  private mutating func prepareEpisode() {
    let start = loop.sampleEpisode()
    for index in 0..<bounds.variableCount {
      arm.setVariable(index, loop.taskVariable(index))
      loop.setTwinVariable(index, loop.taskVariable(index))
    }
    do throws(ArmError) {
      try arm.reset(position: start.position, velocity: start.velocity)
    } catch {
      // The next read fails with the same error, and the safety core sees it there.
      return
    }
    _ = loop.beginEpisode(at: start.position)
  }

  @_noLocks
  private borrowing func status(at now: Int64) -> LoopStatus {
    var status = LoopStatus()
    status.elapsed = Double(now &- startTime) * 1e-9
    status.tickCount = loop.tickCount
    status.state = loop.decision.state
    status.source = loop.decision.source
    status.active = loop.decision.active
    status.latched = loop.decision.latched
    status.episode = loop.episode
    status.statistics = statistics
    status.overrunCount = loop.overrunCount
    status.droppedRecords = loop.droppedRecords
    status.lateness = loop.inputs.lateness
    return status
  }
}
