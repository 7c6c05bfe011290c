import VirtualServos

/// Shafts that stand where a test puts them, whatever their motors do.
final class Puppet: ServoPhysics {
  let stepNanoseconds: Int64 = 1_000_000
  private var states: [ShaftState]

  init(_ positions: [Double]) { states = positions.map { ShaftState(position: $0) } }

  func place(_ shaft: Int, at position: Double) { states[shaft].position = position }

  var count: Int { states.count }
  var initialStates: [ShaftState] { states }
  func step(_ drives: [ServoDrive], states: inout [ShaftState]) { states = self.states }
}

extension ServoBusServer {
  /// Puts a puppet's shaft somewhere, and lets the bus take notice.
  func place(_ shaft: Int, at position: Double) {
    withBus { bus in
      (bus.physics as? Puppet)?.place(shaft, at: position)
      bus.advance(to: bus.state.time + 1_000_000)
    }
  }

  /// A register of servo `slot`.
  func register(_ slot: Int, _ address: Int) -> Int? { withBus { $0.register(slot, at: address) } }

  /// A servo starts again, as after a loss of power.
  func restart(_ slot: Int, silence: Int64 = 0) {
    withBus { $0.cutPower(slot, for: silence, at: $0.state.time) }
  }
}
