import CSystem
import Glibc

/// Who comes to a listening socket while a host is there. A bus has one master: the second is told so at once, by the end of
/// its connection, instead of waiting in silence. Where the first has gone already, and its last bytes are still to be
/// heard, the second is the next.
struct SecondHost {
  private var waiting: Int32?
  private var nextLook: Int64 = 0

  /// How often the socket is looked at, ns.
  private static let interval: Int64 = 10_000_000
  /// POLLRDHUP, which Glibc's import leaves out: the other end sends nothing more.
  private static let peerIsGone: Int32 = 0x2000

  /// Looks whether somebody has come while the host behind `present` is connected.
  mutating func look(at listener: Listener, beside present: Int32) {
    let now = sinew_now_ns()
    guard waiting == nil, now >= nextLook else { return }
    nextLook = now + Self.interval
    guard waitReadable(listener.descriptor, nanoseconds: 0), let other = listener.accept() else { return }
    // After the other has come: a host that is there now was there with it.
    if Self.hasHungUp(present) { waiting = other } else { close(other) }
  }

  /// The host that is next, if one waits.
  mutating func take() -> Int32? {
    defer { waiting = nil }
    return waiting
  }

  private static func hasHungUp(_ descriptor: Int32) -> Bool {
    var poller = pollfd(fd: descriptor, events: Int16(peerIsGone), revents: 0)
    return poll(&poller, 1, 0) > 0 && Int32(poller.revents) & (peerIsGone | POLLHUP | POLLERR) != 0
  }
}
