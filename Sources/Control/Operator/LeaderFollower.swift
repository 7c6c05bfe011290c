import ArmModel

/// Follows a leader arm: from where the arm is commanded to the leader's pose, first slowly, then as fast as the speed tier
/// lets it.
///
/// Until the person has authority it asks for the leader's pose itself, so that the safety core can refuse a hand-over to a
/// pose that is far. From then on the goal moves, joint by joint, at `catchUpSpeed` at most until every joint has arrived.
struct LeaderFollower: BitwiseCopyable {
  /// Whether the person has authority.
  private(set) var isFollowing = false
  /// Whether the arm has caught up with the leader since then.
  private(set) var hasCaughtUp = false

  /// The speed of a joint on its way to the leader's pose, rad/s: that of the core's own moves.
  static var catchUpSpeed: Double { @_noLocks get { 0.5 } }
  /// Nearer than this to the leader a joint has caught up, rad.
  static var nearness: Double { @_noLocks get { 0.02 } }

  @_noLocks
  init() {}

  /// A tick without authority: the goal is the leader's pose.
  @_noLocks
  mutating func rest() {
    isFollowing = false
    hasCaughtUp = false
  }

  /// A tick of `period` s with authority: `goal` goes on towards `pose`; joints are kept to `share` of their largest speed.
  @_noLocks
  mutating func advance(
    _ goal: JointVector, towards pose: JointVector, share: Double, limits: JointLimits, period: Double
  ) -> JointVector {
    isFollowing = true
    var next = goal
    var isNear = true
    for joint in 0..<goal.count {
      let most = limits.velocity[joint] * share
      let speed = hasCaughtUp || most < LeaderFollower.catchUpSpeed ? most : LeaderFollower.catchUpSpeed
      let step = speed * period
      let distance = pose[joint] - goal[joint]
      next[joint] = goal[joint] + (distance > step ? step : (distance < -step ? -step : distance))
      if (pose[joint] - next[joint]).magnitude > LeaderFollower.nearness { isNear = false }
    }
    if isNear { hasCaughtUp = true }
    return next
  }
}
