/// What the record of a run can be held against.
extension TaskDefinition {
  /// Whether an episode of this task can terminate at all, numbers that are not finite aside.
  public var canTerminate: Bool { endsWithSuccess || canFail }

  /// Whether success ends an episode.
  public var endsWithSuccess: Bool { success?.endsEpisode ?? false }

  /// Whether a rule ends an episode as a failure.
  public var canFail: Bool {
    termination.jointLimitMargin != nil || (termination.velocityLimits?.contains { $0.isFinite } ?? false)
      || termination.workspace != nil
  }

  /// A number of the observation that is one joint's measured position or velocity: clip(scale·x + offset), without
  /// noise or history.
  public struct JointNumber: Sendable, Equatable {
    /// Its place in the observation.
    public var index: Int
    /// The joint, by its place in `joints`.
    public var joint: Int
    /// Velocity in rad/s, or else position in rad.
    public var isVelocity: Bool
    public var scale: Double
    public var offset: Double
    /// Where the observation is cut.
    public var low: Double
    public var high: Double

    /// The observation for a measured value.
    public func observed(_ value: Double) -> Double { min(max(scale * value + offset, low), high) }
    /// The measured value behind an observation; nil where it was cut.
    public func measured(_ observed: Double) -> Double? {
      observed > low && observed < high && scale != 0 ? (observed - offset) / scale : nil
    }
  }

  /// Every number of the observation that says a joint's position or velocity.
  public var jointNumbers: [JointNumber] {
    var numbers: [JointNumber] = []
    var place = 0
    for term in observation {
      defer { place += term.count }
      guard term.kind == .jointPosition || term.kind == .jointVelocity, term.noise == .none else { continue }
      // The newest frame of a history is the present.
      let start = place + (term.newestFirst ? 0 : term.history - 1) * term.components.count
      for (element, joint) in term.components.enumerated() {
        numbers.append(
          JointNumber(
            index: start + element, joint: joint, isVelocity: term.kind == .jointVelocity, scale: term.scale[element],
            offset: term.offset[element], low: term.clip.low, high: term.clip.high))
      }
    }
    return numbers
  }

  /// Whether a state of the joints (rad, rad/s; nil where it is not known) breaks a rule that ends episodes as failures; nil
  /// when that cannot be told from it.
  public func breaksJointRule(position: [Double?], velocity: [Double?]) -> Bool? {
    guard termination.workspace == nil else { return nil }
    var isKnown = true
    for index in joints.indices {
      if let margin = termination.jointLimitMargin {
        if let value = position[index] {
          if value < limits.lower[index] - margin || value > limits.upper[index] + margin { return true }
        } else {
          isKnown = false
        }
      }
      if let limit = termination.velocityLimits?[index], limit.isFinite {
        if let value = velocity[index] {
          if value.magnitude > limit { return true }
        } else {
          isKnown = false
        }
      }
    }
    return isKnown ? false : nil
  }

  /// The action whose command is `command`, cut to the action's box; nil where a number is not finite.
  /// - Parameters:
  ///   - command: executed goals (rad) or efforts (N·m) of all joints.
  ///   - lastGoal: the goal before it, which changes count from; rad.
  ///   - measured: positions at the observation, rad.
  public func action(making command: [Float], after lastGoal: [Float], measured: [Float]) -> [Float]? {
    var result: [Float] = []
    for (index, joint) in action.joints.enumerated() {
      var origin = action.offset[index]
      if action.mode == .positionDelta {
        origin = Double(action.reference == .measured ? measured[joint] : lastGoal[joint])
      }
      let value = (Double(command[joint]) - origin) / action.scale[index]
      guard value.isFinite else { return nil }
      result.append(Float(min(max(value, action.clip.low), action.clip.high)))
    }
    return result
  }

  /// The joints that an action commands, by their places in `joints`.
  public var actionJoints: [Int] { action.joints }
}
