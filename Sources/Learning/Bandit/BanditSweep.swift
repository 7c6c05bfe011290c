import CSystem

/// One line of a sweep over learning rates: many seeds, without a baseline and with the running mean, on the same random
/// numbers.
public struct BanditSweepRow: Sendable, Equatable {
  /// What one estimator did over all seeds.
  public struct Side: Sendable, Equatable {
    /// Share of the runs that left |μ| ≤ 10.
    public var diverged = 0.0
    /// Deviation of the updates of steps 2 to 21, and of the last 100, over the runs that did not diverge; nil without any.
    public var earlyDeviation: Double?
    public var lateDeviation: Double?
    /// Median of the first step with |μ − a*| ≤ 0.5; nil when fewer than half the runs came so near.
    public var medianSteps: Int?
  }
  /// α.
  public var rate: Double
  public var plain: Side
  public var baseline: Side

  /// Ratio of the updates' variances, plain to baseline; nil where one of them has none.
  ///
  /// Each is of the runs that did not diverge on its own side. Where only the plain ones diverge, the quiet ones of them are
  /// compared with all that have a baseline.
  public var earlyRatio: Double? { ratio(plain.earlyDeviation, baseline.earlyDeviation) }
  public var lateRatio: Double? { ratio(plain.lateDeviation, baseline.lateDeviation) }

  private func ratio(_ a: Double?, _ b: Double?) -> Double? {
    guard let a, let b, b > 0 else { return nil }
    return a * a / (b * b)
  }
}

/// Runs bandits over many seeds.
public enum BanditSweep {
  /// The learning rates of the table.
  public static var rates: [Double] { [0.01, 0.02, 0.05, 0.1, 0.15, 0.2] }

  /// One row: `seeds` runs of each estimator, seeds from `options.seed` on; rewards are those of uncut actions.
  public static func row(_ options: BanditOptions, rate: Double, seeds: Int) -> BanditSweepRow {
    var options = options
    options.rate = rate
    options.clipsActions = false
    return BanditSweepRow(
      rate: rate, plain: side(options, .none, seeds: seeds), baseline: side(options, .runningMean, seeds: seeds))
  }

  private static func side(_ start: BanditOptions, _ baseline: BanditBaseline, seeds: Int) -> BanditSweepRow.Side {
    var side = BanditSweepRow.Side()
    var (early, late) = (Moments(), Moments())
    var arrivals: [Int] = []
    var diverged = 0
    var updates = [Double](repeating: 0, count: start.steps)
    for seed in 0..<seeds {
      var options = start
      options.seed = start.seed &+ UInt64(seed)
      var bandit = Bandit(options, baseline: baseline)
      var arrival: Int?
      for step in 0..<options.steps where !bandit.hasDiverged {
        updates[step] = bandit.step().update
        if arrival == nil, abs(bandit.mean - options.target) <= 0.5 { arrival = step + 1 }
      }
      if let arrival { arrivals.append(arrival) }
      guard !bandit.hasDiverged else {
        diverged += 1
        continue
      }
      for step in 1..<min(21, options.steps) { early.add(updates[step]) }
      for step in max(0, options.steps - 100)..<options.steps { late.add(updates[step]) }
    }
    side.diverged = Double(diverged) / Double(max(1, seeds))
    side.earlyDeviation = early.deviation
    side.lateDeviation = late.deviation
    if arrivals.count > seeds / 2 { side.medianSteps = arrivals.sorted()[seeds / 2] }
    return side
  }

  /// Welford's running mean and variance.
  private struct Moments {
    var count = 0.0
    var mean = 0.0
    var squares = 0.0

    mutating func add(_ x: Double) {
      count += 1
      let difference = x - mean
      mean += difference / count
      squares += difference * (x - mean)
    }

    var deviation: Double? { count > 1 ? sinew_sqrt(squares / (count - 1)) : nil }
  }
}
