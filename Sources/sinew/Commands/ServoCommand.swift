import ArgumentParser
import ServoBus

/// `sinew servo`: look at servos, change them, and measure their bus.
struct ServoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "servo",
    abstract: "Find, examine, change and measure servos on a bus.",
    discussion: """
      Examples:
        sinew servo scan --port /dev/ttyUSB0 --protocol feetech
        sinew servo info --port /dev/ttyUSB0 --protocol dynamixel2 --id 1
        sinew servo bench --port /dev/ttyUSB0 --protocol feetech --ids 1-6 --cycles 1000

      Exit codes: 0 success; 1 a servo or the port failed; 2 wrong input or a port that cannot be opened.
      """,
    subcommands: [
      ServoScanCommand.self, ServoInfoCommand.self, ServoReadCommand.self, ServoWriteCommand.self,
      ServoSetIDCommand.self, ServoSetBaudCommand.self, ServoRebootCommand.self, ServoBenchCommand.self,
    ])
}

/// `sinew servo scan`: who is on the bus.
struct ServoScanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "List the servos that answer.",
    discussion: """
      Asks every id in turn; a whole scan of 254 ids takes a few seconds.

      Example:
        sinew servo scan --port /dev/ttyUSB0 --protocol dynamixel2 --ids 1-20
      """)

  @OptionGroup var bus: ServoOptions
  @Option(help: "Ids to ask.")
  var ids = "0-252"
  @Flag(help: "Print one JSON object.")
  var json = false

  struct Output: Encodable {
    struct Servo: Encodable {
      let id: Int
      let model: String?
      let model_number: Int
      let firmware: String
      let status: [String]
    }
    let servos: [Servo]
  }

  mutating func run() throws {
    let ids = try servoIDs(ids)
    var master = try bus.open()
    // An id that stays silent costs a time-out: short, now that nothing else is at stake.
    master.timing.latency = 8_000_000
    let found = try onBus { () throws(BusError) in try master.scan(ids) }
    let servos = found.map { answer in
      Output.Servo(
        id: Int(answer.id), model: ServoModel.with(modelNumber: answer.modelNumber, wire: bus.wire)?.name,
        model_number: answer.modelNumber, firmware: answer.firmware,
        status: StatusText.meanings(answer.status, bus.wire))
    }
    if json {
      try printJSON(Output(servos: servos))
      return
    }
    guard !servos.isEmpty else {
      throw RunFailure(
        "\(bus.port): no servo answered at \(bus.baud) baud, \(bus.wire.name); check power and cable, or try another --baud or --protocol"
      )
    }
    var table = TextTable(header: ["id", "model", "number", "firmware", "status"])
    for servo in servos {
      table.add([
        "\(servo.id)", servo.model ?? "unknown", "\(servo.model_number)", servo.firmware,
        servo.status.isEmpty ? "ok" : servo.status.joined(separator: ", "),
      ])
    }
    print(table.text)
  }
}

/// `sinew servo reboot`.
struct ServoRebootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reboot", abstract: "Restart a DYNAMIXEL servo; clears latched errors, its torque goes off.",
    discussion: """
      Example:
        sinew servo reboot --port /dev/ttyUSB0 --protocol dynamixel2 --id 3
      """)

  @OptionGroup var bus: ServoOptions
  @Option(help: "The servo's id.")
  var id: UInt8

  mutating func run() throws {
    var master = try bus.open()
    try onBus { () throws(BusError) in try master.reboot(id) }
    print("servo \(id) restarts")
  }
}
