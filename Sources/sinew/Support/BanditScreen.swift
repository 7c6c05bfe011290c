import CSystem
import Glibc

/// The demonstration's picture on the terminal, made for its size anew whenever that changes, and the keys of its person.
struct BanditScreen: ~Copyable {
  /// Whether a key makes the next step, rather than the time.
  private let waits: Bool
  private let keys: TerminalKeys

  init(waits: Bool) {
    self.waits = waits
    keys = TerminalKeys(STDIN_FILENO)
  }

  private var hint: String? {
    if waits {
      return !keys.areOpen ? "return: the next update; Ctrl-C: leave" : "space or return: the next update; q: leave"
    }
    return !keys.areOpen ? nil : "q: leave"
  }

  /// Shows a picture until the next is due; whether there shall be one.
  mutating func show(_ view: BanditView, isLast: Bool) -> Bool {
    var shown: BanditView.Size?
    let end = sinew_now_ns() + 50_000_000
    while sinew_stop_requests() == 0 {
      let size = Self.size
      if size != shown {
        let frame = view.frame(colors: true, in: size, hint: hint)
        guard writeFully(Array(("\u{1b}[H\u{1b}[2J" + frame).utf8), to: STDOUT_FILENO) == 0 else { return false }
        shown = size
      }
      if !waits && isLast { return false }
      let left = (end - sinew_now_ns()) / 1_000_000
      if !waits && left <= 0 { return true }
      // A person who waits changes the window's size, too.
      switch key(within: waits ? 100 : Int32(clamping: left)) {
      case .next where waits: return true
      case .leave: return false
      default: break
      }
    }
    return false
  }

  /// Leaves the picture where it is, with the cursor below it.
  func finish() { _ = writeFully(Array("\n".utf8), to: STDOUT_FILENO) }

  /// The terminal's size as it is now.
  private static var size: BanditView.Size {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return .usual }
    return BanditView.Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  private enum Key { case next, leave, other }

  /// What is pressed within so many milliseconds; without anybody at the keys only where it waits for one.
  private func key(within milliseconds: Int32) -> Key {
    guard keys.areOpen || waits else {
      poll(nil, 0, milliseconds)
      return .other
    }
    var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, milliseconds) > 0 else { return .other }
    var byte: UInt8 = 0
    // Nobody is there any more.
    guard read(STDIN_FILENO, &byte, 1) == 1 else { return .leave }
    switch byte {
    case UInt8(ascii: "q"), UInt8(ascii: "Q"), 3, 4: return .leave
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: " "): return .next
    default: return .other
    }
  }
}

/// A terminal whose keys come one by one and are not echoed; as it was before when this goes.
struct TerminalKeys: ~Copyable {
  private let descriptor: Int32
  private let before: termios?

  /// Whether there is a terminal, and no other program has it.
  var areOpen: Bool { before != nil }

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var settings = termios()
    guard tcgetattr(descriptor, &settings) == 0, tcgetpgrp(descriptor) == getpgrp() else {
      before = nil
      return
    }
    let original = settings
    settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
    withUnsafeMutableBytes(of: &settings.c_cc) { keys in
      keys[Int(VMIN)] = 1
      keys[Int(VTIME)] = 0
    }
    before = tcsetattr(descriptor, TCSANOW, &settings) == 0 ? original : nil
  }

  deinit {
    guard var settings = before else { return }
    tcsetattr(descriptor, TCSANOW, &settings)
  }
}
