import CSystem
import Glibc

/// A thread of our own for the control loop: no task, no executor, no pool.
///
/// The body runs once on a new pthread. Set-up and joining allocate; what the body does in between is its own affair.
public final class ControlThread {
  /// Why a thread could not be started: an errno value.
  public struct StartError: Error, CustomStringConvertible {
    public let errorNumber: Int32
    public init(errorNumber: Int32) { self.errorNumber = errorNumber }
    public var description: String { "the control thread could not be started (errno \(errorNumber))" }
  }

  private var thread = pthread_t()
  private var isJoined = false

  /// Starts `body` on a new thread with a stack of `stackBytes`.
  public init(stackBytes: Int = 1 << 20, body: @escaping @Sendable () -> Void) throws(StartError) {
    let context = Unmanaged.passRetained(ThreadBody(body))
    let status = sinew_thread_start(runThreadBody, context.toOpaque(), stackBytes, &thread)
    if status != 0 {
      context.release()
      throw StartError(errorNumber: status)
    }
  }

  /// Waits until the body has returned. Call once.
  public func join() {
    guard !isJoined else { return }
    isJoined = true
    pthread_join(thread, nil)
  }

  deinit { join() }
}

/// Carries the closure across the C boundary.
private final class ThreadBody {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runThreadBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body()
  return nil
}
