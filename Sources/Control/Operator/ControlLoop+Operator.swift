import ArmModel
import Recording
import Safety

/// How a person ends an episode.
public enum EpisodeVerdict: UInt8, Sendable, BitwiseCopyable {
  /// Not at all.
  case none = 0
  /// It has reached its goal.
  case success = 1
  /// It has failed.
  case failure = 2
  /// It is thrown away, to be recorded again.
  case discard = 3
  /// It ends without being judged, as by a time limit.
  case end = 4

  // The operators that raw values bring along are generic, which the control thread may not call.
  @_noLocks
  public static func == (a: EpisodeVerdict, b: EpisodeVerdict) -> Bool { a.rawValue == b.rawValue }
  @_noLocks
  public static func != (a: EpisodeVerdict, b: EpisodeVerdict) -> Bool { a.rawValue != b.rawValue }
}

extension ControlLoop {
  /// From now on the loop hears a person through `feed`, whose device must outlive it. With a teleoperator the person may
  /// also move the arm; without one their device enables and stops only.
  public mutating func attach(_ feed: OperatorFeed, teleoperator: consuming Teleoperator?) {
    self.feed = feed
    self.teleoperator = teleoperator
  }

  /// From now on the person moves the arm by a leader arm, and their device enables, stops and asks. Over a policy they take
  /// over by moving the leader, or a stick; the arm then holds until the leader is near, and follows it. What the feed leads
  /// to must outlive the loop.
  public mutating func attach(_ leader: LeaderFeed) { leaderFeed = leader }

  /// What the person's device said in the last tick.
  public var operatorInput: OperatorInput { @_noLocks get { looks.input } }
  /// The roles that were pressed since the tick before, however short the press was.
  public var pressed: OperatorButtons { @_noLocks get { looks.pressed } }
  /// Whether a recorded operator has come to its end.
  public var operatorIsOver: Bool { @_noLocks get { feed.isOver } }

  /// What a person sees of the teleoperation.
  public var teleoperation: TeleoperationStatus {
    @_noLocks get {
      var status = TeleoperationStatus()
      switch teleoperator {
      case .some(let teleoperator): status = teleoperator.status
      case .none: break
      }
      if let leader = status.leader {
        status.leader?.isNear = leader.distance <= configuration.safety.handoverDistance
      }
      return status
    }
  }

  /// Ends the running episode by a person's word, with the step that is under way. Nothing happens without an episode.
  @_noLocks
  public mutating func concludeEpisode(_ word: EpisodeVerdict) {
    guard episode.isRunning else { return }
    verdict = word
  }

  /// Begins the sampled episode where the arm is commanded to be, in rest or in a person's hands. False, and nothing
  /// changed, in any other state.
  @_noLocks
  public mutating func beginOperatedEpisode() -> Bool {
    guard safety.state == .hold || safety.state == .teleoperation else { return false }
    task.adoptGoal(safety.commandedGoal)
    startEpisode(at: safety.commandedGoal)
    return true
  }

  /// Hears the person, and takes down what they propose.
  @_noLocks
  @usableFromInline
  mutating func listen(_ now: Int64) {
    if case .nobody = feed { return }
    inputs.person = looks.take(feed.look(at: now))
    let leader = leaderFeed.look(at: now)
    if let leader {
      if !leader.isPresent { loseLeader() }
      // A hand on the leader takes over from the policy as a stick does.
      if leaderTouch.isNoticed(leader, isPolicys: safety.isMovedByPolicy) { request(.takeOver) }
    }
    proposePerson(leader, now)
  }

  /// Who has lost the leader arm has lost half of what they move the arm with, and counts as gone. The buttons that stop are
  /// heard all the same.
  @_noLocks
  private mutating func loseLeader() {
    if inputs.person.isPresent {
      if inputs.person.stopIsPressed { request(.stop) }
      if inputs.person.releaseIsPressed { request(.release) }
    }
    inputs.person.isPresent = false
  }

  @_noLocks
  private mutating func proposePerson(_ leader: LeaderReading?, _ now: Int64) {
    // Over a policy a person holds enable however far the leader is, and the arm waits for it.
    let joinDistance = hasPolicy ? configuration.safety.handoverDistance : nil
    let goal = teleoperator?.propose(
      looks.input, pressed: looks.pressed, moves: safety.isMovedByPerson, commanded: safety.commandedGoal,
      measured: inputs.readSucceeded ? inputs.joints : nil, leader: leader,
      joinDistance: joinDistance, period: Double(configuration.controlPeriod) * 1e-9)
    // Who is gone proposes nothing any more: what they proposed last grows old.
    guard let goal, inputs.person.isPresent else { return }
    inputs.personProposal = Proposal(
      source: .person, mode: configuration.mode, goal: goal, stamp: leader?.stamp ?? now)
  }

  /// Whether an operated episode may go on: the arm is under the core's control and nothing is latched.
  var isHeldByPerson: Bool {
    @_noLocks get {
      switch decision.state {
      case .hold, .teleoperation, .policy, .handover, .stopping, .moving: return true
      case .boot, .disarmed, .arming, .park, .faultHold, .fault, .emergencyStop: return false
      }
    }
  }

  /// Notes who moved the arm in this tick, in the step and, at its edges, in the log.
  @_noLocks
  mutating func noteIntervention(_ now: Int64) {
    guard configuration.isOperated else { return }
    let isPersons = decision.source == .person || decision.source == .blend
    if isPersons { step.intervention = true }
    // Where there is no policy, what the person asks for is the proposal; who does not hold enable asks for nothing.
    if !hasPolicy { step.proposal = asksForMotion ? inputs.personProposal.goal : safety.commandedGoal }
    if isPersons != isIntervening {
      isIntervening = isPersons
      // Between episodes too: who reads the log must know who moves the arm when an episode begins.
      if hasPolicy {
        port?.recordEvent(
          isPersons ? .interventionStarted : .interventionEnded, stamp: now, first: Int64(episode.index))
      }
    }
  }

  /// Whether the person asks for motion: their device proposes all the time, but means it only while enable is held.
  var asksForMotion: Bool { @_noLocks get { inputs.person.isPresent && inputs.person.enableIsHeld } }

  /// Whether the core made something else of what was proposed. Of a person alone who does not ask for motion nothing is
  /// changed when the core holds the arm.
  var isAltered: Bool {
    @_noLocks get {
      guard decision.alterations.rawValue != 0 else { return false }
      return !configuration.isOperated || hasPolicy || asksForMotion
    }
  }

  /// The action by which a policy would have done what the person did in the step: what imitation learns from.
  @_noLocks
  mutating func takePersonsAction() {
    task.takeAction(commanding: safety.commandedGoal, joints: step.joints, into: buffers.action)
  }

  /// What the person's word earns in the last step: 1 for a success, in a term of its own behind the task's.
  @_noLocks
  mutating func rewardOfPerson() -> Double {
    let reward = verdict == .success ? 1.0 : 0.0
    buffers.rewardTerms[buffers.rewardTermCount &- 1] = reward
    return reward
  }

  var hasPolicy: Bool {
    @_noLocks get {
      switch policy {
      case .some: return true
      case .none: break
      }
      switch link {
      case .some: return true
      case .none: return false
      }
    }
  }
}
