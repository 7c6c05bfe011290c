import Glibc
import Testing

/// A terminal of a test's own, with the program's person at the other end.
final class OperatorTerminal {
  private let master: Int32
  /// The end that a program opens.
  let path: String

  init() throws {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    // TIOCSPTLCK and TIOCGPTN, which Glibc's import leaves out.
    var (unlocked, number): (Int32, Int32) = (0, 0)
    try #require(master >= 0 && ioctl(master, 0x4004_5431, &unlocked) == 0)
    try #require(ioctl(master, 0x8004_5430, &number) == 0)
    path = "/dev/pts/\(number)"
  }

  deinit { close(master) }

  func press(_ keys: String) { _ = keys.withCString { write(master, $0, strlen($0)) } }

  /// The key that asks for a suspension; 0 where none does.
  var suspendKey: UInt8 {
    var settings = termios()
    guard tcgetattr(master, &settings) == 0 else { return 0 }
    return withUnsafeBytes(of: settings.c_cc) { $0[Int(VSUSP)] }
  }

  /// Whether it shows what is typed.
  var echoes: Bool {
    var settings = termios()
    return tcgetattr(master, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0
  }
}
