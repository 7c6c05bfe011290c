/// Why virtual servos could not be set up or served: one line that says what happened, where, and what to do next.
public struct VirtualServoError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The whole line.
  public let description: String

  /// An error with its line.
  public init(_ description: String) { self.description = description }
}
