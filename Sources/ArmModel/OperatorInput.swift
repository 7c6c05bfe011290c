/// What a person may ask for with a button, whatever device the button is on.
///
/// The raw value is the bit in `OperatorButtons`, the index of the press count, and a number in logs: never reuse one.
public enum OperatorRole: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  /// Held: the arm may move. Let go: it stops and holds.
  case enable = 0
  /// Stop and hold.
  case stop = 1
  /// Torque off at once; the arm may fall.
  case release = 2
  /// Begin: arm, then start the episode or the policy.
  case start = 3
  /// End the episode as a success.
  case success = 4
  /// End the episode as a failure.
  case failure = 5
  /// Throw the episode away and record it again.
  case discard = 6
  /// The next faster speed tier.
  case faster = 7
  /// The next slower speed tier.
  case slower = 8
  /// The next way to move: joint by joint, end effector.
  case mode = 9
  /// Leave a latched fault.
  case reset = 10
  /// Go to the park pose and switch torque off.
  case park = 11

  /// The name used in files, logs and on the terminal.
  public var name: String {
    switch self {
    case .enable: "enable"
    case .stop: "stop"
    case .release: "release"
    case .start: "start"
    case .success: "success"
    case .failure: "failure"
    case .discard: "discard"
    case .faster: "faster"
    case .slower: "slower"
    case .mode: "mode"
    case .reset: "reset"
    case .park: "park"
    }
  }
}

/// A set of roles, one bit each.
public struct OperatorButtons: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt16
  @_noLocks
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// No role.
  public static var none: OperatorButtons { @_noLocks get { OperatorButtons(rawValue: 0) } }

  /// The set of one role.
  @_noLocks
  public init(_ role: OperatorRole) { rawValue = 1 << UInt16(role.rawValue) }
  /// Whether a role is in the set.
  @_noLocks
  public func has(_ role: OperatorRole) -> Bool { rawValue & (1 << UInt16(role.rawValue)) != 0 }
  /// This set with one more role.
  @_noLocks
  public func adding(_ role: OperatorRole) -> OperatorButtons {
    OperatorButtons(rawValue: rawValue | (1 << UInt16(role.rawValue)))
  }
  /// The roles in the order of their numbers; not for the control thread.
  public var roles: [OperatorRole] { OperatorRole.allCases.filter(has) }
}

/// What is known of the device in the person's hands.
public struct OperatorStatus: OptionSet, Sendable, BitwiseCopyable {
  public let rawValue: UInt16
  @_noLocks
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// A device is there and can be read.
  public static var present: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 1) } }
  /// Every axis has reported at least once: before that the values are guesses, and the sticks read 0.
  public static var known: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 2) } }
  /// Every axis is known and inside its dead zone.
  public static var neutral: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 4) } }
  /// The device was neutral when `enable` was last pressed anew.
  public static var neutralAtEnable: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 8) } }
  /// The enable button is down, trusted or not: a stuck one shows here and not among the held buttons.
  public static var enableIsDown: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 16) } }
  /// Events were lost; the enable counts as released until it is pressed anew.
  public static var eventsLost: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 32) } }
  /// A wireless device has said nothing for too long while the enable was held; it must be pressed anew.
  public static var silent: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 64) } }
  /// The device has no cable.
  public static var wireless: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 128) } }
  /// The device sends a steady stream, so that a lost link shows within a fraction of a second.
  public static var heartbeat: OperatorStatus { @_noLocks get { OperatorStatus(rawValue: 256) } }

  /// Whether all of `other` hold.
  @_noLocks
  public func has(_ other: OperatorStatus) -> Bool { rawValue & other.rawValue == other.rawValue }
  /// This status with more.
  @_noLocks
  public func adding(_ other: OperatorStatus) -> OperatorStatus { OperatorStatus(rawValue: rawValue | other.rawValue) }
}

/// What a person's device says at one moment: plain bytes, made by whoever reads the device, taken by the control thread.
///
/// The initial value is "nobody there": nothing is held, the sticks are at rest, and the stamps are 0. The value does not
/// age by itself: the control thread compares `stamp` with its clock and takes an old one for an absent device, because
/// a reader that hangs leaves its last value behind.
public struct OperatorInput: Sendable, BitwiseCopyable {
  /// The left stick, -1 … 1: x to the right, y away from the person. 0 inside the dead zone, and while unknown.
  public var leftX: Double
  public var leftY: Double
  /// The right stick, the same way.
  public var rightX: Double
  public var rightY: Double
  /// What the gripper is to do, -1 (open) … 1 (close).
  public var gripper: Double
  /// What is held now. `enable` is here only when it may be trusted: pressed while the device was there and sound.
  public var held: OperatorButtons
  /// What is known of the device.
  public var status: OperatorStatus
  /// How often each role was pressed, by the role's raw value; wraps around. A press that came and went between two looks
  /// shows here alone. `enable` counts its trusted presses only.
  public var presses: InlineArray<16, UInt8>
  /// Counts up with every device that appears; 0 before the first.
  public var connection: UInt32
  /// Counts up with every loss of events.
  public var losses: UInt32
  /// Monotonic time of the newest event of the device, by the kernel's own stamp, ns.
  public var eventStamp: Int64
  /// Monotonic time at which the reader last looked, ns: the reader's heartbeat.
  public var stamp: Int64

  /// Nobody there.
  @_noLocks
  public init() {
    leftX = 0
    leftY = 0
    rightX = 0
    rightY = 0
    gripper = 0
    held = .none
    status = OperatorStatus(rawValue: 0)
    presses = InlineArray(repeating: 0)
    connection = 0
    losses = 0
    eventStamp = 0
    stamp = 0
  }

  /// This input as it counts at `now` (ns): where the reader has not looked for `limit` ns, nobody is there.
  @_noLocks
  public func current(at now: Int64, limit: Int64 = 100_000_000) -> OperatorInput {
    if now &- stamp <= limit { return self }
    var gone = self
    gone.leftX = 0
    gone.leftY = 0
    gone.rightX = 0
    gone.rightY = 0
    gone.gripper = 0
    gone.held = .none
    gone.status = OperatorStatus(rawValue: 0)
    return gone
  }
}

/// Finds what was pressed between one look at the operator's input and the next, however short the press was.
///
/// The first look finds nothing pressed: what is held then has been held since before anybody looked.
public struct OperatorPresses: Sendable, BitwiseCopyable {
  private var counts: InlineArray<16, UInt8>
  private var hasLooked: Bool

  @_noLocks
  public init() {
    counts = InlineArray(repeating: 0)
    hasLooked = false
  }

  /// The roles that were pressed since the last look. A press of `enable` means: it was let go in between, too.
  @_noLocks
  public mutating func take(_ input: OperatorInput) -> OperatorButtons {
    var pressed: UInt16 = 0
    if hasLooked {
      for index in 0..<16 where input.presses[index] != counts[index] { pressed |= 1 << UInt16(index) }
    }
    counts = input.presses
    hasLooked = true
    return OperatorButtons(rawValue: pressed)
  }
}
