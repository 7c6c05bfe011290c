import ArmModel
import Safety

/// One look after the other at a person's device, and what the safety core has to know of it each time.
struct OperatorLooks: BitwiseCopyable {
  /// What the device said at the last look.
  private(set) var input = OperatorInput()
  /// The roles that were pressed between the last two looks, however short the press was.
  private(set) var pressed = OperatorButtons.none
  private var presses = OperatorPresses()
  private var losses: UInt32 = 0
  private var wasHeld = false

  @_noLocks
  init() {}

  /// Takes the next look.
  @_noLocks
  mutating func take(_ next: OperatorInput) -> OperatorState {
    input = next
    pressed = presses.take(next)
    let isHeld = next.held.has(.enable)
    var state = OperatorState()
    state.isPresent = next.status.has(.present)
    // A press while it was held all along: it was let go in between, however briefly, and that counts.
    state.enableIsHeld = isHeld && !(wasHeld && pressed.has(.enable))
    // Down and not trusted: stuck, or held by mistake. It must not pass for a released one when arming is asked for.
    state.enableIsDown = next.status.has(.enableIsDown)
    state.sticksAreNeutral = next.status.has(.neutral)
    state.stopIsPressed = next.held.has(.stop) || pressed.has(.stop)
    state.releaseIsPressed = next.held.has(.release) || pressed.has(.release)
    // The device's state has been asked for anew by now, and its enable is trusted only after a new press: once is enough.
    state.hasLostEvents = next.losses != losses
    // The reader hears more than events (a heartbeat), so its word comes first; the core's clock on `lastEvent` stands
    // behind it. Both name the same condition.
    state.hasGoneSilent = next.status.has(.silent)
    state.isWireless = next.status.has(.wireless) && !next.status.has(.heartbeat)
    state.lastEvent = next.eventStamp
    losses = next.losses
    wasHeld = state.enableIsHeld
    return state
  }
}
