import Foundation
import Synchronization
import Testing

/// The list of injected faults on real threads, over a socket pair and over a pseudo-terminal, and the table of all of it.
/// Bounds are in control periods of 20 ms, so that a busy machine, which is late with everything, breaks none.
@Suite struct LiveInjectionTests {
  @Test(arguments: LiveInjection.all, Line.allCases)
  func `The injected fault has its reaction on real threads`(injection: LiveInjection, line: Line) throws {
    let ticks = try injection.measure(on: line)
    Measurements.note(injection, line, ticks)
    if let bound = injection.bound {
      #expect(ticks != nil, "it did not react")
      #expect((ticks ?? bound) <= bound)
    } else {
      #expect(ticks == nil, "it reacted where nothing should have happened")
    }
  }

  @Test func `Every row of the list has its place in each of three ways`() throws {
    #expect(InjectionPlaces.all.map(\.number) == Array(1...60))
    let core = try String(
      contentsOf: InjectionTable.root.appendingPathComponent("docs/safety-injections.md"), encoding: .utf8)
    let live = Set(LiveInjection.all.map(\.number))
    for row in InjectionPlaces.all {
      for place in [row.core, row.threads, row.terminal] {
        switch place {
        case .core: #expect(core.contains("\n| \(row.number) | "), "row \(row.number) of the core")
        case .live: #expect(live.contains(row.number), "row \(row.number) on real threads")
        case .test(let file, let name):
          let source = try String(
            contentsOf: InjectionTable.root.appendingPathComponent("Tests/\(file).swift"), encoding: .utf8)
          #expect(
            source.contains("func `\(name)`") || source.contains("\"\(name)\""), "\(file) has no test \"\(name)\"")
        case .senseless(let why), .missing(let why): #expect(!why.isEmpty)
        }
      }
    }
    let named = Set(
      InjectionPlaces.all.filter {
        if case .live = $0.threads { true } else { false }
      }.map(\.number))
    #expect(named == live, "each live row is named in the table")
  }

  @Test func `The table in the documentation is the tests'`() throws {
    let text = try String(contentsOf: InjectionTable.file, encoding: .utf8)
    let expected = InjectionTable.text { _, _ in nil }
    let isSame = InjectionTable.withoutMeasurements(text) == InjectionTable.withoutMeasurements(expected)
    #expect(
      isSame, "run 'SINEW_UPDATE_DOCS=1 swift test --filter \"Writing the table\"' and look at what has changed")
  }

  /// Writes the table: runs every injection once more.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SINEW_UPDATE_DOCS"] == "1"))
  func `Writing the table`() throws {
    let injections = LiveInjection.all
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 2 * injections.count) { index in
      let (injection, line) = (injections[index / 2], Line.allCases[index % 2])
      do { Measurements.note(injection, line, try injection.measure(on: line)) } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    #expect(failures.withLock { $0 } == [])
    let text = InjectionTable.text(measured: Measurements.of)
    print(text)
    try text.write(to: InjectionTable.file, atomically: true, encoding: .utf8)
  }
}
