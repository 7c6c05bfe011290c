import ArmModel
import CSystem
import RealTime
import Synchronization

/// Reads the pad on a thread of its own and keeps the newest input at hand for the control thread.
///
/// Before a pad has appeared `latest` says that nobody is there. The thread renews the input's stamp every 10 ms at most;
/// an older stamp means that the thread hangs, see `OperatorInput.current`.
// Unchecked: the pointers lead to what the reader's thread and the control thread share, which is made for that.
public final class GamepadReader: @unchecked Sendable {
  /// How long the thread waits at most, ns.
  static let turn: Int64 = 10_000_000

  private let shared: SharedInput
  // Beside the object that owns them: the control thread may follow a pointer, but not count references.
  private let buffer: UnsafeMutablePointer<TripleBuffer<OperatorInput>>
  private let rumble: UnsafeMutablePointer<Atomic<UInt8>>
  private let thread: Mutex<ControlThread>

  /// Starts reading. `priority` asks for SCHED_FIFO (below the control thread's); without the right to it the thread runs
  /// as an ordinary one, and `hasPriority` says so.
  public init(options: GamepadOptions, priority: Int? = nil) throws(ControlThread.StartError) {
    let shared = SharedInput()
    self.shared = shared
    buffer = shared.buffer
    rumble = shared.rumble
    let thread = try ControlThread { Self.run(shared, options, priority) }
    self.thread = Mutex(thread)
  }

  deinit { stop() }

  /// Ends the thread and closes the device. The input says from then on that nobody is there.
  public func stop() {
    shared.isStopped.store(true, ordering: .releasing)
    thread.withLock { $0.join() }
  }

  /// The newest input. For one thread only, the control thread; real-time safe.
  @_noLocks
  public func latest() -> OperatorInput { buffer.pointee.latest() }

  /// Where the newest input is found; for one thread only, instead of `latest`. It must not outlive the reader.
  public var inputs: UnsafeMutablePointer<TripleBuffer<OperatorInput>> { buffer }

  /// Lets the pad rumble. Real-time safe.
  @_noLocks
  public func play(_ pattern: RumblePattern) { rumble.pointee.store(pattern.number, ordering: .releasing) }

  /// What has happened since the last call. Not for the control thread.
  public func takeNotes() -> [GamepadNote] {
    shared.notes.withLock { notes in
      defer { notes.removeAll() }
      return notes
    }
  }

  /// Whether the thread got the priority asked for; true when none was.
  public var hasPriority: Bool { shared.hasPriority.load(ordering: .acquiring) }

  private static func run(_ shared: SharedInput, _ options: GamepadOptions, _ priority: Int?) {
    _ = sinew_thread_set_name("sinew-gamepad")
    if let priority, sinew_thread_set_fifo(Int32(clamping: priority)) != 0 {
      shared.hasPriority.store(false, ordering: .releasing)
    }
    var monitor = GamepadMonitor(options: options)
    while !shared.isStopped.load(ordering: .acquiring) {
      if let pattern = RumblePattern(rawValue: shared.rumble.pointee.exchange(0, ordering: .acquiringAndReleasing)) {
        monitor.play(pattern)
      }
      monitor.poll(until: sinew_now_ns() + turn)
      shared.buffer.pointee.publish(monitor.input)
      let notes = monitor.takeNotes()
      // More than anybody reads are no use; the newest count.
      if !notes.isEmpty { shared.notes.withLock { $0 = Array(($0 + notes).suffix(100)) } }
    }
    shared.buffer.pointee.publish(OperatorInput())
  }
}

/// What the reader's thread and the others share.
// Unchecked: the buffer has one writer and one reader, the rest is atomic or locked.
private final class SharedInput: @unchecked Sendable {
  let buffer: UnsafeMutablePointer<TripleBuffer<OperatorInput>>
  let rumble: UnsafeMutablePointer<Atomic<UInt8>>
  let isStopped = Atomic<Bool>(false)
  let hasPriority = Atomic<Bool>(true)
  let notes = Mutex<[GamepadNote]>([])

  init() {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: TripleBuffer(initial: OperatorInput()))
    rumble = .allocate(capacity: 1)
    rumble.initialize(to: Atomic(0))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
    rumble.deinitialize(count: 1)
    rumble.deallocate()
  }
}
