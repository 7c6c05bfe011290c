import ArmModel
import ArmProfiles
import Control
import RealTime
import Recording
import ServoBus

/// A prepared run on a physical arm: everything was loaded and checked, the arm was found on its port, examined and not
/// touched; `runBlocking` runs it once.
///
/// Preparing throws on whatever is wrong with the request or the arm, with the next step. Without a person in charge torque
/// is switched on only after `consent`, each time the status puts the question; with one by their device.
public final class HardwareSession: PreparedSession {
  public let summary: SessionSummary
  private let execute: (_ show: (LoopStatus) -> Void) throws -> RunReport
  private let port = OperatorPort()
  private let blackBox: BlackBoxKeeper?
  /// What the feeds' pointers lead to.
  private let device: AnyObject?
  private let leader: LeaderReader?
  private let releaseAdvice: String

  /// Loads everything the plan names, and connects the arm: for a policy that runs by itself.
  public convenience init(_ plan: SessionPlan) throws {
    guard plan.operation == nil else { throw SessionError("the plan names a person, and nobody hears them") }
    try self.init(plan, feed: nil, keeping: nil)
  }

  /// The same with a person in charge, who is heard through `feed`; `device`, which owns what the feed points to, is kept
  /// until the session is gone.
  public convenience init(_ plan: SessionPlan, feed: OperatorFeed, keeping device: AnyObject?) throws {
    try self.init(plan.withPersonsLimits(), feed: .some(feed), keeping: device)
  }

  private init(_ plan: SessionPlan, feed: OperatorFeed?, keeping device: AnyObject?) throws {
    guard let settings = plan.hardware else { throw SessionError("the plan names no port; name one with --port") }
    var parts = try SessionParts(plan)
    var person: PersonInCharge?
    if let feed { person = PersonInCharge(feed: feed, teleoperator: try parts.makeTeleoperator()) }
    let setup = try HardwareSetup(parts, settings)
    self.device = device
    let about: ArmFindings
    let policyHasThread: Bool
    if setup.isBehindBoard {
      let arm = try BoardArm.connect(path: settings.port, baud: settings.baud, configuration: setup.configuration)
      about = setup.findings(arm.report, settings, controlRate: parts.controlRate)
      leader = try parts.makeLeader()
      (execute, policyHasThread) = try Self.prepare(
        &parts, setup, settings, arm, about, port.ear, person, leader?.feed ?? .nobody)
    } else {
      let arm = try ServoArm.connect(path: settings.port, baud: settings.baud, configuration: setup.configuration)
      about = setup.findings(arm.report, settings, controlRate: parts.controlRate)
      leader = try parts.makeLeader()
      (execute, policyHasThread) = try Self.prepare(
        &parts, setup, settings, arm, about, port.ear, person, leader?.feed ?? .nobody)
    }
    blackBox = parts.blackBox
    releaseAdvice = setup.releaseAdvice(settings)
    var summary = SessionSummary(parts, policyHasThread: policyHasThread)
    summary.armDescription = about.description
    summary.jointLabels = setup.jointLabels
    if settings.isUnsupervised {
      summary.notes.append("unsupervised: nobody holds enable while the policy moves the arm; the log says so")
    }
    summary.notes += about.notes + (leader?.notes ?? [])
    self.summary = summary
  }

  /// The loop around a connected arm, ready to run.
  private static func prepare<Device: PhysicalArm & ~Copyable>(
    _ parts: inout SessionParts, _ setup: HardwareSetup, _ settings: HardwareSettings, _ arm: consuming Device,
    _ about: ArmFindings, _ ear: OperatorPort.Ear, _ person: consuming PersonInCharge?, _ leader: LeaderFeed
  ) throws -> (execute: (_ show: (LoopStatus) -> Void) throws -> RunReport, policyHasThread: Bool) {
    var worker: PolicyWorker?
    var loop = try parts.makeLoop(
      twin: parts.setup.makeTwin(), armingTicks: HardwareRun<Device>.armingTicks,
      parkPose: parts.limits.containing(JointVector(setup.profile.park)), worker: &worker, about: about.logged)
    var sequence: OperatedSequence?
    if let person {
      loop.attach(person.feed, teleoperator: person.teleoperator)
      loop.attach(leader)
      sequence = OperatedSequence(hasPolicy: parts.policy != nil)
    }
    let run = HardwareRun(
      loop: loop, device: arm, bounds: parts.bounds, settings: settings, ear: ear, person: sequence)
    let execution = SessionExecution(run: run, of: parts, worker: worker)
    return ({ try execution.runBlocking($0) }, execution.policyHasThread)
  }

  /// The operator answers the question that the status puts with yes.
  public func consent() { port.consent() }

  /// The operator answers it with no: a run that has not taken hold of the arm yet ends, and leaves it as it is.
  public func refuse() { port.refuse() }

  public func takeNotes() -> [String] { blackBox?.takeNotes() ?? [] }

  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    defer { leader?.stop() }
    var report = try withExtendedLifetime((device, leader)) { try execute(show) }
    report.jointLabels = summary.jointLabels
    report.hardware?.releaseAdvice = releaseAdvice
    return report
  }
}

/// How a loop on a physical arm hears a person, and what turns their sticks into proposals.
private struct PersonInCharge: ~Copyable {
  let feed: OperatorFeed
  let teleoperator: Teleoperator
}

/// What a run tells of the arm that was connected: a line for the terminal, notes, what the log keeps.
struct ArmFindings {
  var description: String
  var notes: [String]
  var logged: LoggedArm
}

/// What a physical arm is by its files: profile, calibration, in the task's joint order.
struct HardwareSetup {
  /// In the task's joint order.
  let identity: CalibratedArm
  let configuration: ServoArmConfiguration
  /// Whether the arm is one of hobby servos behind a controller board.
  var isBehindBoard: Bool { profile.bus?.wire == ArmBus.firmwareWire }

  init(_ parts: SessionParts, _ settings: HardwareSettings) throws {
    let plan = parts.plan
    guard plan.clock == .monotonic else {
      throw SessionError("a physical arm moves in real time only; leave out --virtual, or the port")
    }
    guard let name = TaskSetup.profileName(plan, model: parts.model) else {
      throw SessionError("there is no arm profile for '\(parts.model.name)'; name the arm that is there with --arm")
    }
    let untightened = try ArmProfile.named(name)
    let whole = try untightened.tightened(by: plan.limitOverrides)
    guard whole.bus != nil else {
      throw SessionError(
        "arm '\(whole.name)' has no servos on a bus: it exists in simulation only; choose another --arm, or leave --port out"
      )
    }
    if whole.bus?.wire == ArmBus.firmwareWire && settings.exit == .hold {
      throw SessionError(
        "a controller board holds an arm only as long as a program talks to it, and then switches it off; give --exit park or release"
      )
    }
    // A joint that nobody commands would hang or fall under the others' motion.
    let idle = whole.jointNames.filter { !plan.task.joints.contains($0) }
    guard idle.isEmpty else {
      throw SessionError(
        "task '\(plan.task.name)' leaves joint \(idle.joined(separator: ", ")) of arm '\(whole.name)' without a command; "
          + "name all joints in the task, the action may leave some out")
    }
    guard
      let identity = try CalibratedArm(
        whole, untightened: untightened, calibration: settings.calibration, joints: plan.task.joints)
    else {
      throw SessionError(
        "arm '\(whole.name)' has not all joints of task '\(plan.task.name)'; choose another --arm or task")
    }
    self.identity = identity
    var configuration = ServoArmConfiguration(
      profile: identity.profile, calibration: identity.calibration, controlPeriod: parts.controlPeriod)
    configuration.rateUnit = parts.policyRate
    configuration.exitPolicy = settings.exit == .hold ? .hold : .release
    configuration.crashPolicy = settings.onCrash == .hold ? .hold : .release
    configuration.endsOnStopSignals = plan.hearsEarlierStops
    self.configuration = configuration
  }

  var profile: ArmProfile { identity.profile }
  private var calibration: ArmCalibration { identity.calibration }

  /// The joints as a person finds them on the arm: "elbow_flex (servo 3)".
  var jointLabels: [String] {
    let word = isBehindBoard ? "channel" : "servo"
    return calibration.joints.map { joint in
      let others = joint.followers.map { ", \($0.servo)" }.joined()
      return "\(joint.joint) (\(word)\(others.isEmpty ? "" : "s") \(joint.servo)\(others))"
    }
  }

  /// How torque that a run has left on is switched off without another run.
  func releaseAdvice(_ settings: HardwareSettings) -> String {
    guard !isBehindBoard, let bus = profile.bus else {
      return "the board switches it off by itself when no program talks to it; or cut the servos' power"
    }
    let ids = calibration.joints.flatMap { [$0.servo] + $0.followers.map(\.servo) }.map { "\($0)" }
    var command = "sinew servo write torque_enable 0 --port \(settings.port) --protocol \(bus.wire)"
    let baud = settings.baud ?? bus.baud
    if baud != 1_000_000 { command += " --baud \(baud)" }
    return "support the arm, then switch torque off with '\(command) --id N' for N = \(ids.joined(separator: ", ")), "
      + "or cut its power; or run again, which asks before it takes the arm over"
  }

  /// What a run tells of servos on a bus.
  func findings(_ report: ConnectionReport, _ settings: HardwareSettings, controlRate: Double) -> ArmFindings {
    ArmFindings(
      description: armDescription(report, settings), notes: report.notes + notes(report, controlRate: controlRate),
      logged: logged(report, settings))
  }

  /// One line for the terminal.
  func armDescription(_ report: ConnectionReport, _ settings: HardwareSettings) -> String {
    "\(profile.name) '\(calibration.name)' on \(settings.port) (\(profile.joints.count) joints, "
      + "\(models(report)), \(profile.bus?.wire ?? "") at \(report.baud) bit/s)"
  }

  /// What the bus carries, as a note.
  func notes(_ report: ConnectionReport, controlRate: Double) -> [String] {
    let delay = (report.servos.map(\.returnDelay).max() ?? 0) * 1e6
    let carried = (report.achievableRate * 10).rounded() / 10
    return [
      "the bus carries \(carried) Hz, the loop asks for \(controlRate) Hz: \(report.sentBytes) + \(report.receivedBytes) "
        + "bytes a cycle at \(report.baud) bit/s, return delay \(delay) µs, latency \(report.latency / 1000) µs"
    ]
  }

  /// What the log keeps of the arm.
  func logged(_ report: ConnectionReport, _ settings: HardwareSettings) -> LoggedArm {
    var metadata = identity.metadata(report, port: settings.port)
    metadata["latency_us"] = "\(Double(report.latency) / 1000)"
    metadata["cycle_bytes"] = "\(report.cycleBytes)"
    metadata["achievable_rate_hz"] = "\(report.achievableRate)"
    return logged(metadata, settings)
  }

  /// The same with what was asked of the run, and with the calibration itself.
  func logged(_ found: [String: String], _ settings: HardwareSettings) -> LoggedArm {
    var metadata = found
    metadata["exit"] = settings.exit.rawValue
    metadata["on_unplug"] = settings.onUnplug.rawValue
    metadata["on_crash"] = settings.onCrash.rawValue
    metadata["stall_periods"] = settings.stallPeriods.map { "\($0)" } ?? "default"
    if settings.isUnsupervised { metadata["unsupervised"] = "true" }
    return LoggedArm(
      metadata: metadata, attachments: [identity.attachment("calibration.yaml")], jointLabels: jointLabels)
  }

  /// "six sts3215 (firmware 3.10)"
  private func models(_ report: ConnectionReport) -> String {
    var kinds: [(name: String, count: Int)] = []
    for servo in report.servos {
      let name = "\(servo.model) firmware \(servo.firmware)"
      if let index = kinds.firstIndex(where: { $0.name == name }) {
        kinds[index].count += 1
      } else {
        kinds.append((name, 1))
      }
    }
    return kinds.map { "\($0.count) × \($0.name)" }.joined(separator: ", ")
  }
}
