import ArmModel
import Safety
import Testing

/// Every reachable state of the core against every combination of requests and inputs, compared with a transition table
/// that is written down here a second time.
///
/// A node is what can be told from outside: state, latched conditions, whether the arm is in motion, reads missed and
/// the age of the arming. The search starts at `boot` and goes on until no input leads to a new node.
@Suite struct ModelCheck {
  @Test("From every reachable state every combination of inputs leads where the table says", arguments: [0, 2])
  func allTransitions(armingTicks: Int) {
    var search = ModelSearch(mode: .position, armingTicks: armingTicks)
    search.run()
    #expect(search.finding == nil)
    let states = Set(search.nodes.keys.map(\.state))
    var expected: Set<SafetyState> = [.boot, .disarmed, .hold, .policy, .stopping, .faultHold, .fault]
    if armingTicks > 0 { expected.insert(.arming) }
    #expect(states == expected)
    #expect(search.transitions > 150_000)
    // A fault with every set of latched conditions that inputs can make, and a stop on the way to each kind of hold.
    #expect(Set(search.nodes.keys.filter { $0.state == .fault }.map(\.latched)).count == 31)
    #expect(Set(search.nodes.keys.filter { $0.state == .stopping }.map(\.latched)).count == 4)
    checkThatStopsWork(search)
  }

  @Test("An arm of torque motors goes through the same states")
  func allTransitionsInEffortMode() {
    var search = ModelSearch(mode: .effort, armingTicks: 1)
    search.run()
    #expect(search.finding == nil)
    // A torque arm has no commanded speed, so a stop is over in the tick that begins it.
    #expect(
      Set(search.nodes.keys.map(\.state)) == [.boot, .disarmed, .arming, .hold, .policy, .faultHold, .fault])
  }

  /// A stop brings every node in which the arm moves to rest, without any other request.
  private func checkThatStopsWork(_ search: ModelSearch) {
    let moving = search.nodes.values.filter { $0.audit.needsTimeToStop }
    #expect(moving.count > 4)
    for node in moving {
      var node = node
      var decision = node.bench.tick([.stop])
      node.audit.check(decision)
      var ticks = 1
      while decision.state == .stopping && ticks < 1000 {
        decision = node.bench.tick()
        node.audit.check(decision)
        ticks += 1
      }
      #expect(node.audit.finding == nil)
      #expect(node.audit.speed == [0, 0])
      #expect(decision.state == .hold || decision.state == .faultHold)
    }
  }
}
