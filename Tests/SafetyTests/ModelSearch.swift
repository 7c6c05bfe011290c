import ArmModel
import Foundation
import Safety

/// What can be told of a core from outside, and a little more: two places with the same node behave alike.
struct ModelNode: Hashable {
  var state: SafetyState
  var latched: UInt64
  var isMoving: Bool
  var isDamped: Bool
  var person: LifeEvent.Person
}

/// A breadth-first search through all nodes: in every one of them every cause, every request, every state of the operator's
/// device, and every cause together with every request, with the rules as judge.
///
/// `SINEW_SAFETY_SEARCH=thorough` also lets every cause last, in every state of the device, and goes on from places with
/// two latched faults: ten times the work, for a release build.
struct ModelSearch {
  static let isThorough = ProcessInfo.processInfo.environment["SINEW_SAFETY_SEARCH"] == "thorough"

  struct Place {
    var bench: LifeBench
    var person: LifeEvent.Person
    var node: ModelNode
  }

  private(set) var nodes: [ModelNode: Place] = [:]
  private(set) var transitions = 0
  private(set) var finding: String?
  /// States in which each condition was active.
  private(set) var seen = Set<[UInt8]>()
  private var open: [Place] = []
  private let events: [LifeEvent]
  private let fewEvents: [LifeEvent]

  static let requests: [OperatorRequests] = [
    .none, .arm, .start, .stop, .reset, .yield, .park, .disarm, .release, .move, .takeOver,
  ]

  init(_ configuration: SafetyConfiguration) {
    var bench = LifeBench(configuration)
    let scale = configuration.mode == .effort ? 2.0 : 0.4
    bench.policyGoal = [scale, -scale]
    bench.personGoal = [-scale / 4, scale / 4]
    var events: [LifeEvent] = []
    let causes = LifeEvent.Cause.allCases.map { Optional($0) } + [nil]
    for cause in causes {
      for request in Self.requests { events.append(LifeEvent(requests: request, person: .held, cause: cause)) }
      let lasts = Self.isThorough || cause.map { LifeEvent.Cause.lasting.contains($0) } ?? true
      for ticks in lasts ? [3, 20] : [] { events.append(LifeEvent(person: .held, cause: cause, ticks: ticks)) }
      events.append(LifeEvent(person: .released, cause: cause))
    }
    for person in LifeEvent.Person.allCases {
      for request in Self.requests { events.append(LifeEvent(requests: request, person: person)) }
      events.append(LifeEvent(requests: [.arm, .start], person: person))
      let lasts = Self.isThorough || person == .held || person == .released
      events.append(LifeEvent(person: person, ticks: lasts ? 220 : 5))
    }
    self.events = events
    fewEvents =
      Self.requests.map { LifeEvent(requests: $0, person: .released) } + [
        LifeEvent(requests: .reset, person: .held), LifeEvent(person: .released, cause: .externalStop),
        LifeEvent(person: .released, cause: .armFailed), LifeEvent(person: .released, ticks: 220),
      ]
    let node = ModelNode(state: .boot, latched: 0, isMoving: false, isDamped: false, person: .absent)
    let start = Place(bench: bench, person: .absent, node: node)
    nodes[node] = start
    open = [start]
  }

  mutating func run() {
    var next = 0
    while next < open.count && finding == nil {
      let place = open[next]
      next += 1
      // Faults that differ only in which causes came together need not be told apart in full.
      let list = place.node.latched.nonzeroBitCount <= 1 ? events : fewEvents
      for event in list where finding == nil { follow(event, from: place) }
    }
  }

  private mutating func follow(_ event: LifeEvent, from place: Place) {
    transitions += event.ticks
    var place = place
    place.bench.live(event)
    place.person = event.person
    finding = place.bench.finding
    let decision = place.bench.last
    for condition in decision.active.conditions { seen.insert([place.node.state.rawValue, condition.rawValue]) }
    place.node = ModelNode(
      state: decision.state, latched: decision.latched.rawValue, isMoving: place.bench.audit.needsTimeToStop,
      isDamped: decision.torqueShare < 1, person: event.person)
    if nodes[place.node] == nil {
      nodes[place.node] = place
      if place.node.latched.nonzeroBitCount <= (Self.isThorough ? 2 : 1) { open.append(place) }
    }
  }
}
