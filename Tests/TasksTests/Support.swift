import ArmModel
import Configuration
import Numerics
import Tasks

/// The error text of what `body` throws; "" when it throws nothing.
func errorText(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch {
    return (error as? ConfigurationError)?.description ?? "another type of error: \(error)"
  }
}

func jointState(_ position: [Double], velocity: [Double]? = nil, effort: [Double]? = nil) -> JointState {
  var state = JointState(count: position.count)
  state.position = JointVector(position)
  if let velocity { state.velocity = JointVector(velocity) }
  if let effort { state.effort = JointVector(effort) }
  return state
}

func pointSet(_ points: [Vector3]) -> PointSet {
  var set = PointSet(count: points.count)
  for (index, point) in points.enumerated() { set[index] = point }
  return set
}

extension TaskEvaluator {
  mutating func observation(_ joints: JointState, _ points: PointSet) -> [Double] {
    var numbers = [Double](repeating: .nan, count: observationCount)
    observe(joints, points: points, into: &numbers)
    return numbers
  }

  mutating func rewards(_ action: [Double], _ joints: JointState, _ points: PointSet) -> (sum: Double, terms: [Double])
  {
    var terms = [Double](repeating: .nan, count: rewardTermCount)
    let sum = reward(action: action, joints: joints, points: points, terms: &terms)
    return (sum, terms)
  }

  mutating func goal(_ action: [Double], _ joints: JointState) -> [Double] {
    var command = JointCommand(mode: .position, goal: JointVector([]), stamp: 7)
    self.command(action: action, joints: joints, into: &command)
    return command.goal.array
  }
}

/// A small task on one joint and one point, into which tests put what they are about.
func smallTask(
  joints: String = "[a, b]", extra: String = "", observation: String = "[{term: joint_position}]",
  action: String = "{mode: position}", reward: String = "[{term: constant, weight: 1}]", timeLimit: String = "10"
) -> String {
  """
  name: small
  model: none
  joints: \(joints)
  points: {tip: {site: tip}, elbow: {body: elbow}}
  step_duration: 0.1
  time_limit: \(timeLimit)
  variables: {target: {distribution: {fixed: [1, 2, 3]}}}
  observation: \(observation)
  action: \(action)
  reward: \(reward)
  \(extra)
  """
}

func evaluator(_ text: String) throws -> TaskEvaluator {
  try TaskDefinition.parse(text: text, file: "t.yaml").makeEvaluator()
}
