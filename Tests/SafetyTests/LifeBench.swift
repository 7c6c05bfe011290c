import ArmModel
import Safety

/// What happens to a core in one tick, apart from what goes on by itself.
struct LifeEvent {
  /// How the operator's device stands.
  enum Person: CaseIterable { case absent, released, held, deflected, lostEvents }

  /// What can be wrong in a tick.
  enum Cause: CaseIterable {
    case noRead, notFinite, shortReading, silentJoint, oldReading, leap, nudge, sag, blocked, armFailed, writeFailed
    case gap, late, suspended, externalStop, busErrors, overload, voltage, sensor, torqueLost, watchdog, noTorque
    case proposalNaN, proposalFar, proposalOld, proposalShort, noProposal, personNaN, personFar, noPersonProposal
    case silentDevice, remoteStart, remoteStop, stopButton, releaseChord

    /// Those that are acted on only when they last.
    static let lasting: Set<Cause> = [
      .noRead, .silentJoint, .oldReading, .leap, .sag, .blocked, .late, .busErrors, .proposalNaN, .noProposal,
      .noPersonProposal,
    ]
  }

  var requests = OperatorRequests.none
  var person = Person.held
  var cause: Cause?
  /// For how many ticks in a row; requests are made in the first.
  var ticks = 1
}

/// A core with everything around it that a life needs, as a value: joints that follow, torque that obeys, an audit of what
/// leaves and the rules for what it may mean.
struct LifeBench {
  var core: SafetyCore
  private(set) var now: Int64 = 1_000_000_000
  private(set) var audit: WireAudit
  private(set) var last: Decision
  private(set) var finding: String?
  private(set) var history: [[UInt64]] = []
  var keepsHistory = false
  /// Where the policy and the person want to go, rad (or N·m).
  var policyGoal: [Double]
  var personGoal: [Double]
  private(set) var position: [Double]
  private var power = ArmPower.off
  private var suspended: Int64 = 0
  private let rules: Rulebook
  private let seconds: Double
  /// Whether a simulator put the joints somewhere and nothing has been armed since: that place is then held, and not what
  /// the joints, giving way, have come to.
  private var isPut = false
  /// Ticks in a row that a joint has been silent.
  private var silence = 0

  init(_ configuration: SafetyConfiguration) {
    core = SafetyCore(configuration)
    rules = Rulebook(configuration: configuration)
    seconds = Double(configuration.period) * 1e-9
    audit = WireAudit(limits: configuration.limits, seconds: seconds)
    position = configuration.limits.lower.array.map { _ in 0 }
    policyGoal = position
    personGoal = position
    if !configuration.isHardware { power = .on }
    var copy = core
    last = copy.step(SafetyInputs(count: position.count, mode: configuration.mode), now: 0)
  }

  private var configuration: SafetyConfiguration { core.configuration }

  mutating func live(_ event: LifeEvent) {
    for tick in 0..<event.ticks where finding == nil {
      step(requests: tick == 0 ? event.requests : .none, event: event)
    }
  }

  private mutating func step(requests: OperatorRequests, event: LifeEvent) {
    var inputs = makeInputs(requests, event.person)
    if let cause = event.cause { inflict(cause, &inputs) }
    silence = event.cause == .silentJoint ? silence + 1 : 0
    now += inputs.sincePrevious
    inputs.joints.stamp = now
    if inputs.proposal.stamp == 0 { inputs.proposal.stamp = now }
    inputs.personProposal.stamp = now
    let before = core.state
    let latchedBefore = core.latched
    let goalBefore = core.commandedGoal
    let wasDamped = last.torqueShare < 1
    last = core.step(inputs, now: now)
    if keepsHistory { history.append(last.fingerprint) }
    let broken = rules.broken(
      inputs, before: before, latchedBefore: latchedBefore, goalBefore: goalBefore, after: last)
    if let broken { finding = "\(before.name) → \(last.state.name) with \(event): \(broken)" }
    renewReference(inputs, before: before, goalBefore: goalBefore, wasDamped: wasDamped)
    check(before: before, event: event)
    follow(isBlocked: event.cause == .blocked)
  }

  private func makeInputs(_ requests: OperatorRequests, _ person: LifeEvent.Person) -> SafetyInputs {
    var inputs = SafetyInputs(count: position.count, mode: configuration.mode)
    inputs.requests = requests
    inputs.person.isPresent = person != .absent
    inputs.person.enableIsHeld = person != .released && person != .absent
    inputs.person.sticksAreNeutral = person != .deflected
    inputs.person.hasLostEvents = person == .lostEvents
    inputs.person.lastEvent = now + configuration.period
    inputs.joints.position = JointVector(position)
    inputs.joints.present = [.position, .velocity, .effort]
    inputs.readSucceeded = true
    inputs.power = power
    inputs.proposal = Proposal(source: .policy, mode: configuration.mode, goal: JointVector(policyGoal), stamp: 0)
    inputs.personProposal = Proposal(source: .person, mode: configuration.mode, goal: JointVector(personGoal), stamp: 0)
    inputs.destination = JointVector(policyGoal)
    inputs.sincePrevious = configuration.period
    inputs.suspended = suspended
    return inputs
  }

  private mutating func inflict(_ cause: LifeEvent.Cause, _ inputs: inout SafetyInputs) {
    let period = configuration.period
    switch cause {
    case .noRead: inputs.readSucceeded = false
    case .notFinite: inputs.joints.velocity[0] = .nan
    case .shortReading: inputs.joints = JointState(count: position.count + 1)
    case .silentJoint: inputs.joints.age[0] = Double(silence + 1) * seconds
    case .oldReading: inputs.joints.age[0] = 11 * seconds
    case .leap: inputs.joints.position[0] += 3
    case .nudge: inputs.joints.position[0] += 0.02
    case .sag:
      position[0] -= 0.01
      inputs.joints.position = JointVector(position)
    case .blocked: inputs.joints.effort[0] = 2.9
    case .armFailed: inputs.armFailed = true
    case .writeFailed: inputs.writeFailed = true
    case .gap: inputs.sincePrevious = 11 * period
    case .late: inputs.lateness = period
    case .suspended:
      suspended += 1_000_000_000
      inputs.suspended = suspended
    case .externalStop: inputs.externalStop = true
    case .busErrors:
      inputs.bus.replies = 100
      inputs.bus.errors = 50
    case .overload: inputs.health.setFaults(.overload, of: 0)
    case .voltage: inputs.health.setFaults(.voltage, of: 0)
    case .sensor: inputs.health.setFaults(.sensor, of: 0)
    case .torqueLost: inputs.power = .mixed
    case .watchdog: inputs.health.setFaults(.watchdog, of: 0)
    case .noTorque: inputs.power = .off
    case .proposalNaN: inputs.proposal.goal[0] = .nan
    case .proposalFar: inputs.proposal.goal[0] = 1e300
    case .proposalOld: inputs.proposal.stamp = now - 100 * period - configuration.proposalPeriod
    case .proposalShort: inputs.proposal.goal = JointVector(repeating: 0, count: position.count - 1)
    case .noProposal: inputs.proposal.source = .none
    case .personNaN: inputs.personProposal.goal[0] = .nan
    case .personFar: inputs.personProposal.goal[0] = core.commandedGoal[0] + 0.6
    case .noPersonProposal: inputs.personProposal.source = .none
    case .silentDevice:
      inputs.person.isWireless = true
      inputs.person.lastEvent = now - 4_000_000_000
    case .remoteStart: inputs.remoteRequests = [.arm, .start, .reset, .move, .takeOver]
    case .remoteStop: inputs.remoteRequests = .stop
    case .stopButton: inputs.person.stopIsPressed = true
    case .releaseChord: inputs.person.releaseIsPressed = true
    }
  }

  /// A reference that is set anew is no motion: where torque comes on, after a gap, and while damping follows the arm.
  private mutating func renewReference(
    _ inputs: SafetyInputs, before: SafetyState, goalBefore: JointVector, wasDamped: Bool
  ) {
    let isSeen = inputs.readSucceeded && !last.active.has(.measurementInvalid)
    let seen = isSeen ? inputs.joints.position : goalBefore
    if last.active.has(.timeGap) || last.active.has(.suspended) {
      audit.adopt(seen)
      if isSeen { isPut = false }
    }
    // A reset that was followed by an arming and a disarming in one tick counts no more, which does not show from outside.
    let isPlace = isPut && core.commandedGoal == goalBefore
    if before == .boot || before == .disarmed { audit.adopt(isPlace ? goalBefore : seen) }
    if last.state != .disarmed && last.state != .boot { isPut = false }
    if before == .arming { audit.adopt(inputs.power == .on || !isSeen ? goalBefore : seen) }
    if last.torqueShare < 1 || wasDamped { audit.adopt(last.command.goal) }
  }

  private mutating func check(before: SafetyState, event: LifeEvent) {
    guard configuration.mode == .position, finding == nil else { return }
    audit.check(last)
    if let found = audit.finding { finding = "\(before.name) → \(last.state.name) with \(event): \(found)" }
    checkReach(event)
  }

  /// While joints only ever follow, no goal is further from them than what a dead host leaves behind.
  private mutating func checkReach(_ event: LifeEvent) {
    switch event.cause {
    case .sag, .leap, .nudge, .noRead, .silentJoint, .oldReading, .notFinite, .shortReading: hasStrayed = true
    default: break
    }
    guard last.writes, !hasStrayed else { return }
    for joint in position.indices {
      let reach = configuration.limits.velocity[joint] * configuration.residualTime
      let distance = (last.command.goal[joint] - position[joint]).magnitude
      if distance > reach + 1e-9 { finding = "\(event): a goal \(distance) rad from where joint \(joint) is" }
    }
  }

  /// Whether what the core believes and where the joints are have come apart, until all are at their goals again.
  private var hasStrayed = false

  private mutating func follow(isBlocked: Bool) {
    switch last.power {
    case .energise: power = .on
    case .release: power = configuration.isHardware ? .off : .on
    case .keep: break
    }
    guard last.writes else { return }
    guard configuration.mode == .position else { return }
    var isThere = true
    for joint in position.indices {
      let error = last.command.goal[joint] - position[joint]
      if error.magnitude > 1e-3 { isThere = false }
      if !isBlocked { position[joint] += 0.6 * error }
    }
    if isThere { hasStrayed = false }
  }

  /// Puts the arm elsewhere while nobody has authority, as a simulator's reset does.
  mutating func put(at place: [Double]) {
    guard core.adopt(JointVector(place)) else { return }
    isPut = !configuration.isHardware && (core.state == .boot || core.state == .disarmed)
    position = place
    audit.adopt(JointVector(place))
  }
}
