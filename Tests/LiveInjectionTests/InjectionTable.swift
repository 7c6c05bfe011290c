import Foundation
import Synchronization
import Testing

/// What the live injections have measured in this process, for the table.
enum Measurements {
  private static let found = Mutex<[String: Int]>([:])

  static func note(_ injection: LiveInjection, _ line: Line, _ ticks: Int?) {
    guard let ticks else { return }
    found.withLock { $0["\(injection.testDescription)|\(line)"] = ticks }
  }

  static func of(_ injection: LiveInjection, _ line: Line) -> Int? {
    found.withLock { $0["\(injection.testDescription)|\(line)"] }
  }
}

/// docs/safety-injections-live.md: every row of the list with its place in each of three ways, and the live rows with their
/// bounds. Written from the tests, and compared with them.
enum InjectionTable {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let file = root.appendingPathComponent("docs/safety-injections-live.md")

  /// All but what was measured, which is another number each time.
  static func withoutMeasurements(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      return cells.count == 8 ? cells.dropLast(3).joined(separator: "|") : String(line)
    }
  }

  static func text(measured: (LiveInjection, Line) -> Int?) -> String {
    var lines = [
      "# Where the injected faults are tested, three ways",
      "",
      "Written by the tests (`SINEW_UPDATE_DOCS=1 swift test --filter 'Writing the table'`), which fail when it is out of",
      "date or names a test that is not there. \"core\": a row of [safety-injections.md](safety-injections.md), on a virtual",
      "clock, its bound exact. \"live\": a row of the second table.",
      "",
      "| # | injected | pure core | threads, socket pair | pseudo-terminal |",
      "|---|---|---|---|---|",
    ]
    for row in InjectionPlaces.all {
      lines.append(
        "| \(row.number) | \(row.injected) | \(words(row.core)) | \(words(row.threads)) | \(words(row.terminal)) |")
    }
    lines += [
      "", "## On real threads", "",
      "A servo arm on one thread, its host's control thread, a policy's thread and an operator's, in real time; periods of",
      "20 ms, so that the numbers hold on a busy machine: they are whole control periods from the cause to the first tick that",
      "shows the reaction, the tick that was under way included. Where nothing may happen there is no bound. Position, speed,",
      "acceleration and jerk of every goal are looked at in every one of these runs, and so is the black box: it is readable,",
      "tells each tick as it was, and ends with the tick that latched what is latched. Measured in one run of the tests.",
      "",
      "| # | injected | reaction | bound, periods | socket pair | pseudo-terminal |",
      "|---|---|---|---|---|---|",
    ]
    for injection in LiveInjection.all {
      let measurements = Line.allCases.map { measured(injection, $0).map { "\($0)" } ?? "–" }
      lines.append(
        "| \(injection.number) | \(injection.name) | \(injection.reaction) | "
          + "\(injection.bound.map { "\($0)" } ?? "–") | \(measurements.joined(separator: " | ")) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func words(_ place: InjectionPlaces.Place) -> String {
    switch place {
    case .core: "core"
    case .live: "live"
    case .test(let file, let name): "`\(file)`: \(name)"
    case .senseless(let why): "– (\(why))"
    case .missing(let what): "**none yet**: \(what)"
    }
  }
}
