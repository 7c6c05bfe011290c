import CSystem
import Glibc
import RealTime
import Synchronization

/// A virtual board at the end of a file descriptor, on a thread of its own and in real time. Hosts come and go; the board
/// lives on in between, and notices their silence.
public final class BoardServer: Sendable {
  /// What hosts open: a device path, `unix:PATH`, `tcp:127.0.0.1:PORT`, or "socketpair".
  public let portName: String
  private let core: Core
  private let thread: Mutex<ControlThread>

  final class Core: Sendable {
    let board: Mutex<VirtualBoard>
    let stopRequested = Atomic<Bool>(false)
    let priorityRefusal = Atomic<Int32>(0)

    init(_ board: sending VirtualBoard) { self.board = Mutex(board) }
  }

  /// Serves a board at a pseudo-terminal; `link` becomes a symbolic link to it. `priority`: SCHED_FIFO priority of the
  /// board's thread, 1 … 99, as far as the system grants it; nil for an ordinary thread.
  public static func pseudoTerminal(
    _ board: sending VirtualBoard, link: String? = nil, priority: Int? = nil
  ) throws(VirtualServoError) -> BoardServer {
    let terminal = try PseudoTerminal(link: link)
    return try BoardServer(board, .terminal(terminal), name: link ?? terminal.path, priority: priority)
  }

  /// Serves a board at a socket: `unix:PATH`, or `tcp:PORT` on this machine only.
  public static func listening(
    _ board: sending VirtualBoard, at address: String, priority: Int? = nil
  ) throws(VirtualServoError) -> BoardServer {
    let listener = try Listener(address)
    return try BoardServer(board, .listener(listener), name: listener.name, priority: priority)
  }

  /// Serves a board at one end of a socket pair; the other end is the host's, who closes it.
  public static func socketPair(
    _ board: sending VirtualBoard
  ) throws(VirtualServoError) -> (server: BoardServer, host: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      throw systemFailure("a socket pair cannot be made")
    }
    setNonBlocking(ends[0])
    return (try BoardServer(board, .connection(ends[0]), name: "socketpair", priority: nil), ends[1])
  }

  private init(
    _ board: sending VirtualBoard, _ endpoint: ServoBusServer.Endpoint, name: String, priority: Int?
  ) throws(VirtualServoError) {
    let core = Core(board)
    self.core = core
    portName = name
    do throws(ControlThread.StartError) {
      let thread = try ControlThread {
        _ = sinew_thread_set_name("virtual-board")
        if let priority {
          core.priorityRefusal.store(sinew_thread_set_fifo(Int32(clamping: priority)), ordering: .releasing)
        }
        var session = BoardServingSession(endpoint, core)
        while !core.stopRequested.load(ordering: .acquiring) { session.turn() }
        session.end()
      }
      self.thread = Mutex(thread)
    } catch {
      throw VirtualServoError("the thread of the virtual board could not be started (errno \(error.errorNumber))")
    }
  }

  /// Why the board's thread did not get the priority asked for, an errno value; 0: it did, or has not asked yet.
  public var priorityRefusal: Int32 { core.priorityRefusal.load(ordering: .acquiring) }

  /// What the board does now.
  public var state: VirtualBoardState { core.board.withLock { $0.state } }

  /// Does something to the board between two bytes: press its button, cut its supply, start it again.
  public func withBoard<Result: Sendable>(_ body: @Sendable (VirtualBoard) -> Result) -> Result {
    core.board.withLock { body($0) }
  }

  /// Hangs up, ends the thread and removes link and socket file. Call once; the board's last state stays readable.
  public func stop() {
    core.stopRequested.store(true, ordering: .releasing)
    thread.withLock { $0.join() }
  }
}

/// The server thread's side: one connection after the other, bytes in and out at their times.
private struct BoardServingSession {
  private let endpoint: ServoBusServer.Endpoint
  private let core: BoardServer.Core
  private let start = sinew_now_ns()
  private var descriptor: Int32
  private var isConnected: Bool
  private var second = SecondHost()
  private var outgoing: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 4096)

  /// A host that does not read loses what is beyond, as an adaptor's buffer overflows.
  private static let largestBacklog = 65_536

  init(_ endpoint: ServoBusServer.Endpoint, _ core: BoardServer.Core) {
    self.endpoint = endpoint
    self.core = core
    if case .connection(let connection) = endpoint {
      descriptor = connection
      isConnected = true
      core.board.withLock { $0.setHostPresent(true) }
    } else {
      descriptor = -1
      isConnected = false
    }
  }

  private var now: Int64 { sinew_now_ns() - start }

  mutating func turn() {
    if !isConnected {
      lookForHost()
    } else if case .listener(let listener) = endpoint {
      second.look(at: listener, beside: descriptor)
    }
    let wait = core.board.withLock { $0.nextEvent } - now
    if isConnected {
      if waitReadable(descriptor, nanoseconds: min(max(wait, 0), 1_000_000)) { receive() }
    } else {
      _ = sinew_sleep_until_ns(sinew_now_ns() + 1_000_000)
    }
    let time = now
    outgoing += core.board.withLock { $0.advance(to: time) }
    flush()
  }

  private mutating func lookForHost() {
    switch endpoint {
    case .terminal(let terminal):
      // Without a host a pseudo-terminal is hung up.
      var poller = pollfd(fd: terminal.descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&poller, 1, 0)
      if Int32(poller.revents) & POLLHUP == 0 { connect(terminal.descriptor) }
    case .listener(let listener):
      if let next = second.take() {
        connect(next)
      } else if waitReadable(listener.descriptor, nanoseconds: 0), let connection = listener.accept() {
        connect(connection)
      }
    case .connection: break
    }
  }

  private mutating func connect(_ descriptor: Int32) {
    self.descriptor = descriptor
    isConnected = true
    outgoing.removeAll()
    core.board.withLock { $0.setHostPresent(true) }
  }

  private mutating func disconnect() {
    guard isConnected else { return }
    isConnected = false
    outgoing.removeAll()
    core.board.withLock { $0.setHostPresent(false) }
    if case .terminal = endpoint { return }
    close(descriptor)
  }

  private mutating func receive() {
    let count = read(descriptor, &buffer, buffer.count)
    if count > 0 {
      let time = now
      let bytes = buffer[..<count]
      core.board.withLock { $0.receive(bytes, at: time) }
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      disconnect()
    }
  }

  private mutating func flush() {
    guard !outgoing.isEmpty else { return }
    guard isConnected else {
      outgoing.removeAll()
      return
    }
    let count: Int
    if case .terminal = endpoint {
      count = write(descriptor, outgoing, outgoing.count)
    } else {
      count = Glibc.send(descriptor, outgoing, outgoing.count, Int32(MSG_NOSIGNAL))
    }
    if count >= 0 {
      outgoing.removeFirst(count)
    } else if errno != EAGAIN && errno != EINTR {
      disconnect()
    }
    if outgoing.count > Self.largestBacklog { outgoing.removeFirst(outgoing.count - Self.largestBacklog) }
  }

  mutating func end() {
    disconnect()
    if let next = second.take() { close(next) }
    switch endpoint {
    case .terminal(let terminal): terminal.shutDown()
    case .listener(let listener): listener.shutDown()
    case .connection: break
    }
  }
}
