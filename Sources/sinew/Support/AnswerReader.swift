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

  private var lines = LineReader()

  /// The next answer, or nothing after `milliseconds`.
  mutating func next(within milliseconds: Int32) -> Input {
    switch lines.next(within: milliseconds) {
    case .line(let line): Self.meaning(line)
    case .nothing: .nothing
    case .ended: .ended
    }
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
