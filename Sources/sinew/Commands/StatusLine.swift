import Foundation
import Safety
import Sessions

/// The live line of a run on standard error; a plain line every ten seconds where that is no terminal.
final class StatusLine {
  private let plan: SessionPlan
  private var lastPlain = 0.0
  private var hasShown = false
  /// Since when a run that waits for its port has been without it, s; nil while it has one.
  private var lostSince: Double?
  private var hasToldLoss = false

  init(plan: SessionPlan) { self.plan = plan }

  /// Shows a state of the loop.
  func show(_ status: LoopStatus) {
    tellLoss(status)
    if Terminal.isInteractive {
      Terminal.showLine(text(status))
      hasShown = true
    } else if status.elapsed - lastPlain >= 10 {
      lastPlain = status.elapsed
      printError(text(status))
    }
  }

  /// Says something above the live line.
  func say(_ text: String) {
    if Terminal.isInteractive { Terminal.clearLine() }
    printError(text)
  }

  /// Removes the live line.
  func finish() {
    if hasShown { Terminal.clearLine() }
  }

  /// Says once what becomes of an arm whose port is gone, where the run waits for it: a moment's silence is no loss.
  private func tellLoss(_ status: LoopStatus) {
    guard let hardware = plan.hardware, hardware.onUnplug == .wait, status.state == .fault, status.power == .unknown,
      status.question == .none
    else {
      (lostSince, hasToldLoss) = (nil, false)
      return
    }
    let since = lostSince ?? status.elapsed
    lostSince = since
    guard !hasToldLoss, status.elapsed - since >= 0.5 else { return }
    hasToldLoss = true
    say(
      "The port \(hardware.port) is gone; torque may still be on, so keep clear of the arm. Plug it in again, and the run "
        + "asks before it switches torque on; Ctrl-C ends it.")
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
    if !wrong.isEmpty {
      let names = wrong.map { ConditionText.name($0, of: status.joints.mask(of: $0), plan.task.joints) }
      parts.append(names.joined(separator: ", ").uppercased())
    }
    return parts.joined(separator: " | ")
  }
}
