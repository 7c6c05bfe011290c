import CSystem
import Control
import Glibc
import RealTime
import Recording
import Synchronization

/// Runs a prepared run once, on a thread of its own.
final class SessionExecution<Run: SessionRun & ~Copyable> {
  let plan: SessionPlan
  private let work: SessionWork<Run>
  private let recorder: Recorder?
  /// Keeps the policy's thread alive, if it has one.
  private let worker: PolicyWorker?
  private let blackBox: BlackBoxKeeper?
  private var hasRun = false

  /// `parts` are those that the run was made of.
  init(run: consuming Run, of parts: borrowing SessionParts, worker: PolicyWorker?) {
    plan = parts.plan
    work = SessionWork(run: run, plan: parts.plan)
    recorder = parts.recorder
    blackBox = parts.blackBox
    self.worker = worker
  }

  /// Whether the policy has a thread of its own.
  var policyHasThread: Bool { worker != nil }

  /// Runs to the end; `show` is called on the calling thread some twenty times a second, and once at the end.
  func runBlocking(_ show: (LoopStatus) -> Void) throws -> RunReport {
    guard !hasRun else { throw SessionError("a session runs once; prepare another one") }
    hasRun = true
    let start = sinew_now_ns()
    let work = work
    let thread = try ControlThread(stackBytes: plan.realTime.stackBytes) { work.execute() }
    while !work.isDone.load(ordering: .acquiring) {
      _ = sinew_sleep_until_ns(sinew_now_ns() + 50_000_000)
      blackBox?.attend()
      show(work.status.latest())
    }
    thread.join()
    blackBox?.end()
    show(work.status.latest())
    var report = work.report
    report.wallSeconds = Double(sinew_now_ns() - start) * 1e-9
    report.signal = sinew_last_stop_signal()
    report.recording = recorder?.finish()
    report.blackBoxes = blackBox?.saved ?? []
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

/// What crosses from the session's thread to the control thread and back. Unchecked: the control thread alone touches the
/// run until `isDone`.
final class SessionWork<Run: SessionRun & ~Copyable>: @unchecked Sendable {
  private var run: Run
  private let plan: SessionPlan
  let status = TripleBuffer(initial: LoopStatus())
  let isDone = Atomic<Bool>(false)
  private(set) var report = RunReport()
  private(set) var refusal: SessionError?

  init(run: consuming Run, plan: SessionPlan) {
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
    let rights = RunRights(report.grant, isStrict: !plan.allowsNonRealTime)
    run.prepare(rights)
    var minorBefore: Int64 = 0
    var majorBefore: Int64 = 0
    sinew_page_faults(&minorBefore, &majorBefore)
    // Looked up once: the name of the symbol may be a string on the heap, which would be counted.
    let counter = AllocationCounter.find()
    let allocationsBefore = counter?()
    run.run(status, rights: rights)
    let allocationsAfter = counter?()
    var minorAfter: Int64 = 0
    var majorAfter: Int64 = 0
    sinew_page_faults(&minorAfter, &majorAfter)
    report.minorFaults = minorAfter - minorBefore
    report.majorFaults = majorAfter - majorBefore
    if let before = allocationsBefore, let after = allocationsAfter { report.allocationCount = after - before }
    report.ending = run.leave()
    run.complete(&report)
  }
}

/// The allocation counter that the tests preload (`sinew_malloc_count`); absent in ordinary runs.
enum AllocationCounter {
  typealias Counter = @convention(c) () -> UInt64

  /// What gives the allocation calls of the calling thread so far; nil when nobody counts.
  static func find() -> Counter? {
    guard let symbol = dlsym(nil, "sinew_malloc_count") else { return nil }
    // The symbol's type is fixed by the counter's header, which tests preload or link.
    return unsafeBitCast(symbol, to: Counter.self)
  }
}
