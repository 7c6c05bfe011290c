import ServoWire

/// Moving single channels by hand, for commands; arms are moved by `BoardArm`.
extension BoardPort {
  /// Sends channels to pulses with one SETPOINT, and gives the STATE that answers it.
  /// - Parameters:
  ///   - targets: every channel in use, and its pulse in quarters of a µs.
  ///   - ttl: how long the board follows without the next one, ms; it holds then.
  /// - Throws: what the board refuses, with its reason; `bus` when it does not answer.
  public mutating func move(_ targets: [(channel: Int, pulse: UInt16)], ttl: UInt16) throws(ServoArmError)
    -> StateMessage
  {
    var list = UInt16List()
    var mask: UInt16 = 0
    for target in targets.sorted(by: { $0.channel < $1.channel }) {
      list.append(target.pulse)
      mask |= 1 << UInt16(target.channel)
    }
    let refusals = link.refusalCount
    let frame = link.setpoint(mask: mask, targets: list, ttlMs: ttl, now: now)
    let events = try ask(frame, for: [LinkEvents(.state), LinkEvents(.setpointRefused)], patience: patience)
    guard link.refusalCount == refusals else { throw refused(link.refusal, "SETPOINT") }
    guard events.has(.state) else { return try readState().message }
    return reading.message
  }
}
