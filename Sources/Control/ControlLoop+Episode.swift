import ArmModel
import CSystem
import Numerics
import Policies
import Safety
import Tasks

extension ControlLoop {
  /// Samples the next episode's start; the caller brings the arm there (a simulator is reset, a real arm is driven) and
  /// then calls `beginEpisode`.
  @_noLocks
  public mutating func sampleEpisode() -> EpisodeStart {
    var random = resetRandom
    let start = sampleEpisode(from: &random)
    resetRandom = random
    return start
  }

  /// The same with another stream than the run's own.
  ///
  /// The stream decides everything random of the episode, the noise of observation and sensors included, but for the
  /// policy's samples: whoever begins an episode with the same stream gets the same episode.
  @_noLocks
  public mutating func sampleEpisode(from random: inout RandomStream) -> EpisodeStart {
    var noise = random.branch()
    task.beginEpisode(random: &random)
    task.restartNoise(from: noise.fork())
    policy?.reset()
    link?.reset()
    playback?.reset()
    return EpisodeStart(
      position: task.resetPosition, velocity: task.resetVelocity, settling: task.settling, noise: noise.fork())
  }

  /// A variable of the task (a target) as sampled for this episode, in the base frame, m.
  @_noLocks
  public borrowing func taskVariable(_ index: Int) -> Vector3 {
    task.variable(index)
  }

  /// Tells the kinematic twin a bound variable's value, so that points on what follows the variable are where they are.
  @_noLocks
  public mutating func setTwinVariable(_ index: Int, _ value: Vector3) {
    twin.setVariable(index, value)
  }

  /// Begins the sampled episode with the arm at `position`: arms if need be and hands the policy authority in the next
  /// tick that reads the arm and has the policy's answer. False, and nothing changed, while the core still has the arm in
  /// motion, a fault is latched, or an arm that takes time to arm has not been armed.
  @_noLocks
  public mutating func beginEpisode(at position: JointVector) -> Bool {
    guard safety.state == .hold || configuration.armingTicks == 0, safety.adopt(position) else { return false }
    // Not where the joints have given way to: that is the goal which an arm holds at a start, physical ones too.
    task.adoptGoal(position)
    startEpisode(at: position)
    return true
  }

  /// Begins the sampled episode where the arm holds, for arms that nobody can put anywhere: the goal that it holds is where
  /// the policy goes on from. False, and nothing changed, unless the core holds.
  @_noLocks
  public mutating func beginEpisodeInPlace() -> Bool {
    guard safety.state == .hold else { return false }
    task.adoptGoal(safety.commandedGoal)
    startEpisode(at: safety.commandedGoal)
    return true
  }

  /// Asks the core to move to `pose` (rad) from rest, within its limits. Nothing happens unless the core holds in the next
  /// tick.
  @_noLocks
  public mutating func requestMove(to pose: JointVector) {
    inputs.destination = pose
    requests = requests.adding(.move)
  }

  /// The goal that the core commanded last, rad.
  public var commandedGoal: JointVector { @_noLocks get { safety.commandedGoal } }

  @_noLocks
  mutating func startEpisode(at position: JointVector) {
    let index = episode.index &+ 1
    episode = EpisodeProgress()
    episode.index = index
    episode.isRunning = true
    verdict = .none
    step.isOpen = false
    ticksIntoStep = 0
    previousGoal = position
    stepGoal = position
    inputs.proposal.source = .none
    // A yield concerned the authority of the episode before.
    requests = OperatorRequests(rawValue: requests.rawValue & ~OperatorRequests.yield.rawValue)
    recordEpisodeStart()
  }

  /// Whether the safety core stands still and a new episode may begin.
  public var isAtRest: Bool {
    @_noLocks get {
      switch safety.state {
      case .boot, .disarmed, .hold: return true
      default: return false
      }
    }
  }

  @_noLocks
  @usableFromInline
  mutating func propose(_ now: Int64) {
    if episode.isRunning {
      takeAnswer(now)
      // A step begins on the grid, with a state to begin from and a policy that is free; until then the last proposal
      // stands, and its age tells the core.
      let begins = ticksIntoStep == 0 && inputs.readSucceeded && mayAsk
      if begins {
        twin.update(inputs.joints, into: &points)
        closeStep(now)
        if episode.isRunning { openStep(now) }
      }
      if begins || ticksIntoStep > 0 {
        ticksIntoStep &+= 1
        if ticksIntoStep >= configuration.ticksPerStep { ticksIntoStep = 0 }
      }
      if inputs.proposal.source != .none && isInterpolating { interpolate() }
    }
    let end = clock.now()
    statistics.proposing.record(end &- sectionStart)
    sectionStart = end
  }

  /// Whether the policy can be asked now.
  private var mayAsk: Bool {
    @_noLocks get {
      if step.isOpen && !step.isPlayed { return false }
      switch link {
      case .some(let link): return link.canAsk
      case .none: return true
      }
    }
  }

  /// Opens a step: observes, and asks the policy.
  @_noLocks
  private mutating func openStep(_ now: Int64) {
    // What a policy's goal is relative to is the goal that is commanded, whoever commanded it.
    if configuration.isOperated && !safety.isMovedByPolicy { task.adoptGoal(safety.commandedGoal) }
    task.observe(inputs.joints, points: points, into: buffers.observation)
    for index in 0..<buffers.observationCount { buffers.stepObservation[index] = Float(buffers.observation[index]) }
    step = StepInProgress(jointCount: inputs.joints.count)
    step.isOpen = true
    step.stamp = now
    step.joints = inputs.joints
    if let status = policy?.act(
      observation: UnsafePointer(buffers.observation), sampling: configuration.selection, random: &random)
    {
      copyPolicyOutput()
      decideStep(isUsable: status.rawValue == PolicyStatus.ok.rawValue)
    } else if playRecording() {
      decideStep(isUsable: true)
    } else if hasLink {
      _ = link?.ask(UnsafePointer(buffers.observation))
    } else if !isAnsweredOutside {
      decideWithoutPolicy()
    }
  }

  private var hasLink: Bool {
    @_noLocks get {
      switch link {
      case .some: return true
      case .none: return false
      }
    }
  }

  /// A person alone moves the arm: the step is theirs from its beginning.
  @_noLocks
  private mutating func decideWithoutPolicy() {
    forgetPolicyOutput()
    step.isDecided = true
    episode.hasStarted = true
  }

  /// Takes the next recorded command, when there is a recording in the policy's place.
  @_noLocks
  private mutating func playRecording() -> Bool {
    if playback?.next(at: inputs.joints.position, into: buffers.action) == nil { return false }
    for index in 0..<buffers.actionCount {
      buffers.mean[index] = buffers.action[index]
      buffers.rawAction[index] = buffers.action[index]
      buffers.logStandardDeviation[index] = .nan
    }
    step.logProbability = .nan
    step.value = .nan
    return true
  }

  /// How a recording compares with what the arm did; nil without one.
  public var playbackErrors: PlaybackErrors? {
    switch playback {
    case .some(let playback): playback.errors
    case .none: nil
    }
  }

  /// Takes the policy thread's answer, if it has come.
  @_noLocks
  private mutating func takeAnswer(_ now: Int64) {
    guard step.isOpen, !step.isDecided, link?.takeAnswer() == true else { return }
    var isUsable = false
    switch link {
    case .some(let link):
      let results = link.memory.results
      let count = buffers.actionCount
      for index in 0..<count {
        buffers.mean[index] = results[index]
        buffers.logStandardDeviation[index] = results[count &+ index]
        buffers.rawAction[index] = results[2 &* count &+ index]
        buffers.action[index] = results[3 &* count &+ index]
      }
      step.logProbability = link.memory.scalars.pointee.logProbability
      step.value = link.memory.scalars.pointee.value
      isUsable = link.memory.scalars.pointee.isUsable
    case .none: break
    }
    decideStep(isUsable: isUsable)
  }

  /// Proposes what the policy answered.
  @_noLocks
  mutating func decideStep(isUsable: Bool) {
    // An unusable action stays NaN, so that the safety core sees it, refuses it and says so.
    var proposed = JointCommand(
      mode: configuration.mode, goal: JointVector(repeating: .nan, count: inputs.joints.count), stamp: step.stamp)
    if isUsable { task.command(action: UnsafePointer(buffers.action), joints: inputs.joints, into: &proposed) }
    previousGoal = inputs.proposal.source == .none ? stepGoal : inputs.proposal.goal
    stepGoal = proposed.goal
    ticksSinceGoal = 0
    inputs.proposal = Proposal(source: .policy, mode: configuration.mode, goal: proposed.goal, stamp: step.stamp)
    step.proposal = proposed.goal
    step.isDecided = true
    if !episode.hasStarted {
      episode.hasStarted = true
      // A person gives the policy authority, by a request of their own.
      if configuration.isOperated { return }
      requests = requests.adding(.start)
      // Only an arm that arms in no time is armed by an episode; any other waits for its operator.
      if configuration.armingTicks == 0 { requests = requests.adding(.arm) }
    }
  }

  @_noLocks
  private mutating func copyPolicyOutput() {
    switch policy {
    case .some(let policy):
      for index in 0..<buffers.actionCount {
        buffers.action[index] = policy.action[index]
        buffers.rawAction[index] = policy.rawAction[index]
        buffers.mean[index] = policy.mean[index]
        buffers.logStandardDeviation[index] = policy.logStandardDeviation[index]
      }
      step.logProbability = policy.logProbability
      step.value = policy.value
    case .none: break
    }
  }

  /// The step has no action: its record must not show the last one's.
  @_noLocks
  private mutating func forgetPolicyOutput() {
    for index in 0..<buffers.actionCount {
      buffers.action[index] = .nan
      buffers.rawAction[index] = .nan
      buffers.mean[index] = .nan
      buffers.logStandardDeviation[index] = .nan
    }
    step.logProbability = .nan
    step.proposal = JointVector(repeating: .nan, count: step.proposal.count)
  }

  /// Moves the proposal on its straight line: at the new goal one step after it was given.
  @_noLocks
  mutating func interpolate() {
    if ticksSinceGoal < configuration.ticksPerStep { ticksSinceGoal &+= 1 }
    let part = Double(ticksSinceGoal) / Double(configuration.ticksPerStep)
    for index in 0..<stepGoal.count {
      inputs.proposal.goal[index] = previousGoal[index] + part * (stepGoal[index] - previousGoal[index])
    }
  }

  /// Rewards the open step with the state it led to, and records the transition.
  ///
  /// When the core is about to take the authority away, the episode ends with this step: the next one could not be played.
  @_noLocks
  private mutating func closeStep(_ now: Int64) {
    let asked = requests.rawValue & (OperatorRequests.stop.rawValue | OperatorRequests.yield.rawValue)
    let isCut = (asked != 0 && !configuration.isOperated) || inputs.writeFailed
    guard step.isOpen else {
      if isCut { cutEpisode(now) }
      return
    }
    if configuration.isOperated && !hasPolicy { takePersonsAction() }
    var reward = task.reward(
      action: UnsafePointer(buffers.action), joints: inputs.joints, points: points, terms: buffers.rewardTerms)
    if configuration.isOperated { reward += rewardOfPerson() }
    var outcome = task.outcome(joints: inputs.joints, points: points)
    if verdict != .none {
      outcome.terminated = verdict == .success || verdict == .failure
      outcome.truncated = !outcome.terminated
      outcome.success = verdict == .success
      episode.discarded = verdict == .discard
    }
    let isOver = outcome.terminated || outcome.truncated
    // A command that never arrived was not what the policy proposed.
    if inputs.writeFailed { step.altered = true }
    finishStep(
      reward: reward, terminated: outcome.terminated, truncated: outcome.truncated || (isCut && !isOver),
      success: outcome.success && (isOver || !isCut), now: now)
    if isOver {
      endEpisode(now)
    } else if isCut {
      cutEpisode(now)
    }
  }

  /// The core took authority away: the step in progress ends here, truncated.
  @_noLocks
  mutating func interruptEpisode(_ now: Int64) {
    guard step.isOpen && episode.hasStarted else {
      cutEpisode(now)
      return
    }
    if !step.isDecided { forgetPolicyOutput() }
    // A simulation that failed has left the numbers; its last good state counts.
    if !decision.active.has(.armFailed) { twin.update(inputs.joints, into: &points) }
    var reward = 0.0
    if step.isPlayed {
      if configuration.isOperated && !hasPolicy { takePersonsAction() }
      reward = task.reward(
        action: UnsafePointer(buffers.action), joints: inputs.joints, points: points, terms: buffers.rewardTerms)
      if configuration.isOperated { reward += rewardOfPerson() }
    } else {
      // Unanswered, or overruled at once: what was never done earns nothing.
      for index in 0..<buffers.rewardTermCount { buffers.rewardTerms[index] = 0 }
    }
    step.altered = true
    finishStep(reward: reward, terminated: false, truncated: true, success: false, now: now)
    cutEpisode(now)
  }

  /// Ends an episode that neither its task nor its time limit ended.
  @_noLocks
  private mutating func cutEpisode(_ now: Int64) {
    step.isOpen = false
    episode.truncated = true
    episode.interrupted = true
    episode.causes = decision.active
    endEpisode(now)
  }

  @_noLocks
  private mutating func finishStep(reward: Double, terminated: Bool, truncated: Bool, success: Bool, now: Int64) {
    episode.rewardSum += reward
    if terminated || truncated {
      // The last observation of an episode is what a learner bootstraps from.
      task.observe(inputs.joints, points: points, into: buffers.observation)
      episode.terminated = terminated
      episode.truncated = truncated
      episode.succeeded = success
    }
    episode.lastReward = reward
    recordTransition(reward: reward, terminated: terminated, truncated: truncated, success: success, now: now)
    episode.steps &+= 1
    step.isOpen = false
  }

  @_noLocks
  private mutating func endEpisode(_ now: Int64) {
    episode.isRunning = false
    inputs.proposal.source = .none
    ticksIntoStep = 0
    requests = requests.adding(.yield)
    recordEpisodeEnd(now)
    verdict = .none
  }
}

/// Where an episode starts.
public struct EpisodeStart: Sendable, BitwiseCopyable {
  /// Joint positions, rad.
  public let position: JointVector
  /// Joint velocities, rad/s.
  public let velocity: JointVector
  /// How long a simulated arm holds that position before anything begins, s.
  public let settling: Double
  /// Where a simulated arm's noise comes from.
  public let noise: RandomStream

  @_noLocks
  init(position: JointVector, velocity: JointVector, settling: Double, noise: RandomStream) {
    self.settling = settling
    self.position = position
    self.velocity = velocity
    self.noise = noise
  }
}
