import ArmModel
import Numerics

/// The beginning and the end of an episode.
extension TaskEvaluator {
  /// Samples the joints' reset state and every variable from `random` (always in the same order: joint positions, joint
  /// velocities, variables), and forgets actions, history, success and time.
  @_noLocks
  public mutating func beginEpisode(random: inout RandomStream) {
    for index in 0..<jointCount {
      let range = resetRanges[index]
      resetPositionNow[index] = range.position + range.positionHalfRange * random.uniform(from: -1, to: 1)
    }
    for index in 0..<jointCount {
      let range = resetRanges[index]
      resetVelocityNow[index] = range.velocity + range.velocityHalfRange * random.uniform(from: -1, to: 1)
    }
    for index in 0..<variableCount {
      // The buffer always has an address: it holds at least one sphere.
      guard let avoided = spheres.baseAddress else { return }
      variables[index] = samplers[index].draw(&random, avoiding: avoided)
    }
    for index in 0..<(2 * actionCount) { pastActions[index] = 0 }
    step = 0
    heldSteps = 0
    hasSucceeded = false
    isFresh = true
    hasGoal = false
  }

  /// Takes another stream for the observation noise, so that an episode can be repeated by itself. Else the stream goes on
  /// from episode to episode.
  @_noLocks
  public mutating func restartNoise(from stream: RandomStream) { noise = stream }

  /// Joint positions sampled for this episode, rad.
  public var resetPosition: JointVector { @_noLocks get { resetPositionNow } }
  /// How long a simulated arm holds that pose before the episode, s.
  public var settling: Double { @_noLocks get { settlingTime } }
  /// Joint velocities sampled for this episode, rad/s.
  public var resetVelocity: JointVector { @_noLocks get { resetVelocityNow } }
  /// Steps of this episode that `outcome` has seen.
  public var stepCount: Int { @_noLocks get { step } }

  /// A variable's value, metres.
  @_noLocks
  public func variable(_ index: Int) -> Vector3 {
    precondition(index >= 0 && index < variableCount, "variable index out of range")
    return variables[index]
  }

  /// Moves a variable: a person or a script chose the target.
  @_noLocks
  public mutating func setVariable(_ index: Int, _ value: Vector3) {
    precondition(index >= 0 && index < variableCount, "variable index out of range")
    variables[index] = value
  }

  /// Judges the state after a step. Call it once a step: it counts them.
  @_noLocks
  public mutating func outcome(joints: JointState, points: PointSet) -> StepOutcome {
    step += 1
    heldSteps = isWithinSuccess(points) ? heldSteps + 1 : 0
    let holds = end.hasSuccess && heldSteps >= end.holdSteps
    if holds { hasSucceeded = true }
    var cause = failure(joints: joints, points: points)
    var terminated = isFailure(cause)
    if !terminated, holds, end.endsWithSuccess {
      terminated = true
      cause = .success
    }
    let truncated = step >= end.stepLimit
    if truncated, !terminated { cause = .timeLimit }
    return StepOutcome(
      terminated: terminated, truncated: truncated, success: end.successLatches ? hasSucceeded : holds, cause: cause)
  }

  /// Whether a cause ends the episode. (Comparing enumerations calls library code that is not proven lock-free.)
  @_noLocks
  func isFailure(_ cause: StepOutcome.Cause) -> Bool {
    switch cause {
    case .none: false
    case .success, .jointLimit, .jointVelocity, .workspace, .notFinite, .timeLimit: true
    }
  }

  /// Whether the point is where success wants it, now.
  @_noLocks
  func isWithinSuccess(_ points: PointSet) -> Bool {
    end.hasSuccess && distance(end.success, points) < end.successDistance
  }

  /// The failure that ends the episode in this state, or `none`.
  @_noLocks
  func failure(joints: JointState, points: PointSet) -> StepOutcome.Cause {
    precondition(joints.count == jointCount && points.count == pointCount, "joints or points of another task")
    guard joints.position.isFinite, joints.velocity.isFinite else { return .notFinite }
    for index in 0..<pointCount where !points[index].isFinite { return .notFinite }
    for index in 0..<jointCount {
      let limit = limits[index]
      if end.checksJointLimits {
        let position = joints.position[index]
        if position < limit.lower - end.jointLimitMargin || position > limit.upper + end.jointLimitMargin {
          return .jointLimit
        }
      }
      if joints.velocity[index].magnitude > limit.velocity { return .jointVelocity }
    }
    if end.checksWorkspace {
      let point = points[end.workspacePoint]
      if point.x < end.workspaceLow.x || point.x > end.workspaceHigh.x || point.y < end.workspaceLow.y
        || point.y > end.workspaceHigh.y || point.z < end.workspaceLow.z || point.z > end.workspaceHigh.z
      {
        return .workspace
      }
    }
    return .none
  }
}
