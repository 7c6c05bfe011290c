import CSystem
import Synchronization

/// A thread that watches another one, which owns an arm, and ends the process when that one no longer comes round: it puts
/// the stop frame that was prepared for a crash onto the arm's port itself (`sinew_crash_stop_abort`), and the process dies
/// of SIGABRT in the thread that stood still.
///
/// It runs before that thread where the system grants it, at a higher real-time priority, and on other processors where the
/// thread is bound to one: a loop without end would else keep it from running, too. Nothing is watched before the first
/// heartbeat, and nothing while the thread rests.
public final class LoopWatchdog {
  /// The watched thread's end: a trivial pointer, so that it counts no references. It must not outlive the watchdog.
  public struct Pulse: @unchecked Sendable, BitwiseCopyable {
    // Unchecked: what it points to is atomic.
    fileprivate let time: UnsafeMutablePointer<Atomic<Int64>>

    /// The thread has come round, at `now` (CLOCK_MONOTONIC, ns).
    @_noLocks
    public func beat(_ now: Int64) { time.pointee.store(now, ordering: .releasing) }

    /// The thread does something that may last, and commands nothing meanwhile; until its next heartbeat.
    @_noLocks
    public func rest() { time.pointee.store(0, ordering: .releasing) }
  }

  /// How long before the limit the process is given up, ns: a crash's stop frame begins with a pause, so that servos forget
  /// the part of a frame that they may just have got.
  public static let lead: Int64 = 3_500_000

  /// Where the watched thread leaves its heartbeat.
  public var pulse: Pulse { Pulse(time: shared.time) }
  private let shared: Shared
  private let thread: ControlThread

  /// Watches the calling thread, whose stop frame is to be on the wire `limit` ns after its last heartbeat.
  ///
  /// - Parameters:
  ///   - priority: the calling thread's SCHED_FIFO priority; 0 for an ordinary thread.
  ///   - processor: the one that the calling thread is bound to, if it is.
  ///   - words: said on standard error in the end.
  /// - Throws: when no thread can be started.
  public init(limit: Int64, priority: Int, processor: Int?, words: String) throws(ControlThread.StartError) {
    let shared = Shared(words)
    self.shared = shared
    let detector = StallDetector(limit: max(limit - LoopWatchdog.lead, 1_000_000))
    let watched = sinew_thread_id()
    thread = try ControlThread(stackBytes: 128 << 10) {
      shared.priority.store(Self.rise(above: priority, avoiding: processor), ordering: .releasing)
      Self.watch(detector, shared.time, shared.isOver, thread: watched, words: shared.words)
    }
    // Until it stands beside the thread that it watches, that one has nobody.
    while shared.priority.load(ordering: .acquiring) < 0 { _ = sinew_sleep_until_ns(sinew_now_ns() + 100_000) }
  }

  deinit { end() }

  /// The SCHED_FIFO priority that the watchdog has; 0 for an ordinary thread.
  public var priority: Int { shared.priority.load(ordering: .acquiring) }

  /// Watches no longer; the pulse is still there.
  public func end() {
    shared.isOver.pointee.store(true, ordering: .releasing)
    thread.join()
  }

  /// Takes the rights that the watchdog needs, as far as they are granted; the priority that it got.
  private static func rise(above priority: Int, avoiding processor: Int?) -> Int {
    _ = sinew_thread_set_name("sinew-watchdog")
    // What started it may have been bound to a processor, and so would it be.
    _ = sinew_thread_avoid_processor(Int32(clamping: processor ?? -1))
    _ = sinew_prefault_stack(64 << 10)
    guard priority > 0 else { return 0 }
    for more in [5, 1, 0] where priority + more <= 99 {
      if sinew_thread_set_fifo(Int32(clamping: priority + more)) == 0 { return priority + more }
    }
    return 0
  }

  /// Looks until it is over. A thread that hangs may hold any lock: nothing here takes one.
  @_noLocks
  private static func watch(
    _ first: StallDetector, _ time: UnsafeMutablePointer<Atomic<Int64>>, _ isOver: UnsafeMutablePointer<Atomic<Bool>>,
    thread: Int32, words: UnsafeMutableBufferPointer<CChar>
  ) {
    var detector = first
    while !isOver.pointee.load(ordering: .acquiring) {
      let now = sinew_now_ns()
      let finding = detector.look(at: now, beat: time.pointee.load(ordering: .acquiring))
      if finding.isStalled, let text = words.baseAddress { sinew_crash_stop_abort(thread, text, words.count) }
      _ = sinew_sleep_until_ns(finding.nextLook)
    }
  }

  /// What both threads know, at addresses that stay. Unchecked: it is atomic, or never changes.
  private final class Shared: @unchecked Sendable {
    let time = UnsafeMutablePointer<Atomic<Int64>>.allocate(capacity: 1)
    let isOver = UnsafeMutablePointer<Atomic<Bool>>.allocate(capacity: 1)
    let words: UnsafeMutableBufferPointer<CChar>
    /// -1 until it is settled.
    let priority = Atomic<Int>(-1)

    init(_ text: String) {
      time.initialize(to: Atomic(0))
      isOver.initialize(to: Atomic(false))
      words = .allocate(capacity: text.utf8.count)
      _ = words.initialize(from: text.utf8.lazy.map { CChar(bitPattern: $0) })
    }

    deinit {
      time.deinitialize(count: 1)
      time.deallocate()
      isOver.deinitialize(count: 1)
      isOver.deallocate()
      words.deallocate()
    }
  }
}
