import Control
import Simulation

/// A prepared run of a simulated arm in a person's hands: everything was loaded, checked and allocated; `runBlocking` runs
/// it once.
///
/// Preparing throws on whatever is wrong with the request, before anything is written but the log's first bytes.
public final class OperatedSession: PreparedSession {
  public let summary: SessionSummary
  private let execution: SessionExecution<OperatedRun>
  /// What the feed's pointer leads to.
  private let device: AnyObject?

  /// Loads and checks everything the plan names. The person is heard through `feed`; `device`, which owns what the feed
  /// points to, is kept until the session is gone.
  public init(_ plan: SessionPlan, feed: OperatorFeed, keeping device: AnyObject?) throws {
    guard let operation = plan.operation else { throw SessionError("the plan names no operator") }
    guard plan.hardware == nil else { throw SessionError("the plan names a port, and this session simulates") }
    var plan = plan
    plan.task.timeLimitSteps = operation.timeLimit.map { max(1, Int(($0 / plan.task.stepDuration).rounded())) }
    var parts = try SessionParts(plan)
    let teleoperator = try parts.makeTeleoperator()
    var worker: PolicyWorker?
    let run = try parts.makeOperatedRun(feed: feed, teleoperator: teleoperator, worker: &worker)
    execution = SessionExecution(run: run, plan: plan, recorder: parts.recorder, worker: worker)
    summary = SessionSummary(parts, policyHasThread: worker != nil)
    self.device = device
  }

  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    try withExtendedLifetime(device) { try execution.runBlocking(show) }
  }
}

extension SessionParts {
  /// As `makeRun`, with a person.
  mutating func makeOperatedRun(
    feed: OperatorFeed, teleoperator: consuming Teleoperator, worker: inout PolicyWorker?
  ) throws -> OperatedRun {
    let arm = try setup.makeArm()
    var loop = try makeLoop(twin: try setup.makeTwin(of: arm), armingTicks: 0, worker: &worker)
    loop.attach(feed, teleoperator: teleoperator)
    return OperatedRun(loop: loop, arm: arm, bounds: bounds, hasPolicy: policy != nil)
  }
}
