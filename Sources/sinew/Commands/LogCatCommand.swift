import ArgumentParser
import Glibc
import Recording

/// `sinew log cat`: a log's messages as text.
struct LogCatCommand: ParsableCommand {
  /// How messages are printed.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case jsonl, csv
  }

  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Print a log's messages: JSON lines, or the transitions as CSV.",
    discussion: """
      jsonl prints a JSON object a line: topic, log time (ns), type and message. csv prints the transitions as a table, \
      arrays as columns obs[0], action[1], …, numbers that are not known as empty cells. Standard output holds data only. \
      `source` says who moved the arm: 0 nobody, 1 a policy, 2 a person, 3 a blend of two during a hand-over, 4 the safety \
      core (a stop, a hold, the way to the park pose).

      Examples:
        sinew log cat run.mcap --topic /events
        sinew log cat run.mcap --format csv > transitions.csv
        sinew log cat run.mcap --limit 5

      Exit codes: 0 success; 1 the log is damaged or the output could not be written; 2 wrong input; 3 the log was not \
      closed and was printed as far as it goes.
      """)

  @Argument(help: "The log (MCAP).")
  var file: String

  @Option(name: .customLong("topic"), help: "Only this topic; may be repeated. Default: all.")
  var topics: [String] = []

  @Option(help: "jsonl or csv.")
  var format = Format.jsonl

  @Option(help: "End after this many messages.")
  var limit: Int?

  func validate() throws {
    if let limit, limit < 0 { throw ValidationError("--limit must not be negative, found \(limit).") }
    if format == .csv, topics.contains(where: { $0 != "/transition" }) {
      throw ValidationError("--format csv prints /transition only; use jsonl for other topics.")
    }
  }

  mutating func run() throws {
    let path = file
    let wanted = format == .csv ? ["/transition"] : topics
    try checkingInput {
      let known = try LogReader(path: path).topics
      for topic in wanted where known?.contains(topic) == false {
        throw InputError("\(path): has no topic '\(topic)'; it has \(known?.joined(separator: ", ") ?? "none")")
      }
    }
    let problem = try printMessages()
    guard let problem else { return }
    printError("warning: \(path): printed as far as it can be read: \(oneLine("\(problem)")); see 'sinew log recover'")
    throw ExitStatus.loss
  }

  private func printMessages() throws -> McapError? {
    let output = DataOutput()
    var progress = ProgressLine()
    let path = file
    // The table's first line is its header.
    var left = limit.map { $0 + (format == .csv ? 1 : 0) } ?? Int.max
    let isShown = isatty(STDOUT_FILENO) == 0
    let problem: McapError?
    do {
      problem = try LogCat.forEachLine(
        path: path, format: format == .csv ? .csv : .json, topics: topics.isEmpty ? nil : Set(topics),
        progress: { if isShown { progress.show($0, "printing \(path)") } }
      ) { line in
        guard left > 0 else { return false }
        left -= 1
        return output.writeLine(line) && left > 0
      }
    } catch {
      progress.finish()
      try output.finish()
      throw RunFailure("\(error)")
    }
    progress.finish()
    try output.finish()
    return output.isOpen && left > 0 ? problem : nil
  }
}
