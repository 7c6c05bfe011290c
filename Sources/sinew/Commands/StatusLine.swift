import Foundation
import Safety
import Sessions

/// The live line of a run on standard error; a plain line every ten seconds where that is no terminal.
final class StatusLine {
  private let plan: SessionPlan
  private var lastPlain = 0.0
  private var hasShown = false

  init(plan: SessionPlan) { self.plan = plan }

  /// Shows a state of the loop.
  func show(_ status: LoopStatus) {
    if Terminal.isInteractive {
      Terminal.showLine(text(status))
      hasShown = true
    } else if status.elapsed - lastPlain >= 10 {
      lastPlain = status.elapsed
      printError(text(status))
    }
  }

  /// Removes the live line.
  func finish() {
    if hasShown { Terminal.clearLine() }
  }

  private func text(_ status: LoopStatus) -> String {
    var parts: [String] = []
    if let duration = plan.duration {
      parts.append(
        "\(Terminal.bar(status.elapsed / duration, width: 16)) \(Format.fixed(status.elapsed, 1)) of \(Format.number(duration)) s"
      )
    } else {
      parts.append("\(Format.fixed(status.elapsed, 1)) s")
    }
    parts.append(status.state.name)
    parts.append(
      "episode \(max(status.episode.index, 0) + 1), step \(status.episode.steps), return \(Format.fixed(status.episode.rewardSum, 2))"
    )
    if status.statistics.count > 0 { parts.append("mean \(Format.fixed(status.statistics.meanReturn, 2))") }
    parts.append("late \(Format.duration(status.lateness))")
    if status.overrunCount > 0 { parts.append("overruns \(status.overrunCount)") }
    if status.droppedRecords > 0 { parts.append("RECORDS DROPPED \(status.droppedRecords)") }
    let wrong = ConditionSet(rawValue: status.active.rawValue | status.latched.rawValue).conditions
    if !wrong.isEmpty { parts.append(wrong.map(\.name).joined(separator: ", ").uppercased()) }
    return parts.joined(separator: " | ")
  }
}
