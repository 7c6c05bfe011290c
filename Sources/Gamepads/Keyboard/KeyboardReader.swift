import ArmModel
import CSystem
import Glibc
import RealTime
import Synchronization

/// Why a terminal's keys cannot be read.
public struct KeyboardError: Error, CustomStringConvertible, Sendable {
  public let description: String
  init(_ reason: Int32) {
    description =
      "the keys of this terminal cannot be read (\(String(cString: strerror(reason)))); run it in a terminal, without a "
      + "pipe on standard input"
  }
}

/// Reads a terminal's keys on a thread of its own and keeps the newest input at hand for the control thread.
///
/// While it lives the terminal gives every key at once and echoes none; `stop` gives the terminal back as it was. A
/// terminal that goes away leaves nobody behind: the input says so.
public final class KeyboardReader: Sendable {
  private let terminal: Int32
  private let before: termios
  private let shared: SharedKeys
  private let thread: Mutex<ControlThread>

  /// Begins to read a terminal. Fails where `descriptor` is none.
  public init(terminal descriptor: Int32) throws(KeyboardError) {
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0 else { throw KeyboardError(errno) }
    let original = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    // Every key at once, none waited for; no stopping in the background, which would leave the terminal as it is now, and
    // the arm under torque. Where Ctrl-Z is a stop signal it stops nothing but the arm.
    withUnsafeMutableBytes(of: &settings.c_cc) { keys in
      if !sinew_suspension_is_heard() { keys[Int(VSUSP)] = 0 }
      keys[Int(VMIN)] = 0
      keys[Int(VTIME)] = 0
    }
    guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else { throw KeyboardError(errno) }
    let keys = SharedKeys()
    do throws(ControlThread.StartError) {
      thread = Mutex(try ControlThread { Self.run(keys, descriptor) })
    } catch {
      var settings = original
      tcsetattr(descriptor, TCSANOW, &settings)
      throw KeyboardError(error.errorNumber)
    }
    terminal = descriptor
    before = original
    shared = keys
  }

  deinit { stop() }

  /// Ends the thread, and gives the terminal back as it was.
  public func stop() {
    shared.isStopped.store(true, ordering: .releasing)
    thread.withLock { $0.join() }
    var settings = before
    tcsetattr(terminal, TCSANOW, &settings)
  }

  /// Where the newest input is found; for one thread only. It must not outlive the reader.
  public var inputs: UnsafeMutablePointer<TripleBuffer<OperatorInput>> { shared.buffer }

  private static func run(_ keys: SharedKeys, _ terminal: Int32) {
    _ = sinew_thread_set_name("sinew-keyboard")
    var interpreter = KeyboardInterpreter(now: sinew_now_ns())
    var bytes = [UInt8](repeating: 0, count: 64)
    while !keys.isStopped.load(ordering: .acquiring) {
      var entry = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
      let found = poll(&entry, 1, 10)
      let now = sinew_now_ns()
      if found > 0 {
        let count = entry.revents & Int16(POLLIN) != 0 ? read(terminal, &bytes, bytes.count) : 0
        // The terminal has gone: nobody is there any more.
        guard count > 0 else { break }
        for byte in bytes[..<count] { interpreter.take(byte, now: now) }
      }
      interpreter.tick(now: now)
      keys.buffer.pointee.publish(interpreter.input)
    }
    keys.buffer.pointee.publish(OperatorInput())
  }
}

/// What the reader's thread and the control thread share.
// Unchecked: the buffer has one writer and one reader, the rest is atomic.
private final class SharedKeys: @unchecked Sendable {
  let buffer: UnsafeMutablePointer<TripleBuffer<OperatorInput>>
  let isStopped = Atomic<Bool>(false)

  init() {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: TripleBuffer(initial: OperatorInput()))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
  }
}
