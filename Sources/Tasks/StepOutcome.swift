/// How a step left the episode. `terminated` and `truncated` are independent: a learner bootstraps after the second only.
public struct StepOutcome: Sendable, BitwiseCopyable, Equatable {
  /// Why an episode is terminated or truncated.
  public enum Cause: UInt8, Sendable, BitwiseCopyable {
    /// It goes on.
    case none = 0
    /// The success criterion held, and the task ends with it.
    case success = 1
    /// A joint left its limits by more than the margin.
    case jointLimit = 2
    /// A joint was faster than the task allows.
    case jointVelocity = 3
    /// A point left the workspace.
    case workspace = 4
    /// A position, velocity or point was not a finite number.
    case notFinite = 5
    /// The time limit: truncated.
    case timeLimit = 6
  }

  /// The task came to an end of its own: success or failure. No future reward exists.
  public var terminated: Bool
  /// The time limit cut the episode. The future was merely not played.
  public var truncated: Bool
  /// Whether the episode would count as a success if it ended with this step.
  public var success: Bool
  /// The first cause that applies: termination before truncation.
  public var cause: Cause

  @_noLocks
  public init(terminated: Bool, truncated: Bool, success: Bool, cause: Cause) {
    self.terminated = terminated
    self.truncated = truncated
    self.success = success
    self.cause = cause
  }

  /// Whether the episode is over.
  public var isOver: Bool { @_noLocks get { terminated || truncated } }
}
