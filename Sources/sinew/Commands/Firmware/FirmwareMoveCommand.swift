import ArgumentParser
import CSystem
import Glibc
import ServoBus
import ServoWire

/// `sinew firmware move`: single servos to pulses, by hand.
struct FirmwareMoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "move",
    abstract: "Move single servos behind a board to pulses: the first motion, and for measuring a calibration.",
    discussion: """
      Only the channels that are named get pulses. When they come on, each servo leaps to the pulse of --from at its own full \
      speed, wherever it stood; from there it goes to its target at --speed, and stays until Enter, Ctrl-C or the end of \
      --seconds. Then all outputs go off: support what may fall. When this program dies, the board holds after 0.3 s and \
      switches off after its off_ms. The board keeps nothing of it: its settings are put back.

      Examples:
        sinew firmware move 0=1600 --port /dev/ttyUSB0
        sinew firmware move 1=1400 2=1650 --port /dev/ttyUSB0 --from 1500 --speed 100
        sinew firmware move 5=2100 --port /dev/ttyUSB0 --upper 2200
        sinew firmware move 0=1550 --port /tmp/board --yes --seconds 1

      Exit codes: 0 success, also after Ctrl-C: the outputs are off; 1 the board failed, stopped or refused; 2 wrong input or a \
      port that cannot be opened.
      """)

  @Argument(help: ArgumentHelp("Channel and pulse in µs; may be repeated.", valueName: "channel=pulse"))
  var moves: [String]
  @OptionGroup var board: FirmwareOptions
  @Option(help: "Pulse with which the outputs come on, µs.")
  var from = 1500.0
  @Option(help: "How fast pulses change, µs/s, 10 to 2000. A servo turns about a radian for 541 µs.")
  var speed = 200
  @Option(help: "Shortest pulse that may be asked for, µs.")
  var lower = 1000.0
  @Option(help: "Longest pulse that may be asked for, µs.")
  var upper = 2000.0
  @Option(help: "Stay at the targets for so many seconds. Default: until Enter or Ctrl-C.")
  var seconds: Double?
  @Flag(help: "Switch on without asking: the servos move at once.")
  var yes = false

  func validate() throws {
    guard (10...2000).contains(speed) else {
      throw ValidationError("--speed must be between 10 and 2000 µs/s, found \(speed).")
    }
    guard lower >= 400, upper <= 2600, lower < upper else {
      throw ValidationError("--lower and --upper must lie between 400 and 2600 µs, the lower one first.")
    }
    guard from >= lower, from <= upper else {
      throw ValidationError("--from must be between --lower and --upper, \(lower) and \(upper) µs; found \(from).")
    }
    if let seconds, !(seconds >= 0 && seconds <= 3600) {
      throw ValidationError("--seconds must be between 0 and 3600, found \(seconds).")
    }
    guard yes || OperatorPrompt.canAsk else {
      throw ValidationError("nobody can be asked here whether the servos may move; --yes says that they may.")
    }
    guard !yes || seconds != nil || OperatorPrompt.canAsk else {
      throw ValidationError("nobody sits here to end it with Enter; give --seconds.")
    }
  }

  mutating func run() throws {
    let targets = try self.targets()
    guard sinew_install_stop_signals() == 0 else { throw RunFailure("stop signals could not be installed") }
    var port = try board.open()
    let before = try onBoard { () throws(ServoArmError) in
      try port.open()
      return try port.readAllSettings()
    }
    let channels = port.identity.kinds.count
    if let wrong = targets.first(where: { $0.channel >= channels }) {
      throw InputError("the board has channels 0 to \(channels - 1), and no channel \(wrong.channel)")
    }
    let state = try onBoard { () throws(ServoArmError) in try port.readState().message }
    guard let idle = state.state, idle == .idle else {
      throw RunFailure(
        "the board is \(BoardNames.state(state.state)) (\(BoardNames.cause(state.cause))); support the arm and bring it to "
          + "idle: sinew firmware disarm --port \(board.port)")
    }
    guard try isAllowed(targets) else {
      printError("nothing was switched on")
      return
    }
    var failure: (any Error)?
    do {
      try onBoard { () throws(ServoArmError) in
        try port.writeSettings(settings(targets, channels: channels))
        try port.perform(ArmMessage.type)
      }
      try follow(&port, targets)
    } catch { failure = error }
    if Terminal.isInteractive { Terminal.clearLine() }
    // Whatever went wrong: first the outputs, then the settings, which change in idle alone.
    let isOff = try? onBoard { () throws(ServoArmError) in
      let state = try port.disarm()
      try port.writeSettings(before.map { (key: $0.setting.key, value: $0.value) })
      return state
    }
    if let isOff { print("the board is \(BoardNames.state(isOff)), its outputs are off") }
    if let failure { throw failure }
    guard isOff != nil else {
      throw RunFailure("the board did not confirm that its outputs are off; it switches them off by itself, see off_ms")
    }
  }

  /// How long the board goes on without this program, ms: longer than an ordinary thread is kept waiting.
  private static var ttl: UInt16 { 300 }

  /// What was asked for, in quarters of a µs.
  private func targets() throws -> [(channel: Int, pulse: UInt16)] {
    var list: [(channel: Int, pulse: UInt16)] = []
    for text in moves {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let channel = Int(parts[0]), (0..<WireSchema.maximumChannels).contains(channel),
        let pulse = Double(parts[1]), pulse.isFinite
      else { throw InputError("'\(text)' is not CHANNEL=PULSE, such as 0=1600 (µs)") }
      guard pulse >= lower, pulse <= upper else {
        throw InputError(
          "'\(text)': pulses of \(lower) to \(upper) µs are allowed; --lower and --upper widen that, never against a stop"
        )
      }
      guard !list.contains(where: { $0.channel == channel }) else {
        throw InputError("channel \(channel) is named twice")
      }
      list.append((channel, UInt16((pulse * 4).rounded())))
    }
    return list
  }

  /// Settings with which the named channels alone have pulses.
  private func settings(_ targets: [(channel: Int, pulse: UInt16)], channels: Int) -> [(key: UInt16, value: UInt16)] {
    var list: [(key: UInt16, value: UInt16)] = [(UInt16(GlobalSetting.ttlMaxMs), Self.ttl)]
    for channel in 0..<channels {
      var values = [UInt16](repeating: 0, count: WireSchema.channelSettings)
      if targets.contains(where: { $0.channel == channel }) {
        values[ChannelSetting.kind] = 1
        values[ChannelSetting.pulseMin] = UInt16((lower * 4).rounded())
        values[ChannelSetting.pulseMax] = UInt16((upper * 4).rounded())
        values[ChannelSetting.rate] = UInt16(speed)
        // A fifth of a second to full speed, in 10 µs/s².
        values[ChannelSetting.acceleration] = UInt16(max(4, speed / 2))
        values[ChannelSetting.start] = UInt16((from * 4).rounded())
      }
      for (place, value) in values.enumerated() { list.append((BoardSetting.key(channel: channel, place), value)) }
    }
    return list
  }

  private func isAllowed(_ targets: [(channel: Int, pulse: UInt16)]) throws -> Bool {
    guard !yes else { return true }
    tcflush(STDIN_FILENO, TCIFLUSH)
    let names = targets.map { "\($0.channel)" }.joined(separator: ", ")
    printError(
      "Servo \(names) will leap to \(Format.fixed(from, 0)) µs, then move. Keep clear, and the switch of the servos' power at "
        + "hand. Press Enter to switch on, Ctrl-C to end.")
    var lines = LineReader()
    while sinew_stop_requests() == 0 {
      switch lines.next(within: 100) {
      case .line: return true
      case .ended: return false
      case .nothing: continue
      }
    }
    return false
  }

  /// Brings the channels to their targets and keeps them there until the end.
  private func follow(_ port: inout BoardPort, _ targets: [(channel: Int, pulse: UInt16)]) throws {
    // The board takes a first SETPOINT at the pulse with which the outputs come on, and no other.
    let start = targets.map { (channel: $0.channel, pulse: UInt16((from * 4).rounded())) }
    var goal = start
    var arrived: Int64?
    var lines = LineReader()
    var next = sinew_now_ns()
    while sinew_stop_requests() == 0 {
      let state = try onBoard { () throws(ServoArmError) in try port.move(goal, ttl: Self.ttl) }
      // A STATE that was under way when the first SETPOINT was sent; a board that does not begin goes back to idle.
      if let name = state.state, name == .armed, goal.elementsEqual(start, by: { $0 == $1 }) { continue }
      guard let name = state.state, name == .active else {
        throw RunFailure(
          "the board has stopped: \(BoardNames.state(state.state)) (\(BoardNames.cause(state.cause))); "
            + "the servos hold or are off by now")
      }
      goal = targets
      let places = targets.map {
        (channel: $0.channel, pulse: Int($0.channel) < state.applied.count ? state.applied[$0.channel] : 0)
      }
      if Terminal.isInteractive { Terminal.showLine(Self.text(places)) }
      if arrived == nil, zip(places, targets).allSatisfy({ $0.pulse == $1.pulse }) {
        arrived = sinew_now_ns()
        if Terminal.isInteractive { Terminal.clearLine() }
        print(Self.text(places) + (seconds == nil ? "; Enter switches off" : ""))
      }
      if let arrived, let seconds, sinew_now_ns() - arrived >= Int64(seconds * 1e9) { return }
      if OperatorPrompt.canAsk, lines.next(within: 0) != .nothing { return }
      next = max(next + 20_000_000, sinew_now_ns())
      _ = sinew_sleep_until_ns(next)
    }
  }

  private static func text(_ places: [(channel: Int, pulse: UInt16)]) -> String {
    places.map { "channel \($0.channel) at \(Format.fixed(Double($0.pulse) / 4, 2)) µs" }.joined(separator: ", ")
  }
}
