import CEvdev

/// The range of an axis as its driver gives it, in the device's own units.
public struct AxisRange: Sendable, Equatable {
  public var minimum: Int32
  public var maximum: Int32
  /// Changes smaller than this the kernel keeps to itself.
  public var fuzz: Int32
  /// The driver's own dead zone around the centre.
  public var flat: Int32
  public var resolution: Int32

  public init(minimum: Int32, maximum: Int32, fuzz: Int32 = 0, flat: Int32 = 0, resolution: Int32 = 0) {
    self.minimum = minimum
    self.maximum = maximum
    self.fuzz = fuzz
    self.flat = flat
    self.resolution = resolution
  }
}

/// What a pad has: the codes of its keys and axes, as in the kernel's input-event-codes.h.
public struct PadCapabilities: Sendable, Equatable {
  /// Codes of keys and buttons.
  public var keys: Set<UInt16>
  /// Codes of axes with their ranges; a range is nil where the device could not be opened.
  public var axes: [UInt16: AxisRange?]
  /// Whether it can rumble.
  public var hasRumble: Bool

  public init(keys: Set<UInt16> = [], axes: [UInt16: AxisRange?] = [:], hasRumble: Bool = false) {
    self.keys = keys
    self.axes = axes
    self.hasRumble = hasRumble
  }

  func hasKeys(_ codes: Int32...) -> Bool { codes.allSatisfy { keys.contains(UInt16($0)) } }
  func hasAxes(_ codes: Int32...) -> Bool { codes.allSatisfy { axes.keys.contains(UInt16($0)) } }

  /// Whether this is something to hold in two hands with two sticks: the kernel's gamepad mark (BTN_SOUTH), or a joystick
  /// with at least eight buttons and two sticks, as older pads call themselves.
  public var areThoseOfAGamepad: Bool {
    guard hasAxes(ABS_X, ABS_Y) else { return false }
    if hasKeys(BTN_SOUTH) { return true }
    let buttons = keys.count { (0x120...0x12F).contains($0) }
    return buttons >= 8 && (hasAxes(ABS_Z, ABS_RZ) || hasAxes(ABS_RX, ABS_RY))
  }

  /// Key codes in the order in which SDL numbers them: from 0x120 upwards, then those below.
  var sdlButtons: [UInt16] { keys.filter { $0 >= 0x120 }.sorted() + keys.filter { $0 < 0x120 }.sorted() }

  /// Axis codes in SDL's order, and the hats apart: pairs whose both axes are digital.
  var sdlAxes: [UInt16] { axes.keys.sorted().filter { !isOfDigitalHat($0) } }

  /// The first axis of each digital hat, by SDL's hat number.
  var sdlHats: [Int: UInt16] {
    var hats: [Int: UInt16] = [:]
    for code in stride(from: UInt16(ABS_HAT0X), through: UInt16(ABS_HAT3X), by: 2) where isOfDigitalHat(code) {
      hats[Int(code - UInt16(ABS_HAT0X)) / 2] = code
    }
    return hats
  }

  /// SDL_sysjoystick.c: a hat is digital when both axes stay within -1 … 1, or have neither fuzz, flat nor resolution.
  private func isOfDigitalHat(_ code: UInt16) -> Bool {
    guard (UInt16(ABS_HAT0X)...UInt16(ABS_HAT3Y)).contains(code) else { return false }
    let first = code & ~1
    guard axes.keys.contains(first), axes.keys.contains(first + 1) else { return false }
    return [first, first + 1].allSatisfy { code in
      guard let range = axes[code] ?? nil else { return true }
      return (range.minimum >= -1 && range.maximum <= 1)
        || (range.fuzz == 0 && range.flat == 0 && range.resolution == 0)
    }
  }
}

/// One event of an input device, as the kernel reports it.
public struct PadEvent: Sendable, BitwiseCopyable, Equatable {
  /// EV_SYN, EV_KEY, EV_ABS …
  public var type: UInt16
  public var code: UInt16
  public var value: Int32
  /// Time of the event on the monotonic clock, ns.
  public var stamp: Int64

  public init(type: UInt16, code: UInt16, value: Int32, stamp: Int64) {
    self.type = type
    self.code = code
    self.value = value
    self.stamp = stamp
  }
}
