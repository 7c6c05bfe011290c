import ArmModel

/// Where each field of `sinew_msgs/msg/Transition` lies in the message, for one run's dimensions.
///
/// All but the last field have a fixed size, so the control thread writes the encoded message in place. Offsets count
/// from the start of the message, its 4-byte CDR header included. Wide fields come first: nothing is padded but one
/// byte, and columns of slowly changing numbers lie apart from noisy ones.
public struct TransitionLayout: Sendable, Equatable, BitwiseCopyable {
  /// Numbers in the observation, at least 1.
  public let observationCount: Int
  /// Numbers in an action, at least 1.
  public let actionCount: Int
  /// Joints, at least 1.
  public let jointCount: Int
  /// Reward terms; with 0 the field is left out of the schema.
  public let rewardTermCount: Int

  /// A layout; counts below the least are a programming error.
  public init(observationCount: Int, actionCount: Int, jointCount: Int, rewardTermCount: Int) {
    precondition(observationCount > 0 && actionCount > 0 && jointCount > 0 && rewardTermCount >= 0)
    self.observationCount = observationCount
    self.actionCount = actionCount
    self.jointCount = jointCount
    self.rewardTermCount = rewardTermCount
  }

  // Scalars at the start.
  var stepOffset: Int { @_noLocks get { 4 } }
  var stampOffset: Int { @_noLocks get { 12 } }
  var durationOffset: Int { @_noLocks get { 20 } }
  var episodeOffset: Int { @_noLocks get { 28 } }
  var stepInEpisodeOffset: Int { @_noLocks get { 32 } }
  // Arrays of float32.
  var observationOffset: Int { @_noLocks get { 36 } }
  var meanOffset: Int { @_noLocks get { 36 &+ 4 &* observationCount } }
  var logStandardDeviationOffset: Int { @_noLocks get { meanOffset &+ 4 &* actionCount } }
  var rawActionOffset: Int { @_noLocks get { meanOffset &+ 8 &* actionCount } }
  var actionOffset: Int { @_noLocks get { meanOffset &+ 12 &* actionCount } }
  var commandOffset: Int { @_noLocks get { meanOffset &+ 16 &* actionCount } }
  var proposalOffset: Int { @_noLocks get { commandOffset &+ 4 &* jointCount } }
  var positionOffset: Int { @_noLocks get { commandOffset &+ 8 &* jointCount } }
  var velocityOffset: Int { @_noLocks get { commandOffset &+ 12 &* jointCount } }
  var effortOffset: Int { @_noLocks get { commandOffset &+ 16 &* jointCount } }
  var logProbabilityOffset: Int { @_noLocks get { commandOffset &+ 20 &* jointCount } }
  var valueOffset: Int { @_noLocks get { logProbabilityOffset &+ 4 } }
  var rewardOffset: Int { @_noLocks get { logProbabilityOffset &+ 8 } }
  var rewardTermsOffset: Int { @_noLocks get { logProbabilityOffset &+ 12 } }
  // Bytes.
  var sourceOffset: Int { @_noLocks get { rewardTermsOffset &+ 4 &* rewardTermCount } }
  var commandModeOffset: Int { @_noLocks get { sourceOffset &+ 1 } }
  /// terminated, truncated, success, altered, intervention.
  var flagsOffset: Int { @_noLocks get { sourceOffset &+ 2 } }
  // The sequence at the end: a count, then the numbers.
  var finalCountOffset: Int { @_noLocks get { sourceOffset &+ 8 } }
  var finalObservationOffset: Int { @_noLocks get { sourceOffset &+ 12 } }

  /// Bytes of a message.
  /// - Parameter isFinal: whether it carries the observation after the last step.
  @_noLocks
  public func byteCount(isFinal: Bool) -> Int {
    finalObservationOffset &+ (isFinal ? 4 &* observationCount : 0)
  }

  /// The `ros2msg` definition with this run's lengths.
  public var schemaText: String {
    let (o, a, j) = ("float32[\(observationCount)]", "float32[\(actionCount)]", "float32[\(jointCount)]")
    let sources = CommandSource.allCases.map { "uint8 SOURCE_\("\($0)".uppercased())=\($0.rawValue)" }
    let terms = rewardTermCount > 0 ? "\nfloat32[\(rewardTermCount)] reward_terms" : ""
    return sources.joined(separator: "\n") + """

      uint64 step                  # policy steps since the start of the run
      int64 stamp_ns               # monotonic time of the observation
      float64 duration             # s until the next observation
      uint32 episode
      uint32 step_in_episode
      \(o) observation             # as the policy saw it
      \(a) action_mean             # NaN where the policy has none
      \(a) action_log_std          # NaN where the policy has none
      \(a) raw_action              # as sampled
      \(a) action                  # after squash or clip
      \(j) command                 # executed, after safety (rad or N·m, see command_mode)
      \(j) proposal                # before safety
      \(j) position                # rad, measured at the observation
      \(j) velocity                # rad/s
      \(j) effort                  # N·m
      float32 log_probability      # of raw_action under the behaviour policy
      float32 value                # NaN without a critic
      float32 reward\(terms)
      uint8 source                 # one of the constants
      uint8 command_mode           # 0 position, 1 effort
      bool terminated              # the task ended
      bool truncated               # the time ended
      bool success
      bool altered                 # safety changed the proposal
      bool intervention            # a person had a hand in it
      float32[] final_observation  # after the step; empty but on the last step of an episode

      """
  }
}
