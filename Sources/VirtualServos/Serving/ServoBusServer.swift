import CSystem
import Glibc
import RealTime
import Synchronization

/// A virtual bus at the end of a file descriptor, on a thread of its own and in real time.
///
/// Hosts come and go: a pseudo-terminal and a listening socket wait for the next one, a socket pair ends with its host.
/// The servos live on in between. Bus time 0 is the server's start.
public final class ServoBusServer: Sendable {
  /// What hosts open: a device path, `unix:PATH`, `tcp:127.0.0.1:PORT`, or "socketpair".
  public let portName: String

  private let core: Core
  private let thread: Mutex<ControlThread>

  /// What the server's owner and its thread share.
  final class Core: Sendable {
    let bus: Mutex<VirtualServoBus>
    let stopRequested = Atomic<Bool>(false)
    /// Why the thread did not get its priority, an errno value; 0 while there is no such reason.
    let priorityRefusal = Atomic<Int32>(0)

    init(_ bus: sending VirtualServoBus) { self.bus = Mutex(bus) }
  }

  /// How hosts come to the bus.
  enum Endpoint: Sendable {
    case terminal(PseudoTerminal)
    case listener(Listener)
    case connection(Int32)
  }

  /// Serves a bus at a pseudo-terminal; `link` becomes a symbolic link to it. `priority`: SCHED_FIFO priority of the
  /// servos' thread, 1 … 99, as far as the system grants it (see `priorityRefusal`); nil for an ordinary thread.
  public static func pseudoTerminal(
    _ bus: sending VirtualServoBus, link: String? = nil, priority: Int? = nil
  ) throws(VirtualServoError) -> ServoBusServer {
    let terminal = try PseudoTerminal(link: link)
    return try ServoBusServer(bus, .terminal(terminal), name: link ?? terminal.path, priority: priority)
  }

  /// Serves a bus at a socket: `unix:PATH`, or `tcp:PORT` on this machine only. `priority` as for a pseudo-terminal.
  public static func listening(
    _ bus: sending VirtualServoBus, at address: String, priority: Int? = nil
  ) throws(VirtualServoError) -> ServoBusServer {
    let listener = try Listener(address)
    return try ServoBusServer(bus, .listener(listener), name: listener.name, priority: priority)
  }

  /// Serves a bus at one end of a socket pair; the other end is the host's, who closes it. `priority` as for a
  /// pseudo-terminal.
  public static func socketPair(
    _ bus: sending VirtualServoBus, priority: Int? = nil
  ) throws(VirtualServoError) -> (server: ServoBusServer, host: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      throw systemFailure("a socket pair cannot be made")
    }
    setNonBlocking(ends[0])
    let server = try ServoBusServer(bus, .connection(ends[0]), name: "socketpair", priority: priority)
    return (server, ends[1])
  }

  private init(
    _ bus: sending VirtualServoBus, _ endpoint: Endpoint, name: String, priority: Int? = nil
  ) throws(VirtualServoError) {
    if case .connection = endpoint {} else { bus.setHostPresent(false, at: 0) }
    let core = Core(bus)
    self.core = core
    portName = name
    do throws(ControlThread.StartError) {
      let thread = try ControlThread {
        _ = sinew_thread_set_name("virtual-servos")
        if let priority {
          core.priorityRefusal.store(sinew_thread_set_fifo(Int32(clamping: priority)), ordering: .releasing)
        }
        var session = ServingSession(endpoint, core)
        while !core.stopRequested.load(ordering: .acquiring) { session.turn() }
        session.end()
      }
      self.thread = Mutex(thread)
    } catch {
      throw VirtualServoError("the thread of the virtual servos could not be started (errno \(error.errorNumber))")
    }
  }

  /// Why the servos' thread did not get the priority asked for, an errno value; 0: it did, or has not asked yet.
  public var priorityRefusal: Int32 { core.priorityRefusal.load(ordering: .acquiring) }

  /// What the servos do now.
  public var state: BusState { core.bus.withLock { $0.state } }

  /// What was recorded so far.
  public var recording: [BusEvent] { core.bus.withLock { $0.recording } }

  /// Does something to the bus between two bytes: cut a servo's power, read a register.
  public func withBus<Result: Sendable>(_ body: @Sendable (VirtualServoBus) -> Result) -> Result {
    core.bus.withLock { body($0) }
  }

  /// Hangs up, ends the thread and removes link and socket file. Call once; the bus's last state stays readable.
  public func stop() {
    core.stopRequested.store(true, ordering: .releasing)
    thread.withLock { $0.join() }
  }
}
