import ArgumentParser
import BusTrials
import Foundation
import Synchronization

/// `sinew bench bus-faults`: what a faulty servo bus does to the values that are believed.
struct BenchBusFaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bus-faults",
    abstract: "Run servo bus cycles against virtual servos with faults, on virtual time, and judge every value.",
    discussion: """
      Six virtual servos at 1 Mbit/s, an adaptor that adds 250 µs, a cycle every 10 ms that must end within 6 ms. Each
      block of 500 cycles has the fault but for its last 10, in which the bus must recover. Every value that is
      believed is compared with what the servo said, and when.

      Columns:
        complete      cycles in which every servo answered
        lost          answers given up; retried: requests sent again
        damaged       frames with a wrong check value, or cut short
        stale         answers thrown away because they are, or may be, to an earlier request
        late          answers after their time-out, within their cycle: believed
        twice         answers that came twice
        wrong         values believed that no servo said: the 8-bit sum of feetech lets one damaged frame in some
                      hundreds through, the CRC of dynamixel2 none
        past filter   those among them that a plausibility filter on the values believes, too
        too old       values said before the time they are stamped with
        overrun       the latest end of a cycle behind its deadline
        recovery      the longest way from a fault's end to a whole cycle, in cycles
      Of a line with one wrong bit in a thousand, which is beyond use, only the CRC and the deadline are demanded.
      What each column means for a person at the arm: docs/bus-faults.md.

      Examples:
        sinew bench bus-faults
        sinew bench bus-faults --cycles 10000 --json

      Exit codes: 0 all holds; 1 something does not; 2 wrong input.
      """)

  @Option(help: "Cycles of each trial.")
  var cycles = 100_000
  @Option(help: "Trials at the same time. Default: half of the processors.")
  var jobs: Int?
  @Option(help: "Seed of the faults.")
  var seed: UInt64 = 1
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...100_000_000).contains(cycles) else {
      throw ValidationError("--cycles must be between 1 and 100000000, found \(cycles).")
    }
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs must be between 1 and 256, found \(jobs).")
    }
  }

  mutating func run() throws {
    let trials = BusTrial.Bus.allCases.flatMap { bus in
      TrialFault.allCases.map { BusTrial(bus, $0, cycles: cycles, seed: seed) }
    }
    let results = try runAll(trials, jobs: jobs ?? max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
    let output = BusFaultsOutput(results)
    if json { try printJSON(output) } else { print(output.text) }
    let broken = results.filter { !$0.holds }.map { "\($0.bus), \($0.fault.rawValue)" }
    guard broken.isEmpty else { throw RunFailure("does not hold: \(broken.joined(separator: "; "))") }
  }

  /// Each trial has a bus and a clock of its own; the order of the results is that of the trials.
  private func runAll(_ trials: [BusTrial], jobs: Int) throws -> [TrialResult] {
    let next = Atomic<Int>(0)
    let found = Mutex<[Int: Result<TrialResult, any Error>]>([:])
    DispatchQueue.concurrentPerform(iterations: min(jobs, trials.count)) { _ in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < trials.count else { return }
        let result = Result { try trials[index].run() }
        found.withLock { $0[index] = result }
      }
    }
    return try found.withLock { found in try trials.indices.compactMap { try found[$0]?.get() } }
  }
}

/// The table.
struct BusFaultsOutput: Encodable {
  struct Trial: Encodable {
    let bus: String
    let fault: String
    let cycles: Int
    let complete_percent: Double
    let lost: UInt64
    let retries: UInt64
    let damaged: UInt64
    let stale: UInt64
    let late: UInt64
    let duplicates: UInt64
    let wrong_values: Int
    let wrong_past_filter: Int
    let older_than_stamp: Int
    let overrun_us: Double
    let recovery_cycles: Int
    let syscalls: Double
    let holds: Bool
  }
  let trials: [Trial]

  init(_ results: [TrialResult]) {
    trials = results.map {
      Trial(
        bus: $0.bus, fault: $0.fault.rawValue, cycles: $0.cycles, complete_percent: 100 * $0.completeness,
        lost: $0.lost, retries: $0.retries, damaged: $0.damaged, stale: $0.stale, late: $0.late,
        duplicates: $0.duplicates, wrong_values: $0.collisions, wrong_past_filter: $0.implausible,
        older_than_stamp: $0.older, overrun_us: Double($0.overrun) / 1000, recovery_cycles: $0.recovery,
        syscalls: $0.systemCalls, holds: $0.holds)
    }
  }

  var text: String {
    var table = TextTable(header: [
      "bus", "fault", "cycles", "complete", "lost", "retried", "damaged", "stale", "late", "twice", "wrong",
      "past filter", "too old", "overrun", "recovery", "calls",
    ])
    for trial in trials {
      table.add([
        trial.bus, trial.fault, "\(trial.cycles)", Format.fixed(trial.complete_percent, 2) + " %", "\(trial.lost)",
        "\(trial.retries)", "\(trial.damaged)", "\(trial.stale)", "\(trial.late)", "\(trial.duplicates)",
        "\(trial.wrong_values)", "\(trial.wrong_past_filter)", "\(trial.older_than_stamp)",
        Format.fixed(trial.overrun_us, 0) + " µs", "\(trial.recovery_cycles)", Format.fixed(trial.syscalls, 1),
      ])
    }
    return table.text
  }
}
