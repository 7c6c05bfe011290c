/// Why a message or its schema could not be understood.
public struct MessageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The schema or field it concerns.
  public var subject: String
  public var message: String

  public init(_ subject: String, _ message: String) {
    self.subject = subject
    self.message = message
  }

  public var description: String { "\(subject): \(message)" }
}
