/// How late answers come on a bus at most, learned from the answers themselves: a maximum that fades slowly. Plain
/// arithmetic; before the first answer it knows of no lateness. All times in ns.
struct LatencyEstimate: BitwiseCopyable {
  /// The largest lateness seen lately: what an answer took beyond its bytes and the servos' set delays.
  private(set) var peak: Int64 = 0

  /// A time-out below this would be at the mercy of the scheduler.
  private static var floor: Int64 { @_noLocks get { 1_000_000 } }
  /// An adaptor or machine that is slower than this is not waited for.
  private static var ceiling: Int64 { @_noLocks get { 100_000_000 } }

  @_noLocks
  init() {}

  /// One answer came `lateness` after it could have come; the maximum forgets 1/512 of itself with each, so that a
  /// disturbance is believed for about a thousand cycles.
  @_noLocks
  mutating func observe(_ lateness: Int64) {
    let faded = peak &- peak / 512
    peak = lateness > faded ? lateness : faded
    if peak > LatencyEstimate.ceiling { peak = LatencyEstimate.ceiling }
  }

  /// What to allow for the next answer: three times the largest lateness, 1 ms at least.
  var allowance: Int64 {
    @_noLocks get {
      let wanted = 3 &* peak
      if wanted < LatencyEstimate.floor { return LatencyEstimate.floor }
      return wanted < LatencyEstimate.ceiling ? wanted : LatencyEstimate.ceiling
    }
  }
}

/// When the answers of a cycle are whole, learned from the cycles before: so that the thread sleeps once while they are
/// on the wire, instead of waking up for every piece. Answers that come in one or two pieces are not slept for. All
/// times in ns from the sending.
struct AnswerPace: BitwiseCopyable {
  /// When the last byte came; 0 while sleeping is not worth it.
  private(set) var completion: Int64 = 0

  @_noLocks
  init() {}

  /// How long to sleep before the first look; 0: not at all. It ends before the last piece comes, so nothing is
  /// delayed.
  var sleep: Int64 {
    @_noLocks get {
      let margin = completion / 16 > 80_000 ? completion / 16 : 80_000
      return completion &- margin > 150_000 ? completion &- margin : 0
    }
  }

  /// All answers were there after `duration`, in so many `pieces`. `hasSlept`: the first look was after a sleep;
  /// `wasEmpty`: and it found nothing.
  @_noLocks
  mutating func observe(_ duration: Int64, pieces: Int, hasSlept: Bool, wasEmpty: Bool) {
    guard hasSlept else {
      if pieces > 2 { completion = duration }
      return
    }
    if wasEmpty {
      // All comes at once at the end: nobody would have woken up before.
      completion = 0
    } else if pieces == 1 {
      // All was there, perhaps for long.
      completion &-= completion / 8
    } else if duration < completion {
      completion = duration
    } else {
      completion &+= (duration &- completion) / 32
    }
  }

  /// What was learned is about something else now.
  @_noLocks
  mutating func forget() { completion = 0 }
}
