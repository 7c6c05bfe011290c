import Glibc

/// Pseudo-terminals, which stand for serial devices in tests.
public enum PseudoTerminals {
  /// Whether this machine gives them to us; a container may not.
  public static let areAvailable: Bool = {
    let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    guard terminal >= 0 else { return false }
    defer { close(terminal) }
    // TIOCGPTN, which Glibc's import leaves out.
    var number: Int32 = 0
    return ioctl(terminal, 0x8004_5430, &number) == 0 && access("/dev/pts/\(number)", R_OK | W_OK) == 0
  }()

  /// Why suites that need them are skipped.
  public static var reason: String { "needs pseudo-terminals (/dev/ptmx and /dev/pts)" }
}
