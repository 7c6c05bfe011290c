import Foundation
import Glibc

/// What the terminal on standard error can show.
enum Terminal {
  /// Whether a live line makes sense.
  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Replaces the current line on standard error. What does not fit is cut: a line that wraps could not be replaced.
  static func showLine(_ text: String) {
    var size = winsize()
    let width = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) - 1 : 79
    let line = text.count <= width ? text : text.prefix(width - 1) + "…"
    _ = writeFully(Array(("\r\u{1b}[2K" + line).utf8), to: STDERR_FILENO)
  }

  /// Removes the live line.
  static func clearLine() {
    showLine("")
  }

  /// A progress bar of fixed width for a fraction 0 … 1.
  static func bar(_ fraction: Double, width: Int = 24) -> String {
    let filled = Int((min(max(fraction, 0), 1) * Double(width)).rounded(.down))
    return "[" + String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled) + "]"
  }
}

/// Progress on standard error for anything longer than two seconds: nothing before that, then a bar with the time left;
/// on a pipe a plain line every ten seconds, or nothing at all.
struct ProgressLine {
  private let needsTerminal: Bool
  private let start = DispatchTime.now().uptimeNanoseconds
  private var lastShown: UInt64 = 0
  private var hasShown = false

  /// `needsTerminal`: on a pipe it shows nothing, for programs read there.
  init(needsTerminal: Bool = false) { self.needsTerminal = needsTerminal }

  /// Shows how far the work is.
  mutating func show(_ fraction: Double, _ text: String) {
    let now = DispatchTime.now().uptimeNanoseconds
    let elapsed = Double(now - start) * 1e-9
    guard elapsed > 2, Terminal.isInteractive || !needsTerminal else { return }
    let interval: UInt64 = Terminal.isInteractive ? 200_000_000 : 10_000_000_000
    guard now - lastShown > interval else { return }
    lastShown = now
    let left = fraction > 0.001 ? elapsed / fraction * (1 - fraction) : .infinity
    let time = left.isFinite ? "\(Int(left.rounded(.up))) s left" : ""
    if Terminal.isInteractive {
      Terminal.showLine("\(Terminal.bar(fraction)) \(Int(fraction * 100)) %  \(text)  \(time)")
      hasShown = true
    } else {
      printError("\(Int(fraction * 100)) %  \(text)  \(time)")
    }
  }

  /// Removes the bar.
  mutating func finish() {
    if hasShown { Terminal.clearLine() }
    hasShown = false
  }
}
