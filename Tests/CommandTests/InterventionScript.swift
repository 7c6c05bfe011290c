import Foundation

/// What a pad's holder does, as an `evemu` recording: presses and sticks at given times.
struct InterventionScript {
  /// Codes of an Xbox 360 pad (linux/input-event-codes.h).
  enum Button: String {
    case start = "013b"
    /// The right shoulder.
    case enable = "0137"
    /// A: success.
    case success = "0130"
    /// The left of the cross, which is an axis here: discard.
    case discard = "0010"
  }

  private(set) var time = 0.0
  private var events: [String] = []

  init() {
    // A pad says where its sticks are when it is opened.
    for axis in 0..<6 { event("0003", "000\(axis)", 0) }
    synchronise()
  }

  private mutating func event(_ type: String, _ code: String, _ value: Int) {
    events.append("E: \(String(format: "%.6f", time)) \(type) \(code) \(value)")
  }

  private mutating func synchronise() { event("0000", "0000", 0) }

  mutating func wait(_ seconds: Double) { time += seconds }

  mutating func hold(_ button: Button) {
    if button == .discard { event("0003", button.rawValue, -1) } else { event("0001", button.rawValue, 1) }
    synchronise()
  }

  mutating func release(_ button: Button) {
    event(button == .discard ? "0003" : "0001", button.rawValue, 0)
    synchronise()
  }

  mutating func press(_ button: Button) {
    hold(button)
    wait(0.1)
    release(button)
  }

  /// Holds the left stick for a while: −1 to 1, to the right and to the holder.
  mutating func push(right: Double, back: Double, seconds: Double) {
    for (x, y) in [(right, back), (0, 0)] {
      event("0003", "0000", Int(32767 * x))
      event("0003", "0001", Int(32767 * y))
      synchronise()
      // A real stick trembles; a pad that says nothing for long counts as gone.
      if x != 0 || y != 0 {
        for step in 1...max(1, Int(seconds / 0.05)) {
          time += 0.05
          event("0003", "0000", Int(32767 * x) - (x > 0 ? step % 2 : -(step % 2)) * 40)
          synchronise()
        }
      }
    }
  }

  var text: String {
    """
    # EVEMU 1.3
    # Made by a test.
    N: Microsoft X-Box 360 pad
    I: 0003 045e 028e 0114
    P: 00 00 00 00 00 00 00 00
    B: 00 0b 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 db 7c
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 01 00 00 00 00 00 00 00 00
    B: 03 3f 00 03 00 00 00 00 00
    A: 00 -32768 32767 16 128 0
    A: 01 -32768 32767 16 128 0
    A: 03 -32768 32767 16 128 0
    A: 04 -32768 32767 16 128 0
    A: 02 0 255 0 0 0
    A: 05 0 255 0 0 0
    A: 10 -1 1 0 0 0
    A: 11 -1 1 0 0 0
    \(events.joined(separator: "\n"))

    """
  }
}
