import ArgumentParser
import CSystem
import ServoBus

/// `sinew servo set-id`.
struct ServoSetIDCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set-id", abstract: "Give a servo another id. Connect only this one; its torque goes off.",
    discussion: """
      New servos all have id 1, and two with one id disturb each other: connect them one at a time, the last of the cable \
      first. Refused when another servo is on the bus, when the new id is taken, or when the servo is not the --model \
      that it should be. Then its torque goes off, its memory is unlocked, the id written, the memory locked, and the \
      servo asked at its new id.

      Examples:
        sinew servo set-id 6 --port /dev/ttyUSB0 --protocol feetech --id 1 --model sts3215
        sinew servo set-id 3 --port /dev/ttyUSB0 --protocol dynamixel2 --baud 57600 --id 1 --model xl330-m288

      Exit codes: 0 the servo answers at its new id; 1 refused, or the servo or the port failed; 2 wrong input or a port \
      that cannot be opened.
      """)

  @Argument(help: ArgumentHelp("The new id.", valueName: "new-id"))
  var newIDArgument: ServoIDArgument
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection
  @Flag(name: .customLong("among-others"), help: "Other servos may be on the bus; only the new id must be free.")
  var amongOthers = false
  @OptionGroup var silence: SilenceOptions

  mutating func run() throws {
    guard let newID = UInt8(exactly: newIDArgument.number), newID <= bus.wire.highestID else {
      throw InputError("\(newIDArgument.number) is no id: \(bus.wire.name) has 0 to \(bus.wire.highestID)")
    }
    var master = try bus.open()
    let id = servo.id
    // Before anything else: what two servos answer at once cannot be understood.
    try onBus { () throws(BusError) in try master.requireUnshared(id) }
    let model = try servo.resolve(&master)
    if !amongOthers {
      var progress = ProgressLine()
      defer { progress.finish() }
      let patience = silence.nanoseconds
      try onBus { () throws(BusError) in
        try master.requireAlone(id, patience: patience) { part in
          progress.show(part, "looking for other servos")
          return true
        }
      }
    }
    try onBus { () throws(BusError) in try master.setID(id, to: newID, model: model) }
    print("servo \(id) is now servo \(newID) (\(model.name)); its torque is off")
  }
}

/// `sinew servo set-baud`.
struct ServoSetBaudCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set-baud", abstract: "Give a servo another speed; its torque goes off.",
    discussion: """
      --baud is the speed that it has now; 'sinew servo scan' finds it. The port is then opened at the new speed, and the \
      servo must answer there.

      Examples:
        sinew servo set-baud 1000000 --port /dev/ttyUSB0 --protocol dynamixel2 --baud 57600 --id 1
        sinew servo set-baud 500000 --port /dev/ttyUSB0 --protocol feetech --id 1

      Exit codes: 0 the servo answers at its new speed; 1 it does not, or the port failed; 2 wrong input (a speed that the \
      servo does not have) or a port that cannot be opened.
      """)

  @Argument(help: "The new speed, bit/s.")
  var newBaud: Int
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servo: ServoSelection

  func validate() throws { try ServoOptions.validate(baud: newBaud, "the new speed") }

  mutating func run() throws {
    let model = try change()
    // At the new speed it must answer again.
    var again = bus
    again.baud = newBaud
    var master = try again.open()
    let id = servo.id
    _ = try onBus { () throws(BusError) in try master.ping(id) }
    try onBus { () throws(BusError) in try master.lock(id, model) }
    print("servo \(id) (\(model.name)) now runs at \(newBaud) baud; its torque is off")
  }

  private func change() throws -> ServoModel {
    var master = try bus.open()
    let model = try servo.resolve(&master)
    let (id, baud) = (servo.id, newBaud)
    try onBus { () throws(BusError) in try master.setBaud(id, to: baud, model: model) }
    return model
  }
}
