import ArmModel
import CSystem
import Control
import RealTime
import Recording
import Safety
import ServoBus

// In this file, for the compiler's proof looks into generic bodies and conformances of this file and of other modules only.
extension ServoArm: PhysicalArm {
  var busRecord: BusRecord {
    @_noLocks get {
      var record = BusRecord(count: jointCount)
      record.power = power
      record.health = health
      record.requests = counters.requests
      record.answers = counters.answers
      record.timeouts = counters.timeouts
      record.damaged = counters.checksum &+ counters.short &+ counters.length
      record.unexpected = counters.foreign &+ counters.echoes &+ counters.stale &+ counters.duplicates
      record.garbageBytes = counters.garbageBytes
      record.retries = counters.retries
      record.refusals = counters.refusals
      return record
    }
  }

  mutating func reopen() throws(SessionError) {
    do throws(ServoArmError) { try reconnect() } catch { throw SessionError(error.description) }
  }

  var wasFoundHolding: Bool { report.servos.contains(where: \.isTorqueOn) }

  mutating func conclude(holding: Bool, deadline: Int64) throws(SessionError) {
    do throws(ServoArmError) {
      try finish(as: holding ? .hold : .release, deadline: deadline)
    } catch { throw SessionError(error.description) }
  }
}

extension BoardArm: PhysicalArm {
  var busRecord: BusRecord {
    @_noLocks get {
      var record = BusRecord(count: jointCount)
      record.power = power
      record.health = health
      record.requests = counters.sent
      record.answers = counters.received
      record.timeouts = counters.timeouts
      record.damaged = counters.damaged
      record.unexpected = counters.echoes &+ counters.stale
      record.retries = counters.retries
      record.refusals = counters.refusals
      return record
    }
  }

  mutating func reopen() throws(SessionError) {
    do throws(ServoArmError) { try reconnect() } catch { throw SessionError(error.description) }
  }

  var wasFoundHolding: Bool { report.isHolding }

  static var servosAnswer: Bool { false }

  mutating func conclude(holding: Bool, deadline: Int64) throws(SessionError) {
    do throws(ServoArmError) {
      try finish(as: holding ? .hold : .release, deadline: deadline)
    } catch { throw SessionError(error.description) }
  }
}

/// Ticks of a run on a servo arm, and on one behind a controller board: the concrete, checked instances of the generic one.
@_noLocks
func ticks(
  _ run: inout HardwareRun<ServoArm>, _ publish: borrowing TripleBuffer<LoopStatus>
) -> HardwareSequence.Step {
  run.runTicks(publish)
}
@_noLocks
func ticks(
  _ run: inout HardwareRun<BoardArm>, _ publish: borrowing TripleBuffer<LoopStatus>
) -> HardwareSequence.Step {
  run.runTicks(publish)
}

/// A loop with a physical arm, and the run of both: it begins without torque and ends as the exit policy says.
struct HardwareRun<Device: PhysicalArm & ~Copyable>: ~Copyable, SessionRun {
  /// Ticks that the arm has to stand under torque before it counts as armed.
  static var armingTicks: Int { 10 }

  var core: RunCore
  var device: Device
  private(set) var sequence: HardwareSequence
  private let ear: OperatorPort.Ear
  private let onCrash: CrashPolicy
  private let settings: HardwareSettings
  /// Where the watchdog hears of each tick; nil where nobody watches.
  private var pulse: LoopWatchdog.Pulse?
  private var watchdog: LoopWatchdog?
  private var watch: LoopWatch?
  private var end = ArmEnd.untouched
  private var parkDistance = 0.0
  private var nextBusRecord: Int64 = .min
  private var crashStopIsArmed = false
  /// What the bus had counted before the last tick.
  private var answersBefore: UInt64 = 0
  private var damagedBefore: UInt64 = 0

  /// `person` is what the buttons of a person's device lead to, where one is in charge.
  init(
    loop: consuming ControlLoop, device: consuming Device, bounds: RunBounds, settings: HardwareSettings,
    ear: OperatorPort.Ear, person: OperatedSequence? = nil
  ) {
    core = RunCore(loop: loop, bounds: bounds)
    sequence = HardwareSequence(settings, wasFoundHolding: device.wasFoundHolding, person: person)
    self.device = device
    onCrash = settings.onCrash
    self.settings = settings
    self.ear = ear
  }

  mutating func warmUp() {
    core.loop.warmUp()
  }

  mutating func prepare(_ rights: RunRights) {
    armCrashStop()
    watchdog = startWatchdog(rights)
    pulse = watchdog?.pulse
  }

  mutating func run(_ publish: borrowing TripleBuffer<LoopStatus>, rights: RunRights = RunRights()) {
    core.begin(rights)
    while runTicks(publish) == .reopen {
      pulse?.rest()
      reopen()
    }
    pulse?.rest()
  }

  mutating func leave() -> RunEnding {
    conclude()
    pulse = nil
    watchdog?.end()
    watchdog = nil
    core.loop.recordRunEnd()
    return core.ending
  }

  /// Somebody who sees when a tick does not end; nobody in simulated time, and where none is wanted.
  private mutating func startWatchdog(_ rights: RunRights) -> LoopWatchdog? {
    let configuration = core.loop.configuration
    guard configuration.clock == .monotonic,
      let limit = settings.stallLimit(period: configuration.controlPeriod, isStrict: rights.isStrict)
    else { return nil }
    let words =
      "\nsinew: a control tick did not end within \(Double(limit / 100_000) / 10) ms: the loop hangs, and its watchdog ends the program.\n"
    do throws(ControlThread.StartError) {
      let watchdog = try LoopWatchdog(
        limit: limit, priority: rights.priority, processor: rights.processor, words: words)
      watch = LoopWatch(limit: limit, priority: watchdog.priority)
      return watchdog
    } catch {
      // The core and the servos' own watchdogs remain; the report says that nobody watched.
      return nil
    }
  }

  /// Ticks until there is something to do that is not for a tick.
  mutating func runTicks(_ publish: borrowing TripleBuffer<LoopStatus>) -> HardwareSequence.Step {
    while true {
      let step = turn(
        answers: ear.answers, signals: sinew_stop_requests(), arePressed: sinew_stop_was_pressed())
      core.publishStatus(publish, isLast: step == .over)
      if step != .goOn { return step }
      if core.bounds.awaitsRecorder { core.loop.awaitRecorder() }
    }
  }

  /// One tick at its time, and what follows from it. `signals` and `arePressed` as for `HardwareSequence.afterTick`.
  mutating func turn(answers: OperatorAnswers, signals: Int32, arePressed: Bool) -> HardwareSequence.Step {
    core.loop.sleepUntilNextTick(spinning: core.spin)
    pulse?.beat(core.loop.clock.now())
    sinew_rt_enter()
    core.loop.look(&device)
    core.torque = device.torque
    core.heldGoal = device.heldGoal
    sequence.tellFoundTorque(&core)
    core.loop.act(&device)
    takeOver()
    countBus()
    let step = sequence.afterTick(&core, answers: answers, signals: signals, arePressed: arePressed)
    if crashStopIsArmed { prepareForCrash() }
    if core.isEnding && sequence.parks && core.loop.inputs.power == .on { measureParking() }
    noteBus()
    sinew_rt_leave()
    // It sleeps now. That it is woken late is no mistake of its own, and the core's to judge.
    pulse?.rest()
    return step
  }

  /// The device's next step towards holding an arm that was found under torque, where the operator has agreed to it.
  private mutating func takeOver() {
    guard sequence.isTakingOver(core) else { return }
    do throws(ArmError) {
      // The reading's stamp is when the tick began.
      try device.energise(now: core.loop.inputs.joints.stamp)
      sequence.noteTakeoverStep()
    } catch {
      sequence.noteTakeoverFailure(&core, error)
    }
  }

  func complete(_ report: inout RunReport) {
    core.complete(&report)
    var hardware = HardwareReport(end: end, bus: device.busRecord)
    hardware.reopenCount = sequence.reopenCount
    hardware.servosAnswer = Device.servosAnswer
    hardware.parkDistance = parkDistance
    hardware.watch = watch
    report.hardware = hardware
    if sequence.isOperated { report.operation = sequence.person.report(core.loop) }
  }

  /// What the bus has counted in this tick, for the core's watch over damaged answers.
  private mutating func countBus() {
    let record = device.busRecord
    core.loop.inputs.bus.errors = Int(truncatingIfNeeded: record.damaged &- damagedBefore)
    core.loop.inputs.bus.replies =
      Int(truncatingIfNeeded: record.answers &- answersBefore) &+ core.loop.inputs.bus.errors
    answersBefore = record.answers
    damagedBefore = record.damaged
  }

  /// The bus and the servos, ten times a second.
  private mutating func noteBus() {
    let now = core.loop.clock.now()
    guard now >= nextBusRecord else { return }
    nextBusRecord = now &+ 100_000_000
    var record = device.busRecord
    record.stamp = now
    core.loop.recordBus(record)
  }

  private mutating func armCrashStop() {
    guard device.descriptor >= 0 else { return }
    // The control thread allocates nothing from here on, and a string would.
    let words = onCrash.words
    words.utf8Start.withMemoryRebound(to: CChar.self, capacity: words.utf8CodeUnitCount) { sinew_crash_stop_say($0) }
    // What cannot be prepared is no reason not to run: the servos' own watchdogs and bounded goals remain. The bytes come
    // with the ticks.
    crashStopIsArmed = sinew_crash_stop_arm(device.descriptor, words.utf8Start, 0) == 0
    sinew_crash_stop_set_active(false)
  }

  /// How far the arm is from its park pose, as long as torque is on.
  private mutating func measureParking() {
    let pose = core.loop.configuration.safety.parkPose
    guard core.loop.inputs.readSucceeded else { return }
    parkDistance = 0
    for joint in 0..<pose.count {
      let distance = (core.loop.inputs.joints.position[joint] - pose[joint]).magnitude
      if distance > parkDistance { parkDistance = distance }
    }
  }

  /// A crash shall stop an arm that this run has taken hold of, as it was last commanded, and no other.
  private func prepareForCrash() {
    let frame = device.crashFrame
    if let start = frame.baseAddress { sinew_crash_stop_update(start, frame.count) }
    sinew_crash_stop_set_active(sequence.hasArmed && core.loop.inputs.power != .off)
  }

  /// One attempt to have the port back.
  mutating func reopen() {
    do throws(SessionError) {
      try device.reopen()
      let isHolding = device.wasFoundHolding
      sequence.noteReopened(true, isHolding: isHolding)
      // Of the old core's a reset would be asked, and that switches torque off: the arm would drop.
      if isHolding { core.loop.meetArmAgain() }
      armCrashStop()
    } catch {
      sequence.noteReopened(false, isHolding: false)
    }
    // The attempt was no part of the schedule.
    core.loop.startSchedule()
  }

  /// How an arm that was to stay under torque is, by what its servos said last.
  private var heldEnd: ArmEnd {
    if device.torque.isOn(all: device.jointCount) { return .held }
    return device.torque == JointTorque(false, count: device.jointCount) ? .released : .heldInPart(device.torque)
  }

  /// Leaves the arm as the exit policy says, or held where a fault has stopped it, and makes sure of it.
  mutating func conclude() {
    if sequence.hasArmed {
      // What was released on the way is not taken hold of in the end, nor what the core was letting go of.
      let holds =
        device.power != .off && core.loop.decision.power != .release
        && sequence.leavesHolding(state: core.loop.decision.state, latched: core.loop.decision.latched)
      do throws(SessionError) {
        try device.conclude(holding: holds, deadline: core.loop.clock.now() &+ 2_000_000_000)
        end = holds ? heldEnd : .released
      } catch {
        // Where the arm itself cannot be asked, nobody knows.
        let isAnswered = device.torque.on | device.torque.off != 0
        end = holds && isAnswered && heldEnd != .held ? heldEnd : .unconfirmed(error.description)
      }
    } else if sequence.wasFoundHolding || device.torque.on != 0 {
      end = device.torque.off == 0 || device.torque.on != 0 ? .foundOn(device.torque) : .untouched
    }
    if crashStopIsArmed { sinew_crash_stop_disarm() }
    nextBusRecord = .min
    noteBus()
  }
}
