import ArmModel
import Safety
import Testing

/// Every request in every place: whether it is refused, and why. What is not refused is granted, or has nothing to say
/// there.
@Suite struct RefusalTests {
  enum Place: CaseIterable {
    case disarmed, arming, hold, stopped, policy, teleoperation, handover, moving, park, stopping
    case faultHold, fault, emergencyStop
  }

  /// An arm whose policy needs nobody, in a place, with enable released where that does not matter.
  static func rig(in place: Place) -> HardwareRig {
    var configuration = HardwareRig.configuration()
    configuration.isSupervised = false
    let rig = HardwareRig(configuration)
    rig.tick()
    guard place != .disarmed else { return rig }
    if place == .arming {
      rig.tick([.arm])
      return rig
    }
    if place == .teleoperation || place == .handover {
      rig.teleoperate(toward: [0.2, 0])
      guard place == .handover else { return rig }
      rig.propose([0.2, 0])
      rig.tick([.start])
      rig.inputs.person.enableIsHeld = false
      rig.tick()
      return rig
    }
    rig.arm()
    if place == .policy || place == .stopping {
      rig.propose([1.4, -1.4])
      rig.tick([.start])
      rig.ticks(30)
      if place == .stopping { rig.tick([.stop]) }
    } else if place == .moving {
      rig.inputs.destination = JointVector([0.5, 0])
      rig.tick([.move])
      rig.ticks(20)
      rig.inputs.destination = JointVector([])
    } else if place == .park {
      rig.tick([.park])
      rig.ticks(20)
    } else if place == .faultHold {
      rig.tick { $0.joints.velocity[0] = .nan }
    } else if place == .fault {
      rig.tick { $0.writeFailed = true }
    } else if place == .emergencyStop {
      rig.tick([.release])
    }
    return rig
  }

  static let requests: [OperatorRequests] = [.arm, .start, .reset, .yield, .park, .disarm, .move, .takeOver]

  /// The rule: why each request is refused in a place; what is not listed is not refused.
  static func rule(_ place: Place) -> [UInt16: RefusalReason] {
    func reasons(_ pairs: (OperatorRequests, RefusalReason)...) -> [UInt16: RefusalReason] {
      Dictionary(uniqueKeysWithValues: pairs.map { ($0.0.rawValue, $0.1) })
    }
    switch place {
    case .disarmed, .arming:
      return reasons(
        (.start, .notArmed), (.move, .notArmed), (.takeOver, .nobodyInAuthority), (.reset, .nothingLatched))
    case .hold:
      return reasons(
        (.start, .noProposal), (.move, .poseUnusable), (.takeOver, .nobodyInAuthority), (.reset, .nothingLatched))
    case .stopped:
      return reasons(
        (.arm, .conditionActive), (.start, .conditionActive), (.move, .conditionActive), (.park, .conditionActive),
        (.takeOver, .conditionActive), (.reset, .conditionActive))
    case .policy, .handover:
      return reasons((.move, .inMotion), (.takeOver, .enableNotHeld), (.reset, .nothingLatched))
    case .teleoperation:
      return reasons(
        (.move, .inMotion), (.takeOver, .nobodyInAuthority), (.start, .noProposal), (.reset, .nothingLatched))
    case .moving, .park:
      return reasons(
        (.start, .inMotion), (.move, .inMotion), (.takeOver, .nobodyInAuthority), (.reset, .nothingLatched))
    case .stopping:
      return reasons(
        (.start, .stopping), (.move, .stopping), (.takeOver, .stopping), (.reset, .nothingLatched))
    case .faultHold, .fault:
      return reasons(
        (.arm, .faultLatched), (.start, .faultLatched), (.move, .faultLatched), (.park, .faultLatched),
        (.takeOver, .faultLatched))
    case .emergencyStop:
      return reasons(
        (.arm, .faultLatched), (.start, .faultLatched), (.move, .faultLatched), (.park, .faultLatched),
        (.takeOver, .faultLatched), (.reset, .enableJustReleased))
    }
  }

  private func ask(_ requests: OperatorRequests, in place: Place) -> Decision {
    let rig = Self.rig(in: place)
    return rig.tick(requests) { if place == .stopped { $0.person.stopIsPressed = true } }
  }

  @Test(arguments: Place.allCases) func `A request that is not granted is refused for its reason, and no other is`(
    place: Place
  ) {
    let rule = Self.rule(place)
    let idle = ask(.none, in: place)
    #expect(idle.refused == .none && idle.refusal == .none)
    for request in Self.requests {
      let decision = ask(request, in: place)
      let reason = rule[request.rawValue]
      #expect(decision.refused == (reason == nil ? .none : request), "\(place), \(request.rawValue)")
      #expect(decision.refusal == reason ?? .none, "\(place), \(request.rawValue)")
    }
  }

  @Test func `What is asked for together is refused together, for the reason of the first that was not granted`() {
    let everything: OperatorRequests = [.arm, .start, .move, .takeOver, .park]
    #expect(ask(everything, in: .faultHold).refused == everything)
    #expect(ask(everything, in: .emergencyStop).refused == everything)
    #expect(ask([.start, .move, .takeOver], in: .stopping).refused == [.start, .move, .takeOver])
    #expect(ask([.start, .move, .takeOver], in: .park).refused == [.start, .move, .takeOver])
    #expect(ask([.start, .takeOver], in: .arming).refused == [.start, .takeOver])
    #expect(ask([.start, .takeOver], in: .arming).refusal == .notArmed)
    let stopped = ask(OperatorRequests(rawValue: 0x3ff & ~OperatorRequests.release.rawValue), in: .stopped)
    #expect(stopped.refused == [.arm, .start, .move, .takeOver, .park, .reset])
  }

  @Test func `What comes over a network is refused as it is, and a stop among it is heard`() {
    let rig = Self.rig(in: .hold)
    #expect(rig.tick { $0.remoteRequests = [.arm, .stop] }.refused == .arm)
    #expect(rig.last.refusal == .notLocal && rig.last.active.conditions == [.stopRequested])
    #expect(rig.tick { $0.remoteRequests = .stop }.refused == .none)
  }

  @Test func `Arming is refused without a fresh reading, with enable held or doubtful, and with a stick deflected`() {
    let edits: [(RefusalReason, (inout SafetyInputs) -> Void)] = [
      (.notRead, { $0.readSucceeded = false }), (.notRead, { $0.joints.age[1] = 0.016 }),
      (.enableHeld, { $0.person.enableIsHeld = true }), (.enableHeld, { $0.person.enableIsDown = true }),
      (.enableHeld, { $0.person.hasLostEvents = true }), (.sticksNotNeutral, { $0.person.sticksAreNeutral = false }),
    ]
    for (number, (reason, edit)) in edits.enumerated() {
      let rig = Self.rig(in: .disarmed)
      let decision = rig.tick([.arm], edit)
      #expect(decision.refused == .arm && decision.refusal == reason, "edit \(number)")
      #expect(decision.state == .disarmed)
      #expect(rig.tick([.arm]).state == .arming)
    }
  }

  @Test func `A start and a hand-back are refused while what is measured is old`() {
    for isHeld in [true, false] {
      let rig = HardwareRig()
      if isHeld { rig.arm() } else { rig.teleoperate(toward: [0.1, 0]) }
      rig.propose([0.1, 0])
      rig.enable()
      if !isHeld { rig.ticks(10) }
      let before = rig.last.state
      let decision = rig.tick([.start]) { $0.joints.age[0] = 0.016 }
      #expect(decision.refused == .start && decision.refusal == .notRead && decision.state == before)
    }
  }

  @Test(arguments: [Place.stopping, .moving, .park, .faultHold, .fault, .emergencyStop])
  func `A start that cannot be granted does not judge what the policy proposes`(place: Place) {
    let rig = Self.rig(in: place)
    rig.propose([.nan, 0])
    #expect(rig.tick([.start]).refused == .start && rig.last.active == .none)
  }

  @Test(arguments: [Place.disarmed, .hold, .stopping, .policy, .moving, .park])
  func `What a person proposes without taking the arm does not matter`(place: Place) {
    for goal in [[Double.nan, 0], [1.4, 1.4], [9, 9]] {
      let rig = Self.rig(in: place)
      rig.inputs.person.sticksAreNeutral = false
      rig.propose(goal, source: .person)
      #expect(rig.tick().active == .none, "\(goal)")
      if place == .hold { continue }
      rig.inputs.person.sticksAreNeutral = true
      rig.inputs.person.enableIsHeld = true
      #expect(rig.tick().active == .none, "an edge of enable in \(place)")
    }
  }

  @Test func `Arming is called off by a request to park, too`() {
    #expect(ask(.park, in: .arming).state == .disarmed && ask(.park, in: .arming).power == .release)
  }
}
