import ArgumentParser
import ServoBus
import ServoWire

/// `sinew firmware monitor`: what a board does, line by line.
struct FirmwareMonitorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "monitor", abstract: "Watch a board: its state, supply and pulses.",
    discussion: """
      One line per round. Pulses are those that the board puts out; where the servos are, nobody knows, unless the board \
      measures it: what its converters read is printed as it comes, in their own units.

      Examples:
        sinew firmware monitor --port /dev/ttyUSB0
        sinew firmware monitor --port /dev/ttyUSB0 --rate 50 --samples 100 --csv

      Exit codes: 0 success, also after Ctrl-C; 1 the board does not answer; 2 wrong input or a port that cannot be opened.
      """)

  @OptionGroup var board: FirmwareOptions
  @OptionGroup var sampling: SamplingOptions

  struct Line: Encodable {
    var boardSeconds: Double
    var state: String
    var cause: String
    var flags: [String]
    var supplyVolts: Double
    var pulsesMicroseconds: [Double]
    var clamped: Int
    var limited: Int
    /// In the converters' units; empty on a board that does not measure.
    var feedback: [Int]
  }

  mutating func run() throws {
    var port = try board.open()
    try onBoard { () throws(ServoArmError) in _ = try port.open() }
    if sampling.csv { print("board_s,state,cause,flags,supply_v,clamped,limited,pulses_us,feedback") }
    try sampling.run {
      let message = try onBoard { () throws(ServoArmError) in try port.readState().message }
      let line = Line(
        boardSeconds: Double(message.mcuUs) * 1e-6, state: BoardNames.state(message.state),
        cause: BoardNames.cause(message.cause), flags: BoardNames.flags(message.flags),
        supplyVolts: Double(message.voltageMv) / 1000,
        pulsesMicroseconds: (0..<message.applied.count).map { Double(message.applied[$0]) / 4 },
        clamped: Int(message.clamped), limited: Int(message.limited),
        feedback: (0..<message.feedback.count).map { Int(message.feedback[$0]) })
      print(try text(line))
      return true
    }
  }

  private func text(_ line: Line) throws -> String {
    if sampling.json { return try JSONText.line(line) }
    let pulses = line.pulsesMicroseconds.map { $0 == 0 ? "off" : Format.fixed($0, 2) }
    let time = Format.fixed(line.boardSeconds, 3)
    let volts = Format.fixed(line.supplyVolts, 2)
    if sampling.csv {
      return "\(time),\(line.state),\(line.cause),\(line.flags.joined(separator: " ")),\(volts),\(line.clamped),"
        + "\(line.limited),\(pulses.joined(separator: " ")),\(line.feedback.map(String.init).joined(separator: " "))"
    }
    let feedback =
      line.feedback.isEmpty ? "" : "feedback " + line.feedback.map(String.init).joined(separator: " ") + "  "
    return "\(time) s  \(line.state) (\(line.cause))  \(volts) V  \(pulses.joined(separator: " ")) µs  " + feedback
      + line.flags.joined(separator: " ")
  }
}
