import Foundation
import Gamepads

/// A recording of an Xbox 360 pad, written down event by event: the shipped one's device, and other events.
struct PadScript {
  enum Key: Int { case success = 0x130, stop = 0x131, left = 0x136, enable = 0x137, start = 0x13B }
  enum Axis: Int { case leftX = 0, leftY = 1, rightX = 3, rightY = 4, close = 5, open = 2 }

  private var lines: [String]
  /// s since the beginning.
  private(set) var time = 0.0

  /// Every axis has said something, and is at rest after 0.1 s.
  init() throws {
    lines = try String(contentsOfFile: PadRecording.path(of: "square"), encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("E:") }
    for value in [1, 0] {
      for axis in [Axis.leftX, .leftY, .rightX, .rightY, .close, .open] { move(axis, to: value) }
      wait(0.05)
    }
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  mutating func wait(_ seconds: Double) { time += seconds }

  mutating func hold(_ key: Key) { say("0001", key.rawValue, 1) }
  mutating func letGo(_ key: Key) { say("0001", key.rawValue, 0) }

  mutating func press(_ key: Key) {
    hold(key)
    wait(0.1)
    letGo(key)
    wait(0.1)
  }

  mutating func move(_ axis: Axis, to value: Int) { say("0003", axis.rawValue, value) }

  private mutating func say(_ type: String, _ code: Int, _ value: Int) {
    let stamp = String(format: "%.6f", time)
    lines.append("E: \(stamp) \(type) \(String(format: "%04x", code)) \(value)")
    lines.append("E: \(stamp) 0000 0000 0")
  }
}
