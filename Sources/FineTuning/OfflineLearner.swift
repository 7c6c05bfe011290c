import CSystem
import Learning
import Networks
import Numerics

/// What one look at all rows found; the curves of the report.
public struct UpdateCheck: Sendable {
  /// Epochs done, in parts.
  public var epoch: Double
  /// Mean KL(π_b‖π), nats, in closed form.
  public var kl: Double
  /// (Σρ)²/Σρ² as a share of the rows.
  public var sampleSize: Double
  /// Share of rows with |ρ − 1| > ε.
  public var clipFraction: Double
  /// Mean of ρA over the rows, advantages normalised: what the update climbs.
  public var surrogate: Double
  public var entropy: Double
}

/// How an update went.
public struct UpdateRecord: Sendable {
  public var checks: [UpdateCheck] = []
  /// Explained variance 1 − Var(R − V)/Var(R) of the critic after each of its first passes; on the fitted rows.
  public var explained: [Double] = []
  /// Why the policy's passes ended.
  public var ending = ""
  /// ρ of each row at the end.
  public var ratios: [Float] = []
  /// Gradient steps of the policy.
  public var steps = 0
  /// Mean log π at the end of what a person executed; nil without such rows.
  public var personLikelihood: Double?
}

/// Offline PPO: improves the policy that made a data set, and never leaves the data.
///
/// maximise  mean over ratio rows min(ρÂ, clip(ρ, 1 − ε, 1 + ε)·Â) − β·KL(π_b‖π) + c₂·H + w·mean over a person's rows log π(aₑ)
///
/// with ρ = π(a|s)/π_b(a|s) from the recorded log π_b, aₑ what a person executed. The critic is fitted to the log first:
/// R = Â + V, Â by GAE(γ, λ) over all rows, cut where another hand took over, V recomputed before every pass. Rows that a
/// person or the safety core changed have no ratio. After every quarter of an epoch the whole data set is looked at; where the
/// exact KL or the effective sample size passes its limit, the step back to the look before is taken and the update ends.
/// Sources: Schulman et al., arXiv:1707.06347 and arXiv:1506.02438; critic first and recomputed advantages:
/// Andrychowicz et al., arXiv:2006.05990, section 3.5; staying near the behaviour policy: Zhuang et al., arXiv:2302.11312,
/// and Lei et al., arXiv:2311.03351.
struct OfflineLearner: ~Copyable {
  let data: TransitionDataset
  let options: FineTuningOptions
  let model: ActorCritic
  /// Rows that are learned from: of the episodes that are not held out.
  private let rows: [Int32]
  private let ratioRows: [Int32]
  /// A person's rows whose action is known.
  private let personRows: [Int32]
  /// Parameters of the policy that stay as they are; their gradients are 0 in every step, and so is what Adam makes of them.
  private let fixed: [Range<Int>]
  private var actorOptimiser: Optimiser
  private var critics: CrossFittedCritics
  private var random: RandomStream
  /// Of each row; normalised over the ratio rows during the update.
  let advantages: FloatBuffer
  /// The episode of each row, and how much its rows weigh in the present step (see `weighEpisodes`).
  private let episodeOfRow: [Int32]
  private var episodeWeights: [Double]
  // Scratch.
  private let inputs: FloatBuffer
  private let chosen: FloatBuffer
  private let densities: FloatBuffer
  private let gradients: FloatBuffer
  /// Rows that the networks evaluate at once.
  static let capacity = 1024

  /// - Parameters:
  ///   - heldOut: episodes, by their places, that are not learned from.
  ///   - rewardScale: rewards are divided by this.
  init(
    _ data: TransitionDataset, start: LearnerStart, options: FineTuningOptions, heldOut: Set<Int>, rewardScale: Double
  ) throws {
    self.data = data
    self.options = options
    let capacity = max(Self.capacity, options.batchSize, options.criticBatchSize)
    model = try start.makeModel(rowCapacity: capacity, seed: options.seed)
    var rows: [Int32] = []
    for (index, episode) in data.episodes.enumerated() where !heldOut.contains(index) {
      rows += episode.rows.map { Int32($0) }
    }
    self.rows = rows
    ratioRows = rows.filter { data.kinds[Int($0)] == .ratio }
    personRows = rows.filter { data.kinds[Int($0)] == .person && data.executed[Int($0) * data.actionCount].isFinite }
    let blocks = model.actor.blocks
    var episodeOfRow = [Int32](repeating: 0, count: data.count)
    for (index, episode) in data.episodes.enumerated() {
      for row in episode.rows { episodeOfRow[row] = Int32(index) }
    }
    self.episodeOfRow = episodeOfRow
    episodeWeights = [Double](repeating: 1, count: data.episodes.count)
    let kept =
      switch options.parameters {
      case .all: 0
      case .last: blocks.count - 2
      case .bias: blocks.count - 1
      }
    var fixed = blocks[..<kept].map { $0.offset..<($0.offset + $0.rows * $0.stride) }
    if !options.movesLogDeviation, let spread = model.logDeviation {
      fixed.append(spread.offset..<(spread.offset + spread.count))
    }
    self.fixed = fixed
    actorOptimiser = Optimiser(.adam(), range: model.actorRange, kernels: model.kernels)
    critics = CrossFittedCritics(
      data, model: model, options: options, episodes: data.episodes.indices.filter { !heldOut.contains($0) },
      rewardScale: rewardScale, chunk: Self.capacity)
    random = RandomStream(seed: options.seed, name: "offline update")
    advantages = FloatBuffer(count: data.count)
    inputs = FloatBuffer(count: capacity * data.stride)
    chosen = FloatBuffer(count: capacity * data.actionCount)
    densities = FloatBuffer(count: capacity)
    gradients = FloatBuffer(count: capacity)
  }

  /// The whole update.
  /// - Parameter progress: is told the fraction done.
  mutating func update(progress: (Double) -> Void = { _ in }) throws(FineTuningError) -> UpdateRecord {
    var record = UpdateRecord()
    let total = Double(options.criticEpochs + 3 * options.epochs)
    record.explained = try critics.fit(model, rows: rows) { progress(Double($0) / total) }
    let best = FloatBuffer(count: model.layout.count)
    best.copy(from: model.parameters)
    record.checks.append(check(epoch: 0, into: &record))
    record.ending = "all \(options.epochs) epochs were done"
    epochs: for epoch in 0..<options.epochs {
      advantages.copy(from: critics.advantages)
      normaliseAdvantages()
      var order = ratioRows
      shuffle(&order)
      var persons = options.imitation > 0 ? personRows : []
      shuffle(&persons)
      let quarter = (order.count + 3) / 4
      for part in 0..<4 {
        let range = (part * quarter)..<min(order.count, (part + 1) * quarter)
        for first in stride(from: range.lowerBound, to: range.upperBound, by: options.batchSize) {
          let batch = Array(order[first..<min(range.upperBound, first + options.batchSize)])
          let share = Double(first) / Double(max(1, order.count))
          try stepPolicy(batch, persons: personsOf(persons, at: share, like: batch.count, of: order.count), &record)
        }
        let look = check(epoch: Double(epoch) + Double(part + 1) / 4, into: &record)
        guard look.kl.isFinite else {
          throw FineTuningError(
            .notFinite, "the KL is not finite after epoch \(epoch + 1): lower learning_rate; nothing was written")
        }
        if look.kl > options.klLimit || look.sampleSize < options.sampleSizeLimit {
          // The parameters go back to the last look that kept both limits.
          model.parameters.copy(from: best)
          record.ending =
            look.kl > options.klLimit
            ? "the KL limit of \(decimal(options.klLimit, 4)) nats was reached in epoch \(epoch + 1)"
            : "the effective sample size fell below \(decimal(options.sampleSizeLimit, 2)) in epoch \(epoch + 1)"
          _ = check(epoch: 0, into: &record)
          break epochs
        }
        record.checks.append(look)
        best.copy(from: model.parameters)
      }
      // The rows and the policy that made them stay as they are, and so does what critics of left-out rows say of them.
      if !critics.isCrossFitted {
        try critics.pass(model, number: options.criticEpochs + epoch)
        critics.judge(model)
      }
      progress(Double(options.criticEpochs + 3 * epoch) / total)
    }
    critics.write(to: model)
    record.personLikelihood = personLikelihood()
    progress(1)
    return record
  }

  // MARK: Policy

  /// Over the ratio rows: mean 0, sample standard deviation 1.
  private func normaliseAdvantages() {
    let n = Double(ratioRows.count)
    let mean = ratioRows.reduce(0.0) { $0 + Double(advantages.base[Int($1)]) } / n
    let squares = ratioRows.reduce(0.0) { sum, row in
      let x = Double(advantages.base[Int(row)]) - mean
      return sum + x * x
    }
    let deviation = sinew_sqrt(squares / max(1, n - 1)) + 1e-8
    for row in ratioRows { advantages.base[Int(row)] = Float((Double(advantages.base[Int(row)]) - mean) / deviation) }
  }

  private func personsOf(_ persons: [Int32], at share: Double, like count: Int, of total: Int) -> [Int32] {
    guard !persons.isEmpty else { return [] }
    let start = Int(share * Double(persons.count))
    let wanted = max(1, min(options.batchSize, persons.count * count / max(1, total)))
    return Array(persons[start..<min(persons.count, start + wanted)])
  }

  /// One gradient step on a minibatch of ratio rows, and of a person's rows where those are imitated.
  private mutating func stepPolicy(
    _ batch: [Int32], persons: [Int32], _ record: inout UpdateRecord
  ) throws(FineTuningError) {
    model.gradients.clear()
    let sums = FloatBuffer(count: persons.isEmpty ? 1 : model.criticOffset)
    if !persons.isEmpty {
      differentiate(persons, executed: true)
      sums.base.update(from: model.gradients.base, count: model.criticOffset)
    }
    differentiate(batch, executed: false)
    if !persons.isEmpty {
      model.kernels.add(1, UnsafePointer(sums.base), to: model.gradients.base, count: model.criticOffset)
    }
    for range in fixed { (model.gradients.base + range.lowerBound).update(repeating: 0, count: range.count) }
    do {
      let norm = try model.gradientNorm(model.actorRange, update: actorOptimiser.steps + 1)
      actorOptimiser.step(
        model.parameters.base, gradient: model.gradients.base, rate: options.learningRate,
        gradientScale: min(1, options.maximumGradientNorm / (norm + 1e-6)))
    } catch {
      throw FineTuningError(.notFinite, "\(error.description); nothing was written")
    }
    record.steps += 1
  }

  /// The gradient of the loss of some rows.
  private func differentiate(_ batch: [Int32], executed: Bool) {
    let count = batch.count
    load(batch[...], executed: executed)
    model.actor.forward(model.parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
    let rows = model.rows
    model.head.logProbabilities(rows, actions: chosen.base, count: count, into: densities.base)
    let share = 1 / Double(count)
    let (low, high) = (1 - options.clipRange, 1 + options.clipRange)
    for (index, row) in batch.enumerated() {
      guard !executed else {
        gradients.base[index] = Float(-options.imitation * share)
        continue
      }
      let advantage = Double(advantages.base[Int(row)])
      let ratio = sinew_exp(Double(densities.base[index]) - Double(data.logProbabilities[Int(row)]))
      // The minimum is no clamp: the pull back from the wrong side stays.
      let isActive = advantage >= 0 ? ratio <= high : ratio >= low
      let weight = share * episodeWeights[Int(episodeOfRow[Int(row)])]
      gradients.base[index] = isActive ? Float(-weight * ratio * advantage) : 0
    }
    let spread = model.clearedLogDeviationGradient(rows: count)
    model.head.differentiate(
      rows, actions: chosen.base, count: count, logProbabilityGradients: gradients.base,
      entropyGradient: executed ? 0 : -options.entropyCoefficient * share, means: model.actor.outputGradient,
      logDeviations: spread)
    if !executed, options.klPenalty > 0 { addPenalty(batch, rows, spread, share: share * options.klPenalty) }
    model.actor.backward(
      model.parameters.base, input: inputs.base, inputStride: data.stride, rows: count, into: model.gradients.base)
  }

  /// Observations and actions of rows for the networks.
  private func load(_ batch: ArraySlice<Int32>, executed: Bool) {
    let width = data.actionCount
    for (index, row) in batch.enumerated() {
      gather(Int(row), to: index)
      for action in 0..<width {
        let source = executed ? data.executed : data.actions
        chosen.base[index * width + action] = unsquashed(source[Int(row) * width + action], isExecuted: executed)
      }
    }
  }

  /// Adds ∂/∂m = (m − m_b)/σ² and ∂/∂log σ = 1 − (σ_b² + (m − m_b)²)/σ² of KL(π_b‖π).
  private func addPenalty(
    _ batch: [Int32], _ rows: GaussianHead.Rows, _ spread: UnsafeMutablePointer<Float>, share: Double
  ) {
    let range = GaussianHead.logDeviationRange
    for (index, row) in batch.enumerated() {
      for action in 0..<data.actionCount {
        let place = Int(row) * data.actionCount + action
        let raw = rows.logDeviations[index * rows.logDeviationStride + action]
        let isFree = model.head.spread == .stateIndependent
        let logSigma = Double(isFree ? raw : min(max(raw, range.lowerBound), range.upperBound))
        let precision = sinew_exp(-2 * logSigma)
        let shift = Double(rows.means[index * rows.meanStride + action]) - Double(data.means[place])
        model.actor.outputGradient[index * rows.meanStride + action] += Float(share * shift * precision)
        guard isFree || range.contains(raw) else { continue }
        let old = sinew_exp(2 * Double(data.logDeviations[place]))
        spread[index * rows.logDeviationStride + action] += Float(share * (1 - (old + shift * shift) * precision))
      }
    }
  }

  /// An executed action is known after the squash; the density is of the number before it.
  private func unsquashed(_ value: Float, isExecuted: Bool) -> Float {
    guard isExecuted, model.head.isSquashed else { return value }
    let range = model.head.actionRange
    let half = (range.upperBound - range.lowerBound) / 2
    let x = min(max((Double(value) - (range.lowerBound + half)) / half, -0.999), 0.999)
    return Float(0.5 * (sinew_log(1 + x) - sinew_log(1 - x)))
  }

  // MARK: Looking at all rows

  /// KL, effective sample size and the rest over all ratio rows that are learned from.
  private mutating func check(epoch: Double, into record: inout UpdateRecord) -> UpdateCheck {
    var look = UpdateCheck(epoch: epoch, kl: 0, sampleSize: 0, clipFraction: 0, surrogate: 0, entropy: 0)
    var (sum, squares) = (0.0, 0.0)
    record.ratios.removeAll(keepingCapacity: true)
    let width = data.actionCount
    var gains = [Double](repeating: 0, count: data.episodes.count)
    for first in stride(from: 0, to: ratioRows.count, by: Self.capacity) {
      let count = min(Self.capacity, ratioRows.count - first)
      var means: [Float] = []
      var logDeviations: [Float] = []
      for index in 0..<count {
        let row = Int(ratioRows[first + index])
        gather(row, to: index)
        for action in 0..<width { chosen.base[index * width + action] = data.actions[row * width + action] }
        means += data.means[(row * width)..<((row + 1) * width)]
        logDeviations += data.logDeviations[(row * width)..<((row + 1) * width)]
      }
      model.actor.forward(model.parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
      model.head.logProbabilities(model.rows, actions: chosen.base, count: count, into: densities.base)
      look.kl += Double(count) * model.head.divergence(from: means, logDeviations, to: model.rows, count: count)
      look.entropy +=
        Double(count) * model.head.entropy(model.rows, logProbabilities: densities.base, count: count)
      for index in 0..<count {
        let row = Int(ratioRows[first + index])
        let ratio = sinew_exp(Double(densities.base[index]) - Double(data.logProbabilities[row]))
        record.ratios.append(Float(ratio))
        sum += ratio
        squares += ratio * ratio
        if (ratio - 1).magnitude > options.clipRange { look.clipFraction += 1 }
        let advantage = Double(advantages.base[row])
        look.surrogate += ratio * advantage
        let clipped = min(max(ratio, 1 - options.clipRange), 1 + options.clipRange)
        gains[Int(episodeOfRow[row])] += min(ratio * advantage, clipped * advantage) - advantage
      }
    }
    let n = Double(max(1, ratioRows.count))
    look.kl /= n
    look.entropy /= n
    look.clipFraction /= n
    look.surrogate /= n
    look.sampleSize = sum * sum / squares / n
    if options.pessimism > 0 { weighEpisodes(gains) }
    return look
  }

  /// The weights by which the next steps climb Σ Sᵢ − p·√(E·Var S) instead of Σ Sᵢ, with Sᵢ the gain of episode i by the
  /// surrogate, E episodes and p the pessimism: wᵢ = 1 − p·√E/(E − 1)·(Sᵢ − S̄)/sd(S). An episode that pulls further than
  /// the others counts for less, so that what grows is what they agree on (the variance penalty of Swaminathan and
  /// Joachims, ICML 2015, over episodes).
  private mutating func weighEpisodes(_ gains: [Double]) {
    let learned = Set(ratioRows.map { Int(episodeOfRow[Int($0)]) }).sorted()
    let n = Double(learned.count)
    guard n > 1 else { return }
    let mean = learned.reduce(0) { $0 + gains[$1] } / n
    let deviation = sinew_sqrt(learned.reduce(0) { $0 + (gains[$1] - mean) * (gains[$1] - mean) } / (n - 1))
    // Before the first step all gains are 0 and no direction is better known than another.
    guard deviation > 1e-9 else { return }
    let factor = options.pessimism * sinew_sqrt(n) / (n - 1) / deviation
    for episode in learned { episodeWeights[episode] = 1 - factor * (gains[episode] - mean) }
  }

  private func personLikelihood() -> Double? {
    guard !personRows.isEmpty else { return nil }
    var sum = 0.0
    for first in stride(from: 0, to: personRows.count, by: Self.capacity) {
      let count = min(Self.capacity, personRows.count - first)
      load(personRows[first..<first + count], executed: true)
      model.actor.forward(model.parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
      model.head.logProbabilities(model.rows, actions: chosen.base, count: count, into: densities.base)
      for index in 0..<count { sum += Double(densities.base[index]) }
    }
    return sum / Double(personRows.count)
  }

  /// Mean and log σ of the policy for every row and, behind them, every final observation; [.][actionCount].
  func distributions() -> (means: [Float], logDeviations: [Float]) {
    let width = data.actionCount
    var means: [Float] = []
    var logDeviations: [Float] = []
    let range = GaussianHead.logDeviationRange
    let isFree = model.head.spread == .stateIndependent
    for (total, source) in [(data.count, data.inputs), (data.finalCount, data.finals)] {
      forEachChunk(total, of: source) { _, count in
        model.actor.forward(model.parameters.base, input: inputs.base, inputStride: data.stride, rows: count)
        let rows = model.rows
        for row in 0..<count {
          for action in 0..<width {
            means.append(rows.means[row * rows.meanStride + action])
            let raw = rows.logDeviations[row * rows.logDeviationStride + action]
            logDeviations.append(isFree ? raw : min(max(raw, range.lowerBound), range.upperBound))
          }
        }
      }
    }
    return (means, logDeviations)
  }

  private func gather(_ row: Int, to index: Int) {
    data.inputs.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      (inputs.base + index * data.stride).update(from: base + row * data.stride, count: data.stride)
    }
  }

  private func forEachChunk(_ total: Int, of source: [Float], _ body: (Int, Int) -> Void) {
    for first in stride(from: 0, to: total, by: Self.capacity) {
      let count = min(Self.capacity, total - first)
      source.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        inputs.base.update(from: base + first * data.stride, count: count * data.stride)
      }
      body(first, count)
    }
  }

  private mutating func shuffle(_ list: inout [Int32]) {
    for index in stride(from: list.count - 1, to: 0, by: -1) {
      list.swapAt(index, Int(random.bits() % UInt64(index + 1)))
    }
  }
}
