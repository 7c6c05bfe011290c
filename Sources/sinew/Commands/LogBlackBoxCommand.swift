import ArgumentParser
import Control
import Safety

/// `sinew log blackbox`: the last ticks before a fault or a crash.
struct LogBlackBoxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blackbox",
    abstract: "Print the last ticks before a fault or a crash.",
    discussion: """
      A black box is a small file that a run keeps up to date tick by tick; it stays readable when the process dies,
      however it dies, and ends with the tick in which a fault was latched.

      Examples:
        sinew log blackbox run.blackbox
        sinew log blackbox run.blackbox --last 400

      Exit codes: 0 success; 2 the file cannot be read or is no black box.
      """)

  @Argument(help: "The black box.")
  var file: String

  @Option(help: "How many of its last ticks to print.")
  var last = 40

  mutating func run() throws {
    let path = file
    let box = try checkingInput { try BlackBoxFile(path: path) }
    guard let end = box.records.last else {
      print("\(path): nothing was recorded")
      return
    }
    print(
      "\(box.records.count) ticks of \(Format.fixed(Double(box.period) * 1e-6, 3)) ms, \(box.jointCount) joints, "
        + "process \(box.process)")
    print("time to the end (ms) | late (ms) | state, source | measured (rad) | commanded | what was wrong")
    let joints = box.jointNames.enumerated().map { $0.element.isEmpty ? "\($0.offset)" : $0.element }
    for record in box.records.suffix(max(last, 0)) { print(line(record, end: end, joints: joints)) }
  }

  private func line(_ record: BlackBoxRecord, end: BlackBoxRecord, joints: [String]) -> String {
    func numbers(_ values: [Double]) -> String { values.map { Format.fixed($0, 4) }.joined(separator: " ") }
    let wrong = record.active.conditions.map { condition in
      ConditionText.name(condition, of: record.conditionJoints[condition] ?? 0, joints)
    }
    var parts = [
      Format.fixed(Double(record.now - end.now) * 1e-6, 2), Format.fixed(Double(record.lateness) * 1e-6, 3),
      "\(record.state.name), \(record.source.name)", numbers(record.position),
      record.writes ? numbers(record.command) : "nothing written", wrong.isEmpty ? "-" : wrong.joined(separator: ", "),
    ]
    if record.refusal != .none { parts.append("refused: \(record.refusal.text)") }
    return parts.joined(separator: " | ")
  }
}
