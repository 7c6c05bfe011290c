/// What a virtual bus and its servos are doing, as plain values.
public struct BusState: Sendable, Equatable {
  /// Bus time, ns.
  public var time: Int64
  public var servos: [ServoState]
  public var counts: BusCounts
  public var faults: FaultCounts
  /// Whether a host is at the line's other end.
  public var isHostPresent: Bool
  /// When the host was last heard, ns; nil before the first byte.
  public var lastHeard: Int64?
  /// Whether the line hung up for good.
  public var isHungUp: Bool
  /// What is wrong with the emulation itself (physics, EEPROM file); nil while all is well.
  public var trouble: String?
}

/// One servo.
public struct ServoState: Sendable, Equatable {
  public var id: UInt8
  public var model: String
  public var isListening: Bool
  public var isTorqueOn: Bool
  /// As the goal position register says, ticks.
  public var goal: Int
  /// As the present position register says, ticks.
  public var position: Int
  /// The shaft: rad, rad/s, part of the largest torque.
  public var shaft: ShaftState
  /// Status bits of the servo's protocol (hardware errors for DYNAMIXEL X).
  public var errorBits: UInt8
  /// Whether the bus watchdog stopped it.
  public var isWatchdogTripped: Bool
  /// °C.
  public var temperature: Double
  /// V.
  public var voltage: Double
  /// EEPROM writes so far.
  public var flashWrites: Int
}

/// What passed on the line.
public struct BusCounts: Sendable, Equatable {
  public var bytesFromHost = 0
  public var bytesToHost = 0
  /// Instruction packets understood.
  public var instructions = 0
  /// Packets whose check failed.
  public var damaged = 0
  /// Status packets put on the line.
  public var answers = 0
  /// Packets that met another one on the line.
  public var collisions = 0
}

/// One entry of a bus's recording.
public struct BusEvent: Sendable, Equatable {
  /// What happened.
  public enum Kind: String, Sendable {
    /// The host wrote.
    case host
    /// An instruction packet was understood.
    case instruction
    /// An answer reached the host.
    case servo
    /// A watchdog stopped a servo, a servo fell silent or came back, the line hung up, a host came or went.
    case note
  }
  /// Bus time, ns.
  public var time: Int64
  public var kind: Kind
  public var bytes: [UInt8]
  public var note: String

  /// The entry on one line: time in µs, kind, bytes in hex or the note.
  public var line: String {
    let hex = bytes.map { byte in
      let text = String(byte, radix: 16, uppercase: true)
      return text.count == 1 ? "0" + text : text
    }
    return "\(Double(time) / 1000) \(kind.rawValue) \(hex.joined(separator: " "))\(note)"
  }
}

/// What a servo said, before any fault of the line.
public struct SpokenAnswer: Sendable, Equatable {
  /// When the instruction ended, ns.
  public var time: Int64
  public var id: UInt8
  /// The error or status byte.
  public var status: UInt8
  public var data: [UInt8]
}
