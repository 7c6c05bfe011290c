import Control
import Simulation

/// A prepared run of a policy on a simulated arm: everything was loaded, checked and allocated; `runBlocking` runs it once.
///
/// Preparing throws on whatever is wrong with the request, before anything is written but the log's first bytes.
public final class SimulatedSession: PreparedSession {
  public let summary: SessionSummary
  private let execution: SessionExecution<SimulatedRun>
  private let blackBox: BlackBoxKeeper?

  /// Loads and checks everything the plan names.
  public init(_ plan: SessionPlan) throws {
    guard plan.hardware == nil else { throw SessionError("the plan names a port; prepare a hardware session for it") }
    var parts = try SessionParts(plan)
    var worker: PolicyWorker?
    let run = try parts.makeRun(worker: &worker)
    execution = SessionExecution(run: run, of: parts, worker: worker)
    blackBox = parts.blackBox
    summary = SessionSummary(parts, policyHasThread: worker != nil)
  }

  public func takeNotes() -> [String] { blackBox?.takeNotes() ?? [] }

  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    var report = try execution.runBlocking(show)
    report.jointLabels = summary.jointLabels
    return report
  }
}

/// What is known of a session before it runs, for the terminal.
public struct SessionSummary: Sendable {
  public let plan: SessionPlan
  /// Control and policy rate, Hz.
  public let controlRate: Double
  public let policyRate: Double
  /// One line each.
  public let policyDescription: String
  public var armDescription: String
  /// The joints in the task's order; of a physical arm with their servos: "elbow_flex (servo 3)".
  public var jointLabels: [String]
  public var perturbationDescription: String { plan.perturbations.isNominal ? "" : plan.perturbations.description }
  /// What the user should know and need not act on.
  public var notes: [String]
  /// Whether the policy has a thread of its own.
  public let policyHasThread: Bool

  init(_ parts: SessionParts, policyHasThread: Bool) {
    plan = parts.plan
    controlRate = parts.controlRate
    policyRate = parts.policyRate
    policyDescription = parts.policyDescription
    armDescription = parts.armDescription
    jointLabels = plan.task.joints
    notes = parts.notes
    self.policyHasThread = policyHasThread
  }
}

/// A run that is ready: on a simulated arm or on a physical one.
public protocol PreparedSession: AnyObject {
  /// What is known of it before it runs.
  var summary: SessionSummary { get }
  /// Runs to the end on a thread of its own; `show` is called on this thread some twenty times a second, and once at the
  /// end. Stop signals end the run in good order, also those that came since the session was prepared.
  func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport
  /// What there is to tell since the last call, one line each; to be called by `show`.
  func takeNotes() -> [String]
}
