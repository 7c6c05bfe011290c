import ArmModel

/// What happened, as a number that the control thread can put into the log. The log thread adds the words.
public enum LogEvent: UInt16, Sendable, BitwiseCopyable, CaseIterable {
  /// first = SCHED_FIFO priority that was granted (0: none), second = 1 when memory is locked.
  case runStarted = 1
  /// first = ticks, second = overruns.
  case runStopped = 2
  /// first = episode.
  case episodeStarted = 3
  /// first = episode, second = steps, value = return.
  case episodeEnded = 4
  /// first = new state, second = old state.
  case safetyStateChanged = 5
  /// first = condition, second = joint or -1, value = what was measured. A condition of several joints is raised once for
  /// each.
  case conditionRaised = 6
  /// first = condition.
  case conditionCleared = 7
  /// first = condition, second = joint or -1.
  case faultLatched = 8
  /// first = overruns so far, value = lateness in seconds.
  case overrun = 9
  /// first = records lost so far.
  case lossy = 10
  case policyChanged = 11
  /// first = new source, second = old source (`CommandSource`).
  case sourceChanged = 12
  case interventionStarted = 13
  case interventionEnded = 14
  /// first = episode.
  case success = 15
  /// first = episode.
  case failure = 16
  case rerecordEpisode = 17
  /// The episode that has just ended was cut short: neither its task nor its time limit ended it. first = episode.
  case terminateEpisode = 18
  /// first = a number of the user's own.
  case marker = 19

  /// Whether it never tells one joint from another: what is over is over for all.
  public var isAboutAll: Bool { @_noLocks get { code == LogEvent.conditionCleared.code } }

  /// The raw value, for the control thread.
  var code: UInt16 { @_noLocks get { rawValue } }

  /// The event's name in the log: `run_started` …
  public var name: String {
    switch self {
    case .runStarted: "run_started"
    case .runStopped: "run_stopped"
    case .episodeStarted: "episode_started"
    case .episodeEnded: "episode_ended"
    case .safetyStateChanged: "safety_state_changed"
    case .conditionRaised: "condition_raised"
    case .conditionCleared: "condition_cleared"
    case .faultLatched: "fault_latched"
    case .overrun: "overrun"
    case .lossy: "lossy"
    case .policyChanged: "policy_changed"
    case .sourceChanged: "source_changed"
    case .interventionStarted: "intervention_started"
    case .interventionEnded: "intervention_ended"
    case .success: "success"
    case .failure: "failure"
    case .rerecordEpisode: "rerecord_episode"
    case .terminateEpisode: "terminate_episode"
    case .marker: "marker"
    }
  }
}

/// Names for the numbers in events, so that the log says `velocity_limit` and not 7.
public struct LogVocabulary: Sendable {
  /// Names of conditions by number.
  public var conditions: [Int64: String]
  /// Names of safety states by number.
  public var states: [Int64: String]
  /// The joints, as a person finds them: "elbow_flex (servo 3)".
  public var joints: [String]

  /// Names by number; a number without a name is written as it is.
  public init(conditions: [Int64: String] = [:], states: [Int64: String] = [:], joints: [String] = []) {
    self.conditions = conditions
    self.states = states
    self.joints = joints
  }

  /// The words of an event.
  func text(_ event: LogEvent, first: Int64, second: Int64, value: Double) -> String {
    func condition(_ number: Int64) -> String { conditions[number] ?? "condition \(number)" }
    func state(_ number: Int64) -> String { states[number] ?? "state \(number)" }
    func joint(_ number: Int64) -> String {
      guard number >= 0 else { return "" }
      return " on joint " + (number < joints.count ? joints[Int(number)] : "\(number)")
    }
    func source(_ number: Int64) -> String {
      UInt8(exactly: number).flatMap { CommandSource(rawValue: $0) }.map { "\($0)" } ?? "source \(number)"
    }
    return switch event {
    case .episodeStarted: "episode \(first) started"
    case .episodeEnded: "episode \(first) ended after \(counted(second, "step")), return \(value)"
    case .safetyStateChanged: "safety state: \(state(second)) -> \(state(first))"
    case .conditionRaised:
      "raised: \(condition(first))" + joint(second) + (value == 0 ? "" : " (\(value))")
    case .conditionCleared: "cleared: \(condition(first))"
    case .faultLatched: "fault latched: \(condition(first))" + joint(second)
    case .overrun: "overrun \(first), \(value) s late"
    case .lossy: "\(first) records lost so far"
    case .sourceChanged: "commands from \(source(first)), before from \(source(second))"
    case .success: "episode \(first) succeeded"
    case .failure: "episode \(first) failed"
    case .terminateEpisode: "episode \(first) was cut short"
    case .marker: "marker \(first)"
    case .runStarted:
      "run started, "
        + (first > 0 ? "SCHED_FIFO priority \(first)" : "ordinary scheduling")
        + (second != 0 ? ", memory locked" : ", memory not locked")
    case .runStopped: "run stopped after \(counted(first, "tick")), \(counted(second, "overrun"))"
    case .policyChanged, .interventionStarted, .interventionEnded, .rerecordEpisode:
      event.name.split(separator: "_").joined(separator: " ")
    }
  }
}
