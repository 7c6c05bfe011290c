import Foundation
import Glibc
import Safety
import Sessions

/// The person at the terminal, who alone lets torque be switched on, or torque that was found be taken over.
final class OperatorPrompt {
  private var consentsByItself: Bool
  private let isReplay: Bool
  /// Where the person types.
  private let input: Int32
  private var standing = OperatorQuestion.none
  private var number = 0
  /// Whether the question was answered, as far as this end knows. The run takes an answer in its next tick, and a status
  /// from before may come yet: what is heard meanwhile is about nothing.
  private var isAnswered = false
  private var isDeaf = false
  private let joints: [String]
  /// What was typed since the question, up to now without a line's end.
  private var typed: [UInt8] = []

  /// `consentsByItself`: the first question is answered with yes. `isReplay`: a log proposes, no policy. `joints` are the
  /// arm's, as a person finds them; `input` is where answers are typed.
  init(consentsByItself: Bool, isReplay: Bool, joints: [String], input: Int32 = STDIN_FILENO) {
    self.input = input
    self.consentsByItself = consentsByItself
    self.isReplay = isReplay
    self.joints = joints
  }

  /// Whether a person can answer here.
  static var canAsk: Bool { isatty(STDIN_FILENO) == 1 }

  /// Puts the run's question, and listens for the answer without waiting. `consent` or `refuse` is called when it came.
  func attend(_ status: LoopStatus, consent: () -> Void, refuse: () -> Void) {
    if status.question != standing || status.questionNumber != number {
      standing = status.question
      number = status.questionNumber
      isAnswered = false
      guard standing != .none else { return }
      // Letting go of an arm that holds itself up is more than switching it on: somebody has to stand there.
      if consentsByItself && standing != .releaseFirst {
        consentsByItself = false
        isAnswered = true
        consent()
        return
      }
      // What was typed before the question is no answer to it.
      if isatty(input) == 1 { tcflush(input, TCIFLUSH) }
      if Terminal.isInteractive { Terminal.clearLine() }
      typed = []
      printError(text(status))
    }
    guard standing != .none, !isAnswered else { return }
    guard let line = nextLine() else {
      // Whoever cannot answer any more does not agree.
      if isDeaf && Self.endsByRefusal(standing) {
        isAnswered = true
        refuse()
      }
      return
    }
    if Self.endsByRefusal(standing) && ["n", "no"].contains(line.lowercased()) && standing != .switchOn {
      isAnswered = true
      refuse()
      return
    }
    guard line.isEmpty else {
      printError("Only Enter alone is an answer; nothing has changed. \(text(status))")
      return
    }
    isAnswered = true
    consent()
  }

  /// Whether a refusal leaves the arm as it was found, and ends the run.
  private static func endsByRefusal(_ question: OperatorQuestion) -> Bool {
    switch question {
    case .switchOn, .takeOver, .releaseFirst: true
    case .none, .goOn, .letGo: false
    }
  }

  private func text(_ status: LoopStatus) -> String {
    let refused = status.refusal == .none ? "" : "Torque was not switched on: \(status.refusal.text). "
    let causes = ConditionText.advice(status.causes, status.causeJoints, joints, inReplay: isReplay)
    switch status.question {
    case .none:
      return ""
    case .switchOn:
      return refused
        + "The arm will move. Keep clear of it, and keep its power switch at hand. Press Enter to switch torque on, "
        + "Ctrl-C to end."
    case .takeOver:
      return
        "The arm was found UNDER TORQUE: \(TorqueText.describe(status.heldGoal, joints)). Press Enter to take it over where "
        + "it is held; then it will move. Keep clear of it, and keep its power switch at hand. n and Enter, or Ctrl-C, end "
        + "the run and leave the arm as it is, under torque."
    case .releaseFirst:
      return
        "The arm was found PARTLY UNDER TORQUE: \(TorqueText.describe(status.torque, joints)). Support the arm: on Enter "
        + "torque goes off in the joints that hold, and then comes on in all of them where they stand; then the arm will "
        + "move. Until then nothing is switched. n and Enter, or Ctrl-C, end the run and leave the arm as it is."
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
    var poller = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    if poll(&poller, 1, 0) > 0 {
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = read(input, &buffer, buffer.count)
      if count > 0 { typed += buffer[..<count] } else { isDeaf = true }
    }
    guard let end = typed.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    let line = String(decoding: typed[..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
    typed.removeSubrange(...end)
    return line
  }
}
