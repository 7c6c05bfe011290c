import ArgumentParser
import CSystem
import ServoBus
import ServoWire

/// `sinew firmware stats`: what a board has counted, and how the line does.
struct FirmwareStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Print what a board has counted since it started, and how the line does.",
    discussion: """
      The line is tried for some seconds by asking for the board's state, one question after the other: how many answers \
      come, how long they take, how the board's clock runs. Nothing is moved.

      Examples:
        sinew firmware stats --port /dev/ttyUSB0
        sinew firmware stats --port /dev/ttyUSB0 --seconds 10 --json

      Exit codes: 0 success; 1 the board does not answer; 2 wrong input or a port that cannot be opened.
      """)

  @OptionGroup var board: FirmwareOptions
  @Option(help: "How long to try the line, s; 0 for not at all.")
  var seconds = 2.0
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard seconds >= 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be between 0 and 3600, found \(seconds).")
    }
  }

  struct Output: Encodable {
    struct Count: Encodable {
      var name: String
      var count: Int
    }
    struct Line: Encodable {
      var asked: Int
      var answered: Int
      var rateHz: Double
      var roundTripMicroseconds: Double
      var roundTripWorstMicroseconds: Double
      var clockDriftPpm: Double
      var clockErrorMicroseconds: Double
    }
    var board: [Count]
    var host: [Count]
    var line: Line?
  }

  mutating func run() throws {
    var port = try board.open()
    let seconds = seconds
    let output = try onBoard { () throws(ServoArmError) -> Output in
      try port.open()
      var line: Output.Line?
      if seconds > 0 { line = try Self.tryLine(&port, seconds) }
      let counts = try port.readStatistics()
      return Output(
        board: BoardNames.counts(counts).map { Output.Count(name: $0.name, count: $0.count) },
        host: port.counters.table.map { Output.Count(name: $0.kind, count: Int($0.count)) }, line: line)
    }
    if json {
      try printJSON(output)
      return
    }
    var table = TextTable(header: ["board, since it started", "count"])
    for count in output.board { table.add([count.name, "\(count.count)"]) }
    print(table.text)
    guard let line = output.line else { return }
    print(
      "line: \(line.answered) of \(line.asked) answers, \(Format.fixed(line.rateHz, 1)) a second; round trip "
        + "\(Format.fixed(line.roundTripMicroseconds, 0)) µs in the middle, \(Format.fixed(line.roundTripWorstMicroseconds, 0)) "
        + "µs at worst; the board's clock runs \(Format.fixed(line.clockDriftPpm, 0)) ppm fast, within "
        + "\(Format.fixed(line.clockErrorMicroseconds, 0)) µs")
    let bad = output.host.filter { $0.count > 0 && !["sent", "received", "setpoint", "state"].contains($0.name) }
    if !bad.isEmpty { print("host: " + bad.map { "\($0.name) \($0.count)" }.joined(separator: ", ")) }
  }

  private static func tryLine(_ port: inout BoardPort, _ seconds: Double) throws(ServoArmError) -> Output.Line {
    let begin = sinew_now_ns()
    let before = port.counters
    var times: [Int64] = []
    try port.compareClocks(times: 4)
    while sinew_now_ns() - begin < Int64(seconds * 1e9) {
      let sent = sinew_now_ns()
      try port.readState()
      times.append(sinew_now_ns() - sent)
      if times.count % 20 == 0 { try port.compareClocks(times: 1) }
    }
    let sorted = times.sorted()
    return Output.Line(
      asked: Int(port.counters.sent - before.sent), answered: Int(port.counters.received - before.received),
      rateHz: Double(times.count) / (Double(sinew_now_ns() - begin) * 1e-9),
      roundTripMicroseconds: Double(sorted.isEmpty ? 0 : sorted[sorted.count / 2]) / 1000,
      roundTripWorstMicroseconds: Double(sorted.last ?? 0) / 1000, clockDriftPpm: port.clock.drift * 1e6,
      clockErrorMicroseconds: Double(port.clock.roundTrip) / 2000)
  }
}
