/// Why a message or its schema could not be understood.
public struct MessageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The schema or field it concerns.
  public var subject: String
  /// What is wrong with it.
  public var message: String

  /// A failure of `subject`.
  public init(_ subject: String, _ message: String) {
    self.subject = subject
    self.message = message
  }

  /// One line: subject and failure.
  public var description: String { "\(subject): \(message)" }
}
