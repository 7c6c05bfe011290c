/// Why learning stopped or could not begin: one line with what happened, where, and what to do next.
public struct LearningError: Error, CustomStringConvertible, Sendable, Equatable {
  public enum Code: Sendable, Equatable {
    /// A gradient or a loss is NaN or infinite.
    case notFinite
    /// What was learned cannot be used: its numbers have grown out of bounds.
    case diverged
    /// An environment failed (a simulation diverged).
    case environment
    /// A setting cannot be used.
    case setting
    /// Threads or memory were refused.
    case system
    /// A stored state does not fit this run.
    case state
  }
  public let code: Code
  public let description: String

  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
