import ArmModel
import Numerics
import Safety
import Testing

/// Shares of a second: damaged replies on the bus, and proposals that ask for too much.
@Suite struct RateTests {
  /// The rule of the bus: more than a twentieth of the last second's replies, at least 20 replies and 3 damaged ones,
  /// looked at when one is damaged; it goes by itself after a second without damage.
  private struct BusRule {
    var second = SecondInTenths()
    var isBad = false
    var lastError: Int64 = .min / 2

    mutating func look(_ replies: Int, _ errors: Int, now: Int64) -> Bool {
      if replies > 0 || errors > 0 { second.note(replies, bad: errors, now: now) }
      if errors > 0 {
        lastError = now
        let (all, bad) = (second.all, second.bad)
        if all >= 20 && bad >= 3 && bad * 20 > all { isBad = true }
      }
      if now - lastError >= 1_000_000_000 { isBad = false }
      return isBad
    }
  }

  @Test(arguments: 0..<40) func `The bus is bad and good again as the rule says, whatever comes and whenever`(
    seed: Int
  ) {
    var random = RandomStream(seed: UInt64(seed), name: "bus")
    let bench = Rig(judgesTiming: false)
    var rule = BusRule()
    var finding: String?
    for _ in 0..<12 where finding == nil {
      let replies = [0.06, 0.2, 0.5, 2][Int(random.uniform() * 4)]
      let share = [0, 0.04, 0.06, 0.12, 0.3][Int(random.uniform() * 5)]
      // Pauses of whole ticks, many of them about as long as what is remembered.
      if random.uniform() < 0.5 { bench.now += 5_000_000 * Int64(random.uniform(from: 150, to: 260)) }
      for _ in 0..<Int(random.uniform(from: 20, to: 160)) where finding == nil {
        let count = random.uniform() < replies - replies.rounded(.down) ? 1 : Int(replies)
        let errors = (0..<count).filter { _ in random.uniform() < share }.count
        // A reply that nobody expected may be damaged, too.
        let more = random.uniform() < share * 0.1 ? 1 : 0
        let isBad = bench.tick {
          $0.bus.replies = count
          $0.bus.errors = errors + more
        }.active.has(.busErrors)
        let isExpected = rule.look(count, errors + more, now: bench.now)
        if isBad != isExpected {
          finding = "\(isBad) at \(bench.now) ns, \(rule.second.bad) of \(rule.second.all) replies"
        }
      }
    }
    #expect(finding == nil)
  }

  @Test(arguments: [(20, 3, true), (19, 3, false), (20, 2, false), (60, 3, false), (59, 3, true), (61, 4, true)])
  func `Three replies of twenty are the fewest that count, and a twentieth is not yet too much`(
    replies: Int, errors: Int, isBad: Bool
  ) {
    let bench = Rig()
    bench.arm()
    let decision = bench.tick {
      $0.bus.replies = replies
      $0.bus.errors = errors
    }
    #expect(decision.active.has(.busErrors) == isBad)
    // It stays for a second after the last damage, to the tick.
    #expect(bench.ticks(199).active.has(.busErrors) == isBad)
    #expect(bench.tick().active == .none)
  }

  @Test func `What went well a second ago makes no rate bad that was good when a reply was damaged`() {
    let bench = Rig()
    bench.arm()
    bench.tick { $0.bus.replies = 200 }
    bench.ticks(150)
    let damaged = bench.tick {
      $0.bus.replies = 30
      $0.bus.errors = 3
    }
    #expect(damaged.active == .none)
    bench.ticks(60)
    #expect(bench.tick { $0.bus.replies = 1 }.active == .none, "3 of 31, and none damaged now")
    let again = bench.tick {
      $0.bus.replies = 1
      $0.bus.errors = 1
    }
    #expect(again.active.conditions == [.busErrors])
  }

  // MARK: Proposals that ask for too much

  /// An arm at its upper limit under a policy, which asks for more wherever the pattern says so; the ticks until it is
  /// stopped for that, or nil.
  private func ticksToStop(in limit: Int, isFar: (Int) -> Bool) -> (ticks: Int?, expected: Int?) {
    let rig = HardwareRig()
    rig.position = [1.5, 0]
    rig.arm()
    rig.propose([isFar(0) ? 1.51 : 1.5, 0])
    rig.enable()
    rig.tick([.start])
    var second = SecondInTenths()
    second.note(1, bad: isFar(0) ? 1 : 0, now: rig.now)
    var (found, expected): (Int?, Int?) = (nil, nil)
    for tick in 1...limit {
      // What the last tick has shown acts in this one.
      if second.begun >= 10 && 2 * second.bad > second.all { expected = tick }
      rig.tick { $0.proposal.goal[0] = isFar(tick) ? 1.51 : 1.5 }
      if rig.last.active.has(.clampedTooOften) { found = tick }
      if found != nil || expected != nil { break }
      second.note(1, bad: isFar(tick) ? 1 : 0, now: rig.now)
    }
    return (found, expected)
  }

  @Test func `More than half of a second's proposals beyond the limits stop the arm, and half of them do not`() {
    #expect(ticksToStop(in: 700) { !$0.isMultiple(of: 2) }.ticks == nil)
    let always = ticksToStop(in: 300) { _ in true }
    // Nine tenths of a second, and the tick after.
    #expect(always.ticks == 181 && always.expected == 181)
    for seed in 0..<12 {
      var random = RandomStream(seed: UInt64(seed), name: "far")
      let shares = (0..<5).map { _ in random.uniform(from: 0.35, to: 0.65) }
      let pattern = (0..<1000).map { random.uniform() < shares[$0 / 200] }
      let seen = ticksToStop(in: 999) { pattern[$0] }
      #expect(seen.ticks == seen.expected, "seed \(seed)")
    }
  }

  /// Whether a policy that asks for a goal at such a place, in every tick, is stopped for asking too much.
  private func isTooMuch(
    _ goal: [Double], from start: [Double], _ edit: (inout SafetyConfiguration) -> Void = { _ in }
  ) -> Bool {
    var configuration = HardwareRig.configuration()
    edit(&configuration)
    let rig = HardwareRig(configuration)
    rig.position = start
    rig.arm()
    rig.propose(goal)
    rig.enable()
    rig.tick([.start])
    return rig.ticks(atMost: 250) { $0.active.has(.clampedTooOften) } != nil
  }

  @Test func `A goal counts as too far beyond a limit by more than a milliradian, on either side`() {
    #expect(!isTooMuch([1.5 + 1e-3, 0], from: [1.5, 0]) && isTooMuch([1.5 + 1.1e-3, 0], from: [1.5, 0]))
    #expect(!isTooMuch([-1.5 - 1e-3, 0], from: [-1.5, 0]) && isTooMuch([-1.5 - 1.1e-3, 0], from: [-1.5, 0]))
    #expect(isTooMuch([0, -1.502], from: [0, -1.5]) && isTooMuch([0, 1.502], from: [0, 1.5]))
    #expect(!isTooMuch([1.2, -1.2], from: [1.2, -1.2]))
  }

  @Test func `A goal counts as too far beyond what full speed reaches within two of the source's periods`() {
    // 0.02 rad/s for twice 20 ms, from a limit where the joint stands.
    func slow(_ configuration: inout SafetyConfiguration) {
      configuration.limits.upper = JointVector([0, 0])
      configuration.limits.velocity = JointVector([0.02, 0.02])
    }
    let near = 0.02 * 2e-9 * 20_000_000.0
    #expect(!isTooMuch([near, 0], from: [0, 0], slow) && isTooMuch([near * 1.01, 0], from: [0, 0], slow))
    #expect(!isTooMuch([0, near], from: [0, 0], slow) && isTooMuch([0, near * 1.01], from: [0, 0], slow))
  }

  @Test func `A person's far goal is limited and not counted`() {
    let rig = HardwareRig()
    rig.teleoperate(toward: [0.4, -0.4], ticks: 5)
    rig.propose([1.6, -1.6], source: .person)
    #expect(rig.ticks(400).state == .teleoperation && rig.finding == nil)
  }

  @Test func `What one policy asked for is not held against the next start`() {
    let rig = HardwareRig()
    rig.position = [1.5, 0]
    rig.arm()
    rig.propose([1.6, 0])
    rig.enable()
    rig.tick([.start])
    #expect(rig.ticks(atMost: 200) { $0.active.has(.clampedTooOften) } == 181)
    rig.propose([1.5, 0])
    #expect(rig.comesToRest(in: .hold))
    rig.enable()
    #expect(rig.tick([.start]).state == .policy)
    #expect(rig.ticks(300).state == .policy)
  }
}
