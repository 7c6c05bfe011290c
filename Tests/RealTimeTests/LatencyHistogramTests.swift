import Foundation
import Numerics
import RealTime
import Testing

@Suite struct LatencyHistograms {
  @Test func anEmptyHistogramIsAllZeros() {
    let histogram = LatencyHistogram()
    #expect(histogram.summary == LatencySummary(count: 0, minimum: 0, p50: 0, p99: 0, p999: 0, maximum: 0, mean: 0))
    #expect(histogram.percentile(0) == 0)
    #expect(histogram.percentile(1) == 0)
  }

  @Test func smallDurationsAreExact() {
    var histogram = LatencyHistogram()
    for value in 0..<Int64(64) { histogram.record(value) }
    for value in 0..<Int64(64) { #expect(histogram.percentile(Double(value + 1) / 64) == value) }
    #expect(histogram.mean == 31.5)
  }

  static let singles: [Int64] = [
    0, 1, 31, 32, 33, 63, 64, 65, 12_345, 999_999_999, 1 << 40, (1 << 40) + 1, 1 << 50, .max,
  ]

  @Test("One duration is told exactly, whatever it is", arguments: singles)
  func singleValues(value: Int64) {
    var histogram = LatencyHistogram()
    histogram.record(value)
    let expected = LatencySummary(
      count: 1, minimum: value, p50: value, p99: value, p999: value, maximum: value, mean: Double(value))
    #expect(histogram.summary == expected)
  }

  /// Durations in ns as they occur, and as they do not.
  enum Shape: CaseIterable {
    case uniform, narrow, exponential, normal, heavyTail, twoPeaks, powersOfTwo, aroundPowersOfTwo, constant, decades

    func sample(_ random: inout RandomStream) -> Int64 {
      switch self {
      case .uniform: Int64(random.uniform(from: 0, to: 1e7))
      case .narrow: Int64(random.uniform(from: 1_000_000, to: 1_010_000))
      case .exponential: Int64(-50_000 * log(1 - random.uniform()))
      case .normal: max(0, Int64(5_000_000 + 40_000 * random.normal()))
      case .heavyTail: Int64(min(20_000 / pow(1 - random.uniform(), 1.2), 1e12))
      case .twoPeaks: random.uniform() < 0.98 ? Int64(60_000 + 900 * random.normal()) : 20_000_000
      case .powersOfTwo: 1 << Int64(random.uniform() * 40)
      case .aroundPowersOfTwo: max(0, (1 << Int64(random.uniform() * 40)) + Int64(random.uniform() * 3) - 1)
      case .constant: 4_999_999
      case .decades: Int64(pow(10, random.uniform() * 12))
      }
    }
  }

  @Test("Percentiles are within 3.2 % of a sorted list's", arguments: Shape.allCases)
  func percentiles(shape: Shape) {
    for count in [1, 2, 7, 100, 1000, 50_000] {
      var random = RandomStream(seed: UInt64(count), name: "histogram")
      var histogram = LatencyHistogram()
      var values: [Int64] = []
      for _ in 0..<count {
        let value = shape.sample(&random)
        values.append(value)
        histogram.record(value)
      }
      values.sort()
      #expect(histogram.minimum == values.first)
      #expect(histogram.maximum == values.last)
      #expect(histogram.count == UInt64(count))
      let mean = values.reduce(0) { $0 + Double($1) } / Double(count)
      #expect((histogram.mean - mean).magnitude <= 1e-9 * max(1, mean))
      for fraction in [0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1] {
        // The smallest value that the fraction of all values does not exceed.
        let rank = max(1, Int((fraction * Double(count)).rounded(.up)))
        let expected = values[rank - 1]
        let found = histogram.percentile(fraction)
        let error = Double((found - expected).magnitude)
        #expect(error <= 0.032 * Double(expected), "\(fraction) of \(count): \(found) instead of \(expected)")
      }
    }
  }

  @Test func everyBucketsPercentileIsWithinTheBoundFromEndToEnd() {
    // The edges of all buckets, which are the worst places.
    var value: Int64 = 1
    while value < 1 << 40 {
      for near in [value - 1, value, value + 1] {
        var histogram = LatencyHistogram()
        histogram.record(0)
        histogram.record(near)
        histogram.record(1 << 40)
        let error = Double((histogram.percentile(0.5) - near).magnitude)
        if error > 0.032 * Double(near) { Issue.record("\(near): \(histogram.percentile(0.5))") }
      }
      value += max(1, value / 32)
    }
  }

  @Test func aDurationBeyondTheLastBucketStillCountsAndTheMaximumIsExact() {
    var histogram = LatencyHistogram()
    histogram.record(1 << 60)
    histogram.record(10)
    histogram.record(20)
    #expect(histogram.maximum == 1 << 60)
    #expect(histogram.percentile(0.5) == 20)
    #expect(histogram.percentile(1) >= 1 << 40)
  }

  @Test func negativeDurationsCountAsZeroInPercentilesAndExactlyInTheExtremes() {
    var histogram = LatencyHistogram()
    for value in [-500, -1, 0, 700] as [Int64] { histogram.record(value) }
    #expect(histogram.minimum == -500)
    #expect(histogram.percentile(0.5) == 0)
    #expect(histogram.maximum == 700)
    histogram.reset()
    histogram.record(-3)
    #expect(histogram.maximum == -3)
    #expect(histogram.percentile(0.99) == -3)
    histogram.record(.min)
    #expect(histogram.minimum == .min)
  }

  @Test func fractionsOutsideZeroToOneMeanTheEnds() {
    var histogram = LatencyHistogram()
    for value in [5, 6, 7] as [Int64] { histogram.record(value) }
    #expect(histogram.percentile(-1) == 5)
    #expect(histogram.percentile(2) == 7)
  }

  @Test func resetForgetsEverything() {
    var histogram = LatencyHistogram()
    for value in 0..<Int64(1000) { histogram.record(value * 1000) }
    histogram.reset()
    #expect(histogram.summary == LatencyHistogram().summary)
    histogram.record(77_000)
    #expect(histogram.summary.minimum == 77_000)
    #expect(histogram.percentile(0.001) == 77_000)
  }
}
