import ArgumentParser
import BusTrials
import Foundation
import RealTime

/// `sinew bench stop-latency`: from the stop button to the first stop frame.
struct BenchStopLatencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop-latency",
    abstract: "Measure the time from a press of the stop button to the first stop frame on the servo bus.",
    discussion: """
      Six virtual servos behind a socket pair; the safety core as it is set up for a real arm; a control thread that
      moves the arm to and fro; another thread that presses the button at random times. Measured from the press until
      the bytes of the first frame of the stop are handed to the line. The bound is two control periods at p99.9.

      Takes about half a second a press. On a busy machine, or without a real-time priority, the operating system's
      delays are part of what is measured.

      Examples:
        sinew bench stop-latency
        sinew bench stop-latency --presses 100 --rate 100 --json

      Exit codes: 0 the bound holds; 1 it does not, or the trial could not be made; 2 wrong input.
      """)

  @Option(help: "How often the button is pressed.")
  var presses = 1000
  @Option(help: "Control rate, Hz.")
  var rate = 200.0
  @Option(help: "SCHED_FIFO priority of the control thread; 0 for ordinary scheduling.")
  var priority = 80
  @Option(help: "Processor the control thread is bound to. Default: none.")
  var cpu: Int?
  @Option(help: "Seed of the times at which the button is pressed.")
  var seed: UInt64 = 1
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try ProcessorOption.validate(cpu)
    guard (1...1_000_000).contains(presses) else {
      throw ValidationError("--presses must be between 1 and 1000000, found \(presses).")
    }
    guard rate >= 10, rate <= 500 else { throw ValidationError("--rate must be between 10 and 500 Hz, found \(rate).") }
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
  }

  mutating func run() throws {
    let settings = RealTimeSettings(
      priority: priority > 0 ? priority : nil, processor: cpu, locksMemory: false, holdsLatency: priority > 0)
    let trial = StopTrial(
      presses: presses, period: Int64((1e9 / rate).rounded()), seed: seed, realTime: settings)
    let result: StopTrial.Result
    do { result = try trial.run() } catch { throw RunFailure("the stop latency could not be measured: \(error)") }
    let output = StopLatencyOutput(result)
    if json { try printJSON(output) } else { print(output.text) }
    guard result.holds else {
      throw RunFailure(
        result.unheeded > 0
          ? "\(result.unheeded) presses were not heeded in the tick that saw them"
          : "p99.9 is \(Format.fixed(result.periods, 2)) control periods, the bound is 2; try a real-time priority on a "
            + "quiet machine")
    }
  }
}

/// The table.
struct StopLatencyOutput: Encodable {
  let presses: UInt64
  let period_us: Double
  let p50_us: Double
  let p99_us: Double
  let p999_us: Double
  let max_us: Double
  let p999_periods: Double
  let speed_rad_s: Double
  let unheeded: Int
  let repeated: Int
  let priority: Int
  let holds: Bool
  let notes: [String]

  init(_ result: StopTrial.Result) {
    func microseconds(_ nanoseconds: Int64) -> Double { (Double(nanoseconds) / 100).rounded() / 10 }
    presses = result.latency.count
    period_us = microseconds(result.period)
    p50_us = microseconds(result.latency.p50)
    p99_us = microseconds(result.latency.p99)
    p999_us = microseconds(result.latency.p999)
    max_us = microseconds(result.latency.maximum)
    p999_periods = (result.periods * 1000).rounded() / 1000
    speed_rad_s = (result.speed * 1000).rounded() / 1000
    unheeded = result.unheeded
    repeated = result.repeated
    priority = result.grant.priority
    holds = result.holds
    notes = result.grant.refusals.map(\.description)
  }

  var text: String {
    var table = TextTable(header: ["from the press to the first stop frame", "µs", "control periods"])
    for (name, value) in [("p50", p50_us), ("p99", p99_us), ("p99.9", p999_us), ("longest", max_us)] {
      table.add([name, Format.fixed(value, 0), Format.fixed(value / period_us, 2)])
    }
    var lines = [
      table.text,
      "\(presses) presses at \(Format.fixed(speed_rad_s, 2)) rad/s, control period "
        + "\(Format.fixed(period_us / 1000, 2)) ms, "
        + (priority > 0 ? "SCHED_FIFO \(priority)" : "ordinary scheduling")
        + ", socket pair; bound: 2 periods at p99.9",
    ]
    if repeated > 0 { lines.append("\(repeated) runs were stopped by something else before the press, and repeated") }
    return (lines + notes.map { "note: \($0)" }).joined(separator: "\n")
  }
}
