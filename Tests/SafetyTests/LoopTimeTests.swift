import ArmModel
import Safety
import Testing

/// The clock at its corners: what is no gap, what is no suspension, and what a budget of late ticks forgets.
@Suite struct LoopTimeTests {
  @Test func `A tick right after another, or at the same time, is no gap`() {
    let bench = Rig()
    bench.arm()
    #expect(bench.tick { $0.sincePrevious = 0 }.active == .none)
    bench.now -= bench.period
    #expect(bench.tick { $0.sincePrevious = 1 }.active == .none, "the same time once more")
    bench.now -= bench.period + 1
    #expect(bench.tick { $0.sincePrevious = 1 }.active.conditions == [.timeGap])
    #expect(bench.tick { $0.sincePrevious = -1 }.active.conditions == [.timeGap])
  }

  @Test func `A machine that was suspended before the start is none that is suspended now`() {
    let bench = Rig()
    bench.inputs.suspended = 3_600_000_000_000
    bench.arm()
    #expect(bench.ticks(5).active == .none && bench.core.state == .hold)
    bench.inputs.suspended += bench.period
    #expect(bench.tick().active == .none, "a period is what two clocks may differ by")
    bench.inputs.suspended += bench.period + 1
    #expect(bench.tick().active.conditions == [.suspended])
    #expect(bench.tick().active == .none)
  }

  @Test func `Late ticks are forgotten wholly, and good ones are no credit`() {
    func isSpent(_ pattern: [(late: Int, good: Int)]) -> Bool {
      let bench = Rig()
      bench.arm()
      var isSpent = false
      for (late, good) in pattern {
        for _ in 0..<late { isSpent = bench.tick { $0.lateness = 5_000_000 }.active.has(.overrunBudgetSpent) }
        for _ in 0..<good { bench.tick() }
      }
      return isSpent
    }
    #expect(isSpent([(0, 1000), (10, 0)]))
    #expect(!isSpent([(9, 1), (1, 0)]) && isSpent([(9, 1), (2, 0)]))
    #expect(!isSpent([(1, 10), (9, 1), (1, 0)]))
    #expect(!isSpent([(1, 30), (9, 1), (1, 0)]))
    // Once spent it is new, to the tenth.
    #expect(isSpent([(10, 0)]) && !isSpent([(10, 0), (9, 1), (1, 0)]) && isSpent([(10, 0), (10, 0)]))
  }
}
