import ArgumentParser
import CSystem
import ServoBus

/// `sinew servo scan`: who is on the bus.
struct ServoScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "List the servos that answer, and say what is wrong with them.",
    discussion: """
      Asks every id in turn at the given speed; where nobody answers, at all other speeds that such servos can have, \
      which takes up to a minute. --baud all asks at all speeds in any case, --protocol auto in all protocols.

      --expect names the servos in the order of the cable, so that a break in it can be located.

      Examples:
        sinew servo scan --port /dev/ttyUSB0 --protocol dynamixel2 --ids 1-20
        sinew servo scan --port /dev/ttyUSB0 --protocol feetech --expect 1-6
        sinew servo scan --port /dev/ttyUSB0 --protocol auto --baud all --json

      Exit codes: 0 servos answer; 1 none does, or one that is expected does not, or several have one id, or the port \
      failed; 2 wrong input or a \
      port that cannot be opened.
      """)

  @Option(help: "Serial port (a link below /dev/serial/by-id is best), pseudo-terminal, or path of a socket.")
  var port: String
  @Option(
    name: .customLong("protocol"),
    help: "What the servos speak: feetech, feetech-scs, dynamixel1, dynamixel2, or auto for all of them.")
  var protocols = ScanProtocols(wires: [.feetechSTS])
  @Option(help: "Speed of the bus, bit/s, or all.")
  var baud = ScanSpeed.one(1_000_000)
  @Option(help: "Ids to ask.")
  var ids = "0-253"
  @Option(help: ArgumentHelp("The servos that should be there, in the order of the cable.", valueName: "ids"))
  var expect: String?
  @OptionGroup var silence: SilenceOptions
  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try ServoOptions.validate(port: port)
    if case .one(let baud) = baud { try ServoOptions.validate(baud: baud, "--baud") }
    guard !protocols.wires.isEmpty else { throw ValidationError(ServoOptions.boardsAdvice) }
  }

  mutating func run() throws {
    let ids = try servoIDs(ids)
    let expected = try expect.map { try servoIDs($0, option: "--expect") } ?? []
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    var scan = BusScan(path: port, ids: ids + expected.filter { !ids.contains($0) }, protocols: protocols.wires)
    scan.patience = silence.nanoseconds
    let findings = try find(&scan)
    let servos = findings.servos
    for note in scan.notes { printError("note: \(note)") }
    let isStopped = sinew_stop_requests() > 0
    if isStopped && !servos.isEmpty { printError("stopped before all was asked") }
    let advice = BusAdvice.lines(
      servos, duplicates: findings.sharedIDs, expected: expected, asked: asked)
    let output = ScanOutput(findings, advice: advice)
    if json {
      try printJSON(output)
    } else if !servos.isEmpty || !advice.isEmpty {
      print(output.text)
    }
    guard findings.sharedIDs.isEmpty else { throw ExitStatus.failure }
    guard !servos.isEmpty else { throw RunFailure(isStopped ? "stopped; no servo has answered so far" : nobody) }
    let heard = Set(servos.map(\.id))
    if !expected.allSatisfy(heard.contains) { throw ExitStatus.failure }
  }

  /// What the user said the servos speak, when it was one thing.
  private var asked: BusLine? {
    guard case .one(let baud) = baud, protocols.wires.count == 1 else { return nil }
    return BusLine(protocols.wires[0], baud: baud)
  }

  private var nobody: String {
    let names = protocols.wires.map(\.name).joined(separator: ", ")
    let other = protocols.wires.count == 1 ? ", then try --protocol auto" : ""
    return
      "\(port): no servo answers at any speed (\(names)); check the servos' supply, the cable and which of its wires carries the data\(other)"
  }

  /// Searches the lines named; the others only when nobody answers there.
  private func find(_ scan: inout BusScan) throws -> BusFindings {
    var progress = ProgressLine(needsTerminal: true)
    defer { progress.finish() }
    let first: [BusLine]
    let others: [BusLine]
    switch baud {
    case .all: (first, others) = (scan.allLines, [])
    case .one(let baud):
      first = scan.lines(baud: baud)
      others = scan.allLines.filter { !first.contains($0) }
    }
    var found = BusFindings()
    for (lines, isFirst) in [(first, true), (others, false)]
    where isFirst || found.servos.isEmpty && found.sharedIDs.isEmpty {
      for (index, line) in lines.enumerated() where sinew_stop_requests() == 0 {
        do throws(BusScanError) {
          let more = try scan.search(line, tries: isFirst && first.count == 1 ? 2 : 1) { part in
            progress.show((Double(index) + part) / Double(lines.count), "asking \(line)")
            return sinew_stop_requests() == 0
          }
          found.servos += more.servos
          found.sharedIDs += more.sharedIDs.filter { !found.sharedIDs.contains($0) }
        } catch {
          switch error {
          // An adaptor need not have every speed that servos have.
          case .port(let error) where error.kind == .wrongSpeed && lines.count > 1: printError("note: \(error)")
          case .port(let error): throw InputError("\(error)")
          case .bus(let error): throw RunFailure("\(error)")
          }
        }
      }
    }
    return found
  }
}

/// Which protocols a scan tries.
struct ScanProtocols: ExpressibleByArgument {
  /// Empty: that of controller boards, which have commands of their own.
  let wires: [WireProtocol]

  init(wires: [WireProtocol]) { self.wires = wires }

  init?(argument: String) {
    if argument == "firmware" {
      wires = []
    } else if argument == "auto" {
      wires = [.feetechSTS, .feetechSCS, .dynamixel1, .dynamixel2]
    } else if let wire = WireProtocol(name: argument) {
      wires = [wire]
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { ProtocolArgument.allValueStrings + ["auto"] }
  var defaultValueDescription: String { wires.count == 1 ? wires[0].name : "auto" }
}

/// Which speeds a scan tries.
enum ScanSpeed: ExpressibleByArgument {
  case one(Int)
  case all

  init?(argument: String) {
    if argument == "all" {
      self = .all
    } else if let baud = Int(argument) {
      self = .one(baud)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String {
    switch self {
    case .one(let baud): "\(baud)"
    case .all: "all"
    }
  }
}

/// What a scan found, as JSON and as text.
struct ScanOutput: Encodable {
  struct Servo: Encodable {
    let id: Int
    let model: String?
    let modelNumber: Int
    let firmware: String
    let `protocol`: String
    let baud: Int
    let voltageV: Double?
    let torqueOn: Bool?
    let errors: [String]
  }

  let servos: [Servo]
  let sharedIds: [UInt8]
  let advice: [String]

  init(_ findings: BusFindings, advice: [String]) {
    sharedIds = findings.sharedIDs
    servos = findings.servos.map {
      Servo(
        id: Int($0.id), model: $0.model?.name, modelNumber: $0.answer.modelNumber, firmware: $0.answer.firmware,
        protocol: $0.line.wire.name, baud: $0.line.baud, voltageV: $0.voltage.map { ($0 * 10).rounded() / 10 },
        torqueOn: $0.isTorqueOn, errors: $0.errors)
    }
    self.advice = advice
  }

  var text: String {
    var table = TextTable(header: [
      "id", "model", "number", "firmware", "protocol", "baud", "voltage", "torque", "errors",
    ])
    for servo in servos {
      table.add([
        "\(servo.id)", servo.model ?? "unknown", "\(servo.modelNumber)", servo.firmware, servo.protocol,
        "\(servo.baud)", servo.voltageV.map { "\(Format.fixed($0, 1)) V" } ?? "?",
        servo.torqueOn.map { $0 ? "on" : "off" } ?? "?",
        servo.errors.isEmpty ? "none" : servo.errors.joined(separator: ", "),
      ])
    }
    let count = Format.count(servos.count, "servo")
    var lines = servos.isEmpty ? [] : [table.text, ""]
    if let last = servos.last {
      lines.append(
        "\(count); the last that answers is servo \(last.id). If there are more on the cable, look at the plug behind it."
      )
    }
    return (lines + advice.map { "warning: \($0)" }).joined(separator: "\n")
  }
}
