import ArgumentParser
import Recording

/// `sinew log doctor`: whether a log is sound.
struct LogDoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check a log: every record, checksum, index and count.",
    discussion: """
      Prints a line per finding. Errors break the format or contradict each other; warnings are legal but odd. \
      'sinew log recover' makes a sound log of a broken one.

      Examples:
        sinew log doctor run.mcap
        sinew log doctor run.mcap --strict-message-order --json

      Exit codes: 0 no errors (there may be warnings); 1 errors were found, also when the file is no MCAP file at all; \
      2 the file cannot be read.
      """)

  @Argument(help: "The log (MCAP).")
  var file: String

  @Flag(
    name: .customLong("strict-message-order"),
    help:
      "A message whose log time is before that of any one ahead of it is an error. Without this: a warning, and only on one topic."
  )
  var strictMessageOrder = false

  @Flag(help: "Print one JSON object.")
  var json = false

  mutating func run() throws {
    var progress = ProgressLine()
    let path = file
    let strict = strictMessageOrder
    let findings = try checkingInput {
      try LogDoctor.examine(path: path, strictMessageOrder: strict) { progress.show($0, "checking \(path)") }
    }
    progress.finish()
    let output = LogDoctorOutput(path: path, findings: findings)
    if json { try printJSON(output) } else { print(output.text) }
    if output.errors > 0 { throw ExitStatus.failure }
  }
}

/// The findings, as JSON and as text.
struct LogDoctorOutput: Encodable {
  struct Finding: Encodable {
    let severity: String
    let kind: String
    let message: String
    let offset: UInt64
  }

  let path: String
  let errors: Int
  let warnings: Int
  let findings: [Finding]

  init(path: String, findings: [DoctorFinding]) {
    self.path = path
    errors = findings.count { $0.severity == .error }
    warnings = findings.count - errors
    self.findings = findings.map {
      Finding(severity: $0.severity.rawValue, kind: $0.kind.rawValue, message: oneLine($0.message), offset: $0.offset)
    }
  }

  var text: String {
    let lines = findings.map { "\($0.severity): \($0.kind): \($0.message) (at byte \($0.offset))" }
    guard !findings.isEmpty else { return "\(path): sound" }
    let advice = errors > 0 ? "; 'sinew log recover' makes a sound log of what can be read" : ""
    return (lines + ["\(path): \(Format.count(errors, "error")), \(Format.count(warnings, "warning"))\(advice)"])
      .joined(separator: "\n")
  }
}
