/// Where in the logs something was found.
public struct RowPlace: Sendable, Equatable, CustomStringConvertible {
  /// The log's path.
  public var log: String
  public var episode: UInt32
  /// Steps since the start of the episode.
  public var step: UInt32

  public init(log: String, episode: UInt32, step: UInt32) {
    self.log = log
    self.episode = episode
    self.step = step
  }

  public var description: String { "\(log), episode \(episode), step \(step)" }
}

/// Why a policy cannot be fine-tuned from these logs: one line with the row, what is wrong, and what to do next.
public struct FineTuningError: Error, CustomStringConvertible, Sendable {
  /// What was found.
  public enum Code: String, Sendable, CaseIterable {
    /// A setting, or a policy that cannot go on learning.
    case input
    /// A log that cannot be read to its end, or holds no transitions.
    case unreadable
    /// Rows are missing.
    case lossy
    /// Another policy, or the same weights with another normaliser or action, made the log.
    case policy
    /// Joints, observations, actions or their rate are not those of the policy.
    case layout
    /// The policy does not give the recorded distribution or log-probability.
    case replay
    /// The action after the clip stands where the sampled one should.
    case clampedAction
    /// Actions without a density.
    case deterministic
    /// A row that cannot be a termination says that it is one.
    case termination
    /// What was executed is not what the row says.
    case executed
    /// Rows are not in the order in which they happened.
    case order
    /// The last observation of an episode is missing, or belongs to the next.
    case finalObservation
    /// The reward is not the sum of its terms.
    case reward
    /// A number is NaN or infinite.
    case notFinite
    /// The data cannot support an update.
    case support
  }
  public let code: Code
  /// The row; nil where it concerns a whole log or all of them.
  public let place: RowPlace?
  public let description: String

  init(_ code: Code, at place: RowPlace, _ what: String, _ remedy: String) {
    self.code = code
    self.place = place
    description = "\(place): \(what); \(remedy)"
  }

  init(_ code: Code, log: String, _ what: String, _ remedy: String) {
    self.code = code
    place = nil
    description = "\(log): \(what); \(remedy)"
  }

  init(_ code: Code, _ text: String) {
    self.code = code
    place = nil
    description = text
  }
}
