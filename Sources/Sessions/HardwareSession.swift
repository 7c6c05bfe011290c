import ArmModel
import ArmProfiles
import Configuration
import Control
import RealTime
import Recording
import ServoBus

/// A prepared run of a policy on a physical arm: everything was loaded and checked, the arm was found on its port, examined
/// and not touched; `runBlocking` runs it once.
///
/// Preparing throws on whatever is wrong with the request or the arm, with the next step. Torque is switched on only after
/// `consent`, each time the status puts the question.
public final class HardwareSession: PreparedSession {
  public let summary: SessionSummary
  private let execution: SessionExecution<HardwareRun<ServoArm>>
  private let port = OperatorPort()

  /// Loads everything the plan names, and connects the arm.
  public init(_ plan: SessionPlan) throws {
    guard let settings = plan.hardware else { throw SessionError("the plan names no port; name one with --port") }
    var parts = try SessionParts(plan)
    let setup = try HardwareSetup(parts, settings)
    let arm = try ServoArm.connect(path: settings.port, baud: settings.baud, configuration: setup.configuration)
    let report = arm.report
    var worker: PolicyWorker?
    let loop = try parts.makeLoop(
      twin: parts.setup.makeTwin(), armingTicks: HardwareRun<ServoArm>.armingTicks,
      parkPose: JointVector(setup.profile.park), worker: &worker, about: setup.logged(report, settings))
    let run = HardwareRun(
      loop: loop, device: arm, bounds: parts.bounds, settings: settings, ear: port.ear)
    execution = SessionExecution(run: run, plan: plan, recorder: parts.recorder, worker: worker)
    var summary = SessionSummary(parts, policyHasThread: worker != nil)
    summary.armDescription = setup.armDescription(report, settings)
    if settings.isUnsupervised {
      summary.notes.append("unsupervised: nobody holds enable while the policy moves the arm; the log says so")
    }
    summary.notes += report.notes + setup.notes(report, controlRate: parts.controlRate)
    self.summary = summary
  }

  /// The operator answers the question that the status puts with yes.
  public func consent() { port.consent() }

  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport { try execution.runBlocking(show) }
}

/// What a physical arm is by its files: profile, calibration, in the task's joint order.
struct HardwareSetup {
  /// In the task's joint order.
  let profile: ArmProfile
  let calibration: ArmCalibration
  let calibrationPath: String
  let calibrationText: String
  let configuration: ServoArmConfiguration

  init(_ parts: SessionParts, _ settings: HardwareSettings) throws {
    let plan = parts.plan
    guard plan.clock == .monotonic else {
      throw SessionError("a physical arm moves in real time only; leave out --virtual, or the port")
    }
    guard let name = TaskSetup.profileName(plan, model: parts.model) else {
      throw SessionError("there is no arm profile for '\(parts.model.name)'; name the arm that is there with --arm")
    }
    let whole = try ArmProfile.named(name).tightened(by: plan.limitOverrides)
    guard whole.bus != nil else {
      throw SessionError(
        "arm '\(whole.name)' has no servos on a bus: it exists in simulation only; choose another --arm, or leave --port out"
      )
    }
    // A joint that nobody commands would hang or fall under the others' motion.
    let idle = whole.jointNames.filter { !plan.task.joints.contains($0) }
    guard idle.isEmpty else {
      throw SessionError(
        "task '\(plan.task.name)' leaves joint \(idle.joined(separator: ", ")) of arm '\(whole.name)' without a command; "
          + "name all joints in the task, the action may leave some out")
    }
    guard let selected = whole.selecting(plan.task.joints) else {
      throw SessionError(
        "arm '\(whole.name)' has not all joints of task '\(plan.task.name)'; choose another --arm or task")
    }
    profile = selected
    calibrationPath = ArmCalibration.path(of: settings.calibration)
    calibrationText = try ConfigurationNode.text(path: calibrationPath)
    var loaded = try ArmCalibration.load(path: calibrationPath, for: whole)
    loaded.joints = plan.task.joints.compactMap { name in loaded.joints.first { $0.joint == name } }
    calibration = loaded
    var configuration = ServoArmConfiguration(
      profile: selected, calibration: loaded, controlPeriod: parts.controlPeriod)
    configuration.exitPolicy = settings.exit == .hold ? .hold : .release
    configuration.crashPolicy = settings.onCrash == .hold ? .hold : .release
    self.configuration = configuration
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
    func list(_ value: (ServoReport) -> String) -> String { report.servos.map(value).joined(separator: ",") }
    return LoggedArm(
      metadata: [
        "profile": profile.name, "calibration": calibration.name, "calibration_file": calibrationPath,
        "calibration_sha256": ContentHash.sha256(calibrationText), "port": settings.port,
        "protocol": profile.bus?.wire ?? "", "baud": "\(report.baud)", "servo_ids": list { "\($0.id)" },
        "servo_models": list(\.model), "servo_firmware": list(\.firmware),
        "latency_us": "\(Double(report.latency) / 1000)", "cycle_bytes": "\(report.cycleBytes)",
        "achievable_rate_hz": "\(report.achievableRate)", "exit": settings.exit.rawValue,
        "on_unplug": settings.onUnplug.rawValue, "on_crash": settings.onCrash.rawValue,
      ].merging(settings.isUnsupervised ? ["unsupervised": "true"] : [:]) { own, _ in own },
      attachments: [
        LogAttachment(name: "calibration.yaml", mediaType: "application/yaml", data: Array(calibrationText.utf8))
      ])
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
