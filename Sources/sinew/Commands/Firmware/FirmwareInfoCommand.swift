import ArgumentParser
import ServoBus
import ServoWire

/// `sinew firmware info`: who a board is.
struct FirmwareInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Print who a board is: firmware, protocol, schema, state, session.",
    discussion: """
      Boards of every version are told of; one of another version than this program's only as far as every version answers. \
      A board that holds an arm goes on holding it, at most for its off_ms: the session that is begun here ends the one before.

      Examples:
        sinew firmware info --port /dev/ttyUSB0
        sinew firmware info --port /tmp/board --json

      Exit codes: 0 success; 1 nobody answers, or a board of another version; 2 wrong input or a port that cannot be opened.
      """)

  @OptionGroup var board: FirmwareOptions
  @Flag(help: "Print one JSON object.")
  var json = false

  struct Output: Encodable {
    var firmware: String
    var board: Int
    var uniqueID: String
    var protocolVersion: String
    var schema: String
    var fitsThisProgram: Bool
    var state: String
    var cause: String
    var flags: [String]
    var session: Int?
    var reset: String?
    var starts: Int?
    var capabilities: [String]?
    var channels: Int?
    var usedChannels: [Int]?
    var maximumRateHz: Int?
    var supplyVolts: Double?
    var roundTripMicroseconds: Double?
    var latencyMicroseconds: Double?
    var clockErrorMicroseconds: Double?
  }

  mutating func run() throws {
    var port = try board.open()
    let info = try onBoard { () throws(ServoArmError) in try port.findBoard() }
    var output = Output(
      firmware: BoardNames.version(info.firmware), board: Int(info.board), uniqueID: BoardNames.hex(info.uniqueId),
      protocolVersion: "\(info.major).\(info.minor)", schema: BoardNames.hex(info.schema),
      fitsThisProgram: info.major == WireSchema.major && info.schema == WireSchema.hash,
      state: BoardNames.state(info.state), cause: BoardNames.cause(info.cause), flags: BoardNames.flags(info.flags))
    if output.fitsThisProgram {
      try onBoard { () throws(ServoArmError) in
        let who = try port.open()
        try port.compareClocks()
        let state = try port.readState().message
        output.state = BoardNames.state(state.state)
        output.cause = BoardNames.cause(state.cause)
        output.flags = BoardNames.flags(state.flags)
        output.session = Int(port.session)
        output.reset = BoardNames.reset(who.reset)
        output.starts = Int(who.bootCount)
        output.capabilities = BoardNames.capabilities(who.capabilities)
        output.channels = who.kinds.count
        output.usedChannels = (0..<who.kinds.count).filter { who.kinds[$0] != 0 }
        output.maximumRateHz = Int(who.maximumRateHz)
        output.supplyVolts = state.voltageMv == 0 ? nil : Double(state.voltageMv) / 1000
        output.roundTripMicroseconds = Double(port.clock.roundTrip) / 1000
        output.latencyMicroseconds = Double(port.measuredLatency) / 1000
        output.clockErrorMicroseconds = Double(port.clock.roundTrip) / 2000
      }
    }
    if json { try printJSON(output) } else { printText(output) }
    guard output.fitsThisProgram else {
      throw RunFailure(
        "the board speaks protocol \(output.protocolVersion) with schema \(output.schema), this program "
          + "\(WireSchema.major).\(WireSchema.minor) with \(BoardNames.hex(WireSchema.hash)); flash it with the firmware of "
          + "this program's release, see firmware-protocol/README.md")
    }
  }

  private func printText(_ output: Output) {
    func line(_ name: String, _ value: String?) {
      guard let value, !value.isEmpty else { return }
      print(name + String(repeating: " ", count: max(1, 12 - name.count)) + value)
    }
    line("firmware", "\(output.firmware), board kind \(output.board), number \(output.uniqueID)")
    line("protocol", "\(output.protocolVersion), schema \(output.schema)")
    line("state", "\(output.state), cause \(output.cause)")
    line("flags", output.flags.joined(separator: ", "))
    line("session", output.session.map { "\($0)" })
    line("start", output.reset.map { "\($0), start number \(output.starts ?? 0)" })
    line("can", output.capabilities?.joined(separator: ", "))
    line(
      "channels",
      output.channels.map { "\($0), in use: " + (output.usedChannels ?? []).map { "\($0)" }.joined(separator: ", ") })
    line("rate", output.maximumRateHz.map { "\($0) Hz at most" })
    line("supply", output.supplyVolts.map { "\(Format.fixed($0, 2)) V" })
    guard let roundTrip = output.roundTripMicroseconds, let latency = output.latencyMicroseconds else { return }
    // A pseudo-terminal and native USB do not keep to the bit rate.
    let share =
      latency > 0
      ? "\(Format.fixed(latency, 0)) µs more than its bytes need"
      : "faster than its bytes would be at \(board.baud) bit/s"
    line(
      "line",
      "round trip at least \(Format.fixed(roundTrip, 0)) µs, mostly \(share); clocks compared within "
        + "\(Format.fixed(output.clockErrorMicroseconds ?? 0, 0)) µs")
  }
}
