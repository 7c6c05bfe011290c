/// One joint of an arm profile. Limits are infinite where there is none.
public struct JointProfile: Sendable, Equatable {
  /// The joint's name, the same in model, task, policy and calibration.
  public var name: String
  /// Lowest position, rad.
  public var lower: Double
  /// Highest position, rad.
  public var upper: Double
  /// Largest speed, rad/s.
  public var velocity: Double
  /// Largest acceleration, rad/s².
  public var acceleration: Double
  /// Largest jerk, rad/s³.
  public var jerk: Double
  /// Largest effort, N·m.
  public var effort: Double

  /// A joint without limits, but for those given.
  public init(
    name: String, lower: Double = -.infinity, upper: Double = .infinity, velocity: Double = .infinity,
    acceleration: Double = .infinity, jerk: Double = .infinity, effort: Double = .infinity
  ) {
    self.name = name
    self.lower = lower
    self.upper = upper
    self.velocity = velocity
    self.acceleration = acceleration
    self.jerk = jerk
    self.effort = effort
  }
}

/// What a model of arm is: its joints in order, their limits, its command mode and two poses. What one particular arm is
/// (ids, zero positions) is its calibration.
public struct ArmProfile: Sendable, Equatable {
  /// The profile's name.
  public var name: String
  /// What arm it is about.
  public var description: String
  /// The simulation model that stands for it: a shipped model's name or a path; nil where there is none, and the arm
  /// exists as hardware only.
  public var model: String?
  /// What its commands mean.
  public var commandMode: CommandMode
  /// The joints, in the order of every joint vector.
  public var joints: [JointProfile]
  /// Where it waits for work, rad per joint.
  public var home: [Double]
  /// Where torque may be switched off, rad per joint.
  public var park: [Double]
  /// The servos that drive it; nil for arms that exist in simulation only.
  public var bus: ArmBus?

  /// A profile of at most 16 joints with different names; `home` and `park` have one number per joint.
  public init(
    name: String, description: String, model: String?, commandMode: CommandMode, joints: [JointProfile], home: [Double],
    park: [Double], bus: ArmBus? = nil
  ) {
    precondition(joints.count <= JointVector.capacity, "an arm has at most 16 joints")
    precondition(home.count == joints.count && park.count == joints.count, "a pose has one number per joint")
    precondition(bus.map { $0.servos.count == joints.count } ?? true, "every joint has a servo, or none has")
    self.name = name
    self.description = description
    self.model = model
    self.commandMode = commandMode
    self.joints = joints
    self.home = home
    self.park = park
    self.bus = bus
  }

  /// The joints' names in order.
  public var jointNames: [String] { joints.map { $0.name } }

  /// The joints' limits as plain bytes, in the profile's order.
  public var limits: JointLimits {
    var limits = JointLimits(unlimited: joints.count)
    for (index, joint) in joints.enumerated() {
      limits.lower[index] = joint.lower
      limits.upper[index] = joint.upper
      limits.velocity[index] = joint.velocity
      limits.acceleration[index] = joint.acceleration
      limits.jerk[index] = joint.jerk
      limits.effort[index] = joint.effort
    }
    return limits
  }

  /// The profile of some of the joints, in the order of `names` (a task's order, say); nil when it has not all of them.
  public func selecting(_ names: [String]) -> ArmProfile? {
    var indices: [Int] = []
    for name in names {
      guard let index = joints.firstIndex(where: { $0.name == name }) else { return nil }
      indices.append(index)
    }
    var result = self
    result.joints = indices.map { joints[$0] }
    result.home = indices.map { home[$0] }
    result.park = indices.map { park[$0] }
    if let bus { result.bus?.servos = indices.map { bus.servos[$0] } }
    return result
  }
}
