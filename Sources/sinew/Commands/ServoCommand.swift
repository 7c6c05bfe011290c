import ArgumentParser
import ServoBus

/// `sinew servo`: look at servos, change them, and measure their bus.
struct ServoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "servo",
    abstract: "Find, examine, change and measure servos on a bus.",
    discussion: """
      New servos all have id 1. Connect them one at a time: scan, set-id, set-baud; then all together: scan, monitor. \
      Hobby servos behind a controller board: 'sinew firmware'.

      Examples:
        sinew servo scan --port /dev/ttyUSB0 --protocol feetech
        sinew servo info --port /dev/ttyUSB0 --protocol dynamixel2 --id 1
        sinew servo monitor --port /dev/ttyUSB0 --protocol feetech --ids 1-6

      Exit codes: 0 success; 1 a servo or the port failed; 2 wrong input or a port that cannot be opened.
      """,
    subcommands: [
      ServoScanCommand.self, ServoInfoCommand.self, ServoReadCommand.self, ServoWriteCommand.self,
      ServoSetIDCommand.self, ServoSetBaudCommand.self, ServoRebootCommand.self, ServoMonitorCommand.self,
      ServoWatchCommand.self, ServoBenchCommand.self,
    ])
}

/// `sinew servo reboot`.
struct ServoRebootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reboot", abstract: "Restart a DYNAMIXEL servo; clears latched errors, its torque goes off.",
    discussion: """
      The joint is free while the servo starts, and stays so: hold the arm. Feetech servos have no such instruction; \
      switch their torque off and on, or their supply.

      Example:
        sinew servo reboot --port /dev/ttyUSB0 --protocol dynamixel2 --id 3

      Exit codes: 0 it restarts; 1 it does not answer; 2 wrong input.
      """)

  @OptionGroup var bus: ServoOptions
  @Option(name: .customLong("id"), help: "The servo's id.")
  var idArgument: ServoIDArgument

  func validate() throws { _ = try idArgument.id("--id") }

  mutating func run() throws {
    let id = try idArgument.id("--id")
    guard bus.wire == .dynamixel2 else {
      throw InputError(
        "servos that speak \(bus.wire.name) cannot be restarted over the bus; switch their torque off and on with 'sinew servo write torque_enable', or their supply"
      )
    }
    var master = try bus.open()
    try onBus { () throws(BusError) in try master.reboot(id) }
    print("servo \(id) restarts; its torque is off")
  }
}
