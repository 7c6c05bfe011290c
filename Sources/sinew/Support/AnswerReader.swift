import Glibc

/// Answers on standard input, a line each, from a person or a script; read without waiting longer than told.
struct AnswerReader {
  /// What came in.
  enum Input: Equatable {
    case next, yes, no, quit
    /// A line that is no answer.
    case unknown(String)
    /// Nothing yet.
    case nothing
    /// Standard input has ended.
    case ended
  }

  private var buffer: [UInt8] = []
  private var hasEnded = false

  /// The next answer, or nothing after `milliseconds`.
  mutating func next(within milliseconds: Int32) -> Input {
    if let line = takeLine() { return Self.meaning(line) }
    var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard !hasEnded, poll(&poller, 1, milliseconds) > 0 else { return hasEnded ? .ended : .nothing }
    var chunk = [UInt8](repeating: 0, count: 4096)
    let count = read(STDIN_FILENO, &chunk, chunk.count)
    if count > 0 { buffer += chunk[..<count] } else if count == 0 { hasEnded = true }
    guard let line = takeLine() else { return hasEnded ? .ended : .nothing }
    return Self.meaning(line)
  }

  private mutating func takeLine() -> String? {
    guard let end = buffer.firstIndex(of: 0x0A) else { return nil }
    let line = String(decoding: buffer[..<end], as: UTF8.self)
    buffer.removeSubrange(...end)
    return line
  }

  private static func meaning(_ line: String) -> Input {
    let text = line.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
    switch text {
    case "", "next": return .next
    case "y", "yes": return .yes
    case "n", "no": return .no
    case "q", "quit": return .quit
    default: return .unknown(text)
    }
  }
}
