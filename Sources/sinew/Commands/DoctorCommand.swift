import ArgumentParser
import Sessions

/// `sinew doctor`: whether everything a run needs is there, and the command that mends what is not.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check the installation and the machine; say how to mend what is wrong.",
    discussion: """
      Looks at libraries and their versions, at the files that ship with the program, at a short simulation, at the disk \
      for logs, at real-time rights, kernel and processors, and at serial adaptors. Each finding that is not good comes with the command \
      that mends it. Nothing is written.

      Examples:
        sinew doctor
        sinew doctor --strict
        sinew doctor --json

      Exit codes: 0 simulation works, whatever else was found; 1 simulation cannot work; with --strict 1 also when \
      anything else is bad (such as real-time rights, which hardware needs).
      """)

  @Option(help: "The folder that logs go to.")
  var logs = "logs"

  @Flag(help: "Exit with 1 when anything is bad, not only what simulation needs.")
  var strict = false

  @Flag(help: "Print one JSON object.")
  var json = false

  mutating func run() throws {
    let examination = InstallationExamination.run(logFolder: logs)
    let output = DoctorOutput(examination)
    if json { try printJSON(output) } else { print(output.text) }
    if !(strict ? examination.isSound : examination.canSimulate) { throw ExitStatus.failure }
  }
}

/// The findings, as JSON and as text.
struct DoctorOutput: Encodable {
  struct Finding: Encodable {
    let area: String
    let subject: String
    let grade: String
    let detail: String
    let remedy: String?
  }

  let version: String
  let canSimulate: Bool
  let isSound: Bool
  let findings: [Finding]

  init(_ examination: InstallationExamination) {
    version = ProgramVersion.version
    canSimulate = examination.canSimulate
    isSound = examination.isSound
    findings = examination.entries.map {
      Finding(
        area: $0.area.rawValue, subject: $0.finding.subject, grade: $0.finding.grade.rawValue,
        detail: oneLine($0.finding.detail), remedy: $0.finding.remedy)
    }
  }

  var text: String {
    var lines = ["sinew \(version)"]
    var area = ""
    let width = findings.map(\.subject.count).max() ?? 0
    for finding in findings {
      if finding.area != area { lines.append("\(finding.area):") }
      area = finding.area
      let mark = ["good": "ok  ", "warning": "warn", "bad": "BAD "][finding.grade] ?? finding.grade
      let padding = String(repeating: " ", count: width - finding.subject.count)
      lines.append("  \(mark)  \(finding.subject)\(padding)  \(finding.detail)")
      if let remedy = finding.remedy { lines.append("        -> \(remedy)") }
    }
    let bad = findings.count { $0.grade == "bad" }
    let warnings = findings.count { $0.grade == "warning" }
    lines.append(
      (canSimulate ? "simulation works" : "SIMULATION CANNOT WORK")
        + "; \(bad) bad, \(Format.count(warnings, "warning"))")
    return lines.joined(separator: "\n")
  }
}
