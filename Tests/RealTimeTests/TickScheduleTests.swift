import Numerics
import RealTime
import Testing

@Suite struct TickSchedules {
  @Test func theFirstDeadlineIsOnePeriodAfterTheStart() {
    var schedule = TickSchedule(period: 5)
    schedule.start(at: 100)
    #expect(schedule.nextDeadline == 105)
    #expect(schedule.tickCount == 0)
    let timing = schedule.begin(at: 105)
    #expect(timing.deadline == 105)
    #expect(timing.lateness == 0)
    #expect(timing.missed == 0)
    #expect(timing.sincePrevious == 0)
    #expect(schedule.nextDeadline == 110)
  }

  @Test func onTheVirtualClockEveryTickIsExactlyOnItsGridPoint() {
    var clock = TickClock(.virtual)
    var schedule = TickSchedule(period: 5_000_000)
    schedule.start(at: clock.now())
    for tick in 1...10_000 {
      clock.sleep(until: schedule.nextDeadline)
      let timing = schedule.begin(at: clock.now())
      #expect(timing.deadline == Int64(tick) * 5_000_000)
      #expect(timing.lateness == 0)
      #expect(timing.sincePrevious == (tick == 1 ? 0 : 5_000_000))
    }
    #expect(schedule.tickCount == 10_000)
    #expect(schedule.missedCount == 0)
  }

  @Test("A late tick stands for the newest grid point that has passed", arguments: Int64(0)..<35)
  func lateTicks(delay: Int64) {
    var schedule = TickSchedule(period: 10)
    schedule.start(at: 0)
    let timing = schedule.begin(at: 10 + delay)
    #expect(timing.missed == Int(delay / 10))
    #expect(timing.deadline == 10 + delay / 10 * 10)
    #expect(timing.lateness == delay, "against the deadline it was to wake at")
    #expect(schedule.nextDeadline == timing.deadline + 10)
    #expect(schedule.nextDeadline > 10 + delay)
    #expect(schedule.missedCount == timing.missed)
  }

  @Test func aTickThatWakesEarlyKeepsItsGridPoint() {
    var schedule = TickSchedule(period: 10)
    schedule.start(at: 0)
    let timing = schedule.begin(at: 8)
    #expect(timing.deadline == 10)
    #expect(timing.lateness == -2)
    #expect(timing.missed == 0)
    #expect(schedule.nextDeadline == 20)
  }

  @Test func afterALongGapThereIsOneTickAndNoBurst() {
    var clock = TickClock(.virtual)
    var schedule = TickSchedule(period: 5_000_000)
    schedule.start(at: clock.now())
    var starts: [Int64] = []
    for tick in 0..<100 {
      clock.sleep(until: schedule.nextDeadline)
      let timing = schedule.begin(at: clock.now())
      starts.append(clock.now())
      if tick == 50 { #expect(timing.lateness == 0) }
      if tick == 51 {
        #expect(timing.missed == 599)
        #expect(timing.sincePrevious == 3_001_000_000)
        #expect(timing.deadline == 255_000_000 + 3_000_000_000)
      }
      // The 51st tick's work takes three seconds and a bit.
      if tick == 50 { clock.advance(by: 3_001_000_000) }
    }
    for (before, after) in zip(starts, starts.dropFirst()) { #expect(after - before >= 4_000_000) }
    #expect(schedule.tickCount == 100)
    #expect(schedule.missedCount == 599)
  }

  @Test func withRandomDelaysDeadlinesStayOnTheGridAndEveryPointIsServedOrCounted() {
    var random = RandomStream(seed: 1, name: "schedule")
    for _ in 0..<200 {
      let period = Int64(1 + random.uniform() * 1000)
      let origin = Int64(random.uniform(from: -1e6, to: 1e12))
      var clock = TickClock(.virtual)
      clock.advance(by: origin)
      var schedule = TickSchedule(period: period)
      schedule.start(at: clock.now())
      var previous = clock.now()
      var previousStart: Int64?
      var points = 0
      for tick in 1...200 {
        clock.sleep(until: schedule.nextDeadline)
        let timing = schedule.begin(at: clock.now())
        #expect((timing.deadline - origin) % period == 0)
        #expect(timing.deadline > previous && timing.deadline <= clock.now())
        #expect(schedule.nextDeadline > clock.now())
        #expect(timing.sincePrevious == previousStart.map { clock.now() - $0 } ?? 0)
        points += timing.missed + 1
        #expect((timing.deadline - origin) / period == Int64(points))
        #expect(schedule.tickCount == tick && schedule.missedCount == points - tick)
        previous = timing.deadline
        previousStart = clock.now()
        clock.advance(by: Int64(Double(period) * random.uniform() * (random.uniform() < 0.2 ? 8 : 0.9)))
      }
    }
  }

  @Test func aNewStartLaysANewGridAndKeepsTheCounts() {
    var schedule = TickSchedule(period: 10)
    schedule.start(at: 0)
    _ = schedule.begin(at: 35)
    schedule.start(at: 1003)
    #expect(schedule.nextDeadline == 1013)
    let timing = schedule.begin(at: 1013)
    #expect(timing.sincePrevious == 0)
    #expect(timing.missed == 0)
    #expect(schedule.tickCount == 2)
    #expect(schedule.missedCount == 2)
  }

  @Test func aPeriodThatIsNotPositiveTraps() async {
    await #expect(processExitsWith: .failure) { _ = TickSchedule(period: 0) }
    await #expect(processExitsWith: .failure) { _ = TickSchedule(period: -1) }
  }
}

@Suite struct TickClocks {
  @Test func aVirtualClockStartsAtZeroAndMovesOnlyWhenTold() {
    var clock = TickClock(.virtual)
    #expect(clock.now() == 0)
    clock.sleep(until: 70)
    #expect(clock.now() == 70)
    clock.sleep(until: 50)
    #expect(clock.now() == 70, "a deadline that has passed does not turn it back")
    clock.advance(by: 5)
    #expect(clock.now() == 75)
  }

  @Test func copiesOfAVirtualClockGoTheirOwnWays() {
    var clock = TickClock(.virtual)
    let copy = clock
    clock.advance(by: 10)
    #expect(copy.now() == 0)
  }

  @Test func theMonotonicClockNeverGoesBackAndCannotBeAdvanced() {
    var clock = TickClock(.monotonic)
    var last = clock.now()
    #expect(last > 0)
    clock.advance(by: 1_000_000_000_000_000)
    #expect(clock.now() - last < 100_000_000_000_000)
    for _ in 0..<10_000 {
      let now = clock.now()
      #expect(now >= last)
      last = now
    }
  }

  @Test func sleepingOnTheMonotonicClockEndsNotBeforeTheDeadline() {
    var clock = TickClock(.monotonic)
    for milliseconds in [Int64(1), 5, 20] {
      let deadline = clock.now() + milliseconds * 1_000_000
      clock.sleep(until: deadline)
      #expect(clock.now() >= deadline)
    }
  }

  @Test("A deadline that has long passed does not keep anybody waiting", arguments: [Int64.min, -1, 0, 1] as [Int64])
  func pastDeadlines(deadline: Int64) {
    var clock = TickClock(.monotonic)
    let before = clock.now()
    for _ in 0..<100 { clock.sleep(until: deadline) }
    #expect(clock.now() - before < 10_000_000_000)
  }
}

/// Waiting for a deadline on the machine's clock.
@Suite struct MonotonicWaiting {
  @Test(arguments: [0, 50_000, 400_000, 5_000_000] as [Int64])
  func `A wait never ends before its deadline, however much of it is spent awake`(spin: Int64) {
    var clock = TickClock(.monotonic)
    for _ in 0..<20 {
      let deadline = clock.now() + 300_000
      clock.sleep(until: deadline, spinning: spin)
      #expect(clock.now() >= deadline)
    }
  }

  @Test func `A deadline that has passed is not waited for`() {
    var clock = TickClock(.monotonic)
    let before = clock.now()
    clock.sleep(until: before - 1_000_000_000, spinning: 50_000)
    #expect(clock.now() - before < 1_000_000_000)
  }
}
