import ArgumentParser
import Recording

/// `sinew log info`: what a log holds.
struct LogInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show what a log holds: channels, counts, times, losses, metadata.",
    discussion: """
      A log that was not closed (the process was killed) is read as far as it goes, and the problem is named.

      Examples:
        sinew log info run.mcap
        sinew log info run.mcap --json

      Exit codes: 0 success; 2 the file cannot be read or is no MCAP file.
      """)

  @Argument(help: "The log (MCAP).")
  var file: String

  @Flag(help: "Print one JSON object.")
  var json = false

  mutating func run() throws {
    var progress = ProgressLine()
    let path = file
    let info = try checkingInput { try LogInfo.read(path: path) { progress.show($0, "reading \(path)") } }
    progress.finish()
    print(json ? JSONText.indented(info.json) : info.text)
  }
}
