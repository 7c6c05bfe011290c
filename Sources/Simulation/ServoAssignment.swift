/// Which servos drive an arm's joints.
public enum ServoAssignment: Sendable {
  /// None: effort commands go to torque motors, position commands to the model's own position actuators.
  case none
  /// The same servo at every joint.
  case all(ServoProfile)
  /// One per joint, in the arm's joint order.
  case perJoint([ServoProfile])

  /// The profiles in joint order, or nil.
  func profiles(for joints: [String]) throws(SimulationError) -> [ServoProfile]? {
    switch self {
    case .none: return nil
    case .all(let profile): return Array(repeating: profile, count: joints.count)
    case .perJoint(let profiles):
      guard profiles.count == joints.count else {
        throw SimulationError(
          .servo, "\(profiles.count) servo profiles for \(joints.count) joints (\(Naming.list(joints))); give one each")
      }
      return profiles
    }
  }
}
