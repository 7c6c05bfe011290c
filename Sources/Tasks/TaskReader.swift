import ArmModel
import Configuration
import Numerics

/// Reads a task's YAML into a `TaskDefinition`, checking every name and number where it stands.
struct TaskReader {
  let root: ConfigurationNode
  var joints: [String] = []
  var points: [PointDefinition] = []
  var variables: [VariableDefinition] = []
  var limits = TaskJointLimits(lower: [], upper: [])
  var timeLimit: Int?

  init(root: ConfigurationNode) { self.root = root }

  mutating func read(sourceText: String) throws(ConfigurationError) -> TaskDefinition {
    try root.allowOnly([
      "name", "description", "model", "profile", "joints", "joint_limits", "points", "point_source", "step_duration",
      "time_limit",
      "variables", "reset", "observation", "action", "reward", "success", "termination",
    ])
    let name = try root.child("name").string()
    let model = try root.child("model").string()
    joints = try readNames(try root.child("joints"), atMost: JointVector.capacity, what: "joints")
    limits = try readLimits(try root.optional("joint_limits"))
    if let node = try root.optional("points") { points = try readPoints(node) }
    if let node = try root.optional("time_limit") { timeLimit = try node.integer(in: 1...10_000_000) }
    if let node = try root.optional("variables") { variables = try readVariables(node) }
    let stepNode = try root.child("step_duration")
    let stepDuration = try stepNode.double()
    guard stepDuration > 0, stepDuration <= 10 else {
      throw stepNode.error("\(stepDuration) s is no step duration", suggestion: "give seconds, above 0 and at most 10")
    }
    let reset = try root.optional("reset")
    try reset?.allowOnly(["position", "velocity", "settle"])
    let settling = try readSettling(try reset?.optional("settle"))
    let position = try readRange(try reset?.optional("position"), isPosition: true)
    let velocity = try readRange(try reset?.optional("velocity"), isPosition: false)
    let action = try readAction(try root.child("action"))
    let success = try root.optional("success").map { (node) throws(ConfigurationError) in try readSuccess(node) }
    return TaskDefinition(
      name: name,
      description: try root.optional("description")?.string() ?? "",
      model: model, profile: try root.optional("profile")?.string(), joints: joints, points: points,
      pointSource: try root.optional("point_source")?.choice(PointSource.self) ?? .measured,
      stepDuration: stepDuration, timeLimitSteps: timeLimit, variables: variables,
      sourceText: sourceText, sha256: ContentHash.sha256(sourceText), file: root.file,
      limits: limits, resetPosition: position, resetVelocity: velocity, settling: settling,
      observation: try readObservation(try root.child("observation"), action: action),
      action: action,
      reward: try readReward(try root.child("reward"), actionJoints: action.joints, definesSuccess: success != nil),
      success: success,
      termination: try readTermination(try root.optional("termination")))
  }

  /// How long a simulated arm holds the reset pose before an episode, s.
  private func readSettling(_ node: ConfigurationNode?) throws(ConfigurationError) -> Double {
    guard let node else { return 0 }
    let seconds = try node.double()
    guard (0...10).contains(seconds) else {
      throw node.error("\(seconds) s is no time to settle", suggestion: "give seconds from 0 to 10")
    }
    return seconds
  }

  private func readLimits(_ node: ConfigurationNode?) throws(ConfigurationError) -> TaskJointLimits {
    var result = TaskJointLimits(
      lower: [Double](repeating: -.infinity, count: joints.count),
      upper: [Double](repeating: .infinity, count: joints.count))
    guard let node else { return result }
    try node.allowOnly(joints)
    for entry in try node.entries() {
      let index = try index(of: entry.key, in: joints, kind: "joint", at: entry.value)
      let pair = try readInterval(entry.value)
      result.lower[index] = pair.low
      result.upper[index] = pair.high
    }
    return result
  }

  private func readPoints(_ node: ConfigurationNode) throws(ConfigurationError) -> [PointDefinition] {
    var result: [PointDefinition] = []
    for entry in try node.entries() {
      try entry.value.allowOnly(PointDefinition.Kind.allCases.map { $0.rawValue })
      guard let place = try entry.value.entries().first, try entry.value.entries().count == 1,
        let kind = PointDefinition.Kind(rawValue: place.key)
      else { throw entry.value.error("expected one of site: NAME or body: NAME") }
      result.append(PointDefinition(name: entry.key, kind: kind, modelName: try place.value.string()))
    }
    guard result.count <= PointSet.capacity else {
      throw node.error("\(result.count) points, at most \(PointSet.capacity) are possible")
    }
    return result
  }

  private func readRange(_ node: ConfigurationNode?, isPosition: Bool) throws(ConfigurationError) -> ResetRange {
    let zeros = [Double](repeating: 0, count: joints.count)
    guard let node else { return ResetRange(mean: zeros, halfRange: zeros) }
    try node.allowOnly(["mean", "half_range"])
    var range = ResetRange(mean: zeros, halfRange: zeros)
    if let mean = try node.optional("mean") { range.mean = try readPerName(mean, names: joints, absent: 0) }
    if let half = try node.optional("half_range") {
      range.halfRange = try readPerName(half, names: joints, absent: 0)
      if let index = range.halfRange.firstIndex(where: { $0 < 0 }) {
        throw half.error(
          "\(range.halfRange[index]) for \(joints[index]) is negative", suggestion: "give the half width")
      }
    }
    guard isPosition else { return range }
    for (index, joint) in joints.enumerated()
    where range.mean[index] - range.halfRange[index] < limits.lower[index]
      || range.mean[index] + range.halfRange[index] > limits.upper[index]
    {
      throw node.error(
        "\(joint) may start at \(range.mean[index]) ± \(range.halfRange[index]) rad, outside its joint limits "
          + "\(limits.lower[index]) … \(limits.upper[index])")
    }
    return range
  }

  private func readSuccess(_ node: ConfigurationNode) throws(ConfigurationError) -> SuccessCriterion {
    try node.allowOnly(["point", "to", "within", "hold_steps", "ends_episode", "judge"])
    let within = try node.child("within")
    let distance = try within.double()
    guard distance > 0 else {
      throw within.error("\(distance) m can never be reached", suggestion: "give metres above 0")
    }
    return SuccessCriterion(
      point: try pointIndex(try node.child("point")),
      reference: try reference(try node.child("to")),
      within: distance,
      holdSteps: try node.optional("hold_steps")?.integer(in: 1...1_000_000) ?? 1,
      endsEpisode: try node.optional("ends_episode")?.boolean() ?? false,
      judgement: try node.optional("judge")?.choice(SuccessCriterion.Judgement.self) ?? .atEnd)
  }

  private func readTermination(_ node: ConfigurationNode?) throws(ConfigurationError) -> TerminationRules {
    var rules = TerminationRules()
    guard let node else { return rules }
    try node.allowOnly(["joint_limit", "joint_velocity", "workspace"])
    if let limit = try node.optional("joint_limit") {
      try limit.allowOnly(["margin"])
      guard (limits.lower + limits.upper).contains(where: { $0.isFinite }) else {
        throw limit.error("needs joint limits", suggestion: "add joint_limits: {JOINT: [LOWER, UPPER]} to the task")
      }
      let margin = try limit.child("margin")
      rules.jointLimitMargin = try nonNegative(margin)
    }
    if let velocity = try node.optional("joint_velocity") {
      try velocity.allowOnly(["limit"])
      let limit = try velocity.child("limit")
      let values = try readPerName(limit, names: joints, absent: .infinity)
      if let wrong = values.first(where: { $0 <= 0 }) { throw limit.error("\(wrong) rad/s must be above 0") }
      rules.velocityLimits = values
    }
    if let workspace = try node.optional("workspace") {
      try workspace.allowOnly(["point", "low", "high"])
      let box = try readBox(workspace)
      rules.workspace = (try pointIndex(try workspace.child("point")), box.low, box.high)
    }
    return rules
  }
}
