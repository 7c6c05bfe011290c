import ArmModel
import Safety
import Testing

/// The person beside the arm: how long silence and release last, and who has the arm on the way from one to the other.
@Suite struct PersonTests {
  private static func alone() -> HardwareRig {
    var configuration = HardwareRig.configuration()
    configuration.isSupervised = false
    return HardwareRig(configuration)
  }

  // MARK: Silence

  @Test func `A wireless device may say nothing for three seconds and not a tick longer, by its stamps or by news`() {
    for isStamped in [true, false] {
      let rig = HardwareRig()
      rig.teleoperate(toward: [0.1, 0])
      rig.inputs.person.isWireless = true
      #expect(rig.ticks(700).state == .teleoperation, "it says something all the time")
      let since = rig.now
      // The last thing it said; or a stamp far ahead, which is seen to be new in the first tick only.
      let stamp = isStamped ? since : since + 1_000_000_000_000
      let ticks = rig.ticks(atMost: 900, { $0.person.lastEvent = stamp }) { $0.active.has(.operatorSilent) }
      #expect(ticks == (isStamped ? 601 : 602))
    }
  }

  @Test func `Stamps that are old are silence however often they change, and a wire may be silent for ever`() {
    let rig = HardwareRig()
    rig.teleoperate(toward: [0.1, 0])
    #expect(rig.ticks(900) { $0.person.lastEvent = 1 }.state == .teleoperation)
    rig.inputs.person.isWireless = true
    let now = rig.now + rig.period
    #expect(rig.tick { $0.person.lastEvent = now - 3_000_000_000 }.active == .none)
    let later = rig.now + rig.period
    #expect(rig.tick { $0.person.lastEvent = later - 3_000_000_001 }.active.conditions == [.operatorSilent])
  }

  // MARK: A second without enable

  @Test func `An emergency stop is left after a whole second in which enable was seen to be released`() {
    let doubts: [(inout SafetyInputs) -> Void] = [
      { $0.person.enableIsHeld = true }, { $0.person.enableIsDown = true }, { $0.person.isPresent = false },
      { $0.person.hasLostEvents = true },
    ]
    for (number, doubt) in doubts.enumerated() {
      let rig = HardwareRig()
      rig.run()
      rig.inputs.person.enableIsHeld = false
      rig.tick([.release])
      rig.ticks(190)
      rig.tick(.none, doubt)
      for tick in 1...200 {
        #expect(rig.tick([.reset]).refusal == .enableJustReleased, "doubt \(number), tick \(tick)")
      }
      #expect(rig.tick([.reset]).state == .disarmed)
    }
  }

  @Test func `A person's word that enable is down, or lost events, keep an emergency stop`() {
    let rig = HardwareRig()
    rig.tick([.release])
    rig.ticks(300)
    #expect(rig.tick([.reset]) { $0.person.enableIsDown = true }.refusal == .enableHeld)
    rig.ticks(300)
    #expect(rig.tick([.reset]) { $0.person.hasLostEvents = true }.refusal == .enableHeld)
  }

  @Test func `Enable that was pressed while nobody could see it is no edge`() {
    for isGone in [true, false] {
      let rig = HardwareRig()
      rig.arm()
      rig.propose([0.1, 0], source: .person)
      rig.ticks(5)
      rig.tick { if isGone { $0.person.isPresent = false } else { $0.person.hasLostEvents = true } }
      rig.inputs.person.enableIsHeld = true
      #expect(rig.ticks(50).state == .hold)
      rig.enable()
      #expect(rig.last.state == .teleoperation)
    }
  }

  // MARK: Who has the arm

  @Test func `It is said who moves the arm, and a device that goes away stops whatever moves`() {
    let moving: [RefusalTests.Place] = [.policy, .teleoperation, .handover, .moving]
    for place in RefusalTests.Place.allCases {
      let rig = RefusalTests.rig(in: place)
      #expect(rig.core.isMovedByPerson == (place == .teleoperation), "\(place)")
      #expect(rig.core.isMovedByPolicy == (place == .policy || place == .handover), "\(place)")
      let decision = rig.tick { $0.person.isPresent = false }
      #expect(decision.active.conditions == (moving.contains(place) ? [.operatorLost] : []), "\(place)")
    }
  }

  @Test func `On the way to a person enable must be held, and on the way to a lone policy it need not`() {
    let rig = RefusalTests.rig(in: .handover)
    #expect(rig.ticks(20).state == .handover && !rig.inputs.person.enableIsHeld)
    #expect(rig.core.isMovedByPolicy && !rig.core.isMovedByPerson)
    // The person thinks better of it.
    rig.propose(rig.core.commandedGoal.array, source: .person)
    rig.inputs.person.enableIsHeld = true
    rig.tick()
    #expect(rig.tick([.takeOver]).refused == .none && rig.last.state == .handover)
    #expect(rig.core.isMovedByPerson && !rig.core.isMovedByPolicy)
    rig.ticks(20)
    rig.inputs.person.enableIsHeld = false
    #expect(rig.tick().active.conditions == [.enableReleased])
  }

  @Test func `A policy that has come back owes nothing once it is stopped`() {
    let rig = RefusalTests.rig(in: .handover)
    #expect(rig.ticks(120).state == .policy)
    rig.tick([.stop])
    #expect(rig.comesToRest(in: .hold))
    rig.inputs.proposal.source = .none
    #expect(rig.ticks(20).active == .none && !rig.core.isMovedByPolicy)
  }

  @Test func `A person gives back with the sticks at rest, and who took over releases enable before`() {
    let rig = Self.alone()
    rig.teleoperate(toward: [0.2, 0])
    rig.propose([0.2, 0])
    #expect(rig.tick([.start]) { $0.person.sticksAreNeutral = false }.refusal == .sticksNotNeutral)
    #expect(rig.tick([.start]).refused == .none && rig.last.state == .handover)
    let other = Self.alone()
    other.run(toward: [0.2, 0], ticks: 200)
    other.propose([0.2, 0], source: .person)
    other.inputs.person.sticksAreNeutral = false
    #expect(other.ticks(120).state == .teleoperation)
    #expect(other.tick([.start]).refusal == .releaseFirst)
    other.propose([1.4, 0])
    #expect(other.tick([.start]).refusal == .releaseFirst)
    other.inputs.person.sticksAreNeutral = true
    #expect(other.tick([.start]).refusal == .releaseFirst)
  }

  @Test func `A person who takes over without a proposal finds the arm where it was taken over`() {
    let rig = HardwareRig()
    rig.run(toward: [0.3, -0.3], ticks: 400)
    #expect(rig.tick([.takeOver]).state == .handover)
    for _ in 0..<8 { #expect(rig.tick().command.goal == JointVector([0.3, -0.3])) }
    // So it does in teleoperation, until the first proposal comes.
    let other = HardwareRig()
    other.run(toward: [0.3, -0.3], ticks: 400)
    other.propose([0.3, -0.3], source: .person)
    other.inputs.person.sticksAreNeutral = false
    #expect(other.ticks(110).state == .teleoperation)
    other.propose([0, 0], source: .none)
    #expect(other.tick { $0.personProposal = $0.proposal }.command.goal == JointVector([0.3, -0.3]))
  }

  @Test func `A take-over with a proposal that is none is refused for that alone, and never on the wire`() {
    for (goal, condition) in [([Double.nan, 0], Condition.proposalInvalid), ([9, 9], .proposalInvalid)] {
      let rig = HardwareRig()
      rig.run(toward: [0.3, -0.3], ticks: 100)
      rig.propose(goal, source: .person)
      rig.inputs.person.sticksAreNeutral = false
      #expect(rig.tick().active.conditions == [condition] && rig.last.source == .stop)
      #expect(rig.last.command.goal.isFinite && rig.comesToRest(in: .hold))
    }
    // What is invalid is not late or far as well.
    let rig = HardwareRig()
    rig.teleoperate(toward: [0.1, 0])
    rig.personIsAlive = false
    rig.propose([9, 9], source: .person)
    rig.inputs.personProposal.stamp = 0
    #expect(rig.tick().active.conditions == [.proposalInvalid])
    let other = HardwareRig()
    other.arm()
    other.propose([9, 9], source: .person)
    other.enable()
    #expect(other.last.active.conditions == [.proposalInvalid] && other.last.state == .hold)
  }

  @Test func `A start and an edge of enable in one tick are judged both`() {
    for (policy, person, conditions) in [
      ([Double.nan, 0], [0.1, 0], [Condition.proposalInvalid]), ([0.1, 0], [.nan, 0], [.proposalInvalid]),
      ([0.1, 0], [1.4, 0], [.handoverRefused]), ([0.1, 0], [0.1, 0], []),
    ] {
      let rig = Self.alone()
      rig.arm()
      rig.propose(policy)
      rig.propose(person, source: .person)
      rig.tick()
      rig.inputs.person.enableIsHeld = true
      #expect(rig.tick([.start]).active.conditions == conditions)
      #expect(rig.last.state == (conditions.isEmpty ? .policy : .hold))
    }
  }
}
