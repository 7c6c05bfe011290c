import Configuration

/// Observation, action and reward.
extension TaskReader {
  // MARK: Observation

  func readObservation(_ node: ConfigurationNode, action: ActionMapping)
    throws(ConfigurationError) -> [ObservationTerm]
  {
    var terms: [ObservationTerm] = []
    for item in try node.list() {
      let term = try readObservationTerm(item, actionJoints: action.joints)
      if term.kind == .jointPositionError, action.mode == .effort {
        throw item.error("joint_position_error needs goal positions, but the action commands efforts")
      }
      terms.append(term)
    }
    guard !terms.isEmpty else { throw node.error("an observation needs at least one term") }
    let count = terms.reduce(0) { $0 + $1.count }
    guard count <= 4096 else { throw node.error("\(count) numbers, at most 4096 are possible") }
    return terms
  }

  private func readObservationTerm(_ node: ConfigurationNode, actionJoints: [Int])
    throws(ConfigurationError) -> ObservationTerm
  {
    let kind = try node.child("term").choice(ObservationKind.self)
    let common = ["term", "scale", "offset", "clip", "noise", "history", "newest_first"]
    var term: ObservationTerm
    func make(_ components: [Int], _ names: [String], labels: [String]) -> ObservationTerm {
      ObservationTerm(
        kind: kind, components: components, scale: components.map { _ in 1 }, offset: components.map { _ in 0 },
        clip: (-.infinity, .infinity), names: names, labels: labels)
    }
    func axes(_ prefix: String) throws(ConfigurationError) -> ObservationTerm {
      let selected = try readSelection(try node.optional("components"), from: Self.axes, kind: "component")
      let labels = selected.map { Self.axes[$0] }
      return make(selected, labels.map { "\(prefix).\($0)" }, labels: labels)
    }
    switch kind {
    case .jointPosition, .jointPositionCosine, .jointPositionSine, .jointVelocity, .jointEffort, .jointPositionError:
      try node.allowOnly(common + ["joints"])
      let selected = try readSelection(try node.optional("joints"), from: joints, kind: "joint")
      let labels = selected.map { joints[$0] }
      term = make(selected, labels.map { "\(kind.rawValue).\($0)" }, labels: labels)
    case .variable:
      try node.allowOnly(common + ["variable", "components"])
      let index = try variableIndex(try node.child("variable"))
      term = try axes(variables[index].name)
      term.reference = index
    case .point:
      try node.allowOnly(common + ["point", "components"])
      let index = try pointIndex(try node.child("point"))
      term = try axes(points[index].name)
      term.point = index
    case .pointMinusVariable:
      try node.allowOnly(common + ["point", "variable", "components"])
      let point = try pointIndex(try node.child("point"))
      let variable = try variableIndex(try node.child("variable"))
      term = try axes("\(points[point].name)-\(variables[variable].name)")
      term.point = point
      term.reference = variable
    case .pointMinusPoint:
      try node.allowOnly(common + ["point", "other", "components"])
      let point = try pointIndex(try node.child("point"))
      let other = try pointIndex(try node.child("other"))
      term = try axes("\(points[point].name)-\(points[other].name)")
      term.point = point
      term.reference = other
    case .previousAction:
      try node.allowOnly(common)
      let labels = actionJoints.map { joints[$0] }
      term = make(Array(labels.indices), labels.map { "previous_action.\($0)" }, labels: labels)
    case .timeFraction:
      try node.allowOnly(common)
      guard timeLimit != nil else {
        throw node.error("time_fraction needs a time limit", suggestion: "add time_limit: STEPS to the task")
      }
      term = make([0], ["time_fraction"], labels: ["time_fraction"])
    }
    try readOptions(of: &term, from: node)
    return term
  }

  private func readOptions(of term: inout ObservationTerm, from node: ConfigurationNode) throws(ConfigurationError) {
    if let scale = try node.optional("scale") { term.scale = try readPerName(scale, names: term.labels, absent: 1) }
    if let offset = try node.optional("offset") { term.offset = try readPerName(offset, names: term.labels, absent: 0) }
    if let clip = try node.optional("clip") { term.clip = try readInterval(clip) }
    if let noise = try node.optional("noise") {
      try noise.allowOnly(["uniform", "gaussian"])
      let entries = try noise.entries()
      guard entries.count == 1, let entry = entries.first else {
        throw noise.error("expected one of uniform: HALF_RANGE or gaussian: STANDARD_DEVIATION")
      }
      let size = try nonNegative(entry.value)
      term.noise = entry.key == "uniform" ? .uniform(halfRange: size) : .gaussian(standardDeviation: size)
    }
    if let history = try node.optional("history") { term.history = try history.integer(in: 1...64) }
    if let order = try node.optional("newest_first") {
      term.newestFirst = try order.boolean()
    } else if term.history > 1 {
      throw node.error(
        "a history of \(term.history) steps needs its order",
        suggestion: "add newest_first: true or newest_first: false")
    }
  }

  // MARK: Action

  func readAction(_ node: ConfigurationNode) throws(ConfigurationError) -> ActionMapping {
    let modeNode = try node.child("mode")
    let mode = try modeNode.choice(ActionMapping.Mode.self)
    let common = ["mode", "joints", "scale", "clip"]
    switch mode {
    case .effort, .position: try node.allowOnly(common + ["offset"])
    case .positionDelta: try node.allowOnly(common + ["relative_to", "maximum_lead"])
    }
    let selected = try readSelection(try node.optional("joints"), from: joints, kind: "joint")
    let names = selected.map { joints[$0] }
    var action = ActionMapping(
      mode: mode, joints: selected, scale: selected.map { _ in 1 }, offset: selected.map { _ in 0 },
      clip: (-.infinity, .infinity))
    if let scale = try node.optional("scale") {
      action.scale = try readPerName(scale, names: names, absent: 1)
      if let index = action.scale.firstIndex(of: 0) {
        throw scale.error("a scale of 0 leaves \(names[index]) without command")
      }
    }
    if let offset = try node.optional("offset") { action.offset = try readPerName(offset, names: names, absent: 0) }
    if let clip = try node.optional("clip") { action.clip = try readInterval(clip) }
    if let reference = try node.optional("relative_to") {
      action.reference = try reference.choice(ActionMapping.DeltaReference.self)
    }
    if let lead = try node.optional("maximum_lead") { action.maximumLead = try positive(lead) }
    return action
  }

  // MARK: Reward

  func readReward(_ node: ConfigurationNode, actionJoints: [Int], definesSuccess: Bool)
    throws(ConfigurationError) -> [RewardTerm]
  {
    var terms: [RewardTerm] = []
    for item in try node.list() {
      let term = try readRewardTerm(item, actionJoints: actionJoints, definesSuccess: definesSuccess)
      guard !terms.contains(where: { $0.name == term.name }) else {
        throw item.error("two reward terms are called '\(term.name)'", suggestion: "tell them apart by name: NAME")
      }
      terms.append(term)
    }
    guard !terms.isEmpty else { throw node.error("a reward needs at least one term") }
    guard terms.count <= 32 else { throw node.error("\(terms.count) reward terms, at most 32 are possible") }
    return terms
  }

  private func readRewardTerm(_ node: ConfigurationNode, actionJoints: [Int], definesSuccess: Bool)
    throws(ConfigurationError) -> RewardTerm
  {
    let kind = try node.child("term").choice(RewardKind.self)
    let common = ["term", "name", "weight"]
    var term = RewardTerm(
      name: try node.optional("name")?.string() ?? kind.rawValue, kind: kind,
      weight: try node.child("weight").double())
    switch kind {
    case .distance, .distanceTanh, .distanceExponential:
      let isKernel = kind != .distance
      try node.allowOnly(common + ["point", "to", isKernel ? "width" : "norm"])
      term.point = try pointIndex(try node.child("point"))
      term.reference = try reference(try node.child("to"))
      if isKernel { term.parameter = try positive(try node.child("width")) }
      if let norm = try node.optional("norm") { term.norm = try norm.choice(DistanceNorm.self) }
    case .actionSquared, .actionRateSquared:
      try node.allowOnly(common + ["joints"])
      term.indices = try readSelection(
        try node.optional("joints"), from: actionJoints.map { joints[$0] }, kind: "commanded joint")
    case .jointVelocitySquared, .jointEffortSquared, .jointPower:
      try node.allowOnly(common + ["joints"])
      term.indices = try readSelection(try node.optional("joints"), from: joints, kind: "joint")
    case .jointDeviationSquared:
      try node.allowOnly(common + ["joints", "from"])
      term.indices = try readSelection(try node.optional("joints"), from: joints, kind: "joint")
      term.targets = try readPerName(try node.child("from"), names: term.indices.map { joints[$0] }, absent: 0)
    case .jointLimitProximity:
      try node.allowOnly(common + ["joints", "margin"])
      term.parameter = try positive(try node.child("margin"))
      term.indices = try readSelection(try node.optional("joints"), from: joints, kind: "joint")
      for index in term.indices where !limits.lower[index].isFinite && !limits.upper[index].isFinite {
        throw node.error(
          "\(joints[index]) has no joint limit", suggestion: "add joint_limits: {\(joints[index]): [LOWER, UPPER]}")
      }
    case .successBonus:
      try node.allowOnly(common)
      guard definesSuccess else {
        throw node.error(
          "success_bonus needs a success criterion", suggestion: "add success: {point: …, to: …, within: …}")
      }
    case .failure, .constant:
      try node.allowOnly(common)
    }
    return term
  }
}
