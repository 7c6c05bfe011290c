import ArmModel
import CSystem
import Control
import Foundation
import Safety
import Sessions
import Simulation

/// The live line of a run with a person, on standard error; where that is no terminal, a plain line at each change of state
/// and of what their device lacks.
final class OperatorLine {
  private let joints: [String]
  private let movesHardware: Bool
  private let words: OperatorWords
  private var lastState = SafetyState.boot
  private var lastEpisode = -1
  private var lastLack: String?
  private var lastRefusal = RefusalReason.none
  private var leaderWasPresent = true
  private var hasShown = false

  /// `joints` are the arm's, in order; `device` is what the person holds.
  init(joints: [String], movesHardware: Bool, device: OperatorWords.Device) {
    self.joints = joints
    self.movesHardware = movesHardware
    words = OperatorWords(device: device)
  }

  /// Says something that happened, on a line of its own.
  func say(_ text: String) {
    if hasShown { Terminal.clearLine() }
    printError(text)
  }

  /// Shows a state of the loop.
  func show(_ status: LoopStatus) {
    if status.refusal != lastRefusal {
      lastRefusal = status.refusal
      if status.refusal != .none { say("refused: \(words.refusal(status))") }
    }
    if let leader = status.teleoperation.leader, leader.isPresent != leaderWasPresent {
      leaderWasPresent = leader.isPresent
      say(leader.isPresent ? "the leader arm is back: press enable anew" : "the leader arm is gone: the arm stops")
    }
    if Terminal.isInteractive {
      Terminal.showLine(text(status))
      hasShown = true
    } else if status.state != lastState || status.episode.index != lastEpisode || words.lack(status) != lastLack {
      lastLack = words.lack(status)
      lastState = status.state
      lastEpisode = status.episode.index
      printError(text(status))
    }
  }

  /// Removes the live line.
  func finish() {
    if hasShown { Terminal.clearLine() }
  }

  /// State, who moves, mode and speed, tool, episode, age of the last event, what is wrong.
  func text(_ status: LoopStatus) -> String {
    let person = status.teleoperation
    var parts = ["\(Format.fixed(status.elapsed, 1)) s", status.state.name]
    let wrong = ConditionSet(rawValue: status.active.rawValue | status.latched.rawValue).conditions
    if !wrong.isEmpty {
      let names = wrong.map { ConditionText.name($0, of: status.joints.mask(of: $0), joints) }
      parts.append(names.joined(separator: ", ").uppercased())
    }
    if let hint = hint(status) { parts.append(hint) }
    if movesHardware { parts.append("torque \(status.power.name)") }
    parts.append("\(person.mode.name) \(Int(person.share * 100)) %")
    if let tool = person.tool {
      parts.append("tool " + [tool.x, tool.y, tool.z].map { Format.fixed($0, 3) }.joined(separator: " ") + " m")
    }
    if person.limitation.has(.jointRange) { parts.append("end of a joint's range") }
    if person.limitation.has(.singularity) { parts.append("near a singularity") }
    if person.limitation.has(.jointSpeed) { parts.append("a joint at full speed") }
    if status.episode.isRunning {
      parts.append(
        "episode \(status.episode.index + 1), step \(status.episode.steps), return \(Format.fixed(status.episode.rewardSum, 2))"
      )
    } else {
      parts.append("\(status.statistics.count) episodes")
    }
    if let age = Self.age(status) { parts.append("last event \(age)") }
    parts.append("late \(Format.duration(status.lateness))")
    if status.overrunCount > 0 { parts.append("overruns \(status.overrunCount)") }
    if status.droppedRecords > 0 { parts.append("RECORDS DROPPED \(status.droppedRecords)") }
    return parts.joined(separator: " | ")
  }

  /// What the person may do next.
  private func hint(_ status: LoopStatus) -> String? {
    if let lack = words.lack(status) { return lack }
    let leader = status.teleoperation.leader
    if let leader, !leader.isPresent { return "no leader arm" }
    if let leader, status.state == .hold, !leader.isNear, !leader.mayBeFar { return nearness(leader) }
    if let leader, status.state == .teleoperation {
      if !leader.isFollowed { return "the arm waits; " + nearness(leader) }
      return leader.hasCaughtUp ? nil : "catching up with the leader"
    }
    return words.next(status, movesHardware: movesHardware)
  }

  private func nearness(_ leader: LeaderStatus) -> String {
    "bring the leader near: \(joints[leader.joint]) is \(Format.fixed(leader.distance, 2)) rad away"
  }

  private static func age(_ status: LoopStatus) -> String? {
    guard status.input.status.has(.present), status.input.eventStamp > 0 else { return nil }
    let age = Double(status.input.stamp - status.input.eventStamp) * 1e-9
    return age >= 0 ? "\(Format.fixed(min(age, 9999), 1)) s ago" : nil
  }
}
