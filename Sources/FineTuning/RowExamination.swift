import ArmModel
import CSystem
import Numerics
import Policies
import Recording
import Tasks

/// Holds every row of a log against what it must be, in order. The first row that fails is refused by name.
struct RowExamination: ~Copyable {
  private let log: LogProvenance
  private let keepsAltered: Bool
  private var replay: BehaviourReplay
  private var evaluator: TaskEvaluator
  private let jointNumbers: [TaskDefinition.JointNumber]
  private var last: Transition?
  /// The final observation of the episode before, which the next must not begin with.
  private var lastFinal: [Float] = []
  private var edge: RowPlace?
  private var edgeCount = 0
  private var ratioCount = 0
  private var sourceIndex = 0
  /// Largest |Δ log π| seen, and the tolerance it is held against.
  private(set) var largestDifference = 0.0
  private(set) var tolerance = 1e-5

  init(_ log: LogProvenance, policy: LoadedPolicy, keepsAltered: Bool) throws {
    self.log = log
    self.keepsAltered = keepsAltered
    replay = try BehaviourReplay(policy)
    evaluator = log.task.makeEvaluator()
    var random = RandomStream(seed: 0, name: "examination")
    evaluator.beginEpisode(random: &random)
    jointNumbers = log.task.jointNumbers
  }

  var mean: [Float] { replay.mean }
  var logDeviation: [Float] { replay.logDeviation }

  func networkInput(_ observation: [Float], into row: inout [Float]) -> Bool {
    replay.networkInput(observation, into: &row)
  }

  func place(_ row: Transition) -> RowPlace {
    RowPlace(log: log.path, episode: row.episode, step: row.stepInEpisode)
  }

  private func refuse(
    _ code: FineTuningError.Code, _ row: Transition, _ what: String, _ remedy: String
  ) -> FineTuningError { FineTuningError(code, at: place(row), what, remedy) }

  /// Whether rows are missing before `row`: the fault, or nil.
  mutating func gap(before row: Transition) -> FineTuningError? {
    let lossRemedy = "record again, or leave broken episodes out with --skip-lossy"
    let wanted = last.map { $0.step &+ 1 } ?? 0
    if row.step > wanted {
      return refuse(.lossy, row, "\(row.step - wanted) rows before this one are missing", lossRemedy)
    }
    if let last, row.episode == last.episode, row.stepInEpisode > last.stepInEpisode &+ 1 {
      return refuse(.lossy, row, "the step before this one is missing", lossRemedy)
    }
    if let last, row.episode > last.episode, !last.isTerminated, !last.isTruncated {
      return refuse(.lossy, last, "the episode has no end", lossRemedy)
    }
    return nil
  }

  /// Examines a row and says what it is.
  mutating func examine(_ row: Transition) throws(FineTuningError) -> RowKind {
    defer { last = row }
    try checkOrder(row)
    try checkNumbers(row)
    try checkEnd(row)
    let kind = self.kind(row)
    try checkEvents(row, kind)
    if kind == .ratio {
      ratioCount += 1
      try checkReplay(row)
    }
    try checkExecution(row, kind)
    lastFinal = row.finalObservation
    return kind
  }

  /// What only the whole log tells.
  func finish() throws(FineTuningError) {
    // A sample hits the edge of the box with probability zero; a stray row may be rounding.
    if let edge, edgeCount > max(2, ratioCount / 1000) {
      throw FineTuningError(
        .clampedAction, at: edge,
        "the sampled action lies exactly on the edge of the action box, here and in \(edgeCount - 1) other rows: it was "
          + "clamped before it was stored", "record raw_action before the clip, and record again")
    }
  }

  /// Goes on behind a gap, at the row after it.
  mutating func resume(at row: Transition) {
    last = nil
    lastFinal = []
  }

  // MARK: Order

  private func checkOrder(_ row: Transition) throws(FineTuningError) {
    let remedy = "the rows were shuffled or changed after recording; take the log as it was recorded"
    if let last {
      guard row.step > last.step, row.stamp > last.stamp, row.episode >= last.episode else {
        throw refuse(
          .order, row, "it comes after step \(last.stepInEpisode) of episode \(last.episode), but was before it", remedy
        )
      }
      guard row.episode > last.episode ? row.stepInEpisode == 0 : row.stepInEpisode == last.stepInEpisode &+ 1 else {
        throw refuse(.order, row, "it does not continue step \(last.stepInEpisode) of episode \(last.episode)", remedy)
      }
      if row.episode > last.episode, lastFinal == row.observation, row.observation.count > 0 {
        throw refuse(
          .finalObservation, last, "the final observation is the first one of the next episode",
          "record the observation before the reset")
      }
      if row.episode == last.episode, last.duration.isFinite {
        let error = Double(row.stamp - last.stamp) * 1e-9 - last.duration
        guard error.magnitude <= 0.5 * log.task.stepDuration else {
          throw refuse(.order, row, "it begins \(decimal(error * 1e3, 1)) ms after the row before it ended", remedy)
        }
      }
    }
    for number in jointNumbers {
      let measured = (number.isVelocity ? row.velocity : row.position)[number.joint]
      guard measured.isFinite, number.index < row.observation.count else { continue }
      let (expected, found) = (number.observed(Double(measured)), Double(row.observation[number.index]))
      guard (found - expected).magnitude <= 1e-4 * (1 + expected.magnitude) else {
        throw refuse(
          .order, row,
          "observation \(log.task.observationNames[number.index]) is \(decimal(found, 5)), but joint "
            + "\(log.task.joints[number.joint]) was measured so that it must be \(decimal(expected, 5))",
          "observations and measurements are of different rows or in different joint orders; take the log as it was "
            + "recorded")
      }
    }
  }

  // MARK: Numbers

  private func checkNumbers(_ row: Transition) throws(FineTuningError) {
    guard row.observation.allSatisfy(\.isFinite) else {
      throw refuse(.notFinite, row, "an observation is not finite", "leave the episode out, or record again")
    }
    guard row.reward.isFinite else {
      throw refuse(.notFinite, row, "the reward is not finite", "check the task's reward terms, and record again")
    }
    guard !row.rewardTerms.isEmpty else { return }
    let sum = row.rewardTerms.reduce(0.0) { $0 + Double($1) }
    let size = row.rewardTerms.reduce(1.0) { $0 + Double($1.magnitude) }
    guard (sum - Double(row.reward)).magnitude <= 1e-4 * size else {
      throw refuse(
        .reward, row, "the reward is \(row.reward), but its terms sum to \(decimal(sum, 6))",
        "the reward was changed after recording; take the log as it was recorded")
    }
  }

  private func checkEnd(_ row: Transition) throws(FineTuningError) {
    let limit = log.timeLimitSteps
    let isPersons = row.isTerminated && log.isPersonsEnd(row)
    if let limit, Int(row.stepInEpisode) + 1 == limit, !row.isTruncated, !isPersons {
      throw refuse(
        .termination, row,
        row.isTerminated
          ? "the time limit of \(limit) steps is marked as a termination"
          : "the time limit of \(limit) steps passed without an end",
        "a time limit is a truncation: record terminated and truncated apart")
    }
    if row.isTerminated, !isPersons {
      let remedy = "only the task terminates; a time limit, a stop, a lost link are truncations: record them apart"
      guard log.task.canTerminate else {
        throw refuse(
          .termination, row, "it is marked as a termination, but task '\(log.task.name)' never terminates", remedy)
      }
      let isSuccess = log.task.endsWithSuccess && row.flags.contains(.success)
      if !isSuccess, !log.task.canFail {
        throw refuse(
          .termination, row,
          "it is marked as a termination, but the task terminates on success alone, which was not met",
          remedy)
      }
      if !isSuccess, breaksJointRule(row.finalObservation) == false {
        throw refuse(
          .termination, row, "it is marked as a termination, but the last observation breaks no rule of the task",
          remedy)
      }
    }
    guard row.isTerminated || row.isTruncated else { return }
    guard row.finalObservation.count == row.observation.count, row.finalObservation.allSatisfy(\.isFinite) else {
      throw refuse(
        .finalObservation, row, "the episode ends without its final observation",
        "record the observation after the last step")
    }
  }

  private func breaksJointRule(_ observation: [Float]) -> Bool? {
    var positions = [Double?](repeating: nil, count: log.task.joints.count)
    var velocities = positions
    for number in jointNumbers where number.index < observation.count {
      let value = number.measured(Double(observation[number.index]))
      if number.isVelocity { velocities[number.joint] = value } else { positions[number.joint] = value }
    }
    return log.task.breaksJointRule(position: positions, velocity: velocities)
  }

  // MARK: Who commanded

  private func kind(_ row: Transition) -> RowKind {
    if row.flags.contains(.intervention) || row.source == .person || row.source == .blend { return .person }
    guard row.source == .policy else { return .stop }
    let isCut =
      row.isTruncated && log.timeLimitSteps.map { Int(row.stepInEpisode) + 1 < $0 } ?? true
    let isUsable = row.rawAction.allSatisfy(\.isFinite) && row.logProbability.isFinite
    if row.flags.contains(.altered), !keepsAltered || isCut || !isUsable { return .altered }
    let isOnGrid = (row.duration / log.task.stepDuration - 1).magnitude < 0.5
    return isOnGrid ? .ratio : .offGrid
  }

  private mutating func checkEvents(_ row: Transition, _ kind: RowKind) throws(FineTuningError) {
    guard row.duration.isFinite else { return }
    let end = row.stamp &+ Int64(row.duration * 1e9)
    let remedy = "a row that a person drove must say so, with the executed command; record again"
    while sourceIndex + 1 < log.sources.count, log.sources[sourceIndex + 1].stamp <= row.stamp { sourceIndex += 1 }
    guard kind == .ratio else { return }
    for index in sourceIndex..<max(sourceIndex, log.sources.count) {
      let change = log.sources[index]
      guard change.stamp < end else { break }
      if change.source == CommandSource.person.rawValue || change.source == CommandSource.blend.rawValue {
        throw refuse(.executed, row, "the row names the policy, but by the log's events a person commanded", remedy)
      }
    }
    if log.interventions.contains(where: { $0.lowerBound < end && $0.upperBound > row.stamp }) {
      throw refuse(
        .executed, row, "the row is not marked, but by the log's events it is within an intervention", remedy)
    }
  }

  /// The command must be what the row says it is: for the policy's rows the proposal, for a person's rows not the policy's.
  private mutating func checkExecution(_ row: Transition, _ kind: RowKind) throws(FineTuningError) {
    if kind == .ratio, !row.flags.contains(.altered) {
      for joint in row.command.indices {
        let (command, proposal) = (row.command[joint], row.proposal[joint])
        var bounds = min(proposal, proposal)...max(proposal, proposal)
        // On a straight line the last tick may still be on its way.
        if log.isLinear, let before = last?.proposal[joint], before.isFinite, proposal.isFinite {
          bounds = min(before, proposal)...max(before, proposal)
        }
        let slack = 1e-5 * (1 + proposal.magnitude)
        guard command >= bounds.lowerBound - slack, command <= bounds.upperBound + slack else {
          throw refuse(
            .executed, row,
            "joint \(log.task.joints[joint]) was commanded \(command), not the proposed \(proposal), but the row says that "
              + "the policy drove and safety changed nothing",
            "rows that a person or safety changed must say so; record again")
        }
      }
    }
    let isFirst = last?.episode != row.episode
    guard !isFirst, let last, row.action.allSatisfy(\.isFinite), row.position.allSatisfy(\.isFinite) else { return }
    if kind.isPolicys, last.source == .policy {
      guard let made = command(of: row, after: last.proposal) else { return }
      for joint in log.task.actionJoints where row.proposal[joint].isFinite {
        guard (made[joint] - Double(row.proposal[joint])).magnitude <= 1e-4 * (1 + made[joint].magnitude) else {
          throw refuse(
            .executed, row,
            "the action makes a goal of \(decimal(made[joint], 5)) for joint \(log.task.joints[joint]), but the proposal is "
              + "\(decimal(Double(row.proposal[joint]), 5))",
            "actions and proposals are of different rows or of another task; take the log as it was recorded")
        }
      }
    } else if kind == .person {
      guard let made = command(of: row, after: last.command) else { return }
      let isPolicys = log.task.actionJoints.allSatisfy { joint in
        (made[joint] - Double(row.command[joint])).magnitude <= 1e-6 * (1 + made[joint].magnitude)
      }
      let hasMoved = log.task.actionJoints.contains { row.command[$0] != last.command[$0] }
      if isPolicys, hasMoved, row.logProbability.isFinite {
        throw refuse(
          .executed, row, "a person commanded, but the stored command is what the policy's action makes",
          "store the executed command of an intervention, not the proposal; record again")
      }
    }
  }

  /// The command that the row's action makes, going on from `goal`.
  private mutating func command(of row: Transition, after goal: [Float]) -> JointVector? {
    guard goal.allSatisfy(\.isFinite) else { return nil }
    var joints = JointState(count: row.position.count)
    joints.position = JointVector(row.position.map { Double($0) })
    evaluator.adoptGoal(JointVector(goal.map { Double($0) }))
    var result = JointCommand(mode: log.task.commandMode, goal: joints.position, stamp: 0)
    evaluator.command(action: row.action, joints: joints, into: &result)
    return result.goal
  }

  // MARK: Replay

  private mutating func checkReplay(_ row: Transition) throws(FineTuningError) {
    guard row.rawAction.allSatisfy(\.isFinite), row.logProbability.isFinite else {
      throw refuse(
        .deterministic, row, "the policy's row has no sampled action or no log-probability",
        "record again with --sample")
    }
    guard replay.ask(row.observation) else {
      throw refuse(.replay, row, "the policy has no answer to the observation", "give the policy that made the log")
    }
    let (mean, logDeviation) = (replay.mean, replay.logDeviation)
    let sigma = logDeviation.map { sinew_exp(Double($0)) }
    let limit = max(1e-5, 5e-6 / (sigma.min() ?? 1))
    let difference = (replay.logProbability(of: row.rawAction) - Double(row.logProbability)).magnitude
    if difference / limit > largestDifference / tolerance { (largestDifference, tolerance) = (difference, limit) }
    let shift = mean.indices.map { Double(mean[$0] - row.actionMean[$0]).magnitude / sigma[$0] }.max() ?? 0
    let stretch =
      mean.indices.map { Double(logDeviation[$0] - row.actionLogStandardDeviation[$0]).magnitude }.max() ?? 0
    // Written so that NaN fails.
    guard shift < 1e-3, stretch < 1e-4 else {
      throw refuse(
        .replay, row,
        "the policy gives another distribution than the recorded one (mean \(decimal(shift, 4)) σ, log σ "
          + "\(decimal(stretch, 4)) off)",
        "another policy or normaliser made the row, or its numbers are of another row; give the policy that made the log"
      )
    }
    guard difference <= limit else {
      let isCut = replay.isOnEdge(row.rawAction)
      throw refuse(
        isCut ? .clampedAction : .replay, row,
        "replayed, log π of the stored action is \(decimal(difference, 6)) off, \(decimal(limit, 6)) is allowed"
          + (isCut ? ": the stored action is clamped, its log-probability is that of the sampled one" : ""),
        isCut
          ? "record raw_action before the clip, and record again"
          : "the stored action is not the sampled one; take the log as it was recorded")
    }
    for index in row.action.indices {
      let expected = replay.bounded(row.rawAction[index], index)
      guard (expected - Double(row.action[index])).magnitude <= 1e-5 * (1 + expected.magnitude) else {
        throw refuse(
          .replay, row, "the action is \(row.action[index]), the sampled one gives \(decimal(expected, 6))",
          "the actions are of different rows; take the log as it was recorded")
      }
    }
    if replay.isOnEdge(row.rawAction) {
      edgeCount += 1
      if edge == nil { edge = place(row) }
    }
  }
}
