import BusTrials
import Testing

/// The stop button against real threads and a socket pair; the numbers are `sinew bench stop-latency`'s.
@Suite struct StopTrialTests {
  @Test func `A press at full speed is heeded in the tick that sees it, and its frame leaves in that tick`() throws {
    // A long period: what is looked at here is order, on a machine that is busy with other tests.
    let result = try StopTrial(presses: 5, period: 10_000_000).run()
    #expect(result.latency.count == 5)
    #expect(result.unheeded == 0)
    #expect(result.latency.minimum > 0)
    #expect(result.latency.p50 < 100_000_000)
  }
}
