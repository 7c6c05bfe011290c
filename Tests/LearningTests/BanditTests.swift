import Learning
import Testing

/// The demonstration against the closed form of its update.
@Suite("Bandit") struct BanditTests {
  @Test(
    "over 1,000 seeds the update's mean and variance are the closed form's, near the target and far from it",
    arguments: [(-5.0, 1.0), (-3, 1), (0, 1), (-5, 0.5), (0, 0.4), (2, 2)])
  func closedForm(_ distance: Double, _ deviation: Double) {
    for baseline in [BanditBaseline.none, .exact] {
      // Ten independent first updates for each seed.
      var (sum, squares, count) = (0.0, 0.0, 0.0)
      for seed in 0..<10_000 {
        var options = BanditOptions()
        options.start = options.target + distance
        options.deviation = deviation
        options.seed = UInt64(seed)
        var bandit = Bandit(options, baseline: baseline)
        let update = bandit.step().update / options.rate
        sum += update
        squares += update * update
        count += 1
      }
      let mean = sum / count
      let variance = squares / count - mean * mean
      let expected = BanditOptions.with(deviation).updateVariance(
        distance: distance, exactBaseline: baseline == .exact)
      // Four standard errors of the mean; the variance's own spread is wider, its kurtosis being large.
      #expect(abs(mean + 2 * distance) <= 4 * (expected / count).squareRoot())
      #expect(abs(variance / expected - 1) <= 0.15)
    }
  }

  @Test("both estimators reach the target, and with growing steps the plain one diverges first")
  func sweep() throws {
    let options = BanditOptions()
    let small = BanditSweep.row(options, rate: 0.02, seeds: 200)
    #expect(small.plain.diverged <= 0.03 && small.baseline.diverged == 0)
    let (plain, baseline) = (try #require(small.plain.medianSteps), try #require(small.baseline.medianSteps))
    #expect((35...70).contains(plain) && (40...75).contains(baseline))
    #expect(try #require(small.earlyRatio) > 2.5)
    #expect(try #require(small.lateRatio) > 1.2)
    let large = BanditSweep.row(options, rate: 0.1, seeds: 200)
    #expect((0.2...0.5).contains(large.plain.diverged))
    #expect(large.baseline.diverged <= 0.1)
  }

  @Test("a reward's offset ruins the plain estimator and leaves the baseline's steps as they were")
  func offset() throws {
    var options = BanditOptions()
    let without = BanditSweep.row(options, rate: 0.02, seeds: 200)
    options.rewardOffset = -20
    let with = BanditSweep.row(options, rate: 0.02, seeds: 200)
    #expect(with.plain.diverged > 0.08)
    #expect(try #require(with.plain.lateDeviation) > 2 * #require(without.plain.lateDeviation))
    #expect(try abs(#require(with.baseline.lateDeviation) / #require(without.baseline.lateDeviation) - 1) <= 0.02)
  }

  @Test("where every run diverges there is no deviation and no ratio")
  func noneLeft() {
    var options = BanditOptions()
    options.rewardOffset = -1000
    let row = BanditSweep.row(options, rate: 1, seeds: 20)
    #expect(row.plain.diverged == 1)
    #expect(row.plain.earlyDeviation == nil && row.plain.lateDeviation == nil)
    #expect(row.earlyRatio == nil && row.lateRatio == nil)
  }

  @Test("two learners see the same random numbers until their means part")
  func sameNumbers() {
    let options = BanditOptions()
    var plain = Bandit(options, baseline: .none)
    var baseline = Bandit(options, baseline: .runningMean)
    let (first, second) = (plain.step(), baseline.step())
    #expect(first.action == second.action && first.reward == second.reward)
    #expect(second.update == 0)
    #expect(first.update != 0)
  }
}

extension BanditOptions {
  static func with(_ deviation: Double) -> BanditOptions {
    var options = BanditOptions()
    options.deviation = deviation
    return options
  }
}
