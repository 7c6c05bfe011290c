/// Why a network cannot be built: one line that names the operation and the shapes.
public struct NetworkError: Error, CustomStringConvertible, Sendable, Equatable {
  /// What happened, where, and what to do next.
  public var message: String

  /// An error with its one-line text.
  public init(_ message: String) { self.message = message }

  /// The message itself.
  public var description: String { message }
}
