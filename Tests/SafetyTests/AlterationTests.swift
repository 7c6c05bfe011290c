import ArmModel
import Safety
import Testing

/// What was done to proposals, told tick by tick and counted.
@Suite struct AlterationTests {
  private static let kinds: [Alterations] = [
    .position, .velocity, .acceleration, .effort, .overruled, .jerk, .reach, .collision,
  ]

  /// A core and how often its decisions told of each kind of alteration.
  private struct Tally {
    var told = [Int](repeating: 0, count: 8)
    mutating func note(_ decision: Decision) {
      for (index, kind) in kinds.enumerated() where decision.alterations.contains(kind) { told[index] += 1 }
    }
    func agrees(with core: SafetyCore) -> Bool {
      zip(kinds, told).allSatisfy { core.alterationCounts.ticks(with: $0) == UInt64($1) }
    }
  }

  @Test func `Each kind of alteration is counted in as many ticks as it was told`() {
    var bench = SafetyBench(limits: SafetyBench.limits(jerk: 500))
    var tally = Tally()
    tally.note(bench.arm())
    for (goal, ticks) in [([0.0, 0.2], 60), ([1.6, -1.6], 25), ([0, 0], 7), ([1.6, 0], 400), ([1.5, 0], 3)] {
      bench.propose(goal)
      for _ in 0..<ticks { tally.note(bench.tick([.start])) }
    }
    for _ in 0..<20 { tally.note(bench.tick([.stop])) }
    #expect(tally.agrees(with: bench.core), "\(tally.told)")
    // Each kind that position commands without a reach can have was there, and not equally often.
    let seen = [tally.told[0], tally.told[1], tally.told[2], tally.told[4], tally.told[5]]
    #expect(!seen.contains(0) && Set(seen).count == 5)
  }

  @Test func `Efforts that were cut are counted apart`() {
    var bench = SafetyBench(mode: .effort)
    var tally = Tally()
    tally.note(bench.arm())
    for effort in [1.0, 4, 2, -4, -4] {
      bench.propose([effort, 0])
      tally.note(bench.tick([.start]))
    }
    #expect(tally.agrees(with: bench.core) && tally.told[3] == 3)
  }
}
