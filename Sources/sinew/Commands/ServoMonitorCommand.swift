import ArgumentParser
import CSystem
import Foundation
import ServoBus

/// How often a servo is asked, and in which form that is printed.
struct SamplingOptions: ParsableArguments {
  @Option(help: "How often to ask, Hz; as often as the bus allows where that is less.")
  var rate = 10.0
  @Option(help: "End after so many rounds. Default: go on until Ctrl-C.")
  var samples: Int?
  @Flag(help: "Print comma-separated values.")
  var csv = false
  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    guard rate >= 0.01, rate <= 1000 else {
      throw ValidationError("--rate must be between 0.01 and 1000 Hz, found \(rate).")
    }
    if let samples, samples < 1 { throw ValidationError("--samples must be at least 1, found \(samples).") }
    if csv && json { throw ValidationError("--csv and --json exclude each other.") }
  }

  /// Calls `body` at the rate, until it says false, a signal asks for the end, or all samples are taken.
  func run(_ body: () throws -> Bool) throws {
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    let period = Int64(1e9 / rate)
    var next = sinew_now_ns()
    var taken = 0
    while sinew_stop_requests() == 0, taken < samples ?? .max {
      guard try body() else { return }
      taken += 1
      guard taken < samples ?? .max else { return }
      next = max(next + period, sinew_now_ns())
      // In pieces, so that Ctrl-C is heard soon.
      while sinew_stop_requests() == 0, sinew_now_ns() < next {
        _ = sinew_sleep_until_ns(min(next, sinew_now_ns() + 50_000_000))
      }
    }
  }
}

/// Which servos of a bus are looked at.
struct ServosOnBus: ParsableArguments {
  @Option(help: "The servos, such as 1-6. Default: all that answer, which takes a few seconds to find out.")
  var ids: String?
  @OptionGroup var silence: SilenceOptions

  /// The servos, each with the table that its model number stands for.
  func resolve(_ master: inout BusMaster) throws -> [ServoMonitor.Servo] {
    let wire = master.wire
    if let ids {
      return try servoIDs(ids).map { id in
        let answer = try onBus { () throws(BusError) in try master.ping(id) }
        return ServoMonitor.Servo(id, ServoModel.with(modelNumber: answer.modelNumber, wire: wire), wire: wire)
      }
    }
    var progress = ProgressLine()
    let found = try onBus { () throws(BusError) in
      try master.search(Array(0...wire.highestID), patience: silence.nanoseconds) { part in
        progress.show(part, "looking for servos")
        return true
      }
    }.servos
    progress.finish()
    guard !found.isEmpty else {
      throw RunFailure(
        "\(master.portName): no servo answers at \(master.timing.baud) baud, \(wire.name); 'sinew servo scan' tries other speeds and protocols"
      )
    }
    return found.map { ServoMonitor.Servo($0.id, $0.model, wire: wire) }
  }
}

/// `sinew servo monitor`: what servos measure, live.
struct ServoMonitorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor", abstract: "Show what servos measure, until Ctrl-C. Nothing is written to them.",
    discussion: """
      Position (in degrees from the servo's own zero, and in its ticks), velocity, load or current, supply voltage, \
      temperature, torque, and the errors that the servo reports. In a terminal a table that renews itself; elsewhere a \
      line per servo and round. --csv and --json print SI units, as their names say.

      Examples:
        sinew servo monitor --port /dev/ttyUSB0 --protocol feetech --ids 1-6
        sinew servo monitor --port /dev/ttyUSB0 --protocol dynamixel2 --rate 50 --csv > servos.csv

      Exit codes: 0 ended by Ctrl-C or --samples; 1 a servo does not answer at the start, or the port failed; 2 wrong \
      input or a port that cannot be opened.
      """)

  @OptionGroup var bus: ServoOptions
  @OptionGroup var servos: ServosOnBus
  @OptionGroup var sampling: SamplingOptions

  mutating func run() throws {
    var master = try bus.open()
    var monitor = ServoMonitor(try servos.resolve(&master))
    let output = DataOutput()
    var table = LiveTable(isLive: !sampling.csv && !sampling.json && LiveTable.isPossible)
    if sampling.csv { _ = output.writeLine(MonitorLine.csvHeader) }
    let start = sinew_now_ns()
    defer { table.finish() }
    try sampling.run {
      let readings = try onBus { () throws(BusError) in try monitor.sample(&master) }
      let lines = zip(monitor.servos, readings).enumerated().map { index, pair in
        MonitorLine(pair.0, pair.1, missed: monitor.missed[index], start: start)
      }
      if table.isLive {
        table.show(MonitorLine.table(lines))
        return true
      }
      for line in lines {
        let text = sampling.csv ? line.csv : sampling.json ? try JSONText.line(line) : line.text
        guard output.writeLine(text) else { return false }
      }
      return output.push()
    }
    try output.finish()
  }
}

/// One servo's state as it is printed. The JSON object has these names.
struct MonitorLine: Encodable {
  let timeS: Double
  let id: Int
  /// Whether it answered; all that follows is null when it did not.
  let answered: Bool
  let positionTicks: Int?
  let positionRad: Double?
  let velocityRadS: Double?
  let load: Double?
  let currentA: Double?
  let voltageV: Double?
  let temperatureC: Double?
  let torqueOn: Bool?
  let errors: [String]
  /// Rounds in a row without an answer.
  let missed: Int

  init(_ servo: ServoMonitor.Servo, _ reading: ServoReading?, missed: Int, start: Int64) {
    timeS = Double((reading?.stamp ?? sinew_now_ns()) - start) * 1e-9
    id = Int(servo.id)
    answered = reading != nil
    positionTicks = reading?.ticks
    positionRad = reading?.position
    velocityRadS = reading?.velocity
    switch reading?.effort {
    case .load(let value): (load, currentA) = (value, nil)
    case .current(let value): (load, currentA) = (nil, value)
    case nil: (load, currentA) = (nil, nil)
    }
    voltageV = reading?.voltage
    temperatureC = reading?.temperature
    torqueOn = reading?.isTorqueOn
    errors = reading?.errors ?? []
    self.missed = missed
  }

  private static let header = [
    "id", "position", "ticks", "velocity", "effort", "voltage", "temperature", "torque", "errors",
  ]

  /// What a person reads, without the time.
  private var cells: [String] {
    guard answered, let positionTicks, let positionRad, let velocityRadS, let voltageV, let temperatureC else {
      return ["\(id)", "", "", "", "", "", "", "", "no answer (\(missed))"]
    }
    let effort =
      currentA.map { "\(Format.fixed($0, 3)) A" } ?? load.map { "\(Format.fixed(100 * $0, 1)) %" } ?? ""
    return [
      "\(id)", "\(Format.fixed(positionRad * 180 / .pi, 1))°", "\(positionTicks)",
      "\(Format.fixed(velocityRadS * 180 / .pi, 1)) °/s", effort, "\(Format.fixed(voltageV, 1)) V",
      "\(Format.fixed(temperatureC, 0)) °C", torqueOn == true ? "on" : "off",
      errors.isEmpty ? "none" : errors.joined(separator: ", "),
    ]
  }

  static func table(_ lines: [MonitorLine]) -> String {
    var table = TextTable(header: header)
    for line in lines { table.add(line.cells) }
    return table.text
  }

  /// The plain line.
  var text: String {
    let time = "\(Format.fixed(timeS, 3)) s  servo \(id)"
    guard answered else { return "\(time)  \(cells[8])" }
    return
      "\(time)  \(cells[1]) (\(cells[2]))  \(cells[3])  \(cells[4])  \(cells[5])  \(cells[6])  torque \(cells[7])  errors: \(cells[8])"
  }

  static let csvHeader =
    "time_s,id,answered,position_ticks,position_rad,velocity_rad_s,load,current_a,voltage_v,temperature_c,torque_on,errors"

  var csv: String {
    func number(_ value: Double?, _ decimals: Int) -> String { value.map { Format.fixed($0, decimals) } ?? "" }
    let cells: [String] = [
      Format.fixed(timeS, 4), "\(id)", answered ? "1" : "0", positionTicks.map { "\($0)" } ?? "",
      number(positionRad, 5), number(velocityRadS, 4), number(load, 4), number(currentA, 4), number(voltageV, 2),
      number(temperatureC, 1), torqueOn.map { $0 ? "1" : "0" } ?? "", errors.joined(separator: ";"),
    ]
    return cells.joined(separator: ",")
  }
}
