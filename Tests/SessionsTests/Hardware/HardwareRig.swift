import ArmModel
import ArmProfiles
import Control
import LoopTestSupport
import Policies
import RealTime
import Recording
import Safety
import Simulation
import Tasks
import Testing

@testable import Sessions

/// A scripted arm as one that stands in a room: it may lose its port and get it back.
struct ScriptedDevice: ~Copyable, PhysicalArm {
  var arm: ScriptedArm
  /// Whether the next attempts to open the port again succeed.
  var canReopen = false
  private(set) var reopenAttempts = 0
  /// The read from which on every eighth answer is damaged.
  var damagedFrom = Int.max
  /// Why the end cannot be confirmed, if it cannot.
  var concludeFailure: String?
  private(set) var concludeCount = 0

  init(position: [Double]) {
    arm = ScriptedArm(position: position)
    arm.power = .off
  }

  var jointCount: Int { arm.jointCount }
  var power: ArmPower { arm.power }
  var health: ArmHealth { arm.health }
  mutating func read(into state: inout JointState, now: Int64) throws(ArmError) { try arm.read(into: &state, now: now) }
  mutating func write(_ command: JointCommand) throws(ArmError) {
    try arm.write(command)
    heldGoal = command.goal
  }
  mutating func energise(now: Int64) throws(ArmError) {
    if let energiseFailure { throw energiseFailure }
    try arm.energise(now: now)
  }
  mutating func release(now: Int64) throws(ArmError) {
    let before = arm.power
    try arm.release(now: now)
    if ignoresRelease { arm.power = before }
  }

  var busRecord: BusRecord {
    var record = BusRecord(count: arm.jointCount)
    record.power = arm.power
    record.requests = UInt64(arm.readCount)
    record.answers = UInt64(arm.readCount)
    record.damaged = UInt64(max(0, arm.readCount - damagedFrom) / 8)
    return record
  }
  var descriptor: Int32 { -1 }
  var crashFrame: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }

  mutating func reopen() throws(SessionError) {
    reopenAttempts += 1
    guard canReopen else { throw SessionError("no port there") }
    arm.readFailures = [:]
  }

  /// Whether it was found under torque.
  var wasFoundHolding = false
  /// What its servos say of their torque where that is not as `power` says.
  var foundTorque = JointTorque()
  var torque: JointTorque {
    switch arm.power {
    case .on: JointTorque(true, count: jointCount)
    case .off: JointTorque(false, count: jointCount)
    case .unknown, .energising, .mixed: foundTorque
    }
  }
  var heldGoal = JointVector(repeating: 0, count: 0)
  /// Whether it stays under torque all the same.
  var ignoresRelease = false
  /// Why it does not come under torque.
  var energiseFailure: ArmError?

  /// As a run left it that has held it at `goal`, which it sags from: its torque is nobody's.
  mutating func beFoundHolding(at goal: [Double], joints: JointTorque) {
    wasFoundHolding = true
    foundTorque = joints
    heldGoal = JointVector(goal)
    arm.power = joints.off == 0 ? .unknown : .mixed
  }
  /// How the end was asked for.
  private(set) var concludedHolding: Bool?

  mutating func conclude(holding: Bool, deadline: Int64) throws(SessionError) {
    concludeCount += 1
    concludedHolding = holding
    if let concludeFailure { throw SessionError(concludeFailure) }
  }
}

/// Where a leader's readings go over to the loop.
private final class LeaderLine {
  private let buffer: UnsafeMutablePointer<TripleBuffer<LeaderReading>>

  init(count: Int) {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: TripleBuffer(initial: LeaderReading(count: count)))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
  }

  var feed: LeaderFeed { .live(buffer) }
  func publish(_ reading: LeaderReading) { buffer.pointee.publish(reading) }
}

/// A run on a scripted arm on the virtual clock, one turn at a time.
struct HardwareRig: ~Copyable {
  static let home = [0, -0.5, 0.5, 0.5, 0, 0]
  static let park = [0, -1.7, 1.65, 0.5, 0, 0]
  static let foundGoal = [0.3, -0.8, 1, -0.2, 0.4, 0.2]
  static let foundPlace = [0.3, -0.83, 0.98, -0.21, 0.4, 0.2]

  var run: HardwareRun<ScriptedDevice>
  let folder: TemporaryFolder
  private let recorder: Recorder?
  private let port = OperatorPort()
  private let worker: PolicyWorker?
  var consents: UInt32 = 0
  var refusals: UInt32 = 0
  var signals: Int32 = 0
  /// Whether a person at the keys asked for the stop.
  var arePressed = true
  /// The states that were passed through, each once in a row.
  private(set) var states: [SafetyState] = []
  private(set) var turns = 0
  private(set) var lastStep = HardwareSequence.Step.goOn
  private let track: OperatorTrack?
  private let line: LeaderLine?
  /// The leader's pose, while it is read; nil once it has gone silent.
  var leader: [Double]?
  private var lastReading: LeaderReading

  /// With `person` somebody's device is in charge: of the policy, or of `kind`. With `leader` they move the arm with a
  /// leader arm, which stands there at first. With `found` some of the arm's joints, or all, are under torque already, and
  /// sag from `foundGoal`.
  init(
    episodes: Int? = nil, duration: Double? = nil, exit: ArmExit = .park, onUnplug: UnplugPolicy = .end,
    asks: Bool = true, start: [Double] = HardwareRig.home, policy: DensePolicy = .reach(),
    limitSteps: Int? = 20, person: OperatorTrack? = nil, of kind: OperationPlan.Kind = .supervision,
    leader: [Double]? = nil, found: JointTorque? = nil
  ) throws {
    let folder = try TemporaryFolder()
    var plan = try plan(
      task: "reach", policy: policy.write(to: folder), episodes: episodes, duration: duration,
      log: folder.file("run.mcap"))
    if episodes == nil && duration == nil { plan.duration = 1000 }
    plan.task.timeLimitSteps = limitSteps
    plan.profile = "so101"
    var settings = HardwareSettings(port: "nowhere", calibration: "none")
    settings.exit = exit
    settings.onUnplug = onUnplug
    settings.asksAfterInterruption = asks
    plan.hardware = settings
    if person != nil { plan.operation = OperationPlan(kind, device: "script") }
    var parts = try SessionParts(plan)
    var worker: PolicyWorker?
    var loop = try parts.makeLoop(
      twin: parts.setup.makeTwin(), armingTicks: HardwareRun<ScriptedDevice>.armingTicks,
      parkPose: JointVector(Self.park),
      worker: &worker,
      about: LoggedArm(metadata: ["port": "nowhere"], attachments: []))
    let line = leader.map { LeaderLine(count: $0.count) }
    if let person {
      loop.attach(person.feed, teleoperator: try parts.makeTeleoperator())
      if let line { loop.attach(line.feed) }
    }
    self.folder = folder
    self.worker = worker
    recorder = parts.recorder
    track = person
    self.leader = leader
    self.line = line
    lastReading = LeaderReading(count: start.count)
    var device = ScriptedDevice(position: found == nil ? start : Self.foundPlace)
    if let found { device.beFoundHolding(at: Self.foundGoal, joints: found) }
    run = HardwareRun(
      loop: loop, device: device, bounds: parts.bounds, settings: settings,
      ear: port.ear, person: person.map { _ in OperatedSequence(hasPolicy: kind == .supervision) })
    run.warmUp()
    run.core.begin(RunRights())
  }

  /// The leader's reader, once a turn.
  private mutating func readLeader() {
    guard let line, let leader else { return }
    lastReading.pose = JointVector(leader)
    lastReading.stamp = run.core.loop.clock.now()
    lastReading.isPresent = true
    line.publish(lastReading)
  }

  /// The leader's port goes away.
  mutating func unplugLeader() {
    leader = nil
    line?.publish(LeaderReading(count: lastReading.pose.count))
  }

  /// Turns until `isDone`, the end, or `limit` turns.
  mutating func turn(atMost limit: Int = 3000, until isDone: (borrowing HardwareRun<ScriptedDevice>) -> Bool) {
    for _ in 0..<limit {
      readLeader()
      var answers = OperatorAnswers()
      answers.consents = consents
      answers.refusals = refusals
      lastStep = run.turn(answers: answers, signals: signals, arePressed: arePressed)
      turns += 1
      let state = run.core.loop.decision.state
      if states.last != state { states.append(state) }
      if lastStep == .reopen { run.reopen() }
      if lastStep == .over || isDone(run) { return }
    }
  }

  mutating func turn(_ count: Int) {
    var left = count
    turn(atMost: count) { _ in
      left -= 1
      return left == 0
    }
  }

  /// Waits for the question and agrees.
  mutating func switchOn() {
    turn(atMost: 50) { $0.core.question == .switchOn }
    consents += 1
  }

  /// Begins an episode in which the arm then measures what is no number: a latched fault, in which the core holds it.
  mutating func runIntoHeldFault() throws {
    switchOn()
    turn { $0.core.loop.episode.steps > 5 }
    run.device.arm.measuredInstead[run.device.arm.readCount] = [.nan] + HardwareRig.home.dropFirst()
    turn(atMost: 50) { $0.core.loop.decision.state == .faultHold }
    let state = run.core.loop.decision.state
    guard state == .faultHold else { throw SessionError("no fault: \(state)") }
  }

  mutating func turnToTheEnd(atMost limit: Int = 100_000) { turn(atMost: limit) { _ in false } }

  /// What a run does after its last tick.
  mutating func finishRun() { run.conclude() }

  /// What the run has to tell.
  var report: RunReport {
    var report = RunReport()
    run.complete(&report)
    return report
  }

  /// Closes the log.
  func finishLog() -> RecordingSummary? { recorder?.finish() }

  /// Every goal that came over the wire, for the check against the limits.
  var goals: [[Double]] { run.device.arm.goals }
}
