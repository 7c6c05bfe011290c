import ArmModel

/// Turns the keys of a terminal into an operator's input: a state machine that is fed with bytes and times.
///
/// A terminal says what is typed, not what is held. A key of motion therefore counts for 0.15 s, and the keyboard's own
/// repetition carries it on; enable is switched on and off by the space bar, and goes off by itself when nothing has been
/// typed for 2 s. That is less than a button that is held, and why keyboards are for simulated arms.
public struct KeyboardInterpreter: Sendable {
  /// How long a key of motion counts, ns.
  static let pulse: Int64 = 150_000_000
  /// Enable goes off when nothing was typed for so long, ns.
  static let patience: Int64 = 2_000_000_000
  /// How long an escape may be the beginning of a longer key, ns.
  static let escapeTime: Int64 = 50_000_000

  /// Directions that a key gives to one of the five axes.
  private enum Axis: Int { case leftX, leftY, rightX, rightY, gripper }

  private var directions = [Double](repeating: 0, count: 5)
  private var until = [Int64](repeating: .min, count: 5)
  private var isEnabled = false
  private var lastTyped: Int64
  private var escape: [UInt8] = []
  private var escapeStarted: Int64 = 0
  private var result = OperatorInput()

  public init(now: Int64) {
    lastTyped = now
    result.connection = 1
    publish(now: now)
  }

  /// What the keys say, as of the last byte or `tick`.
  public var input: OperatorInput { result }

  /// Takes a byte as the terminal sends it.
  public mutating func take(_ byte: UInt8, now: Int64) {
    lastTyped = now
    result.eventStamp = now
    if escape.isEmpty {
      if byte == 0x1B {
        escape = [byte]
        escapeStarted = now
      } else {
        type(byte, now: now)
      }
    } else {
      takeEscape(byte, now: now)
    }
    publish(now: now)
  }

  /// Lets time pass: keys end, enable goes off.
  public mutating func tick(now: Int64) {
    if !escape.isEmpty && now - escapeStarted > Self.escapeTime {
      // Nothing followed: the escape key itself.
      escape = []
      stop()
    }
    if isEnabled && now - lastTyped > Self.patience { isEnabled = false }
    publish(now: now)
  }

  /// The keys, for a person.
  public static let help = [
    "Enter: arm, begin an episode   space: enable on and off (off by itself after 2 s)   x or Esc: stop   X: release torque",
    "R: reset   P: park   w s a d or arrows: forward, back, left, right   r f: up, down   q e: turn   o c: gripper",
    "+ -: speed   m: mode   y: success   n: failure   u: discard, record again   Ctrl-C: end",
  ]

  // MARK: Keys

  private mutating func takeEscape(_ byte: UInt8, now: Int64) {
    escape.append(byte)
    if escape.count == 2 {
      if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") { return }
      escape = []
      stop()
      type(byte, now: now)
      return
    }
    // Parameters of longer sequences; the last byte is a letter or ~.
    guard byte >= 0x40 || escape.count > 8 else { return }
    escape = []
    switch byte {
    case UInt8(ascii: "A"): move(.leftY, 1, now)
    case UInt8(ascii: "B"): move(.leftY, -1, now)
    case UInt8(ascii: "C"): move(.leftX, 1, now)
    case UInt8(ascii: "D"): move(.leftX, -1, now)
    default: break
    }
  }

  private mutating func type(_ byte: UInt8, now: Int64) {
    switch byte {
    case UInt8(ascii: "w"): move(.leftY, 1, now)
    case UInt8(ascii: "s"): move(.leftY, -1, now)
    case UInt8(ascii: "a"): move(.leftX, -1, now)
    case UInt8(ascii: "d"): move(.leftX, 1, now)
    case UInt8(ascii: "r"): move(.rightY, 1, now)
    case UInt8(ascii: "f"): move(.rightY, -1, now)
    case UInt8(ascii: "q"): move(.rightX, -1, now)
    case UInt8(ascii: "e"): move(.rightX, 1, now)
    case UInt8(ascii: "o"): move(.gripper, -1, now)
    case UInt8(ascii: "c"): move(.gripper, 1, now)
    case UInt8(ascii: " "):
      isEnabled.toggle()
      if isEnabled { press(.enable) }
    case UInt8(ascii: "x"): stop()
    case UInt8(ascii: "X"):
      stop()
      press(.release)
    case UInt8(ascii: "\r"), UInt8(ascii: "\n"): press(.start)
    case UInt8(ascii: "R"): press(.reset)
    case UInt8(ascii: "P"): press(.park)
    case UInt8(ascii: "y"): press(.success)
    case UInt8(ascii: "n"): press(.failure)
    case UInt8(ascii: "u"): press(.discard)
    case UInt8(ascii: "+"), UInt8(ascii: "="): press(.faster)
    case UInt8(ascii: "-"): press(.slower)
    case UInt8(ascii: "m"): press(.mode)
    default: break
    }
  }

  private mutating func move(_ axis: Axis, _ direction: Double, _ now: Int64) {
    directions[axis.rawValue] = direction
    until[axis.rawValue] = now + Self.pulse
  }

  private mutating func stop() {
    isEnabled = false
    for axis in until.indices { until[axis] = .min }
    press(.stop)
  }

  private mutating func press(_ role: OperatorRole) { result.presses[Int(role.rawValue)] &+= 1 }

  private mutating func publish(now: Int64) {
    func value(_ axis: Axis) -> Double { until[axis.rawValue] > now ? directions[axis.rawValue] : 0 }
    result.leftX = value(.leftX)
    result.leftY = value(.leftY)
    result.rightX = value(.rightX)
    result.rightY = value(.rightY)
    result.gripper = value(.gripper)
    result.held = isEnabled ? OperatorButtons(.enable) : .none
    result.status = [.present, .known]
    if until.allSatisfy({ $0 <= now }) { result.status.insert(.neutral) }
    if isEnabled { result.status.insert(.enableIsDown) }
    result.stamp = now
  }
}
