import ArmModel
import Configuration

/// A tighter limit for one joint, or for all, than the arm's profile has. `robot.yaml` may tighten limits; loosening
/// one takes a profile of one's own.
public struct LimitOverride: Sendable, Equatable {
  /// What is limited.
  public enum Quantity: String, Sendable, CaseIterable {
    /// Lowest position, rad.
    case lower
    /// Highest position, rad.
    case upper
    /// Largest speed, rad/s.
    case velocity
    /// Largest acceleration, rad/s².
    case acceleration
    /// Largest jerk, rad/s³.
    case jerk
    /// Largest effort, N·m.
    case effort
  }

  /// The joint, or nil for every joint.
  public var joint: String?
  /// What is limited.
  public var quantity: Quantity
  /// The limit.
  public var value: Double
  /// Where it was written, for errors.
  public var origin: ConfigurationError

  /// A limit of `joint` (nil: all joints); `origin` is an error positioned where it was written, its message is unused.
  public init(joint: String?, quantity: Quantity, value: Double, origin: ConfigurationError) {
    self.joint = joint
    self.quantity = quantity
    self.value = value
    self.origin = origin
  }

  /// The limits among what `safety` holds.
  static func readAll(_ node: ConfigurationNode) throws(ConfigurationError) -> [LimitOverride] {
    var result: [LimitOverride] = []
    if let every = try node.optional("every_joint") { result += try read(every, joint: nil) }
    if let joints = try node.optional("joints") {
      for entry in try joints.entries() { result += try read(entry.value, joint: entry.key) }
    }
    return result
  }

  private static func read(_ node: ConfigurationNode, joint: String?) throws(ConfigurationError) -> [LimitOverride] {
    // A range of positions for all joints alike would be a mistake in the making.
    let allowed = joint == nil ? Quantity.allCases.filter { $0 != .lower && $0 != .upper } : Quantity.allCases
    try node.allowOnly(allowed.map { $0.rawValue })
    var result: [LimitOverride] = []
    for entry in try node.entries() {
      guard let quantity = Quantity(rawValue: entry.key) else { continue }
      let value = try entry.value.double()
      guard quantity == .lower || quantity == .upper || value > 0 else {
        throw entry.value.error("\(value) must be above 0")
      }
      result.append(
        LimitOverride(joint: joint, quantity: quantity, value: value, origin: entry.value.error("limit")))
    }
    return result
  }
}

extension ArmProfile {
  /// This profile with tighter limits. An unknown joint and a limit looser than the profile's are errors.
  public func tightened(by overrides: [LimitOverride]) throws(ConfigurationError) -> ArmProfile {
    var result = self
    for override in overrides {
      func fail(_ message: String, _ suggestion: String?) -> ConfigurationError {
        var error = override.origin
        error.message = message
        error.suggestion = suggestion
        return error
      }
      if let joint = override.joint, !jointNames.contains(joint) {
        throw fail("the arm \(name) has no joint '\(joint)'", Suggestion.sentence(for: joint, in: jointNames))
      }
      for index in joints.indices where override.joint == nil || joints[index].name == override.joint {
        let present = override.quantity.value(of: joints[index])
        // For all joints alike, the tighter of both counts; for a named joint a looser limit is a mistake.
        let isTighter = override.quantity == .lower ? override.value >= present : override.value <= present
        if isTighter {
          override.quantity.set(override.value, of: &result.joints[index])
        } else if override.joint != nil {
          throw fail(
            "\(joints[index].name): \(override.quantity.rawValue) \(override.value) is looser than the profile's \(present)",
            "make a profile of your own to loosen a limit")
        }
      }
    }
    for (index, joint) in result.joints.enumerated() {
      guard joint.lower < joint.upper else {
        throw ConfigurationError(
          file: overrides.first?.origin.file ?? name,
          message: "\(joint.name): lower \(joint.lower) is not below upper \(joint.upper)")
      }
      result.home[index] = min(max(result.home[index], joint.lower), joint.upper)
      result.park[index] = min(max(result.park[index], joint.lower), joint.upper)
    }
    return result
  }
}

extension LimitOverride.Quantity {
  func value(of joint: JointProfile) -> Double {
    switch self {
    case .lower: joint.lower
    case .upper: joint.upper
    case .velocity: joint.velocity
    case .acceleration: joint.acceleration
    case .jerk: joint.jerk
    case .effort: joint.effort
    }
  }

  func set(_ value: Double, of joint: inout JointProfile) {
    switch self {
    case .lower: joint.lower = value
    case .upper: joint.upper = value
    case .velocity: joint.velocity = value
    case .acceleration: joint.acceleration = value
    case .jerk: joint.jerk = value
    case .effort: joint.effort = value
    }
  }
}
