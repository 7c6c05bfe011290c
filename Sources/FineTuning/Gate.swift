import CSystem
import Learning
import Networks
import Numerics

/// A mean with the interval that resampling its episodes gives.
public struct Interval: Sendable, Equatable {
  public var mean: Double
  public var low: Double
  public var high: Double

  public init(mean: Double, low: Double, high: Double) {
    self.mean = mean
    self.low = low
    self.high = high
  }

  /// The percentile interval of 2,000 bootstrap samples (Efron, Ann. Statist. 7, 1979).
  static func bootstrap(_ values: [Double], confidence: Double, seed: UInt64) -> Interval {
    guard let first = values.first else { return Interval(mean: .nan, low: .nan, high: .nan) }
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return Interval(mean: first, low: -.infinity, high: .infinity) }
    var random = RandomStream(seed: seed, name: "bootstrap")
    var means: [Double] = []
    for _ in 0..<2000 {
      var sum = 0.0
      for _ in values { sum += values[Int(random.bits() % UInt64(values.count))] }
      means.append(sum / Double(values.count))
    }
    means.sort()
    let tail = (1 - confidence) / 2
    func quantile(_ share: Double) -> Double { means[min(means.count - 1, max(0, Int(share * Double(means.count))))] }
    return Interval(mean: mean, low: quantile(tail), high: quantile(1 - tail))
  }
}

/// What the gate found before a new bundle is written. Returns are discounted, from the states of the log on, in units of the
/// reward.
public struct GateVerdict: Sendable {
  /// Of each episode, judged by a policy and a Q that never saw it: doubly robust, new minus old.
  public var differences: [Double]
  public var improvement: Interval
  /// By fitted Q evaluation alone, V̂_new(s₀) − V̂_old(s₀).
  public var fitted: Interval
  /// The mean of (ρₜ − 1)Âₜ/(1 − γ) over the rows of each episode, Â from what was earned: the first-order estimate.
  public var surrogate: Interval
  /// What the log earned, and what the estimator says of the policy that made it.
  public var logged: Interval
  public var estimated: Double
  /// Whether the estimator reproduces the logged return within its interval.
  public var isCalibrated: Bool { estimated >= logged.low && estimated <= logged.high }
  /// Mean KL and effective sample size of the judged policies on episodes they never saw.
  public var heldOutKL: Double
  public var heldOutSampleSize: Double
  /// Which estimates must be above 0.
  public var rule = GateRule.firstOrder
  /// What fitted Q evaluation looked ahead with: its rounds, and the discount.
  public var iterations: Int
  public var gamma: Double
  /// Whether the new policy may be written.
  public var isAccepted: Bool {
    isCalibrated && surrogate.low > 0 && (rule == .firstOrder || improvement.low > 0)
  }
  /// The interval that decides, for or against it.
  private var deciding: Interval { surrogate.low > 0 && rule == .both ? improvement : surrogate }
  /// Episodes in all that would about decide, were the mean right; nil when it is not above 0.
  public var wantedEpisodes: Int? {
    let x = deciding
    guard x.mean > 0, x.low <= 0 else { return nil }
    let ratio = (x.mean - x.low) / x.mean
    return Int((Double(differences.count) * ratio * ratio).rounded(.up))
  }

  /// The verdict in one line.
  public var text: String {
    let x = rule == .both && isAccepted ? improvement : deciding
    let interval = "\(decimal(x.low, 4)) to \(decimal(x.high, 4))"
    if isAccepted { return "accepted: estimated improvement \(decimal(x.mean, 4)), interval \(interval)" }
    guard isCalibrated else {
      return "refused: no verdict, because the estimator gives the old policy \(decimal(estimated, 4)) where the log "
        + "earned \(decimal(logged.mean, 4)) (\(decimal(logged.low, 4)) to \(decimal(logged.high, 4))); raise "
        + "gate_iterations, now \(iterations): fitted Q has not looked far enough ahead for gamma \(gamma), and the higher that is, "
        + "the more rounds it takes; more episodes alone do not mend it"
    }
    let more =
      wantedEpisodes.map { "; about \($0) episodes in all would decide, there are \(differences.count)" }
      ?? "; the data show no improvement: record more, or with a wider policy"
    let which = x == surrogate ? " to first order" : ", doubly robust"
    return "refused: estimated improvement \(decimal(x.mean, 4))\(which), but its interval \(interval) is not above 0"
      + more
  }
}

/// Judges the procedure by cross-fitting: the episodes are dealt into folds, and each fold is judged by a policy and a Q̂
/// that were fitted on the others (Chernozhukov et al., arXiv:1608.00060, for the principle). What is written afterwards is
/// fitted on all of them.
struct Gate {
  let data: TransitionDataset
  let start: LearnerStart
  let options: FineTuningOptions
  let rewardScale: Double

  func judge(progress: (Double) -> Void) throws -> GateVerdict {
    let count = data.episodes.count
    let folds = min(options.folds, count / 2)
    var order = Array(0..<count)
    var random = RandomStream(seed: options.seed, name: "folds")
    for index in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(random.bits() % UInt64(index + 1)))
    }
    var found = Findings()
    let advantages = try earned()
    for fold in 0..<folds {
      let held = order.indices.filter { $0 % folds == fold }.map { order[$0] }.sorted()
      try judge(held, advantages, &found) { progress((Double(fold) + $0) / Double(folds)) }
    }
    return found.verdict(options, scale: rewardScale)
  }

  private func judge(
    _ held: [Int], _ advantages: [Double], _ found: inout Findings, progress: (Double) -> Void
  ) throws {
    let heldSet = Set(held)
    // Where the policy never had authority there is nothing to judge it by.
    let judged = held.filter { data.episodes[$0].rows.contains { data.kinds[$0].isPolicys } }
    let kept = data.episodes.indices.filter { !heldSet.contains($0) }
    var learner = try OfflineLearner(
      data, start: start, options: options, heldOut: heldSet, rewardScale: rewardScale)
    let old = table(learner.distributions(), head: learner.model.head, isOld: true)
    _ = try learner.update { progress(0.3 * $0) }
    let new = table(learner.distributions(), head: learner.model.head, isOld: false)
    var base = try FittedQ(data, head: learner.model.head, options: options, rewardScale: rewardScale)
    try base.fit(old, episodes: kept, iterations: options.gateIterations)
    progress(0.6)
    // Both go on from the same Q, with the same random numbers: what their fits have in common cancels.
    let rounds = max(1, options.gateIterations / 2)
    var oldQ = try FittedQ(continuing: base, rewardScale: rewardScale)
    try oldQ.fit(old, episodes: kept, iterations: rounds)
    progress(0.8)
    var newQ = try FittedQ(continuing: base, rewardScale: rewardScale)
    try newQ.fit(new, episodes: kept, iterations: rounds)
    let before = oldQ.estimates(old, episodes: judged)
    let after = newQ.estimates(new, episodes: judged)
    for index in judged.indices {
      found.differences.append(after[index].estimate - before[index].estimate)
      found.fitted.append(after[index].value - before[index].value)
      found.estimated.append(before[index].estimate)
    }
    found.logged += oldQ.loggedReturns(old, episodes: judged)
    for episode in judged {
      var (sum, count) = (0.0, 0.0)
      for row in data.episodes[episode].rows where data.kinds[row].isPolicys {
        count += 1
        if data.kinds[row] == .ratio {
          sum += (new.ratios[row] - 1) * advantages[row]
          found.ratioSum += new.ratios[row]
          found.ratioSquares += new.ratios[row] * new.ratios[row]
          found.ratioCount += 1
          found.kl += divergence(row, to: new)
        }
      }
      // Each step's gain comes 1/(1 − γ) times, once for each step of the discounted future.
      found.surrogates.append(sum / count / max(1 - options.gamma, 1e-3))
    }
    progress(1)
  }

  /// What came after each row until its stretch or the log ended, discounted, less a baseline.
  ///
  /// No critic stands for what comes later. The policy that is judged goes where its own critic hopes for much; another one
  /// that began as the same critic shares that hope, and with it five of 32 logs whose rewards were noise were accepted. As a
  /// baseline a critic hopes for nothing: given the state, the action of the log was drawn without regard to it, so the mean
  /// of (ρ − 1)·b(s) is 0 for every b that was fitted without the row's episode. The better it tells what a state brings, the
  /// less is left for chance. What the log cuts off is missing in the sum, so the baseline, which looks on for ever, fades out
  /// as (1 − γⁿ) with n, the steps that are left.
  private func earned() throws -> [Double] {
    let learner = try OfflineLearner(data, start: start, options: options, heldOut: [], rewardScale: rewardScale)
    var own = options
    own.criticFolds = max(2, min(max(options.criticFolds, options.folds), data.episodes.count))
    var critics = CrossFittedCritics(
      data, model: learner.model, options: own, episodes: Array(data.episodes.indices), rewardScale: rewardScale,
      chunk: OfflineLearner.capacity)
    _ = try critics.fit(learner.model, rows: (0..<data.count).map(Int32.init)) { _ in }
    var result = [Double](repeating: 0, count: data.count)
    for episode in data.episodes {
      var after = 0.0
      var missing = 1.0
      for row in episode.rows.reversed() {
        if data.terminated[row] || data.ends[row] { (after, missing) = (0, data.terminated[row] ? 0 : 1) }
        after = Double(data.rewards[row]) / rewardScale + options.gamma * after
        missing *= options.gamma
        result[row] = after - Double(critics.values.base[row]) * (1 - missing)
      }
    }
    return result
  }

  private func divergence(_ row: Int, to new: PolicyTable) -> Double {
    let width = data.actionCount
    var sum = 0.0
    for place in (row * width)..<((row + 1) * width) {
      let (old, next) = (Double(data.logDeviations[place]), Double(new.logDeviations[place]))
      let shift = Double(data.means[place]) - Double(new.means[place])
      sum += next - old + (sinew_exp(2 * old) + shift * shift) / (2 * sinew_exp(2 * next)) - 0.5
    }
    return sum
  }

  /// A policy's distributions with the ratios of the rows.
  private func table(
    _ distributions: (means: [Float], logDeviations: [Float]), head: GaussianHead, isOld: Bool
  ) -> PolicyTable {
    var ratios = [Double](repeating: 1, count: data.count)
    if !isOld {
      let width = data.actionCount
      let rows = (0..<data.count).filter { data.kinds[$0] == .ratio }
      for row in rows {
        var density: Float = 0
        let place = row * width
        distributions.means.withUnsafeBufferPointer { means in
          distributions.logDeviations.withUnsafeBufferPointer { deviations in
            data.actions.withUnsafeBufferPointer { actions in
              guard let mean = means.baseAddress, let deviation = deviations.baseAddress,
                let action = actions.baseAddress
              else { return }
              head.logProbabilities(
                GaussianHead.Rows(
                  means: mean + place, meanStride: width, logDeviations: deviation + place, logDeviationStride: width),
                actions: action + place, count: 1, into: &density)
            }
          }
        }
        // A product of unlimited ratios would let one row decide.
        ratios[row] = min(sinew_exp(Double(density) - Double(data.logProbabilities[row])), 20)
      }
    }
    return PolicyTable(means: distributions.means, logDeviations: distributions.logDeviations, ratios: ratios)
  }

  private struct Findings {
    var differences: [Double] = []
    var fitted: [Double] = []
    var surrogates: [Double] = []
    var logged: [Double] = []
    var estimated: [Double] = []
    var (ratioSum, ratioSquares, ratioCount, kl) = (0.0, 0.0, 0.0, 0.0)

    func verdict(_ options: FineTuningOptions, scale: Double) -> GateVerdict {
      func interval(_ values: [Double]) -> Interval {
        Interval.bootstrap(values.map { $0 * scale }, confidence: options.confidence, seed: options.seed)
      }
      return GateVerdict(
        differences: differences.map { $0 * scale }, improvement: interval(differences), fitted: interval(fitted),
        surrogate: interval(surrogates), logged: interval(logged),
        estimated: estimated.reduce(0, +) / Double(max(1, estimated.count)) * scale,
        heldOutKL: kl / max(1, ratioCount),
        heldOutSampleSize: ratioSquares > 0 ? ratioSum * ratioSum / ratioSquares / ratioCount : .nan,
        rule: options.gateRule, iterations: options.gateIterations, gamma: options.gamma)
    }
  }
}
