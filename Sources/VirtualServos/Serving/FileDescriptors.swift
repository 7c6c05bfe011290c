import Glibc

/// A pseudo-terminal whose other end hosts open as a serial port.
struct PseudoTerminal {
  let descriptor: Int32
  /// The path that hosts open.
  let path: String
  /// A symbolic link to it, removed at the end.
  let link: String?
  private let claim: PlaceClaim?

  private static let unlockRequest: UInt = 0x4004_5431
  private static let numberRequest: UInt = 0x8004_5430
  private static let termios2Request: UInt = 0x802C_542A

  /// Opens one in raw mode; `link` becomes a symbolic link to it. A link that is there and leads nowhere any more is
  /// replaced; one that leads to something, and anything else of that name, is left alone.
  init(link: String?) throws(VirtualServoError) {
    let claim = try link.map { link throws(VirtualServoError) in try Self.claim(link) }
    do throws(VirtualServoError) {
      (descriptor, path) = try Self.open()
    } catch {
      claim?.release()
      throw error
    }
    self.link = link
    self.claim = claim
    guard let link else { return }
    if PlaceState.ofLink(link) == .stale { unlink(link) }
    guard symlink(path, link) == 0 else {
      let failure = systemFailure("the link '\(link)' cannot be made")
      close(descriptor)
      claim?.release()
      throw failure
    }
  }

  /// Claims the place for a link, or says what is there.
  static func claim(_ link: String) throws(VirtualServoError) -> PlaceClaim {
    guard let claim = try PlaceClaim(link) else {
      let place = PlaceState.target(of: link).map { " (\($0))" } ?? ""
      throw VirtualServoError(
        "'\(link)' is the port of another emulation that runs\(place); end that one, or choose another name")
    }
    if case .taken(let what) = PlaceState.ofLink(link) {
      claim.release()
      throw VirtualServoError("'\(link)' \(what); choose another name")
    }
    return claim
  }

  private static func open() throws(VirtualServoError) -> (descriptor: Int32, path: String) {
    let descriptor = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw systemFailure("a pseudo-terminal cannot be opened") }
    var lock: Int32 = 0
    var number: UInt32 = 0
    guard ioctl(descriptor, unlockRequest, &lock) == 0, ioctl(descriptor, numberRequest, &number) == 0 else {
      let failure = systemFailure("a pseudo-terminal cannot be set up")
      close(descriptor)
      throw failure
    }
    let path = "/dev/pts/\(number)"
    // Raw before the first host comes: else the line discipline would echo and translate.
    let other = Glibc.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard other >= 0 else {
      let failure = systemFailure("\(path) cannot be opened")
      close(descriptor)
      throw failure
    }
    var settings = termios()
    tcgetattr(other, &settings)
    cfmakeraw(&settings)
    tcsetattr(other, TCSANOW, &settings)
    close(other)
    return (descriptor, path)
  }

  /// The rate that the host set, bit/s; nil when it cannot be told.
  var baud: Int? {
    // struct termios2: four words of flags, line discipline, 19 control characters, input and output speed.
    var bytes = [UInt8](repeating: 0, count: 44)
    guard ioctl(descriptor, Self.termios2Request, &bytes) == 0 else { return nil }
    let speed = bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int($1) }
    return speed > 0 ? speed : nil
  }

  /// Removes the link, if it still is ours, and hangs up. Call once.
  func shutDown() {
    if let link, PlaceState.target(of: link) == path { unlink(link) }
    close(descriptor)
    claim?.release()
  }
}

/// A socket that waits for hosts.
struct Listener {
  let descriptor: Int32
  /// As a host names it: `unix:PATH` or `tcp:127.0.0.1:PORT`.
  let name: String
  private let file: SocketFile?

  /// The file of a socket, and whose name it is.
  private struct SocketFile: Sendable {
    let path: String
    let device: UInt
    let number: UInt
    let claim: PlaceClaim
  }

  /// Listens at `unix:PATH` or, on this machine only, at `tcp:PORT` (0: any free port).
  init(_ address: String) throws(VirtualServoError) {
    if address.hasPrefix("unix:") {
      let path = String(address.dropFirst(5))
      (descriptor, file) = try Self.listenUnix(path)
      name = address
    } else if address.hasPrefix("tcp:"), let port = UInt16(address.dropFirst(4)) {
      let (socket, bound) = try Self.listenTCP(port)
      descriptor = socket
      name = "tcp:127.0.0.1:\(bound)"
      file = nil
    } else {
      throw VirtualServoError("'\(address)' is no address; write unix:PATH or tcp:PORT")
    }
    setNonBlocking(descriptor)
  }

  private static func address(_ path: String) throws(VirtualServoError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { storage in
      guard !bytes.isEmpty, bytes.count < storage.count else { return false }
      storage.copyBytes(from: bytes)
      return true
    }
    guard fits else { throw VirtualServoError("'\(path)' is no socket path: 1 … 107 bytes") }
    return address
  }

  /// Claims the place for a socket's file, or says what is there.
  static func claim(_ path: String) throws(VirtualServoError) -> PlaceClaim {
    let address = try address(path)
    guard let claim = try PlaceClaim(path) else {
      throw VirtualServoError(
        "unix:\(path) is the port of another emulation that runs; end that one, or choose another name")
    }
    if case .taken(let what) = PlaceState.ofSocket(path, address) {
      claim.release()
      throw VirtualServoError("'\(path)' \(what); choose another name")
    }
    return claim
  }

  private static func listenUnix(_ path: String) throws(VirtualServoError) -> (Int32, SocketFile) {
    let claim = try claim(path)
    do throws(VirtualServoError) {
      let address = try address(path)
      if PlaceState.ofSocket(path, address) == .stale { unlink(path) }
      let descriptor = try bound(path, address)
      var status = stat()
      lstat(path, &status)
      return (descriptor, SocketFile(path: path, device: status.st_dev, number: status.st_ino, claim: claim))
    } catch {
      claim.release()
      throw error
    }
  }

  private static func bound(_ path: String, _ address: sockaddr_un) throws(VirtualServoError) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw systemFailure("a socket cannot be made") }
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0, listen(descriptor, 1) == 0 else {
      let failure = systemFailure("cannot listen at unix:\(path)")
      close(descriptor)
      throw failure
    }
    return descriptor
  }

  private static func listenTCP(_ port: UInt16) throws(VirtualServoError) -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw systemFailure("a socket cannot be made") }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, size) == 0 && listen(descriptor, 1) == 0 && getsockname(descriptor, raw, &size) == 0
      }
    }
    guard result else {
      let failure = systemFailure("cannot listen at tcp:\(port)")
      close(descriptor)
      throw failure
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  /// The next host's connection; nil when none waits.
  func accept() -> Int32? {
    let connection = Glibc.accept(descriptor, nil, nil)
    guard connection >= 0 else { return nil }
    setNonBlocking(connection)
    var on: Int32 = 1
    setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    return connection
  }

  /// Stops listening and removes the socket's file, if it still is ours. Call once.
  func shutDown() {
    close(descriptor)
    guard let file else { return }
    var status = stat()
    if lstat(file.path, &status) == 0, status.st_dev == file.device, status.st_ino == file.number { unlink(file.path) }
    file.claim.release()
  }
}

func setNonBlocking(_ descriptor: Int32) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}

/// What the system said, after what could not be done.
func systemFailure(_ what: String) -> VirtualServoError {
  VirtualServoError("\(what): \(String(cString: strerror(errno)))")
}

/// Waits until `descriptor` can be read or `nanoseconds` have passed. Precise to the system's timers, where `poll` knows
/// milliseconds only.
func waitReadable(_ descriptor: Int32, nanoseconds: Int64) -> Bool {
  guard descriptor >= 0, descriptor < 1024 else { return false }
  var set = fd_set()
  withUnsafeMutableBytes(of: &set) { $0[Int(descriptor) / 8] |= 1 << UInt8(descriptor % 8) }
  let time = max(nanoseconds, 0)
  var timeout = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
  return pselect(descriptor + 1, &set, nil, nil, &timeout, nil) > 0
}
