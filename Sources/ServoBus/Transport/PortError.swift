/// Why a serial port could not be opened as wanted: one line with what happened, where, and what to do next.
public struct PortError: Error, Sendable, Equatable {
  /// The kinds of failure, for programs.
  public enum Kind: Sendable, Equatable {
    case notFound, notASerialPort, noRights, busy, wrongSpeed, failed
  }
  public let kind: Kind
  public let path: String
  public let message: String
  public let suggestion: String

  init(_ kind: Kind, path: String, _ message: String, suggestion: String) {
    self.kind = kind
    self.path = path
    self.message = message
    self.suggestion = suggestion
  }
}

extension PortError: CustomStringConvertible {
  public var description: String { "\(path): \(message); \(suggestion)" }
}
