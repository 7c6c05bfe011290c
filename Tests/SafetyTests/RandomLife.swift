import ArmModel
import Numerics
import Safety

/// One core with random limits that lives through random events, watched from outside.
struct RandomLife {
  private(set) var bench: LifeBench
  private(set) var visited = Set<UInt8>()
  private var random: RandomStream
  /// How likely trouble is in a tick: lives differ, so that some get far and some hardly anywhere.
  private let trouble: Double
  private let reach: Double
  private var person = LifeEvent.Person.released

  var finding: String? { bench.finding }

  init(seed: UInt64, keepsHistory: Bool = false) {
    var draw = RandomStream(seed: seed, name: "life")
    let configuration = Self.configuration(&draw)
    bench = LifeBench(configuration)
    bench.keepsHistory = keepsHistory
    trouble = draw.uniform() < 0.3 ? 0 : draw.uniform() * draw.uniform() * 0.1
    reach = draw.uniform() < 0.5 ? 0.3 : 1
    random = draw
  }

  private static func configuration(_ draw: inout RandomStream) -> SafetyConfiguration {
    var random = draw
    defer { draw = random }
    let joints = 1 + Int(random.uniform() * 3)
    func vector(_ value: () -> Double) -> JointVector { JointVector((0..<joints).map { _ in value() }) }
    let isHardware = random.uniform() < 0.5
    func limit(_ low: Double, _ high: Double) -> JointVector {
      vector { !isHardware && random.uniform() < 0.2 ? .infinity : random.uniform(from: low, to: high) }
    }
    let upper = limit(0.2, 3)
    let lower = limit(0.2, 3)
    var limits = JointLimits(unlimited: joints)
    for index in 0..<joints {
      limits.lower[index] = -lower[index]
      limits.upper[index] = upper[index]
    }
    limits.velocity = limit(0.05, 6)
    limits.acceleration = limit(0.5, 100)
    limits.jerk = limit(20, 5000)
    limits.effort = limit(1, 10)
    let mode: CommandMode = random.uniform() < 0.85 ? .position : .effort
    let period = Int64(random.uniform(from: 1e6, to: 2e7))
    let proposalPeriod = period * Int64(1 + random.uniform() * 4)
    guard isHardware else {
      return SafetyConfiguration(
        limits: limits, mode: mode, period: period, proposalPeriod: proposalPeriod,
        armingTicks: Int(random.uniform() * 5), judgesTiming: random.uniform() < 0.7)
    }
    var configuration = SafetyConfiguration.hardware(
      limits: limits, mode: mode, period: period, proposalPeriod: proposalPeriod,
      parkPose: JointVector(repeating: random.uniform() < 0.8 ? 0.1 : .nan, count: joints))
    configuration.isSupervised = random.uniform() < 0.6
    configuration.handoverTime = 20 * period
    configuration.monitors.standstillReaction = random.uniform() < 0.5 ? .park : .release
    configuration.monitors.clampedShare = random.uniform() < 0.5 ? 1 : 0.5
    return configuration
  }

  mutating func live(steps: Int) {
    for _ in 0..<steps where bench.finding == nil {
      choosePerson()
      chooseGoals()
      var event = LifeEvent(person: person)
      if chance(0.2) {
        event.requests = [.arm, .start, .start, .stop, .move][Int(random.uniform() * 5)]
        // What ends a life's motion is rarer than what begins it.
        if event.requests == .stop && !chance(0.1) { event.requests = .start }
      }
      if chance(0.01) { event.requests = ModelSearch.requests[Int(random.uniform() * 11)] }
      if bench.core.state.isFault && chance(0.1) { event.requests = .reset }
      if chance(trouble) {
        let causes = LifeEvent.Cause.allCases
        event.cause = causes[Int(random.uniform() * Double(causes.count))]
        // Trouble often lasts for a while.
        if chance(0.2) { event.ticks = 1 + Int(random.uniform() * 25) }
      }
      if chance(0.01) { bench.put(at: bench.core.commandedGoal.array.map { $0 * 0.9 }) }
      bench.live(event)
      visited.insert(bench.last.state.rawValue)
    }
  }

  private mutating func chance(_ probability: Double) -> Bool { random.uniform() < probability }

  private mutating func choosePerson() {
    switch person {
    case .released: if chance(0.2) { person = .held }
    case .held, .deflected:
      if chance(0.02) { person = person == .held ? .deflected : .held }
      if chance(0.01) { person = .released }
    case .absent, .lostEvents: if chance(0.3) { person = .released }
    }
    if chance(trouble * 0.1) { person = chance(0.5) ? .absent : .lostEvents }
  }

  private mutating func chooseGoals() {
    guard chance(0.05) else { return }
    for index in bench.policyGoal.indices {
      let limits = bench.core.configuration.limits
      let (lower, upper) = (max(limits.lower[index], -4), min(limits.upper[index], 4))
      bench.policyGoal[index] = reach * random.uniform(from: 1.2 * lower, to: 1.2 * upper)
      bench.personGoal[index] =
        chance(0.5)
        ? bench.core.commandedGoal[index] + random.uniform(from: -0.2, to: 0.2) : bench.policyGoal[index] / 2
    }
  }
}
