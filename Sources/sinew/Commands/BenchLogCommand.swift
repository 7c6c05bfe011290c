import ArgumentParser
import ArmProfiles
import Foundation
import RealTime
import Recording
import Sessions

/// `sinew bench log`: a run in real time with the log on, and the log alone as fast as it goes.
struct BenchLogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Record the control loop in real time; count what is lost and what a transition costs.",
    discussion: """
      First the whole control loop (simulated Reacher, policy, safety core) at --rate for --duration seconds of real \
      time, every tick a transition in the log. Then the same transitions again through the log alone, in simulated \
      time, as fast as it takes them. Nothing may be dropped, and a transition may cost at most 250 bytes on disk, all \
      other channels and the indexes included.

      Examples:
        sinew bench log --rate 1000 --duration 60
        sinew bench log --duration 10 --compression lz4 --folder /mnt/slow --json

      Exit codes: 0 success; 1 the run failed; 2 wrong input; 3 records were dropped.
      """)

  @Option(help: "Control and policy rate, Hz.")
  var rate = 1000.0

  @Option(help: "Seconds of real time.")
  var duration = 60.0

  @Option(help: "Compression: zstd, lz4 or none.")
  var compression = RobotConfiguration.Compression.zstd

  @Option(help: "Where the log is written meanwhile. Default: the temporary folder.")
  var folder: String?

  @Option(help: "SCHED_FIFO priority of the control thread; 0 for ordinary scheduling.")
  var priority = 80

  @Option(help: "Processor the control thread is bound to.")
  var cpu: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try ProcessorOption.validate(cpu)
    guard rate >= 1, rate <= 10_000 else {
      throw ValidationError("--rate must be between 1 and 10000 Hz, found \(rate).")
    }
    guard duration >= 0.1, duration <= 86_400 else {
      throw ValidationError("--duration must be between 0.1 and 86400 s, found \(duration).")
    }
    guard (0...99).contains(priority) else {
      throw ValidationError("--priority must be between 0 and 99, found \(priority).")
    }
  }

  mutating func run() throws {
    let place = folder.map { URL(fileURLWithPath: $0) } ?? FileManager.default.temporaryDirectory
    let path = place.appendingPathComponent("sinew-bench-log-\(getpid()).mcap").path
    let replayed = place.appendingPathComponent("sinew-bench-log-\(getpid())-again.mcap").path
    defer { for file in [path, replayed] { unlink(file) } }
    let report = try runLoop(log: path)
    let (info, throughput) = try measure(log: path, replayed: replayed)
    let output = LogBenchmarkOutput(rate: rate, report: report, info: info, throughput: throughput)
    if json { try printJSON(output) } else { print(output.text) }
    if report.ending == .stopped {
      throw RunFailure(
        "stopped by \(RunSummary.signalName(report.signal)) after \(Format.fixed(report.loopSeconds, 1)) s")
    }
    try RunSummary.failIfLossy(report)
  }

  /// The whole loop in real time.
  private func runLoop(log: String) throws -> RunReport {
    var plan = try SessionPlanning.benchmarkPlan(rate: rate)
    plan.duration = duration
    plan.clock = .monotonic
    plan.realTime = RealTimeSettings(priority: priority > 0 ? priority : nil, processor: cpu)
    plan.log = log
    plan.recorderOptions.compression = Compression(compression)
    let session = try checkingInput { try SimulatedSession(plan) }
    var progress = ProgressLine()
    let total = duration
    let report = try session.runBlocking { status in
      progress.show(
        status.elapsed / total, "recording at \(Format.number(rate)) Hz, \(status.droppedRecords) records dropped")
    }
    progress.finish()
    try RunSummary.failIfFaulted(report)
    if let recording = report.recording, recording.unwrittenBytes > 0 {
      throw RunFailure("\(recording.error ?? "the disk did not take all of the log"); name another place with --folder")
    }
    return report
  }

  /// What is in the log, and how fast the log alone takes the same transitions.
  private func measure(log: String, replayed: String) throws -> (LogInfo, LogBenchmark.Throughput) {
    var options = RecorderOptions()
    options.compression = Compression(compression)
    do {
      let info = try LogInfo.read(path: log)
      let transitions = try TransitionLog.read(path: log)
      let count = min(max(transitions.transitions.count, 20_000), 500_000)
      return (info, try LogBenchmark.record(transitions, count: count, to: replayed, options: options))
    } catch {
      throw RunFailure("\(error)")
    }
  }
}

/// The figures, as JSON and as text.
struct LogBenchmarkOutput: Encodable {
  /// The most bytes that a transition may cost.
  static let aim = 250.0

  let rate_hz: Double
  let seconds: Double
  let transitions: UInt64
  let dropped_records: Int
  let log_bytes: UInt64
  let bytes_per_transition: Double
  let bytes_per_transition_aim: Double
  let chunks: Int
  let messages: UInt64
  let compression: [String]
  let ring_peak_bytes: Int
  let ring_capacity_bytes: Int
  let lateness_p99_ns: Int64
  let replayed_transitions: Int
  let replayed_transitions_per_second: Double
  let replayed_bytes_per_transition: Double

  init(rate: Double, report: RunReport, info: LogInfo, throughput: LogBenchmark.Throughput) {
    rate_hz = rate
    seconds = report.loopSeconds
    transitions = report.recording?.messageCounts["/transition"] ?? 0
    dropped_records = report.recording?.dropped ?? 0
    log_bytes = info.size
    bytes_per_transition = info.bytesPerTransition ?? .nan
    bytes_per_transition_aim = Self.aim
    chunks = info.chunkCount
    messages = info.messageCount
    compression = info.compressions
    ring_peak_bytes = report.recording?.ringPeak ?? 0
    ring_capacity_bytes = report.recording?.ringCapacity ?? 0
    lateness_p99_ns = report.loop?.lateness.p99 ?? 0
    replayed_transitions = throughput.transitions
    replayed_transitions_per_second = throughput.rate
    replayed_bytes_per_transition = Double(throughput.bytes) / Double(max(throughput.transitions, 1))
  }

  var text: String {
    """
    \(Format.number(rate_hz)) Hz for \(Format.fixed(seconds, 1)) s: \(Format.count(transitions, "transition")), \(Format.count(messages, "message")) in \(Format.count(chunks, "chunk")), \
    \(Format.bytes(Int(log_bytes)))
    dropped records        \(dropped_records)
    bytes per transition   \(Format.fixed(bytes_per_transition, 1)) (aim: at most \(Format.number(Self.aim)), \
    \(bytes_per_transition <= Self.aim ? "met" : "missed"))
    fullest ring           \(Format.bytes(ring_peak_bytes)) of \(Format.bytes(ring_capacity_bytes))
    lateness of the loop   p99 \(Format.duration(lateness_p99_ns))
    log alone              \(Format.fixed(replayed_transitions_per_second, 0)) transitions/s, \
    \(Format.fixed(replayed_bytes_per_transition, 1)) bytes each
    """
  }
}
