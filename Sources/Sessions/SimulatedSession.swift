import ArmModel
import CSystem
import Control
import Glibc
import RealTime
import Recording
import Safety
import Simulation
import Synchronization

/// A prepared run of a policy on a simulated arm: everything was loaded, checked and allocated; `runBlocking` runs it once.
///
/// Preparing throws on whatever is wrong with the request, before anything is written but the log's first bytes.
public final class SimulatedSession {
  public let plan: SessionPlan
  /// Control and policy rate, Hz.
  public let controlRate: Double
  public let policyRate: Double
  /// One line each for the terminal.
  public let policyDescription: String
  public let armDescription: String
  public var perturbationDescription: String { plan.perturbations.isNominal ? "" : plan.perturbations.description }
  /// What the user should know and need not act on.
  public let notes: [String]

  private let work: SessionWork
  private let recorder: Recorder?
  /// Keeps the policy's thread alive, if it has one.
  private let worker: PolicyWorker?
  /// Whether the policy has a thread of its own.
  public var policyHasThread: Bool { worker != nil }
  private var hasRun = false

  /// Loads and checks everything the plan names.
  public init(_ plan: SessionPlan) throws {
    var parts = try SessionParts(plan)
    var worker: PolicyWorker?
    let run = try parts.makeRun(worker: &worker)
    self.plan = plan
    controlRate = parts.controlRate
    policyRate = parts.policyRate
    policyDescription = parts.policyDescription
    armDescription = parts.armDescription
    notes = parts.notes
    recorder = parts.recorder
    work = SessionWork(run: run, plan: plan)
    self.worker = worker
  }

  /// Runs to the end on a thread of its own; `show` is called on this thread some twenty times a second, and once at the
  /// end.
  /// Stop signals end the run in good order, also those that came since the session was prepared.
  public func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    guard !hasRun else { throw SessionError("a session runs once; prepare another one") }
    hasRun = true
    let start = sinew_now_ns()
    let work = work
    let thread = try ControlThread(stackBytes: plan.realTime.stackBytes) { work.execute() }
    while !work.isDone.load(ordering: .acquiring) {
      _ = sinew_sleep_until_ns(sinew_now_ns() + 50_000_000)
      show(work.status.latest())
    }
    thread.join()
    show(work.status.latest())
    var report = work.report
    report.wallSeconds = Double(sinew_now_ns() - start) * 1e-9
    report.signal = sinew_last_stop_signal()
    report.recording = recorder?.finish()
    if let refusal = work.refusal {
      removeLog()
      throw refusal
    }
    return report
  }

  /// A run that was refused has nothing to tell; its log is the file that this session made.
  private func removeLog() {
    guard let path = plan.log else { return }
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG { unlink(path) }
  }
}

/// What crosses from the session's thread to the control thread and back; the control thread alone touches the run until
/// `isDone`.
final class SessionWork: @unchecked Sendable {
  private var run: SimulatedRun
  private let plan: SessionPlan
  let status = TripleBuffer(initial: LoopStatus())
  let isDone = Atomic<Bool>(false)
  private(set) var report = RunReport()
  private(set) var refusal: SessionError?

  init(run: consuming SimulatedRun, plan: SessionPlan) {
    self.run = run
    self.plan = plan
  }

  /// The control thread's body: rights, warm-up, run, report.
  func execute() {
    defer { isDone.store(true, ordering: .releasing) }
    if plan.clock == .monotonic {
      let grant = RealTimeGrant.apply(plan.realTime, name: "sinew-control")
      report.grant = grant
      if !grant.isStrict && !plan.allowsNonRealTime {
        let reasons = grant.refusals.filter(\.isEssential).map(\.description).joined(separator: "; ")
        refusal = SessionError(
          "real time was refused: \(reasons); or start with --allow-non-realtime, which the log will record")
        return
      }
    }
    sinew_rt_initialize()
    run.warmUp()
    var minorBefore: Int64 = 0
    var majorBefore: Int64 = 0
    sinew_page_faults(&minorBefore, &majorBefore)
    let allocationsBefore = AllocationCounter.count()
    report.ending = run.run(status, rights: RunRights(report.grant))
    let allocationsAfter = AllocationCounter.count()
    var minorAfter: Int64 = 0
    var majorAfter: Int64 = 0
    sinew_page_faults(&minorAfter, &majorAfter)
    report.minorFaults = minorAfter - minorBefore
    report.majorFaults = majorAfter - majorBefore
    if let before = allocationsBefore, let after = allocationsAfter { report.allocationCount = after - before }
    run.complete(&report)
  }
}

/// The allocation counter that the tests preload (`sinew_malloc_count`); absent in ordinary runs.
enum AllocationCounter {
  private typealias Counter = @convention(c) () -> UInt64

  /// Allocation calls of the calling thread so far; nil when nobody counts.
  static func count() -> UInt64? {
    guard let symbol = dlsym(nil, "sinew_malloc_count") else { return nil }
    // The symbol's type is fixed by the counter's header, which tests preload or link.
    return unsafeBitCast(symbol, to: Counter.self)()
  }
}
