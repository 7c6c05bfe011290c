import Testing

@testable import Sessions

/// The running figures against the plain ones.
@Suite struct EpisodeStatisticsTests {
  /// Numbers around `center` that repeat.
  private func returns(_ count: Int, center: Double, spread: Double) -> [Double] {
    var state: UInt64 = 0x2545_F491_4F6C_DD1D
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return center + spread * (Double(state >> 11) / Double(1 << 53) - 0.5)
    }
  }

  @Test func `Before the first episode every figure is zero`() {
    let figures = EpisodeStatistics()
    #expect(figures.count == 0 && figures.stepCount == 0 && figures.successCount == 0)
    #expect(figures.meanReturn == 0 && figures.standardDeviation == 0 && figures.standardError == 0)
    #expect(figures.lowestReturn == 0 && figures.highestReturn == 0 && figures.lastReturn == 0)
    #expect(figures.successRate == 0)
  }

  @Test func `One episode has a mean and no spread`() {
    var figures = EpisodeStatistics()
    figures.add(episodeReturn: -4.5, success: true, steps: 50)
    #expect(figures.count == 1 && figures.meanReturn == -4.5)
    #expect(figures.standardDeviation == 0 && figures.standardError == 0)
    #expect(figures.lowestReturn == -4.5 && figures.highestReturn == -4.5 && figures.successRate == 1)
  }

  @Test(arguments: [(0.0, 1.0), (-4.3, 6.0), (1e9, 1.0), (-1e-9, 1e-12)])
  func `Mean, spread and extremes agree with the plain computation`(center: Double, spread: Double) {
    let values = returns(5000, center: center, spread: spread)
    var figures = EpisodeStatistics()
    for (index, value) in values.enumerated() {
      figures.add(episodeReturn: value, success: index % 3 == 0, steps: 10 + index % 7)
    }
    let mean = values.reduce(0, +) / 5000
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4999).squareRoot()
    #expect(abs(figures.meanReturn - mean) <= 1e-12 * abs(center) + 1e-12 * spread)
    #expect(abs(figures.standardDeviation - deviation) <= 1e-6 * deviation)
    #expect(abs(figures.standardError - deviation / 5000.0.squareRoot()) <= 1e-6 * deviation)
    #expect(figures.lowestReturn == values.min() && figures.highestReturn == values.max())
    #expect(figures.lastReturn == values.last)
    #expect(figures.successCount == 1667)
    #expect(abs(figures.successRate - 1667.0 / 5000) < 1e-15)
    #expect(figures.stepCount == (0..<5000).reduce(0) { $0 + 10 + $1 % 7 })
  }
}
