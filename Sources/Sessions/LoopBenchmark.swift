import CSystem
import RealTime

/// Wake-up lateness of one loop in one round; ns.
public struct LatenessSeries: Sendable {
  public let p50: Int64
  public let p99: Int64
  public let p999: Int64
  public let maximum: Int64
  public let count: UInt64

  /// The figures of a histogram with 1 µs buckets; a bucket counts as its upper edge.
  public init(microsecondCounts counts: [UInt64]) {
    let total = counts.reduce(0, +)
    func percentile(_ fraction: Double) -> Int64 {
      let rank = max(1, UInt64((Double(total) * fraction).rounded(.up)))
      var seen: UInt64 = 0
      for (bucket, count) in counts.enumerated() {
        seen += count
        if seen >= rank { return Int64(bucket + 1) * 1000 }
      }
      return Int64(counts.count) * 1000
    }
    count = total
    p50 = percentile(0.5)
    p99 = percentile(0.99)
    p999 = percentile(0.999)
    maximum = Int64((counts.lastIndex { $0 > 0 } ?? 0) + 1) * 1000
  }

  /// Our own histogram's figures, rounded up to whole µs like those of the peers.
  public init(_ summary: LatencySummary) {
    func up(_ nanoseconds: Int64) -> Int64 { (nanoseconds / 1000 + 1) * 1000 }
    count = summary.count
    p50 = up(summary.p50)
    p99 = up(summary.p99)
    p999 = up(summary.p999)
    maximum = up(summary.maximum)
  }
}

/// The yardstick: a plain periodic loop in C with the same rights.
public enum PlainLoop {
  /// Whether Ctrl-C or another stop signal came since the last session was prepared; the C loop, too, ends then.
  public static var stopWasRequested: Bool { sinew_stop_requests() > 0 }

  /// Runs `ticks` ticks and gives the wake-up lateness; nil with the errno value when it could not run.
  public static func run(
    period: Int64, ticks: Int, priority: Int, processor: Int?
  ) -> Result<LatenessSeries, ControlThread.StartError> {
    let buckets = 20_000
    var counts = [UInt32](repeating: 0, count: buckets)
    let status = counts.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let base = buffer.baseAddress else { return -22 }
      return sinew_plain_c_loop(
        period, Int64(ticks), Int32(clamping: priority), Int32(clamping: processor ?? -1), base, Int32(buckets))
    }
    if status < 0 { return .failure(ControlThread.StartError(errorNumber: -status)) }
    return .success(LatenessSeries(microsecondCounts: counts.map { UInt64($0) }))
  }
}
