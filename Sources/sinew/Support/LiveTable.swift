import Foundation
import Glibc

/// A table on standard output that renews itself in place.
struct LiveTable {
  let isLive: Bool
  /// Lines that stand on the screen.
  private var height = 0

  init(isLive: Bool) { self.isLive = isLive }

  /// Whether standard output is a terminal that can move its cursor.
  static var isPossible: Bool {
    isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Shows a text in place of the last one. What does not fit the width is cut: a line that wraps could not be replaced.
  mutating func show(_ text: String) {
    var size = winsize()
    let isKnown = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0
    let width = isKnown && size.ws_col > 1 ? Int(size.ws_col) - 1 : 79
    let room = isKnown && size.ws_row > 2 ? Int(size.ws_row) - 1 : 23
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(room)
    var output = height > 0 ? "\u{1b}[\(height)A" : ""
    for line in lines {
      output += "\r\u{1b}[2K" + (line.count <= width ? line : line.prefix(width - 1) + "…") + "\n"
    }
    height = lines.count
    _ = writeFully(Array(output.utf8), to: STDOUT_FILENO)
  }

  /// Leaves the last text on the screen, with the cursor below it.
  mutating func finish() { height = 0 }
}
