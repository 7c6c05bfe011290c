import ArgumentParser
import CSystem
import ServoBus

/// `sinew servo watch`: what changes in named registers.
struct ServoWatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Print every change of the registers named, with its time, until Ctrl-C.",
    discussion: """
      Names are those that 'sinew servo info' prints. The first round prints what they hold now. A number that has a unit \
      is printed in both: the servo's own number and SI.

      Examples:
        sinew servo watch present_position torque_enable --port /dev/ttyUSB0 --protocol feetech --ids 1-6
        sinew servo watch hardware_error --port /dev/ttyUSB0 --protocol dynamixel2 --ids 3 --rate 100 --json

      Exit codes: 0 ended by Ctrl-C or --samples; 1 a servo does not answer at the start, or the port failed; 2 wrong \
      input (a register that the servo does not have) or a port that cannot be opened.
      """)

  @Argument(help: ArgumentHelp("Names of registers.", valueName: "register"))
  var registers: [String]
  @OptionGroup var bus: ServoOptions
  @OptionGroup var servos: ServosOnBus
  @OptionGroup var sampling: SamplingOptions

  /// One change. The JSON object has these names.
  struct Change: Encodable {
    let timeS: Double
    let id: Int
    let register: String
    let before: Int?
    let raw: Int
    let value: Double
    let unit: String

    init(_ change: RegisterChange, start: Int64) {
      timeS = Double(change.stamp - start) * 1e-9
      id = Int(change.id)
      register = change.register.name
      before = change.before
      raw = change.now
      value = Double(change.now) * change.register.scale
      unit = change.register.unit.symbol
    }

    static let csvHeader = "time_s,id,register,before,raw,value,unit"
    var csv: String {
      "\(Format.fixed(timeS, 4)),\(id),\(register),\(before.map { "\($0)" } ?? ""),\(raw),\(Format.short(value)),\(unit)"
    }
    var text: String {
      let step = before.map { "\($0) -> \(raw)" } ?? "\(raw)"
      let quantity = unit.isEmpty || unit == "1" ? "" : "  (\(Format.short(value)) \(unit))"
      return "\(Format.fixed(timeS, 3)) s  servo \(id)  \(register)  \(step)\(quantity)"
    }
  }

  mutating func run() throws {
    var master = try bus.open()
    let servos = try servos.resolve(&master)
    let names = registers
    var watch = try onBus { () throws(BusError) in try RegisterWatch(servos, names: names) }
    let output = DataOutput()
    if sampling.csv { _ = output.writeLine(Change.csvHeader) }
    let start = sinew_now_ns()
    try sampling.run {
      for change in try onBus({ () throws(BusError) in try watch.sample(&master) }) {
        let line = Change(change, start: start)
        let text = sampling.csv ? line.csv : sampling.json ? try JSONText.line(line) : line.text
        guard output.writeLine(text) else { return false }
      }
      return output.push()
    }
    try output.finish()
  }
}
