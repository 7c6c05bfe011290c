import Foundation
import Glibc
import Sessions

/// The person at the terminal, who alone lets torque be switched on.
final class OperatorPrompt {
  private var consentsByItself: Bool
  private var standing = OperatorQuestion.none
  private var isDeaf = false

  /// `consentsByItself`: the first question is answered with yes.
  init(consentsByItself: Bool) { self.consentsByItself = consentsByItself }

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
      printError(Self.text(standing))
    }
    if standing != .none && enterWasPressed() { consent() }
  }

  private static func text(_ question: OperatorQuestion) -> String {
    switch question {
    case .none: ""
    case .switchOn:
      "The arm will move. Keep clear of it, and keep its power switch at hand. Press Enter to switch torque on, Ctrl-C to end."
    case .goOn: "The last motion was cut short; the arm holds. Press Enter to go on, Ctrl-C to end."
    }
  }

  private func enterWasPressed() -> Bool {
    guard !isDeaf else { return false }
    var poller = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&poller, 1, 0) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    if count <= 0 { isDeaf = true }
    return count > 0 && buffer[..<count].contains(UInt8(ascii: "\n"))
  }
}
