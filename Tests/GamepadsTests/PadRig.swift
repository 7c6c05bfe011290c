import ArmModel
import CEvdev
import Testing

@testable import Gamepads

/// SplitMix64, so that a failure repeats.
struct Numbers {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

/// An Xbox pad in numbers, fed by hand on a virtual clock.
struct PadRig {
  var pad: PadInterpreter
  var now: Int64 = 1_000_000_000

  static var capabilities: PadCapabilities {
    var result = PadCapabilities()
    result.keys = Set([0x130, 0x131, 0x133, 0x134, 0x136, 0x137, 0x13A, 0x13B, 0x13C, 0x13D, 0x13E])
    for code in [0, 1, 3, 4] as [UInt16] {
      result.axes[code] = AxisRange(minimum: -32768, maximum: 32767, fuzz: 16, flat: 128)
    }
    for code in [2, 5] as [UInt16] { result.axes[code] = AxisRange(minimum: 0, maximum: 255) }
    for code in [16, 17] as [UInt16] { result.axes[code] = AxisRange(minimum: -1, maximum: 1) }
    return result
  }

  static let identity = PadIdentity(
    path: "/dev/input/event5", name: "Test pad", bus: 3, vendor: 0x045E, product: 0x028E, version: 0x0114)

  init(
    keysDown: Set<UInt16> = [], values: [UInt16: Int32] = [0: 100, 1: -100, 3: 50, 4: 1],
    link: PadInterpreter.Link = .init(isWireless: false), layout: OperatorLayout = .standard,
    previous: OperatorInput = OperatorInput()
  ) throws {
    let mapping = try #require(BuiltInProfiles.mapping(for: Self.identity, Self.capabilities))
    pad = PadInterpreter(
      mapping: mapping, layout: layout, capabilities: Self.capabilities, keysDown: keysDown, axisValues: values,
      link: link, previous: previous, now: now)
  }

  var input: OperatorInput { pad.input }
  func presses(_ role: OperatorRole) -> UInt8 { pad.input.presses[Int(role.rawValue)] }

  mutating func event(_ type: Int32, _ code: Int32, _ value: Int32) {
    pad.take(PadEvent(type: UInt16(type), code: UInt16(code), value: value, stamp: now), now: now)
  }
  mutating func report() { event(EV_SYN, SYN_REPORT, 0) }
  mutating func key(_ code: Int32, _ isDown: Bool) {
    now += 1_000_000
    event(EV_KEY, code, isDown ? 1 : 0)
    report()
  }
  mutating func axis(_ code: Int32, _ value: Int32) {
    now += 1_000_000
    event(EV_ABS, code, value)
    report()
  }
  mutating func pass(_ seconds: Double) {
    let end = now + Int64(seconds * 1e9)
    while now < end {
      now += 10_000_000
      pad.tick(now: now)
    }
  }
}
