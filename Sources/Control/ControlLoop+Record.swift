import ArmModel
import RealTime
import Recording
import Safety

extension ControlLoop {
  /// Ns between two records of the loop's timing.
  static var recordInterval: Int64 { @_noLocks get { 100_000_000 } }

  /// Puts the finished step into the log.
  @_noLocks
  mutating func recordTransition(reward: Double, terminated: Bool, truncated: Bool, success: Bool, now: Int64) {
    let isLast = terminated || truncated
    guard let writer = port?.reserveTransition(isFinal: isLast) else { return }
    writer.setStep(
      UInt64(truncatingIfNeeded: recordedSteps), stamp: step.stamp, duration: Double(now &- step.stamp) * 1e-9,
      episode: UInt32(truncatingIfNeeded: episode.index), stepInEpisode: UInt32(truncatingIfNeeded: episode.steps))
    writer.setObservation(UnsafePointer(buffers.stepObservation))
    if isLast { writer.setFinalObservation(UnsafePointer(buffers.observation)) }
    writer.setAction(
      mean: UnsafePointer(buffers.mean), logStandardDeviation: UnsafePointer(buffers.logStandardDeviation),
      raw: UnsafePointer(buffers.rawAction), action: UnsafePointer(buffers.action))
    writer.setLogProbability(step.logProbability, value: step.value)
    writer.setCommand(
      JointCommand(mode: configuration.mode, goal: step.command, stamp: now), proposal: step.proposal,
      source: step.source)
    writer.setJoints(step.joints)
    writer.setReward(reward, terms: UnsafePointer(buffers.rewardTerms))
    var flags: UInt8 = 0
    if terminated { flags |= TransitionFlags.terminated.rawValue }
    if truncated { flags |= TransitionFlags.truncated.rawValue }
    if success { flags |= TransitionFlags.success.rawValue }
    if step.altered { flags |= TransitionFlags.altered.rawValue }
    if step.intervention { flags |= TransitionFlags.intervention.rawValue }
    writer.setFlags(TransitionFlags(rawValue: flags))
    port?.commitTransition()
    recordedSteps &+= 1
  }

  /// Notes that the run begins, with the rights its thread was granted (priority 0: none).
  @_noLocks
  public mutating func recordRunStart(priority: Int, memoryIsLocked: Bool) {
    port?.recordEvent(
      .runStarted, stamp: clock.now(), first: Int64(priority), second: memoryIsLocked ? 1 : 0)
  }

  /// Records how the servo bus and its servos are.
  @_noLocks
  public mutating func recordBus(_ bus: BusRecord) {
    port?.recordBus(bus)
  }

  /// Notes that the run is over.
  @_noLocks
  public mutating func recordRunEnd() {
    port?.recordEvent(
      .runStopped, stamp: clock.now(), first: Int64(statistics.tickCount), second: Int64(statistics.overrunCount))
  }

  @_noLocks
  mutating func recordEpisodeStart() {
    port?.recordEvent(.episodeStarted, stamp: clock.now(), first: Int64(episode.index))
  }

  @_noLocks
  mutating func recordEpisodeEnd(_ now: Int64) {
    port?.recordEvent(
      .episodeEnded, stamp: now, first: Int64(episode.index), second: Int64(episode.steps), value: episode.rewardSum)
    if episode.interrupted { port?.recordEvent(.terminateEpisode, stamp: now, first: Int64(episode.index)) }
    if episode.succeeded { port?.recordEvent(.success, stamp: now, first: Int64(episode.index)) }
    if verdict == .failure { port?.recordEvent(.failure, stamp: now, first: Int64(episode.index)) }
    if verdict == .discard { port?.recordEvent(.rerecordEpisode, stamp: now, first: Int64(episode.index)) }
  }

  @_noLocks
  mutating func recordOverrun(_ timing: TickTiming, now: Int64) {
    port?.recordEvent(
      .overrun, stamp: now, first: Int64(statistics.overrunCount), value: Double(timing.lateness) * 1e-9)
  }

  @_noLocks
  mutating func recordJoints(_ now: Int64) {
    guard inputs.readSucceeded else { return }
    port?.recordJoints(inputs.joints)
  }

  /// Changes of state and of conditions, as events.
  @_noLocks
  mutating func recordSafety(_ now: Int64) {
    if decision.state != lastEventState {
      port?.recordEvent(
        .safetyStateChanged, stamp: now, first: Int64(decision.state.rawValue), second: Int64(lastEventState.rawValue))
      lastEventState = decision.state
    }
    if decision.source != lastSource {
      port?.recordEvent(
        .sourceChanged, stamp: now, first: Int64(decision.source.rawValue), second: Int64(lastSource.rawValue))
      lastSource = decision.source
    }
    if decision.active.rawValue != lastActive.rawValue {
      recordConditions(.conditionRaised, decision.active.rawValue & ~lastActive.rawValue, now: now)
      recordConditions(.conditionCleared, lastActive.rawValue & ~decision.active.rawValue, now: now)
      lastActive = decision.active
    }
    if decision.latched.rawValue != lastLatched.rawValue {
      recordConditions(.faultLatched, decision.latched.rawValue & ~lastLatched.rawValue, now: now)
      lastLatched = decision.latched
    }
  }

  @_noLocks
  private mutating func recordConditions(_ event: LogEvent, _ bits: UInt64, now: Int64) {
    var left = bits
    while left != 0 {
      let bit = left.trailingZeroBitCount
      // What the arm itself said: the joint, and the kind of its failure.
      let isArm = bit == Int(Condition.armFailed.rawValue) || bit == Int(Condition.writeFailed.rawValue)
      let value = isArm ? Double(lastArmError?.code.rawValue ?? 0) : 0
      var joints = isArm ? 0 : decision.joints.mask(ofBit: bit)
      if joints == 0 || event.isAboutAll {
        port?.recordEvent(
          event, stamp: now, first: Int64(bit), second: isArm ? Int64(lastArmError?.joint ?? -1) : -1, value: value)
      }
      // One event for each joint that it is about.
      while joints != 0 && !event.isAboutAll {
        port?.recordEvent(
          event, stamp: now, first: Int64(bit), second: Int64(joints.trailingZeroBitCount), value: value)
        joints &= joints &- 1
      }
      left &= left &- 1
    }
  }

  /// The loop's timing, every 100 ms.
  @_noLocks
  mutating func recordInterval(_ now: Int64) {
    let span = now &- intervalStart
    guard span >= ControlLoop.recordInterval, loopRecord.ticks > 0 else { return }
    var record = LoopRecord()
    record.stamp = now
    record.ticks = UInt64(truncatingIfNeeded: statistics.tickCount)
    record.overruns = UInt64(truncatingIfNeeded: statistics.overrunCount)
    record.achievedRate = Double(loopRecord.ticks) * 1e9 / Double(span)
    record.latenessMinimum = loopRecord.latenessMinimum
    record.latenessMean = loopRecord.latenessSum / loopRecord.ticks
    record.latenessMaximum = loopRecord.latenessMaximum
    record.executionMinimum = loopRecord.executionMinimum
    record.executionMean = loopRecord.executionSum / loopRecord.ticks
    record.executionMaximum = loopRecord.executionMaximum
    port?.recordLoop(record)
    loopRecord = LoopInterval()
    intervalStart = now
  }

  /// Waits for the log thread; for the virtual clock only, whose runs are faster than any disk.
  @_noLocks
  public borrowing func awaitRecorder() {
    switch port {
    case .some(let port): port.awaitRoom()
    case .none: break
    }
  }

  /// Records lost so far because the ring was full.
  public var droppedRecords: Int {
    @_noLocks get {
      switch port {
      case .some(let port): port.droppedCount
      case .none: 0
      }
    }
  }

  /// Ticks begun and overruns so far.
  public var tickCount: Int { @_noLocks get { statistics.tickCount } }
  public var overrunCount: Int { @_noLocks get { statistics.overrunCount } }
}
