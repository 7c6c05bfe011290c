import Glibc

/// Lines on standard input, from a person or a script; read without waiting longer than told.
struct LineReader {
  /// What came in.
  enum Input: Equatable {
    case line(String)
    /// Nothing yet.
    case nothing
    /// Standard input has ended.
    case ended
  }

  private var buffer: [UInt8] = []
  private var hasEnded = false

  /// The next line, or nothing after `milliseconds`.
  mutating func next(within milliseconds: Int32) -> Input {
    if let line = takeLine() { return .line(line) }
    var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard !hasEnded, poll(&poller, 1, milliseconds) > 0 else { return hasEnded ? .ended : .nothing }
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = read(STDIN_FILENO, &chunk, chunk.count)
    if count > 0 { buffer += chunk[..<count] } else if count == 0 { hasEnded = true }
    guard let line = takeLine() else { return hasEnded ? .ended : .nothing }
    return .line(line)
  }

  private mutating func takeLine() -> String? {
    guard let end = buffer.firstIndex(of: 0x0A) else { return nil }
    let line = String(decoding: buffer[..<end], as: UTF8.self)
    buffer.removeSubrange(...end)
    return line
  }
}
