import ArmModel
import CSystem
import ServoWire

/// What was found when an arm behind a controller board was connected.
public struct BoardReport: Sendable, Equatable {
  /// Kind of board, its own number (0: none), and its firmware's version.
  public var board: UInt16
  public var uniqueID: UInt64
  public var firmware: String
  /// How many channels it has.
  public var channels: Int
  /// Bits of `Capabilities`.
  public var capabilities: UInt16
  /// Why the board started last, and how often it has.
  public var reset: String
  public var bootCount: Int
  /// The session that began.
  public var session: UInt16
  /// Whether the outputs were on when it was found.
  public var isHolding: Bool
  /// The second watchdog stage: how long after the host's last word the board switches off, ms.
  public var offAfter: Int
  /// How many settings were other than this arm's and have been set.
  public var changedSettings: Int
  /// bit/s.
  public var baud: Int
  /// What host, adaptor and board add to a round trip, ns: the median of some.
  public var latency: Int64
  /// The board's clock against the host's: share by which it runs fast, and the largest error of a time, ns.
  public var clockDrift: Double
  public var clockError: Int64
  /// Bytes of one tick: SETPOINT and STATE.
  public var sentBytes: Int
  public var receivedBytes: Int
  /// Ticks per second that line and board carry, Hz.
  public var achievableRate: Double
  /// What else is worth knowing, one line each.
  public var notes: [String]
}

extension BoardArm {
  /// Begins a session with the board behind a transport, sets its limits, reads them back, and compares the clocks. The
  /// outputs stay as they are, but for those of an arm that another session holds: these go to HOLD, and off after the
  /// board's second watchdog stage. Throws the first thing that speaks against using this arm, with the next step.
  public static func connect(
    _ transport: consuming Transport, configuration: ServoArmConfiguration, session: UInt16? = nil
  ) throws(ServoArmError) -> BoardArm {
    let description = try BoardDescription(configuration)
    var port = BoardPort(transport, baud: description.bus.baud, session: session)
    let report = try prepare(&port, description, notes: [])
    return BoardArm(port, description, report, path: nil)
  }

  /// The same behind a path: a serial device, a pseudo-terminal or a socket; `baud` nil for the profile's usual speed.
  public static func connect(
    path: String, baud: Int?, configuration: ServoArmConfiguration
  ) throws(ServoArmError) -> BoardArm {
    var configuration = configuration
    if let baud { configuration.profile.bus?.baud = baud }
    let description = try BoardDescription(configuration)
    var notes: [String] = []
    var port = BoardPort(try open(path, description.bus.baud, &notes), baud: description.bus.baud)
    let isSocket = port.transport.isSocket
    do throws(ServoArmError) {
      let report = try prepare(&port, description, notes: notes)
      return BoardArm(port, description, report, path: path)
    } catch {
      throw isSocket ? .unanswered(path, error) : error
    }
  }

  private static func open(_ path: String, _ baud: Int, _ notes: inout [String]) throws(ServoArmError) -> Transport {
    do throws(PortError) {
      return try BusPort.open(path: path, baud: baud, notes: &notes)
    } catch { throw ServoArmError(error) }
  }

  /// Opens the port anew after it was lost, or begins a new session with a board that has left the old one, as `connect`
  /// does. The arm is never energised by it. Only for an arm that was connected by its path.
  public mutating func reconnect() throws(ServoArmError) {
    guard let path else {
      throw ServoArmError(
        .port, "\(port.portName) was handed over open and cannot be opened again",
        suggestion: "connect by a path to be able to connect again")
    }
    forget()
    var notes: [String] = []
    let earlier = port.counters
    // The old end first: a device that is claimed cannot be opened twice.
    port = BoardPort(Transport(nowhere: path), baud: description.bus.baud, session: 1)
    port.link.counters = earlier
    var fresh = BoardPort(try BoardArm.open(path, description.bus.baud, &notes), baud: description.bus.baud)
    fresh.link.counters.add(earlier)
    report = try BoardArm.prepare(&fresh, description, notes: notes)
    port = fresh
    isGone = false
    isReleasing = false
    hasReading = false
    setpointSent = .min
    clockAsked = .min
    adoptReading()
  }

  private static func prepare(
    _ port: inout BoardPort, _ arm: BoardDescription, notes: [String]
  ) throws(ServoArmError) -> BoardReport {
    let board = try port.open(endsOnStopSignals: arm.configuration.endsOnStopSignals)
    let channels = board.kinds.count
    if let joint = arm.joints.first(where: { $0.channel >= channels }) {
      throw ServoArmError(
        .configuration, "\(port.portName): the board has channels 0 to \(channels - 1), the arm needs \(joint.channel)",
        suggestion: "correct the channels in the calibration, or use a board with more")
    }
    try port.compareClocks()
    let found = try port.readState()
    let isHolding = found.message.state == .hold || found.message.state == .active
    let (changed, all) = try configure(&port, arm, board)
    try port.readState()
    let offAfter = all.first { $0.setting.key == UInt16(GlobalSetting.offMs) }.map { Int($0.value) } ?? 0
    var report = BoardReport(
      board: board.board, uniqueID: board.uniqueId, firmware: BoardNames.version(board.firmware), channels: channels,
      capabilities: board.capabilities, reset: BoardNames.reset(board.reset), bootCount: Int(board.bootCount),
      session: port.session, isHolding: isHolding, offAfter: offAfter, changedSettings: changed,
      baud: port.timing.baud, latency: port.measuredLatency, clockDrift: port.clock.drift,
      clockError: port.clock.roundTrip / 2, sentBytes: 12 + 2 * arm.joints.count, receivedBytes: 23 + 2 * channels,
      achievableRate: 0, notes: notes)
    // With feedback each channel has two bytes more.
    if board.capabilities & Capabilities.feedback != 0 { report.receivedBytes += 2 * channels }
    report.achievableRate = rate(report, port, board)
    try checkRate(report, arm, board)
    report.notes += remarks(report, found.message, arm)
    return report
  }

  /// Line and board, whichever is slower: bytes and the least round trip. What a busy machine adds now and then costs a tick
  /// its newest STATE, and the age says so.
  private static func rate(_ report: BoardReport, _ port: borrowing BoardPort, _ board: HelloAckMessage) -> Double {
    let line = port.timing.rate(
      request: report.sentBytes, answers: 0, answerBytes: report.receivedBytes, latency: port.leastLatency)
    return board.maximumRateHz > 0 ? min(line, Double(board.maximumRateHz)) : line
  }

  private static func checkRate(
    _ report: BoardReport, _ arm: BoardDescription, _ board: HelloAckMessage
  ) throws(ServoArmError) {
    let wanted = 1e9 / Double(arm.configuration.controlPeriod)
    guard wanted > report.achievableRate * 1.0001 else { return }
    throw ServoArmError(
      .rateTooHigh,
      "\(Int(wanted.rounded())) Hz asked for, this board carries \(Int(report.achievableRate)): "
        + "\(report.sentBytes) + \(report.receivedBytes) bytes at \(report.baud) baud, round trip "
        + "\(Double(report.latency / 10_000) / 100) ms, \(board.maximumRateHz) Hz by the board itself",
      suggestion: arm.configuration.proposal(most: report.achievableRate))
  }

  /// Sets what is other than this arm's, and reads it back.
  private static func configure(
    _ port: inout BoardPort, _ arm: BoardDescription, _ board: HelloAckMessage
  ) throws(ServoArmError) -> (Int, [(setting: BoardSetting, value: UInt16)]) {
    let wanted = arm.settings(channels: board.kinds.count, capabilities: board.capabilities)
    var found = try port.readAllSettings()
    let different = wanted.filter { pair in found.contains { $0.setting.key == pair.key && $0.value != pair.value } }
    guard !different.isEmpty else { return (0, found) }
    try makeIdle(&port, found)
    try port.writeSettings(different)
    found = try port.readAllSettings()
    for pair in wanted {
      guard let now = found.first(where: { $0.setting.key == pair.key }), now.value != pair.value else { continue }
      throw ServoArmError(
        .notConfirmed, "\(port.portName): setting \(now.setting.name) reads \(now.value), \(pair.value) was written",
        suggestion: "flash the board with the firmware of this program's release")
    }
    return (different.count, found)
  }

  /// Settings change in IDLE only. An arm that is held is not dropped for it: the board switches off by itself, once its
  /// second watchdog stage is over. What is latched with the outputs off is cleared, which switches nothing on.
  private static func makeIdle(
    _ port: inout BoardPort, _ settings: [(setting: BoardSetting, value: UInt16)]
  ) throws(ServoArmError) {
    let off = settings.first { $0.setting.key == UInt16(GlobalSetting.offMs) }.map { Int64($0.value) } ?? 1000
    let end = port.now + (off + 500) * 1_000_000
    while true {
      guard let state = try port.readState().message.state else { break }
      switch state {
      case .idle: return
      case .safe, .fault, .estop: try port.perform(ClearMessage.type)
      case .boot, .armed, .active, .hold:
        guard port.now < end else {
          throw ServoArmError(
            .refusedByBoard, "\(port.portName): the board stays in its state \(BoardNames.state(state))",
            suggestion: "disarm the arm with 'sinew firmware disarm', or press its emergency stop")
        }
        port.transport.sleep(until: port.now + 20_000_000)
      }
    }
  }

  private static func remarks(_ report: BoardReport, _ found: StateMessage, _ arm: BoardDescription) -> [String] {
    var notes = [
      "hobby servos answer nothing: positions are the pulses that the board puts out; a joint that is held up or has lost "
        + "its way is not seen",
      "when torque comes on the servos go to the park pose at their own full speed: bring the arm there first",
      "without this program the board holds after \(arm.holdAfter) ms and switches off after \(report.offAfter) ms: the "
        + "arm may fall then",
    ]
    if report.capabilities & Capabilities.railSwitch == 0 {
      notes.append("the board cannot switch the servos' power: digital servos may go on holding without pulses")
    }
    if report.capabilities & Capabilities.feedback != 0 {
      notes.append("the board measures positions in its converter's units, which this program does not use")
    }
    if report.isHolding {
      notes.append("the board held the arm for another session; it goes on for \(report.offAfter) ms at most")
    }
    if found.state == .safe { notes.append("the board had switched off because its host fell silent") }
    if found.state == .fault || found.state == .estop {
      notes.append("the board had stopped: \(BoardNames.cause(found.cause))")
    }
    return notes
  }

  // MARK: The end

  /// Ends the arm's use by its exit policy, or by another, until `deadline` (monotonic ns). Released: disarmed, and read
  /// back that the outputs are off. Held: STOP, and read back that the board holds; it cannot be asked to hold without a
  /// host, and switches off after its second watchdog stage. Throws what could not be confirmed, and after holding always:
  /// with the time that is left. Not for the control thread.
  public mutating func finish(as policy: ExitPolicy? = nil, deadline: Int64) throws(ServoArmError) {
    if isGone { throw unconfirmed("the line to the board is gone") }
    sequence = ArmingSequence.none
    crash.leave()
    switch policy ?? configuration.exitPolicy {
    case .release: try finishReleased(deadline)
    case .hold: try finishHolding()
    }
  }

  private mutating func finishReleased(_ deadline: Int64) throws(ServoArmError) {
    isEnergised = false
    while true {
      let state = try port.readState().message.state
      adoptReading()
      guard isHeld(state) || state == .armed else { break }
      guard port.now < deadline else { throw unconfirmed("no confirmation in time") }
      try port.perform(DisarmMessage.type)
    }
    storedPower = .off
  }

  private mutating func finishHolding() throws(ServoArmError) {
    guard isEnergised else { return }
    isEnergised = false
    let state = try port.readState().message.state
    if state == .active { try port.perform(StopMessage.type) }
    let message = try port.readState().message
    guard message.state == .hold else { throw unconfirmed("the board is in \(BoardNames.state(message.state))") }
    throw ServoArmError(
      .notConfirmed, "the board holds the arm for \(report.offAfter) ms more, then it switches off by itself",
      suggestion: "support the arm: nobody can keep it up without a program")
  }

  private func unconfirmed(_ reason: String) -> ServoArmError {
    ServoArmError(
      .notConfirmed,
      "torque off is not confirmed (\(reason)); the board switches off by itself after \(report.offAfter) ms",
      suggestion: "support the arm and cut its power")
  }
}
