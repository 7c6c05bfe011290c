import CEvdev
import CPadTestbed
import Testing

/// A pad made from the table of its driver: codes, ranges and ids, in numbers rather than by our own names.
struct MadePad: Sendable, CustomTestStringConvertible {
  let name: String
  let bus: UInt16
  let vendor: UInt16
  let product: UInt16
  let version: UInt16
  let keys: [Int32]
  let sticks: [Int32]
  let range: (Int32, Int32)
  let fuzz: Int32
  let flat: Int32
  let triggers: [Int32]
  let triggerMost: Int32
  let triggerKeys: [Int32]
  let enable: Int32
  let stop: Int32
  let mapping: String
  var isReceiver = false
  var testDescription: String { name }

  private static func keys(_ range: ClosedRange<Int32>, without: [Int32] = []) -> [Int32] {
    range.filter { !without.contains($0) }
  }

  static let all = [
    MadePad(
      name: "Xbox Series, Bluetooth", bus: 5, vendor: 0x045E, product: 0x0B13, version: 0x0501,
      keys: keys(0x130...0x13E), sticks: [0, 1, 2, 5], range: (0, 65535), fuzz: 255, flat: 4095, triggers: [10, 9],
      triggerMost: 1023, triggerKeys: [], enable: 0x137, stop: 0x131, mapping: "built in (Xbox, Bluetooth)"),
    MadePad(
      name: "DualSense, Bluetooth", bus: 5, vendor: 0x054C, product: 0x0CE6, version: 0x8100,
      keys: keys(0x130...0x13E, without: [0x132, 0x135]), sticks: [0, 1, 3, 4], range: (0, 255), fuzz: 0, flat: 0,
      triggers: [2, 5], triggerMost: 255, triggerKeys: [], enable: 0x137, stop: 0x131,
      mapping: "built in (PlayStation)"),
    MadePad(
      name: "DualShock 4, generic driver", bus: 3, vendor: 0x054C, product: 0x09CC, version: 0x0111,
      keys: keys(0x120...0x12D), sticks: [0, 1, 2, 5], range: (0, 255), fuzz: 0, flat: 15, triggers: [3, 4],
      triggerMost: 255, triggerKeys: [], enable: 0x125, stop: 0x122, mapping: "built in (PlayStation, generic driver)"),
    MadePad(
      name: "Switch Pro", bus: 5, vendor: 0x057E, product: 0x2009, version: 0x8001,
      keys: keys(0x130...0x13E, without: [0x132]), sticks: [0, 1, 3, 4], range: (-32767, 32767), fuzz: 250, flat: 500,
      triggers: [], triggerMost: 0, triggerKeys: [0x138, 0x139], enable: 0x137, stop: 0x131,
      mapping: "built in (Switch Pro)"),
    MadePad(
      name: "Logitech F310, switch on D", bus: 3, vendor: 0x046D, product: 0xC216, version: 0x0110,
      keys: keys(0x120...0x12B), sticks: [0, 1, 2, 5], range: (0, 255), fuzz: 0, flat: 15, triggers: [], triggerMost: 0,
      triggerKeys: [0x126, 0x127], enable: 0x125, stop: 0x122, mapping: "built in (Logitech, switch on D)"),
    MadePad(
      name: "Logitech F710, switch on D", bus: 3, vendor: 0x046D, product: 0xC219, version: 0x0110,
      keys: keys(0x120...0x12B), sticks: [0, 1, 2, 5], range: (0, 255), fuzz: 0, flat: 15, triggers: [], triggerMost: 0,
      triggerKeys: [0x126, 0x127], enable: 0x125, stop: 0x122, mapping: "built in (Logitech, switch on D)",
      isReceiver: true),
    // Another maker's pad, which only the database knows.
    MadePad(
      name: "HORIPAD S", bus: 3, vendor: 0x0F0D, product: 0x00C1, version: 0x0111, keys: keys(0x120...0x12D),
      sticks: [0, 1, 2, 5], range: (0, 255), fuzz: 0, flat: 15, triggers: [], triggerMost: 0,
      triggerKeys: [0x126, 0x127], enable: 0x125, stop: 0x122, mapping: "SDL database (HORI CO. LTD. HORIPAD S)"),
  ]

  /// Turns a fixture into this pad.
  func apply(to fixture: inout PadFixture) {
    fixture.state.id = input_id(bustype: bus, vendor: vendor, product: product, version: version)
    fill(&fixture.state.name, name)
    fixture.state.keys = sinew_pad_state().keys
    var keyBits = [UInt8](repeating: 0, count: 96)
    for key in keys { keyBits[Int(key) / 8] |= 1 << UInt8(key % 8) }
    withUnsafeMutableBytes(of: &fixture.state.key_bits) { $0.copyBytes(from: keyBits) }
    var axisBits: UInt64 = 0
    for axis in sticks + triggers + [ABS_HAT0X, ABS_HAT0Y] { axisBits |= 1 << UInt64(axis) }
    withUnsafeMutableBytes(of: &fixture.state.abs_bits) { $0.storeBytes(of: axisBits, as: UInt64.self) }
    for axis in sticks {
      fixture.setAxis(
        Int(axis), input_absinfo(value: 0, minimum: range.0, maximum: range.1, fuzz: fuzz, flat: flat, resolution: 0))
    }
    for axis in triggers {
      fixture.setAxis(
        Int(axis), input_absinfo(value: 0, minimum: 0, maximum: triggerMost, fuzz: 0, flat: 0, resolution: 0))
    }
    let words = stride(from: 88, through: 0, by: -8).map { start in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(keyBits[start + $1]) << UInt64($1 * 8) }
    }
    let lines = fixture.text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      if line.hasPrefix("A: name=") { return "A: name=\(name)" }
      if line.hasPrefix("E: NAME=") { return "E: NAME=\"\(name)\"" }
      if line.hasPrefix("A: capabilities/key=") {
        return "A: capabilities/key=" + words.map { String($0, radix: 16) }.joined(separator: " ")
      }
      if line.hasPrefix("A: capabilities/abs=") { return "A: capabilities/abs=" + String(axisBits, radix: 16) }
      if line.hasPrefix("A: id/vendor=") { return "A: id/vendor=" + hex(vendor) }
      if line.hasPrefix("A: id/product=") { return "A: id/product=" + hex(product) }
      return String(line)
    }
    fixture.text = lines.joined(separator: "\n")
  }

  private func hex(_ value: UInt16) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 4 - text.count) + text
  }
}

/// Writes a text into a C array of characters.
func fill<Field>(_ field: inout Field, _ text: String) {
  withUnsafeMutableBytes(of: &field) { bytes in
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    bytes.copyBytes(from: text.utf8.prefix(bytes.count - 1))
  }
}
