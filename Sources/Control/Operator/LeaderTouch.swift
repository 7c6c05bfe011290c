import ArmModel

/// Notices a hand on the leader arm while a policy moves the other one: the leader moves.
///
/// Until the policy has authority nothing is noticed, and where the leader stands is kept; from then on a joint that has
/// moved further than `distance` from there is a hand's.
struct LeaderTouch: BitwiseCopyable {
  private var rest = JointVector(repeating: 0, count: 0)

  /// How far a joint has to move, rad: more than the noise of its sensor and the play of its gears.
  static var distance: Double { @_noLocks get { 0.1 } }

  @_noLocks
  init() {}

  /// One tick; `isPolicys`: whether the policy has authority. True in every tick in which a hand has moved the leader.
  @_noLocks
  mutating func isNoticed(_ leader: LeaderReading, isPolicys: Bool) -> Bool {
    // A leader that has been away says nothing of where it stood.
    guard isPolicys && leader.isPresent && rest.count == leader.pose.count else {
      rest = leader.isPresent ? leader.pose : JointVector(repeating: 0, count: 0)
      return false
    }
    for joint in 0..<rest.count where (leader.pose[joint] - rest[joint]).magnitude > LeaderTouch.distance {
      return true
    }
    return false
  }
}
