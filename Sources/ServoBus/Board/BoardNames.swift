import ServoWire

/// What the numbers of the firmware protocol are called, for people.
public enum BoardNames {
  /// A request's name in the protocol's text.
  public static func request(_ type: UInt8) -> String {
    switch type {
    case SetpointMessage.type: "SETPOINT"
    case ArmMessage.type: "ARM"
    case ClearMessage.type: "CLEAR"
    case StopMessage.type: "STOP"
    case DisarmMessage.type: "DISARM"
    case ConfigSetMessage.type: "CONFIG_SET"
    case ConfigCommitMessage.type: "CONFIG_COMMIT"
    case ConfigDefaultsMessage.type: "CONFIG_DEFAULTS"
    case ConfigGetMessage.type: "CONFIG_GET"
    default: "message \(type)"
    }
  }

  /// A firmware's version: "1.2".
  public static func version(_ number: UInt16) -> String { "\(number >> 8).\(number & 255)" }

  /// "0xD3FF7B24", with a digit for each four bits.
  public static func hex(_ number: some FixedWidthInteger) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: max(0, number.bitWidth / 4 - digits.count)) + digits
  }

  /// A board's counters, as the protocol's text names them.
  public static func counts(_ counts: StatsMessage) -> [(name: String, count: Int)] {
    [
      ("frames", Int(counts.frames)), ("crc", Int(counts.crc)), ("framing", Int(counts.framing)),
      ("oversize", Int(counts.oversize)), ("overrun", Int(counts.overrun)), ("malformed", Int(counts.malformed)),
      ("sequence_gaps", Int(counts.sequenceGaps)), ("refused", Int(counts.refused)),
      ("watchdog_holds", Int(counts.watchdogHolds)), ("watchdog_offs", Int(counts.watchdogOffs)),
      ("late_ticks", Int(counts.lateTicks)),
    ]
  }

  public static func state(_ state: WireState?) -> String {
    switch state {
    case .boot: "boot"
    case .idle: "idle"
    case .armed: "armed"
    case .active: "active"
    case .hold: "hold"
    case .safe: "safe"
    case .fault: "fault"
    case .estop: "estop"
    case nil: "unknown"
    }
  }

  public static func cause(_ cause: WireCause?) -> String {
    switch cause {
    case .powerOn: "power_on"
    case .command: "command"
    case .stop: "stop"
    case .watchdog: "watchdog"
    case .watchdogOff: "watchdog_off"
    case .newSession: "new_session"
    case .armingLapsed: "arming_lapsed"
    case .estopInput: "estop_input"
    case .estopFrame: "estop_frame"
    case .undervoltage: "undervoltage"
    case .overvoltage: "overvoltage"
    case .overcurrent: "overcurrent"
    case .hardware: "hardware"
    case nil: "unknown"
    }
  }

  public static func reset(_ reset: WireReset?) -> String {
    switch reset {
    case .power: "power came on"
    case .external: "reset pin, or the port was opened"
    case .brownOut: "brown-out of the processor"
    case .watchdog: "hardware watchdog: the firmware hung"
    case .unknown, nil: "unknown"
    }
  }

  /// What the bits of `capabilities` mean.
  public static func capabilities(_ bits: UInt16) -> [String] {
    [
      (Capabilities.railSwitch, "switches the servos' power"), (Capabilities.voltage, "measures the supply voltage"),
      (Capabilities.current, "measures the supply current"), (Capabilities.feedback, "measures positions"),
    ].filter { bits & $0.0 != 0 }.map { $0.1 }
  }

  /// What the bits of `flags` are called.
  public static func flags(_ bits: UInt16) -> [String] {
    [
      (StateFlags.armed, "armed"), (StateFlags.resumable, "resumable"), (StateFlags.estopOpen, "estop_open"),
      (StateFlags.stored, "stored"), (StateFlags.unsaved, "unsaved"), (StateFlags.storing, "storing"),
      (StateFlags.rail, "rail"),
    ].filter { bits & $0.0 != 0 }.map { $0.1 }
  }

  /// Why something was refused.
  public static func explain(_ result: ResultMessage) -> String {
    let detail = result.detail
    guard let code = result.code else { return "a code that this program does not know" }
    switch code {
    case .ok: return "done"
    case .unknownType: return "it knows no such message (type \(detail))"
    case .badLength: return "the message has a wrong length (\(detail) bytes)"
    case .badState: return "not possible in its state \(state(WireState(wireValue: UInt8(truncatingIfNeeded: detail))))"
    case .badSession: return "another program has begun a session with it, or it has started again"
    case .outOfRange: return "a value is out of its range (\(BoardSetting.name(ofKey: detail)))"
    case .busy: return "it is storing its settings"
    case .storage: return "its settings could not be stored; those stored before stay"
    case .estop: return "its emergency-stop input is open"
    case .notArmed: return "this session has not armed it"
    case .schemaMismatch: return "it speaks another version of the protocol"
    case .notConfigured: return "a setting is missing or contradicts another (\(BoardSetting.name(ofKey: detail)))"
    case .supply:
      return "its supply is outside the limits (\(cause(WireCause(wireValue: UInt8(truncatingIfNeeded: detail)))))"
    case .hardware: return "its hardware reports a fault"
    }
  }

  /// What to do about a refusal.
  static func remedy(_ result: ResultMessage) -> String {
    guard let code = result.code else { return "flash the board with the firmware of this program's release" }
    switch code {
    case .badState: return "stop and disarm the arm first; 'sinew firmware info' shows the board's state"
    case .badSession: return "end the other program, then connect again"
    case .outOfRange, .notConfigured: return "read the settings with 'sinew firmware config' and correct them"
    case .busy: return "try again in a moment"
    case .estop: return "release the button, or check its wire, then try again"
    case .supply: return "check the servos' supply, and the limits with 'sinew firmware config'"
    case .hardware, .storage: return "switch the board's supply off and on, then try again"
    case .ok, .unknownType, .badLength, .notArmed, .schemaMismatch:
      return "flash the board with the firmware of this program's release"
    }
  }
}
