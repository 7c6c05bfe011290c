import ArmModel

/// From an action to a command.
extension TaskEvaluator {
  /// Maps an action of `actionCount` numbers to a command for all joints; `joints` is the state it was chosen in.
  ///
  /// Joints without a number in the action are commanded to the episode's reset pose (position modes) or to no effort.
  /// Goal positions are kept within the task's joint limits. A number that is not finite gives a goal that is not finite,
  /// which the safety core refuses; it is not remembered as the last goal. The command's stamp is left as it is.
  @_noLocks
  public mutating func command(action: UnsafePointer<Double>, joints: JointState, into: inout JointCommand) {
    precondition(joints.count == jointCount, "joints of another task")
    if !hasGoal { adoptGoal(joints) }
    var result = mode == .effort ? JointVector(repeating: 0, count: jointCount) : resetPositionNow
    for index in 0..<actionCount {
      let instruction = actions[index]
      let joint = instruction.joint
      let scaled = instruction.scale * clamp(action[index], actionLow, actionHigh)
      if mode == .effort {
        result[joint] = instruction.offset + scaled
      } else {
        let measured = joints.position[joint]
        let origin = isDelta ? (deltaFromMeasured ? measured : goal[joint]) : instruction.offset
        let wanted = clamp(origin + scaled, measured - maximumLead, measured + maximumLead)
        result[joint] = clamp(wanted, limits[joint].lower, limits[joint].upper)
      }
    }
    for index in 0..<jointCount where result[index].isFinite { goal[index] = result[index] }
    for index in 0..<actionCount {
      pastActions[actionCount + index] = pastActions[index]
      pastActions[index] = action[index]
    }
    into.mode = mode
    into.goal = result
  }

  /// The same for an action as policies give it.
  @_noLocks
  public mutating func command(action: UnsafePointer<Float>, joints: JointState, into: inout JointCommand) {
    for index in 0..<actionCount { scratchAction[index] = Double(action[index]) }
    // The buffer has an address: a task has at least one action.
    guard let widened = scratchAction.baseAddress else { return }
    command(action: UnsafePointer(widened), joints: joints, into: &into)
  }

  /// The inverse of `command`: the action that would have led from the last goal to `goal` in the state `joints`, as far as
  /// the task's range of actions reaches. It counts as the last action, and `goal` as the last goal.
  @_noLocks
  public mutating func takeAction(
    commanding goal: JointVector, joints: JointState, into action: UnsafeMutablePointer<Float>
  ) {
    precondition(joints.count == jointCount && goal.count == jointCount, "joints of another task")
    if !hasGoal { adoptGoal(joints) }
    for index in 0..<actionCount {
      let instruction = actions[index]
      let joint = instruction.joint
      let origin =
        mode != .effort && isDelta
        ? (deltaFromMeasured ? joints.position[joint] : self.goal[joint]) : instruction.offset
      let wanted = (goal[joint] - origin) / instruction.scale
      let value = wanted.isFinite ? clamp(wanted, actionLow, actionHigh) : 0
      pastActions[actionCount + index] = pastActions[index]
      pastActions[index] = value
      action[index] = Float(value)
    }
    adoptGoal(goal)
  }

  /// Takes `position` as the last goal, at the start of an episode: a loaded arm hangs below its goal, and going on from
  /// where it is measured would let it sink.
  @_noLocks
  public mutating func adoptGoal(_ position: JointVector) {
    precondition(position.count == jointCount, "joints of another task")
    for index in 0..<jointCount { goal[index] = position[index] }
    hasGoal = true
  }

  /// At the start of an episode the last goal is where the arm is.
  @_noLocks
  mutating func adoptGoal(_ joints: JointState) {
    for index in 0..<jointCount { goal[index] = joints.position[index] }
    hasGoal = true
  }
}
