import Foundation
import Numerics
import Testing

/// Reproducibility, distribution and independence of random streams.
@Suite struct RandomStreams {
  // Golden values: python3 Tests/Golden/random_stream.py, an implementation of its own that first checks itself
  // against the published answers of FNV-1a, SplitMix64 and xoshiro256**.

  @Test func theFirstBitsAreThoseOfTheReference() {
    let golden: [(RandomStream, [UInt64])] = [
      (
        RandomStream(seed: 0),
        [0x2138_2ef0_92ed_7068, 0x5b54_c052_757a_df62, 0xa64c_b2cf_6879_5072, 0xd35c_15d5_9620_35af]
      ),
      (
        RandomStream(seed: 1, name: "action"),
        [0xe5c5_f123_4642_a51d, 0xa27c_7836_aaf6_9ef1, 0x830d_8d7f_ae74_64f6, 0x9de4_b2c7_8c71_13bd]
      ),
      (
        RandomStream(seed: 1, name: "reset"),
        [0x63b5_4d04_f0c1_e502, 0xb735_8792_1e67_4ea7, 0x8480_2841_86d3_7ea9, 0xb848_d83d_3639_f82f]
      ),
      (
        RandomStream(seed: .max, name: "sensor noise"),
        [0x5740_f31c_b4b0_8077, 0xd677_9ebe_27d4_a984, 0x1f1f_a83d_d82a_5b75, 0xaca3_98c2_9d48_5522]
      ),
      (
        RandomStream(seed: 42, name: "a"),
        [0xae8d_c4fc_2235_9fe9, 0x826a_4596_c984_a695, 0xf994_d608_8372_636e, 0x84d7_0275_c0a8_ed02]
      ),
    ]
    for (stream, expected) in golden {
      var stream = stream
      #expect(expected.map { _ in stream.bits() } == expected)
    }
  }

  @Test func theMillionthNumberIsThatOfTheReference() {
    var stream = RandomStream(seed: 0)
    for _ in 0..<999_999 { _ = stream.bits() }
    let last = stream.bits()
    #expect(last == 0xf0de_7e75_d289_fc82)
  }

  @Test func uniformNumbersAreThoseOfTheReferenceBitForBit() {
    var stream = RandomStream(seed: 7, name: "uniform")
    let numbers = (0..<3).map { _ in stream.uniform() }
    #expect(numbers == [0x1.9607149567596p-2, 0x1.455eb4f30183cp-2, 0x1.d4e1da52e3560p-6])
  }

  @Test func normalNumbersAreThoseOfTheReference() {
    var stream = RandomStream(seed: 7, name: "normal")
    for expected in [0.25824073145571397, -1.8887996648511318, 0.3099497948887021, -1.147291786067495] {
      // The last bits belong to the mathematical library.
      let found = stream.normal()
      #expect((found - expected).magnitude < 1e-14)
    }
  }

  @Test func equalSeedsAndNamesGiveEqualStreams() {
    var a = RandomStream(seed: 5, name: "x")
    var b = RandomStream(seed: 5, name: "x")
    #expect(a == b)
    for _ in 0..<100 {
      let (x, y) = (a.normal(), b.normal())
      #expect(x == y)
    }
    #expect(a == b)
    _ = a.bits()
    #expect(a != b)
  }

  @Test func aCopyGoesOnFromWhereItWasTaken() {
    var original = RandomStream(seed: 6)
    // An odd number of normal deviates leaves a spare one behind.
    _ = original.normal()
    var copy = original
    let (a, b) = ((0..<9).map { _ in original.normal() }, (0..<9).map { _ in copy.normal() })
    #expect(a == b)
  }

  @Test func oneStreamsConsumptionDoesNotShiftAnother() {
    var quiet = RandomStream(seed: 9, name: "reset")
    let expected = (0..<10).map { _ in quiet.bits() }
    var busy = RandomStream(seed: 9, name: "action")
    for _ in 0..<1000 { _ = busy.normal() }
    var reset = RandomStream(seed: 9, name: "reset")
    let found = (0..<10).map { _ in reset.bits() }
    #expect(found == expected)
  }

  @Test func uniformNumbersFillTheUnitIntervalEvenly() {
    let count = 200_000
    var stream = RandomStream(seed: 1, name: "uniformity")
    var bins = [Int](repeating: 0, count: 100)
    var sum = 0.0
    var squares = 0.0
    var (least, most) = (1.0, 0.0)
    for _ in 0..<count {
      let u = stream.uniform()
      guard u >= 0 && u < 1 else {
        Issue.record("\(u) is outside [0, 1)")
        return
      }
      bins[Int(u * 100)] += 1
      sum += u
      squares += u * u
      least = min(least, u)
      most = max(most, u)
    }
    let mean = sum / Double(count)
    let variance = squares / Double(count) - mean * mean
    // Five standard errors of each.
    #expect((mean - 0.5).magnitude < 5 * (1.0 / 12 / Double(count)).squareRoot())
    #expect((variance - 1.0 / 12).magnitude < 5 * (1.0 / 180 / Double(count)).squareRoot())
    #expect(least < 1e-3 && most > 1 - 1e-3)
    // Chi-square with 99 degrees of freedom: 1e-6 of all good generators would lie outside.
    let chiSquare = Self.chiSquare(bins, expected: Double(count) / 100)
    #expect(chiSquare > 42 && chiSquare < 180)
  }

  @Test func everyBitIsSetHalfOfTheTime() {
    let count = 20_000
    var stream = RandomStream(seed: 2, name: "bits")
    var set = [Int](repeating: 0, count: 64)
    for _ in 0..<count {
      let bits = stream.bits()
      for bit in 0..<64 { set[bit] += Int(bits >> UInt64(bit) & 1) }
    }
    for bit in 0..<64 { #expect(abs(set[bit] - count / 2) < Int(5.5 * 0.5 * Double(count).squareRoot()), "bit \(bit)") }
  }

  static let someRanges: [(Double, Double)] = [(-2.5, 4), (0, 1e-9), (1e6, 1e6 + 1), (-1, -0.5)]

  @Test("A range is filled from end to end and never left", arguments: someRanges)
  func ranges(low: Double, high: Double) {
    var stream = RandomStream(seed: 3, name: "range")
    var (least, most) = (Double.infinity, -Double.infinity)
    for _ in 0..<20_000 {
      let value = stream.uniform(from: low, to: high)
      least = min(least, value)
      most = max(most, value)
    }
    #expect(least >= low && most <= high)
    #expect(least < low + (high - low) * 0.01 && most > high - (high - low) * 0.01)
  }

  @Test func anEmptyRangeGivesItsOneNumber() {
    var stream = RandomStream(seed: 3)
    let value = stream.uniform(from: 2.5, to: 2.5)
    #expect(value == 2.5)
  }

  @Test func theUpperEndOfARangeIsNeverGivenEvenWhereRoundingWouldReachIt() {
    var stream = RandomStream(seed: 4)
    let high = 1.0.nextUp
    for _ in 0..<1000 {
      let value = stream.uniform(from: 1, to: high)
      if value != 1 {
        Issue.record("\(value) is not below the upper end")
        return
      }
    }
  }

  @Test func normalNumbersHaveTheMomentsOfTheNormalDistribution() {
    let count = 400_000
    var stream = RandomStream(seed: 5, name: "moments")
    var moments = [Double](repeating: 0, count: 5)
    var beyond = [0, 0, 0, 0]
    var previous = 0.0
    var lagged = 0.0
    for _ in 0..<count {
      let x = stream.normal()
      guard x.isFinite else {
        Issue.record("\(x)")
        return
      }
      var power = x
      for order in 1...4 {
        moments[order] += power
        power *= x
      }
      for sigma in 1...3 where x.magnitude > Double(sigma) { beyond[sigma] += 1 }
      lagged += x * previous
      previous = x
    }
    let n = Double(count)
    // Five standard errors: the variances of x, x², x³ and x⁴ are 1, 2, 15 and 96.
    #expect((moments[1] / n).magnitude < 5 * (1 / n).squareRoot())
    #expect((moments[2] / n - 1).magnitude < 5 * (2 / n).squareRoot())
    #expect((moments[3] / n).magnitude < 5 * (15 / n).squareRoot())
    #expect((moments[4] / n - 3).magnitude < 5 * (96 / n).squareRoot())
    #expect((lagged / n).magnitude < 5 * (1 / n).squareRoot(), "the two of a pair are not correlated")
    for (sigma, share) in [(1, 0.3173105), (2, 0.0455003), (3, 0.0026998)] {
      let error = 5 * (share * (1 - share) / n).squareRoot()
      #expect((Double(beyond[sigma]) / n - share).magnitude < error, "beyond \(sigma) sigma")
    }
  }

  @Test func theTailOfTheNormalDistributionIsThereAndBounded() {
    var stream = RandomStream(seed: 6, name: "tail")
    var largest = 0.0
    for _ in 0..<1_000_000 { largest = max(largest, stream.normal().magnitude) }
    // The largest of a million lies between 4 and 7 but for one run in 10^5; with 53 bits it cannot exceed 8.6.
    #expect(largest > 4 && largest < 7)
  }

  @Test func namedStreamsOfOneSeedAreIndependent() {
    let count = 20_000
    var streams = [
      RandomStream(seed: 1, name: "action"), RandomStream(seed: 1, name: "reset"),
      RandomStream(seed: 1, name: "resets"),
      RandomStream(seed: 1, name: ""), RandomStream(seed: 2, name: "action"), RandomStream(seed: 0, name: "action"),
    ]
    let samples = streams.indices.map { index in (0..<count).map { _ in streams[index].uniform() - 0.5 } }
    for a in samples.indices {
      for b in samples.indices where b > a {
        for lag in 0..<3 {
          let products = (0..<count - lag).map { samples[a][$0] * samples[b][$0 + lag] }
          let correlation = products.reduce(0, +) / Double(count) * 12
          #expect(correlation.magnitude < 5.5 / Double(count).squareRoot(), "\(a), \(b), lag \(lag)")
        }
      }
    }
  }

  @Test func seedsThatFollowEachOtherStartFarApart() {
    var firsts = Set<UInt64>()
    var bins = [Int](repeating: 0, count: 64)
    for seed in 0..<UInt64(20_000) {
      var stream = RandomStream(seed: seed, name: "run")
      let bits = stream.bits()
      firsts.insert(bits)
      bins[Int(bits >> 58)] += 1
    }
    #expect(firsts.count == 20_000)
    let chiSquare = Self.chiSquare(bins, expected: 20_000.0 / 64)
    #expect(chiSquare > 20 && chiSquare < 130, "63 degrees of freedom")
  }

  private static func chiSquare(_ bins: [Int], expected: Double) -> Double {
    bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
  }
}
