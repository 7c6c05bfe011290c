import CSystem
import Glibc
import Synchronization

/// The server thread's side: one connection after the other, bytes in and out at their times.
struct ServingSession {
  private let endpoint: ServoBusServer.Endpoint
  private let core: ServoBusServer.Core
  private let start = sinew_now_ns()
  private var descriptor: Int32
  private var isConnected: Bool
  /// The line hung up: nobody can come to it any more, and the servos are alone.
  private var isUnplugged = false
  private var second = SecondHost()
  private var outgoing: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 4096)

  /// The physics moves at least this often, and a stop is heard within it, ns.
  private static let longestWait: Int64 = 10_000_000
  /// After a pause of the whole process (a laptop's lid) the physics does not make up for more than this, ns.
  private static let longestArrears: Int64 = 500_000_000
  /// What a host gets to read the last answer before the line hangs up, ns.
  private static let readingTime: Int64 = 100_000_000
  /// A host that does not read loses what is beyond, as an adaptor's buffer overflows.
  private static let largestBacklog = 65_536

  init(_ endpoint: ServoBusServer.Endpoint, _ core: ServoBusServer.Core) {
    self.endpoint = endpoint
    self.core = core
    switch endpoint {
    case .terminal(let terminal):
      descriptor = terminal.descriptor
      isConnected = false
    case .listener:
      descriptor = -1
      isConnected = false
    case .connection(let connection):
      descriptor = connection
      isConnected = true
    }
  }

  /// Bus time.
  private var now: Int64 { sinew_now_ns() - start }

  /// Waits for the next byte or event, and deals with it.
  mutating func turn() {
    guard isConnected else {
      waitForHost()
      return
    }
    if case .listener(let listener) = endpoint { second.look(at: listener, beside: descriptor) }
    let next = core.bus.withLock { $0.nextDelivery }
    let wait = min(next.map { $0 - now } ?? Self.longestWait, outgoing.isEmpty ? Self.longestWait : 200_000)
    if wait > 0, waitReadable(descriptor, nanoseconds: wait) { receive() }
    // An answer that is due at once goes out before the next wait; a host that keeps writing is heard all the same.
    if wait <= 0, waitReadable(descriptor, nanoseconds: 0) { receive() }
    guard isConnected else { return }
    let time = now
    let (bytes, hungUp) = core.bus.withLock { bus in
      bus.dropArrears(at: time, beyond: Self.longestArrears)
      return (bus.read(at: time), bus.isDisconnected)
    }
    outgoing += bytes
    flush()
    if hungUp, outgoing.isEmpty {
      isUnplugged = true
      // A pseudo-terminal forgets what its host has not read when it is closed; a cable does not.
      _ = sinew_sleep_until_ns(sinew_now_ns() + Self.readingTime)
      disconnect()
      closeEndpoint()
    }
  }

  private mutating func receive() {
    let count = read(descriptor, &buffer, buffer.count)
    let time = now
    if count > 0 {
      let bytes = Array(buffer[..<count])
      let baud = hostBaud
      core.bus.withLock { bus in
        if let baud, bus.configuration.timing.checksBaud { bus.hostBaud = baud }
        bus.dropArrears(at: time, beyond: Self.longestArrears)
        bus.send(bytes, at: time)
      }
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      disconnect()
    }
  }

  private var hostBaud: Int? {
    if case .terminal(let terminal) = endpoint { return terminal.baud }
    return nil
  }

  private mutating func flush() {
    guard !outgoing.isEmpty else { return }
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

  private mutating func waitForHost() {
    switch endpoint {
    case .terminal where !isUnplugged:
      // Without a host a pseudo-terminal is hung up, which poll reports at once: look, then sleep.
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&poller, 1, 0)
      if Int32(poller.revents) & POLLHUP == 0 {
        connect(descriptor)
        return
      }
      _ = sinew_sleep_until_ns(sinew_now_ns() + 2_000_000)
    case .listener(let listener) where !isUnplugged:
      if let next = second.take() {
        connect(next)
        return
      }
      if waitReadable(listener.descriptor, nanoseconds: Self.longestWait), let connection = listener.accept() {
        connect(connection)
        return
      }
    default: _ = sinew_sleep_until_ns(sinew_now_ns() + Self.longestWait)
    }
    let time = now
    core.bus.withLock { bus in
      bus.dropArrears(at: time, beyond: Self.longestArrears)
      bus.advance(to: time)
    }
  }

  private mutating func connect(_ descriptor: Int32) {
    self.descriptor = descriptor
    isConnected = true
    let time = now
    core.bus.withLock { $0.setHostPresent(true, at: time) }
  }

  /// The host is gone, or is left.
  private mutating func disconnect() {
    guard isConnected else { return }
    isConnected = false
    outgoing.removeAll()
    let time = now
    core.bus.withLock { $0.setHostPresent(false, at: time) }
    if case .terminal = endpoint { return }
    close(descriptor)
  }

  /// Leaves the line for good.
  mutating func end() {
    disconnect()
    if !isUnplugged { closeEndpoint() }
  }

  /// What hosts opened goes away: for them the cable is pulled.
  private mutating func closeEndpoint() {
    if let next = second.take() { close(next) }
    switch endpoint {
    case .terminal(let terminal): terminal.shutDown()
    case .listener(let listener): listener.shutDown()
    case .connection: break
    }
  }
}
