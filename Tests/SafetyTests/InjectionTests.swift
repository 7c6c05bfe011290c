import Foundation
import Testing

/// The list of injected faults against the pure core, on a virtual clock: every bound is exact in ticks.
@Suite struct InjectionTests {
  @Test(arguments: Injection.all) func `The injected fault has its reaction within its bound`(injection: Injection) {
    let ticks = injection.run()
    #expect(ticks != 0, "it reacted where nothing should have happened")
    if let bound = injection.bound {
      #expect(ticks != nil, "it did not react")
      #expect((ticks ?? bound) <= bound)
    } else {
      #expect(ticks == nil)
    }
  }

  /// Rows of the list that the pure core cannot show, and who does.
  static let elsewhere: [ClosedRange<Int>] = [8...8, 10...10, 19...20, 26...27, 41...44, 47...52, 54...54, 59...60]

  @Test func `Every row of the list is here or has its place elsewhere`() {
    let here = Set(Injection.all.map(\.number))
    for number in 1...60 {
      let isElsewhere = Self.elsewhere.contains { $0.contains(number) }
      #expect(here.contains(number) != isElsewhere, "row \(number)")
    }
  }

  /// `SINEW_UPDATE_DOCS=1` writes the table anew.
  @Test func `The table in the documentation shows what the core does`() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/safety-injections.md")
    let text = Self.table
    if ProcessInfo.processInfo.environment["SINEW_UPDATE_DOCS"] == "1" {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(
      try String(contentsOf: file, encoding: .utf8) == text,
      "run 'SINEW_UPDATE_DOCS=1 swift test --filter InjectionTests' and look at what has changed")
  }

  private static var table: String {
    var lines = [
      "# Injected faults and what the safety core does about them",
      "",
      "Measured on the pure core with a virtual clock: 5 ms ticks, proposals every 20 ms (row 36: 10 ms ticks). A bound of",
      "one tick means that the decision of the very tick that sees the cause is the first stop. The tests write this table",
      "(`SINEW_UPDATE_DOCS=1 swift test --filter InjectionTests`) and fail when it is out of date. Numbers are those of the",
      "project's list; the rows that need threads, processes or a device are tested elsewhere.",
      "",
      "| # | injected | reaction | bound, ticks | measured, ticks |",
      "|---|---|---|---|---|",
    ]
    for injection in Injection.all {
      let ticks = injection.run()
      lines.append(
        "| \(injection.number) | \(injection.name) | \(injection.reaction) | \(injection.bound.map { "\($0)" } ?? "–") | "
          + "\(ticks.map { "\($0)" } ?? "–") |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
