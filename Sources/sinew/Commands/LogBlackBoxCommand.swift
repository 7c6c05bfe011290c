import ArgumentParser
import Control
import Safety

/// `sinew log blackbox`: the last ticks before a fault or a crash.
struct LogBlackBoxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blackbox",
    abstract: "Print the last ticks before a fault or a crash.",
    discussion: """
      Every run keeps the last two seconds of its ticks in memory (/dev/shm), and a link beside its log leads there:
      run.blackbox for run.mcap. When a fault is latched the file itself is put beside the log, and ends with the tick in
      which that happened; a second fault of the same run gets run.2.blackbox. A program that dies, however it dies, leaves
      the link; the next run, or this command, puts the file in its place, since memory is lost when the machine is
      switched off. A run that ends well leaves nothing.

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
    for note in BlackBoxKeeper.settle() { printError("note: \(note)") }
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
