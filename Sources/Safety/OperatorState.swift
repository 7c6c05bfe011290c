/// The operator's device (a gamepad, a keyboard, a leader arm) as it stands in one tick.
///
/// A new value has no device. Everything in it is a level: the core finds the edges itself.
public struct OperatorState: Sendable, BitwiseCopyable {
  /// Whether the device is there and can be read.
  public var isPresent = false
  /// Whether the enable button is held, as far as the device has said.
  public var enableIsHeld = false
  /// Whether the enable button is down, trusted or not: one that was down when the device appeared is stuck or held by
  /// mistake, and must be seen released before the arm is armed or a fault is reset.
  public var enableIsDown = false
  /// Whether every stick is at rest.
  public var sticksAreNeutral = true
  /// Whether the stop button is down.
  public var stopIsPressed = false
  /// Whether the chord for an immediate release of torque is down.
  public var releaseIsPressed = false
  /// Whether events were lost and the device's state has not been read anew yet; enable then counts as released.
  public var hasLostEvents = false
  /// Whether silence may mean a lost link: a wireless device without a heartbeat.
  public var isWireless = false
  /// Whether the device's reader took its trust from enable because the link had been silent for too long. The reader hears
  /// more than `lastEvent` tells (a heartbeat), so its word names the cause; the core's own clock stands behind it.
  public var hasGoneSilent = false
  /// Monotonic time of the device's newest event of any kind, ns.
  public var lastEvent: Int64 = 0

  /// No device.
  @_noLocks
  public init() {}

  /// Whether enable is held, or may be.
  public var mayBeEnabling: Bool { @_noLocks get { enableIsHeld || enableIsDown || hasLostEvents } }
}

/// What the bus counted since the last tick.
public struct BusCounts: Sendable, BitwiseCopyable {
  /// Replies that were expected.
  public var replies = 0
  /// Replies with a bad checksum, a wrong id or a wrong length.
  public var errors = 0

  /// Nothing was expected.
  @_noLocks
  public init() {}
}
