import ArmModel
import CSystem
import Numerics

/// The reward.
extension TaskEvaluator {
  /// The reward of a step: `action` as the policy gave it (before any clipping), joints and points of the state after it.
  /// Writes `rewardTermCount` weighted terms and returns their sum.
  @_noLocks
  public mutating func reward(
    action: UnsafePointer<Double>, joints: JointState, points: PointSet, terms: UnsafeMutablePointer<Double>
  ) -> Double {
    precondition(joints.count == jointCount && points.count == pointCount, "joints or points of another task")
    var sum = 0.0
    for index in 0..<rewardTermCount {
      let term = rewards[index]
      let value = term.weight * value(term, action, joints, points)
      terms[index] = value
      sum += value
    }
    return sum
  }

  /// The same for an action as policies give it.
  @_noLocks
  public mutating func reward(
    action: UnsafePointer<Float>, joints: JointState, points: PointSet, terms: UnsafeMutablePointer<Double>
  ) -> Double {
    for index in 0..<actionCount { scratchAction[index] = Double(action[index]) }
    // The buffer has an address: a task has at least one action.
    guard let widened = scratchAction.baseAddress else { return .nan }
    return reward(action: UnsafePointer(widened), joints: joints, points: points, terms: terms)
  }

  @_noLocks
  private func value(
    _ term: RewardInstruction, _ action: UnsafePointer<Double>, _ joints: JointState, _ points: PointSet
  ) -> Double {
    switch term.operation {
    case .distance:
      return distance(term.distance, points)
    case .distanceTanh:
      return 1 - sinew_tanh(distance(term.distance, points) / term.parameter)
    case .distanceExponential:
      let ratio = distance(term.distance, points) / term.parameter
      return sinew_exp(-ratio * ratio)
    case .successBonus:
      return isWithinSuccess(points) && heldSteps + 1 >= end.holdSteps ? 1 : 0
    case .failure:
      return isFailure(failure(joints: joints, points: points)) ? 1 : 0
    case .constant:
      return 1
    case .actionSquared, .actionRateSquared, .jointVelocitySquared, .jointEffortSquared, .jointPower,
      .jointDeviationSquared, .jointLimitProximity:
      var sum = 0.0
      for position in term.start..<(term.start + term.count) {
        sum += summand(term, position, action, joints)
      }
      return sum
    }
  }

  /// What one joint (or one number of the action) adds to a term that sums over them.
  @_noLocks
  private func summand(
    _ term: RewardInstruction, _ position: Int, _ action: UnsafePointer<Double>, _ joints: JointState
  ) -> Double {
    let index = rewardIndices[position]
    switch term.operation {
    case .actionSquared:
      return action[index] * action[index]
    case .actionRateSquared:
      // `command` has stored this step's action already; the one before it is in the second half.
      let change = action[index] - pastActions[actionCount + index]
      return change * change
    case .jointVelocitySquared:
      return joints.velocity[index] * joints.velocity[index]
    case .jointEffortSquared:
      return joints.effort[index] * joints.effort[index]
    case .jointPower:
      return (joints.effort[index] * joints.velocity[index]).magnitude
    case .jointDeviationSquared:
      let deviation = joints.position[index] - rewardTargets[position]
      return deviation * deviation
    case .jointLimitProximity:
      // 0 beyond the margin, 1 at the limit, more outside; squared, so that it begins gently.
      let room = min(joints.position[index] - limits[index].lower, limits[index].upper - joints.position[index])
      let depth = (term.parameter - room) / term.parameter
      return depth > 0 ? depth * depth : (depth.isNaN ? depth : 0)
    default:
      return 0
    }
  }

  /// How far a point is from what it is measured to.
  @_noLocks
  func distance(_ instruction: DistanceInstruction, _ points: PointSet) -> Double {
    let target = instruction.toPoint ? points[instruction.reference] : variables[instruction.reference]
    let difference = points[instruction.point] - target
    switch instruction.norm {
    case .euclidean: return difference.norm
    case .manhattan: return difference.x.magnitude + difference.y.magnitude + difference.z.magnitude
    case .squared: return difference.x * difference.x + difference.y * difference.y + difference.z * difference.z
    }
  }
}
