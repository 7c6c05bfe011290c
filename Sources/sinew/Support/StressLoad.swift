import Foundation
import Glibc
import Sessions

/// stress-ng on one processor: what keeps a kernel from waking a loop in time.
struct StressLoad {
  private let process: Process

  /// Where it is installed, if it is.
  static var path: String? {
    ["/usr/bin/stress-ng", "/usr/local/bin/stress-ng"].first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Two threads that compute, and one each that moves memory, switches context, pipes, sets timers, faults pages and talks
  /// over sockets: all of them ordinary, on this processor, until `end`, and for `seconds` at most.
  init(processor: Int, seconds: Int) throws {
    guard let path = Self.path else {
      throw InputError("--stress needs stress-ng, which is not installed ('sudo apt-get install stress-ng')")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = [
      "--quiet", "--taskset", "\(processor)", "--timeout", "\(seconds)", "--cpu", "2", "--vm", "1", "--vm-bytes",
      "256M",
      "--switch", "1", "--pipe", "1", "--timer", "1", "--fault", "1", "--sock", "1",
    ]
    process.currentDirectoryURL = FileManager.default.temporaryDirectory
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { throw RunFailure("stress-ng could not be started: \(error)") }
    self.process = process
  }

  /// Whether it is still at work.
  var isRunning: Bool { process.isRunning }

  /// Ends it, and waits until it is gone.
  func end() {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }
}

/// How our loop fared beside stress-ng, over all rounds.
struct StressFigures: Encodable {
  /// The 99.9th percentile of the wake-ups' lateness in control periods, in the worst round.
  private(set) var late_p999_periods = 0.0
  /// Above this a wake-up counts as an overrun, in control periods.
  let overrun_periods = 0.5
  /// Wake-ups that were late by more than that, of all.
  private(set) var overruns = 0
  private(set) var ticks = 0
  /// Why the safety core stopped the arm, if it did.
  private(set) var stops: [String] = []
  /// How many threads have wanted to run on the whole machine, in the last minute.
  private(set) var machine_load = Double.nan
  /// Whether our loop had a real-time priority.
  private(set) var is_real_time = false
  private let period: Int64

  enum CodingKeys: CodingKey {
    case late_p999_periods, overrun_periods, overruns, ticks, stops, machine_load, is_real_time
  }

  init(period: Int64) { self.period = period }

  /// Adds a round.
  mutating func add(_ report: RunReport) {
    guard let loop = report.loop else { return }
    late_p999_periods = max(late_p999_periods, Double(loop.lateness.p999) / Double(period))
    overruns += loop.overrunCount
    ticks += loop.tickCount
    stops += report.causes.conditions.map(\.name).filter { !stops.contains($0) }
    is_real_time = (report.grant?.priority ?? 0) > 0
    var average = 0.0
    if getloadavg(&average, 1) == 1 { machine_load = average }
  }

  var text: String {
    "under stress-ng: 99.9 % of our wake-ups late by at most \(Format.fixed(late_p999_periods, 3)) periods "
      + "(\(Format.number(overrun_periods)) is an overrun: \(overruns) of \(ticks)), "
      + (stops.isEmpty ? "no stop by the safety core" : "stopped by the safety core: \(stops.joined(separator: ", "))")
      + ", load of the machine \(Format.fixed(machine_load, 1))"
      + (is_real_time ? "" : "; without a real-time priority, which such a loop needs")
  }
}
