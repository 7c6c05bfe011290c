import Glibc
import Synchronization

/// Synchronises a sink on a thread of its own: on a busy disk `fdatasync` takes hundreds of milliseconds, and chunks
/// must go on being written meanwhile.
///
/// Before the first `request()` the thread sleeps. Requests that come while one is under way are served by one more.
final class SinkSynchronizer {
  private let sink: any LogSink
  private let wakeUp: UnsafeMutablePointer<sem_t>
  private let isStopping = Atomic<Bool>(false)
  /// First errno value of a failure, or 0.
  private let failure = Atomic<Int>(0)
  private var thread: pthread_t?

  /// Nil when the system gives no thread.
  init?(_ sink: any LogSink) {
    self.sink = sink
    wakeUp = .allocate(capacity: 1)
    wakeUp.initialize(to: sem_t())
    guard sem_init(wakeUp, 0, 0) == 0 else { return nil }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(self)
    guard pthread_create(&thread, nil, synchronizerThread, argument.toOpaque()) == 0 else {
      argument.release()
      return nil
    }
    self.thread = thread
  }

  deinit {
    sem_destroy(wakeUp)
    wakeUp.deallocate()
  }

  /// Asks for what was written so far to be synchronised; returns at once.
  func request() { sem_post(wakeUp) }

  /// The first failure so far.
  var firstFailure: SinkFailure? {
    let code = failure.load(ordering: .acquiring)
    return code == 0 ? nil : SinkFailure(code: Int32(truncatingIfNeeded: code))
  }

  /// Ends the thread, after the synchronisation under way.
  func stop() {
    guard let thread else { return }
    isStopping.store(true, ordering: .releasing)
    sem_post(wakeUp)
    pthread_join(thread, nil)
    self.thread = nil
  }

  fileprivate func run() {
    while true {
      while sem_wait(wakeUp) != 0 {}
      while sem_trywait(wakeUp) == 0 {}
      // Whoever stops the thread synchronises once more when it has ended.
      if isStopping.load(ordering: .acquiring) { return }
      do throws(SinkFailure) { try sink.synchronize() } catch {
        _ = failure.compareExchange(expected: 0, desired: Int(error.code), ordering: .acquiringAndReleasing)
      }
    }
  }
}

private func synchronizerThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<SinkSynchronizer>.fromOpaque(argument).takeRetainedValue().run()
  return nil
}
