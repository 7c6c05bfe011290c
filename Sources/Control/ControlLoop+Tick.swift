import ArmModel
import CSystem
import Numerics
import RealTime
import Safety

extension ControlLoop {
  /// One tick of the loop, from just after the wake-up to the record: read → propose → decide → power, write → record.
  ///
  /// Failures are data here: a failed read or write becomes a condition of the safety core, which decides what follows.
  @inlinable
  public mutating func tick<Device: Arm & ~Copyable>(_ arm: inout Device) {
    look(&arm)
    act(&arm)
  }

  /// The first half of a tick: read → propose. With a policy outside the loop, `isAwaitingAnswer` says afterwards whether
  /// it is asked; its answer comes between the halves.
  @inlinable
  public mutating func look<Device: Arm & ~Copyable>(_ arm: inout Device) {
    let now = beginTick()
    do throws(ArmError) {
      try arm.read(into: &inputs.joints, now: now)
      noteRead(nil)
    } catch {
      noteRead(error)
    }
    inputs.power = arm.power
    inputs.health = arm.health
    inputs.externalStop = inputs.health.isEmergencyStopOpen
    listen(now)
    propose(now)
  }

  /// The second half of a tick: decide → power, write → record.
  @inlinable
  public mutating func act<Device: Arm & ~Copyable>(_ arm: inout Device) {
    let now = tickStart
    decide(now)
    if decision.power != .keep {
      do throws(ArmError) {
        if decision.power == .energise { try arm.energise(now: now) } else { try arm.release(now: now) }
      } catch {
        noteWrite(error)
      }
    }
    if decision.writes {
      do throws(ArmError) {
        try arm.write(decision.command)
        noteWrite(nil)
      } catch {
        noteWrite(error)
      }
    }
    endTick(now)
  }

  /// Sleeps until the next grid point, `spin` ns of it awake (at most a tenth of the period).
  @_noLocks
  public mutating func sleepUntilNextTick(spinning spin: Int64 = 0) {
    let most = schedule.period / 10
    clock.sleep(until: schedule.nextDeadline, spinning: spin < most ? spin : most)
  }

  /// Lays the grid of deadlines from now on.
  @_noLocks
  public mutating func startSchedule() {
    let now = clock.now()
    schedule.start(at: now)
    intervalStart = now
  }

  /// Asks something of the safety core in the next tick.
  @_noLocks
  public mutating func request(_ request: OperatorRequests) {
    requests = requests.adding(request)
  }

  /// Asks something of the safety core in the next tick on behalf of somebody who is not at the arm: a stop is heard.
  @_noLocks
  public mutating func requestRemotely(_ request: OperatorRequests) {
    remoteRequests = remoteRequests.adding(request)
  }

  /// Runs the paths of a tick with nothing commanded and nothing remembered, so that no first call happens in a run.
  public mutating func warmUp() {
    var scratch = RandomStream(seed: 0, name: "warm-up")
    var core = safety
    for index in 0..<20 {
      for place in 0..<buffers.observationCount { buffers.observation[place] = 0 }
      _ = policy?.act(observation: UnsafePointer(buffers.observation), sampling: .sample, random: &scratch)
      twin.update(inputs.joints, into: &points)
      warmUp(&core, tick: index)
      statistics.execution.record(1)
    }
    policy?.reset()
    statistics.reset()
  }

  /// A life in short: armed, moved, stopped, released and reset.
  private func warmUp(_ core: inout SafetyCore, tick: Int) {
    var tickInputs = inputs
    tickInputs.readSucceeded = true
    tickInputs.power = .on
    let now = Int64(tick) * configuration.controlPeriod
    let goal = JointVector(repeating: 0.01 * Double(tick), count: tickInputs.joints.count)
    tickInputs.proposal = Proposal(source: .policy, mode: configuration.mode, goal: goal, stamp: now)
    switch tick {
    case 0..<10: tickInputs.requests = OperatorRequests.arm.adding(.start)
    case 15: tickInputs.requests = .stop
    case 18: tickInputs.requests = .release
    case 19: tickInputs.requests = .reset
    default: break
    }
    _ = core.step(tickInputs, now: now)
  }

  /// The figures so far; not for the control thread.
  public var report: LoopReport { statistics.report(period: configuration.controlPeriod) }

  /// Forgets the statistics so far, so that a warm-up does not count.
  @_noLocks
  public mutating func resetStatistics() {
    statistics.reset()
  }

  @_noLocks
  @usableFromInline
  mutating func beginTick() -> Int64 {
    let now = clock.now()
    tickStart = now
    let timing = schedule.begin(at: now)
    statistics.noteWake(timing, period: schedule.period)
    inputs.lateness = timing.lateness
    inputs.sincePrevious = timing.sincePrevious
    if configuration.clock == .monotonic { inputs.suspended = sinew_suspended_ns() }
    if timing.lateness &* 2 > schedule.period && configuration.clock == .monotonic {
      recordOverrun(timing, now: now)
    }
    return now
  }

  @_noLocks
  @usableFromInline
  mutating func noteRead(_ error: ArmError?) {
    if let error {
      inputs.readSucceeded = false
      if error.code.rawValue == ArmError.Code.diverged.rawValue
        || error.code.rawValue == ArmError.Code.disconnected.rawValue
        || error.code.rawValue == ArmError.Code.internalFailure.rawValue
      {
        inputs.armFailed = true
      }
      lastArmError = error
      statistics.readFailureCount &+= 1
    } else {
      inputs.readSucceeded = true
      statistics.noteAge(inputs.joints)
    }
    sectionStart = clock.now()
    statistics.reading.record(sectionStart &- tickStart)
  }

  @_noLocks
  @usableFromInline
  mutating func decide(_ now: Int64) {
    inputs.requests = requests
    inputs.remoteRequests = remoteRequests
    requests = .none
    remoteRequests = .none
    decision = safety.step(inputs, now: now)
    blackBox?.note(inputs, decision, now: now)
    // An arm that is read and commanded again, with nothing latched, has recovered: what it once said explains nothing that
    // comes later.
    if inputs.readSucceeded && !inputs.writeFailed && decision.latched.rawValue == 0 { lastArmError = nil }
    inputs.armFailed = false
    inputs.writeFailed = false
    if isAltered {
      statistics.alteredTickCount &+= 1
      step.altered = true
    }
    // What a muted core would have liked was not executed.
    if decision.writes { step.command = decision.command.goal }
    if decision.source != .none { step.source = decision.source }
    if step.isDecided && (decision.state == .policy || configuration.isOperated) { step.isPlayed = true }
    noteIntervention(now)
    let end = clock.now()
    statistics.deciding.record(end &- sectionStart)
    sectionStart = end
    // The core took the authority away in mid-step: what has happened so far is the end of the episode. One that waits
    // for its first proposal does not outlive a stop either: authority is asked for anew.
    let isTaken =
      configuration.isOperated
      ? !isHeldByPerson : decision.state != .policy && (episode.hasStarted || decision.stopClass != .none)
    if episode.isRunning && isTaken { interruptEpisode(now) }
  }

  @_noLocks
  @usableFromInline
  mutating func noteWrite(_ error: ArmError?) {
    if let error {
      inputs.writeFailed = true
      lastArmError = error
      statistics.writeFailureCount &+= 1
    }
    statistics.writing.record(clock.now() &- sectionStart)
  }

  @_noLocks
  @usableFromInline
  mutating func endTick(_ now: Int64) {
    recordJoints(now)
    recordSafety(now)
    let execution = clock.now() &- tickStart
    statistics.execution.record(execution)
    loopRecord.note(lateness: inputs.lateness, execution: execution)
    recordInterval(now)
  }
}
