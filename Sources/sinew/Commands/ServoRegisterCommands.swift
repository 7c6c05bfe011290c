import ArgumentParser
import ServoBus

/// Which servo a register command is about.
struct ServoSelection: ParsableArguments {
  @Option(help: "The servo's id.")
  var id: UInt8
  @Option(help: "Its model, such as sts3215 or xl330-m288. Default: what it says it is.")
  var model: String?

  /// The model named, or else the one that the servo's model number stands for.
  func resolve(_ master: inout BusMaster) throws -> ServoModel {
    if let model {
      guard let found = ServoModel.named(model) else {
        throw InputError(
          "there is no servo model '\(model)'; known: \(ServoModel.all.map(\.name).joined(separator: ", "))")
      }
      guard found.wire == master.wire else {
        throw InputError(
          "the \(model) speaks \(found.wire.name), not \(master.wire.name); give --protocol \(found.wire.name)")
      }
      return found
    }
    let id = id
    let answer = try onBus { () throws(BusError) in try master.ping(id) }
    guard let found = ServoModel.with(modelNumber: answer.modelNumber, wire: master.wire) else {
      throw RunFailure(
        "servo \(id) has model number \(answer.modelNumber), which is not known; give the model most like it with --model"
      )
    }
    return found
  }
}

/// `sinew servo info`: all registers of a servo.
struct ServoInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Print all registers of a servo, in their own numbers and in SI units.",
    discussion: """
      Example:
        sinew servo info --port /dev/ttyUSB0 --protocol feetech --id 1
      """)

  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection
  @Flag(help: "Print one JSON object.")
  var json = false

  struct Output: Encodable {
    struct Value: Encodable {
      let name: String
      let address: Int
      let raw: Int
      let value: Double
      let unit: String
    }
    let id: Int
    let model: String
    let registers: [Value]
  }

  mutating func run() throws {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    var values: [Output.Value] = []
    let id = servo.id
    for register in model.registers {
      let raw = try onBus { () throws(BusError) in try master.readRegister(id, register.name, of: model) }
      values.append(
        Output.Value(
          name: register.name, address: register.address, raw: raw, value: Double(raw) * register.scale,
          unit: register.unit.symbol))
    }
    if json {
      try printJSON(Output(id: Int(id), model: model.name, registers: values))
      return
    }
    print("servo \(id): \(model.name)")
    var table = TextTable(header: ["register", "address", "raw", "value", "unit"])
    for value in values {
      table.add([
        value.name, "\(value.address)", "\(value.raw)", value.unit.isEmpty ? "" : Format.number(value.value),
        value.unit,
      ])
    }
    print(table.text)
  }
}

/// `sinew servo read`: one register.
struct ServoReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Read one register, in its own numbers.",
    discussion: """
      Example:
        sinew servo read present_position --port /dev/ttyUSB0 --id 1
      """)

  @Argument(help: "The register's name, as 'sinew servo info' prints it.")
  var register: String
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  mutating func run() throws {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    let (id, name) = (servo.id, register)
    print(try onBus { () throws(BusError) in try master.readRegister(id, name, of: model) })
  }
}

/// `sinew servo write`: one register, read back.
struct ServoWriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Write one register, in its own numbers, and read it back.",
    discussion: """
      A goal or a torque written here moves the arm at once: keep clear of it.

      Examples:
        sinew servo write torque_enable 0 --port /dev/ttyUSB0 --id 1
        sinew servo write --port /dev/ttyUSB0 --id 1 -- homing_offset -85
      """)

  @Argument(help: "The register's name, as 'sinew servo info' prints it.")
  var register: String
  @Argument(help: "The number; write -- before a negative one.")
  var value: Int
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  mutating func run() throws {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    let (id, name, value) = (servo.id, register, value)
    try onBus { () throws(BusError) in try master.writeRegister(id, name, of: model, to: value) }
    print("servo \(id): \(name) = \(value)")
  }
}

/// `sinew servo set-id`.
struct ServoSetIDCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set-id", abstract: "Give a servo another id. Connect only this one; its torque goes off.",
    discussion: """
      Example:
        sinew servo set-id 6 --port /dev/ttyUSB0 --id 1
      """)

  @Argument(help: "The new id.")
  var newID: UInt8
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  mutating func run() throws {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    let (id, newID) = (servo.id, newID)
    try onBus { () throws(BusError) in try master.setID(id, to: newID, model: model) }
    print("servo \(id) is now servo \(newID)")
  }
}

/// `sinew servo set-baud`.
struct ServoSetBaudCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set-baud", abstract: "Give a servo another speed; its torque goes off.",
    discussion: """
      Example:
        sinew servo set-baud 1000000 --port /dev/ttyUSB0 --protocol dynamixel2 --baud 57600 --id 1
      """)

  @Argument(help: "The new speed, bit/s.")
  var newBaud: Int
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  mutating func run() throws {
    let model = try change()
    // At the new speed it must answer again.
    var again = bus
    again.baud = newBaud
    var master = try again.open()
    let id = servo.id
    _ = try onBus { () throws(BusError) in try master.ping(id) }
    try onBus { () throws(BusError) in try master.lock(id, model) }
    print("servo \(id) now runs at \(newBaud) baud")
  }

  private func change() throws -> ServoModel {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    let (id, baud) = (servo.id, newBaud)
    try onBus { () throws(BusError) in try master.setBaud(id, to: baud, model: model) }
    return model
  }
}
