import CSystem
import Learning
import Networks
import Numerics
import Policies

/// What is to be fine-tuned from what.
public struct FineTuningPlan: Sendable {
  /// A bundle's folder, or a shipped policy's name.
  public var policy: String
  public var logs: [String]
  /// The folder of the new bundle, which must not exist; nil writes none.
  public var output: String?
  public var options = FineTuningOptions()
  /// Whether rows that safety altered count as the policy's own.
  public var keepsAltered = false
  /// Whether episodes with missing rows are left out.
  public var skipsLossy = false
  /// Bytes that the rows may take in memory.
  public var memoryLimit = 1 << 30

  public init(policy: String, logs: [String], output: String?) {
    self.policy = policy
    self.logs = logs
    self.output = output
  }
}

/// The logs' content after the examination.
public struct ExaminedData: Sendable {
  public let policy: LoadedPolicy
  public let data: TransitionDataset
  public let logs: [LogSummary]

  /// Mean recorded return of the episodes, not discounted.
  public var meanReturn: Double {
    data.episodes.reduce(0) { $0 + $1.rewardSum } / Double(max(1, data.episodes.count))
  }
}

/// What fine-tuning came to.
public struct FineTuningResult: Sendable {
  public let plan: FineTuningPlan
  public let examined: ExaminedData
  public let record: UpdateRecord
  public let verdict: GateVerdict
  /// What rewards were divided by.
  public let rewardScale: Double
  /// The folder of the new bundle; nil when the gate refused it or none was asked for.
  public let bundle: String?

  /// The limits' values at the end of the update.
  public var final: UpdateCheck? { record.checks.last }
}

/// Offline fine-tuning from one end to the other: examine the logs, judge the procedure, fit, write.
public struct FineTuningSession: Sendable {
  public let plan: FineTuningPlan
  private let policy: LoadedPolicy
  private let start: LearnerStart

  /// Loads the policy and checks that it can go on learning, that the output is free and that its folder can be made.
  public init(_ plan: FineTuningPlan) throws {
    guard !plan.logs.isEmpty else { throw FineTuningError(.input, "no log: name at least one with --log") }
    if let output = plan.output { try BundleFolder.check(output) }
    policy = try PolicyLoader.named(plan.policy)
    start = try LearnerStart(policy)
    var plan = plan
    if !plan.options.isGammaSet, let gamma = start.gamma { plan.options.gamma = gamma }
    self.plan = plan
  }

  /// Reads and examines the logs. Every refusal names the row.
  public func examine(progress: (Double) -> Void = { _ in }) throws -> ExaminedData {
    var reader = DatasetReader(policy: policy)
    reader.keepsAltered = plan.keepsAltered
    reader.skipsLossy = plan.skipsLossy
    reader.memoryLimit = plan.memoryLimit
    let (data, logs) = try reader.read(plan.logs, progress: progress)
    let examined = ExaminedData(policy: policy, data: data, logs: logs)
    try requireSupport(examined)
    return examined
  }

  /// The whole work. `progress` is told the fraction done and what is being done.
  public func run(progress: (Double, String) -> Void = { _, _ in }) throws -> FineTuningResult {
    let examined = try examine { progress(0.1 * $0, "examining the logs") }
    let data = examined.data
    let scale = start.rewardScale ?? Self.rewardScale(data, gamma: plan.options.gamma)
    let gate = Gate(data: data, start: start, options: plan.options, rewardScale: scale)
    let verdict = try gate.judge { progress(0.1 + 0.75 * $0, "judging on episodes left out") }
    var learner = try OfflineLearner(
      data, start: start, options: plan.options, heldOut: [], rewardScale: scale)
    let record = try learner.update { progress(0.85 + 0.15 * $0, "updating") }
    var bundle: String?
    if verdict.isAccepted, let output = plan.output {
      let contents = try contents(learner.model, examined, record, verdict, scale: scale)
      try BundleFolder.write(BundleWriter.files(contents), to: output)
      bundle = output
    }
    return FineTuningResult(
      plan: plan, examined: examined, record: record, verdict: verdict, rewardScale: scale, bundle: bundle)
  }

  // MARK: Support

  private func requireSupport(_ examined: ExaminedData) throws(FineTuningError) {
    let (data, options) = (examined.data, plan.options)
    let kinds = RowKind.allCases.map { (kind: $0, count: data.count(of: $0)) }.filter { $0.count > 0 }
    let table = kinds.map { "\($0.count) \($0.kind.text)" }.joined(separator: ", ")
    let ratios = data.count(of: .ratio)
    guard ratios >= options.minimumRows else {
      let hint =
        data.count(of: .altered) > ratios
        ? "; where safety's limits are part of the arm that the policy was trained on, --altered keep counts those rows"
        : ""
      throw FineTuningError(
        .support,
        "the data cannot support an update: \(ratios) of \(data.count) rows have an importance ratio (\(table)), at least "
          + "\(options.minimumRows) are needed; record more" + hint)
    }
    guard data.episodes.count >= options.minimumEpisodes else {
      throw FineTuningError(
        .support,
        "the data cannot support an update: \(data.episodes.count) episodes, at least \(options.minimumEpisodes) are "
          + "needed for an interval; record more")
    }
    var least = Float.infinity
    for row in 0..<data.count where data.kinds[row] == .ratio {
      for place in (row * data.actionCount)..<((row + 1) * data.actionCount) {
        least = min(least, data.logDeviations[place])
      }
    }
    guard least > -7 else {
      throw FineTuningError(
        .support,
        "the data cannot support an update: the policy's σ goes down to \(decimal(sinew_exp(Double(least)), 6)), so that it "
          + "hardly tries anything but its mean; record with a wider policy")
    }
    let first = data.rewards.first ?? 0
    guard data.rewards.contains(where: { $0 != first }) else {
      throw FineTuningError(
        .support, "the data cannot support an update: every row has the same reward; check the task's reward")
    }
  }

  /// The standard deviation of the discounted return, as training scales its rewards.
  private static func rewardScale(_ data: TransitionDataset, gamma: Double) -> Double {
    var (sum, squares) = (0.0, 0.0)
    for episode in data.episodes {
      var total = 0.0
      for row in episode.rows {
        total = gamma * total + Double(data.rewards[row])
        sum += total
        squares += total * total
      }
    }
    let n = Double(data.count)
    let variance = squares / n - (sum / n) * (sum / n)
    return sinew_sqrt(max(variance, 1e-12))
  }

  // MARK: The new bundle

  private func contents(
    _ model: borrowing ActorCritic, _ examined: ExaminedData, _ record: UpdateRecord, _ verdict: GateVerdict,
    scale: Double
  ) throws -> BundleContents {
    let description = policy.description
    let spread: BundleContents.Spread
    if let block = model.logDeviation {
      spread = .constant(block.values(in: model.parameters.base))
    } else {
      let range = GaussianHead.logDeviationRange
      spread = .secondHalf(Double(range.lowerBound)...Double(range.upperBound))
    }
    func inherited(_ key: String) -> String? { description.provenance.first { $0.key == key }?.value }
    let round = (inherited("round").flatMap { Int($0) } ?? 0) + 1
    let base = inherited("base_name") ?? description.name
    let final = record.checks.last
    func text(_ x: Interval) -> String { "\(Float(x.mean)), interval \(Float(x.low)) to \(Float(x.high))" }
    var training: [(key: String, value: String)] = [
      ("algorithm", "offline-ppo"), ("round", "\(round)"), ("base_name", base),
      ("parent_sha256", description.hash), ("logs_sha256", examined.logs.map(\.sha256).joined(separator: " ")),
      ("rows", "\(examined.data.count)"), ("episodes", "\(examined.data.episodes.count)"),
      ("reward_scale", "\(scale)"), ("gamma", "\(plan.options.gamma)"), ("seed", "\(plan.options.seed)"),
      ("kl", "\(Float(final?.kl ?? .nan))"), ("effective_sample_size", "\(Float(final?.sampleSize ?? .nan))"),
      ("estimated_improvement", "\(text(verdict.surrogate)), to first order"),
      ("estimated_improvement_doubly_robust", text(verdict.improvement)), ("gate", verdict.rule.rawValue),
      ("golden_vectors", "the trainer's own forward pass"),
    ]
    for key in ["task", "task_sha256"] {
      if let value = inherited(key) { training.append((key, value)) }
    }
    return BundleContents(
      name: "\(base)-finetuned-\(round)", robot: description.robot, jointNames: description.jointNames ?? [],
      rateHz: description.rateHz ?? 0, observationNames: description.observationTerms.map(\.name),
      layers: LearnerStart.layers(model.actor.blocks, of: model),
      valueLayers: LearnerStart.layers(model.critic.blocks, of: model), spread: spread,
      isSquashed: model.shape.isSquashed, actionKind: description.action.kind ?? .position,
      actionRange: model.shape.actionRange, normaliser: description.normaliser, golden: try golden(model),
      training: training)
  }

  /// Observations around what the normaliser knows, the last two far outside, with the learner's own mean actions.
  private func golden(_ model: borrowing ActorCritic) throws -> [(observation: [Double], action: [Float])] {
    let replay = try BehaviourReplay(policy)
    var random = RandomStream(seed: plan.options.seed, name: "golden vectors")
    let input = FloatBuffer(count: model.observationStride)
    var rows: [(observation: [Double], action: [Float])] = []
    for row in 0..<16 {
      let reach = row < 14 ? 1.5 : 30.0
      var observation: [Double] = []
      for index in 0..<model.shape.observationCount {
        var (mean, deviation) = (0.0, 1.0)
        if case .statistics(let means, let variances, _, _) = policy.description.normaliser {
          (mean, deviation) = (means[index], variances[index].squareRoot())
        }
        observation.append(mean + reach * deviation * random.normal())
      }
      guard replay.networkInput(observation, into: input.base) else { continue }
      model.actor.forward(
        model.parameters.base, input: input.base, inputStride: model.observationStride, rows: 1)
      rows.append((observation, (0..<model.shape.actionCount).map { model.head.bounded(model.actor.output[$0]) }))
    }
    return rows
  }
}
