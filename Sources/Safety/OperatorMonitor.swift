/// Whether a person is in charge: enable pressed anew with the sticks at rest, and nothing since that casts doubt on it.
///
/// Before the first tick enable counts as held, so that one that is stuck at the start is no edge.
struct OperatorMonitor: BitwiseCopyable {
  /// Whether enable is held and was pressed with the sticks at rest since the last doubt.
  private(set) var isEnabled = false
  /// Whether that happened in this tick.
  private(set) var wasEnabledNow = false
  /// Whether the device vanished in this tick.
  private(set) var vanished = false
  private var wasHeld = true
  private var wasPresent = false
  /// Since when enable is seen to be released, ns; `max` when it is not.
  private var releasedSince = Int64.max
  /// The stamp of the device's newest event, and when it was first seen, ns.
  private var lastEvent = Int64.min
  private var lastNews = Int64.min

  @_noLocks
  init() {}

  /// Looks at the device in one tick.
  @_noLocks
  mutating func note(_ person: OperatorState, now: Int64) {
    wasEnabledNow = false
    vanished = wasPresent && !person.isPresent
    wasPresent = person.isPresent
    if person.lastEvent != lastEvent {
      lastEvent = person.lastEvent
      lastNews = now
    }
    guard person.isPresent && !person.hasLostEvents else {
      // Whatever it says when it is back, it has to be seen released first.
      isEnabled = false
      wasHeld = true
      releasedSince = .max
      return
    }
    if person.enableIsHeld {
      if !wasHeld && person.sticksAreNeutral {
        isEnabled = true
        wasEnabledNow = true
      }
      releasedSince = .max
    } else {
      isEnabled = false
      if person.enableIsDown { releasedSince = .max } else if releasedSince == .max { releasedSince = now }
    }
    wasHeld = person.enableIsHeld
  }

  /// A doubt: enable must be pressed anew.
  @_noLocks
  mutating func revoke() {
    isEnabled = false
    wasEnabledNow = false
  }

  /// Nobody has looked for a while: what was last seen may have changed in between.
  @_noLocks
  mutating func forgetTimes(now: Int64) {
    if releasedSince != .max { releasedSince = now }
  }

  /// Whether the device has said nothing for longer than this, ns: by its own stamps, or, should those run ahead, by when
  /// they were seen to change.
  @_noLocks
  func isSilent(for time: Int64, now: Int64) -> Bool { now &- lastEvent > time || now &- lastNews > time }

  /// Whether enable has been seen released for a second.
  @_noLocks
  func isReleased(now: Int64) -> Bool { releasedSince != .max && now &- releasedSince >= 1_000_000_000 }
}
