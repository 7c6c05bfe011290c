import ArmModel
import Testing

@testable import Gamepads

/// A terminal's keys as an operator's input, on a virtual clock.
@Suite struct KeyboardTests {
  var keys = KeyboardInterpreter(now: 0)
  var now: Int64 = 0

  private mutating func type(_ text: String) {
    for byte in text.utf8 { keys.take(byte, now: now) }
  }
  private mutating func pass(_ seconds: Double) {
    let end = now + Int64(seconds * 1e9)
    while now < end {
      now += 10_000_000
      keys.tick(now: now)
    }
  }
  private func presses(_ role: OperatorRole) -> UInt8 { keys.input.presses[Int(role.rawValue)] }

  @Test mutating func `A key moves for 0.15 s, and its repetition carries it on`() {
    type("w")
    #expect(keys.input.leftY == 1 && !keys.input.status.has(.neutral))
    pass(0.1)
    type("w")
    pass(0.1)
    #expect(keys.input.leftY == 1)
    pass(0.1)
    #expect(keys.input.leftY == 0 && keys.input.status.has(.neutral))
  }

  @Test mutating func `Enable is switched by the space bar and goes off by itself`() {
    type(" ")
    #expect(keys.input.held.has(.enable) && keys.input.status.has(.enableIsDown) && presses(.enable) == 1)
    pass(1.9)
    type("d")
    pass(1.9)
    #expect(keys.input.held.has(.enable))
    pass(0.2)
    #expect(!keys.input.held.has(.enable) && !keys.input.status.has(.enableIsDown))
    type("  ")
    #expect(!keys.input.held.has(.enable), "on and off again")
  }

  @Test mutating func `Stop takes enable and every motion away`() {
    type(" wx")
    #expect(!keys.input.held.has(.enable) && keys.input.leftY == 0 && presses(.stop) == 1)
  }

  @Test mutating func `Arrows are motions, and the escape key alone is a stop`() {
    type("\u{1b}[A")
    #expect(keys.input.leftY == 1)
    type("\u{1b}[D")
    #expect(keys.input.leftX == -1 && presses(.stop) == 0)
    type(" \u{1b}")
    pass(0.1)
    #expect(presses(.stop) == 1 && !keys.input.held.has(.enable))
    type("\u{1b}[3~\u{1b}[1;5C")
    pass(0.1)
    #expect(presses(.stop) == 1, "longer keys are no escape")
  }

  @Test mutating func `Every role has a key`() {
    type(" xX\rRPynu+-m")
    for role in OperatorRole.allCases { #expect(presses(role) >= 1, "\(role.name)") }
  }
}
