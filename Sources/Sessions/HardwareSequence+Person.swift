import Control
import Safety

// A run on a physical arm with a person in charge: what their buttons lead to.
extension HardwareSequence {
  /// Takes down what has happened in a tick.
  @_noLocks
  mutating func notePerson(_ core: inout RunCore) {
    person.note(&core)
    // An arm that was found under torque is in hand with its first command.
    if core.loop.decision.writes || core.loop.decision.power == .energise { hasArmed = true }
  }

  /// Does what the buttons ask for. From rest an episode begins with the core's slow move to its start, which a simulator
  /// would be reset to; in the person's hands it begins where the arm is.
  @_noLocks
  mutating func attendPerson(_ core: inout RunCore, _ state: SafetyState) -> Step {
    if state == .boot {
      personTakesOver(&core)
      return .goOn
    }
    if state == .disarmed && takeover == .releasing {
      armAfterRelease(&core)
      return .goOn
    }
    if isDestined { goOn(&core, state) }
    guard person.heed(&core, state) == .prepareEpisode, !isDestined else { return .goOn }
    if state == .hold {
      setOut(&core)
    } else {
      _ = sampleEpisode(&core)
      _ = core.loop.beginOperatedEpisode()
    }
    return .goOn
  }

  /// The move to an episode's start, and the rest before it begins. Whatever comes between ends it: then it takes another
  /// press of start.
  @_noLocks
  private mutating func goOn(_ core: inout RunCore, _ state: SafetyState) {
    let isRefused = core.loop.decision.refused.rawValue & OperatorRequests.move.rawValue != 0
    switch state {
    case .moving: break
    case .hold where !isRefused && lastState != .stopping: beginWhenStanding(&core, core.loop.clock.now())
    default: isDestined = false
    }
  }

  /// Whether the run waits in a fault for the person, who resets it or ends the run. A port that is gone is no fault that a
  /// button mends.
  @_noLocks
  mutating func staysInFault(_ core: inout RunCore, _ signals: Int32) -> Bool {
    isDestined = false
    if core.isEnding { return false }
    if isDisconnected(core.loop.lastArmError) && !core.loop.inputs.readSucceeded { return false }
    if signals > signalsSeen { wasStopped = true }
    if wasStopped || isOver(core) {
      end(&core)
      return false
    }
    _ = person.heed(&core, core.loop.decision.state)
    return true
  }
}
