import ArmModel
import Safety

/// What can be told of a core from outside.
struct ModelNode: Hashable {
  var state: SafetyState
  var latched: UInt64
  var moving: Bool
  var missedReads: Int
  var armingTicks: Int
}

/// A breadth-first search through all nodes, with the transition table as judge.
struct ModelSearch {
  struct Place {
    var bench: SafetyBench
    var audit: WireAudit
    var node: ModelNode
  }

  /// What a read can bring.
  enum Reading: CaseIterable { case fails, good, notFinite, shortOfJoints }

  /// What can be proposed, and what that amounts to.
  enum Proposed: CaseIterable {
    case nothing, good, oldest, late, ahead, notANumber, infinite, short, long, otherMode, person, blend, stop
    var condition: Condition? {
      switch self {
      case .good, .oldest: nil
      case .late, .ahead, .nothing: .proposalLate
      case .notANumber, .infinite, .short, .long, .otherMode, .person, .blend, .stop: .proposalInvalid
      }
    }
  }

  struct Event {
    var requests = OperatorRequests.none
    var reading = Reading.good
    var armFailed = false
    var writeFailed = false
    var gap = false
    var proposed = Proposed.good
  }

  private(set) var nodes: [ModelNode: Place] = [:]
  private(set) var transitions = 0
  private(set) var finding: String?
  private var open: [Place] = []
  private let armingTicks: Int
  private let events: [Event]
  private let blindEvents: [Event]

  init(mode: CommandMode, armingTicks: Int) {
    self.armingTicks = armingTicks
    // One tick of braking takes away 0.5 rad/s, so that a stop from 2 rad/s takes several.
    let bench = SafetyBench(
      limits: SafetyBench.limits(acceleration: 100), mode: mode, armingTicks: armingTicks, period: 5_000_000)
    let start = Place(
      bench: bench, audit: WireAudit(limits: bench.core.configuration.limits, seconds: bench.seconds),
      node: ModelNode(state: .boot, latched: 0, moving: false, missedReads: 0, armingTicks: 0))
    var events: [Event] = []
    for bits in 0..<UInt16(32) {
      for reading in Reading.allCases {
        for proposed in Proposed.allCases {
          for flags in [0, 1, 2, 4, 7] {
            events.append(
              Event(
                requests: OperatorRequests(rawValue: bits), reading: reading, armFailed: flags & 1 != 0,
                writeFailed: flags & 2 != 0, gap: flags & 4 != 0, proposed: proposed))
          }
        }
      }
    }
    self.events = events
    blindEvents = events.filter { $0.proposed == .good || $0.proposed == .nothing || $0.proposed == .notANumber }
    nodes[start.node] = start
    open = [start]
  }

  mutating func run() {
    var next = 0
    while next < open.count && finding == nil {
      let place = open[next]
      next += 1
      if isFullyExplored(place.node) {
        // While reads are missing, a good, an absent and a bad proposal stand for all.
        let list = place.node.missedReads == 0 ? events : blindEvents
        for event in list where finding == nil { follow(event, from: place) }
      } else {
        // On the long way from the first missed read to the lost arm, and for faults that only differ in their cause,
        // the inputs that lead on are enough.
        for event in shortList where finding == nil { follow(event, from: place) }
      }
    }
  }

  private func isFullyExplored(_ node: ModelNode) -> Bool {
    if node.state == .fault {
      return node.missedReads == 0 && (node.latched.nonzeroBitCount == 1 || node.latched.nonzeroBitCount == 5)
    }
    return node.missedReads == 0 || node.missedReads == 2 || node.missedReads == 19
  }

  private var shortList: [Event] {
    [
      Event(reading: .fails), Event(reading: .good), Event(requests: [.reset]),
      Event(requests: [.reset], reading: .fails), Event(requests: [.reset], reading: .notFinite),
      Event(reading: .notFinite), Event(reading: .fails, armFailed: true), Event(armFailed: true),
      Event(writeFailed: true), Event(requests: [.start], proposed: .notANumber), Event(requests: [.arm, .start]),
      Event(requests: [.reset, .stop]), Event(requests: [.reset], armFailed: true),
    ]
  }

  private mutating func follow(_ event: Event, from place: Place) {
    transitions += 1
    var place = place
    let before = place.node
    var active = ConditionSet.none
    let decision = apply(event, to: &place, active: &active)
    if decision.active.has(.timeGap) {
      place.audit.adopt(readable(event) ? SafetyBench.measured : place.bench.lastGoal)
    }
    let moving = place.audit.needsTimeToStop
    var expected = before
    expected.missedReads = event.reading == .fails ? min(before.missedReads + 1, 20) : 0
    expect(&expected, event: event, active: active, moving: moving)
    if place.bench.core.configuration.mode == .position {
      if (before.state == .boot || before.state == .disarmed) && decision.writes {
        place.audit.adopt(SafetyBench.measured)
      }
      place.audit.check(decision)
    }
    if decision.state != expected.state || decision.active != active || decision.latched.rawValue != expected.latched
      || decision.writes != Self.writes(expected.state) || place.audit.finding != nil
      || decision.source != (expected.state == .policy ? .policy : (decision.writes ? .stop : .none))
    {
      finding = """
        \(before) with \(event): expected \(expected) and \(active.conditions), got \(decision.state.name) with \
        \(decision.active.conditions), latched \(decision.latched.conditions), writes \(decision.writes), \
        \(place.audit.finding ?? "")
        """
      return
    }
    expected.moving = place.audit.needsTimeToStop
    place.node = expected
    place.bench.lastGoal = decision.writes ? decision.command.goal : place.bench.core.commandedGoal
    if nodes[expected] == nil {
      nodes[expected] = place
      open.append(place)
    }
  }

  private func readable(_ event: Event) -> Bool { event.reading == .good }

  private func apply(_ event: Event, to place: inout Place, active: inout ConditionSet) -> Decision {
    let node = place.node
    if event.requests.contains(.stop) { active = active.adding(.stopRequested) }
    if event.armFailed { active = active.adding(.armFailed) }
    if event.writeFailed { active = active.adding(.writeFailed) }
    if event.gap { active = active.adding(.timeGap) }
    switch event.reading {
    case .fails:
      if node.missedReads >= 19 {
        active = active.adding(.armMute)
      } else if node.missedReads >= 2 {
        active = active.adding(.observationStale)
      }
    case .good: break
    case .notFinite, .shortOfJoints: active = active.adding(.measurementInvalid)
    }
    if let condition = event.proposed.condition {
      let excused = event.requests.contains(.yield) || node.state != .policy
      if event.proposed == .nothing ? !excused : (node.state == .policy || event.requests.contains(.start)) {
        active = active.adding(condition)
      }
    }
    let tolerated = place.bench.period * 5
    return place.bench.tick(event.requests) { inputs in
      inputs.readSucceeded = event.reading != .fails
      inputs.joints.position = SafetyBench.measured
      if event.reading == .notFinite { inputs.joints.velocity[1] = .nan }
      if event.reading == .shortOfJoints { inputs.joints = JointState(count: 1) }
      inputs.armFailed = event.armFailed
      inputs.writeFailed = event.writeFailed
      if event.gap { inputs.sincePrevious = 10 * inputs.sincePrevious + 1 }
      inputs.proposal.source = .policy
      inputs.proposal.goal = JointVector([1.2, -1.2])
      switch event.proposed {
      case .nothing: inputs.proposal.source = .none
      case .good: break
      case .oldest: inputs.proposal.stamp -= tolerated
      case .late: inputs.proposal.stamp -= tolerated + 1
      case .ahead: inputs.proposal.stamp = .max
      case .notANumber: inputs.proposal.goal[1] = .nan
      case .infinite: inputs.proposal.goal[0] = -.infinity
      case .short: inputs.proposal.goal = JointVector([0])
      case .long: inputs.proposal.goal = JointVector([0, 0, 0])
      case .otherMode: inputs.proposal.mode = inputs.proposal.mode == .position ? .effort : .position
      case .person: inputs.proposal.source = .person
      case .blend: inputs.proposal.source = .blend
      case .stop: inputs.proposal.source = .stop
      }
    }
  }

  /// Bits of proposal invalid, arm mute, arm failed, measurement invalid and write failed.
  private static let latching: UInt64 = 0b10_0111_0010

  private static func writes(_ state: SafetyState) -> Bool {
    switch state {
    case .arming, .hold, .policy, .stopping, .faultHold: true
    default: false
    }
  }

  /// The transition table.
  private func expect(_ node: inout ModelNode, event: Event, active: ConditionSet, moving: Bool) {
    let requests = event.requests
    let isFault = node.state == .fault || node.state == .faultHold
    if isFault && requests.contains(.reset) && active == .none && event.reading == .good {
      node.state = .disarmed
      node.latched = 0
      return
    }
    node.latched |= active.rawValue & Self.latching
    let inForce = active.union(ConditionSet(rawValue: node.latched))
    let rest: SafetyState = node.latched == 0 ? .hold : .faultHold
    if inForce.has(.armFailed) || inForce.has(.armMute) || inForce.has(.writeFailed) {
      node.state = .fault
    } else if isFault {
      return
    } else if inForce != .none {
      switch node.state {
      case .boot, .disarmed: if node.latched != 0 { node.state = .fault }
      case .arming where node.latched == 0: node.armingTicks = armingTicks
      case .policy, .stopping: node.state = moving ? .stopping : rest
      default: node.state = rest
      }
    } else {
      proceed(&node, event: event, moving: moving)
    }
    if node.state != .arming { node.armingTicks = 0 }
  }

  private func proceed(_ node: inout ModelNode, event: Event, moving: Bool) {
    let requests = event.requests
    let reads = event.reading == .good
    if node.state == .stopping || (node.state == .policy && requests.contains(.yield)) {
      node.state = moving ? .stopping : .hold
      return
    }
    if node.state == .boot && reads { node.state = .disarmed }
    if node.state == .disarmed && reads && requests.contains(.arm) {
      node.state = .arming
      node.armingTicks = armingTicks
    }
    if node.state == .arming {
      if node.armingTicks == 0 { node.state = .hold } else { node.armingTicks -= 1 }
    }
    let usable = event.proposed == .good || event.proposed == .oldest
    if node.state == .hold && requests.contains(.start) && reads && usable { node.state = .policy }
  }
}
