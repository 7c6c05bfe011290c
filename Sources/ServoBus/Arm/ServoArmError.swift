/// Why an arm's servos cannot be used, or are not as they were asked to be: one line with what happened, where, and what
/// to do next.
public struct ServoArmError: Error, Sendable, Equatable {
  /// The kinds of failure, for programs.
  public enum Kind: Sendable, Equatable {
    /// Profile and calibration do not fit each other, or say something no bus has.
    case configuration
    /// The port cannot be opened, or is gone.
    case port
    /// Nobody answers at all.
    case noAnswer
    /// These servos do not answer, others do.
    case missing([UInt8])
    /// Two servos have this id, or its answers are damaged.
    case duplicate(UInt8)
    /// This servo is of another model than the calibration says.
    case wrongModel(UInt8)
    /// Firmware versions that cannot be used together, or are too old.
    case wrongFirmware(UInt8)
    /// This servo's supply is outside the limits.
    case supply(UInt8)
    /// This servo has shut down, or reports a fault that must be cleared first.
    case hardwareError(UInt8)
    /// The servo's homing offset, limits or position are not those that the calibration was made with.
    case calibrationMismatch(UInt8)
    /// A lasting setting of this servo must be changed first.
    case servoSetting(UInt8)
    /// The bus does not carry the control rate asked for.
    case rateTooHigh
    /// The bus failed in the middle of it.
    case bus
    /// Torque is not what it was asked to be, as far as could be read back.
    case notConfirmed
    /// A controller board speaks another version of the protocol than this program.
    case firmwareMismatch
    /// A controller board refuses what it was asked for.
    case refusedByBoard
    /// A stop signal came before the arm was found.
    case stopped
  }
  public let kind: Kind
  public let message: String
  /// What to do next.
  public let suggestion: String
  /// Whether it was asked for something that cannot be: files that do not fit each other, a port that cannot be opened, a
  /// rate that the bus does not carry. All else was found on the bus, or happened there.
  public let isWrongInput: Bool

  init(_ kind: Kind, _ message: String, suggestion: String) {
    self.init(kind, message, suggestion: suggestion, isWrongInput: kind == .configuration || kind == .rateTooHigh)
  }

  private init(_ kind: Kind, _ message: String, suggestion: String, isWrongInput: Bool) {
    self.kind = kind
    self.message = message
    self.suggestion = suggestion
    self.isWrongInput = isWrongInput
  }

  init(_ error: BusError) {
    let kind: Kind
    switch error.kind {
    case .transport: kind = .port
    default: kind = .bus
    }
    self.init(kind, error.message, suggestion: error.suggestion ?? "check cable and power, then try again")
  }

  init(_ error: TransportError, _ port: String) {
    self.init(
      error.code == .failed ? .bus : .port, "\(port): \(error)",
      suggestion: "check the cable and the other end, then try again")
  }

  /// A program that plays a bus or a board at a socket has one guest at a time, and of another it says no more than this.
  static func unanswered(_ path: String, _ error: ServoArmError) -> ServoArmError {
    guard error.kind == .noAnswer || error.kind == .port else { return error }
    let what = error.kind == .port ? "the connection was closed at once" : "nobody answers at this socket"
    return ServoArmError(
      error.kind, "\(path): \(what)",
      suggestion: "another program may be connected, and one at a time is served: end that one, then try again")
  }

  /// What whoever searches throws when they were asked to stop.
  static func stopped(_ port: String) -> ServoArmError {
    ServoArmError(
      .stopped, "\(port): a stop was asked for before the arm was examined", suggestion: "nothing was switched on")
  }

  init(_ error: PortError) {
    self.init(.port, "\(error.path): \(error.message)", suggestion: error.suggestion, isWrongInput: true)
  }
}

extension ServoArmError: CustomStringConvertible {
  public var description: String { "\(message); \(suggestion)" }
}
