import CPadTestbed
import Foundation
import Gamepads
import Glibc
import TestSupport
import Testing

/// A world of made-up devices, for one test at a time.
final class Testbed {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  fileprivate let bed: OpaquePointer
  private var pads: [TestPad] = []

  init() throws {
    guard let bed = sinew_testbed_make() else { throw Failure(description: "no testbed") }
    self.bed = bed
  }

  /// Takes the world away. Not left to the end of the last reference: that may come while pads are still in use.
  func end() {
    for pad in pads { pad.detach() }
    pads = []
    sinew_testbed_destroy(bed)
  }

  /// The folder that stands for "/".
  var root: String {
    let text = sinew_testbed_root(bed)
    defer { free(text) }
    return String(cString: text)
  }

  func add(_ description: String) throws {
    guard sinew_testbed_add(bed, description) else { throw Failure(description: "not umockdev's notation") }
  }

  /// Plugs in the pad of a fixture as `/dev/input/event<number>`.
  @discardableResult
  func plug(
    _ fixture: String, number: Int = 5, port: String = "1-1", _ change: (inout PadFixture) -> Void = { _ in }
  ) throws -> TestPad {
    var fixture = try PadFixture(fixture)
    change(&fixture)
    try add(fixture.description(number: number, port: port))
    let pad = try TestPad(self, fixture, number: number, port: port)
    pads.append(pad)
    return pad
  }

  /// Takes a pad out: its link hangs up, and its file goes.
  func unplug(_ pad: TestPad) {
    pad.hangUp()
    remove(pad)
  }

  /// Removes a pad's file.
  func remove(_ pad: TestPad) {
    pads.removeAll { $0 === pad }
    pad.detach()
    sinew_testbed_remove(bed, "/sys\(PadFixture.place(pad.number, pad.port))/event\(pad.number)")
    sinew_testbed_remove(bed, "/sys\(PadFixture.place(pad.number, pad.port))")
    // What umockdev leaves behind would hinder the next device of this name, or on this terminal.
    var leftovers = ["/dev/input/event\(pad.number)", "/dev/.node/input_event\(pad.number)"]
    for folder in ["/dev/input/by-id", "/dev/.ptymap"] {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: root + folder)) ?? [] {
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)\(folder)/\(name)")
        if target?.hasSuffix("event\(pad.number)") == true || target == "13:\(64 + pad.number)" {
          leftovers.append("\(folder)/\(name)")
        }
      }
    }
    for path in leftovers { unlink(root + path) }
  }
}

/// A pad as the fixtures describe it: what sysfs shows and what the kernel answers.
struct PadFixture {
  var text: String
  var state = sinew_pad_state()
  /// What the fixture's script sends.
  var events: [(type: UInt16, code: UInt16, value: Int32)] = []

  init(_ name: String) throws {
    func read(_ kind: String) throws -> String {
      try String(contentsOf: Fixtures.url("gamepads/\(name).\(kind)"), encoding: .utf8)
    }
    text = try read("umockdev")
    for line in try read("ioctl").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 3 else { continue }
      take(String(fields[0]), Self.bytes(fields[2]))
    }
    for line in try read("events").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 5, let type = UInt16(fields[2], radix: 16), let code = UInt16(fields[3], radix: 16),
        let value = Int32(fields[4])
      else { throw Testbed.Failure(description: "not an event: \(line)") }
      events.append((type, code, value))
    }
  }

  private mutating func take(_ name: String, _ bytes: [UInt8]) {
    func fill<Field>(_ field: inout Field) {
      withUnsafeMutableBytes(of: &field) { $0.copyBytes(from: bytes.prefix($0.count)) }
    }
    switch name {
    case "EVIOCGID": fill(&state.id)
    case "EVIOCGNAME(0)": fill(&state.name)
    case "EVIOCGPHYS(0)": fill(&state.phys)
    case "EVIOCGUNIQ(0)": fill(&state.uniq)
    case "EVIOCGBIT(0)": fill(&state.event_bits)
    case "EVIOCGBIT(1)": fill(&state.key_bits)
    case "EVIOCGBIT(3)": fill(&state.abs_bits)
    case "EVIOCGBIT(21)": fill(&state.force_bits)
    default:
      guard name.hasPrefix("EVIOCGABS("), let code = Int(name.dropFirst(10).dropLast()) else { return }
      var info = input_absinfo()
      fill(&info)
      setAxis(code, info)
    }
  }

  mutating func setAxis(_ code: Int, _ info: input_absinfo) { state.setAxis(code, info) }

  private static func bytes(_ text: Substring) -> [UInt8] {
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
    }
  }

  static func place(_ number: Int, _ port: String) -> String {
    "/devices/pci0000:00/0000:00:14.0/usb1/\(port)/\(port):1.0/input/input\(number)"
  }

  /// The fixture's sysfs at another number and port.
  func description(number: Int, port: String) -> String {
    text.replacingOccurrences(of: "usb1/1-1/1-1:1.0", with: "usb1/\(port)/\(port):1.0")
      .replacingOccurrences(of: "input5", with: "input\(number)")
      .replacingOccurrences(of: "event5", with: "event\(number)")
      .replacingOccurrences(of: "-event-joystick", with: number == 5 ? "-event-joystick" : "-\(number)-event-joystick")
      .replacingOccurrences(of: "MINOR=69", with: "MINOR=\(64 + number)\nA: dev=13:\(64 + number)")
  }
}

extension sinew_pad_state {
  /// The axes are a tuple to Swift.
  mutating func setAxis(_ code: Int, _ info: input_absinfo) {
    withUnsafeMutableBytes(of: &axes) { $0.bindMemory(to: input_absinfo.self)[code] = info }
  }

  mutating func setAxis(_ code: Int, value: Int32) {
    withUnsafeMutableBytes(of: &axes) { $0.bindMemory(to: input_absinfo.self)[code].value = value }
  }

  mutating func setKey(_ code: Int, _ isDown: Bool) {
    withUnsafeMutableBytes(of: &keys) { bytes in
      if isDown { bytes[code / 8] |= 1 << UInt8(code % 8) } else { bytes[code / 8] &= ~(1 << UInt8(code % 8)) }
    }
  }
}

/// One plugged-in pad.
final class TestPad {
  private let pad: OpaquePointer
  let number: Int
  let port: String
  let events: [(type: UInt16, code: UInt16, value: Int32)]

  fileprivate init(_ bed: Testbed, _ fixture: PadFixture, number: Int, port: String) throws {
    var state = fixture.state
    guard let pad = sinew_pad_attach(bed.bed, "/dev/input/event\(number)", &state) else {
      throw Testbed.Failure(description: "the pad cannot be attached")
    }
    self.pad = pad
    self.number = number
    self.port = port
    events = fixture.events
  }

  var path: String { "/dev/input/event\(number)" }
  var asked: sinew_pad_record { sinew_pad_asked(pad) }

  fileprivate func detach() { sinew_pad_detach(pad) }

  /// Changes what the kernel says of the pad, without an event.
  func change(_ body: (inout sinew_pad_state) -> Void) {
    var state = sinew_pad_state()
    sinew_pad_read(pad, &state)
    body(&state)
    sinew_pad_change(pad, &state)
  }

  /// Sends one event; the kernel's state follows. A full device is waited for until somebody has read from it.
  func send(_ type: Int32, _ code: Int32, _ value: Int32) {
    change { state in
      if type == EV_KEY { state.setKey(Int(code), value != 0) }
      if type == EV_ABS { state.setAxis(Int(code), value: value) }
    }
    let end = Date(timeIntervalSinceNow: TestPad.patience)
    while !sinew_pad_send(pad, UInt16(type), UInt16(code), value) {
      guard Date() < end else {
        Issue.record("nobody reads the device: \(unread) events lie unread")
        return
      }
      usleep(500)
    }
  }

  func report() { send(EV_SYN, SYN_REPORT, 0) }
  func key(_ code: Int32, _ isDown: Bool) {
    send(EV_KEY, code, isDown ? 1 : 0)
    report()
  }
  func axis(_ code: Int32, _ value: Int32) {
    send(EV_ABS, code, value)
    report()
  }

  func hangUp() { sinew_pad_hang_up(pad) }

  /// Events that were sent and have not been read yet.
  var unread: Int { Int(sinew_pad_unread(pad)) }
  /// How many may lie unread.
  static let room = 170
  /// How long a test waits, at most, for what must happen, s: a machine may have much else to do.
  static let patience: Double = 120

  /// The next event that was written to the pad; nil when none has come after `patience` s.
  func received(patience: Double = TestPad.patience) -> input_event? {
    var event = input_event()
    let end = Date(timeIntervalSinceNow: patience)
    repeat {
      if sinew_pad_receive(pad, &event) { return event }
      usleep(500)
    } while Date() < end
    return nil
  }
}
