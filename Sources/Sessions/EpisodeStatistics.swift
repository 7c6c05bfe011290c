import CSystem

/// Running figures over finished episodes: count, mean, spread and success, without keeping the episodes.
///
/// Mean and variance by Welford's update (B. P. Welford, Technometrics 4(3), 1962). Before the first episode every
/// figure is 0. Real-time safe.
public struct EpisodeStatistics: Sendable, BitwiseCopyable {
  /// Episodes that ran to their own end.
  public private(set) var count = 0
  /// Mean of the episodes' returns (sums of rewards, no discount).
  public private(set) var meanReturn = 0.0
  private var squares = 0.0
  /// Lowest and highest return.
  public private(set) var lowestReturn = 0.0
  public private(set) var highestReturn = 0.0
  /// Return of the last episode.
  public private(set) var lastReturn = 0.0
  /// Episodes that ended in success.
  public private(set) var successCount = 0
  /// Policy steps in all.
  public private(set) var stepCount = 0

  @_noLocks
  init() {}

  @_noLocks
  mutating func add(episodeReturn: Double, success: Bool, steps: Int) {
    count &+= 1
    let delta = episodeReturn - meanReturn
    meanReturn += delta / Double(count)
    squares += delta * (episodeReturn - meanReturn)
    if count == 1 || episodeReturn < lowestReturn { lowestReturn = episodeReturn }
    if count == 1 || episodeReturn > highestReturn { highestReturn = episodeReturn }
    lastReturn = episodeReturn
    if success { successCount &+= 1 }
    stepCount &+= steps
  }

  /// Sample standard deviation of the returns; 0 for fewer than two episodes.
  public var standardDeviation: Double {
    @_noLocks get { count > 1 ? sinew_sqrt(squares / Double(count - 1)) : 0 }
  }
  /// Standard error of the mean return.
  public var standardError: Double {
    @_noLocks get { count > 0 ? standardDeviation / sinew_sqrt(Double(count)) : 0 }
  }
  /// Fraction of episodes that ended in success, 0 … 1.
  public var successRate: Double { @_noLocks get { count > 0 ? Double(successCount) / Double(count) : 0 } }
}
