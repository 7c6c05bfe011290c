import Control
import Foundation
import RealTime
import Recording
import Safety
import Sessions

/// What a run prints before and after.
enum RunSummary {
  /// The lines before the first tick.
  static func printStart(_ session: SessionSummary) {
    let plan = session.plan
    printError("task \(plan.task.name), policy \(session.policyDescription), arm \(session.armDescription)")
    printError(
      "control \(Format.number(session.controlRate)) Hz, policy \(Format.number(session.policyRate)) Hz, "
        + (plan.clock == .monotonic ? "real time" : "simulated time") + ", seed \(plan.seed)"
        + (session.policyHasThread ? ", policy on its own thread" : "")
        + (session.perturbationDescription.isEmpty ? "" : ", perturbed: \(session.perturbationDescription)"))
    for note in session.notes { printError("note: \(note)") }
    if let path = plan.log { printError("recording to \(path)") }
    if let hardware = plan.hardware {
      printError(
        "Ctrl-C stops the arm and ends the run: \(Self.exitText(hardware.exit)); a second one leaves out the way there")
    } else if plan.clock == .monotonic {
      printError("Ctrl-C stops the arm and ends the run")
    }
  }

  /// The tables after the last tick.
  static func print(_ report: RunReport, plan: SessionPlan) {
    if let grant = report.grant {
      Swift.print(grantText(grant))
    }
    if let loop = report.loop {
      // Simulated time stands still within a tick: there is nothing to measure.
      if plan.clock == .monotonic { Swift.print(loopTable(loop)) }
      Swift.print(
        "ticks \(loop.tickCount), overruns (late by more than half a period) \(loop.overrunCount), skipped \(loop.missedCount), "
          + "reads failed \(loop.readFailureCount), altered by the safety core \(loop.alteredTickCount)")
    }
    if let count = report.allocationCount { Swift.print("allocations on the control thread: \(count)") }
    let figures = report.statistics
    if figures.count > 0 {
      let error = figures.count > 1 ? " ± \(Format.fixed(figures.standardError, 3)) (standard error)" : ""
      let success =
        plan.task.definesSuccess ? ", success rate \(Format.fixed(figures.successRate * 100, 1)) %" : ""
      Swift.print("episodes \(figures.count), mean return \(Format.fixed(figures.meanReturn, 3))\(error)\(success)")
    } else {
      Swift.print("no episode was completed")
    }
    if let recording = report.recording, let path = plan.log {
      Swift.print(recordingText(recording, path: path))
    }
    if let operation = report.operation { print(operation) }
    if let hardware = report.hardware { print(hardware, joints: report.jointLabels) }
    switch report.ending {
    case .completed: Swift.print("completed after \(duration(report, plan))")
    case .stopped:
      // Of an arm that was not under torque, or that does not answer, nobody can say so.
      let wasAtRest = report.hardware.map { $0.end == .released || $0.end == .held } ?? true
      let cause = report.signal == 0 ? "ended at the operator's word" : "stopped by \(signalName(report.signal))"
      Swift.print(
        "\(cause) after \(duration(report, plan))"
          + (wasAtRest ? "; the arm was brought to rest first" : ""))
    case .interrupted:
      Swift.print(
        "ended after \(duration(report, plan)): "
          + (report.takeoverFailure != nil
            ? "the arm could not be taken over"
            : report.refusal == .none ? "episodes were cut short in a row" : "torque was refused"))
    case .fault:
      let cause =
        report.signal == 0 ? "ended by a fault" : "stopped by \(signalName(report.signal)) with a fault latched,"
      Swift.print("\(cause) after \(duration(report, plan))")
    }
  }

  /// What a person did.
  private static func print(_ operation: OperationReport) {
    let path = operation.path
    if path.measured.count > 0 {
      func figures(_ error: PathError) -> String {
        "\(Format.fixed(error.rms * 1000, 2)) mm rms, \(Format.fixed(error.most * 1000, 2)) mm at most"
      }
      var text =
        "tool path of \(Format.fixed(path.length, 3)) m asked for; beside it: commanded \(figures(path.commanded)); "
        + "measured, with the servos' give, \(figures(path.measured))"
      if path.cuts > 0 { text += "; \(path.cuts) times the arm could not follow" }
      Swift.print(text)
    }
    if operation.discarded > 0 { Swift.print("episodes discarded: \(operation.discarded)") }
    if operation.interventions > 0 { Swift.print("interventions: \(operation.interventions)") }
  }

  private static func exitText(_ exit: ArmExit) -> String {
    switch exit {
    case .park: "it goes to its park pose, then torque goes off"
    case .release: "torque goes off where it stands"
    case .hold: "torque stays on"
    }
  }

  /// Throws when the arm did not confirm how it was left.
  static func failIfUnconfirmed(_ report: RunReport, inReplay: Bool = false) throws {
    let fault = report.ending == .fault ? "; " + faultText(report, inReplay: inReplay) : ""
    switch report.hardware?.end {
    case .unconfirmed(let reason):
      throw RunFailure("torque may still be on: \(reason)\(fault)")
    case .heldInPart(let torque):
      throw RunFailure(
        "the arm was to be held: \(TorqueText.describe(torque, report.jointLabels)); support it and cut its power\(fault)"
      )
    case .untouched, .foundOn, .released, .held, nil: return
    }
  }

  private static func duration(_ report: RunReport, _ plan: SessionPlan) -> String {
    let text = Format.fixed(report.loopSeconds, 2) + " s"
    guard plan.clock == .virtual else { return text }
    return "\(text) of simulated time (\(Format.fixed(report.wallSeconds, 2)) s by the clock)"
  }

  /// A stop signal as a person knows it.
  static func signalName(_ signal: Int32) -> String {
    switch signal {
    case SIGINT: "Ctrl-C (SIGINT)"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "a closed terminal (SIGHUP)"
    case SIGQUIT: "Ctrl-\\ (SIGQUIT)"
    case SIGTSTP: "Ctrl-Z (SIGTSTP)"
    default: "signal \(signal)"
    }
  }

  /// The loop table: period, execution by section, ages.
  static func loopTable(_ loop: LoopReport) -> String {
    var table = TextTable(header: [
      "loop at \(Format.number(1e9 / Double(loop.period))) Hz", "p50", "p99", "p99.9", "max",
    ])
    let rows: [(String, LatencySummary)] = [
      ("period", loop.interval), ("lateness", loop.lateness), ("execution", loop.execution), ("  read", loop.reading),
      ("  propose", loop.proposing), ("  decide", loop.deciding), ("  write", loop.writing), ("data age", loop.age),
    ]
    for (name, summary) in rows {
      table.add([
        name, Format.duration(summary.p50), Format.duration(summary.p99), Format.duration(summary.p999),
        Format.duration(summary.maximum),
      ])
    }
    return table.text
  }

  private static func grantText(_ grant: RealTimeGrant) -> String {
    var parts = [grant.priority > 0 ? "SCHED_FIFO priority \(grant.priority)" : "ordinary scheduling"]
    parts.append(grant.memoryIsLocked ? "memory locked" : "memory not locked")
    if let processor = grant.processor { parts.append("processor \(processor)") }
    var text = "control thread: " + parts.joined(separator: ", ")
    for refusal in grant.refusals { text += "\nwarning: \(refusal)" }
    return text
  }

  /// Throws when a fault ended the run.
  static func failIfFaulted(_ report: RunReport, inReplay: Bool = false) throws {
    if report.ending == .interrupted {
      if let failure = report.takeoverFailure {
        throw RunFailure("the arm was not taken over: \(ConditionText.text(failure, report.jointLabels))")
      }
      if report.refusal != .none { throw RunFailure("torque was not switched on: \(report.refusal.text)") }
      let causes = ConditionText.advice(
        report.causes, report.causeJoints, report.jointLabels, inReplay: inReplay)
      throw RunFailure("three episodes in a row were cut short: \(causes)")
    }
    guard report.ending == .fault else { return }
    throw RunFailure(faultText(report, inReplay: inReplay))
  }

  /// One line: which fault, why, what next.
  static func faultText(_ report: RunReport, inReplay: Bool) -> String {
    var text =
      "fault latched: "
      + ConditionText.advice(report.latched, report.latchedJoints, report.jointLabels, inReplay: inReplay)
    if let error = report.armError { text += "; the arm says: \(ConditionText.text(error, report.jointLabels))" }
    return text
  }

  /// Throws when the log lost something.
  static func failIfLossy(_ report: RunReport) throws {
    guard let recording = report.recording else { return }
    if let error = recording.error, recording.unwrittenBytes > 0 {
      throw RunFailure("the log \(recording.path) is incomplete: \(error); 'sinew log recover' keeps what is in it")
    }
    if recording.isLossy {
      printError("warning: the log \(recording.path) is lossy: \(recording.dropped) records were dropped")
      throw ExitStatus.loss
    }
  }

  private static func recordingText(_ recording: RecordingSummary, path: String) -> String {
    let transitions = recording.messageCounts["/transition"] ?? 0
    let each = transitions > 0 ? Double(recording.bytes) / Double(transitions) : 0
    return "log \(path): \(transitions) transitions, \(Format.bytes(Int(recording.bytes)))"
      + (transitions > 0 ? " (\(Format.fixed(each, 0)) B each)" : "")
      + (recording.unwrittenBytes > 0
        ? ", INCOMPLETE: the disk did not take all of it"
        : recording.isLossy ? ", LOSSY: \(recording.dropped) records dropped" : ", nothing dropped")
  }
}

/// A run's figures as one JSON object.
struct RunOutput: Encodable {
  struct Latency: Encodable {
    let p50_ns: Int64
    let p99_ns: Int64
    let p999_ns: Int64
    let max_ns: Int64
    init(_ summary: LatencySummary) {
      p50_ns = summary.p50
      p99_ns = summary.p99
      p999_ns = summary.p999
      max_ns = summary.maximum
    }
  }

  /// What the servo bus counted.
  struct Bus: Encodable {
    let requests: UInt64
    let answers: UInt64
    let timeouts: UInt64
    let damaged: UInt64
    let unexpected: UInt64
    let retries: UInt64
    let refusals: UInt64
    let reopened: Int
    init(_ hardware: HardwareReport) {
      requests = hardware.bus.requests
      answers = hardware.bus.answers
      timeouts = hardware.bus.timeouts
      damaged = hardware.bus.damaged
      unexpected = hardware.bus.unexpected
      retries = hardware.bus.retries
      refusals = hardware.bus.refusals
      reopened = hardware.reopenCount
    }
  }

  let ending: String
  let task: String
  let policy: String
  let seed: UInt64
  let seconds: Double
  let ticks: Int
  let overruns: Int
  let skipped_ticks: Int
  let read_failures: Int
  let altered_ticks: Int
  let lateness: Latency?
  let execution: Latency?
  let period: Latency?
  let episodes: Int
  /// Not a number, which is null, when no episode came to its end.
  let mean_return: Double
  /// Nil for fewer than two episodes.
  let standard_error: Double?
  /// Nil when the task does not say what a success is.
  let success_rate: Double?
  let log: String?
  let transitions: UInt64
  let log_bytes: UInt64
  let dropped_records: Int
  /// False when records were dropped or the disk did not take all; nil without a log.
  let log_is_complete: Bool?
  /// The files with the last seconds before each fault.
  let black_boxes: [String]
  let real_time: Bool
  /// How a physical arm was left: untouched, found_on (as it was found, under torque), released, held, held_in_part or
  /// unconfirmed; nil in simulation.
  let arm_end: String?
  let bus: Bus?
  let latched_conditions: [String]

  init(plan: SessionPlan, report: RunReport) {
    ending = report.ending.rawValue
    task = plan.task.name
    policy = plan.policy
    seed = plan.seed
    seconds = report.loopSeconds
    ticks = report.loop?.tickCount ?? 0
    overruns = report.loop?.overrunCount ?? 0
    skipped_ticks = report.loop?.missedCount ?? 0
    read_failures = report.loop?.readFailureCount ?? 0
    altered_ticks = report.loop?.alteredTickCount ?? 0
    lateness = report.loop.map { Latency($0.lateness) }
    execution = report.loop.map { Latency($0.execution) }
    period = report.loop.map { Latency($0.interval) }
    episodes = report.statistics.count
    mean_return = episodes > 0 ? report.statistics.meanReturn : .nan
    standard_error = report.statistics.count > 1 ? report.statistics.standardError : nil
    success_rate = plan.task.definesSuccess ? (episodes > 0 ? report.statistics.successRate : .nan) : nil
    log = plan.log
    transitions = report.recording?.messageCounts["/transition"] ?? 0
    log_bytes = report.recording?.bytes ?? 0
    dropped_records = report.recording?.dropped ?? 0
    log_is_complete = report.recording.map { !$0.isLossy }
    black_boxes = report.blackBoxes
    real_time = report.grant?.isStrict ?? false
    arm_end = report.hardware.map { hardware in
      switch hardware.end {
      case .untouched: "untouched"
      case .foundOn: "found_on"
      case .released: "released"
      case .held: "held"
      case .heldInPart: "held_in_part"
      case .unconfirmed: "unconfirmed"
      }
    }
    bus = report.hardware.map { Bus($0) }
    latched_conditions = report.latched.conditions.map(\.name)
  }
}
