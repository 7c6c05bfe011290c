import ArmModel
import Safety
import Testing

/// Every reachable kind of place of the core, with every condition, request and state of the operator's device, judged by
/// the rules.
@Suite struct ModelCheck {
  private func configuration(supervised: Bool, mode: CommandMode) -> SafetyConfiguration {
    var configuration = HardwareRig.configuration(mode: mode, period: 10_000_000, jerk: 2000)
    configuration.isSupervised = supervised
    configuration.armingTicks = 2
    configuration.handoverTime = 60_000_000
    configuration.monitors.armingTime = 50_000_000
    configuration.monitors.armingDrift = 0.01
    configuration.monitors.trackingTime = 100_000_000
    configuration.monitors.dampTime = 100_000_000
    return configuration
  }

  @Test(
    "From every reachable place every cause and request leads where the rules allow",
    arguments: [(true, CommandMode.position), (false, .position), (true, .effort)])
  func allTransitions(supervised: Bool, mode: CommandMode) {
    var search = ModelSearch(configuration(supervised: supervised, mode: mode))
    search.run()
    #expect(search.finding == nil)
    let states = Set(search.nodes.keys.map(\.state))
    var expected = Set(SafetyState.allCases)
    if mode == .effort {
      // A torque arm has no commanded motion to bring to rest, and no pose to go to.
      expected.subtract([.stopping, .park, .moving])
    }
    #expect(states == expected)
    #expect(search.transitions > (ModelSearch.isThorough ? 300_000 : 50_000))
    checkReleases(search)
    checkStops(search)
  }

  /// Torque off can be reached from everywhere, at once.
  private func checkReleases(_ search: ModelSearch) {
    for place in search.nodes.values {
      for event in [
        LifeEvent(requests: .release, person: place.person), LifeEvent(person: .held, cause: .releaseChord),
        LifeEvent(person: place.person, cause: .externalStop),
      ] {
        var bench = place.bench
        bench.live(event)
        let isLatched = place.bench.last.latched.worst == .release
        #expect(bench.last.state == .emergencyStop)
        #expect(bench.last.power == .release || isLatched)
      }
    }
  }

  /// A stop brings every place to rest, without anything else being done.
  private func checkStops(_ search: ModelSearch) {
    for place in search.nodes.values where place.node.isMoving {
      var bench = place.bench
      bench.live(LifeEvent(requests: .stop, person: .released))
      // Where a bad supply parks the arm, that motion has to end too.
      for _ in 0..<10 where bench.audit.speed.contains(where: { $0 != 0 }) {
        bench.live(LifeEvent(person: .released, ticks: 10))
      }
      #expect(bench.finding == nil)
      #expect(bench.audit.speed.allSatisfy { $0 == 0 })
    }
  }
}
