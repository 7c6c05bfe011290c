import CSystem
import Glibc

/// Opens whatever a user names as the way to a servo bus.
public enum BusPort {
  /// Opens a serial device (or a link to one), a pseudo-terminal, or the path of a Unix socket. A pseudo-terminal is
  /// told the speed for the program at its other end; a socket has none. What is worth telling about a serial adaptor's latency is returned in `notes`.
  public static func open(path: String, baud: Int, notes: inout [String]) throws(PortError) -> Transport {
    let device = try SerialPort.resolve(path)
    var information = stat()
    guard stat(device, &information) == 0 else { throw PortDiagnosis.inaccessible(path, device, errno) }
    switch information.st_mode & S_IFMT {
    case S_IFSOCK: return try connect(path, device)
    case S_IFDIR: throw PortDiagnosis.notAPort(path, "this is a folder")
    case S_IFREG: throw PortDiagnosis.notAPort(path, "this is a file")
    case S_IFIFO: throw PortDiagnosis.notAPort(path, "this is a pipe")
    // Majors 136 to 143 are the pseudo-terminals.
    case S_IFCHR where (136...143).contains((information.st_rdev >> 8) & 0xFFF):
      return try openTerminal(path, device, baud)
    default: break
    }
    let port = try SerialPort.open(path: path, baud: baud)
    if let remedy = port.latency.remedy, let now = port.latency.now {
      notes.append("the adaptor keeps bytes back for up to \(now) ms; lower that with: \(remedy)")
    }
    return port.takeTransport()
  }

  private static func openTerminal(_ path: String, _ device: String, _ baud: Int) throws(PortError) -> Transport {
    let descriptor = Glibc.open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw PortDiagnosis.unopened(path, device, errno) }
    let claimed = sinew_terminal_claim(descriptor)
    guard claimed == 0 else {
      close(descriptor)
      throw PortDiagnosis.unopened(path, device, claimed)
    }
    // Bytes pass at once whatever the speed; virtual servos look at it to know whether they are spoken to.
    _ = sinew_terminal_set_speed(descriptor, UInt32(clamping: baud))
    return try transport(path, descriptor)
  }

  /// How long a socket whose program takes nobody else is waited for, ns.
  private static var patience: Int64 { 1_000_000_000 }

  private static func connect(_ path: String, _ device: String) throws(PortError) -> Transport {
    // A connection that nobody takes would be waited for without an end.
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw PortDiagnosis.failed(path, systemMessage(errno)) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(device.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
      guard name.count < target.count else { return false }
      target.copyBytes(from: name)
      return true
    }
    guard fits else {
      close(descriptor)
      throw PortDiagnosis.failed(path, "the socket's path is too long")
    }
    let reason = connect(descriptor, address)
    guard reason == 0 else {
      close(descriptor)
      // So many wait for the program behind it already.
      guard reason != EAGAIN else {
        throw PortError(
          .busy, path: path, "nobody takes a connection at this socket within \(patience / 1_000_000_000) s",
          suggestion: "another program may be connected: end that one, then try again")
      }
      throw PortError(
        .notFound, path: path, "nobody answers at this socket: \(systemMessage(reason))",
        suggestion: "start the servo bus behind it first")
    }
    return try transport(path, descriptor)
  }

  /// Connects a socket that does not block; 0 or an errno value, EAGAIN where there was no room in time.
  private static func connect(_ descriptor: Int32, _ address: sockaddr_un) -> Int32 {
    let end = sinew_now_ns() + patience
    while true {
      let status = withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      guard status != 0 else { return 0 }
      let reason = errno
      guard reason == EAGAIN, sinew_now_ns() < end, sinew_stop_requests() == 0 else { return reason }
      _ = sinew_sleep_until_ns(sinew_now_ns() + 20_000_000)
    }
  }

  private static func transport(_ path: String, _ descriptor: Int32) throws(PortError) -> Transport {
    do throws(TransportError) {
      return try Transport(descriptor: descriptor, name: path)
    } catch {
      close(descriptor)
      throw PortDiagnosis.failed(path, "\(error)")
    }
  }
}
