// Feeds arbitrary bytes to everything that reads gamepad mappings, and to one pad's state machine: a line of SDL's
// database, a mapping file, and events in the kernel's layout without their times.
import ArmModel
import Configuration
import Gamepads

private let identity = PadIdentity(
  path: "/dev/input/event0", name: "fuzz", bus: 3, vendor: 0x045E, product: 0x028E, version: 0x0114)

private func makeCapabilities() -> PadCapabilities {
  var capabilities = PadCapabilities(keys: Set(0x130...0x13E))
  for code in [0, 1, 2, 3, 4, 5] as [UInt16] { capabilities.axes[code] = AxisRange(minimum: 0, maximum: 255) }
  for code in [16, 17] as [UInt16] { capabilities.axes[code] = AxisRange(minimum: -1, maximum: 1) }
  return capabilities
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: data, count: count)
  let capabilities = makeCapabilities()
  let text = String(decoding: bytes, as: UTF8.self)
  for line in SDLDatabase(text: text).mappings {
    _ = line.describes(identity)
    _ = try? line.resolved(for: capabilities, labels: .xbox, origin: "")
  }
  do throws(ConfigurationError) {
    let file = try MappingFile(ConfigurationNode.parse(text: text, file: "fuzz"))
    precondition(file.layout.problem == nil)
    // What was read can be written and read again.
    let again = try MappingFile(ConfigurationNode.parse(text: file.text, file: "fuzz"))
    precondition(again == file)
    play(bytes, file.mapping, file.layout, capabilities)
  } catch {
    precondition(!error.description.contains("\n"), "an error of more than one line")
  }
  var sources: [PadControl: PadSource] = [:]
  for (control, name) in [
    (PadControl.rightShoulder, "BTN_TR"), (.b, "BTN_EAST"), (.leftShoulder, "BTN_TL"), (.start, "BTN_START"),
    (.leftX, "ABS_X"), (.leftY, "ABS_Y"), (.leftTrigger, "ABS_Z"), (.rightTrigger, "ABS_RZ"),
  ] { sources[control] = PadSource(text: name) }
  play(bytes, PadMapping(origin: "fuzz", labels: .xbox, sources: sources), .standard, capabilities)
  return 0
}

/// Six bytes are an event (type, code, value); some types stand for what happens between events.
private func play(
  _ bytes: UnsafeBufferPointer<UInt8>, _ mapping: PadMapping, _ layout: OperatorLayout, _ capabilities: PadCapabilities
) {
  var pad = PadInterpreter(
    mapping: mapping, layout: layout, capabilities: capabilities, keysDown: [], axisValues: [:],
    link: .init(isWireless: true), now: 0)
  var guide = MappingGuide(capabilities: capabilities, keysDown: [], axisValues: [:], now: 0)
  var now: Int64 = 0
  for start in stride(from: 0, to: bytes.count - 5, by: 6) {
    now += 1_000_000
    let code = UInt16(bytes[start + 1]) | UInt16(bytes[start + 2]) << 8
    let value = Int32(bytes[start + 3]) | Int32(bytes[start + 4]) << 8 | Int32(Int8(bitPattern: bytes[start + 5])) << 24
    switch bytes[start] {
    case 0xF0: pad.beginLoss(now: now)
    case 0xF1: pad.endLoss(now: now)
    case 0xF2:
      now += Int64(value.magnitude) * 1000
      pad.tick(now: now)
      _ = guide.tick(now: now)
    case 0xF3: _ = guide.skip()
    case 0xF4: _ = guide.back()
    default:
      let event = PadEvent(type: UInt16(bytes[start]), code: code, value: value, stamp: now)
      pad.take(event, now: now)
      _ = guide.take(event, now: now)
    }
    let input = pad.input
    precondition(abs(input.leftX) <= 1 && abs(input.rightY) <= 1 && abs(input.gripper) <= 1)
    precondition(!input.held.has(.enable) || input.status.has(.enableIsDown))
    precondition(Set(guide.sources.values).count == guide.sources.count)
  }
}
