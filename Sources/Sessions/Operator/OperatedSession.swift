import Control
import Simulation

/// A prepared run of a simulated arm in a person's hands: everything was loaded, checked and allocated; `runBlocking` runs
/// it once.
///
/// Preparing throws on whatever is wrong with the request, before anything is written but the log's first bytes.
public final class OperatedSession: PreparedSession {
  public let summary: SessionSummary
  private let execution: SessionExecution<OperatedRun>
  private let blackBox: BlackBoxKeeper?
  /// What the feeds' pointers lead to.
  private let device: AnyObject?
  private let leader: LeaderReader?

  /// Loads and checks everything the plan names. The person is heard through `feed`; `device`, which owns what the feed
  /// points to, is kept until the session is gone.
  public init(_ plan: SessionPlan, feed: OperatorFeed, keeping device: AnyObject?) throws {
    guard plan.hardware == nil else { throw SessionError("the plan names a port, and this session simulates") }
    let plan = try plan.withPersonsLimits()
    var parts = try SessionParts(plan)
    let teleoperator = try parts.makeTeleoperator()
    var worker: PolicyWorker?
    let leader = try parts.makeLeader()
    let run = try parts.makeOperatedRun(
      feed: feed, leader: leader?.feed ?? .nobody, teleoperator: teleoperator, worker: &worker)
    execution = SessionExecution(run: run, of: parts, worker: worker)
    blackBox = parts.blackBox
    var summary = SessionSummary(parts, policyHasThread: worker != nil)
    summary.notes += leader?.notes ?? []
    self.summary = summary
    self.device = device
    self.leader = leader
  }

  public func takeNotes() -> [String] { blackBox?.takeNotes() ?? [] }

  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    defer { leader?.stop() }
    var report = try withExtendedLifetime((device, leader)) { try execution.runBlocking(show) }
    report.jointLabels = summary.jointLabels
    return report
  }
}

extension SessionParts {
  /// As `makeRun`, with a person.
  mutating func makeOperatedRun(
    feed: OperatorFeed, leader: LeaderFeed = .nobody, teleoperator: consuming Teleoperator,
    worker: inout PolicyWorker?
  ) throws -> OperatedRun {
    let arm = try setup.makeArm()
    var loop = try makeLoop(twin: try setup.makeTwin(of: arm), armingTicks: 0, worker: &worker)
    loop.attach(feed, teleoperator: teleoperator)
    loop.attach(leader)
    return OperatedRun(loop: loop, arm: arm, bounds: bounds, hasPolicy: policy != nil)
  }
}
