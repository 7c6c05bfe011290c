import Glibc

/// Standard output for data that another program reads: buffered, and quiet when that program stops reading (`| head`).
///
/// Before the first line nothing has been written.
final class DataOutput {
  private var buffer: [UInt8] = []
  private var failure: Int32 = 0

  /// Whether somebody still takes what is written.
  var isOpen: Bool { failure == 0 }

  /// Adds text; false when nobody takes more, and the caller should stop.
  func write(_ text: String) -> Bool {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 1 << 16 { flush() }
    return isOpen
  }

  /// Adds a line.
  func writeLine(_ text: String) -> Bool { write(text + "\n") }

  /// Writes what is buffered now, for readers that follow; false when nobody takes more.
  func push() -> Bool {
    flush()
    return isOpen
  }

  /// Writes what is left. A reader that went away is no failure; anything else is.
  func finish() throws(RunFailure) {
    flush()
    guard failure == 0 || failure == EPIPE else {
      throw RunFailure("standard output: \(String(cString: strerror(failure)))")
    }
  }

  private func flush() {
    if isOpen { failure = writeFully(buffer, to: STDOUT_FILENO) }
    buffer.removeAll(keepingCapacity: true)
  }
}

/// Writes all bytes, whatever the descriptor takes at a time. Returns the errno value of a failure, else 0.
func writeFully(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
  var position = 0
  while position < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + position }, $0.count - position) }
    if count < 0 {
      if errno == EINTR { continue }
      return errno
    }
    position += count
  }
  return 0
}
