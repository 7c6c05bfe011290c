import ArmModel
import Foundation
import Numerics
import Safety
import Testing

/// Long random lives of a core: whatever happens in whatever order, what leaves it keeps to the rules.
///
/// `SINEW_SAFETY_STEPS` sets the number of steps of the whole suite (default 1,000,000).
@Suite struct RandomSequences {
  static let shards = 4
  static let stepsPerLife = 250
  static var lives: Int {
    let steps = ProcessInfo.processInfo.environment["SINEW_SAFETY_STEPS"].flatMap { Int($0) } ?? 1_000_000
    return max(1, steps / (stepsPerLife * shards))
  }

  @Test("No random life of a core breaks a limit or an authority", arguments: 0..<shards)
  func obeysTheRules(shard: Int) {
    var random = RandomStream(seed: UInt64(shard), name: "random sequences")
    var visited = Set<UInt8>()
    for life in 0..<Self.lives {
      let seed = random.bits()
      var one = RandomLife(seed: seed)
      one.live(steps: Self.stepsPerLife)
      visited.formUnion(one.visited)
      if let finding = one.finding {
        Issue.record("shard \(shard), life \(life), seed \(seed): \(finding)")
        return
      }
    }
    guard Self.lives >= 500 else { return }
    #expect(visited.isSuperset(of: SafetyState.allCases.filter { $0 != .boot }.map(\.rawValue)))
  }

  @Test("The same life lived twice gives the same decisions, bit for bit")
  func isDeterministic() {
    for seed in 0..<UInt64(40) {
      var first = RandomLife(seed: seed, keepsHistory: true)
      var second = RandomLife(seed: seed, keepsHistory: true)
      first.live(steps: 200)
      second.live(steps: 200)
      #expect(first.finding == nil && first.bench.history.count >= 200)
      #expect(first.bench.history == second.bench.history)
    }
  }

  @Test("A copied core goes on as its original would")
  func copiesAreIndependent() {
    var bench = SafetyBench()
    _ = bench.move(toward: [1, -1], ticks: 20)
    var copy = bench
    _ = copy.tick([.stop])
    _ = copy.ticks(30)
    #expect(copy.core.state == .hold)
    #expect(bench.core.state == .policy)
    #expect(bench.tick().source == .policy)
  }
}
