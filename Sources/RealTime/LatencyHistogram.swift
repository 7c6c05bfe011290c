/// Counts of durations in log-linear buckets: 128 per octave, so a percentile is within 0.8 % of the truth; exact
/// minimum, maximum, count and mean beside them.
///
/// All memory is allocated and touched at start; `record` is real-time safe. Durations are ns; negative ones count as 0,
/// ones above 2^40 ns (18 min) in the last bucket. Before the first record every figure is 0.
///
/// The bucket scheme is that of HdrHistogram (Gil Tene), which the Swift package of that name offers too, but whose
/// recording passes through reference-counted storage.
public struct LatencyHistogram: ~Copyable {
  /// Buckets per octave, and its binary logarithm.
  private static var perOctave: Int { @_noLocks get { 128 } }
  private static var perOctaveBits: Int { @_noLocks get { 7 } }
  private static var bucketCount: Int { @_noLocks get { 35 * 128 } }
  private let counts: UnsafeMutablePointer<UInt64>
  /// Number of durations recorded.
  public private(set) var count: UInt64 = 0
  /// Smallest duration, ns.
  public private(set) var minimum: Int64 = 0
  /// Largest duration, ns.
  public private(set) var maximum: Int64 = 0
  private var sum: Double = 0

  /// An empty histogram.
  public init() {
    counts = .allocate(capacity: LatencyHistogram.bucketCount)
    counts.initialize(repeating: 0, count: LatencyHistogram.bucketCount)
  }

  deinit { counts.deallocate() }

  @_noLocks
  private static func bucket(of value: Int64) -> Int {
    let clamped = value < 0 ? 0 : (value > (1 << 40) ? (1 << 40) : value)
    if clamped < Int64(perOctave) { return Int(clamped) }
    let shift = 63 &- clamped.leadingZeroBitCount &- perOctaveBits
    let index = (shift &+ 1) &* perOctave &+ Int((clamped >> Int64(shift)) & Int64(perOctave &- 1))
    return index < bucketCount ? index : bucketCount &- 1
  }

  /// The middle of a bucket, ns.
  private static func value(of bucket: Int) -> Int64 {
    if bucket < perOctave { return Int64(bucket) }
    let shift = bucket / perOctave - 1
    let low = Int64(perOctave + bucket % perOctave) << Int64(shift)
    return low + (Int64(1) << Int64(shift)) / 2
  }

  /// Counts one duration, ns.
  @_noLocks
  public mutating func record(_ nanoseconds: Int64) {
    counts[LatencyHistogram.bucket(of: nanoseconds)] &+= 1
    if count == 0 || nanoseconds < minimum { minimum = nanoseconds }
    if count == 0 || nanoseconds > maximum { maximum = nanoseconds }
    count &+= 1
    sum += Double(nanoseconds)
  }

  /// Forgets everything.
  @_noLocks
  public mutating func reset() {
    for index in 0..<LatencyHistogram.bucketCount { counts[index] = 0 }
    count = 0
    minimum = 0
    maximum = 0
    sum = 0
  }

  /// Mean, ns; 0 when empty.
  public var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// The duration that the given fraction (0 … 1) of all records does not exceed, ns, never above `maximum`.
  public func percentile(_ fraction: Double) -> Int64 {
    guard count > 0 else { return 0 }
    let rank = max(1, UInt64((Double(count) * min(max(fraction, 0), 1)).rounded(.up)))
    var seen: UInt64 = 0
    for bucket in 0..<LatencyHistogram.bucketCount {
      seen += counts[bucket]
      if seen >= rank { return min(maximum, max(minimum, LatencyHistogram.value(of: bucket))) }
    }
    return maximum
  }

  /// The figures a report prints.
  public var summary: LatencySummary {
    LatencySummary(
      count: count, minimum: minimum, p50: percentile(0.5), p99: percentile(0.99), p999: percentile(0.999),
      maximum: maximum, mean: mean)
  }
}

/// The figures of a `LatencyHistogram` that a report prints; all in ns.
public struct LatencySummary: Sendable, Equatable {
  public let count: UInt64
  public let minimum: Int64
  public let p50: Int64
  public let p99: Int64
  public let p999: Int64
  public let maximum: Int64
  public let mean: Double

  public init(
    count: UInt64, minimum: Int64, p50: Int64, p99: Int64, p999: Int64, maximum: Int64, mean: Double
  ) {
    self.count = count
    self.minimum = minimum
    self.p50 = p50
    self.p99 = p99
    self.p999 = p999
    self.maximum = maximum
    self.mean = mean
  }
}
