import Foundation
import Gamepads

/// A recording of an Xbox 360 pad, written down event by event: the shipped one's device, and other events.
struct PadScript {
  enum Key: Int {
    case success = 0x130, stop = 0x131, left = 0x136, enable = 0x137, start = 0x13B
    /// The cross to the left, which is an axis here.
    case discard = 0x10
  }
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

  mutating func hold(_ key: Key) { key == .discard ? say("0003", key.rawValue, -1) : say("0001", key.rawValue, 1) }
  mutating func letGo(_ key: Key) { say(key == .discard ? "0003" : "0001", key.rawValue, 0) }

  mutating func press(_ key: Key) {
    hold(key)
    wait(0.1)
    letGo(key)
    wait(0.1)
  }

  mutating func move(_ axis: Axis, to value: Int) { say("0003", axis.rawValue, value) }

  /// Holds the left stick for a while: −1 to 1, to the right and to the holder.
  mutating func push(right: Double, back: Double, seconds: Double) {
    let (x, y) = (Int(32767 * right), Int(32767 * back))
    move(.leftX, to: x)
    move(.leftY, to: y)
    // As a real stick it trembles, inwards.
    for step in 1...max(1, Int(seconds / 0.05)) {
      wait(0.05)
      move(.leftX, to: x - x.signum() * (step % 2) * 40)
    }
    move(.leftX, to: 0)
    move(.leftY, to: 0)
  }

  private mutating func say(_ type: String, _ code: Int, _ value: Int) {
    let stamp = String(format: "%.6f", time)
    lines.append("E: \(stamp) \(type) \(String(format: "%04x", code)) \(value)")
    lines.append("E: \(stamp) 0000 0000 0")
  }
}
