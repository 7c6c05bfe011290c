import Numerics
import RealTime
import Testing

/// A thread, and who watches it, in virtual time.
private struct Watched {
  var detector: StallDetector
  var now: Int64 = 1_000_000_000
  var beat: Int64 = 0
  private var nextLook: Int64 = 1_000_000_000

  init(limit: Int64) { detector = StallDetector(limit: limit) }

  /// Time goes on to `end`, and looks are made when they are due; when the thread was found to have stopped, if it was.
  mutating func wait(until end: Int64) -> Int64? {
    while nextLook <= end {
      now = max(now, nextLook)
      let finding = detector.look(at: now, beat: beat)
      nextLook = finding.nextLook
      if finding.isStalled { return now }
    }
    now = max(now, end)
    return nil
  }

  /// Nobody looks and nothing moves until `end`.
  mutating func stop(until end: Int64) { now = end }

  /// The thread comes round.
  mutating func tick() { beat = now }
}

/// A thread that no longer comes round is found out, to the nanosecond; one that could not come round is not.
@Suite struct StallDetectorTests {
  static let period: Int64 = 10_000_000
  static let limit = 4 * period

  @Test func `A thread that comes round in time is never found to stand still`() {
    var watched = Watched(limit: Self.limit)
    var random = RandomStream(seed: 1, name: "ticks")
    for _ in 0..<10_000 {
      watched.tick()
      let gap = Int64(Double(Self.limit - 1) * random.uniform())
      #expect(watched.wait(until: watched.now + gap) == nil)
    }
  }

  @Test(
    arguments: [1_000_000, 4 * 1_000_000, 16_500_000, 36_500_000, 40_000_000, 996_500_000, 10_000_000_000] as [Int64])
  func `A thread that stands still is found out when the limit is over, not before and not later`(limit: Int64) {
    for phase in stride(from: Int64(0), to: 3 * Self.period, by: 777_777) {
      var watched = Watched(limit: limit)
      #expect(watched.wait(until: watched.now + phase) == nil)
      watched.tick()
      let beat = watched.now
      // The first look after a heartbeat is due before the limit is over, or comes when it is.
      let found = watched.wait(until: beat + 2 * limit + watched.detector.interval)
      let late = (found ?? 0) - beat - limit
      #expect(late >= 0 && late <= (limit > watched.detector.interval ? 0 : watched.detector.interval))
    }
  }

  @Test func `Nobody waits for a thread that has not begun, or that rests`() {
    var watched = Watched(limit: Self.limit)
    #expect(watched.wait(until: watched.now + 100 * Self.limit) == nil)
    watched.tick()
    #expect(watched.wait(until: watched.now + Self.period) == nil)
    watched.beat = 0
    #expect(watched.wait(until: watched.now + 100 * Self.limit) == nil)
    watched.tick()
    let beat = watched.now
    #expect(watched.wait(until: beat + 2 * Self.limit) == beat + Self.limit)
  }

  @Test(arguments: [Int64(30_000_000), 1_000_000_000, 3_600_000_000_000])
  func `A process that was stopped as a whole is no runaway, however long it was`(length: Int64) {
    for moment in stride(from: Int64(0), to: Self.period, by: 333_333) {
      var watched = Watched(limit: Self.limit)
      for _ in 0..<5 {
        watched.tick()
        #expect(watched.wait(until: watched.now + Self.period) == nil)
      }
      watched.tick()
      let beat = watched.now
      #expect(watched.wait(until: beat + moment) == nil)
      watched.stop(until: beat + moment + length)
      // It goes on, and the loop comes round a while later.
      let goesOn = watched.now
      #expect(watched.wait(until: goesOn + Self.period) == nil)
      watched.tick()
      #expect(watched.wait(until: watched.now + Self.limit - 1) == nil)
    }
  }

  @Test func `After a stop of the process a thread that stands still is found out all the same`() {
    var watched = Watched(limit: Self.limit)
    watched.tick()
    let beat = watched.now
    #expect(watched.wait(until: beat + Self.period) == nil)
    watched.stop(until: beat + 1_000_000_000)
    let found = watched.wait(until: beat + 2_000_000_000)
    // What was seen before the stop counts, what came in between does not.
    #expect((found ?? 0) - beat - 1_000_000_000 <= Self.limit)
    #expect((found ?? 0) - beat - 1_000_000_000 >= Self.limit - Self.period - watched.detector.interval)
  }

  @Test func `Who looks a little late, again and again, still finds a thread that stands still`() {
    var detector = StallDetector(limit: Self.limit)
    let beat: Int64 = 5
    var now = beat
    var isStalled = false
    while !isStalled && now < 2 * Self.limit {
      let finding = detector.look(at: now, beat: beat)
      isStalled = finding.isStalled
      if !isStalled { now = finding.nextLook + detector.interval }
    }
    #expect(isStalled && now - beat >= Self.limit && now - beat <= Self.limit + detector.interval)
  }
}
