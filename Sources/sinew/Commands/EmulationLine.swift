import Foundation
import VirtualServos

/// The live line of an emulation on standard error; a plain line every ten seconds where that is no terminal.
final class EmulationLine {
  private var lastPlain: Int64 = 0
  private var hasShown = false

  func show(_ state: BusState) {
    if Terminal.isInteractive {
      Terminal.showLine(Self.text(state))
      hasShown = true
    } else if state.time - lastPlain >= 10_000_000_000 {
      lastPlain = state.time
      printError(Self.text(state))
    }
  }

  func finish() {
    if hasShown { Terminal.clearLine() }
  }

  static func text(_ state: BusState) -> String {
    var parts = [
      "\(Format.fixed(Double(state.time) * 1e-9, 1)) s", state.isHostPresent ? "host" : "no host",
      "in \(state.counts.instructions)", "out \(state.counts.answers)",
    ]
    if state.counts.damaged > 0 { parts.append("damaged \(state.counts.damaged)") }
    if state.counts.collisions > 0 { parts.append("collisions \(state.counts.collisions)") }
    let servos = state.servos.map { servo in
      var text = "\(servo.id):\(servo.position)"
      if servo.isTorqueOn { text += "*" }
      if !servo.isListening { text += " SILENT" }
      if servo.isWatchdogTripped { text += " WATCHDOG" }
      if servo.errorBits != 0 { text += " ERROR " + String(servo.errorBits, radix: 16) }
      return text
    }
    parts.append(servos.joined(separator: " "))
    if let trouble = state.trouble { parts.append(trouble) }
    return parts.joined(separator: " | ")
  }

  static func summary(_ state: BusState) -> String {
    let counts = state.counts
    let faults = state.faults
    var text =
      "\(counts.instructions) instructions, \(counts.answers) answers, \(counts.damaged) damaged, \(counts.collisions) collisions"
    let injected = [
      ("bit errors", faults.bitErrors), ("bytes dropped", faults.droppedBytes),
      ("answers dropped", faults.droppedPackets), ("garbage", faults.garbage), ("duplicates", faults.duplicates),
      ("split", faults.splits), ("late", faults.late),
    ].filter { $0.1 > 0 }
    if !injected.isEmpty { text += "; faults: " + injected.map { "\($0.0) \($0.1)" }.joined(separator: ", ") }
    return text
  }
}
