import Glibc

/// The right of one running server to one name in the file system: to its link, to its socket. It ends with the process,
/// whatever ends that, so that what a killed server left behind can be told from what a running one needs.
///
/// It is kept as an abstract Unix socket, of which the system gives a name away once and which leaves no file. The name is
/// made of the folder itself and the last part of the path: however a folder is written, the place is the same.
struct PlaceClaim: Sendable {
  private let descriptor: Int32

  /// Claims the place at `path`; nil while another server holds it.
  /// - Throws: when the folder is not there, or the system gives no socket.
  init?(_ path: String) throws(VirtualServoError) {
    let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    let folder = String(path.dropLast(name.count))
    var status = stat()
    guard stat(folder.isEmpty ? "." : folder, &status) == 0 else {
      throw systemFailure("'\(path)' cannot be made in its folder")
    }
    // A socket's name has room for 107 bytes, a file's for 255.
    let digest = name.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let bytes = Array("sinew-port/\(status.st_dev)/\(status.st_ino)/\(digest)".utf8)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // A first byte of 0 makes the name an abstract one.
    withUnsafeMutableBytes(of: &address.sun_path) {
      UnsafeMutableRawBufferPointer(rebasing: $0[1...]).copyBytes(from: bytes)
    }
    let length = MemoryLayout<sa_family_t>.size + 1 + bytes.count
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw systemFailure("a socket cannot be made") }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(length)) }
    }
    guard result == 0 else {
      let reason = errno
      close(descriptor)
      guard reason == EADDRINUSE else {
        errno = reason
        throw systemFailure("'\(path)' cannot be claimed")
      }
      return nil
    }
    self.descriptor = descriptor
  }

  /// Gives the place back.
  func release() { close(descriptor) }
}

/// What is at a place where a server wants to make its link or socket.
enum PlaceState: Equatable {
  case free
  /// Something that nobody serves any more; it may be removed.
  case stale
  /// Something in use, or of another kind; what it is, for a sentence.
  case taken(String)

  /// Looks at a link that is to lead to a pseudo-terminal.
  static func ofLink(_ link: String) -> PlaceState {
    var own = stat()
    guard lstat(link, &own) == 0 else { return .free }
    guard own.st_mode & S_IFMT == S_IFLNK else { return .taken("is there and is no symbolic link") }
    var leadsTo = stat()
    guard stat(link, &leadsTo) == 0 else { return .stale }
    let name = target(of: link).map { " (\($0))" } ?? ""
    // A pseudo-terminal's number is given away anew: one that is younger than the link is not what the link was made for.
    let isTerminal = leadsTo.st_mode & S_IFMT == S_IFCHR && (136...143).contains((leadsTo.st_rdev >> 8) & 0xFFF)
    if isTerminal, (own.st_mtim.tv_sec, own.st_mtim.tv_nsec) < (leadsTo.st_ctim.tv_sec, leadsTo.st_ctim.tv_nsec) {
      return .stale
    }
    return .taken(isTerminal ? "leads to a port in use\(name)" : "leads to something that is no emulated port\(name)")
  }

  /// Where a link leads.
  static func target(of link: String) -> String? {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = target.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlink(link, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
    }
    return count > 0 ? String(decoding: target[..<count], as: UTF8.self) : nil
  }

  /// Looks at the path of a socket; `address` is the same for the system.
  static func ofSocket(_ path: String, _ address: sockaddr_un) -> PlaceState {
    var own = stat()
    guard lstat(path, &own) == 0 else { return .free }
    guard own.st_mode & S_IFMT == S_IFSOCK else { return .taken("is there and is no socket") }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { return .taken("cannot be looked at") }
    defer { close(probe) }
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return result != 0 && (errno == ECONNREFUSED || errno == ENOENT) ? .stale : .taken("is a socket in use")
  }
}

/// The places at which emulations serve.
public enum EmulatedPlace {
  /// Refuses the name of a link or an address (`unix:PATH`) at which something is in use, before anything is made of it.
  public static func requireFree(link: String? = nil, address: String? = nil) throws(VirtualServoError) {
    if let link { try PseudoTerminal.claim(link).release() }
    if let address, address.hasPrefix("unix:") { try Listener.claim(String(address.dropFirst(5))).release() }
  }
}
