import ArmModel
import CSystem

extension ServoArm {
  /// Looks at every servo behind a transport, checks it against profile and calibration, measures the port's latency and
  /// computes the control rate that the bus carries. Nothing is energised or moved, and nothing that lasts is changed.
  /// Throws the first thing that speaks against using this arm, with the next step.
  public static func connect(
    _ transport: consuming Transport, configuration: ServoArmConfiguration
  ) throws(ServoArmError) -> ServoArm {
    let arm = try ArmDescription(configuration)
    return try connect(transport, arm, configuration, path: nil, notes: [])
  }

  /// The same behind a path: a serial device, a pseudo-terminal or a socket; `baud` nil for the profile's usual speed.
  /// Where nobody answers, the other speeds that these servos know are tried, and the error says where they were heard.
  public static func connect(
    path: String, baud: Int?, configuration: ServoArmConfiguration
  ) throws(ServoArmError) -> ServoArm {
    var configuration = configuration
    if let baud { configuration.profile.bus?.baud = baud }
    let arm = try ArmDescription(configuration)
    var notes: [String] = []
    let transport = try open(path, baud: arm.bus.baud, notes: &notes)
    let isSocket = transport.isSocket
    do throws(ServoArmError) {
      return try connect(transport, arm, configuration, path: path, notes: notes)
    } catch {
      // A socket has no speed.
      if isSocket { throw .unanswered(path, error) }
      guard error.kind == .noAnswer else { throw error }
      throw searchSpeeds(path, arm) ?? error
    }
  }

  private static func open(_ path: String, baud: Int, notes: inout [String]) throws(ServoArmError) -> Transport {
    do throws(PortError) {
      return try BusPort.open(path: path, baud: baud, notes: &notes)
    } catch { throw ServoArmError(error) }
  }

  private static func connect(
    _ transport: consuming Transport, _ arm: ArmDescription, _ configuration: ServoArmConfiguration, path: String?,
    notes: [String]
  ) throws(ServoArmError) -> ServoArm {
    var master = BusMaster(transport, wire: arm.wire, timing: BusTiming(baud: arm.bus.baud))
    var examination = try ArmExamination.run(&master, arm)
    examination.report.notes = notes + examination.report.notes
    return ServoArm(master, arm, configuration, examination, path: path)
  }

  /// Listens at the other speeds: the error that says where the servos are, or which speeds were tried.
  private static func searchSpeeds(_ path: String, _ arm: ArmDescription) -> ServoArmError? {
    let known = Set(arm.servos.flatMap { $0.model.baudRates.compactMap { $0 } })
    let speeds = known.filter { $0 != arm.bus.baud && SerialPort.speeds.contains($0) }.sorted(by: >)
    var tried = [arm.bus.baud]
    for speed in speeds {
      if arm.isUnwanted { return .stopped(path) }
      var notes: [String] = []
      guard let transport = try? open(path, baud: speed, notes: &notes) else { continue }
      var master = BusMaster(transport, wire: arm.wire, timing: BusTiming(baud: speed, latency: 10_000_000))
      tried.append(speed)
      guard let found = try? master.scan(arm.servos.map(\.id)), let first = found.first else { continue }
      return ServoArmError(
        .noAnswer, "\(path): no servo answers at \(arm.bus.baud) baud, servo \(first.id) does at \(speed)",
        suggestion: "give --baud \(speed), or change the servos' speed with 'sinew servo set-baud'")
    }
    let list = tried.map { "\($0)" }.joined(separator: ", ")
    return ServoArmError(
      .noAnswer, "\(path): no servo answers, at none of \(list) baud",
      suggestion: "check that the arm has power, that this is its port and \(arm.wire.name) its protocol")
  }

  // MARK: Again

  /// Opens the port anew after it was unplugged, and examines the arm as `connect` does. The arm is then as it was found,
  /// never energised and never moved: `power` is off, unknown or mixed. Only for an arm that was connected by its path.
  public mutating func reconnect() throws(ServoArmError) {
    guard let path else {
      throw ServoArmError(
        .port, "\(master.portName) was handed over open and cannot be opened again",
        suggestion: "connect by a path to be able to connect again")
    }
    isGone = true
    step = -1
    isEnergised = false
    isReleasing = false
    settle()
    var notes: [String] = []
    // The old end first: a device that is claimed cannot be opened twice.
    master.replaceTransport(Transport(nowhere: path))
    master.replaceTransport(try ServoArm.open(path, baud: description.bus.baud, notes: &notes))
    var examination = try ArmExamination.run(&master, description)
    examination.report.notes = notes + examination.report.notes
    tables.deallocate()
    tables = examination.tables()
    layout = examination.layout
    report = examination.report
    isGone = false
    ticksSinceWatch = 0
    settle()
  }

  /// Ends the arm's use by its exit policy, or by another, until `deadline` (monotonic ns): torque off and read back, or
  /// the watchdogs off and torque left on, read back as well. Throws when that could not be confirmed. Not for the control
  /// thread.
  public mutating func finish(as policy: ExitPolicy? = nil, deadline: Int64) throws(ServoArmError) {
    switch policy ?? configuration.exitPolicy {
    case .release: try finishReleased(deadline)
    case .hold: try finishHolding(deadline)
    }
  }

  private mutating func finishReleased(_ deadline: Int64) throws(ServoArmError) {
    var state = JointState(count: jointCount)
    while true {
      do throws(ArmError) {
        // A silent read is repeated; the port's end is not.
        try release(now: sinew_now_ns())
        try read(into: &state, now: sinew_now_ns())
      } catch {
        if isGone { throw unconfirmed("the port is gone", TorqueState.off) }
      }
      if power == .off { return }
      if sinew_now_ns() >= deadline { throw unconfirmed("no confirmation in time", TorqueState.off) }
      _ = sinew_sleep_until_ns(min(deadline, sinew_now_ns() + min(period, 10_000_000)))
    }
  }

  /// A host that is gone must not trip the watchdogs of servos that shall hold. Every servo is then asked anew: one that has
  /// started again since was under torque when it was read last.
  private mutating func finishHolding(_ deadline: Int64) throws(ServoArmError) {
    if isGone { throw unconfirmed("the port is gone", TorqueState.on) }
    let wasEnergised = isEnergised
    var failure: ServoArmError?
    for servo in 0..<tables.servoCount
    where wasEnergised && tables.facts[servo].hasWatchdog && description.watchdog > 0 {
      do throws(BusError) {
        try master.writeVerified(tables.facts[servo].id, address: 98, [0])
      } catch { failure = ServoArmError(error) }
    }
    for servo in 0..<tables.servoCount {
      tables.memory[servo].torque = TorqueState.unknown
      tables.memory[servo].offSeen = false
    }
    var state = JointState(count: jointCount)
    while !isTorqueKnown, sinew_now_ns() < deadline {
      // A silent read is repeated; the port's end is not.
      do throws(ArmError) {
        try read(into: &state, now: sinew_now_ns())
      } catch {
        if isGone { throw unconfirmed("the port is gone", TorqueState.on) }
      }
      if !isTorqueKnown { _ = sinew_sleep_until_ns(min(deadline, sinew_now_ns() + min(period, 10_000_000))) }
    }
    settle()
    // What was never switched on need not be.
    guard wasEnergised else { return }
    if let failure { throw failure }
    if power != .on { throw unconfirmed("torque is \(power.name)", TorqueState.on) }
  }

  /// Whether every servo has said whether it is under torque.
  private var isTorqueKnown: Bool {
    for servo in 0..<tables.servoCount where tables.memory[servo].torque == TorqueState.unknown { return false }
    return true
  }

  private func unconfirmed(_ reason: String, _ wanted: UInt8) -> ServoArmError {
    var names: [String] = []
    for servo in 0..<tables.servoCount where tables.memory[servo].torque != wanted {
      names.append("servo \(tables.facts[servo].id)")
    }
    let what = wanted == TorqueState.off ? "off" : "on"
    // What was last read may be what is wanted, and still be long ago.
    let which = names.isEmpty ? "; it was \(what) when last read" : ": \(names.joined(separator: ", "))"
    return ServoArmError(
      .notConfirmed, "torque \(what) is not confirmed (\(reason))\(which)",
      suggestion: "support the arm, and cut its power before you touch it")
  }
}
