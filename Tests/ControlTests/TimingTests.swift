import ArmModel
import LoopTestSupport
import RealTime
import Recording
import Testing

@testable import Control

/// What the loop measures of itself, on a clock that moves only when told.
@Suite struct TimingTests {
  @Test func `A loop that is never late counts nothing but its ticks`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(100)
    let report = rig.loop.report
    #expect(report.tickCount == 100)
    #expect(report.period == LoopRig.period)
    #expect(report.overrunCount == 0 && report.missedCount == 0)
    #expect(report.lateness.maximum == 0)
    #expect(report.interval.count == 99)
    #expect(report.interval.minimum == LoopRig.period && report.interval.maximum == LoopRig.period)
    #expect(report.execution.count == 100 && report.execution.maximum == 0)
    #expect(report.readFailureCount == 0 && report.writeFailureCount == 0 && report.alteredTickCount == 0)
  }

  @Test func `Later than half a period is an overrun, half a period is not`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.tick(5, late: LoopRig.period / 2)
    let none = rig.loop.report.overrunCount
    rig.tick(5, late: LoopRig.period / 2 + 1)
    let five = rig.loop.report
    #expect(none == 0)
    #expect(five.overrunCount == 5)
    #expect(five.missedCount == 0)
    #expect(five.lateness.maximum == LoopRig.period / 2 + 1)
  }

  @Test func `After a long tick the loop skips to the grid and does not catch up`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(4)
    // The tick that should have begun at 25 ms begins at 36.5 ms: 30 and 35 ms are gone.
    rig.tick(1, late: 11_500_000)
    rig.tick(3)
    let report = rig.loop.report
    let stamps = rig.arm.writes.map(\.stamp)
    #expect(stamps == [5_000_000, 10_000_000, 15_000_000, 20_000_000, 36_500_000, 40_000_000, 45_000_000, 50_000_000])
    #expect(report.tickCount == 8)
    #expect(report.missedCount == 2)
    #expect(report.overrunCount == 1)
    #expect(report.lateness.maximum == 11_500_000)
    #expect(report.interval.maximum == 16_500_000)
    #expect(report.interval.minimum == 3_500_000)
  }

  @Test func `A late policy tick is recorded with the time that really passed`() throws {
    let rig = try LoopRig(.init(.ramp))
    #expect(rig.begin())
    rig.tick(4)
    rig.tick(1, late: 1_000_000)
    rig.tick(4)
    let log = try rig.finish()
    #expect(log.transitions.map { Int64(($0.duration * 1e9).rounded()) } == [21_000_000, 19_000_000])
    #expect(log.transitions.map(\.stamp) == [5_000_000, 26_000_000])
  }

  @Test func `Forgotten statistics start from nothing`() throws {
    let rig = try LoopRig(.init(.ramp))
    rig.arm.readFailures[3] = .timedOut
    rig.tick(10, late: 4_000_000)
    rig.loop.resetStatistics()
    let report = rig.loop.report
    #expect(report.tickCount == 0 && report.overrunCount == 0 && report.readFailureCount == 0)
    #expect(report.lateness.count == 0 && report.age.count == 0)
  }

  @Test func `A warm-up leaves no trace: the run after it is the same`() throws {
    func run(warm: Bool) throws -> LogContents {
      var policy = DensePolicy.random(observations: 3, hidden: [8], jointNames: ["joint1", "joint2"], seed: 5)
      policy.distribution = "{kind: gaussian, log_std: [-2, -1]}"
      var design = LoopRig.Design(policy)
      design.selection = .sample
      design.timeLimit = 8
      let rig = try LoopRig(design)
      if warm { rig.loop.warmUp() }
      for _ in 0..<3 {
        #expect(rig.begin())
        _ = rig.tick(atMost: 100) { !$0.episode.isRunning && $0.isAtRest }
      }
      #expect(rig.arm.readCount == 3 * 33)
      return try rig.finish()
    }
    let cold = try run(warm: false)
    let warm = try run(warm: true)
    #expect(cold.transitionPayloads.count == 24)
    #expect(cold.transitionPayloads == warm.transitionPayloads)
  }

  @Test func `On the real clock nothing moves time but time`() throws {
    var design = LoopRig.Design(.ramp)
    design.clock = .monotonic
    let rig = try LoopRig(design)
    let before = rig.loop.clock.now()
    rig.loop.clock.advance(by: 1_000_000_000_000)
    let after = rig.loop.clock.now()
    #expect(after >= before && after - before < 600_000_000_000)
  }
}
