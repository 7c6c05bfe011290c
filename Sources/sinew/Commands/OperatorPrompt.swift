import Foundation
import Glibc
import Sessions

/// The person at the terminal, who alone lets torque be switched on.
final class OperatorPrompt {
  private var consentsByItself: Bool
  private let isReplay: Bool
  private var standing = OperatorQuestion.none
  private var isDeaf = false
  /// What was typed since the question, up to now without a line's end.
  private var typed: [UInt8] = []

  /// `consentsByItself`: the first question is answered with yes. `isReplay`: a log proposes, no policy.
  init(consentsByItself: Bool, isReplay: Bool = false) {
    self.consentsByItself = consentsByItself
    self.isReplay = isReplay
  }

  /// Whether a person can answer here.
  static var canAsk: Bool { isatty(STDIN_FILENO) == 1 }

  /// Puts the run's question, and listens for the answer without waiting. `consent` is called when it came.
  func attend(_ status: LoopStatus, consent: () -> Void) {
    if status.question != standing {
      standing = status.question
      guard standing != .none else { return }
      if consentsByItself {
        consentsByItself = false
        consent()
        return
      }
      // What was typed before the question is no answer to it.
      if Self.canAsk { tcflush(STDIN_FILENO, TCIFLUSH) }
      if Terminal.isInteractive { Terminal.clearLine() }
      typed = []
      printError(text(status))
    }
    guard standing != .none, let line = nextLine() else { return }
    guard line.isEmpty else {
      printError("Only Enter alone is an answer; nothing has changed. \(text(status))")
      return
    }
    consent()
  }

  private func text(_ status: LoopStatus) -> String {
    let refused = status.refusal == .none ? "" : "Torque was not switched on: \(status.refusal.text). "
    let causes = status.causes.conditions.map { "\($0.name): \($0.advice(inReplay: isReplay))" }.joined(separator: "; ")
    switch status.question {
    case .none:
      return ""
    case .switchOn:
      return refused
        + "The arm will move. Keep clear of it, and keep its power switch at hand. Press Enter to switch torque on, "
        + "Ctrl-C to end."
    case .letGo:
      return
        "A fault has stopped the arm, and it is held where it stands. Support it, then press Enter to switch torque off; "
        + "Ctrl-C does the same."
    case .goOn:
      return
        "The last motion was cut short\(causes.isEmpty ? "" : " (\(causes))"); the arm holds. Press Enter to go on, "
        + "Ctrl-C to end."
    }
  }

  /// The next line that was typed, without its end; nil when there is none yet. Never waits.
  private func nextLine() -> String? {
    guard !isDeaf else { return nil }
    var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    if poll(&poller, 1, 0) > 0 {
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count > 0 { typed += buffer[..<count] } else { isDeaf = true }
    }
    guard let end = typed.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = String(decoding: typed[..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    typed.removeSubrange(...end)
    return line
  }
}
