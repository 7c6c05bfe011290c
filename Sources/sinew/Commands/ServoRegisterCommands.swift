import ArgumentParser
import ServoBus

/// Which servo a register command is about.
struct ServoSelection: ParsableArguments {
  @Option(name: .customLong("id"), help: "The servo's id.")
  var idArgument: ServoIDArgument
  var id: UInt8 { UInt8(clamping: idArgument.number) }
  @Option(help: "Its model, such as sts3215 or xl330-m288, which must fit what it says. Default: what it says.")
  var model: String?

  func validate() throws { _ = try idArgument.id("--id") }

  /// Refuses an id at which several servos answer: what one says, another garbles, and what is written reaches all. What
  /// looks like it is looked at twice, for a busy machine has late answers, too.
  func requireOne(_ master: inout BusMaster) throws {
    let id = id
    let isShared = try onBus { () throws(BusError) in
      guard try master.isShared(id) else { return false }
      return try master.isShared(id)
    }
    if isShared { throw RunFailure(BusAdvice.duplicate(id)) }
  }

  /// The model named, or else the one that the servo's model number stands for.
  func resolve(_ master: inout BusMaster) throws -> ServoModel {
    let id = id
    if let model {
      guard let found = ServoModel.named(model) else {
        throw InputError(
          "there is no servo model '\(model)'; known: \(ServoModel.all.map(\.name).joined(separator: ", "))")
      }
      guard found.wire == master.wire else {
        throw InputError(
          "the \(model) speaks \(found.wire.name), not \(master.wire.name); give --protocol \(found.wire.name)")
      }
      let answer = try onBus { () throws(BusError) in try master.ping(id) }
      if let own = ServoModel.with(modelNumber: answer.modelNumber, wire: master.wire), own != found {
        throw RunFailure(
          "servo \(id) is an \(own.name) (model number \(own.modelNumber)), not an \(found.name): leave --model out, or connect the right servo"
        )
      }
      return found
    }
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
      Examples:
        sinew servo info --port /dev/ttyUSB0 --protocol feetech --id 1
        sinew servo info --port /dev/ttyUSB0 --protocol dynamixel2 --id 3 --json

      Exit codes: 0 success; 1 the servo does not answer, is another model, or several have this id; 2 wrong input or \
      a port that cannot be opened.
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
    try servo.requireOne(&master)
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
      'sinew servo info' prints all registers with their units; this prints one number and nothing else, for scripts.

      Example:
        sinew servo read present_position --port /dev/ttyUSB0 --protocol feetech --id 1

      Exit codes: 0 success; 1 the servo does not answer or is another model; 2 wrong input (a register that it does not \
      have) or a port that cannot be opened.
      """)

  @Argument(help: "The register's name, as 'sinew servo info' prints it.")
  var register: String
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  mutating func run() throws {
    var master = try bus.open()
    try servo.requireOne(&master)
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
      A goal or a torque written here moves the arm at once: keep clear of it. Registers that are kept without power can \
      only be written with the torque off; Feetech's are unlocked for it and locked again. Id and speed have commands of \
      their own, 'sinew servo set-id' and 'set-baud'.

      Examples:
        sinew servo write torque_enable 0 --port /dev/ttyUSB0 --protocol feetech --id 1
        sinew servo write --port /dev/ttyUSB0 --protocol feetech --id 1 -- homing_offset -85

      Exit codes: 0 written and read back; 1 the servo does not answer, refuses, or is another model; 2 wrong input (a \
      register that it does not have, a number that does not fit, torque still on) or a port that cannot be opened.
      """)

  @Argument(help: "The register's name, as 'sinew servo info' prints it.")
  var register: String
  @Argument(help: "The number; write -- before a negative one.")
  var value: Int
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  func validate() throws {
    // What a servo is found by changes only with the care that these commands take: nobody else there, and read back.
    switch register {
    case "id":
      throw ValidationError("A servo gets another id with 'sinew servo set-id', which sees to it that it is free.")
    case "baud_rate": throw ValidationError("A servo gets another speed with 'sinew servo set-baud', which goes along.")
    default: break
    }
  }

  mutating func run() throws {
    var master = try bus.open()
    try servo.requireOne(&master)
    let model = try servo.resolve(&master)
    let (id, name, value) = (servo.id, register, value)
    try onBus { () throws(BusError) in try master.writeRegister(id, name, of: model, to: value) }
    print("servo \(id): \(name) = \(value)")
  }
}
