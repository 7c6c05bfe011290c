/// Whether something has lasted: a delay before acting that toggling cannot postpone.
///
/// Ticks in which it is there count up. A single tick in which it is not counts nothing, so that what toggles every tick
/// is acted on after at most twice the delay; from the second one on the count goes down at a quarter of the speed.
struct Persistence: BitwiseCopyable {
  /// Quarters of ticks.
  private var level = 0
  private var quiet = 0

  /// Nothing so far.
  @_noLocks
  init() {}

  /// Notes a tick; true once it has lasted for `ticks` ticks.
  @_noLocks
  mutating func note(_ isThere: Bool, for ticks: Int) -> Bool {
    if isThere {
      quiet = 0
      if level < 4 &* ticks { level &+= 4 }
    } else {
      if quiet > 0 && level > 0 { level &-= 1 }
      quiet = 1
    }
    return level >= 4 &* ticks
  }
}

/// A share within the last second, in ten slices of time.
struct SlidingShare: BitwiseCopyable {
  private var all: InlineArray<10, Int> = InlineArray(repeating: 0)
  private var bad: InlineArray<10, Int> = InlineArray(repeating: 0)
  private var slice = 0
  private var sliceEnd = Int64.min
  /// Slices begun since the start, at most 11.
  private var begun = 0

  static var sliceLength: Int64 { @_noLocks get { 100_000_000 } }

  /// An empty second.
  @_noLocks
  init() {}

  /// Counts at time `now`, ns, which must not fall.
  @_noLocks
  mutating func note(_ count: Int, bad badCount: Int, now: Int64) {
    if sliceEnd == .min || now &- sliceEnd > 10 &* SlidingShare.sliceLength {
      self = SlidingShare()
      sliceEnd = now &+ SlidingShare.sliceLength
      begun = 1
    }
    // No more than there are slices, whatever the clock does.
    for _ in 0..<11 where now >= sliceEnd {
      slice = slice == 9 ? 0 : slice &+ 1
      all[slice] = 0
      bad[slice] = 0
      sliceEnd &+= SlidingShare.sliceLength
      if begun < 11 { begun &+= 1 }
    }
    all[slice] &+= count
    bad[slice] &+= badCount
  }

  /// Whether a second has been seen, but for at most a slice.
  var isFull: Bool { @_noLocks get { begun >= 10 } }

  var total: Int {
    @_noLocks get {
      var sum = 0
      for index in 0..<10 { sum &+= all[index] }
      return sum
    }
  }

  var badTotal: Int {
    @_noLocks get {
      var sum = 0
      for index in 0..<10 { sum &+= bad[index] }
      return sum
    }
  }
}
