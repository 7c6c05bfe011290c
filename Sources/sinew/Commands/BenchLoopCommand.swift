import ArgumentParser
import Foundation
import Glibc
import RealTime
import Sessions
import Simulation
import Tasks

/// `sinew bench loop`: our loop, a plain C loop and cyclictest, in turn.
struct BenchLoopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loop",
    abstract: "Compare the control loop's wake-up lateness with a plain C loop and cyclictest.",
    discussion: """
      Runs, in turn and for each round, the whole control loop (simulated Reacher, policy, safety core, log), a plain C \
      loop with the same priority and, where installed, cyclictest (Debian: rt-tests); prints each percentile's \
      median over the rounds and the ratio of ours to the better of the others.

      Our loop wakes 60 µs before its deadline and waits the rest awake (at most a tenth of its period), as it does in
      every run with a real-time priority; --spin-us 0 lets it sleep to the end like the others.

      With --stress, stress-ng keeps the loops' processor busy meanwhile: ordinary threads that compute, move memory, \
      switch, pipe, set timers, fault pages and talk over sockets. What our loop's wake-ups were then late by at the \
      99.9th percentile is given in periods; half a period counts as an overrun. On a shared or virtual machine that \
      says more of the machine than of the loop: compare with the other loops in the table.

      Under the allocation counter of the tests (LD_PRELOAD) --count-allocations prints how often the control thread \
      allocated from its first tick to its last.

      Examples:
        sinew bench loop --rounds 3 --ticks 30000
        sinew bench loop --json
        sinew bench loop --stress --rate 200 --ticks 12000 --rounds 1

      Exit codes: 0 success; 1 a loop could not run, or Ctrl-C; 2 wrong input.
      """)

  @Option(help: "Control rate, Hz.")
  var rate = 1000.0

  @Option(help: "Ticks per loop and round.")
  var ticks = 10_000

  @Option(help: "Rounds: each runs every loop once.")
  var rounds = 3

  @Option(help: "SCHED_FIFO priority of all loops; 0 for ordinary scheduling.")
  var priority = 80

  @Option(help: "Processor all loops are bound to. Default: the last one.")
  var cpu: Int?

  @Option(
    name: .customLong("spin-us"),
    help: "How long before its deadline our loop wakes to wait the rest awake, µs; the others sleep to the end.")
  var spin = 60

  @Flag(
    name: .customLong("count-allocations"), help: "Run our loop only, in simulated time, and count its allocations.")
  var countAllocations = false

  @Flag(help: "Keep the loops' processor busy with stress-ng meanwhile.")
  var stress = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try ProcessorOption.validate(cpu)
    if stress && countAllocations { throw ValidationError("--stress and --count-allocations exclude each other.") }
    guard rate >= 1, rate <= 20_000 else {
      throw ValidationError("--rate must be between 1 and 20000 Hz, found \(rate).")
    }
    guard ticks >= 100, ticks <= 10_000_000 else {
      throw ValidationError("--ticks must be between 100 and 10000000, found \(ticks).")
    }
    guard rounds >= 1, rounds <= 100 else {
      throw ValidationError("--rounds must be between 1 and 100, found \(rounds).")
    }
    guard (0...1000).contains(spin) else {
      throw ValidationError("--spin-us must be between 0 and 1000 µs, found \(spin).")
    }
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
  }

  mutating func run() throws {
    if countAllocations {
      try runAllocationCount()
      return
    }
    let processor = cpu ?? (ProcessInfo.processInfo.activeProcessorCount - 1)
    let period = Int64((1e9 / rate).rounded())
    var results: [LoopContender: [LatenessSeries]] = [:]
    var notes: [String] = []
    var progress = ProgressLine()
    let contenders = LoopContender.allCases.filter { $0 != .cyclictest || CyclicTest.path != nil }
    if CyclicTest.path == nil {
      notes.append("cyclictest is not installed ('sudo apt-get install rt-tests'); compared with the C loop only")
    }
    var done = 0.0
    // Longer than all loops together: none of them may be over before the load is.
    let load =
      stress
      ? try StressLoad(processor: processor, seconds: 60 + 2 * Int(Double(rounds * 3 * ticks) / rate)) : nil
    defer { load?.end() }
    var underStress = StressFigures(period: period)
    for round in 1...rounds {
      for contender in contenders {
        if PlainLoop.stopWasRequested { throw RunFailure("stopped before the last round; there is nothing to compare") }
        progress.show(done / Double(rounds * contenders.count), "round \(round) of \(rounds): \(contender.rawValue)")
        switch contender {
        case .sinew:
          let report = try runLoop(processor: processor)
          underStress.add(report)
          if let loop = report.loop { results[.sinew, default: []].append(LatenessSeries(loop.lateness)) }
          if round == 1, let grant = report.grant { notes += grant.refusals.map(\.description) }
        case .plain:
          switch PlainLoop.run(period: period, ticks: ticks, priority: priority, processor: processor) {
          case .success(let series): results[.plain, default: []].append(series)
          case .failure(let error): throw RunFailure("the plain C loop could not run: \(error)")
          }
        case .cyclictest:
          results[.cyclictest, default: []].append(
            try CyclicTest.run(period: period, ticks: ticks, priority: priority, processor: processor))
        }
        done += 1
      }
    }
    progress.finish()
    if PlainLoop.stopWasRequested { throw RunFailure("stopped before the last round; there is nothing to compare") }
    if let load, !load.isRunning { throw RunFailure("stress-ng ended before the loops did; nothing was measured") }
    let output = LoopBenchmarkOutput(
      rate: rate, ticks: ticks, rounds: rounds, results: results, stress: stress ? underStress : nil, notes: notes)
    if json { try printJSON(output) } else { print(output.text) }
  }

  /// The whole control loop at `rate`, for `ticks` ticks.
  private func runLoop(processor: Int) throws -> RunReport {
    var plan = try SessionPlanning.benchmarkPlan(rate: rate)
    plan.duration = Double(ticks) / rate
    plan.clock = .monotonic
    plan.realTime = RealTimeSettings(
      priority: priority > 0 ? priority : nil, processor: processor, spin: Int64(spin) * 1000)
    let log = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-bench-\(getpid()).mcap").path
    plan.log = log
    defer { try? FileManager.default.removeItem(atPath: log) }
    let session = try checkingInput { try SimulatedSession(plan) }
    let report = try session.runBlocking { _ in }
    // That the core stopped the arm is a finding there, not a failure.
    if stress && report.ending == .interrupted { return report }
    try RunSummary.failIfFaulted(report)
    guard report.ending == .completed else {
      throw RunFailure("stopped by \(RunSummary.signalName(report.signal)); there is nothing to compare")
    }
    return report
  }

  private func runAllocationCount() throws {
    var plan = try SessionPlanning.benchmarkPlan(rate: rate)
    plan.duration = Double(ticks) / rate
    plan.clock = .virtual
    let log = FileManager.default.temporaryDirectory.appendingPathComponent("sinew-bench-\(getpid()).mcap").path
    plan.log = log
    defer { try? FileManager.default.removeItem(atPath: log) }
    let session = try checkingInput { try SimulatedSession(plan) }
    let report = try session.runBlocking { _ in }
    try RunSummary.failIfFaulted(report)
    guard let count = report.allocationCount else {
      throw RunFailure("allocations are not counted in this process; run it through tools/check-allocations")
    }
    print("ticks: \(report.loop?.tickCount ?? 0)")
    print("episodes: \(report.statistics.count)")
    print("allocations_per_run: \(count)")
  }
}

/// The loops that are compared.
enum LoopContender: String, CaseIterable {
  case sinew = "Sinew's loop"
  case plain = "plain C loop"
  case cyclictest = "cyclictest"
}

/// The comparison's figures: per contender the median over the rounds, and our ratio to the better of the others.
struct LoopBenchmarkOutput: Encodable {
  struct Figures: Encodable {
    let name: String
    let rounds: Int
    let p50_us: Double
    let p99_us: Double
    let p999_us: Double
    let max_us: Double
  }

  let rate_hz: Double
  let ticks: Int
  let rounds: Int
  let loops: [Figures]
  let ratio_p50: Double
  let ratio_p99: Double
  let ratio_p999: Double
  /// Our loop beside stress-ng; nil without it.
  let stress: StressFigures?
  let notes: [String]

  init(
    rate: Double, ticks: Int, rounds: Int, results: [LoopContender: [LatenessSeries]], stress: StressFigures?,
    notes: [String]
  ) {
    func median(_ values: [Int64]) -> Double {
      let sorted = values.sorted()
      guard !sorted.isEmpty else { return .nan }
      let middle = sorted.count / 2
      let value = sorted.count % 2 == 1 ? Double(sorted[middle]) : Double(sorted[middle - 1] + sorted[middle]) / 2
      return value / 1000
    }
    rate_hz = rate
    self.ticks = ticks
    self.rounds = rounds
    self.notes = notes
    self.stress = stress
    var figures: [LoopContender: Figures] = [:]
    for contender in LoopContender.allCases {
      guard let series = results[contender], !series.isEmpty else { continue }
      figures[contender] = Figures(
        name: contender.rawValue, rounds: series.count, p50_us: median(series.map(\.p50)),
        p99_us: median(series.map(\.p99)), p999_us: median(series.map(\.p999)), max_us: median(series.map(\.maximum)))
    }
    loops = LoopContender.allCases.compactMap { figures[$0] }
    let peers = [figures[.plain], figures[.cyclictest]].compactMap { $0 }
    let ours = figures[.sinew]
    func ratio(_ key: KeyPath<Figures, Double>) -> Double {
      guard let ours, let best = peers.map({ $0[keyPath: key] }).min(), best > 0 else { return .nan }
      return ours[keyPath: key] / best
    }
    ratio_p50 = ratio(\.p50_us)
    ratio_p99 = ratio(\.p99_us)
    ratio_p999 = ratio(\.p999_us)
  }

  var text: String {
    var table = TextTable(header: ["wake-up lateness, µs (median of \(rounds) rounds)", "p50", "p99", "p99.9", "max"])
    for loop in loops {
      table.add([
        loop.name, Format.number(loop.p50_us), Format.number(loop.p99_us), Format.number(loop.p999_us),
        Format.number(loop.max_us),
      ])
    }
    table.add([
      "ratio to the better peer", Format.fixed(ratio_p50, 2), Format.fixed(ratio_p99, 2), Format.fixed(ratio_p999, 2),
      "",
    ])
    return
      (["\(Format.number(rate_hz)) Hz, \(ticks) ticks per loop and round", table.text]
      + (stress.map { [$0.text] } ?? [])
      + notes.map { "note: \($0)" })
      .joined(separator: "\n")
  }
}
